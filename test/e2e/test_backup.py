"""roost backup and roost restore, as an administrator runs them."""
import contextlib
import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import stat
import sqlite3
import struct
import subprocess
import time

import pytest

from mail import bodies, message, wait_for
from roost_server import PASSWORD

F_OFD_SETLK = 37
LARGE = 'A line of a large message.\r\n' * 8000


@pytest.fixture
def place(tmp_path):
    """Where backups go: nobody else's."""
    os.chmod(tmp_path, 0o755)
    return tmp_path / 'backup'


def told(done):
    """(accounts, files, bytes, copied) of a run."""
    return tuple(map(int, re.search(rb'(\d+) accounts?: (\d+) files? of (\d+) bytes, (\d+) bytes',
                                    done.stdout).groups()))


def all_mail(server, name):
    connection = server.imap(name)
    found = {}
    for line in connection.list()[1]:
        box = re.search(rb'"/" "?([^"]+)"?$', line)[1].decode()
        status = connection.status(f'"{box}"', '(UIDVALIDITY)')[1][0]
        found[box] = re.search(rb'UIDVALIDITY (\d+)', status)[1], bodies(connection, f'"{box}"')
    connection.logout()
    return found


def refused(server, *verb):
    done = server.run(*verb, check=False)
    assert done.returncode != 0, done
    assert done.stderr.startswith(b'roost: ') and done.stderr.count(b'\n') == 1, done.stderr
    return done.stderr.decode()


def fill(server):
    for number in range(10):
        assert server.deliver(['ann@example.org', 'bob@example.org'], message(number)) == {}
    assert server.deliver('ann@example.org', message(10, LARGE)) == {}
    client = server.imap('ann')
    client.create('work')
    client.select('INBOX')
    client.copy('1:3', 'work')
    client.store('2', '+FLAGS', '(\\Flagged later)')
    client.logout()


@pytest.mark.parametrize('running', [True, False])
def test_all_comes_back(make_server, place, running):
    server = make_server(accounts=('ann', 'bob', 'never'))
    fill(server)
    before = {name: all_mail(server, name) for name in ('ann', 'bob')}
    if not running:
        server.stop()
    done = server.run('backup', str(place))
    assert told(done)[0] == 2 and b'; 1 more that nobody has used yet\n' in done.stdout, done
    if running:
        server.stop()
    other = make_server(start=False, accounts=())
    done = other.run('restore', str(place))
    assert done.stdout == b'restored 3 accounts: 2 with mail, 1 that nobody had used\n', done
    other.start()
    assert {name: all_mail(other, name) for name in ('ann', 'bob')} == before
    assert all_mail(other, 'never')['INBOX'][1] == {}
    client = other.imap('ann')
    client.select('work')
    code, data = client.append('work', '', None, message(20))
    uid = int(re.search(rb'APPENDUID \d+ (\d+)', data[0])[1])
    assert uid > max(before['ann']['work'][1]) + 1000  # what the old one gave out since is skipped
    client.select('INBOX')
    assert b'later' in client.fetch('2', '(FLAGS)')[1][0]


def test_another_run_copies_what_is_new(make_server, place):
    server = make_server()
    fill(server)
    _, files, size, copied = told(server.run('backup', str(place)))
    assert copied == size
    assert told(server.run('backup', str(place)))[1:] == (files, size, 0)
    assert server.deliver('ann@example.org', message(30)) == {}
    _, _, grown, copied = told(server.run('backup', str(place)))
    assert 0 < copied == grown - size < 5000
    before = all_mail(server, 'ann')
    server.stop()
    for path in (server.folder / 'data').iterdir():
        shutil.rmtree(path)  # a disk was lost
    server.run('restore', str(place))
    server.start()
    assert all_mail(server, 'ann') == before


def test_plain_copies_of_a_backup(make_server, place):
    server = make_server()
    fill(server)
    before = {name: all_mail(server, name) for name in ('ann', 'bob')}
    server.run('backup', str(place))
    server.stop()
    for part in ('auth', 'accounts'):
        shutil.rmtree(server.folder / 'data' / part)
        subprocess.run(['cp', '-a', place / part, server.folder / 'data' / part], check=True)
    server.start()
    assert {name: all_mail(server, name) for name in ('ann', 'bob')} == before


