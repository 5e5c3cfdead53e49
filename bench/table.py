#!/usr/bin/env python3
"""Roost beside Dovecot (sdbox and maildir) and Cyrus, workload by workload, with equal settings.

    bench/table.py [--messages 10000] [--size 10240] [--rounds 5] [--servers roost,cyrus ...]
                   [--rows TEXT ...] [--json FILE] [--settings]

In each round every server starts anew and empty on the same disk, one after the other, in another
order each time, and goes through all rows; a figure is the median of the rounds. The load generator
(bench/load) checks every answer; when one is wrong, the row has no figure and the exit status is 1.
Beside the figures: the ratio to the best of the others (above 1: Roost is ahead), the floor of this
machine measured in the same run, processor time, bytes written and calls of read and write for an
operation. Needs root, because Dovecot and Cyrus change users.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import dovecot
import peers
import table_rows

ROOT = pathlib.Path(__file__).resolve().parents[1]
LOAD = ROOT / 'build' / 'bench' / 'load' / 'load'
FLOOR = ROOT / 'build' / 'bench' / 'load' / 'floor'
LOAD_SECONDS_MAX = 1800
BUSY = 0.9  # a generator above this share of a processor may have been what was measured


def floors():
    """What the machine gives without a server, see bench/load/floor.c."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='roost-bench-floor-'))
    try:
        certificate, key = dovecot.make_certificate(folder)
        done = subprocess.run([FLOOR, folder, certificate, key], capture_output=True, check=True)
        return json.loads(done.stdout)
    finally:
        shutil.rmtree(folder)


def load(server, row, options):
    """One run of the generator; answers what it printed."""
    if row.workload == 'lmtp':
        port = server.lmtp_port
    else:
        port = server.imaps_port if row.tls else server.imap_port
    values = {
        'port': port, 'user': row.user, 'accounts': row.accounts, 'password': peers.PASSWORD,
        'connections': row.connections, 'operations': row.operations(options.messages),
        'messages': options.messages, 'block': min(options.messages, table_rows.BLOCK_MAX),
        'recipients': row.recipients, 'size': options.size,
    }
    command = [str(LOAD), row.workload]
    for name, value in values.items():
        command += [f'--{name}', str(value)]
    done = subprocess.run(command + (['--tls'] if row.tls else []), capture_output=True,
                          timeout=LOAD_SECONDS_MAX)
    if not done.stdout:
        raise RuntimeError(done.stderr.decode())
    return json.loads(done.stdout)


def check_counts(server, expected):
    """The mailboxes have grown by what was answered with OK, and by no more."""
    wrong = []
    for (user, accounts, mailbox), wanted in expected.items():
        have = sum(peers.count(server, f'{user}{i}', mailbox) for i in range(accounts))
        if have != wanted:
            wrong.append(f'{user}: {have} messages in {mailbox} instead of {wanted}')
    return wrong


def run_server(name, options):
    """{row title: what the generator and /proc say}, and what was wrong afterwards."""
    found, expected = {}, {}
    server = peers.start(name, table_rows.account_names())
    try:
        for row in options.rows:
            before = peers.Costs(server)
            answer = load(server, row, options)
            answer.update(peers.Costs(server).since(before, answer['operations']))
            found[row.title] = answer
            if answer['errors']:
                print(f'{name}: {row.title}: {answer["errors"]} errors: {answer["error"]}',
                      file=sys.stderr)
            if row.adds_to:
                place = (row.user, row.accounts, row.adds_to)
                expected[place] = expected.get(place, 0) + answer['items']
        return found, check_counts(server, expected), server.version(), server.settings()
    finally:
        server.close()


def shown(figure, value):
    if figure == 'bytes_rate':
        return f'{value / 1e6:,.0f} MB/s'
    if figure == 'p50_ms':
        return f'{value:,.2f} ms'
    return f'{value:,.0f}/s'


