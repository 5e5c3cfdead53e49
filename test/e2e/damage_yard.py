"""A server with many accounts whose files come to harm while it runs, and what its clients see.

`Yard` is the server; `Victim` one account: its files as they were (which put all right again), the
messages that it holds, and a client that compares."""
import os
import random
import re
import signal
import threading
import time

from damage_forecast import CHUNK, Forecast
from mail import message
from roost_server import PASSWORD, Server
from wire import Closed, Wire

SMALL, LARGE = 15, 3  # messages; the large ones have a segment of their own
ITEMS = '(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)'
LITERAL = re.compile(rb'BODY\[\](?:<\d+>)? \{(\d+)\}\r\n')
OPENED = re.compile(r'event=account-opened account_id=(\w+) .*')
SYSTEM_FLAGS = {1: '\\Seen', 2: '\\Answered', 4: '\\Flagged', 8: '\\Deleted', 16: '\\Draft'}


def burst(wire, commands):
    """Sends all, then reads all: [(status, text, untagged lines)]."""
    tags = [next(wire.tags) for _ in commands]
    try:
        wire.socket.sendall(b''.join(f'{tag} {command}\r\n'.encode()
                                     for tag, command in zip(tags, commands)))
    except OSError as error:
        raise Closed(str(error)) from error
    answers = []
    for tag in tags:
        wire.tag = tag
        answers.append(wire.finish())
    return answers


def literal(lines):
    for line in lines:
        match = LITERAL.search(line)
        if match is not None:
            return line[match.end():match.end() + int(match[1])]
    return None


def is_refused(answer):
    status, text, lines = answer
    return (status == 'NO' and text.startswith(b'[CORRUPTION]') and
            literal(lines) in (None, b''))


def log_in(server, name):
    """Waits for a shard that is being started again."""
    end = time.monotonic() + 20
    while True:
        try:
            wire = Wire(server.imap_port)
            status, text, _ = wire.ask(f'LOGIN {name} "{PASSWORD}"')
        except Closed as closed:
            status, text = 'closed', str(closed)
        if status == 'OK':
            return wire
        assert time.monotonic() < end, (name, status, text)
        time.sleep(0.01)


