#!/usr/bin/env python3
"""Compaction: what it frees, how long it takes, and what clients notice of it. Of Roost alone.

    bench/compact.py [--messages 100000] [--bytes 2000] [--rounds 5] [--seconds 10]
                     [--pause-us 1000] [--hogs 0] [--first]

Each round takes an account with that many messages. Three clients (bench/imap_load.c) go through
NOOP, FETCH of a message, STORE of a flag and APPEND, each one at a time with a pause between them:
one in that account, one in another account of the same shard, one in an account of another shard.
For some seconds nothing else happens ("before"); then nine of ten messages are expunged, and the
server compacts the account by itself, in the background ("during": from 0.3 s after the answer to
EXPUNGE, when the other session has heard of 90,000 messages, until the event log says that it is
done); then again some seconds ("after"), and some in which one purge follows the other ("purging":
each has one message to forget and copies all that is living, with shorter rests than compaction in
the background takes). Figures are medians over the rounds of each round's percentiles: other work
on the machine comes and goes.

--hogs starts so many processes that do nothing but use up a processor. --first is for a machine
that others use, too: server and clients run before everybody else's work (SCHED_RR), all but the
threads that the server itself has put last.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'test' / 'e2e'))

import roost_server  # noqa: E402

PASSWORD = 'benchmark'
BATCH = 500
COMPACTION_SECONDS_MAX = 600
SETTLE_SECONDS = 0.3
COMMANDS = ('NOOP', 'FETCH', 'STORE', 'APPEND')
PHASES = ('before', 'during', 'after', 'purging')
MESSAGE = (b'From: a@example.net\r\nTo: b@example.org\r\nSubject: number %d\r\n'
           b'Message-ID: <%d@example.net>\r\n\r\n')


def message(number, length):
    head = MESSAGE % (number, number)
    return head + (b'%08d ' % number * (length // 9 + 1))[:length - len(head) - 2] + b'\r\n'


def answer(imap, tag):
    while True:
        line = imap.readline()
        if not line:
            raise RuntimeError('the server has gone')
        if line.startswith(tag + b' '):
            if not line.startswith(tag + b' OK'):
                raise RuntimeError(line)
            return


def fill(server, account, messages, length):
    imap = server.imap(account, PASSWORD, timeout=300)
    for first in range(0, messages, BATCH):
        literals = b''
        for number in range(first, min(first + BATCH, messages)):
            text = message(number, length)
            literals += b' {%d+}\r\n%s' % (len(text), text)
        imap.send(b'f%d APPEND INBOX%s\r\n' % (first, literals))
        answer(imap, b'f%d' % first)
    imap.logout()


def flag_most(imap, messages):
    """Nine of ten; those whose number ends in 0 stay."""
    gone = [f'{uid}:{uid + 8}' for uid in range(1, messages, 10)]
    for first in range(0, len(gone), 500):
        some = ','.join(gone[first:first + 500]).encode()
        imap.send(b'e UID STORE %s +FLAGS.SILENT (\\Deleted)\r\n' % some)
        answer(imap, b'e')


def log_bytes(server):
    return sum(path.stat().st_size
               for path in (server.folder / 'data' / 'accounts').glob('*/*/log/*'))


def shard_of(server, account):
    text = server.run('account', 'show', account).stdout.decode()
    identity = bytes.fromhex(re.search(r'^id +([0-9a-f]{32})$', text, re.M).group(1))
    return int.from_bytes(identity[:8], 'little') % 2


class Load:
    """Clients of bench/imap_load.c, by name."""

    def __init__(self, server, accounts, pause_us):
        program = roost_server.BINARY.parent / 'bench' / 'imap_load'
        self.clients = {
            name: subprocess.Popen(
                [str(program), str(server.imap_port), account, PASSWORD, str(pause_us)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for name, account in accounts.items()}
        for client in self.clients.values():
            if client.stdout.readline() != 'ready\n':
                raise RuntimeError('a client cannot begin')

    def end(self):
        """{client: [(command, when in seconds, how long in ms), ...]}"""
        for client in self.clients.values():
            client.stdin.close()
        samples = {}
        for name, client in self.clients.items():
            lines = [line.split() for line in client.stdout]
            if client.wait() != 0:
                raise RuntimeError('a client failed')
            samples[name] = [(line[0], int(line[1]) / 1e6, int(line[2]) / 1e6) for line in lines]
        return samples


def compactions(server):
    log = server.log()
    if 'event=compaction-failed' in log:
        raise RuntimeError('a compaction failed')
    return log.count('event=account-compacted')


def compact(server, account, messages):
    """Expunges and waits until the account is compacted; answers when that began and ended."""
    imap = server.imap(account, PASSWORD, timeout=300)
    imap.select('INBOX')
    flag_most(imap, messages)
    done = compactions(server)
    imap.send(b'x EXPUNGE\r\n')
    answer(imap, b'x')
    begun = time.monotonic()
    while compactions(server) == done:
        if time.monotonic() > begun + COMPACTION_SECONDS_MAX:
            raise RuntimeError('nothing was compacted')
        time.sleep(0.05)
    ended = time.monotonic()
    imap.logout()
    return min(begun + SETTLE_SECONDS, ended), ended


def purge(server, account):
    """As `roost purge`, without a process of its own."""
    request = {'verb': 'maintain', 'name': account, 'act': 'purge'}
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(server.folder / 'run' / 'control.sock'))
        control.sendall(json.dumps(request).encode() + b'\n')
        for line in control.makefile('rb'):
            said = json.loads(line)
            if not said.get('ok'):
                raise RuntimeError(line)
            if not said.get('more'):
                return


def purge_for(server, account, seconds):
    """One after the other; answers when that began and ended, and how many there were."""
    imap = server.imap(account, PASSWORD, timeout=300)
    imap.select('INBOX')
    begun, count = time.monotonic(), 0
    while time.monotonic() < begun + seconds:
        imap.send(b's STORE * +FLAGS.SILENT (\\Deleted)\r\n')
        answer(imap, b's')
        imap.send(b'x EXPUNGE\r\n')
        answer(imap, b'x')
        purge(server, account)
        count += 1
    ended = time.monotonic()
    imap.logout()
    return begun, ended, count


def percentiles(spans):
    return statistics.median(spans), statistics.quantiles(spans, n=100)[98], max(spans)


def one_round(server, account, options):
    """{(client, command, phase): (p50, p99, max)}, seconds of compaction, purges"""
    shard = shard_of(server, account)
    load = Load(server, {'same account': account, 'same shard': f'near{shard}',
                         'other shard': f'near{1 - shard}'}, options.pause_us)
    start = time.monotonic()
    time.sleep(options.seconds)
    quiet = time.monotonic()
    begun, ended = compact(server, account, options.messages)
    time.sleep(options.seconds)
    purging, purged, purges = purge_for(server, account, options.seconds)
    spans = {}
    for client, samples in load.end().items():
        for command, when, span in samples:
            if start <= when < quiet:
                phase = 'before'
            elif begun <= when < ended:
                phase = 'during'
            elif ended <= when < purging:
                phase = 'after'
            elif purging <= when < purged:
                phase = 'purging'
            else:
                continue
            spans.setdefault((client, command, phase), []).append(span)
    return {key: percentiles(values) for key, values in spans.items()}, ended - begun, purges


def table(rounds):
    """Medians over the rounds."""
    print(f'{"ms":28}' + ''.join(f'{phase:>24}' for phase in PHASES) + f'{"ratios":>16}')
    print(f'{"":28}' + f'{"p50     p99     max":>24}' * len(PHASES) + f'{"of p99":>16}')
    for client in ('same account', 'same shard', 'other shard'):
        for command in COMMANDS:
            line, p99 = f'{client:14}{command:14}', {}
            for phase in PHASES:
                three = [statistics.median(each[(client, command, phase)][i] for each in rounds)
                         for i in range(3)]
                p99[phase] = three[1]
                line += '   ' + ''.join(f'{value:7.3f}' for value in three)
            print(line + f'{p99["during"] / p99["before"]:8.2f}'
                  f'{p99["purging"] / p99["before"]:8.2f}')


def prepare(server, options):
    accounts = []
    for name in ('near0', 'near1'):
        wanted = int(name[-1])
        for _ in range(64):
            server.add_account(name, PASSWORD)
            if shard_of(server, name) == wanted:
                break
            server.run('account', 'remove', name, '--yes')
        fill(server, name, 500, options.bytes)
    for number in range(options.rounds):
        accounts.append(f'big{number}')
        server.add_account(accounts[-1], PASSWORD)
        fill(server, accounts[-1], options.messages, options.bytes)
    return accounts


def go_first(server):
    """This process, those that it starts, and the server's threads that are not idle by choice."""
    first = os.sched_param(1)
    os.sched_setscheduler(0, os.SCHED_RR, first)
    for process in sum(server.roles().values(), [server.process.pid]):
        for thread in os.listdir(f'/proc/{process}/task'):
            if os.sched_getscheduler(int(thread)) != os.SCHED_BATCH:
                os.sched_setscheduler(int(thread), os.SCHED_RR, first)


