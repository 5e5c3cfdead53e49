"""Fixtures of the clients' tests."""
import os
import re

import pytest

from dialogue import Dialogue
from login_dialogue import login_dialogue
from roost_server import ROOT
from story import Story

# What the server's log must not have; that a password was wrong is no trouble.
TROUBLE = re.compile(r' (warning|error): (?!.*event=login-failed)')
KEPT = ROOT / 'test' / 'script' / 'imap' / 'clients'
KEPT_LOGINS = ROOT / 'test' / 'script' / 'login' / 'clients'


@pytest.fixture
def story(server):
    """An account with mail in it, on a server that hears all that is said."""
    told = Story(server)
    yield told
    told.close()
    server.stop()
    assert told.recorder.refused == []
    assert [line for line in server.log().splitlines() if TROUBLE.search(line)] == []


@pytest.fixture
def keep(story):
    """keep(name, remark): with ROOST_KEEP set, what was said becomes a dialogue of CI's."""
    def write(name, remark):
        keep_login(story, name, remark)
        if os.environ.get('ROOST_KEEP'):
            KEPT.mkdir(exist_ok=True)
            (KEPT / f'{name}.txt').write_bytes(Dialogue(heard(story)).text([remark]))

    return write


@pytest.fixture
def keep_refusal(story):
    """The same of a login that failed, which is nothing but a login."""
    def write(name, remark):
        keep_login(story, f'{name}_refused', remark)

    return write


def keep_login(story, name, remark):
    """Of the program's first connection; that of `far` is the first of all."""
    if os.environ.get('ROOST_KEEP'):
        KEPT_LOGINS.mkdir(exist_ok=True)
        (KEPT_LOGINS / f'{name}.txt').write_bytes(login_dialogue(heard(story), 2, remark))


def heard(story):
    with story.recorder.lock:
        return list(story.recorder.events)
