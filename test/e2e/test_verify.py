"""roost verify: beside a running server and without one, on whole accounts and damaged ones."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from mail import message, need, wait_for
from roost_server import Server

DAMAGED, EX_NOUSER, EX_TEMPFAIL = 1, 67, 75
NOBODY = 65534
LARGE = 'A line that fills a segment of its own.\r\n' * 10000
RECORDS_AT = 8192
UNUSED = b'%s: nobody has used it yet: there is no mail of it\n'


def log_files(server, kind):
    return sorted((server.folder / 'data' / 'accounts').glob(f'??/*/log/*.{kind}'))


def flip(path, offset):
    """One bit, in place: the owner's descriptors see it."""
    with open(path, 'r+b') as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))


def results(server, *words):
    """Exit code and the lines of --json."""
    done = server.run('verify', '--json', *words, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_whole_accounts_under_load(server):
    stop = threading.Event()

    def deliver():
        number = 0
        while not stop.is_set():
            assert not server.deliver('ann@example.org', message(number))
            number += 1

    assert not server.deliver('ann@example.org', message('large', LARGE))
    loader = threading.Thread(target=deliver)
    loader.start()
    try:
        for _ in range(20):
            code, lines = results(server, 'ann')
            assert code == 0, lines
            assert [line for line in lines if 'damage' in line] == []
            assert lines[-1]['result']['damaged'] == 0
        done = server.run('verify')
        assert done.stdout.splitlines()[-1] == b'accounts: 2, damaged: 0, not read: 0'
    finally:
        stop.set()
        loader.join()
    _, lines = results(server, 'ann')
    assert lines[-1]['result']['messages'] >= 2


def where_stored(data, number, compression):
    """Offset of some byte of that message in the log, the number-th from 0."""
    if compression == 'none':
        return data.index(b'number %d' % number)
    frames = [found.start() for found in re.finditer(rb'\x28\xb5\x2f\xfd', data)]
    return frames[number] + 20


@pytest.mark.parametrize('compression', ['none', 'zstd'])
def test_damage_is_named(make_server, compression):
    """The same with the server and without it; the other account is not in it."""
    server = make_server({'mail.compression': compression})
    assert not server.deliver('bob@example.org', message(1))
    for number in range(5):
        assert not server.deliver('ann@example.org', message(number))
    assert not server.deliver('ann@example.org', message('large', LARGE))
    log = max(log_files(server, 'log'), key=lambda path: path.stat().st_size)
    body, = log_files(server, 'body')
    at = where_stored(log.read_bytes(), 3, compression)
    flip(log, at)
    flip(body, body.stat().st_size // 2)
    for running in (True, False):
        code, lines = results(server)
        damage = [line['damage'] for line in lines if 'damage' in line]
        assert code == DAMAGED
        assert [(found['kind'], found['segment']) for found in damage] == \
            [('body', f'log/{log.name}'), ('body', f'log/{body.name}')]
        assert damage[0]['offset'] < at < damage[0]['offset'] + damage[0]['length']
        assert [line['result']['damaged'] for line in lines if 'result' in line] == [2, 0]
        assert {line['account'] for line in lines if 'damage' in line} == {'ann'}
        assert results(server, 'bob')[0] == 0
        if running:
            server.stop()
    plain = server.run('verify', 'ann', check=False)
    assert plain.returncode == DAMAGED
    assert b'ann: 2 damaged, 2 messages hit; ' in plain.stdout
    assert len(re.findall(rb', written \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[-+]\d{4}; ',
                          plain.stdout)) == 2
    assert re.search(rb' records, 1 message, ', server.run('verify', 'bob').stdout)


def test_a_change_that_is_lost_is_no_message_that_is_hit(make_server):
    """The message whose change it was is gone: what is left to count says nothing of it."""
    server = make_server({'mail.compression': 'none'})
    for number in range(6):
        assert not server.deliver('ann@example.org', message(number))
    server.stop()
    log = max(log_files(server, 'log'), key=lambda path: path.stat().st_size)
    for derived in log.parent.parent.glob('checkpoint*'):
        derived.unlink()
    data = log.read_bytes()
    change = data.index(data[32:40], where_stored(data, 3, 'none'))  # the marker of its records
    flip(log, change + 50)
    code, lines = results(server, 'ann')
    damage, = [line['damage'] for line in lines if 'damage' in line]
    result, = [line['result'] for line in lines if 'result' in line]
    assert code == DAMAGED
    assert damage['offset'] == change and damage['messages'] == 0
    assert (result['messages'], result['messages_damaged']) == (5, 0)
    first, last = damage['changes_lost']
    assert first == last
    assert re.search(rb'; it may have cost changes, and the mail that came with them: number %d$'
                     % first, server.run('verify', 'ann', check=False).stdout, re.M)


def test_names_that_nobody_has(server):
    for running in (True, False):
        done = server.run('verify', 'nobody', check=False)
        assert done.returncode == EX_NOUSER
        assert b'there is no account nobody' in done.stderr
        if running:
            server.stop()


def test_a_command_leaves_no_trace(server):
    """An account that a command has opened is the same to the server: no epoch, clean."""
    assert not server.deliver('ann@example.org', message(1))
    server.stop()
    server.run('verify')
    server.start()
    server.imap('ann').logout()
    opened = [line for line in server.log().splitlines() if 'event=account-opened' in line]
    assert not [line for line in opened if 'epoch=yes' in line]


def test_an_account_in_use_elsewhere(make_server):
    """Without the control socket the command finds the account locked."""
    server = make_server()
    server.imap('ann').logout()
    server.settings['run'] = server.folder / 'elsewhere'
    done = server.run('verify', 'ann', check=False)
    assert done.returncode == EX_TEMPFAIL, done.stderr


def test_a_shard_that_dies_meanwhile(server):
    assert not server.deliver('ann@example.org', message(1))
    shards = server.roles()['mail']
    for pid in shards:
        os.kill(pid, signal.SIGSTOP)  # so that it is at work when it dies
    command = subprocess.Popen(server.command('verify', 'ann'), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    time.sleep(0.5)
    assert command.poll() is None
    for pid in shards:
        os.kill(pid, signal.SIGKILL)
    out, err = command.communicate(timeout=20)
    assert command.returncode == EX_TEMPFAIL, (out, err)
    assert b'is gone or does not answer' in err
    wait_for(lambda: results(server, 'ann')[0] == 0, 10, 'a new shard')


def as_nobody(folder):
    """A command's prefix: an ordinary user who owns `folder`."""
    if os.geteuid() != 0:
        return []
    os.chown(folder, NOBODY, NOBODY)
    return ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', '--no-new-privs']


class OrdinaryServer(Server):
    """All of it, commands too, as one ordinary user."""

    def command(self, *verb):
        return [*as_nobody(self.folder), *super().command(*verb)]


def test_as_an_ordinary_user():
    need('setpriv')
    server = OrdinaryServer()
    try:
        server.add_account('ann')
        server.start()
        assert not server.deliver('ann@example.org', message(1))
        for running in (True, False):
            code, lines = results(server)
            assert code == 0
            assert lines[-1]['result']['messages'] == 1
            if running:
                server.stop()
    finally:
        server.close()


def test_root_leaves_everything_to_its_owner(server):
    """What a command makes in an account belongs to who serves it."""
    if os.geteuid() != 0:
        pytest.skip('only root becomes somebody else')
    accounts = server.folder / 'data' / 'accounts'
    assert not server.deliver('ann@example.org', message(1))
    server.stop()
    (accounts / hex_place(server, 'ann') / 'lock').unlink()  # a copy: it gets another lock
    assert results(server)[0] == 0
    made = [path for path in accounts.rglob('*')]
    assert len(made) > 4
    assert {path.stat().st_uid for path in made} == {accounts.stat().st_uid}
    server.start()
    server.imap('ann').logout()


def test_an_account_without_a_directory(server):
    """Without a server nothing is made where nothing is."""
    assert not server.deliver('ann@example.org', message(1))
    assert not server.deliver('bob@example.org', message(1))
    server.stop()
    bob = pathlib.Path(server.folder / 'data' / 'accounts') / hex_place(server, 'bob')
    shutil.rmtree(bob.parent)
    for verb in (('undelete', 'bob'), ('log', 'bob'), ('purge', 'bob', '--yes'),
                 ('account', 'restore', 'bob', '--at', '1h')):
        done = server.run(*verb, check=False)
        assert done.returncode == EX_NOUSER
        assert done.stderr == b'roost: bob: nobody has used it yet: there is no mail of it\n'
    assert server.run('verify', 'bob').stdout == UNUSED % b'bob'
    assert server.run('verify', 'nobody', check=False).returncode == EX_NOUSER
    done = server.run('verify')
    assert b'bob: nobody has used it yet: there is no mail of it\n' in done.stdout
    code, lines = results(server)
    assert code == 0 and {'account': 'bob', 'absent': True} in lines
    assert not bob.parent.exists()
    bob.mkdir(parents=True)  # an empty one is no account either
    assert server.run('verify', 'bob').stdout == UNUSED % b'bob'
    assert list(bob.iterdir()) == []


def test_a_log_of_another_account(server):
    """Whole, in the wrong directory: refused by its name, and nothing of it is served."""
    for name in ('ann', 'bob'):
        assert not server.deliver(f'{name}@example.org', message(name))
    server.stop()
    accounts = server.folder / 'data' / 'accounts'
    mine, other = (sorted((accounts / hex_place(server, name) / 'log').glob('*.log'))[0]
                   for name in ('ann', 'bob'))
    whole = mine.read_bytes()
    mine.write_bytes(other.read_bytes())
    for running in (False, True):
        if running:
            server.start()
        done = server.run('verify', 'ann', check=False)
        assert done.returncode not in (0, DAMAGED)
        assert f'log/{mine.name} belongs to another account: put back'.encode() in done.stderr
        assert server.run('verify', 'bob').returncode == 0
    with pytest.raises(Exception):
        server.imap('ann').select('INBOX')
    assert 'event=account-unavailable' in server.log()
    server.stop()
    mine.write_bytes(whole)
    server.start()
    assert server.imap('ann').select('INBOX') == ('OK', [b'1'])
    assert server.run('verify', 'ann').returncode == 0


def test_an_account_that_was_never_used(make_server):
    """The server makes nothing for those who only ask; for mail it does."""
    server = make_server(accounts=('ann', 'never'))
    assert not server.deliver('ann@example.org', message(1))
    folder = server.folder / 'data' / 'accounts' / hex_place(server, 'never')
    for verb in (('undelete', 'never'), ('log', 'never'), ('purge', 'never', '--yes'),
                 ('account', 'restore', 'never', '--at', '1h')):
        done = server.run(*verb, check=False)
        assert done.returncode == EX_NOUSER
        assert done.stderr == b'roost: never: nobody has used it yet: there is no mail of it\n'
    done = server.run('verify', 'never')
    assert done.stdout == UNUSED % b'never' and done.stderr == b''
    assert server.run('verify', 'nobody', check=False).returncode == EX_NOUSER
    code, lines = results(server)
    assert code == 0 and {'account': 'never', 'absent': True} in lines
    assert re.search(r'event=maintenance .*act=verify .*result="not found"', server.log())
    assert not re.search(r'warning.*event=maintenance', server.log())
    assert not folder.parent.exists()
    checks = [subprocess.Popen(server.command('verify', 'never'), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE) for _ in range(4)]
    assert not server.deliver('never@example.org', message(1))  # while they are asking
    assert {check.wait() for check in checks} == {0}
    assert server.run('verify', 'never').returncode == 0
    assert folder.exists()


def hex_place(server, name):
    shown = server.run('account', 'show', name).stdout.decode()
    found = re.search(r'\b[0-9a-f]{32}\b', shown)[0]
    return f'{found[:2]}/{found}'