class Victim:
    """One account. Paths are relative to its directory."""

    def __init__(self, yard, name):
        self.yard, self.name = yard, name
        self.wire = None

    def note(self):
        """Of an account at rest: the files, and by the log alone what must be in it."""
        shown = self.yard.server.run('account', 'show', self.name).stdout.decode()
        self.id = re.search(r'^id +([0-9a-f]{32})$', shown, re.M)[1]
        self.folder = self.yard.server.folder / 'data' / 'accounts' / self.id[:2] / self.id
        self.files = self.read_files()
        self.account = Forecast(self.files, dict(self.files, checkpoint=None)).recover().account()
        self.mailboxes = sorted((mailbox for mailbox in self.account.mailboxes.values()
                                 if mailbox.rows), key=lambda mailbox: mailbox.number)

    def note_answers(self):
        """What a client sees of it, once: from then on the truth."""
        self.text, self.facts = {}, {}
        for mailbox in self.mailboxes:
            uids = sorted(mailbox.rows)
            commands = [f'EXAMINE {mailbox.name}']
            commands += [f'UID FETCH {uid} (BODY.PEEK[])' for uid in uids]
            for uid, answer in zip(uids, burst(self.connect(), commands)[1:]):
                row = mailbox.rows[uid]
                assert answer[0] == 'OK' and len(literal(answer[2])) == row['size']
                self.text[row['body']] = literal(answer[2])
            self.facts[mailbox.name] = self.ask_facts(mailbox)

    def read_files(self):
        return {str(path.relative_to(self.folder)): path.read_bytes()
                for path in self.folder.rglob('*') if path.is_file()}

    def heal(self):
        """All as it was, in the same directory; nobody has the account open."""
        now = self.read_files()
        for path in now.keys() - self.files.keys():
            (self.folder / path).unlink()
        for path, data in self.files.items():
            if now.get(path) != data:
                (self.folder / path).write_bytes(data)

    def connect(self):
        """The client's connection, logged in."""
        if self.wire is None:
            self.wire = log_in(self.yard.server, self.name)
        return self.wire

    def leave(self):
        if self.wire is not None:
            self.wire.close()
        self.wire = None

    def ask_facts(self, mailbox):
        """Metadata of all that was there at first; later mail is not asked for."""
        last = max(mailbox.rows)
        _, fetched, found = burst(self.connect(), [
            f'EXAMINE {mailbox.name}', f'UID FETCH 1:{last} {ITEMS}',
            f'UID SEARCH UID 1:{last} SUBJECT "number 1"'])
        assert fetched[0] == found[0] == 'OK', (fetched, found)
        return ([line.replace(b' \\Recent', b'').replace(b'\\Recent', b'')
                 for line in fetched[2] if b'ENVELOPE' in line],
                [line.split(b' (MODSEQ')[0] for line in found[2] if b'SEARCH' in line])

    def check_facts(self):
        for mailbox in self.mailboxes:
            assert self.ask_facts(mailbox) == self.facts[mailbox.name], (self.name, mailbox.name)

    def check_bodies(self, dice, count, forecast=None):
        """So many messages, and all that were hit: whole, and a piece of each. Right bytes, or not
        one; without a forecast all must come. How many were refused."""
        refused = 0
        for mailbox in self.mailboxes:
            places = {uid: self.account.bodies[row['body']] for uid, row in mailbox.rows.items()}
            hurt = [uid for uid in places
                    if forecast is not None and forecast.body_holds(places[uid]) is not True]
            whole = [uid for uid in places if uid not in hurt]
            chosen = dice.sample(whole, min(count, len(whole)))
            for uid, answer in self.fetch(mailbox, [(uid, 0, None) for uid in chosen]):
                assert answer[0] == 'OK', (self.name, mailbox.name, uid, answer[:2])
                assert literal(answer[2]) == self.text[mailbox.rows[uid]['body']], (self.name, uid)
            pieces = [self.piece(dice, mailbox, uid) for uid in hurt + chosen[:2]]
            for uid, start, size in pieces + [(uid, 0, None) for uid in hurt]:
                refused += self.check_piece(mailbox, uid, start, size, forecast)
        return refused

    def piece(self, dice, mailbox, uid):
        size = mailbox.rows[uid]['size']
        start = dice.randrange(size)
        return uid, start, dice.randrange(1, size - start + 1)

    def fetch(self, mailbox, pieces):
        commands = [f'UID FETCH {uid} (BODY.PEEK[]{"" if size is None else f"<{start}.{size}>"})'
                    for uid, start, size in pieces]
        answers = burst(self.connect(), [f'EXAMINE {mailbox.name}', *commands])[1:]
        return zip([uid for uid, _, _ in pieces], answers)

    def check_piece(self, mailbox, uid, start, size, forecast):
        row = mailbox.rows[uid]
        end = row['size'] if size is None else start + size
        place = self.account.bodies[row['body']]
        holds = True if forecast is None else forecast.body_holds(place, start, end)
        try:
            (_, answer), = self.fetch(mailbox, [(uid, start, size)])
        except Closed:  # in the middle of a large literal: too late for a NO
            assert holds is not True and start // CHUNK < (end - 1) // CHUNK, (self.name, uid)
            self.wire = None
            return 1
        if is_refused(answer):
            assert holds is not True, (self.name, uid, start, size)
            return 1
        assert answer[0] == 'OK' and holds is not False, (self.name, uid, start, size, answer[:2])
        assert literal(answer[2]) == self.text[row['body']][start:end], (self.name, uid, start)
        return 0

    def check_account(self, account):
        """Every mailbox of it, row by row, and nothing else."""
        wire = self.connect()
        listed = {re.search(rb'"?([^" ]+)"?$', line)[1].decode()
                  for line in wire.ok('LIST "" "*"') if line.startswith(b'* LIST')}
        wanted = {mailbox.name: mailbox for mailbox in account.mailboxes.values()}
        assert wanted.keys() <= listed, (self.name, wanted.keys(), listed)
        commands = []
        for name in sorted(listed):
            commands += [f'EXAMINE {name}', 'UID FETCH 1:* (FLAGS RFC822.SIZE)']
        answers = burst(wire, commands)
        for name, (status, text, lines) in zip(sorted(listed), answers[1::2]):
            assert status == 'OK', (self.name, name, text)
            found = dict(row_of(line) for line in lines if b'RFC822.SIZE' in line)
            mailbox = wanted.get(name)
            assert found == ({} if mailbox is None else rows_of(mailbox)), (self.name, name)

    def openings(self, log):
        return [match[0] for match in OPENED.finditer(log) if match[1] == self.id]


