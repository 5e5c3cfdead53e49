#!/usr/bin/env python3
"""Holds the tree against the house rules (tools/tidy_tables.py); silent when all is well.

    tools/tidy.py                 check everything
    tools/tidy.py --quick         leave out what runs other programs (clang-format, the compiler)
    tools/tidy.py PATH ...        check these files only
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

import tidy_code
import tidy_tables as rules

ROOT = pathlib.Path(__file__).resolve().parent.parent
OWN_INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
LIBRARIES = ['libevent', 'openssl', 'libgsasl', 'libutf8proc', 'sqlite3', 'libseccomp', 'jansson',
             'libzstd', 'cmocka']


class Report:
    def __init__(self):
        self.lines = set()

    def add(self, path, line, rule, text):
        self.lines.add((str(path), line, rule, text))

    def finish(self):
        for path, line, rule, text in sorted(self.lines):
            print(f'{path}:{line}: {rule}: {text}')
        if self.lines:
            print(f'tidy: {len(self.lines)} complaints')
        return 1 if self.lines else 0


def tree_files():
    """Every file that is, or would be, in version control; all files where git is missing."""
    try:
        run = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=ROOT,
                             capture_output=True, check=True)
        names = [n for n in run.stdout.decode().split('\0') if n]
    except (OSError, subprocess.CalledProcessError):
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob('*')
                 if not any(part.startswith(('build', '.')) for part in p.relative_to(ROOT).parts)]
    return [pathlib.Path(n) for n in sorted(set(names)) if (ROOT / n).is_file()]


def check_text(report, path, text):
    if path.suffix in rules.TEXT_EXEMPT or path.name == 'tidy_tables.py' \
            or str(path).startswith(rules.FOLDERS_TEXT_EXEMPT):
        return
    narrow = path.suffix in ('.c', '.h', '.py', '.sh', '.build') or path.name in ('Makefile', 'run')
    for number, line in enumerate(text.split('\n'), 1):
        if line != line.rstrip():
            report.add(path, number, 'space', 'blanks at the end of the line')
        if narrow and len(line) > rules.COLUMNS_MAX:
            report.add(path, number, 'columns', f'{len(line)} columns, {rules.COLUMNS_MAX} at most')
        if '\t' in line and path.suffix in ('.c', '.h', '.py', '.build'):
            report.add(path, number, 'space', 'a tab')
        for pattern, why in rules.BANNED_TEXT.items():
            if re.search(pattern, line):
                report.add(path, number, 'text', f'{line.strip()[:60]!r}: {why}')
    if text and not text.endswith('\n'):
        report.add(path, text.count('\n') + 1, 'space', 'no newline at the end')


def find_circle(graph):
    done = set()

    def visit(node, trail):
        if node in trail:
            return trail[trail.index(node):] + [node]
        if node in done:
            return None
        for target in sorted(graph.get(node, ())):
            circle = visit(target, trail + [node])
            if circle:
                return circle
        done.add(node)
        return None

    return next((c for c in (visit(node, []) for node in sorted(graph)) if c), None)


def check_circles(report, files):
    """No room reaches itself through the rooms that it may include, no header through headers."""
    together = {room: min(group) for group in rules.TOGETHER for room in group}
    rooms = {}
    for room, allowed in rules.LAYERS.items():
        targets = {together.get(t, t) for t in allowed if not t.endswith('.h')}
        rooms.setdefault(together.get(room, room), set()).update(targets)
    for room, targets in rooms.items():
        targets.discard(room)
    headers = {'/'.join(p.parts[1:]): OWN_INCLUDE.findall((ROOT / p).read_text(errors='replace'))
               for p in files if p.suffix == '.h' and p.parts[0] == 'src'}
    for graph in (rooms, headers):
        circle = find_circle(graph)
        if circle:
            report.add('src', 1, 'circle', ' -> '.join(circle))


def tests_of(path):
    """The tests that may cover x_y.c: x_y_test.c, and x_test.c for what x was split into."""
    parts = path.stem.split('_')
    return {path.with_name('_'.join(parts[:n]) + '_test.c') for n in range(1, len(parts) + 1)}


def check_tests_beside(report, path, names):
    if path.suffix != '.c' or path.parts[0] != 'src' or tidy_code.is_test(path):
        return
    if str(path) in rules.TESTED_ELSEWHERE or tests_of(path) & names:
        return
    if str(path.parent) not in rules.FOLDERS_TESTED_ELSEWHERE:
        report.add(path, 1, 'test', f'no {path.stem}_test.c beside it')


def check_built(report, path, texts):
    """Every source stands in a meson.build of its folder or above; none is found by a pattern."""
    if path.suffix != '.c' or path.parts[0] not in ('src', 'fuzz', 'bench'):
        return
    stem = re.sub(r'_(test|fuzz)$', '', path.stem)
    for folder in path.parents:
        text = texts.get(folder / 'meson.build', '')
        between = path.parent.relative_to(folder)
        if any(f"'{between / name}'" in text for name in (path.name, path.stem, stem)):
            return
    report.add(path, 1, 'build', 'stands in no meson.build')


def check_readmes(report, files):
    folders = {p.parent for p in files if p.parts[0] == 'src' and p.suffix in ('.c', '.h')}
    for folder in sorted(folders):
        if folder / 'README.md' not in files:
            report.add(folder, 1, 'readme', 'no README.md')


def check_format(report, paths):
    tool = shutil.which('clang-format-14')
    if tool is None:
        report.add('.clang-format', 1, 'format',
                   'clang-format-14 is missing: tools/install.sh check')
        return
    for at in range(0, len(paths), 40):
        run = subprocess.run([tool, '--dry-run', '-Werror', *map(str, paths[at:at + 40])],
                             cwd=ROOT, capture_output=True, text=True)
        first = {}
        for path, line in re.findall(r'^(\S+?):(\d+):\d+: error:', run.stderr, re.M):
            first.setdefault(path, int(line))
        for path, line in first.items():
            report.add(path, line, 'format', 'clang-format-14 -i changes it')


def library_flags():
    flags = []
    for name in LIBRARIES:
        run = subprocess.run(['pkg-config', '--cflags', name], capture_output=True, text=True)
        flags += run.stdout.split()
    return flags


def compile_alone(path, flags):
    name = '/'.join(path.parts[1:])
    source = f'#include "{name}"\n#include "{name}"\n'
    command = [os.environ.get('CC', 'cc'), '-fsyntax-only', '-std=gnu17', '-D_GNU_SOURCE',
               '-DROOST_VERSION=""', '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter',
               '-Isrc', '-Itest', *flags, '-x', 'c', '-']
    run = subprocess.run(command, input=source, cwd=ROOT, capture_output=True, text=True)
    return path, run.stderr.strip().split('\n')[0] if run.returncode else None


def check_headers_alone(report, paths):
    flags = library_flags()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, complaint in pool.map(lambda p: compile_alone(p, flags), paths):
            if complaint:
                report.add(path, 1, 'alone', complaint)


def check_files(report, files, everything):
    names = set(everything)
    texts = {p: (ROOT / p).read_text(errors='replace') for p in everything
             if p.name == 'meson.build'}
    for path in files:
        raw = (ROOT / path).read_bytes()
        if b'\0' in raw[:8192]:
            continue
        text = raw.decode(errors='replace')
        check_text(report, path, text)
        if path.suffix in ('.c', '.h'):
            tidy_code.check_c(report, path, text)
        check_tests_beside(report, path, names)
        check_built(report, path, texts)
    check_circles(report, everything)
    check_readmes(report, names)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--quick', action='store_true', help='run no other programs')
    parser.add_argument('paths', nargs='*')
    options = parser.parse_args()
    report = Report()
    everything = tree_files()
    chosen = {pathlib.Path(os.path.relpath(p, ROOT)) for p in options.paths}
    files = [p for p in everything if not chosen or p in chosen]
    check_files(report, files, everything)
    if not options.quick:
        c_files = [p for p in files if p.suffix in ('.c', '.h')]
        check_format(report, c_files)
        check_headers_alone(report, [p for p in c_files if p.suffix == '.h'
                                     and p.parts[0] in ('src', 'test')])
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
