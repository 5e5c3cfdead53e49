"""A disk that was full before anybody came: mail can be read all the same, what there is room for
is done, and who cannot be served hears why."""
import contextlib
import os
import re
import socket
import subprocess

import pytest

from mail import bodies, message
from roost_server import PASSWORD
from test_lmtp import small_disk  # noqa: F401: a fixture

EX_CANTCREAT, EX_IOERR, EX_TEMPFAIL = 73, 74, 75
BLOCK = 4096
ENTRY = 128  # of a lock file
LARGE = 'A line of a large message.\r\n' * 300


def fill(folder):
    with contextlib.suppress(OSError), open(folder / 'filler', 'ab', buffering=0) as filler:
        for size in (1 << 16, BLOCK):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(size))


def directory_of(server, name):
    account = re.search(r'\b[0-9a-f]{32}\b', server.run('account', 'show', name).stdout.decode())[0]
    return server.settings['data'] / 'accounts' / account[:2] / account


def log_of(server, name):
    return max((directory_of(server, name) / 'log').glob('*.log'))


def begin(make_server, folder, accounts=('ann', 'bob')):
    """Mail for ann and bob, and room for some small changes in the last block of ann's log."""
    server = make_server({'data': folder / 'data', 'mail.compression': 'none'}, accounts=accounts)
    for number in range(3):
        assert server.deliver(['ann@example.org', 'bob@example.org'], message(number)) == {}
    for _ in range(20):
        if -log_of(server, 'ann').stat().st_size % BLOCK > 2000:
            break
        assert server.deliver('ann@example.org', message(9)) == {}
    return server


def fill_lock(server, name):
    """A block's worth of entries, so that the next one needs another block."""
    lock = directory_of(server, name) / 'lock'
    with open(lock, 'r+b') as file:
        last = file.read()[-ENTRY:]
        file.seek(0)
        file.write(last * (BLOCK // ENTRY))
    return lock


@pytest.mark.parametrize('how', ['stopped', 'killed'])
def test_mail_can_be_read(make_server, small_disk, how):  # noqa: F811
    server = begin(make_server, small_disk)
    before = bodies(server.imap('ann'))
    if how == 'stopped':
        server.stop()
    else:
        server.kill()
    lock = fill_lock(server, 'ann')
    fill(small_disk)
    server.start()
    assert os.statvfs(small_disk).f_bavail == 0
    assert bodies(server.imap('ann')) == before
    client = server.imap('ann')
    client.select()
    assert client.store('1:2', '+FLAGS', '(\\Deleted)')[0] == 'OK'
    assert client.expunge()[0] == 'OK'
    client.logout()
    assert lock.stat().st_size < BLOCK
    server.stop()
    server.start()
    assert list(bodies(server.imap('ann'))) == list(before)[2:]
    assert 'account-unavailable' not in server.log() and 'account-failed' not in server.log()


def test_who_cannot_be_served_hears_why(make_server, small_disk):  # noqa: F811
    """An account that nobody has used needs room for its log."""
    server = begin(make_server, small_disk, ('ann', 'bob', 'never'))
    fill(small_disk)
    code, text = server.deliver('never@example.org', message(1))['never@example.org']
    assert (code, text[:5]) == (452, b'4.3.1'), text
    with socket.create_connection(('127.0.0.1', server.imap_port)) as client:
        client.settimeout(20)
        said = client.makefile('rb')
        assert said.readline().startswith(b'* OK')
        client.sendall(f'a1 LOGIN never "{PASSWORD}"\r\n'.encode())
        assert said.read() == (b"* BYE [UNAVAILABLE] The server's disk is full, try later\r\n"
                               b"a1 NO [UNAVAILABLE] The server's disk is full, try later\r\n")
    assert re.search(r'event=account-unavailable account_id=\w+ why="[^"]*no space"', server.log())
    assert re.search(r'event=delivery .*account=never .*result="no space"', server.log())
    (small_disk / 'filler').unlink()
    assert server.deliver('never@example.org', message(1)) == {}
    assert len(bodies(server.imap('never'))) == 1


def test_what_does_not_fit_leaves_nothing(make_server, small_disk):  # noqa: F811
    """The first change after an opening waits for the lock file before it turns out not to fit. The
    account is opened again at once, without a tail: for the epoch that calls for is no room."""
    server = begin(make_server, small_disk)
    before = bodies(server.imap('ann'))
    server.stop()
    fill(small_disk)
    server.start()
    for _ in range(2):
        code, text = server.deliver('ann@example.org', message(1, LARGE))['ann@example.org']
        assert (code, text[:5]) == (452, b'4.3.1'), text
        assert bodies(server.imap('ann')) == before
    assert not list((directory_of(server, 'ann') / 'log').glob('aside-*'))
    assert 'event=account-failed' in server.log()
    assert 'account-unavailable' not in server.log()
    for code in (EX_TEMPFAIL, EX_IOERR):
        if code == EX_IOERR:
            server.stop()
        done = server.run('purge', 'ann', '--yes', check=False)
        assert done.returncode == code and b'no space' in done.stderr, done
    server.start()
    (small_disk / 'filler').unlink()
    assert server.deliver('ann@example.org', message(1, LARGE)) == {}
    assert len(bodies(server.imap('ann'))) == len(before) + 1
    subprocess.run(server.command('verify', 'ann'), check=True)


def test_a_backup_of_a_full_disk(make_server, small_disk, tmp_path):  # noqa: F811
    """The accounts database has no room for a copy beside it: it is made in the backup. Beside a
    running server, and without one."""
    os.chmod(tmp_path, 0o755)
    server = begin(make_server, small_disk, ('ann', 'bob', 'never'))
    before = bodies(server.imap('ann'))
    fill(small_disk)
    done = server.run('account', 'add', 'late', '--password-stdin', data=b'any\n', check=False)
    assert done.returncode == EX_CANTCREAT
    assert done.stderr == \
        b'roost: accounts database: there is no space on the disk of data/auth\n'
    for running in (True, False):
        if not running:
            server.stop()
        place = tmp_path / f'backup-{running}'
        assert b'2 accounts: ' in server.run('backup', str(place)).stdout
        assert os.listdir(place / 'auth') == ['accounts.db']
        twin = make_server(start=False, accounts=())
        assert twin.run('restore', str(place)).stdout == \
            b'restored 3 accounts: 2 with mail, 1 that nobody had used\n'
        twin.start()
        assert bodies(twin.imap('ann')) == before
