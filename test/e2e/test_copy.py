"""`cp -a` of an account at work: the copy, opened by another server, holds all that was there
before cp began, nothing half, and gives out nothing that the original has given."""
import os
import random
import re
import shutil
import subprocess
import threading

import pytest

from ledger import message
from mail import wait_for
from roost_server import Server
from test_format import account_folder

SEED = int(os.environ.get('ROOST_SEED', random.randrange(1 << 32)))
COPIES = int(os.environ.get('ROOST_COPIES', 16))
BOXES = ('a', 'b')
BOX_MAX = 60


def tokens(connection, box):
    """{UID: (token, flags, message)} of a mailbox."""
    count = int(connection.select(box)[1][0])
    found = {}
    if count == 0:
        return found
    for head, body in (part for part in connection.fetch('1:*', '(UID FLAGS BODY.PEEK[])')[1]
                       if isinstance(part, tuple)):
        token = re.search(rb'Message-ID: <([^@]*)@', body)[1].decode()
        flags = re.search(rb'FLAGS \(([^)]*)\)', head)[1].decode().split()
        found[int(re.search(rb'UID (\d+)', head)[1])] = (
            token, frozenset(flags) - {'\\Recent'}, body)
    return found


class Worker(threading.Thread):
    def __init__(self, load):
        super().__init__()
        self.load, self.made, self.failure = load, 0, None

    def run(self):
        try:
            while not self.load.ended.is_set():
                self.act()
        except Exception as failure:  # told by the test
            self.failure = failure


class Mailer(Worker):
    """Brings mail into INBOX; what was answered with 250 is in `brought`."""

    def act(self):
        token = f'mail{self.made}'
        self.made += 1
        assert self.load.server.deliver('ann@example.org', message(token)) == {}
        with self.load.lock:
            self.load.brought.add(token)


class Client(Worker):
    """Changes the mailboxes a and b; `states` has what they held after each command."""

    def __init__(self, load, dice):
        super().__init__(load)
        self.dice = dice
        self.connection = load.server.imap('ann')
        self.boxes = {box: {} for box in BOXES}  # {box: {uid: (token, flags)}}
        for box in BOXES:
            self.connection.create(box)

    def act(self):
        box = self.dice.choice(BOXES)
        acts = [self.append] * 3 + [self.store, self.copy, self.move, self.expunge]
        act = self.expunge if len(self.boxes[box]) > BOX_MAX else self.dice.choice(acts)
        if act == self.append or self.boxes[box]:
            act(box)
        self.note()

    def note(self):
        with self.load.lock:
            self.load.states.append({name: dict(held) for name, held in self.boxes.items()})

    def some(self, box):
        uids = sorted(self.boxes[box])
        return sorted(self.dice.sample(uids, self.dice.randint(1, min(len(uids), 8))))

    def ask(self, box, command, *arguments):
        assert self.connection.select(box)[0] == 'OK'
        answer = self.connection.uid(command, *arguments)
        assert answer[0] == 'OK', answer
        return answer

    def append(self, box):
        token = f'own{self.made}'
        self.made += 1
        status, data = self.connection.append(box, '', None, message(token))
        assert status == 'OK', data
        uid = int(re.search(rb'APPENDUID \d+ (\d+)', data[0])[1])
        self.boxes[box][uid] = token, frozenset()

    def store(self, box):
        uids = self.some(box)
        self.flag(box, uids, '\\Flagged')

    def flag(self, box, uids, flag):
        self.ask(box, 'STORE', ','.join(map(str, uids)), '+FLAGS.SILENT', f'({flag})')
        for uid in uids:
            token, flags = self.boxes[box][uid]
            self.boxes[box][uid] = token, flags | {flag}

    def transfer(self, box, command):
        uids, target = self.some(box), BOXES[1 - BOXES.index(box)]
        self.ask(box, command, ','.join(map(str, uids)), target)
        known = self.connection.response('COPYUID')[1][-1]
        first = int(re.search(rb'(\d+)(?::\d+)?$', known)[1])
        for at, uid in enumerate(uids):
            self.boxes[target][first + at] = self.boxes[box][uid]
            if command == 'MOVE':
                del self.boxes[box][uid]

    def copy(self, box):
        self.transfer(box, 'COPY')

    def move(self, box):
        self.transfer(box, 'MOVE')

    def expunge(self, box):
        uids = self.some(box)
        self.flag(box, uids, '\\Deleted')
        self.note()
        self.ask(box, 'EXPUNGE', ','.join(map(str, uids)))
        for uid in uids:
            del self.boxes[box][uid]


