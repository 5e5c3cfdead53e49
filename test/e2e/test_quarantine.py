"""An account whose work crashes its shard twice gets a process of its own; nobody else notices more
than a restart, and nothing that was acknowledged is lost.

The crash comes from outside, as a signal, while the shard works for one account: what the kernel
then does, and what the supervisor sees, is the same as after a wrong access."""
import imaplib
import json
import os
import pathlib
import re
import signal
import socket

import pytest

from mail import bodies, message, wait_for, without_trace
SHARDS = 2
CRASHES_MAX = 2  # with so many an account is set apart (src/daemon/supervisor/blame.h)
TRIES_MAX = 12  # a signal may come between two steps, when the shard is at nobody's work
NAMES = ('ann', 'bob', 'cleo', 'dan', 'eve', 'flo')
LARGE = message('large', 'All work and no play.\r\n' * 2500)
COPIES_LOG2 = 9
# More than the shard can do before it is struck, in commands that say nothing while they run.
BUSY = b''.join(b's%d SEARCH TEXT "never to be found"\r\n' % i for i in range(200))


def ask(server, verb, **arguments):
    """What the control socket answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(pathlib.Path(server.settings['run']) / 'control.sock'))
        connection.sendall(json.dumps({'verb': verb, **arguments}).encode() + b'\n')
        return json.loads(connection.makefile('rb').readline())['result']


def blamed(server, account_id):
    return next((one for one in ask(server, 'status')['crashed_accounts']
                 if one['account_id'] == account_id), None)


def id_of(server, name):
    shown = server.run('account', 'show', name).stdout.decode()
    return re.search(r'^id +([0-9a-f]{32})$', shown, re.M)[1]


def owners(server, account_id):
    """The shards that have a file of that account open: {pid: name of the process}."""
    found = {}
    for pid in server.roles().get('mail', []):
        try:
            links = [os.readlink(entry) for entry in pathlib.Path(f'/proc/{pid}/fd').iterdir()]
            name = pathlib.Path(f'/proc/{pid}/comm').read_text().strip()
        except OSError:
            continue  # it has just ended
        if any(f'/{account_id}/' in link for link in links):
            found[pid] = name
    return found


def login(server, name):
    """Logs in, waiting while the account's process is on its way."""
    def attempt():
        try:
            return server.imap(name)
        except (imaplib.IMAP4.error, OSError):
            return None
    return wait_for(attempt, 20, lambda: f'no login for {name}:\n{server.log()[-3000:]}')


def fill(server, name):
    """Enough that a search through it takes a while."""
    connection = login(server, name)
    assert connection.append('Large', None, None, LARGE)[0] == 'NO'
    assert connection.create('Large')[0] == 'OK'
    assert connection.append('Large', None, None, LARGE)[0] == 'OK'
    assert connection.select('Large')[0] == 'OK'
    for _ in range(COPIES_LOG2):
        assert connection.copy('1:*', 'Large')[0] == 'OK'
        assert connection.noop()[0] == 'OK'
    connection.logout()


def strike(server, name, account_id):
    """Its shard dies in the middle of its work; answers the name of the process that died."""
    connection = login(server, name)
    assert connection.select('Large')[0] == 'OK'
    (pid, process), = owners(server, account_id).items()
    connection.send(BUSY)
    assert connection.readline().startswith(b'* SEARCH')  # well under way
    os.kill(pid, signal.SIGSEGV)
    wait_for(lambda: not pathlib.Path(f'/proc/{pid}').exists(), 10, 'the end of the shard')
    connection.shutdown()
    return process


def crash_until(server, name, account_id, crashes):
    """Strikes until the supervisor has counted so many; the ledger grows by a message each time."""
    kept = []
    for turn in range(TRIES_MAX):
        known = blamed(server, account_id)
        if known is not None and known['crashes'] >= crashes:
            return kept
        strike(server, name, account_id)
        connection = login(server, name)
        sent = message(f'kept {crashes} {turn}')
        assert connection.append('INBOX', None, None, sent)[0] == 'OK'
        kept.append(sent)
        connection.shutdown()
    raise AssertionError(f'{crashes} crashes were not counted:\n{server.log()[-3000:]}')


