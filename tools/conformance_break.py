"""Breaks cited places one at a time, in a copy of the tree, and runs the tests that rows name."""
import json
import os
import random
import re
import shutil
import subprocess
import tempfile

import conformance_code as code
from conformance_rows import ROOT

TREE = ROOT / 'build-break'
TEST_SECONDS = 120
PLAYERS = {'imap': 'src/imap/session_test.c', 'login': 'src/imap/login/login_test.c'}


def copy_tree():
    """A copy that ninja finds unchanged where it is unchanged."""
    TREE.mkdir(exist_ok=True)
    names = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=ROOT,
                           capture_output=True, check=True).stdout.decode().split('\0')
    for name in filter(None, names):
        source, target = ROOT / name, TREE / name
        if not source.is_file():
            continue
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    if not (TREE / 'build' / 'build.ninja').exists():
        subprocess.run(['meson', 'setup', 'build', '-Dwerror=false'], cwd=TREE, check=True,
                       stdout=subprocess.DEVNULL)


def balanced(text, begin):
    """The end of the parenthesis that opens at `begin`."""
    depth = 0
    for index in range(begin, len(text)):
        depth += {'(': 1, ')': -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    return len(text)


def broken_by_rule(text, begin, end):
    """The text with the piece broken in the way that its shape suggests; None: no way known."""
    piece = text[begin:end]
    condition = re.match(r'(?:if|while) \(', piece)
    if condition:
        opens = begin + condition.end() - 1
        closes = balanced(text, opens)
        return f'{text[:opens]}({text[opens:closes]} && 0){text[closes:]}'
    if re.fullmatch(r'return [^"]*;', piece):
        return f'{text[:begin]}return !({piece[len("return "):-1]});{text[end:]}'
    string = re.search(r'"((?:[^"\\]|\\.)+)"', piece)
    if string:
        at = begin + string.start(1)
        return f'{text[:at]}~{text[at + 1:]}'
    if piece.endswith(';') and not piece.startswith('return'):
        return f'{text[:begin]};{text[end:]}'
    for old, new in ((' == ', ' != '), (' != ', ' == '), (' <= ', ' > '), (' >= ', ' < '),
                     (' < ', ' >= '), (' > ', ' <= '), (' && ', ' || '), (' || ', ' && ')):
        if old in piece:
            return text[:begin] + piece.replace(old, new, 1) + text[end:]
    for old, new in (('true', 'false'), ('false', 'true')):
        if re.search(rf'\b{old}\b', piece):
            return text[:begin] + re.sub(rf'\b{old}\b', new, piece, count=1) + text[end:]
    number = re.search(r'\b\d+\b', piece)
    if number:
        at = begin + number.start()
        return f'{text[:at]}{int(number[0]) + 1}{text[begin + number.end():]}'
    return None


def break_text(row, text):
    begin, end = code.find_piece(text, row.place[1])[0]
    if 'break' in row.fields:
        return text[:begin] + row.fields['break'] + text[end:]
    return broken_by_rule(text, begin, end)


def introspect(what):
    out = subprocess.run(['meson', 'introspect', what, 'build'], cwd=TREE, capture_output=True,
                         check=True).stdout
    return json.loads(out)


class Tests:
    """Builds and runs what a row names."""

    def __init__(self):
        self.programs = {}
        for target in introspect('--targets'):
            for group in target['target_sources']:
                for source in group.get('sources', ()):
                    if target['type'] == 'executable':
                        self.programs.setdefault(source, target['filename'][0])
        self.arguments = {test['cmd'][0]: test['cmd'][1:] for test in introspect('--tests')}

    def program(self, row):
        path, _ = row.test
        if path.suffix == '.py':
            return str(TREE / 'build' / 'roost')
        if path.suffix == '.txt':
            return self.programs[str(TREE / PLAYERS[path.parent.name])]
        return self.programs[str(TREE / path.relative_to(ROOT))]

    def build(self, row):
        target = os.path.relpath(self.program(row), TREE / 'build')
        return subprocess.run(['ninja', '-C', 'build', '--quiet', target], cwd=TREE,
                              capture_output=True).returncode == 0

    def run(self, row):
        """(passed, the first line of what it complained about)"""
        path, name = row.test
        program = self.program(row)
        if path.suffix == '.py':
            return execute(['python3', '-m', 'pytest', '-q', '-x', str(path.relative_to(ROOT)),
                            '-k', name])
        if path.suffix == '.txt':
            with tempfile.TemporaryDirectory() as folder:
                shutil.copy(path, folder)
                return execute([program, folder])
        return execute([program, *self.arguments.get(program, [])], name)


def execute(command, name=None):
    """A run that takes too long is as good as one that fails."""
    try:
        done = subprocess.run(command, cwd=TREE, capture_output=True, timeout=TEST_SECONDS)
    except subprocess.TimeoutExpired:
        return False, 'took too long'
    text = (done.stdout + done.stderr).decode(errors='replace')
    if done.returncode == 0:
        return True, ''
    failed = re.findall(r'\[  FAILED  \] (\w+)$', text, re.M)
    if name and failed and name not in failed:
        return True, 'red: ' + ', '.join(sorted(set(failed)))
    said = re.search(r'line \d+: .*', text) or re.search(r'.*(?:rror|FAILED|assert).*', text)
    return False, said[0].strip()[:150] if said else f'ended with {done.returncode}'


def try_row(row, tests):
    """'red', or what is wrong."""
    path, _ = row.place
    target = TREE / path.relative_to(ROOT)
    whole = target.read_text()
    broken = break_text(row, whole)
    if broken is None or broken == whole:
        return 'no way known to break it: write a break:'
    try:
        target.write_text(broken)
        if not tests.build(row):
            return 'broken code does not build: write a break:'
        passed, said = tests.run(row)
        return f'GREEN {said}' if passed else f'red   {said}'
    finally:
        target.write_text(whole)


def chosen(rfcs, options):
    rows = [row for rfc, (_, found) in rfcs.items() for row in found
            if row.kind == 'done' and (not options.rfc or rfc in options.rfc)]
    if options.row:
        wanted = set(options.row)
        return [row for row in rows
                if any(f'{row.rfc} {row.section}#{n}' in wanted for n in row.ordinals)]
    # Rows that name the same place and test are one trial.
    trials = list({(row.fields['at'], row.fields['test'], row.fields.get('break')): row
                   for row in rows}.values())
    return random.Random(options.seed).sample(trials, min(options.breaks, len(trials)))


def run(rfcs, options):
    rows = chosen(rfcs, options)
    copy_tree()
    tests = Tests()
    wrong = 0
    print(f'breaking {len(rows)} places, seed {options.seed}', flush=True)
    for row in rows:
        result = try_row(row, tests)
        wrong += not result.startswith('red')
        print(f'{row.rfc} {row.name}: {result}', flush=True)
    print(f'{len(rows) - wrong} of {len(rows)} went red')
    return 1 if wrong else 0
