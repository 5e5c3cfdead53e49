"""How a row is measured. Each measure answers a dictionary: the figures, `operations`, `errors`,
`error` (the first complaint), `added` (messages in the row's mailbox), `busy`."""
import json
import pathlib
import subprocess
import time

import idle
import peers
import table_rows

ROOT = pathlib.Path(__file__).resolve().parents[1]
LOAD = ROOT / 'build' / 'bench' / 'load' / 'load'
LOAD_SECONDS_MAX = 300


def load_command(server, row, options, short=False):
    """With `short` no longer than it must be: to count what an operation costs."""
    if row.workload == 'lmtp':
        port = server.lmtp_port
    else:
        port = server.imaps_port if row.tls else server.imap_port
    values = {
        'port': port, 'user': row.user, 'accounts': row.accounts, 'password': peers.PASSWORD,
        'connections': row.connections, 'operations': row.operations(options.messages),
        'mailbox': row.mailbox, 'messages': row.size_of(options.messages),
        'block': table_rows.block(options.messages), 'size': options.size,
        'recipients': row.recipients,
        'least_ms': 0 if short else row.least_ms,
        'period': table_rows.block(options.messages) if row.times > 1 else 0,
    }
    command = [str(LOAD), row.workload]
    for name, value in values.items():
        if value:
            command += [f'--{name}', str(value)]
    return command + (['--tls'] if row.tls else [])


def failed(why):
    return {'operations': 0, 'errors': 1, 'error': why, 'added': 0, 'busy': 0}


def load(server, row, options, short=False):
    try:
        done = subprocess.run(load_command(server, row, options, short), capture_output=True,
                              timeout=LOAD_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return failed(f'not done in {LOAD_SECONDS_MAX} seconds')
    return json.loads(done.stdout) if done.stdout else failed(done.stderr.decode())


def memory(server, row, options, short=False):
    """KB of all processes of the server for each session in IDLE."""
    accounts = [f'{row.user}{i}' for i in range(row.accounts)]
    port = server.imaps_port if row.tls else server.imap_port
    idle.warm(server, accounts)
    sessions, kb = idle.measured(server, port, idle.client_context() if row.tls else None,
                                 accounts, row.connections)
    for session in sessions:
        session.socket.close()
    return {'memory_kb': max(kb, 0.01), 'operations': row.connections, 'errors': 0, 'error': '',
            'added': 0, 'busy': 0}


def near_reader(server, user):
    """The prefix of an account that is on the shard of `user`0."""
    wanted = server.shard_of(f'{user}0')
    for number in range(table_rows.NEAR):
        if server.shard_of(table_rows.near_user(number) + '0') == wanted:
            return table_rows.near_user(number)
    raise RuntimeError('no other account is on that shard')


def noop_beside(server, row, options, short=False):
    """NOOP of another session, a millisecond after each answer, while the row's workload runs."""
    command = [str(LOAD), 'noop', '--port', str(server.imap_port), '--password', peers.PASSWORD,
               '--user', near_reader(server, row.user), '--messages', '1', '--until_told']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as prober:
        try:
            if prober.stdout.readline() != b'ready\n':
                raise RuntimeError('the session that says NOOP cannot begin')
            reader = load(server, row, options, short)
        finally:
            prober.stdin.close()
        answer = json.loads(prober.stdout.read())
    answer['errors'] += reader['errors']
    answer['error'] = answer['error'] or reader['error']
    answer['busy'] = reader['busy']
    return answer


MEASURES = {'load': load, 'memory': memory, 'noop_beside': noop_beside}


def measured(server, row, options, short=False):
    start = time.monotonic()
    before = peers.Costs(server)
    answer = MEASURES[row.measure](server, row, options, short)
    answer.update(peers.Costs(server).since(before, answer['operations']))
    answer['took_s'] = time.monotonic() - start
    return answer