@pytest.fixture
def crowd(make_server):
    """A server with accounts in both shards, each with a message of its own."""
    server = make_server({'mail.shards': str(SHARDS)}, accounts=NAMES)
    for name in NAMES:
        assert server.deliver(name, message(name)) == {}
    return server


def test_an_account_that_crashes_its_shard_is_set_apart(crowd):
    victim = NAMES[0]
    account_id = id_of(crowd, victim)
    fill(crowd, victim)
    ledger = crash_until(crowd, victim, account_id, CRASHES_MAX)
    known = blamed(crowd, account_id)
    assert known['set_apart'] is True and known['shard'] == SHARDS
    assert f'event=account-set-apart account_id={account_id} shard={SHARDS}' in crowd.log()
    assert ask(crowd, 'account.show', name=victim)['shard'] == SHARDS

    # It is served by a process of its own, and by no other.
    connection = login(crowd, victim)
    assert list(owners(crowd, account_id).values()) == [f'roost-mail-{SHARDS}']
    assert crowd.deliver(victim, message('after')) == {}
    for name in NAMES[1:]:
        other = login(crowd, name)
        assert list(owners(crowd, id_of(crowd, name)).values())[0] in \
            [f'roost-mail-{shard}' for shard in range(SHARDS)]
        assert [without_trace(one) for one in bodies(other).values()] == [message(name)]
        other.logout()

    # All that was acknowledged is there.
    stored = list(bodies(connection).values())
    assert without_trace(stored[0]) == message(victim)
    assert stored[1:-1] == ledger
    assert without_trace(stored[-1]) == message('after')
    answer, count = connection.select('Large')
    assert answer == 'OK' and int(count[0]) == 2 ** COPIES_LOG2
    connection.logout()
    assert b'all whole' in crowd.run('verify', victim).stdout
    assert list(owners(crowd, account_id).values()) == [f'roost-mail-{SHARDS}']


def test_its_next_crash_is_its_own(crowd):
    victim = NAMES[0]
    account_id = id_of(crowd, victim)
    fill(crowd, victim)
    crash_until(crowd, victim, account_id, CRASHES_MAX)
    shards = {pid for name in NAMES[1:] for pid in owners(crowd, id_of(crowd, name))}
    others = {name: login(crowd, name) for name in NAMES[1:]}
    for connection in others.values():
        assert connection.select()[0] == 'OK'
    process = strike(crowd, victim, account_id)
    assert process == f'roost-mail-{SHARDS}'
    for name, connection in others.items():  # sessions from before live on
        assert connection.noop()[0] == 'OK'
        assert crowd.deliver(name, message('during')) == {}
        assert connection.noop()[0] == 'OK'
        assert connection.response('EXISTS')[1][-1] == b'2'
    assert shards <= set(crowd.roles()['mail'])
    again = login(crowd, victim)
    assert again.select()[0] == 'OK'
    assert list(owners(crowd, account_id).values()) == [f'roost-mail-{SHARDS}']
    again.logout()

    # A new auth is told of it; so is a new process in its place.
    os.kill(crowd.roles()['auth'][0], signal.SIGKILL)
    again = login(crowd, victim)
    assert again.select()[0] == 'OK'
    assert list(owners(crowd, account_id).values()) == [f'roost-mail-{SHARDS}']
    again.logout()
    assert crowd.deliver(victim, message('later')) == {}


def test_kills_are_no_crashes(crowd):
    victim = NAMES[0]
    account_id = id_of(crowd, victim)
    for _ in range(CRASHES_MAX + 1):
        connection = login(crowd, victim)
        (pid, process), = owners(crowd, account_id).items()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not pathlib.Path(f'/proc/{pid}').exists(), 10, 'the end of the shard')
        connection.shutdown()
    assert ask(crowd, 'status')['crashed_accounts'] == []
    assert process != f'roost-mail-{SHARDS}'
    assert login(crowd, victim).select()[0] == 'OK'
