"""Fixtures of the end-to-end tests."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from roost_server import ROOT, Server  # noqa: E402


@pytest.fixture
def make_server():
    """Makes servers with settings of the test's choice; all are stopped at its end."""
    made = []

    def make(settings=None, start=True, accounts=('ann', 'bob')):
        server = Server(settings)
        made.append(server)
        for name in accounts:
            server.add_account(name)
        return server.start() if start else server

    yield make
    for server in made:
        server.close()


@pytest.fixture
def server(make_server):
    """A running server with the accounts ann and bob."""
    return make_server()


@pytest.fixture
def corpus():
    folder = pathlib.Path(os.environ.get('ROOST_CORPUS', ROOT.parent / 'shared' / 'corpus'))
    if not folder.is_dir():
        pytest.skip('no corpus here (ROOST_CORPUS)')
    return folder
