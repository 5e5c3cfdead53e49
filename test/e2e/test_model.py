"""Clients at random over sockets, held against the model of test/model."""
import os
import pathlib
import subprocess

from roost_server import PASSWORD, ROOT

PROGRAM = pathlib.Path(os.environ.get('ROOST_MODEL', ROOT / 'build/test/model/model_outside'))
SECONDS = int(os.environ.get('MODEL_SECONDS', '30'))
SEED = int(os.environ.get('ROOST_SEED', '1'))


def test_sessions_at_random_fit_the_model(make_server):
    """Two accounts at a time, each of one shard or of two; a new account for each seed."""
    names = [f'model{number}' for number in range(8)]
    server = make_server(accounts=names)
    share = SECONDS * 2 // len(names)
    for first in range(0, len(names), 2):
        running = [subprocess.Popen(
            [PROGRAM, '--port', str(server.imap_port), '--user', name, '--password', PASSWORD,
             '--seed', str(SEED + first + number), '--commands', '100000',
             '--seconds', str(share)], stdout=subprocess.PIPE, text=True, errors='replace')
            for number, name in enumerate(names[first:first + 2])]
        for process in running:
            said = process.communicate(timeout=share + 120)[0]
            print(said)
            assert process.returncode == 0, said[-6000:]
