"""Fixtures of the clients' tests."""
import os
import re

import pytest

from dialogue import Dialogue
from roost_server import ROOT
from story import Story

# What the server's log must not have; that a password was wrong is no trouble.
TROUBLE = re.compile(r' (warning|error): (?!.*event=login-failed)')
KEPT = ROOT / 'test' / 'script' / 'imap' / 'clients'


@pytest.fixture
def story(server):
    """An account with mail in it, on a server that hears all that is said."""
    told = Story(server)
    yield told
    told.close()
    server.stop()
    assert [line for line in server.log().splitlines() if TROUBLE.search(line)] == []


@pytest.fixture
def keep(story):
    """keep(name, remark ...): with ROOST_KEEP set, what was said becomes a dialogue of CI's."""
    def write(name, *remark):
        if os.environ.get('ROOST_KEEP'):
            KEPT.mkdir(exist_ok=True)
            with story.recorder.lock:
                events = list(story.recorder.events)
            (KEPT / f'{name}.txt').write_bytes(Dialogue(events).text(remark))

    return write
