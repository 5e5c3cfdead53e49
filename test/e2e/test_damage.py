"""Bytes that go bad under a running server: derived files change no answer, a damaged body is a NO
and never a wrong byte, and what a restart finds damaged is in the log, with its place.

ROOST_SEED repeats a run (as far as timing lets it), ROOST_ROUNDS says how many harms."""
import os
import random
import re
import struct
import threading

import pytest

from mail import TRACE, message, wait_for
from roost_server import PASSWORD
from test_derived import HARMS, heal, make_directory
from wire import Closed, Wire

SEED = int(os.environ.get('ROOST_SEED') or random.SystemRandom().randrange(2**32))
ROUNDS = int(os.environ.get('ROOST_ROUNDS', '1000'))
SMALL, LARGE = 60, 5  # messages; the large ones have a segment of their own
DERIVED = ('checkpoint', 'checkpoint.rows.*', 'summary', 'summary.index')
KINDS = ('log', 'body', 'lock', *DERIVED)
RECORDS_AT, HEADER, CHUNK = 8192, 48, 65536
BODY, CHANGE = 1, 2
ITEMS = '(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)'


def text_of(number):
    lines = 12000 if number >= SMALL else random.Random(number).randrange(1, 200)
    return message(number, ''.join(f'{number} {i} {i * number}\r\n' for i in range(lines)))


def connect(server, user='ann'):
    connection = Wire(server.imap_port)
    connection.ok(f'LOGIN {user} "{PASSWORD}"')
    connection.ok('SELECT INBOX')
    return connection


def literal(lines):
    """The literal of the one FETCH among them; None: there is none, or it is NIL."""
    for line in lines:
        match = re.search(rb'BODY\[\](?:<\d+>)? \{(\d+)\}\r\n', line)
        if match is not None:
            return line[match.end():match.end() + int(match[1])]
    return None


class Reader:
    """Reads mail and remembers what it is: whatever comes later is that, or a NO."""

    def __init__(self, server, dice):
        self.server, self.dice = server, dice
        self.connection = connect(server)
        self.refused = 0
        uids = [int(uid) for line in self.connection.ok('UID SEARCH ALL') if b'SEARCH' in line
                for uid in line.split()[2:]]
        self.mail = {uid: literal(self.connection.ok(f'UID FETCH {uid} BODY.PEEK[]'))
                     for uid in uids}
        self.facts = {uid: self.facts_of(uid) for uid in uids}
        assert len(uids) == SMALL + LARGE

    def facts_of(self, uid, may_be_damaged=False):
        """None: it was refused."""
        status, text, lines = self.connection.ask(f'UID FETCH {uid} {ITEMS}')
        if may_be_damaged and status == 'NO' and text.startswith(b'[CORRUPTION]'):
            return None
        assert status == 'OK', text
        return [line.partition(b'FETCH')[2].replace(b'\\Recent', b'')
                for line in lines if b'ENVELOPE' in line]

    def read(self, uid, may_be_damaged):
        """The whole of it or a piece. True when it came."""
        whole = self.mail[uid]
        offset, length = 0, len(whole)
        item = 'BODY.PEEK[]'
        if self.dice.random() < 0.5:
            offset = self.dice.randrange(len(whole))
            length = self.dice.randrange(1, len(whole) - offset + 1)
            item += f'<{offset}.{length}>'
        try:
            status, text, lines = self.connection.ask(f'UID FETCH {uid} ({item})')
        except Closed:  # in the middle of a large literal: too late for a NO
            assert may_be_damaged and len(whole) > CHUNK, (uid, item)
            self.connection = connect(self.server)
            self.refused += 1
            return False
        if status == 'OK':
            assert literal(lines) == whole[offset:offset + length], (uid, item)
            return True
        assert may_be_damaged, (uid, item, text)
        assert status == 'NO' and text.startswith(b'[CORRUPTION]'), text
        assert literal(lines) in (None, b''), (uid, item)
        self.refused += 1
        return False

    def look(self, may_be_damaged, count=6):
        for uid in self.dice.sample(sorted(self.mail), count):
            assert self.facts_of(uid, may_be_damaged) in (self.facts[uid],
                                                          None if may_be_damaged else ())
            self.read(uid, may_be_damaged)

    def look_at_all(self):
        return [uid for uid in sorted(self.mail) if not self.read_whole(uid)]

    def read_whole(self, uid):
        status, text, lines = self.connection.ask(f'UID FETCH {uid} (BODY.PEEK[])')
        assert status == 'OK' or text.startswith(b'[CORRUPTION]'), text
        assert status != 'OK' or literal(lines) == self.mail[uid]
        return status == 'OK'


