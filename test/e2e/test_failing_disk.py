"""A disk that fails under a running server: system calls of the shards end with errors, injected by
strace while clients change everything. What was acknowledged is there; what was refused is not; the
server goes on by itself.

ROOST_SEED repeats a run (as far as timing lets it), ROOST_ROUNDS says how many failures."""
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import time

import pytest

import proc
import test_kill
from ledger import BOXES, Lost
from mail import message, wait_for
from roost_server import PASSWORD
from test_kill import ACCOUNTS, connect, look_at_everything, works
from test_lmtp import Talk, small_disk  # noqa: F401: a fixture
from wire import Closed, Wire

SEED = test_kill.SEED
ROUNDS = int(os.environ.get('ROOST_ROUNDS', '40'))
# Flags are on the disk before their OK, so that the book may count on them.
SETTINGS = {'mail.shards': '2', 'mail.durability': 'strict'}
FAILURES = [
    ('fdatasync', 'EIO'), ('write', 'ENOSPC'), ('openat', 'EMFILE'), ('fdatasync', 'ENOSPC'),
    ('write,ftruncate', 'EIO'), ('preadv2', 'EIO'), ('fdatasync,ftruncate', 'EIO'),
    ('fsync,renameat,unlinkat', 'EIO'), ('write', 'EIO'), ('openat', 'EIO'),
]
FREQUENT = ('fdatasync', 'write', 'preadv2')
REFUSALS = (b'[UNAVAILABLE]', b'[SERVERBUG]', b'[LIMIT]')
SECONDS = (0.1, 0.6)


def paths_of(server):
    """Every file and directory of every account: calls on them, relative to them, may fail."""
    accounts = server.folder / 'data' / 'accounts'
    return [path for pattern in ('*/*', '*/*/*', '*/*/log/*') for path in accounts.glob(pattern)]


