"""The project's own messages and the dialogues, side by side with Dovecot. `make differential` puts
more to more servers."""
import os
import subprocess
import sys

import pytest

from mail import need
from roost_server import ROOT


def test_dovecot_answers_alike():
    need('dovecot')
    if os.getuid() != 0:
        pytest.skip('Dovecot changes users: it must be started as root')
    done = subprocess.run([sys.executable, ROOT / 'test' / 'differential' / 'compare.py',
                           '--messages', 'own', '--peer', 'dovecot', '--verbose'],
                          capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