class Load:
    def __init__(self, server, dice):
        self.server, self.dice = server, dice
        self.ended, self.lock = threading.Event(), threading.Lock()
        self.states, self.brought = [], set()
        self.client = Client(self, dice)
        self.workers = [self.client, Mailer(self)]

    def __enter__(self):
        for worker in self.workers:
            worker.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for worker in self.workers:
            worker.join(60)
            assert worker.failure is None, worker.failure


def wait_for_states(load, more):
    wanted = len(load.states) + more
    wait_for(lambda: len(load.states) >= wanted, 20, 'the client does nothing')


def copy(load, source, target):
    """Answers what was acknowledged before, and all states since; cp may miss files that go."""
    wait_for_states(load, 1)
    with load.lock:
        del load.states[:-1]
        brought = set(load.brought)
    target.parent.mkdir(parents=True)
    done = subprocess.run(['cp', '-a', source, target], capture_output=True, text=True)
    for line in done.stderr.splitlines():
        assert 'No such file' in line, done.stderr
    wait_for_states(load, 1)  # a command may have happened that is not answered yet
    with load.lock:
        return brought, [dict(state) for state in load.states]


def held(connection, box):
    return {uid: row[:2] for uid, row in tokens(connection, box).items()}


def same_but_left_out(found, state, before):
    """What came while cp was at work and has a file of its own may be missing."""
    old = {row[0] for rows in before.values() for row in rows.values()}
    for box in BOXES:
        missing = set(state[box]) - set(found[box])
        if any(state[box][uid][0] in old or len(message(state[box][uid][0])) < 65536
               for uid in missing):
            return False
        if found[box] != {uid: row for uid, row in state[box].items() if uid not in missing}:
            return False
    return True


def status(connection, box):
    words = connection.status(box, '(UIDNEXT UIDVALIDITY HIGHESTMODSEQ)')[1][0]
    return {name: int(re.search(rb'%s (\d+)' % name.encode(), words)[1])
            for name in ('UIDNEXT', 'UIDVALIDITY', 'HIGHESTMODSEQ')}


def check(server, load, copied, brought, states):
    twin, own = copied.imap('ann'), server.imap('ann')
    found = {}
    for box in BOXES:
        for _, (token, _, body) in tokens(twin, box).items():
            assert body == message(token)
        found[box] = held(twin, box)
    assert any(same_but_left_out(found, state, states[0]) for state in states), (found, states)
    inbox = tokens(twin, 'INBOX')
    assert brought <= {token for token, _, _ in inbox.values()}
    for token, _, body in inbox.values():
        assert body.endswith(message(token))
    for box in (*BOXES, 'INBOX'):
        mine, theirs = status(twin, box), status(own, box)
        assert mine['UIDVALIDITY'] == theirs['UIDVALIDITY']
        assert mine['UIDNEXT'] > theirs['UIDNEXT'] + 100000
        assert mine['HIGHESTMODSEQ'] > theirs['HIGHESTMODSEQ']
    twin.create('new')
    assert status(twin, 'new')['UIDVALIDITY'] > max(status(own, box)['UIDVALIDITY']
                                                    for box in (*BOXES, 'INBOX'))
    assert 'damage' not in copied.log().replace('damage=""', '').replace('damaged_records=0', '')
    twin.logout()
    own.logout()


@pytest.mark.parametrize('compression', ['none', 'zstd'])
def test_copies_under_load(make_server, tmp_path, compression):
    print(f'ROOST_SEED={SEED} ROOST_COPIES={COPIES}')
    dice = random.Random(f'{SEED}/{compression}')
    server = make_server({'mail.compression': compression}, accounts=('ann',), start=False)
    data = server.folder / 'data'
    shutil.copytree(data / 'auth', tmp_path / 'auth')
    server.start()
    server.imap('ann').logout()
    source = account_folder(server)
    more = 0
    with Load(server, dice) as load:
        for number in range(COPIES // 2):
            load.ended.wait(dice.uniform(0, 0.5))
            folder = tmp_path / str(number)
            folder.mkdir()
            brought, states = copy(load, source,
                                   folder / 'data' / source.relative_to(data))
            more += len(states) > 1
            shutil.copytree(tmp_path / 'auth', folder / 'data' / 'auth')
            give(folder / 'data', data)
            copied = Server({'mail.compression': compression}, folder)
            try:
                copied.start()
                check(server, load, copied, brought, states)
            finally:
                copied.close()
    assert more > 0


def give(made, like):
    """To the users of the roles, when they have users of their own."""
    for path in (made, *made.rglob('*')):
        part = path.relative_to(made).parts[:1]
        owner = (like / part[0] if part else like).stat()
        os.chown(path, owner.st_uid, owner.st_gid)
    for path in (made, made / 'auth', made / 'accounts'):
        os.chmod(path, (like / path.relative_to(made)).stat().st_mode & 0o7777)
