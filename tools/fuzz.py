#!/usr/bin/env python3
"""The fuzz harnesses: run them, keep what they found, see what they reach.

    tools/fuzz.py run [NAME ...]        each for FUZZ_SECONDS (120); executions are counted
    tools/fuzz.py keep [NAME ...]       the inputs found, made few, into fuzz/corpus/NAME.tar.xz
    tools/fuzz.py coverage              lines that the kept inputs reach, into fuzz/coverage.md

All of them build what they need (clang 14) in build-fuzz; `coverage` in build-coverage.
"""
import io
import os
import pathlib
import re
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS = int(os.environ.get('FUZZ_SECONDS', '120'))
SCRATCH = ROOT / 'build-fuzz' / 'scratch'
KEPT = ROOT / 'fuzz' / 'corpus'
PAGE = ROOT / 'fuzz' / 'coverage.md'
EXECUTED = re.compile(r'stat::number_of_executed_units:\s*(\d+)')
LLVM = pathlib.Path('/usr/lib/llvm-14/bin')
# Rooms whose files read or print what strangers send.
ROOMS = ('src/message', 'src/imap', 'src/imap/wire', 'src/imap/cmd', 'src/imap/login',
         'src/search', 'src/smtp', 'src/smtp/wire', 'src/store', 'src/ipc', 'src/config',
         'src/daemon/gate', 'src/daemon/control', 'src/auth')


def names():
    return sorted(p.stem.removesuffix('_fuzz') for p in (ROOT / 'fuzz').glob('*_fuzz.c'))


def build(folder='build-fuzz', options=()):
    """True when the harnesses stand in `folder`/fuzz."""
    if not (ROOT / folder / 'build.ninja').exists():
        code = subprocess.run(['meson', 'setup', folder, '-Dfuzz=true', '-Db_lundef=false',
                               *options], cwd=ROOT, env=dict(os.environ, CC='clang-14'),
                              stdout=subprocess.DEVNULL).returncode
        if code != 0:
            return False
    return subprocess.run(['ninja', '-C', folder, '--quiet',
                           *[f'fuzz/{name}_fuzz' for name in names()]], cwd=ROOT).returncode == 0


def unpack(name):
    """The kept inputs of a harness as a folder of files."""
    folder = SCRATCH / f'{name}.kept'
    folder.mkdir(parents=True, exist_ok=True)
    archive = KEPT / f'{name}.tar.xz'
    if archive.exists():
        with tarfile.open(archive) as tar:
            for member in tar:
                data = tar.extractfile(member).read()
                (folder / pathlib.Path(member.name).name).write_bytes(data)
    return folder


