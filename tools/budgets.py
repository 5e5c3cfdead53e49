#!/usr/bin/env python3
"""Counts the instructions of the hot paths and holds them against test/budget/budgets.txt.

    tools/budgets.py [PATH ...]           all paths, or these
    tools/budgets.py --write [PATH ...]   sets the budgets to what was measured, and a tenth more

Exit status 1 when a path is over its budget, 77 without valgrind. See test/budget/README.md.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / 'build' / 'test' / 'budget' / 'paths'
BUDGETS = ROOT / 'test' / 'budget' / 'budgets.txt'
SLACK = 1.1
FAR_UNDER = 0.8  # of the budget: it allows for a quarter more than there is
NOT_THERE = 77
SECONDS_MAX = 300
LINE = re.compile(r'([a-z-]+) +(\d+)( .*)')


def read_budgets(text):
    """{path: instructions}"""
    budgets = {}
    for line in text.splitlines():
        if line.startswith('#') or not line:
            continue
        found = LINE.fullmatch(line)
        if found is None or found[1] in budgets:
            raise ValueError(f'budgets.txt: what is this: {line}')
        budgets[found[1]] = int(found[2])
    return budgets


def written(text, figures):
    """`text` with new budgets for these figures."""
    def line_of(line):
        found = LINE.fullmatch(line)
        if found is None or found[1] not in figures:
            return line
        return f'{found[1]:<14} {round(figures[found[1]] * SLACK):>8}{found[3]}'
    return '\n'.join(line_of(line) for line in text.split('\n'))


def verdict(figure, budget):
    """(is it well, what to say)"""
    if budget is None:
        return False, 'has no budget: write a line for it'
    if budget == 0:
        return True, 'is new: set its budget (tools/budgets.py --write)'
    if figure > budget:
        return False, f'OVER its budget by {figure / budget - 1:.1%}'
    if figure < budget * FAR_UNDER:
        return True, 'far under: lower the budget (tools/budgets.py --write)'
    return True, ''


def names():
    done = subprocess.run([PROGRAM, 'list'], capture_output=True, text=True, check=True)
    return done.stdout.split()


def count(path):
    """Instructions for a unit of the path; None: this server cannot do that."""
    with tempfile.TemporaryDirectory(prefix='roost-budget-') as folder:
        out = pathlib.Path(folder, 'out')
        done = subprocess.run(
            ['valgrind', '--tool=callgrind', '-q', '--toggle-collect=budget_measure',
             f'--callgrind-out-file={out}', PROGRAM, path],
            capture_output=True, text=True, timeout=SECONDS_MAX,
            env={key: value for key, value in os.environ.items() if not key.startswith('MALLOC_')})
        if done.returncode == NOT_THERE:
            return None
        if done.returncode != 0:
            raise RuntimeError(f'{path}: {done.stderr}')
        total = re.search(r'^(?:summary|totals): (\d+)', out.read_text(), re.M)
        return int(total[1]) / int(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('paths', nargs='*')
    parser.add_argument('--write', action='store_true')
    options = parser.parse_args()
    if shutil.which('valgrind') is None:
        print('budgets: valgrind is not installed')
        return NOT_THERE
    known = names()
    chosen = options.paths or known
    if unknown := [path for path in chosen if path not in known]:
        parser.error(f'no path {unknown[0]!r}; there are {", ".join(known)}')
    text = BUDGETS.read_text()
    budgets = read_budgets(text)
    is_well = True
    for path in budgets.keys() - set(known):
        is_well = False
        print(f'{path}: has a budget, and is no path')
    figures = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, figure in zip(chosen, pool.map(count, chosen)):
            if figure is None:
                print(f'{path:<14} {"-":>10} of {budgets.get(path, 0):>10,}  not there yet')
                continue
            figures[path] = figure
            good, words = (True, 'set') if options.write else verdict(figure, budgets.get(path))
            is_well = is_well and good
            print(f'{path:<14} {figure:>10,.0f} of {budgets.get(path, 0):>10,}  {words}',
                  flush=True)
    if options.write:
        BUDGETS.write_text(written(text, figures))
    return 0 if is_well else 1


if __name__ == '__main__':
    sys.exit(main())