def row_of(line):
    uid = int(re.search(rb'UID (\d+)', line)[1])
    flags = set(re.search(rb'FLAGS \(([^)]*)\)', line)[1].decode().split()) - {'\\Recent'}
    return uid, (flags, int(re.search(rb'RFC822.SIZE (\d+)', line)[1]))


def rows_of(mailbox):
    rows = {}
    for uid, row in mailbox.rows.items():
        flags = {name for bit, name in SYSTEM_FLAGS.items() if row['flags'] & bit}
        rows[uid] = flags | {mailbox.keywords[number] for number in row['keywords']}, row['size']
    return rows


class Load(threading.Thread):
    """Mail that comes in, and flags that change, in the accounts that are coming to harm."""

    def __init__(self, yard, dice):
        super().__init__(daemon=True)
        self.yard, self.ended, self.failure, self.sent = yard, threading.Event(), None, 0
        self.chosen = dice.sample(yard.victims, max(1, len(yard.victims) // 4))

    def run(self):
        try:
            server = self.yard.server
            clients = [(victim, log_in(server, victim.name)) for victim in self.chosen]
            while not self.ended.is_set():
                victim, wire = clients[self.sent % len(clients)]
                text = message(5000 + self.sent)
                assert server.deliver(f'{victim.name}@example.org', text) == {}
                wire.ok('APPEND Sent %', text)
                wire.ok('SELECT Sent')
                wire.ok('STORE * +FLAGS (\\Flagged)')
                self.sent += 1
        except Exception as failure:  # told by the test
            self.failure = failure

    def end(self):
        self.ended.set()
        self.join(30)
        assert self.failure is None, self.failure


class Yard:
    def __init__(self, seed, accounts, compression):
        self.dice = random.Random(seed)
        self.counts = {'damaged': 0, 'tails': 0}
        self.server = Server({'mail.compression': compression, 'mail.shards': '2',
                              'gate.connections_per_address_max': '1000'})
        self.victims = [Victim(self, f'u{number}') for number in range(accounts)]
        for victim in self.victims:
            self.server.add_account(victim.name)

    def fill(self):
        """Three log segments, or a base and two, in each account; a checkpoint."""
        number = 0
        for part in range(3):
            self.server.start()
            for _ in range(SMALL // 3):
                self.deliver(number, self.dice.randrange(1, 100))
                number += 1
            self.deliver(number, 9000)
            number += 1
            for victim in self.victims:
                self.change(victim, part)
            if part == 1:
                for victim in self.victims[::2]:
                    self.server.run('purge', victim.name, '--yes')
            self.server.stop()
            if part < 2:
                self.end_segments()
        for victim in self.victims:
            victim.note()
        self.server.start()
        for victim in self.victims:
            victim.note_answers()

    def end_segments(self):
        """Zeros behind the last record: the next owner begins a new segment."""
        for folder in (self.server.folder / 'data' / 'accounts').glob('??/*/log'):
            with open(max(folder.glob('*.log')), 'ab') as file:
                file.write(bytes(8))

    def deliver(self, number, lines):
        text = message(number, ''.join(f'{number} {line} {line * number}\r\n'
                                       for line in range(lines)))
        refused = self.server.deliver([f'{victim.name}@example.org' for victim in self.victims],
                                      text)
        assert refused == {}

    def change(self, victim, part):
        wire = victim.connect()
        wire.ok('SELECT INBOX')
        wire.ok(f'STORE {1 + self.dice.randrange(4)}:* +FLAGS (\\Seen word{part})')
        wire.ok(f'STORE {1 + self.dice.randrange(4)} FLAGS (\\Flagged)')
        wire.ok(f'COPY {1 + self.dice.randrange(4)}:* Archive')
        wire.ok(f'STORE {1 + self.dice.randrange(5)} +FLAGS (\\Deleted)')
        wire.ok('EXPUNGE')
        victim.leave()

    def kill_shards(self):
        """Nobody has any account open when it comes back; the supervisor starts new ones."""
        for victim in self.victims:
            victim.leave()
        for pid in self.server.roles().get('mail', []):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # it is just being started again
            while is_alive(pid):
                time.sleep(0.001)

    def log_end(self):
        return self.server.log_path.stat().st_size

    def log_since(self, offset):
        with open(self.server.log_path, 'rb') as file:
            file.seek(offset)
            return file.read().decode(errors='replace')

    def close(self):
        self.server.close()


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except OSError:
        return False
