"""make install: every file in its place, and systemd's own tools understand what is there."""
import os
import re
import shutil
import subprocess

import pytest

from mail import message
from roost_server import ROOT

UNITS = ['roost.service', 'roost-imap.socket', 'roost-imaps.socket']
FILES = {
    'bin/roost': 0o755,
    'share/man/man1/roost.1': 0o644,
    'lib/sysusers.d/roost.conf': 0o644,
    'lib/tmpfiles.d/roost.conf': 0o644,
    **{f'lib/systemd/system/{unit}': 0o644 for unit in UNITS},
}


def run(*command, check=True, **variables):
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, **variables}, timeout=60)
    assert not check or done.returncode == 0, (command, done.stdout, done.stderr)
    return done


def need_tool(name):
    if shutil.which(name) is None:
        pytest.skip(f'no {name} here')


@pytest.fixture
def root(tmp_path):
    """A directory with an installation below usr."""
    run('tools/place.sh', DESTDIR=str(tmp_path), PREFIX='/usr')
    return tmp_path


def test_every_file_is_in_its_place_and_no_other(root):
    found = {str(path.relative_to(root / 'usr')): path.stat().st_mode & 0o777
             for path in (root / 'usr').rglob('*') if path.is_file()}
    assert found == FILES
    assert [path.name for path in root.iterdir()] == ['usr']
    assert run(root / 'usr/bin/roost', 'version').stdout.startswith('Roost ')
    unit = (root / 'usr/lib/systemd/system/roost.service').read_text()
    assert 'ExecStart=/usr/bin/roost serve\n' in unit and '@PREFIX@' not in unit


def test_a_second_install_replaces_the_first(root):
    (root / 'usr/bin/roost').write_text('old')
    run('tools/place.sh', DESTDIR=str(root), PREFIX='/usr')
    assert run(root / 'usr/bin/roost', 'version').stdout.startswith('Roost ')


def test_a_prefix_that_is_no_path_is_refused(tmp_path):
    done = run('tools/place.sh', check=False, DESTDIR=str(tmp_path), PREFIX='usr')
    assert done.returncode == 64 and 'begins with /' in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path):
    need_tool('systemd-analyze')
    run('tools/place.sh', PREFIX=str(tmp_path / 'usr'), DESTDIR='')
    units = [tmp_path / 'usr/lib/systemd/system' / unit for unit in UNITS]
    done = run('systemd-analyze', 'verify', '--man=no', *units, check=False)
    told = [line for line in done.stderr.splitlines() if 'roost' in line]
    assert told == [] and done.returncode == 0, done.stderr


def test_systemd_makes_the_users_of_all_roles(root):
    need_tool('systemd-sysusers')
    (root / 'etc').mkdir()
    run('systemd-sysusers', f'--root={root}', root / 'usr/lib/sysusers.d/roost.conf')
    users = {line.split(':')[0] for line in (root / 'etc/passwd').read_text().splitlines()}
    assert users == {f'roost-{role}' for role in ('tls', 'gate', 'auth', 'mail', 'control')}


def test_systemd_makes_the_directories(root):
    need_tool('systemd-tmpfiles')
    run('systemd-tmpfiles', f'--root={root}', '--create', root / 'usr/lib/tmpfiles.d/roost.conf')
    assert (root / 'var/lib/roost').stat().st_mode & 0o777 == 0o711
    assert (root / 'etc/roost').stat().st_mode & 0o777 == 0o755


def test_the_capabilities_of_the_unit_are_enough(make_server, root):
    if os.geteuid() != 0:
        pytest.skip('capabilities can only be given up by root')
    need_tool('setpriv')
    unit = (root / 'usr/lib/systemd/system/roost.service').read_text()
    line = re.search(r'^CapabilityBoundingSet=(.*)$', unit, re.M)[1]
    kept = ','.join('+' + name.removeprefix('CAP_').lower() for name in line.split())
    server = make_server(start=False)
    with open(server.log_path, 'ab') as log:
        server.process = subprocess.Popen(
            ['setpriv', '--no-new-privs', f'--bounding-set=-all,{kept}', *server.command('serve')],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    server.wait_until_ready()
    connection = server.imap('ann')
    assert connection.append('INBOX', None, None, message(1))[0] == 'OK'
    with open(f'/proc/{server.process.pid}/status') as status:
        bounding = re.search(r'^CapBnd:\s*(\w+)$', status.read(), re.M)[1]
    assert int(bounding, 16).bit_count() == len(line.split())
    server.stop()
    assert server.process.returncode == 0
