"""What was heard at a recorder, as a dialogue that test/script plays without a socket."""
import re
import socket

LOGGED_IN = re.compile(rb'^\S+ OK \[CAPABILITY [^]]*\] Logged in\r\n')
VALIDITY = re.compile(rb'UIDVALIDITY (\d+)|(?:APPENDUID|COPYUID) (\d+)|QRESYNC \((\d+)')
AWKWARD = re.compile(rb'[\x00-\x1f]|[ \t]\Z')
# The player's clock stands still here; UIDVALIDITYs follow one by one.
PLAYER_SECONDS = 1700000000
BORN_MAILBOXES = 6
SEATS = 4
LINE_BYTES_MAX = 8000  # of the player


class Stream:
    """One side of one connection, cut into lines."""

    def __init__(self):
        self.rest = b''

    def lines(self, data):
        *lines, self.rest = (self.rest + data).split(b'\r\n')
        return lines


class Client:
    def __init__(self):
        self.streams = {'C': Stream(), 'S': Stream()}
        self.seat = None  # until the login
        self.logged_out = False


class Dialogue:
    def __init__(self, events):
        self.events = events
        self.lines = []
        self.clients = {}
        self.free = list(range(1, SEATS + 1))
        self.validities = known_validities(events)
        self.host = re.compile(rb'\b%s\b' % re.escape(socket.gethostname().encode()))

    def text(self, remark):
        for number, who, data in self.events:
            self.hear(self.clients.setdefault(number, Client()), who, data)
        return b''.join(b'# %s\n' % line.encode() for line in remark) + \
            b''.join(line + b'\n' for line in self.lines)

    def hear(self, client, who, data):
        if who == 'end':
            self.end(client)
            return
        for line in client.streams[who].lines(data):
            if client.seat is None:
                if who == 'S' and LOGGED_IN.match(line + b'\r\n'):
                    client.seat = self.free.pop(0)
            elif who == 'C':
                client.logged_out |= line.upper().endswith(b' LOGOUT')
                self.add(client, b'C', self.same(line))
            else:
                self.add(client, b'S', masked(self.same(line)))

    def add(self, client, letter, line):
        assert len(line) < LINE_BYTES_MAX, line
        seat = b'' if client.seat == 1 else b'%d' % client.seat
        if AWKWARD.search(line):
            # Blanks at the end of a line, and what is no text.
            assert letter == b'C', line
            escaped = re.sub(rb'[\x00-\x1f\\]|[ \t]$', lambda byte: b'\\x%02x' % byte[0][0], line)
            self.lines.append(b'c' + seat + b': ' + escaped + b'\\r\\n')
        else:
            self.lines.append(letter + seat + b':' + (b' ' + line if line else b''))

    def end(self, client):
        if client.seat is not None:
            self.lines.append(b'%s %d' % (b'closed' if client.logged_out else b'gone', client.seat))
            self.free.append(client.seat)
            self.free.sort()
            client.seat = None
            client.streams = {'C': Stream(), 'S': Stream()}

    def same(self, line):
        """The line with what differs from one run to the next as it is for the player."""
        for there, here in self.validities.items():
            line = line.replace(there, here)
        # As long as before: it may stand in a literal.
        return self.host.sub(lambda host: b'client'.ljust(len(host[0]), b'x')[:len(host[0])], line)


def known_validities(events):
    """{UIDVALIDITY in the recording: that of the player}, both as text."""
    found = set()
    for number in {number for number, _, _ in events}:
        for who in 'CS':
            text = b''.join(data for *speaker, data in events if speaker == [number, who])
            found |= {int(next(filter(None, match))) for match in VALIDITY.findall(text)}
    if not found:
        return {}
    first, known, made = min(found), {}, 0
    for value in sorted(found):
        if value - first < BORN_MAILBOXES:
            known[b'%d' % value] = b'%d' % (PLAYER_SECONDS + value - first)
        else:
            known[b'%d' % value] = b'%d' % (PLAYER_SECONDS + BORN_MAILBOXES + made)
            made += 1
    return known


def masked(line):
    """A line of the server without what is another in each run or version."""
    line = re.sub(rb'^\* CAPABILITY .*', b'* CAPABILITY ...', line)
    line = re.sub(rb'("version" )"[^"]*"', rb'\1"..."', line)
    line = re.sub(rb'[ \t]+\Z', b'...', line)
    return re.sub(rb'(INTERNALDATE|SAVEDATE) "[^"]*"', mask_date, line)


def mask_date(match):
    """Dates that a client gave are of 2026-11-02 in the story; the others are those of the run."""
    return match[0] if re.search(rb'"[ 0]2-Nov-2026 ', match[0]) else match[1] + b' "..."'
