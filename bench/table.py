#!/usr/bin/env python3
"""Roost beside Dovecot (sdbox and maildir) and Cyrus, workload by workload, with equal settings.

    bench/table.py [--messages 10000] [--size 10240] [--rounds 5] [--minutes 23]
                   [--servers roost,cyrus ...] [--rows TEXT ...] [--json FILE] [--page]
                   [--no-settings] [--no-counts]

In each round every server starts anew and empty on the same disk, one after the other, in another
order each time, and goes through all rows; a figure is the median of the rounds. The load generator
(bench/load) checks every answer; when one is wrong, the row has no figure and the exit status is 1.
Beside the figures: the ratio to the best of the others (above 1: Roost is ahead), the share of the
floor of this machine measured in the same run, the goal and whether it is reached; and what an
operation costs the server. System calls and allocations are counted in a last round, with a fifth
of the messages, that has no other figure. Needs root, because Dovecot and Cyrus change users.
"""
import argparse
import imaplib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import dovecot
import peers
import table_count
import table_measure
import table_print
import table_rows

ROOT = pathlib.Path(__file__).resolve().parents[1]
FLOOR = ROOT / 'build' / 'bench' / 'load' / 'floor'
PAGE, SECTION = ROOT / 'docs' / 'performance.md', 'Beside Dovecot and Cyrus'
COUNTED_PART = 5
MESSAGES_UNIT = 1000
COUNTING_TAKES = 0.9  # of a round
MINUTES_MAX = 23  # building and installing come before


# One server that fails is no reason to lose what was measured of the others.
FAILURES = (imaplib.IMAP4.error, OSError, RuntimeError)


def say(text):
    print(f'table: {text}', file=sys.stderr, flush=True)


