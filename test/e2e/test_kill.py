"""Kill -9 of each role in turn, at seeded moments, under load; then everything that was
acknowledged must be there, and nothing half.

ROOST_SEED repeats a run (as far as timing lets it), ROOST_KILLS says how many."""
import itertools
import os
import random
import re
import signal
import smtplib
import subprocess
import threading
import time

import pytest

import proc
from ledger import BOXES, FLAGS, Change, Entry, Ledger, Lost, expand, message
from roost_server import PASSWORD
from wire import Closed, Wire

SEED = int(os.environ.get('ROOST_SEED') or random.SystemRandom().randrange(2**32))
KILLS = int(os.environ.get('ROOST_KILLS', '210'))
ACCOUNTS = tuple(f'k{i}' for i in range(6))
MAILERS = 2
SETTINGS = {'mail.shards': '2', 'gate.processes': '2', 'tls.processes': '1'}
# In turn; the supervisor takes all others with it.
TURN = ('mail', 'gate', 'mail', 'tls', 'auth', 'mail', 'control', 'gate', 'mail', 'supervisor')
PAUSE_SECONDS_MAX = 0.3
BACK_SECONDS_MAX = 1.0
# Under a load that keeps every processor busy, with all who lost their connection at the door too.
BACK_UNDER_LOAD_SECONDS_MAX = 3.0
PATIENCE_SECONDS = 10
BOX_MAX = 40
APART_MAX = 12  # messages in one command


def connect(server, account, timeout=20):
    """A new session, logged in. Closed when the server is not there, or says so."""
    number = ACCOUNTS.index(account)
    tls = number % 2 == 1
    connection = Wire(server.imaps_port if tls else server.imap_port, tls, timeout=timeout)
    status, text, _ = connection.ask(f'LOGIN {account} "{PASSWORD}"')
    if status == 'NO' and b'UNAVAILABLE' in text:
        connection.close()
        raise Closed('not available')
    if status != 'OK':
        raise Lost(f'{account}: the right password was answered with {status} {text}')
    return connection


class Worker(threading.Thread):
    """Ends when told to; keeps what went wrong."""

    def __init__(self, load, name):
        super().__init__(name=name, daemon=True)
        self.load = load
        self.rng = random.Random(f'{SEED}/{name}')
        self.numbers = itertools.count(1)

    def run(self):
        try:
            self.work()
        except Exception as error:
            self.load.failures.append(f'{type(error).__name__}: {error}')
            self.load.stop.set()

    def token(self):
        return f'{self.name}-{next(self.numbers)}'