def test_one_account_goes_back(make_server, place):
    server = make_server()
    fill(server)
    before = {name: all_mail(server, name) for name in ('ann', 'bob')}
    assert told(server.run('backup', str(place), 'ANN'))[0] == 1
    assert 'there is no account nobody' in refused(server, 'backup', str(place), 'nobody')
    for name in ('ann', 'bob'):
        assert server.deliver(f'{name}@example.org', message(40)) == {}
    after = all_mail(server, 'bob')
    assert 'the server runs' in refused(server, 'restore', str(place), 'ann')
    server.stop()
    assert 'ann has mail; --replace' in refused(server, 'restore', str(place), 'ann')
    assert 'no account nobody in the backup' in refused(server, 'restore', str(place), 'nobody')
    server.run('account', 'password', 'ann', '--password-stdin', data=b'another one\n')
    done = server.run('restore', str(place), 'ann', '--replace')
    trash = list((server.folder / 'data' / 'accounts' / 'trash').iterdir())
    assert len(trash) == 1 and (trash[0] / 'log').is_dir()
    assert done.stdout == (f'ann: the mail that was there is in {trash[0]}\n'
                           'restored 1 account: 1 with mail\n').encode()
    server.start()
    client = server.imap('ann', 'another one')  # the present password stays
    assert len(bodies(client)) == len(before['ann']['INBOX'][1])
    assert all_mail(server, 'bob') == after


def test_a_removed_account_comes_back(make_server, place):
    server = make_server()
    fill(server)
    before = all_mail(server, 'ann')
    server.run('backup', str(place))
    server.run('account', 'remove', 'ann', '--yes')
    server.stop()
    server.run('restore', str(place), 'ann')
    server.start()
    assert all_mail(server, 'ann') == before
    server.run('account', 'remove', 'ann', '--yes')
    server.add_account('ann')  # is another account
    server.stop()
    assert 'there is another account ann' in refused(server, 'restore', str(place), 'ann')


BACK = rb'Ann is back, with the mail that went to the trash \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S+\n'


def wait_for_trash(server, count):
    trash = server.folder / 'data' / 'accounts' / 'trash'
    wait_for(lambda: trash.exists() and len(list(trash.iterdir())) == count, 10, 'trash')


def test_undelete_of_an_account(make_server):
    """Out of the trash: mail and id as they were, a new password; the last one of that name that
    has mail."""
    server = make_server()
    fill(server)
    before = {name: all_mail(server, name) for name in ('ann', 'bob')}
    was = directory_of(server, 'ann').name

    def undelete(name='Ann', check=True):
        return server.run('account', 'undelete', name, '--password-stdin',
                          data=PASSWORD.encode() + b'\n', check=check)

    server.run('account', 'remove', 'ann', '--yes')
    refusal = undelete(check=False)
    assert refusal.returncode == 75 and b'the server runs: stop it' in refusal.stderr
    server.stop()
    refusal = server.run('account', 'undelete', 'nobody', '--password-stdin', data=b'x\n',
                         check=False)
    assert refusal.returncode == 67 and b'no account nobody was removed' in refusal.stderr
    done = undelete()
    assert re.fullmatch(BACK, done.stdout), done
    assert directory_of(server, 'ann').name == was
    assert b'there is an account Ann' in undelete(check=False).stderr
    server.start()
    assert {name: all_mail(server, name) for name in ('ann', 'bob')} == before
    server.stop()
    server.run('account', 'remove', 'ann', '--yes')  # it waits for a server that drops its mail
    assert undelete().stdout == b'Ann is back\n'
    server.run('account', 'remove', 'ann', '--yes')
    server.start()
    wait_for_trash(server, 1)
    server.add_account('ann')
    server.run('account', 'remove', 'ann', '--yes')  # was never used, and was the last
    server.add_account('ann')
    assert server.imap('ann').logout()[0] == 'BYE'  # is used
    server.stop()
    server.run('account', 'remove', 'ann', '--yes')
    shutil.rmtree(next((server.folder / 'data' / 'accounts').glob(f'*/{last_removed(server)}/log')))
    server.start()
    wait_for_trash(server, 2)  # one of them is empty
    server.stop()
    done = undelete()
    assert re.fullmatch(BACK, done.stdout), done
    assert directory_of(server, 'ann').name == was
    server.start()
    assert {name: all_mail(server, name) for name in ('ann', 'bob')} == before
    server.add_account('zoe')
    server.run('account', 'remove', 'zoe', '--yes')
    server.stop()
    assert undelete('zoe').stdout == b'zoe is back; there is no mail of it in the trash\n'
    server.start()
    assert all_mail(server, 'zoe')['INBOX'][1] == {}


