#!/usr/bin/env python3
"""Runs every test there is and sums them up in one last line: N passed, N failed, N skipped.

    tools/run_tests.py                  all steps
    tools/run_tests.py units e2e        these steps only: units, crash, model, sanitized,
                                        budgets, tools, e2e, fuzz
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

import fuzz

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = re.compile(r'\[  (PASSED|FAILED|SKIPPED) \s*\] (\d+) test')
CRASH_DISKS = int(os.environ.get('CRASH_DISKS', '200000'))
MODEL_SECONDS = int(os.environ.get('MODEL_SECONDS', '60'))
FUZZ_SECONDS = int(os.environ.get('FUZZ_SECONDS', '5'))
FUZZ_SEED = int(os.environ.get('ROOST_SEED', '1'))  # the same tree, the same verdict


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def fail(self, name):
        self.failed += 1
        self.failures.append(name)

    def line(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'


def run(command, **options):
    print('+', ' '.join(map(str, command)), flush=True)
    return subprocess.run([str(c) for c in command], cwd=ROOT, **options).returncode


def build(tally, folder, options, environment=None, targets=()):
    """Configures once and compiles (all, or `targets`); a failure is a failed test."""
    variables = dict(os.environ, **(environment or {}))
    if not (ROOT / folder / 'build.ninja').exists():
        if run(['meson', 'setup', folder, *options], env=variables, stdout=subprocess.DEVNULL):
            tally.fail(f'{folder}: meson setup')
            return False
    if run(['ninja', '-C', folder, '--quiet', *targets]):
        tally.fail(f'{folder}: build')
        return False
    return True


def count_meson_test(tally, where, test):
    """One program of tests; cmocka says how many cases it held."""
    cases = dict.fromkeys(('PASSED', 'FAILED', 'SKIPPED'), 0)
    for word, number in CASES.findall(test.get('stdout', '') + test.get('stderr', '')):
        cases[word] += int(number)
    result = test['result']
    if result == 'SKIP':
        tally.skipped += max(1, cases['SKIPPED'])
        return
    tally.passed += cases['PASSED'] if sum(cases.values()) else result == 'OK'
    tally.skipped += cases['SKIPPED']
    if result not in ('OK', 'EXPECTEDFAIL'):
        tally.failed += max(1, cases['FAILED']) - 1
        tally.fail(f'{where}: {test["name"]} ({result.lower()})')


def meson_tests(tally, folder, environment=None):
    log = ROOT / folder / 'meson-logs' / 'testlog.json'
    log.unlink(missing_ok=True)
    code = run(['meson', 'test', '-C', folder, '--no-rebuild', '--print-errorlogs', '--quiet',
                '--timeout-multiplier', '4'], env=dict(os.environ, **(environment or {})))
    if not log.exists():
        tally.fail(f'{folder}: no test was run')
        return
    failed_before = tally.failed
    for line in log.read_text().splitlines():
        count_meson_test(tally, folder, json.loads(line))
    if code != 0 and tally.failed == failed_before:
        tally.fail(f'{folder}: meson test ended with {code}')


def step_units(tally):
    if build(tally, 'build', []):
        meson_tests(tally, 'build')


def step_crash(tally):
    """The power goes at every step of an account's life: docs/reliability.md."""
    if not build(tally, 'build', []):
        return
    program = ROOT / 'build' / 'test' / 'crash' / 'crash_account'
    for name, command in (
            ('crash_account', [program, '--disks', CRASH_DISKS]),
            ('sync_sites.py', [sys.executable, ROOT / 'test' / 'crash' / 'sync_sites.py'])):
        if run(command):
            tally.fail(f'crash: {name}')
        else:
            tally.passed += 1


def step_model(tally):
    """Sessions at random against a model of the mailbox, in one process (over sockets: e2e)."""
    if not build(tally, 'build', []):
        return
    program = ROOT / 'build' / 'test' / 'model' / 'model_inside'
    if run([program, '--commands', 10 ** 9, '--seconds', MODEL_SECONDS]):
        tally.fail('model: model_inside')
    else:
        tally.passed += 1


def step_budgets(tally):
    """What the hot paths cost in instructions: test/budget/README.md."""
    if not build(tally, 'build', []):
        return
    code = run([sys.executable, ROOT / 'tools' / 'budgets.py'])
    if code == 77:
        tally.skipped += 1
    elif code:
        tally.fail('budgets: a path is over its budget')
    else:
        tally.passed += 1


def step_sanitized(tally):
    options = ['-Db_sanitize=address,undefined', '-Db_lundef=false']
    strict = {'ASAN_OPTIONS': 'detect_stack_use_after_return=1:strict_string_checks=1',
              'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1'}
    if build(tally, 'build-asan', options):
        meson_tests(tally, 'build-asan', strict)


def pytest(tally, folder, name):
    if not any((ROOT / folder).glob('**/test_*.py')):
        return
    report = ROOT / 'build' / f'{name}.xml'
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    code = run([sys.executable, '-m', 'pytest', '-q', '-rs', '-p', 'no:cacheprovider',
                f'--junitxml={report}', folder])
    if not report.exists():
        tally.fail(f'{name}: pytest ended with {code}')
        return
    failed_before = tally.failed
    for case in xml.etree.ElementTree.parse(report).iter('testcase'):
        if case.find('failure') is not None or case.find('error') is not None:
            tally.fail(f'{name}: {case.get("classname")}.{case.get("name")}')
        elif case.find('skipped') is not None:
            tally.skipped += 1
        else:
            tally.passed += 1
    if code != 0 and tally.failed == failed_before:
        tally.fail(f'{name}: pytest ended with {code}')


def step_tools(tally):
    pytest(tally, 'test/tools', 'tools')


def step_e2e(tally):
    pytest(tally, 'test/e2e', 'e2e')


def step_fuzz(tally):
    """Each harness for some seconds, beginning with the inputs that are kept."""
    executions = 0

    def report(name, is_well, count):
        nonlocal executions
        executions += count
        if is_well:
            tally.passed += 1
        else:
            tally.fail(f'fuzz: {name}')

    if not fuzz.build():
        tally.fail('build-fuzz: build')
        return
    print(f'+ {len(fuzz.names())} fuzz harnesses, {FUZZ_SECONDS} s each, seed {FUZZ_SEED}',
          flush=True)
    fuzz.run_all(fuzz.names(), FUZZ_SECONDS, report, FUZZ_SEED)
    print(f'{executions:,} executions', flush=True)


STEPS = {'units': step_units, 'crash': step_crash, 'model': step_model, 'sanitized': step_sanitized,
         'budgets': step_budgets, 'tools': step_tools, 'e2e': step_e2e, 'fuzz': step_fuzz}


def main():
    chosen = sys.argv[1:] or list(STEPS)
    unknown = [name for name in chosen if name not in STEPS]
    if unknown:
        print(f'no step {unknown[0]!r}; there are {", ".join(STEPS)}')
        return 64
    tally = Tally()
    for name in chosen:
        start = time.monotonic()
        STEPS[name](tally)
        print(f'= {name}: {time.monotonic() - start:.0f} s, so far {tally.line()}', flush=True)
    for name in tally.failures:
        print('FAILED', name)
    print(tally.line())
    return 1 if tally.failed else 0


if __name__ == '__main__':
    sys.exit(main())