class Client(Worker):
    """The one who changes an account, and keeps its book."""

    def __init__(self, load, ledger):
        super().__init__(load, ledger.name)
        self.ledger = ledger
        self.connection = None
        self.selected = None

    def work(self):
        while not self.load.stop.is_set():
            try:
                self.connection = connect(self.load.server, self.name)
                self.ledger.observe(self.connection, sample=self.sample)
                self.selected = BOXES[-1]
                for _ in range(self.rng.randrange(5, 60)):
                    if self.load.stop.is_set():
                        break
                    self.act()
                if self.rng.random() < 0.5:
                    self.connection.ask('LOGOUT')
            except Closed:
                time.sleep(0.02)
            finally:
                if self.connection is not None:
                    self.connection.close()

    def sample(self, uids):
        return self.rng.sample(uids, min(len(uids), 2))

    def ask(self, command, change, *literals):
        """A command whose answer decides. Answers the lines."""
        self.ledger.pending = change
        status, text, lines = self.connection.ask(command, *literals)
        if status != 'OK':
            raise Lost(f'{self.name}: {command} was answered with {status} {text}')
        uids = self.new_uids([*lines, text], change)
        self.ledger.apply(change, uids)
        self.ledger.pending = None

    def new_uids(self, lines, change):
        whole = b'\n'.join(lines)
        appended = re.search(rb'\[APPENDUID \d+ (\S+)\]', whole)
        copied = re.search(rb'\[COPYUID \d+ \S+ (\S+)\]', whole)
        if not change.added:
            return []
        if appended is None and copied is None:
            raise Lost(f'{self.name}: {change.text}: no uids in {whole}')
        return expand((appended or copied)[1])

    def some(self, box):
        uids = sorted(self.ledger.boxes[box])
        return sorted(self.rng.sample(uids, self.rng.randrange(1, min(len(uids), APART_MAX) + 1)))

    def select(self, box):
        if self.selected != box:
            self.selected = None
            self.connection.ok(f'SELECT {box}')
            self.selected = box

    def act(self):
        box = self.rng.choice(BOXES)
        held = len(self.ledger.boxes[box])
        if held > BOX_MAX:
            self.expunge(box)
        elif held == 0 or self.rng.random() < 0.25:
            self.append(box)
        else:
            self.rng.choice((self.store, self.store, self.copy, self.move, self.move,
                             self.expunge))(box)

    def append(self, box):
        token = self.token()
        flags = self.rng.sample(FLAGS, self.rng.randrange(3))
        change = Change(f'APPEND {token} to {box}', added=[(box, Entry(token, frozenset(flags)))])
        self.ask(f'APPEND {box} ({" ".join(flags)}) %', change, message(token))

    def store(self, box):
        self.select(box)
        uids = self.some(box)
        flags = frozenset(self.rng.sample(FLAGS, self.rng.randrange(1, 3)))
        how = self.rng.choice(('+FLAGS', '-FLAGS', 'FLAGS', '+FLAGS.SILENT'))
        change = Change(f'STORE {how} {sorted(flags)} of {uids} in {box}')
        for uid in uids:
            before = self.ledger.boxes[box][uid].flags
            change.flags[box, uid] = (before - flags if how[0] == '-' else
                                      before | flags if how[0] == '+' else flags)
        self.ask(f'UID STORE {",".join(map(str, uids))} {how} ({" ".join(sorted(flags))})', change)

    def transfer(self, box, verb):
        self.select(box)
        uids = self.some(box)
        other = self.rng.choice([name for name in BOXES if name != box])
        change = Change(f'{verb} {uids} from {box} to {other}')
        change.added = [(other, self.ledger.boxes[box][uid]) for uid in uids]
        if verb == 'MOVE':
            change.removed = {(box, uid) for uid in uids}
        self.ask(f'UID {verb} {",".join(map(str, uids))} {other}', change)

    def copy(self, box):
        self.transfer(box, 'COPY')

    def move(self, box):
        self.transfer(box, 'MOVE')

    def expunge(self, box):
        self.select(box)
        uids = self.some(box)
        chosen = ','.join(map(str, uids))
        change = Change(f'STORE \\Deleted of {uids} in {box}')
        for uid in uids:
            change.flags[box, uid] = self.ledger.boxes[box][uid].flags | {'\\Deleted'}
        self.ask(f'UID STORE {chosen} +FLAGS (\\Deleted)', change)
        gone = Change(f'EXPUNGE {uids} in {box}', removed={(box, uid) for uid in uids})
        self.ask(f'UID EXPUNGE {chosen}', gone)


class Mailer(Worker):
    """An MTA that never sends a message twice."""

    def work(self):
        while not self.load.stop.is_set():
            try:
                with self.load.server.lmtp(unix=self.rng.random() < 0.5) as client:
                    client.sock.settimeout(20)
                    client.ehlo_or_helo_if_needed()
                    for _ in range(self.rng.randrange(1, 20)):
                        if self.load.stop.is_set():
                            break
                        self.send(client)
                        time.sleep(self.rng.uniform(0, 0.05))
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)

    def send(self, client):
        token = self.token()
        client.mail('sender@example.net')
        takers = [name for name in self.rng.sample(ACCOUNTS, self.rng.randrange(1, 4))
                  if self.accepted(client.rcpt(name), name)]
        if not takers:
            client.rset()
            return
        for name in takers:
            self.load.ledgers[name].delivery_begins(token)
        answers = [client.data(message(token))]
        while True:
            name = takers[len(answers) - 1]
            if self.accepted(answers[-1], name):
                self.load.ledgers[name].delivery_acknowledged(token)
            if len(answers) == len(takers):
                return
            answers.append(client.getreply())

    def accepted(self, answer, name):
        if answer[0] >= 500:
            raise Lost(f'a delivery to {name} was refused for ever: {answer}')
        if answer[0] == -1:
            raise smtplib.SMTPServerDisconnected('gone')
        return answer[0] == 250