class Load(threading.Thread):
    """Mail that comes in and flags that change, in mailboxes of their own."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.ended, self.failure, self.sent = server, threading.Event(), None, 0

    def run(self):
        try:
            client = self.server.imap('ann')
            while not self.ended.is_set():
                assert self.server.deliver('bob@example.org', message(self.sent)) == {}
                assert client.append('Sent', '', None, message(5000 + self.sent))[0] == 'OK'
                client.select('Sent')
                assert client.store('*', '+FLAGS', '(\\Flagged)')[0] == 'OK'
                self.sent += 1
        except Exception as failure:  # told by the test
            self.failure = failure

    def end(self):
        self.ended.set()
        self.join(30)
        assert self.failure is None, self.failure
        assert self.sent > 0


def folder_of(server, name):
    account = re.search(r'^id +([0-9a-f]{32})$',
                        server.run('account', 'show', name).stdout.decode(), re.M)[1]
    return server.folder / 'data' / 'accounts' / account[:2] / account


def overwrite_in_place(path, dice, size):
    """Harm to bytes below `size`; answers what heals it."""
    at = dice.randrange(size)
    length = min(dice.choice((1, 1, 8, 512, 4096, 20000)), size - at)
    with open(path, 'r+b', buffering=0) as file:
        file.seek(at)
        before = file.read(length)
        worse = {0: bytes(length), 1: dice.randbytes(length),
                 2: bytes(byte ^ 1 << dice.randrange(8) for byte in before)}[dice.randrange(3)]
        file.seek(at)
        file.write(worse)

    def undo():
        with open(path, 'r+b', buffering=0) as again:
            again.seek(at)
            again.write(before)
    return undo


def filled(make_server):
    server = make_server(accounts=('ann', 'bob'))
    for number in range(SMALL + LARGE):
        assert server.deliver('ann@example.org', text_of(number)) == {}
    server.stop()  # leaves a checkpoint
    return server.start()


def test_answers_stay_right_whatever_goes_bad(make_server):
    print(f'ROOST_SEED={SEED} ROOST_ROUNDS={ROUNDS}')
    dice = random.Random(SEED)
    server = filled(make_server)
    folder = folder_of(server, 'ann')
    sizes = {path: path.stat().st_size for path in folder.glob('log/*') if path.is_file()}
    sizes[folder / 'lock'] = 128
    reader, load = Reader(server, dice), Load(server)
    files = {'log': list(folder.glob('log/*.log')), 'body': list(folder.glob('log/*.body')),
             'lock': [folder / 'lock']}
    ways = [harm for harm in HARMS if harm is not make_directory]
    load.start()
    for number in range(ROUNDS):
        kind = KINDS[number % len(KINDS)]
        derived = kind in DERIVED
        found = [path for path in folder.glob(kind)] if derived else files[kind]
        if not found:
            continue  # one that was removed is made again by the next restart
        path = dice.choice(found)
        if derived:
            dice.choice(ways)(path, dice)
        else:
            undo = overwrite_in_place(path, dice, sizes[path])
        reader.look(may_be_damaged=kind in ('log', 'body'))
        if not derived:
            undo()
            reader.look(may_be_damaged=False, count=1)
        if number % 100 == 99:  # on with whole derived files
            load.end()
            server.stop()
            server.start()
            reader.connection = connect(server)
            load = Load(server)
            load.start()
    load.end()
    assert reader.look_at_all() == []
    assert reader.refused > 0
    assert 'damaged_records' not in server.log()
    assert 'event=account-failed' not in server.log()
    assert 'event=role-ended' not in server.log() or 'signal' not in server.log()
    heal(server)


def records(path):
    """(offset, type, payload length) of the records of a log segment."""
    data = path.read_bytes()
    at = RECORDS_AT
    while at + HEADER <= len(data) and data[at:at + 8] == data[32:40]:
        length, = struct.unpack_from('<Q', data, at + 12)
        yield at, data[at + 8], length
        at = (at + HEADER + length + (length + CHUNK - 1) // CHUNK * 4 + 7) // 8 * 8


def spoil(path, offset):
    with open(path, 'r+b', buffering=0) as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x40]))


def openings(server, account):
    """The lines about openings of that account that tell of damage."""
    return [line for line in server.log().splitlines()
            if 'event=account-opened' in line and account in line and 'damaged_records' in line]


def test_damage_is_met_by_those_who_read_and_told_by_the_log(make_server):
    """A body each in the log and in a segment of its own, then the records of three deliveries."""
    dice = random.Random(SEED)
    print(f'ROOST_SEED={SEED}')
    server = filled(make_server)
    folder = folder_of(server, 'ann')
    reader = Reader(server, dice)
    (log,) = folder.glob('log/*.log')
    listed = list(records(log))
    bodies = [(at, length) for at, kind, length in listed if kind == BODY]
    changes = [after[0] for before, after in zip(listed, listed[1:])
               if before[1] == BODY and after[1] == CHANGE]  # each brings one of them
    assert len(bodies) == len(changes) == SMALL
    small = dice.randrange(SMALL)
    spoil(log, bodies[small][0] + HEADER + dice.randrange(bodies[small][1]))
    large = dice.choice(sorted(folder.glob('log/*.body')))
    spoil(large, 128 + dice.randrange(CHUNK))
    hurt = reader.look_at_all()
    assert len(hurt) == 2 and hurt[0] == small + 1 and hurt[1] > SMALL
    assert re.search(r'event=command-failed session=\d+ account=ann command="?(UID )?FETCH"? '
                     r'why=corrupt', server.log()), server.log()[-2000:]
    status, text, _ = reader.connection.ask('UID SEARCH TEXT "nothing of this kind"')
    assert status in ('OK', 'NO')
    reader.connection.ok('NOOP')  # the session goes on

    chosen = sorted(dice.sample(range(SMALL), 3))
    for which in chosen:
        spoil(log, changes[which] + HEADER + 40)
    server.kill()
    for name in ('checkpoint', 'checkpoint.rows.0', 'checkpoint.rows.1'):
        (folder / name).unlink(missing_ok=True)
    server.start()
    connection = connect(server)
    told = openings(server, folder.name)
    assert len(told) == 1, told
    assert 'damaged_records=3' in told[0] and 'epoch=yes' in told[0]
    segment = log.name.split('.')[0]
    assert f'segment {segment}, offset {changes[chosen[0]]}, ' in told[0], told[0]
    asides = {path.name for path in folder.glob('log/aside-*')}
    assert asides == {f'aside-{segment}-{changes[which]:016x}' for which in chosen}
    found = {int(uid) for line in connection.ok('UID SEARCH ALL') if b'SEARCH' in line
             for uid in line.split()[2:]}
    assert set(reader.mail) - found == {which + 1 for which in chosen} and found < set(reader.mail)
    reader.connection = connection
    reader.mail = {uid: reader.mail[uid] for uid in found}
    assert reader.look_at_all() == [uid for uid in hurt if uid in found]
    server.stop()
    server.start()
    connect(server)
    assert len(openings(server, folder.name)) == 1  # the checkpoint holds what there is


def test_a_large_message_is_served_up_to_its_damage(make_server):
    """What is announced cannot be taken back: the connection ends within the literal, and all that
    came before is right. Pieces of whole chunks are served."""
    server = make_server({'mail.compression': 'none'})  # where a chunk stands is known
    text = text_of(SMALL)
    assert len(text) > CHUNK
    assert server.deliver('ann@example.org', message(1, 'x' * 60 + '\r\n' * 10)) == {}
    assert server.deliver('ann@example.org', text_of(SMALL) * 3) == {}
    connection = connect(server)
    whole = literal(connection.ok('FETCH 2 BODY.PEEK[]'))
    assert TRACE.sub(b'', whole, count=1) == text_of(SMALL) * 3
    (path,) = folder_of(server, 'ann').glob('log/*.body')
    spoil(path, 128 + (CHUNK + 4) * 2 + 100)
    with pytest.raises(Closed):
        connection.ask('FETCH 2 BODY.PEEK[]')
    connection = connect(server)
    for offset, length in ((0, 2 * CHUNK), (3 * CHUNK, 1000)):
        lines = connection.ok(f'FETCH 2 BODY.PEEK[]<{offset}.{length}>')
        assert literal(lines) == whole[offset:offset + length]
    status, text, lines = connection.ask(f'FETCH 2 BODY.PEEK[]<{2 * CHUNK}.100>')
    assert status == 'NO' and text.startswith(b'[CORRUPTION]')
    assert literal(lines) in (None, b'')
    connection.ok('FETCH 1 BODY.PEEK[]')
    wait_for(lambda: 'event=command-failed' in server.log() and
             'why="Stored data is damaged; it was reported"' in server.log(), 5, server.log)