def floors():
    """What the machine gives without a server, see bench/load/floor.c."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='roost-bench-floor-'))
    try:
        certificate, key = dovecot.make_certificate(folder)
        done = subprocess.run([FLOOR, folder, certificate, key], capture_output=True, check=True)
        return json.loads(done.stdout)
    finally:
        shutil.rmtree(folder)


def check_counts(server, expected):
    """The mailboxes have grown by what was answered with OK, and by no more."""
    wrong = []
    for (user, accounts, mailbox), wanted in expected.items():
        try:
            have = sum(peers.count(server, f'{user}{i}', mailbox) for i in range(accounts))
        except FAILURES as why:
            have = f'({why})'
        if have != wanted:
            wrong.append(f'{server.name}: {user}: {have} messages in {mailbox} instead of {wanted}')
    return wrong


def merged(expected):
    """Rows may use different numbers of the accounts of one name: all of them are counted."""
    found = {}
    for (user, accounts, mailbox), added in expected.items():
        most, before = found.get((user, mailbox), (0, 0))
        found[user, mailbox] = max(most, accounts), before + added
    return {(user, most, mailbox): added for (user, mailbox), (most, added) in found.items()}


class Visit:
    """One server, from its start to its end, and what it did in the rows."""

    def __init__(self, name, options, number):
        self.name, self.options, self.number = name, options, number
        self.found = {}  # {row title: answer; None: the server cannot do that}
        self.wrong = []
        self.version = self.settings = ''

    def rows(self, server):
        can = peers.capabilities(server, 'reader0')
        for row in self.options.rows:
            if self.name not in row.servers or self.number >= row.rounds_max:
                continue
            if row.needs and row.needs not in can:
                self.found[row.title] = None
            else:
                yield row

    def run(self, act):
        """`act(server, row)` answers what is found."""
        server = peers.start(self.name, table_rows.account_names(self.name))
        expected = {}
        try:
            self.version, self.settings = server.version(), server.settings()
            for row in self.rows(server):
                try:
                    answer = act(server, row)
                except FAILURES as why:
                    answer = table_measure.failed(str(why))
                self.found[row.title] = answer
                if answer['errors']:
                    say(f'{self.name}: {row.title}: {answer["errors"]} errors: {answer["error"]}')
                if row.adds_to:
                    place = (row.user, row.accounts, row.adds_to)
                    expected[place] = expected.get(place, 0) + answer['added']
            self.wrong = check_counts(server, merged(expected))
        finally:
            server.close()
        return self


def count_costs(table, names, options):
    """The round in which calls are counted: with few messages, because it is slow."""
    counter = table_count.Counter()
    try:
        if counter.missing:
            table.uncounted = counter.missing
            return
        small = argparse.Namespace(**vars(options))
        small.messages = max(MESSAGES_UNIT, options.messages // COUNTED_PART)
        small.rows = [row for row in options.rows if row.measure == 'load']
        table.counted_messages = small.messages

        def act(server, row):
            with counter.counting(server) as counts:
                answer = table_measure.MEASURES[row.measure](server, row, small, short=True)
            answer['counts'] = {name: count / max(answer['operations'], 1)
                                for name, count in counts.items()}
            return answer

        for name in names:
            start = time.monotonic()
            table.add_counts(Visit(name, small, 0).run(act))
            say(f'counted {name} in {time.monotonic() - start:.0f} s')
    finally:
        counter.close()


class Clock:
    """On a slow machine there are fewer rounds, so that there is a table in time."""

    def __init__(self, options):
        self.limit_s, self.counts = options.minutes * 60, not options.no_counts
        self.start = time.monotonic()
        self.ends = [0]

    def passed_s(self):
        return time.monotonic() - self.start

    def left_s(self):
        return self.limit_s - self.passed_s()

    def note_round(self):
        self.ends.append(self.passed_s())

    def round_s(self):
        """What the last one took; the first takes more than all others."""
        return self.ends[-1] - self.ends[-2] if len(self.ends) > 1 else 0

    def counting_s(self):
        return self.round_s() * COUNTING_TAKES if self.counts else 0

    def allows(self, number):
        return number == 0 or self.left_s() > self.round_s() + self.counting_s()


def run_round(table, names, options, number):
    table.floors.append(floors())
    turn = number % len(names)
    for name in names[turn:] + names[:turn]:
        began = time.monotonic()
        try:
            table.add(Visit(name, options, number).run(
                lambda server, row: table_measure.measured(server, row, options)))
        except FAILURES as why:
            table.wrong.append(f'{name}: round {number + 1}: {why}')
        say(f'round {number + 1}: {name} in {time.monotonic() - began:.0f} s')


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--messages', type=int, default=10000)
    parser.add_argument('--size', type=int, default=10240)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--minutes', type=float, default=MINUTES_MAX,
                        help='no round is begun that would not end before')
    parser.add_argument('--servers', type=lambda text: text.split(','), default=list(peers.NAMES))
    parser.add_argument('--rows', nargs='+', help='only rows with one of these in their title, '
                        'and those that they work on')
    parser.add_argument('--json', type=pathlib.Path, help='all figures of all rounds')
    parser.add_argument('--page', action='store_true',
                        help='write the table into docs/performance.md as well')
    parser.add_argument('--no-settings', action='store_true', help='print no configurations')
    parser.add_argument('--no-counts', action='store_true',
                        help='leave out the round that counts system calls and allocations')
    options = parser.parse_args()
    if options.messages < MESSAGES_UNIT or options.messages % MESSAGES_UNIT:
        parser.error(f'--messages is a multiple of {MESSAGES_UNIT}')
    options.rows = table_rows.chosen(options.rows)
    if not options.rows:
        parser.error('no row has that in its title')
    return options


def main():
    options = read_options()
    subprocess.run(['ninja', '-C', ROOT / 'build', '--quiet', 'bench/load/load',
                    'bench/load/floor'], check=True)
    names = []
    for name in options.servers:
        if why := peers.missing(name):
            print(f'table: {name} is left out: {why}')
        elif any(name in row.servers for row in options.rows):
            names.append(name)
    table = table_print.Table(options)
    clock = Clock(options)
    for number in range(options.rounds):
        if not clock.allows(number):
            break
        run_round(table, names, options, number)
        clock.note_round()
    if not options.no_counts:
        if clock.left_s() > clock.counting_s():
            count_costs(table, names, options)
        else:
            table.uncounted = 'no time was left'
    seconds = clock.passed_s()
    table.print(seconds)
    if options.page:
        PAGE.write_text(table_print.with_section(PAGE.read_text(), SECTION,
                                                 table.page_lines(seconds)))
    if options.json:
        options.json.write_text(json.dumps(table.everything(), indent=1))
    return 1 if table.has_errors() else 0


if __name__ == '__main__':
    sys.exit(main())