class Load:
    def __init__(self, server):
        self.server = server
        self.stop = threading.Event()
        self.failures = []
        self.ledgers = {name: Ledger(name) for name in ACCOUNTS}
        self.workers = [Client(self, ledger) for ledger in self.ledgers.values()]
        self.workers += [Mailer(self, f'mta{i}') for i in range(MAILERS)]

    def check(self):
        assert self.failures == [], f'seed {SEED}: ' + '\n'.join(self.failures)

    def __enter__(self):
        for worker in self.workers:
            worker.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for worker in self.workers:
            worker.join(60)
            if worker.is_alive():
                self.failures.append(f'{worker.name} hangs')


def works(server, account):
    try:
        connection = connect(server, account, timeout=3)
    except Closed:
        return False
    try:
        return connection.ask('EXAMINE INBOX')[0] == 'OK'
    except Closed:
        return False
    finally:
        connection.close()


def control_works(server):
    return server.run('account', 'show', ACCOUNTS[0], check=False).returncode == 0


def kill_one(server, role, rng):
    """Answers when the server could first be back."""
    if role != 'supervisor':
        proc.wait_for(lambda: role in server.roles(), PATIENCE_SECONDS, f'{role} is not replaced')
        os.kill(rng.choice(server.roles()[role]), signal.SIGKILL)
        return time.monotonic()
    pids = [pid for pids in server.roles().values() for pid in pids]
    server.kill()
    proc.wait_for(lambda: not any(proc.is_alive(pid) for pid in pids), 1, 'roles live on')
    begun = time.monotonic()
    server.start()
    return begun


def seconds_until_back(server, role, begun, account):
    test = control_works if role == 'control' else lambda it: works(it, account)
    while not test(server):
        assert time.monotonic() - begun < PATIENCE_SECONDS, \
            f'seed {SEED}: after {role} died nothing works:\n{server.log()[-3000:]}'
        time.sleep(0.01)
    return time.monotonic() - begun


def look_at_everything(load):
    """Every message of every account, by connections that were not there before."""
    for ledger in load.ledgers.values():
        connection = connect(load.server, ledger.name)
        ledger.observe(connection, everything=True)
        connection.close()


def unexpected_ends(server):
    """Roles that ended by anything but our kill."""
    return [line for line in server.log().splitlines()
            if 'event=role-ended' in line and 'signal 9' not in line and 'exit 0' not in line]