class Table:
    def __init__(self, options):
        self.options = options
        self.answers = {}  # {(server, row title): [answer of a round, ...]}
        self.floors = []
        self.versions, self.settings = {}, {}
        self.wrong = []

    def add(self, name, found, wrong, version, settings):
        for title, answer in found.items():
            self.answers.setdefault((name, title), []).append(answer)
        self.wrong += [f'{name}: {text}' for text in wrong]
        self.versions[name], self.settings[name] = version, settings

    def has_errors(self):
        return bool(self.wrong) or any(answer['errors'] for answers in self.answers.values()
                                       for answer in answers)

    def median(self, name, row, figure):
        """None where the server was left out, or any answer was wrong."""
        answers = self.answers.get((name, row.title), [])
        if not answers or any(answer['errors'] for answer in answers):
            return None
        return statistics.median(answer[figure] for answer in answers)

    def ratio(self, row):
        """How far Roost is ahead of the best of the others; None without one of both."""
        own = self.median('roost', row, row.figure)
        others = [value for name in peers.PEERS
                  if (value := self.median(name, row, row.figure)) is not None]
        if own is None or not others:
            return None
        return min(others) / own if row.figure == 'p50_ms' else own / max(others)

    def share_of_floor(self, row):
        own = self.median('roost', row, row.figure)
        if own is None or not row.floor:
            return None
        return own / statistics.median(found[row.floor] for found in self.floors)

    def lines(self):
        names = [name for name in peers.NAMES if name in self.versions]
        yield '| workload | ' + ' | '.join(names) + ' | ratio | of the floor |'
        yield '|---|' + '---|' * (len(names) + 2)
        for row in self.options.rows:
            cells = [row.title]
            for name in names:
                value = self.median(name, row, row.figure)
                cells.append('wrong' if value is None else shown(row.figure, value))
            ratio, share = self.ratio(row), self.share_of_floor(row)
            cells.append('' if ratio is None else f'{ratio:.2f}')
            cells.append('' if share is None else f'{share:.0%}')
            yield '| ' + ' | '.join(cells) + ' |'

    def cost_lines(self):
        """For an operation: processor microseconds, KB written, calls; the generator's share."""
        names = [name for name in peers.NAMES if name in self.versions]
        yield '| for an operation: cpu us; KB written; reads and writes; p99 ms; generator | ' + \
            ' | '.join(names) + ' |'
        yield '|---|' + '---|' * len(names)
        for row in self.options.rows:
            cells = [row.title]
            for name in names:
                values = [self.median(name, row, figure) for figure in
                          ('cpu_us', 'written_bytes', 'calls', 'p99_ms', 'busy')]
                if None in values:
                    cells.append('wrong')
                    continue
                cpu_us, written, calls, p99_ms, busy = values
                cells.append(f'{cpu_us:,.0f}; {written / 1024:,.1f}; {calls:,.1f}; {p99_ms:,.2f}; '
                             f'{busy:.0%}{" (busy)" if busy > BUSY else ""}')
            yield '| ' + ' | '.join(cells) + ' |'

    def print(self):
        median = {key: statistics.median(found[key] for found in self.floors)
                  for key in self.floors[0]}
        print(f'{platform.release()}, {os.cpu_count()} processors, load of the last minute '
              f'{os.getloadavg()[0]:.1f}; {self.options.messages} messages, median '
              f'{self.options.size} bytes, {self.options.rounds} rounds')
        for name, version in self.versions.items():
            print(f'{name}: {version}')
        print(f'floors: {median["appends_1"]:,.0f} appends of 10 KB with fdatasync a second, '
              f'{median["appends_32"]:,.0f} to 32 files; loopback '
              f'{median["socket_bytes"] / 1e6:,.0f} MB/s, TLS {median["tls_bytes"] / 1e6:,.0f}\n')
        print('\n'.join(self.lines()) + '\n')
        print('\n'.join(self.cost_lines()))
        for text in self.wrong:
            print('WRONG:', text)
        if self.options.settings:
            for name, text in self.settings.items():
                print(f'\n--- settings of {name}\n{text}')


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--messages', type=int, default=10000)
    parser.add_argument('--size', type=int, default=10240)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--servers', type=lambda text: text.split(','), default=list(peers.NAMES))
    parser.add_argument('--rows', nargs='+', help='only rows with one of these in their title; '
                        'reading needs "fill" among them')
    parser.add_argument('--json', type=pathlib.Path, help='all figures of all rounds')
    parser.add_argument('--settings', action='store_true', help='print all configurations')
    options = parser.parse_args()
    if options.messages < 100 or options.messages % 100:
        parser.error('--messages is a multiple of 100')
    options.rows = [row for row in table_rows.ROWS
                    if not options.rows or any(text in row.title for text in options.rows)]
    return options


def main():
    options = read_options()
    subprocess.run(['ninja', '-C', ROOT / 'build', '--quiet', 'bench/load/load',
                    'bench/load/floor'], check=True)
    names = []
    for name in options.servers:
        if why := peers.missing(name):
            print(f'table: {name} is left out: {why}')
        else:
            names.append(name)
    table = Table(options)
    for number in range(options.rounds):
        table.floors.append(floors())
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            table.add(name, *run_server(name, options))
    table.print()
    if options.json:
        options.json.write_text(json.dumps({
            'floors': table.floors, 'versions': table.versions, 'settings': table.settings,
            'answers': [{'server': name, 'row': title, 'rounds': answers}
                        for (name, title), answers in table.answers.items()]}, indent=1))
    return 1 if table.has_errors() else 0


if __name__ == '__main__':
    sys.exit(main())