class Injector:
    """Makes calls of a process on the files of its accounts fail, from `with` to its end. In the
    place of the call another one is made that does nothing, and that the sandbox allows."""

    def __init__(self, server, pid, failure, when, log):
        if shutil.which('strace') is None:
            pytest.skip('no strace here')
        call, error = failure
        self.pid, self.log = pid, log
        self.words = ['strace', '-f', '-qq', '-yy', '-e', f'trace={call}', '-e', 'signal=none',
                      '-e', f'inject={call}:error={error}:syscall=getpid:when={when}',
                      '-o', str(log), '-p', str(pid)]
        for path in paths_of(server):
            self.words += ['-P', str(path)]

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 10
        while not all(proc.status(f'{self.pid}/task/{thread}')['TracerPid'] != '0'
                      for thread in proc.thread_names(self.pid)):
            if self.process.poll() is not None:
                pytest.skip(f'strace may not attach here: {self.process.stderr.read().strip()}')
            assert time.monotonic() < end, 'strace does not attach'
            time.sleep(0.01)
        return self

    def is_still(self):
        try:
            return all(proc.status(f'{self.pid}/task/{thread}')['State'][0] in 'Tt'
                       for thread in proc.thread_names(self.pid))
        except FileNotFoundError:
            return True  # it has ended

    def __exit__(self, *_):
        """Who lets go of a call in the middle leaves it the result of the one in its place:
        getpid's number, so many bytes written. So the process comes to rest first."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGSTOP)
        wait_for(self.is_still, 10, 'the process to stop')
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    def hits(self):
        return self.log.read_text(errors='replace').count('(INJECTED)')


class Client(test_kill.Client):
    """May be refused: then nothing has happened."""

    refused = 0

    def ask(self, command, change, *literals):
        self.ledger.pending = change
        status, text, lines = self.connection.ask(command, *literals)
        if status == 'NO' and text.startswith(REFUSALS):
            self.ledger.pending = None
            Client.refused += 1
            raise Closed(text.decode())
        if status != 'OK':
            raise Lost(f'{self.name}: {command} was answered with {status} {text}')
        self.ledger.apply(change, self.new_uids([*lines, text], change))
        self.ledger.pending = None

    def select(self, box):
        try:
            super().select(box)
        except AssertionError as error:
            self.may_fail(error)

    def may_fail(self, error):
        if not any(code.decode() in str(error) for code in REFUSALS):
            raise error
        raise Closed(str(error)) from error

    def act(self):
        try:
            super().act()
        finally:
            time.sleep(0.002)


class Load(test_kill.Load):
    def __init__(self, server):
        super().__init__(server)
        self.workers = [Client(self, ledger) for ledger in self.ledgers.values()]
        self.workers += [test_kill.Mailer(self, f'mta{i}') for i in range(test_kill.MAILERS)]
        for worker in self.workers[:len(self.ledgers)]:
            observe = worker.ledger.observe
            worker.ledger.observe = self.patient(worker, observe)

    @staticmethod
    def patient(worker, observe):
        """Looking may meet the failing disk too; then it is tried again by the next connection."""
        def look(connection, everything=False, sample=()):
            try:
                observe(connection, everything, sample)
            except Lost:
                raise
            except AssertionError as error:
                worker.may_fail(error)
        return look


def fail_once(server, dice, number):
    failure = FAILURES[number % len(FAILURES)]
    first = dice.randint(1, 30 if failure[0] in FREQUENT else 3)
    when = dice.choice((str(first), f'{first}+', f'{first}..{first + 3}'))
    pid = dice.choice(server.roles()['mail'])
    with Injector(server, pid, failure, when, server.folder / f'trace-{number}') as injector:
        time.sleep(dice.uniform(*SECONDS))
    print(number, *failure, when, injector.hits())
    return injector.hits()


def test_nothing_acknowledged_is_lost_when_calls_fail(make_server):
    print(f'ROOST_SEED={SEED} ROOST_ROUNDS={ROUNDS}')
    dice = random.Random(f'{SEED}/disk')
    server = make_server(SETTINGS, accounts=ACCOUNTS)
    shards = sorted(server.roles()['mail'])
    for account in ACCOUNTS:
        connection = connect(server, account)
        for box in BOXES[1:]:
            connection.ok(f'CREATE {box}')
        connection.close()
    hits = 0
    with Load(server) as load:
        for number in range(ROUNDS):
            hits += fail_once(server, dice, number)
            account = dice.choice(ACCOUNTS)
            wait_for(lambda: works(server, account), 10, server.log)
            load.check()
    load.check()
    assert sorted(server.roles()['mail']) == shards, server.log()
    look_at_everything(load)
    server.stop()
    server.start()
    look_at_everything(load)
    counts = {kind: sum(ledger.counts[kind] for ledger in load.ledgers.values())
              for kind in load.ledgers[ACCOUNTS[0]].counts}
    print(f'{ROUNDS} rounds, {hits} calls failed, {Client.refused} commands refused, {counts}')
    assert hits > ROUNDS / 2 and Client.refused > 0
    assert counts['acknowledged'] > ROUNDS and counts['deliveries'] > ROUNDS
    assert 'damaged_records' not in re.sub(r'damaged_records=0', '', server.log())


def connect_to(server, name):
    connection = Wire(server.imap_port)
    status, text, _ = connection.ask(f'LOGIN {name} "{PASSWORD}"')
    if status != 'OK':
        connection.close()
        raise Closed(text.decode())
    return connection


def try_to_connect(server, name):
    try:
        return connect_to(server, name)
    except Closed:
        return None


def subjects(connection):
    connection.ok('SELECT INBOX')
    lines = connection.ok('FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
    return re.findall(rb'Subject: number (\S+)', b'\n'.join(lines))


def test_a_failed_sync_ends_the_sessions_and_discards_what_was_not_durable(make_server):
    server = make_server({'mail.shards': '1'})
    connection, idler = connect_to(server, 'ann'), connect_to(server, 'ann')
    talk = Talk(server)
    connection.ok('APPEND INBOX %', message('kept'))
    assert talk.begin('bob').data(message('kept'))[0].startswith('250')
    (pid,) = server.roles()['mail']
    with Injector(server, pid, ('fdatasync', 'EIO'), '1+', server.folder / 'trace') as injector:
        with pytest.raises(Closed):  # no answer: it could be wrong
            connection.ask('APPEND INBOX %', message('lost'))
        with pytest.raises(Closed):
            idler.ask('NOOP')
        answer = talk.begin('bob').data(message('lost'))[0]
        assert re.match(r'451 4\.3\.0', answer), answer
    assert injector.hits() > 0
    assert server.log().count('event=account-failed') >= 2
    for name in ('ann', 'bob'):
        again = wait_for(lambda: try_to_connect(server, name), 5, server.log)
        assert subjects(again) == [b'kept']
        again.ok('APPEND INBOX %', message('next'))
        assert subjects(again) == [b'kept', b'next']
    assert talk.begin('bob').data(message('taken'))[0].startswith('250')
    assert server.roles()['mail'] == [pid]


def test_a_disk_that_fills_up_under_load(make_server, small_disk):  # noqa: F811
    """Refused is refused, and once there is room it goes on without a restart."""
    server = make_server({**SETTINGS, 'data': small_disk / 'data'}, accounts=ACCOUNTS)
    shards = sorted(server.roles()['mail'])
    for account in ACCOUNTS:
        connection = connect(server, account)
        for box in BOXES[1:]:
            connection.ok(f'CREATE {box}')
        connection.close()
    before = Client.refused
    with Load(server) as load:
        wait_for(lambda: Client.refused > before + 20 or load.failures, 60, 'the disk is not full')
        load.check()
        subprocess.run(['mount', '-o', 'remount,size=400m', str(small_disk)], check=True)
        time.sleep(0.5)  # what was under way may be refused still
        full = Client.refused
        time.sleep(1.5)
        load.check()
    load.check()
    assert Client.refused == full
    assert sorted(server.roles()['mail']) == shards
    look_at_everything(load)
    server.stop()
    server.start()
    look_at_everything(load)