def test_nothing_acknowledged_is_lost_whoever_dies(make_server):
    print(f'ROOST_SEED={SEED} ROOST_KILLS={KILLS}')
    rng = random.Random(f'{SEED}/killer')
    server = make_server(SETTINGS, accounts=ACCOUNTS)
    for account in ACCOUNTS:
        connection = connect(server, account)
        for box in BOXES[1:]:
            connection.ok(f'CREATE {box}')
        connection.close()
    took, began = [], time.monotonic()
    with Load(server) as load:
        for number in range(KILLS):
            time.sleep(rng.uniform(0, PAUSE_SECONDS_MAX))
            role = TURN[number % len(TURN)]
            begun = kill_one(server, role, rng)
            took.append((seconds_until_back(server, role, begun, rng.choice(ACCOUNTS)), role))
            load.check()
    load.check()
    look_at_everything(load)
    server.stop()
    server.start()
    look_at_everything(load)
    counts = {kind: sum(ledger.counts[kind] for ledger in load.ledgers.values())
              for kind in load.ledgers[ACCOUNTS[0]].counts}
    slowest = sorted(took, reverse=True)[:5]
    print(f'{KILLS} kills in {time.monotonic() - began:.0f} s, {counts}; back after at most',
          ', '.join(f'{seconds:.2f} s ({role})' for seconds, role in slowest))
    assert unexpected_ends(server) == []
    assert counts['acknowledged'] > 10 * KILLS and counts['deliveries'] > KILLS
    assert counts['happened'] + counts['did not'] > KILLS / 10  # it hit commands under way
    took.sort()
    assert took[len(took) * 9 // 10][0] <= BACK_SECONDS_MAX, took[-len(took) // 10:]
    assert took[-1][0] <= BACK_UNDER_LOAD_SECONDS_MAX, took[-1]


@pytest.mark.parametrize('role', sorted(set(TURN)))
def test_the_next_connection_works_within_a_second(make_server, role):
    server = make_server(SETTINGS, accounts=ACCOUNTS)
    for account in ACCOUNTS:
        assert works(server, account)
    for account in ACCOUNTS[:2]:  # one plain, one over TLS
        begun = kill_one(server, role, random.Random(SEED))
        assert seconds_until_back(server, role, begun, account) <= BACK_SECONDS_MAX


def run_and_kill(server, verb, rng, seconds):
    """The verb, and the end of its shard at some moment of it, or of the whole server."""
    yes = ['--yes'] if verb == 'purge' else []
    running = subprocess.Popen(server.command(verb, 'k0', *yes), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(rng.uniform(0, seconds))
    if rng.random() < 0.3:
        pids = [pid for pids in server.roles().values() for pid in pids]
        server.kill()
        running.wait(20)
        proc.wait_for(lambda: not any(proc.is_alive(pid) for pid in pids), 1, 'roles live on')
        server.start()
        return
    for pid in server.roles().get('mail', []):
        os.kill(pid, signal.SIGKILL)
    running.wait(20)


def texts_by_uid(connection):
    """{uid: token} of INBOX, every body read and held against what its token says."""
    connection.ok('SELECT INBOX')
    found = {}
    for line in connection.ok('UID FETCH 1:* (BODY.PEEK[])'):
        uid = re.search(rb'UID (\d+)', line)
        token = re.search(rb'Message-ID: <([^@]*)@', line)
        if token is not None:
            assert message(token[1].decode()) in line
            found[int(uid[1])] = token[1].decode()
    return found


def test_undelete_is_all_or_nothing_whoever_dies(make_server):
    print(f'ROOST_SEED={SEED}')
    rng = random.Random(f'{SEED}/undelete')
    server = make_server({'mail.shards': '1'}, accounts=ACCOUNTS[:1])
    connection = connect(server, 'k0')
    tokens = {f'u{number}' for number in range(120)}
    for token in sorted(tokens):
        connection.ok('APPEND INBOX %', message(token))
    used, came = set(texts_by_uid(connection)), 0
    for _ in range(20):
        connection.ok('STORE 1:* +FLAGS.SILENT (\\Deleted)')
        connection.ok('EXPUNGE')
        connection.close()
        run_and_kill(server, 'undelete', rng, 0.04)
        wait_until_works(server)
        connection = connect(server, 'k0')
        found = texts_by_uid(connection)
        assert set(found.values()) in (set(), tokens) and len(found) in (0, len(tokens))
        came += len(found) > 0
        if not found:
            server.run('undelete', 'k0')
            found = texts_by_uid(connection)
        assert sorted(found.values()) == sorted(tokens)
        assert min(found) > max(used), 'a uid was given out twice'
        used |= set(found)
    print(f'it had come back before the end {came} of 20 times')


def test_compaction_loses_nothing_whoever_dies(make_server):
    """By `roost purge`, which compacts at once: what lives is there, and the log is whole."""
    print(f'ROOST_SEED={SEED}')
    rng = random.Random(f'{SEED}/purge')
    server = make_server({'mail.shards': '1'}, accounts=ACCOUNTS[:1])
    living, number = {}, 0
    for _ in range(15):
        connection = connect(server, 'k0')
        connection.ok('SELECT INBOX')
        for _ in range(12):
            text = connection.ok('APPEND INBOX %', message(f'p{number}'))[-1]
            living[int(re.search(rb'APPENDUID \d+ (\d+)', text)[1])] = f'p{number}'
            number += 1
        gone = rng.sample(sorted(living), len(living) // 2)
        connection.ok(f'UID STORE {",".join(map(str, gone))} +FLAGS.SILENT (\\Deleted)')
        connection.ok('EXPUNGE')
        connection.close()
        for uid in gone:
            del living[uid]
        run_and_kill(server, 'purge', rng, 0.15)
        wait_until_works(server)
        connection = connect(server, 'k0')
        assert texts_by_uid(connection) == living
        connection.close()
    server.run('verify', 'k0')
    server.run('purge', 'k0', '--yes')
    bases = list((server.folder / 'data' / 'accounts').glob('*/*/log/*.base'))
    assert bases != []
    server.stop()
    server.start()
    assert texts_by_uid(connect(server, 'k0')) == living
    server.run('verify', 'k0')
    assert 'damaged_records' not in server.log().replace('damaged_records=0', '')


def wait_until_works(server):
    proc.wait_for(lambda: works(server, 'k0') and control_works(server), PATIENCE_SECONDS,
                  'nothing works')


# The book itself must be able to say no.

def book():
    ledger = Ledger('x')
    ledger.apply(Change('1', added=[('a', Entry('one', frozenset()))]), [1])
    ledger.apply(Change('2', added=[('a', Entry('two', frozenset({'\\Seen'})))]), [2])
    return ledger


ONE, TWO, NEW = Entry('one', frozenset()), Entry('two', frozenset({'\\Seen'})), \
    Entry('new', frozenset())
MOVE = Change('MOVE', removed={('a', 1), ('a', 2)}, added=[('b', ONE), ('b', TWO)])


@pytest.mark.parametrize('found, pending, good', [
    ({'a': {1: ONE, 2: TWO}}, None, True),
    ({'a': {1: ONE, 2: TWO}}, MOVE, True),
    ({'b': {1: ONE, 2: TWO}}, MOVE, True),
    ({'b': {1: ONE, 2: TWO}}, None, False),
    ({'a': {2: TWO}, 'b': {1: ONE}}, MOVE, False),
    ({'a': {1: ONE, 2: TWO}, 'b': {1: ONE, 2: TWO}}, MOVE, False),
    ({'b': {1: TWO, 2: ONE}}, MOVE, False),
    ({}, MOVE, False),
    ({'a': {1: ONE}}, None, False),
    ({'a': {1: ONE, 2: Entry('two', frozenset())}}, None, False),
    ({'a': {1: ONE, 3: TWO}}, None, False),
    ({'a': {1: ONE, 2: TWO, 3: NEW}}, None, False),
    ({'a': {1: ONE, 2: TWO}, 'INBOX': {7: NEW}}, None, False),
    ({'a': {1: ONE, 2: TWO}, 'INBOX': {7: Entry('sent', frozenset())}}, None, True),
    ({'a': {1: ONE, 2: TWO}, 'INBOX': {7: Entry('sent', frozenset()),
                                       8: Entry('sent', frozenset())}}, None, False),
])
def test_the_book_tells_loss_from_order(found, pending, good):
    ledger = book()
    ledger.pending = pending
    ledger.delivery_begins('sent')
    found = {box: found.get(box, {}) for box in BOXES}
    if good:
        ledger.settle(found, set())
    else:
        with pytest.raises(Lost):
            ledger.settle(found, set())


def test_the_book_misses_what_was_delivered_and_uids_that_come_again():
    ledger = book()
    ledger.delivery_begins('sent')
    ledger.delivery_acknowledged('sent')
    with pytest.raises(Lost, match='not there'):
        ledger.settle({'INBOX': {}, 'a': {1: ONE, 2: TWO}, 'b': {}, 'c': {}}, {'sent'})
    ledger = book()
    ledger.apply(Change('EXPUNGE', removed={('a', 2)}), [])
    with pytest.raises(Lost, match='not new'):
        ledger.apply(Change('APPEND', added=[('a', NEW)]), [2])
    ledger.pending = Change('APPEND', added=[('a', NEW)])
    with pytest.raises(Lost, match='uid 2'):
        ledger.settle({'INBOX': {}, 'a': {1: ONE, 2: NEW}, 'b': {}, 'c': {}}, set())
