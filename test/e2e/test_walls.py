"""What each role's walls hold back, tried from inside (test/probe), as root and not as root."""
import os
import shutil
import subprocess

import pytest

from roost_server import BINARY

PROBE = BINARY.parent / 'test' / 'probe' / 'walls_probe'
ROLES = ('tls', 'auth', 'mail', 'gate', 'control')
NOBODY = 65534
SKIPPED = 77
# Must not be missing from what was tried, whatever the table of attempts looks like.
ESSENTIAL = ('read-mail', 'read-accounts-database', 'read-tls-key', 'read-passwd',
             'make-file-in-data', 'socket-tcp', 'connect-tcp', 'bind-tcp', 'listen', 'execve',
             'fork', 'ptrace', 'kill', 'open-memory-of-other', 'live')


def run_probe(*prefix):
    if not PROBE.exists():
        pytest.skip(f'{PROBE} is not built')
    done = subprocess.run([*prefix, str(PROBE)], capture_output=True, text=True, timeout=120)
    if done.returncode == SKIPPED:
        pytest.skip(done.stdout.strip())
    bad = [line for line in done.stdout.splitlines() if line.startswith('not ok')]
    assert bad == [] and done.returncode == 0, '\n'.join(bad) + done.stderr
    tried = {tuple(line.split(':')[0].split()[1:]) for line in done.stdout.splitlines()
             if line.startswith('ok ')}
    missing = [(role, name) for role in ROLES for name in ESSENTIAL if (role, name) not in tried]
    assert missing == []


def test_walls_hold():
    run_probe()


def test_walls_hold_for_an_ordinary_user():
    if os.geteuid() != 0:
        pytest.skip('runs as an ordinary user already')
    if shutil.which('setpriv') is None:
        pytest.skip('no setpriv here (package util-linux)')
    run_probe('setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', '--')