def found(name):
    folder = SCRATCH / f'{name}.found'
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def start(name, seconds, seed):
    """The running harness; its output is in its pipe. Seed 0: another one each time."""
    command = [ROOT / 'build-fuzz' / 'fuzz' / f'{name}_fuzz', f'-max_total_time={seconds}',
               f'-seed={seed}',
               '-timeout=10', '-rss_limit_mb=2048', '-print_final_stats=1', '-verbosity=0',
               f'-artifact_prefix={SCRATCH}/{name}-']
    dictionary = ROOT / 'fuzz' / 'dict' / f'{name}.dict'
    if dictionary.exists():
        command.append(f'-dict={dictionary}')
    return subprocess.Popen([str(word) for word in [*command, found(name), unpack(name)]],
                            cwd=ROOT, text=True, errors='replace', stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def finish(name, process):
    """(is it well, executions)."""
    output, _ = process.communicate()
    executed = EXECUTED.search(output)
    count = int(executed[1]) if executed else 0
    if process.returncode != 0:
        print(f'--- {name}\n{output[-4000:]}', flush=True)
    return process.returncode == 0, count


def run_all(chosen, seconds, report, seed=0):
    """As many at once as there are processors; report(name, is_well, executions) for each."""
    running = []
    for name in chosen:
        running.append((name, start(name, seconds, seed)))
        if len(running) >= (os.cpu_count() or 1):
            first, process = running.pop(0)
            report(first, *finish(first, process))
    for name, process in running:
        report(name, *finish(name, process))


def verb_run(chosen):
    failed, total = [], 0

    def report(name, is_well, count):
        nonlocal total
        total += count
        print(f'{name:24} {count:12,}  {"clean" if is_well else "FAILED"}', flush=True)
        if not is_well:
            failed.append(name)

    if not build():
        return 1
    run_all(chosen, SECONDS, report)
    print(f'{total:,} executions of {len(chosen)} harnesses, '
          f'{", ".join(failed) + " failed" if failed else "all clean"}')
    return 1 if failed else 0


def pack(name, folder):
    """The same inputs give the same archive."""
    KEPT.mkdir(exist_ok=True)
    with tarfile.open(KEPT / f'{name}.tar.xz', 'w:xz', preset=9) as tar:
        for path in sorted(folder.iterdir()):
            data = path.read_bytes()
            member = tarfile.TarInfo(path.name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def verb_keep(chosen):
    if not build():
        return 1
    for name in chosen:
        merged = SCRATCH / f'{name}.merged'
        subprocess.run(['rm', '-rf', merged], check=True)
        merged.mkdir()
        code = subprocess.run([ROOT / 'build-fuzz' / 'fuzz' / f'{name}_fuzz', '-merge=1',
                               '-timeout=10', merged, unpack(name), found(name)], cwd=ROOT,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        if code != 0:
            print(f'{name}: merging ended with {code}')
            return 1
        pack(name, merged)
        size = (KEPT / f'{name}.tar.xz').stat().st_size
        print(f'{name:24} {len(list(merged.iterdir())):6} inputs, {size:9,} bytes', flush=True)
    return 0


def profile(chosen):
    """Replays the kept inputs; where their profile stands."""
    profiles = []
    for name in chosen:
        raw = ROOT / 'build-coverage' / f'{name}.profraw'
        subprocess.run([ROOT / 'build-coverage' / 'fuzz' / f'{name}_fuzz', '-runs=0', unpack(name)],
                       cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env=dict(os.environ, LLVM_PROFILE_FILE=str(raw)))
        profiles.append(raw)
    merged = ROOT / 'build-coverage' / 'all.profdata'
    subprocess.run([LLVM / 'llvm-profdata', 'merge', '-o', merged, *profiles], check=True)
    return merged


def lines_reached(merged, chosen):
    """{file: (lines, reached)} below src/."""
    objects = [word for name in chosen
               for word in ('-object', ROOT / 'build-coverage' / 'fuzz' / f'{name}_fuzz')]
    report = subprocess.run([LLVM / 'llvm-cov', 'report', f'-instr-profile={merged}', *objects],
                            cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL).stdout
    reached = {}
    for line in report.splitlines():
        cells = line.split()
        where = cells[0].find('src/') if cells else -1
        if len(cells) == 13 and where >= 0:
            reached[cells[0][where:]] = int(cells[7]), int(cells[7]) - int(cells[8])
    return reached


def render(reached, count):
    rows = ['# What the fuzz harnesses reach', '',
            'Made by `tools/fuzz.py coverage`: lines of the rooms that read or print what '
            f'strangers send, as reached by the kept inputs of all {count} harnesses.', '',
            '| room | lines | reached | least reached files |', '|---|---|---|---|']
    for room in ROOMS:
        files = {path: pair for path, pair in reached.items()
                 if os.path.dirname(path) == room and path.endswith('.c') and pair[1] > 0}
        if not files:
            continue
        lines, hit = (sum(pair[i] for pair in files.values()) for i in (0, 1))
        least = sorted(files, key=lambda path: files[path][1] / files[path][0])[:3]
        told = ', '.join(f'`{os.path.basename(path)}` {100 * files[path][1] // files[path][0]} %'
                         for path in least)
        rows.append(f'| `{room}` | {lines:,} | {100 * hit // lines} % | {told} |')
    return '\n'.join(rows) + '\n'


def verb_coverage(chosen):
    flags = '-fprofile-instr-generate -fcoverage-mapping'
    if not build('build-coverage', [f'-Dc_args={flags}', f'-Dc_link_args={flags}']):
        return 1
    PAGE.write_text(render(lines_reached(profile(chosen), chosen), len(chosen)))
    print(PAGE.read_text(), end='')
    return 0


def main():
    verbs = {'run': verb_run, 'keep': verb_keep, 'coverage': verb_coverage}
    if len(sys.argv) < 2 or sys.argv[1] not in verbs:
        print(__doc__.strip())
        return 64
    chosen = sys.argv[2:] or names()
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        print(f'no harness {unknown[0]!r}; there are {", ".join(names())}')
        return 64
    return verbs[sys.argv[1]](chosen)


if __name__ == '__main__':
    sys.exit(main())
