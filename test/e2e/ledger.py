"""A client's own book of one account: what was acknowledged, and so must be there for ever.

One client at a time changes the account; deliveries come into INBOX besides. After a connection
broke, the command that was under way may have happened or not: the book then has two possible
states, and what is found must be one of them, whole."""
import hashlib
import re
import threading
from dataclasses import dataclass, field

BOXES = ('INBOX', 'a', 'b', 'c')
FLAGS = ('\\Seen', '\\Flagged', '\\Answered', '$red', '$blue')
TRACE = re.compile(rb'Return-Path: [^\r]*\r\nDelivered-To: [^\r]*\r\nReceived: [^\r]*\r\n'
                   rb'(?:[ \t][^\r]*\r\n)*')
FETCHED = re.compile(rb'\* \d+ FETCH \((.*)\)$', re.S)


def message(token):
    """The bytes of the message with this token: mostly small, some with a body segment of their
    own. Lines of every kind that travels badly: dots, long ones, the words of the protocol."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    kind = int(digest[:2], 16)
    lines = 5 if kind < 128 else 60 if kind < 230 else 2000 if kind < 250 else 8000
    head = (f'From: sender@example.net\r\nTo: k@example.org\r\nSubject: {token}\r\n'
            f'Message-ID: <{token}@example.net>\r\n\r\n')
    body = [f'{digest} {i}' if i % 7 else f'.{digest} {i}' for i in range(lines)]
    return (head + '\r\n'.join(body) + f'\r\n.\r\nend of {token}\r\n').encode()


@dataclass(frozen=True)
class Entry:
    token: str
    flags: frozenset


@dataclass
class Change:
    """What a command will have done when it has happened."""
    text: str
    removed: set = field(default_factory=set)  # {(box, uid)}
    flags: dict = field(default_factory=dict)  # {(box, uid): flags}
    added: list = field(default_factory=list)  # [(box, Entry)] in the order of their uids


class Lost(AssertionError):
    """A promise was broken."""


def expand(text):
    """The numbers of a set as COPYUID writes it."""
    numbers = []
    for part in text.decode().split(','):
        first, _, last = part.partition(':')
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def entry_of(line):
    """(uid, Entry, size) of a FETCH line as observe() asks for it."""
    items = FETCHED.match(line)[1]
    flags = frozenset(re.search(rb'FLAGS \(([^)]*)\)', items)[1].decode().split()) - {'\\Recent'}
    token = re.search(rb'(?i)Message-ID: <([^@]*)@', items)
    if token is None:
        raise Lost(f'a message without its header: {items[:200]}')
    return (int(re.search(rb'UID (\d+)', items)[1]), Entry(token[1].decode(), flags),
            int(re.search(rb'RFC822\.SIZE (\d+)', items)[1]))


class Ledger:
    def __init__(self, name):
        self.name = name
        self.boxes = {box: {} for box in BOXES}  # {box: {uid: Entry}}
        self.used = {box: {} for box in BOXES}  # {box: {uid: token}}: for ever
        self.floor = 0  # the highest uid of INBOX when it was last looked at
        self.validity = {}
        self.pending = None  # a Change whose answer never came
        self.lock = threading.Lock()
        self.sent = {}  # {token: acknowledged} of deliveries that have not been found yet
        self.counts = {'acknowledged': 0, 'deliveries': 0, 'happened': 0, 'did not': 0}

    def fail(self, text):
        raise Lost(f'{self.name}: {text}')

    def note_uid(self, box, uid, token):
        if self.used[box].setdefault(uid, token) != token:
            self.fail(f'{box} uid {uid} was {self.used[box][uid]} and is now {token}')

    # The commands of the client that were acknowledged.

    def apply(self, change, uids):
        """It has happened; `uids` of what it has added."""
        assert len(uids) == len(change.added), change.text
        for box, uid in change.removed:
            del self.boxes[box][uid]
        for (box, uid), flags in change.flags.items():
            self.boxes[box][uid] = Entry(self.boxes[box][uid].token, flags)
        for (box, entry), uid in zip(change.added, uids):
            if uid <= max(self.used[box], default=0):
                self.fail(f'{change.text}: uid {uid} in {box} is not new')
            self.note_uid(box, uid, entry.token)
            self.boxes[box][uid] = entry
        self.counts['acknowledged'] += 1

    # Deliveries.

    def delivery_begins(self, token):
        with self.lock:
            self.sent[token] = False

    def delivery_acknowledged(self, token):
        with self.lock:
            if token in self.sent:  # not found yet
                self.sent[token] = True
            self.counts['deliveries'] += 1

    def take_arrivals(self, extras, due):
        """Moves new deliveries from `extras` of INBOX into the book; `due` must be among them."""
        found = set()
        for uid, entry in sorted(extras.items()):
            with self.lock:
                if self.sent.pop(entry.token, None) is None:
                    continue
            found.add(entry.token)
            if entry.flags:
                self.fail(f'the delivery {entry.token} came with flags {set(entry.flags)}')
            self.boxes['INBOX'][uid] = entry
            del extras[uid]
        missing = due - found
        if missing:
            self.fail(f'{len(missing)} acknowledged deliveries are not there: '
                      f'{sorted(missing)[:3]}')

    # What is found after a reconnect.

    def difference(self, found, change):
        """None when `found` is the book after `change` (None: the book as it is), else what is not
        as it should be. Deliveries have been taken in already."""
        expected = {box: dict(entries) for box, entries in self.boxes.items()}
        added = {box: [] for box in BOXES}
        if change is not None:
            for box, uid in change.removed:
                del expected[box][uid]
            for (box, uid), flags in change.flags.items():
                expected[box][uid] = Entry(expected[box][uid].token, flags)
            for box, entry in change.added:
                added[box].append(entry)
        for box in BOXES:
            for uid, entry in expected[box].items():
                if found[box].get(uid) != entry:
                    return f'{box} uid {uid} should be {entry}, is {found[box].get(uid)}'
            extras = [entry for uid, entry in sorted(found[box].items())
                      if uid not in expected[box]]
            if extras != added[box]:
                return f'{box} has {extras[:5]} besides, not {added[box][:5]}'
        return None

    def settle(self, found, due):
        """`found` is {box: {uid: Entry}} of a connection that came after everything; `due` the
        deliveries that had been acknowledged before it looked."""
        for box in BOXES:
            for uid, entry in found[box].items():
                # A delivery may have come before what this client has appended since it looked.
                floor = self.floor if entry.token in self.sent else max(self.used[box], default=0)
                if uid not in self.used[box] and uid <= floor:
                    self.fail(f'{box} uid {uid} ({entry.token}) is new, but not the highest')
        extras = {uid: entry for uid, entry in found['INBOX'].items()
                  if uid not in self.boxes['INBOX']}
        self.take_arrivals(extras, due)
        for box in BOXES:
            for uid, entry in found[box].items():
                self.note_uid(box, uid, entry.token)
        undone = self.difference(found, None)
        if undone is not None:
            done = self.difference(found, self.pending)
            if self.pending is None or done is not None:
                self.fail(f'{undone}; pending: {self.pending and self.pending.text}; '
                          f'with it: {done}')
        if self.pending is not None:
            self.counts['happened' if undone is not None else 'did not'] += 1
        self.pending = None
        self.floor = max(self.used['INBOX'], default=0)
        self.boxes = {box: dict(entries) for box, entries in found.items()}

    def observe(self, connection, everything=False, sample=()):
        """Looks at all mailboxes; reads every body, or those that `sample` picks of the uids."""
        with self.lock:
            due = {token for token, acknowledged in self.sent.items() if acknowledged}
        found = {}
        for box in BOXES:
            lines = connection.ok(f'SELECT {box}')
            validity = re.search(rb'UIDVALIDITY (\d+)', b'\n'.join(lines))[1]
            if self.validity.setdefault(box, validity) != validity:
                self.fail(f'{box} has another UIDVALIDITY')
            lines = connection.ok('UID FETCH 1:* (FLAGS RFC822.SIZE '
                                  'BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])')
            found[box] = {}
            for line in lines:
                if b'RFC822.SIZE' in line:
                    uid, entry, size = entry_of(line)
                    if uid in found[box]:
                        self.fail(f'{box} uid {uid} is listed twice')
                    found[box][uid] = entry
            uids = sorted(found[box]) if everything else sample(sorted(found[box]))
            self.read_bodies(connection, box, {uid: found[box][uid].token for uid in uids})
        self.settle(found, due)

    def read_bodies(self, connection, box, tokens):
        if not tokens:
            return
        wanted = ','.join(map(str, tokens))
        read = set()
        for line in connection.ok(f'UID FETCH {wanted} (BODY.PEEK[])'):
            match = re.match(rb'\* \d+ FETCH \((?:UID (\d+) )?BODY\[\] \{\d+\}\r\n', line)
            if match is None:
                continue
            rest = line[match.end():]
            uid = int(match[1] or re.search(rb' UID (\d+)\)$', rest)[1])
            body = rest[:-1] if match[1] else rest[:rest.rindex(b' UID ')]
            whole = message(tokens[uid])
            if body != whole and TRACE.sub(b'', body, count=1) != whole:
                self.fail(f'{box} uid {uid} ({tokens[uid]}): {len(body)} bytes that are not what '
                          f'was sent ({len(whole)})')
            read.add(uid)
        if read != set(tokens):
            self.fail(f'{box}: no body for {sorted(set(tokens) - read)[:5]}')