def last_removed(server):
    with contextlib.closing(sqlite3.connect(server.folder / 'data/auth/accounts.db')) as database:
        return database.execute('SELECT hex(id) FROM removed').fetchone()[0].lower()


def test_undelete_says_what_else_there_is(make_server):
    server = make_server()
    ids = []
    for number in range(2):
        assert server.deliver('ann@example.org', message(number)) == {}
        ids.append(directory_of(server, 'ann').name)
        server.run('account', 'remove', 'ann', '--yes')
        wait_for_trash(server, number + 1)
        if number == 0:
            server.add_account('ann')
    server.stop()
    old, = (server.folder / 'data' / 'accounts' / 'trash').glob(f'{ids[0]}.*')
    done = server.run('account', 'undelete', 'ann', '--password-stdin',
                      data=PASSWORD.encode() + b'\n')
    assert done.stdout.startswith(b'ann is back, with the mail that went to the trash '), done
    assert done.stdout.splitlines()[1].startswith(b'mail of that name that went ')
    assert done.stdout.endswith(f' is still in {old}\n'.encode())
    assert directory_of(server, 'ann').name == ids[1]


def test_places_that_will_not_do(make_server, place, tmp_path):
    server = make_server()
    fill(server)
    data = server.folder / 'data'
    assert 'one within the other' in refused(server, 'backup', str(data / 'backup'))
    assert not (data / 'backup').exists()
    assert 'one within the other' in refused(server, 'backup', str(server.folder))
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'file').write_text('x')
    assert 'is no backup of Roost' in refused(server, 'backup', str(other))
    assert 'is no backup of Roost' in refused(server, 'restore', str(other))
    assert str(other / 'file') in refused(server, 'backup', str(other / 'file'))
    assert server.run('backup', str(other / 'file'), check=False).returncode == 73
    new = tmp_path / 'new'
    assert 'no directory' in refused(server, 'backup', str(new / 'more'))
    assert server.run('backup', str(new / 'more'), check=False).returncode == 73
    assert 'there is no account nobody' in refused(server, 'backup', str(new), 'nobody')
    assert not new.exists()
    server.run('backup', str(new))
    assert stat.S_IMODE((new / 'roost-backup').stat().st_mode) == 0o644
    kept = files_of(new)
    assert 'there is no account nobody' in refused(server, 'backup', str(new), 'nobody')
    assert files_of(new) == kept
    shutil.rmtree(new / 'auth')
    server.stop()
    assert 'no backup into it has come to its end' in refused(server, 'restore', str(new))
    assert server.run('restore', str(new), check=False).returncode == 66
    assert 'DEST' in refused(server, 'backup')


@contextlib.contextmanager
def small_disk(path, size):
    path.mkdir()
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'roost-backup', path],
                          capture_output=True)
    if done.returncode != 0:
        pytest.skip('no disk can be mounted here')
    try:
        yield
    finally:
        subprocess.run(['umount', path], check=True)


def test_a_full_disk(make_server, place):
    server = make_server({'mail.compression': 'none'})
    fill(server)
    before = {name: all_mail(server, name) for name in ('ann', 'bob')}
    with small_disk(place, '1M'):
        server.run('backup', str(place))
        for number in range(8):
            assert server.deliver('bob@example.org', message(number, LARGE)) == {}
        server.add_account('zoe')
        assert server.deliver('zoe@example.org', message(1)) == {}
        assert refused_lines(server, 'backup', str(place)).splitlines() == [
            'roost: bob: not copied: no space on the disk of the backup',
            'roost: zoe: not copied', f'roost: not all accounts were copied to {place}']
        server.stop()
        for part in ('auth', 'accounts'):
            shutil.rmtree(server.folder / 'data' / part)
        done = server.run('restore', str(place))  # the last whole run knew of no zoe
        assert done.stdout == b'restored 2 accounts: 2 with mail\n'
    server.start()
    assert {name: all_mail(server, name) for name in ('ann', 'bob')} == before