def measure(server, options):
    accounts = prepare(server, options)
    if options.first:
        go_first(server)
    print(f'{options.messages} messages of {options.bytes} bytes in each account; load of the '
          f'machine {os.getloadavg()[0]:.1f}; {os.cpu_count()} processors', flush=True)
    rounds = []
    for number, account in enumerate(accounts):
        figures, seconds, purges = one_round(server, account, options)
        rounds.append(figures)
        worst = max(p99 / figures[(client, command, 'before')][1]
                    for (client, command, phase), (_, p99, _) in figures.items()
                    if phase == 'during')
        print(f'round {number}: compacted in {seconds:.1f} s; worst ratio of p99 {worst:.1f}; '
              f'{purges} purges; load {os.getloadavg()[0]:.1f}', flush=True)
    table(rounds)
    living = options.bytes * options.messages // 10 * len(accounts)
    print(f'the logs take {log_bytes(server) / 1e6:.1f} MB, {living / 1e6:.1f} MB of the first '
          'messages are living')


@contextlib.contextmanager
def hogs(count):
    processes = [subprocess.Popen([sys.executable, '-c', 'while True: pass'])
                 for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--messages', type=int, default=100000)
    parser.add_argument('--bytes', type=int, default=2000)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=10)
    parser.add_argument('--pause-us', type=int, default=1000)
    parser.add_argument('--hogs', type=int, default=0)
    parser.add_argument('--first', action='store_true')
    options = parser.parse_args()
    subprocess.run(['ninja', '-C', str(roost_server.BINARY.parent), '--quiet', 'bench/imap_load'],
                   check=True)
    server = roost_server.Server({'mail.expunged_days': '0', 'mail.compression': 'none'})
    server.start()
    try:
        with hogs(options.hogs):
            measure(server, options)
    finally:
        server.close()


if __name__ == '__main__':
    main()