def test_a_disk_that_is_full_from_the_start(server, place):
    with small_disk(place, '64K'):
        with contextlib.suppress(OSError), open(place / 'filler', 'wb', buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        assert refused_lines(server, 'backup', str(place / 'new')) == \
            f'roost: {place}/new/roost-backup: no space\n'
        assert os.listdir(place) == ['filler']  # what was begun was taken away
        (place / 'filler').unlink()


def refused_lines(server, *verb):
    done = server.run(*verb, check=False)
    assert done.returncode == 73, done  # EX_CANTCREAT
    return done.stderr.decode()


def test_a_damaged_backup(make_server, place):
    server = make_server()
    fill(server)
    server.run('backup', str(place))
    server.stop()
    log = max(pathlib.Path(place).glob('accounts/*/*/log/*.log'))
    whole = bytearray(log.read_bytes())
    whole[len(whole) // 2] ^= 1
    log.write_bytes(whole)
    for part in ('auth', 'accounts'):
        shutil.rmtree(server.folder / 'data' / part)
    assert 'of the backup is damaged' in refused(server, 'restore', str(place))


def test_the_server_holds_what_is_copied(make_server, place):
    """It says so, and lets go: every hold has an end."""
    server = make_server({'log.level': 'debug'})
    fill(server)
    done = server.run('backup', str(place))
    assert b'did not hold' not in done.stderr
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(20)
        control.connect(str(server.folder / 'run' / 'control.sock'))
        control.sendall(b'{"verb":"maintain","name":"ann","act":"hold"}\n')
        lines = control.makefile('rb')
        assert json.loads(lines.readline()) == {'ok': True, 'result': [{'held': True}],
                                                'more': True}
        assert told(server.run('backup', str(place)))[0] == 2  # two may hold at once
        assert json.loads(lines.readline())['more']  # it goes on until we hang up
    server.stop()


def test_a_stop_after_a_backup_is_no_trouble(make_server, place):
    """What a run held ends with the server at last: nobody is to worry about it."""
    server = make_server()
    fill(server)
    server.run('backup', str(place))
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(20)
        control.connect(str(server.folder / 'run' / 'control.sock'))
        control.sendall(b'{"verb":"maintain","name":"ann","act":"hold"}\n')
        assert b'held' in control.makefile('rb').readline()
        server.stop()
    ends = [line for line in server.log().splitlines() if 'event=maintenance' in line]
    assert ends and all(' info: ' in line and 'act=hold' in line for line in ends), ends


def test_a_run_that_is_killed(make_server, place):
    """At any moment: what the last whole run left comes back, or what this one has finished; and
    nobody else writes to the place meanwhile."""
    server = make_server()
    fill(server)
    server.run('backup', str(place))
    seed = random.randrange(1 << 32)
    print('seed', seed)
    dice = random.Random(seed)
    for number in range(12):
        assert server.deliver('ann@example.org', message(100 + number, LARGE)) == {}
        run = subprocess.Popen(server.command('backup', str(place)), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(dice.uniform(0, 0.08))
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    mail = all_mail(server, 'ann')['INBOX'][1]
    server.stop()
    twin = make_server(start=False, accounts=())
    twin.run('restore', str(place))
    twin.start()
    found = all_mail(twin, 'ann')['INBOX'][1]
    assert 11 <= len(found) and found == {uid: mail[uid] for uid in sorted(mail)[:len(found)]}
    server.run('backup', str(place))
    with open(place / 'roost-backup', 'r+b') as mark:
        fcntl.fcntl(mark, F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
        assert 'another backup' in refused(server, 'backup', str(place))
    server.run('backup', str(place))


def test_several_at_once(make_server, tmp_path):
    """Each into a place of its own, with a server and without one: none is in another's way."""
    os.chmod(tmp_path, 0o755)
    server = make_server(accounts=('ann', 'bob'))
    for number in range(6):
        if number == 3:
            server.stop()
        places = [tmp_path / f'{number}-{index}' for index in range(4)]
        runs = [subprocess.Popen(server.command('backup', str(place)), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL) for place in places]
        for place, run in zip(places, runs):
            assert run.wait() == 0
            with contextlib.closing(sqlite3.connect(place / 'auth' / 'accounts.db')) as database:
                assert database.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
                assert database.execute('SELECT count(*) FROM account').fetchone() == (2,)
    assert not list((server.folder / 'data' / 'auth').glob('accounts.copy*'))


def directory_of(server, name):
    shown = server.run('account', 'show', name).stdout.decode()
    found = re.search(r'\b[0-9a-f]{32}\b', shown)[0]
    return server.folder / 'data' / 'accounts' / found[:2] / found


def files_of(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob('*')) if path.is_file()}


def test_a_lost_account_stays_in_the_backup(make_server, place):
    server = make_server()
    fill(server)
    before = all_mail(server, 'bob')
    server.run('backup', str(place))
    bob = directory_of(server, 'bob')
    kept = place / 'accounts' / bob.parent.name / bob.name
    copy = files_of(kept)
    assert server.deliver('ann@example.org', message(50)) == {}
    server.stop()
    for lost in (bob / 'log', bob):
        shutil.rmtree(lost)
        done = server.run('backup', str(place), check=False)
        assert done.returncode == 69 and told(done)[0] == 1  # ann was copied
        assert b'roost: bob: there is no log of it in accounts/' in done.stderr
        assert files_of(kept) == copy
    server.start()
    assert server.deliver('bob@example.org', message(51)) == {}  # begins another one
    done = server.run('backup', str(place), check=False)
    assert done.returncode == 69 and told(done)[0] == 1
    assert b'roost: bob: its log does not go on from the one in the backup' in done.stderr
    assert f'remove accounts/{bob.parent.name}/{bob.name} of the backup'.encode() in done.stderr
    assert files_of(kept) == copy
    server.stop()
    accounts = server.folder / 'data' / 'accounts'
    accounts.rename(server.folder / 'data' / 'away')
    assert 'accounts is missing' in refused(server, 'backup', str(place))
    assert files_of(kept) == copy
    (server.folder / 'data' / 'away').rename(accounts)
    server.run('restore', str(place), 'bob', '--replace')
    server.run('backup', str(place))
    server.start()
    assert all_mail(server, 'bob') == before
    server.run('purge', 'bob', '--yes')  # a later state of the same account
    server.run('backup', str(place))


def test_a_restore_that_is_repeated(make_server, place):
    """The same line again passes over what is done, and nobody is let in before all is."""
    server = make_server()
    fill(server)
    before = {name: all_mail(server, name) for name in ('ann', 'bob')}
    ids = {name: directory_of(server, name).name for name in ('ann', 'bob')}
    server.run('backup', str(place))
    log = max((place / 'accounts' / ids['bob'][:2] / ids['bob'] / 'log').glob('*.log'))
    whole = log.read_bytes()
    log.write_bytes(whole[:-1])  # stops the first run after ann
    twin = make_server(start=False, accounts=())
    assert 'bob: ' in refused(twin, 'restore', str(place))
    assert b'ann' not in twin.run('account', 'list').stdout
    ann = twin.folder / 'data' / 'accounts' / ids['ann'][:2] / ids['ann']
    inode = ann.stat().st_ino
    log.write_bytes(whole)
    assert twin.run('restore', str(place)).stdout == \
        b'restored 2 accounts: 1 with mail, 1 whose mail was there already\n'
    assert ann.stat().st_ino == inode
    assert twin.run('restore', str(place), '--replace').stdout == \
        b'restored 0 accounts; 2 were there already, just as in the backup\n'
    assert ann.stat().st_ino == inode
    twin.start()
    assert {name: all_mail(twin, name) for name in ('ann', 'bob')} == before
    twin.stop()
    assert 'ann has mail; --replace' in refused(twin, 'restore', str(place), 'ann')


def test_a_restore_that_is_killed(make_server, place):
    server = make_server()
    fill(server)
    before = {name: all_mail(server, name) for name in ('ann', 'bob')}
    server.run('backup', str(place))
    twin = make_server(start=False, accounts=())
    seed = random.randrange(1 << 32)
    print('seed', seed)
    dice = random.Random(seed)
    for _ in range(8):
        run = subprocess.Popen(twin.command('restore', str(place)), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0, 0.05))
        run.kill()  # its children end with it
        run.wait()
    while (code := twin.run('restore', str(place), check=False).returncode) != 0:
        assert code == 75  # a child is about to end
    twin.start()
    assert {name: all_mail(twin, name) for name in ('ann', 'bob')} == before


def stop_in(server, place, name):
    """Interrupts the first run when the account's copy is being made: its directory is there, the
    manifest is not."""
    wanted = place / 'accounts' / directory_of(server, name).parent.name
    run = subprocess.Popen(server.command('backup', str(place)), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, start_new_session=True)
    while not wanted.exists() and run.poll() is None:
        pass
    os.killpg(run.pid, signal.SIGKILL)
    return run.wait() == -signal.SIGKILL


def test_a_first_run_that_is_killed_can_not_be_restored(make_server, place):
    """It says so, instead of bringing back accounts without their mail."""
    server = make_server({'mail.compression': 'none'})
    fill(server)
    before = {name: all_mail(server, name) for name in ('ann', 'bob')}
    for number in range(30):
        assert server.deliver('ann@example.org', message(number, LARGE)) == {}
    while not stop_in(server, place, 'ann'):  # it was faster than we
        shutil.rmtree(place)
    assert (place / 'roost-backup').stat().st_size > 0
    twin = make_server(start=False, accounts=())
    assert 'no backup into it has come to its end' in refused(twin, 'restore', str(place))
    assert b'ann' not in twin.run('account', 'list').stdout
    server.run('backup', str(place))
    assert twin.run('restore', str(place)).stdout == b'restored 2 accounts: 2 with mail\n'
    twin.start()
    assert all_mail(twin, 'bob') == before['bob']


def test_who_has_no_copy_is_named(make_server, place):
    """And left out: nobody comes back empty who had mail."""
    server = make_server(accounts=('ann', 'bob', 'never'))
    fill(server)
    before = all_mail(server, 'ann')
    server.run('backup', str(place), 'ann')
    twin = make_server(start=False, accounts=())
    done = twin.run('restore', str(place), check=False)
    assert done.returncode == 69 and done.stdout == b'restored 1 account: 1 with mail\n', done
    assert done.stderr == (b'roost: bob: the backup has no copy of it\n'
                           b'roost: never: the backup has no copy of it\n'
                           b'roost: 2 accounts were not restored\n')
    assert twin.run('account', 'list').stdout == b'ann\n'
    done = twin.run('restore', str(place), 'bob', 'ann', check=False)
    assert done.returncode == 69, done
    assert done.stdout == b'restored 0 accounts; 1 was there already, just as in the backup\n'
    done = twin.run('restore', str(place), 'bob', check=False)
    assert done.returncode == 69 and done.stdout == b'', done
    assert done.stderr.startswith(b'roost: bob: the backup has no copy of it\n')
    assert twin.run('restore', str(place), 'ann').returncode == 0
    server.run('backup', str(place), 'never')  # ann's copy stays
    done = twin.run('restore', str(place), 'never')
    assert done.stdout == b'restored 1 account: 1 that nobody had used\n', done
    server.run('account', 'remove', 'bob', '--yes')
    server.run('backup', str(place))  # the database knows no bob any more
    twin.run('restore', str(place))
    assert twin.run('account', 'list').stdout == b'ann\nnever\n'
    twin.start()
    assert all_mail(twin, 'ann') == before


def test_an_account_whose_copy_failed_has_none(make_server, place):
    server = make_server()
    fill(server)
    server.stop()
    bob = directory_of(server, 'bob')
    taken = place / 'accounts' / bob.parent.name
    server.run('backup', str(place), 'ann')
    shutil.rmtree(taken, ignore_errors=True)  # of bob alone, but for one in 256 runs
    taken.write_text('is in the way')
    done = server.run('backup', str(place), check=False)
    assert done.returncode != 0 and b'roost: bob: ' in done.stderr, done
    twin = make_server(start=False, accounts=())
    done = twin.run('restore', str(place), check=False)
    assert done.returncode == 69 and b'roost: bob: the backup has no copy of it' in done.stderr
    assert b'bob' not in twin.run('account', 'list').stdout


def test_an_account_that_is_used_at_last(make_server, place):
    """Its copy said that nobody had used it: that goes on to be the truth, in both directions."""
    server = make_server(accounts=('ann', 'never'))
    assert server.deliver('ann@example.org', message(1)) == {}
    server.run('backup', str(place))
    kept = files_of(place / 'accounts')
    server.run('backup', str(place))
    assert files_of(place / 'accounts').keys() == kept.keys()
    assert server.deliver('never@example.org', message(2)) == {}
    before = all_mail(server, 'never')
    server.stop()
    assert 'never has mail; --replace' in refused(server, 'restore', str(place))
    done = server.run('restore', str(place), 'never', '--replace')  # what was: nothing
    trash = list((server.folder / 'data' / 'accounts' / 'trash').iterdir())
    assert done.stdout == (f'never: the mail that was there is in {trash[0]}\n'
                           'restored 0 accounts; 1 was there already, just as in the backup\n'
                           ).encode(), done
    assert not directory_of(server, 'never').exists()
    trash[0].rename(directory_of(server, 'never'))
    assert told(server.run('backup', str(place)))[0] == 2
    twin = make_server(start=False, accounts=())
    assert twin.run('restore', str(place)).stdout == b'restored 2 accounts: 2 with mail\n'
    twin.start()
    assert all_mail(twin, 'never') == before


def test_data_without_a_directory_of_accounts(make_server, place):
    """Nobody has used any account, or all of them are lost: they are not taken for empty ones."""
    server = make_server()
    fill(server)
    server.stop()
    shutil.rmtree(server.folder / 'data' / 'accounts')
    assert 'accounts is missing: it is lost, or' in refused(server, 'backup', str(place))
    assert not place.exists()


def children_of(pid):
    return (pathlib.Path('/proc') / str(pid) / 'task' / str(pid) / 'children').read_text().split()


def has_open(pid, name):
    with contextlib.suppress(OSError):  # it is about to end
        links = (pathlib.Path('/proc') / pid / 'fd').iterdir()
        return any(os.readlink(link).endswith(name) for link in links)
    return False


def is_over(pid):
    return (pathlib.Path('/proc') / pid / 'stat').read_text().rsplit(')', 1)[1].split()[0] == 'Z'


def stop_when_open(run, name):
    """Stops the command when a child of it has the file open; the children before that one do
    their work."""
    seen = set()
    while True:
        assert run.poll() is None
        child = next(iter(set(children_of(run.pid)) - seen), None)
        if child is None:
            continue
        seen.add(child)
        run.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_over(child) or has_open(child, name), 10, f'{name} is not open')
        if not is_over(child):
            return
        run.send_signal(signal.SIGCONT)


def test_restores_and_logins_do_not_mix(make_server, place):
    """From its first look at the accounts to its last word a restore has them for itself."""
    server = make_server()
    fill(server)
    before = {name: all_mail(server, name) for name in ('ann', 'bob')}
    server.run('backup', str(place))
    twin = make_server(start=False, accounts=('cid',))
    run = subprocess.Popen(twin.command('restore', str(place)), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
    stop_when_open(run, 'accounts.db')
    second = twin.run('restore', str(place), check=False)
    assert second.returncode == 75 and b'or another restore' in second.stderr, second
    with pytest.raises(AssertionError):
        twin.start()  # auth does not get its database
    assert 'accounts.db is in use by another process' in twin.log(), twin.log()
    run.send_signal(signal.SIGCONT)
    out, err = run.communicate(timeout=30)
    assert run.returncode == 0 and out == b'restored 2 accounts: 2 with mail\n', (out, err)
    twin.start()
    assert {name: all_mail(twin, name) for name in ('ann', 'bob')} == before


def test_first_runs_at_once(make_server, tmp_path):
    """Into one new place: one makes it, and the others are told, or come after it."""
    os.chmod(tmp_path, 0o755)
    server = make_server()
    fill(server)
    for number in range(5):
        place = str(tmp_path / f'new{number}')
        runs = [subprocess.Popen(server.command('backup', place), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE) for _ in range(4)]
        said = [run.communicate()[1] for run in runs]
        assert {run.returncode for run in runs} <= {0, 75} and 0 in {run.returncode for run in runs}
        assert all(b'another backup' in said[index] for index, run in enumerate(runs)
                   if run.returncode == 75)
        server.run('backup', place)
    (tmp_path / 'begun').mkdir()
    (tmp_path / 'begun' / 'roost-backup').touch()  # a run that was killed did not get further
    server.run('backup', str(tmp_path / 'begun'))


def test_nothing_to_copy(make_server, place):
    server = make_server(accounts=())
    assert 'there are no accounts' in refused(server, 'backup', str(place))
    assert not place.exists()
    server.add_account('ann')
    server.run('backup', str(place))
    kept = files_of(place)
    server.run('account', 'remove', 'ann', '--yes')
    assert server.run('backup', str(place), check=False).returncode == 69
    assert files_of(place) == kept
