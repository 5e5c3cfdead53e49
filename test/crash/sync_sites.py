#!/usr/bin/env python3
"""Shows that the power cuts of crash_account see every sync of the store.

Each sync site in src/store (files and directories) is found in the source, and a crash_account is
built in which it is missing; so are ones in which two neighbouring steps are swapped (SWAPS). Each
must go red. A site whose absence cannot be seen is listed in UNSEEN with the reason, or the run
fails.

    test/crash/sync_sites.py                 all of them
    test/crash/sync_sites.py --list          what there is
    test/crash/sync_sites.py NAME...         those whose name contains one of the words
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STORE = ROOT / 'src' / 'store'
PROGRAM = 'test/crash/crash_account'
LIVES = int(os.environ.get('CRASH_MUTANT_LIVES', '16000'))  # those of other kinds are passed over
SECONDS_MAX = 240

# (file, function, what is synced): why nothing can go red without it. What is not found any more
# fails the run.
UNSEEN = {
    ('checkpoint.c', 'replace_file', 'file'):
        'derived: a checkpoint is believed as far as its checksums',
    ('checkpoint.c', 'sync_rows', 'checkpoint->rows'):
        'derived: rows are believed as far as their checksums',
    ('lockfile.c', 'begin_anew', 'lock->file'):
        'once in 512 entries, and the one before them harms seldom: lockfile_test shows that',
    ('lockfile.c', 'put_before_last', 'lock->file'):
        'without it an older entry may count, which costs an epoch: lockfile_test shows that',
    ('recover_replay.c', 'set_aside', 'file'):
        'a copy for people; what is set aside stays where it is',
    ('recover_replay.c', 'set_aside', 'vfs, "log"'):
        'a copy for people; what is set aside stays where it is',
    ('segment.c', 'scrub', 'file'):
        'only behind a failed sync of a name, and then an old block must come back: segment_test '
        'shows that',
}

# The kinds of lives that meet what is in a file or function; all of them where nothing is said.
KINDS = {
    'base_writer.c': 'purge', 'sync_base': 'purge', 'sync_copied': 'copy', 'sync_copy': 'copy',
    'prepare_directory': 'new', 'account_compact_drop.c': 'purge', 'compact.c': 'purge',
    'lockfile.c': 'twice, lock, sync lock', 'log_body.c': 'long plain',
    'sync_kept': 'fail kill purge new sync lock',
}

# Name, file, function, text and what takes its place.
Swap = collections.namedtuple('Swap', 'name file function old new')
SWAPS = [
    Swap('a new segment is synced before its headers are written', 'segment.c', 'write_start',
         '''    err = vfs_append(file, buf_bytes(&start));
    buf_done(&start);
    if (err == ERR_OK)
        err = vfs_sync(file);
''', '''    err = vfs_sync(file);
    if (err == ERR_OK)
        err = vfs_append(file, buf_bytes(&start));
    buf_done(&start);
'''),
    Swap('segment N+1 is made before N is synced', 'log_work.c', 'work_run',
         '''    if (work->err == ERR_OK && work->sync != NULL) {
''', '''    if (work->err == ERR_OK && work->create) {
        work->err = segment_create(work->vfs, &work->segment, &work->made);
        work->create = false;
    }
    if (work->err == ERR_OK && work->sync != NULL) {
'''),
    Swap('the log is written to before the clean mark is taken away', 'log_private.h',
         'log_is_barred', 'return !log_is_made(log) || log->withdraw;',
         'return !log_is_made(log);'),
    Swap('the lock file names the new boot before the epoch is durable', 'log.c', 'log_settle',
         '''    if (log_durable(log) != log_tip(log))
        err = log_work_all_now(log, why);
    if (err == ERR_OK && (log->epoch_due || stands_open(log))) {
''', '''    if (log->epoch_due) {
        struct lock_entry entry = lockfile_present(log->lock, LOCK_OPEN, log->now);

        err = lockfile_write(log->lock, &entry);
    }
    if (err == ERR_OK && log_durable(log) != log_tip(log))
        err = log_work_all_now(log, why);
    if (err == ERR_OK && stands_open(log)) {
'''),
    Swap('what an opening keeps is synced before it is written over', 'recover.c', 'sync_kept',
         '''    err = rewrite_end(recover, file, last);
    if (err == ERR_OK)
        err = vfs_sync(file);
''', '''    err = vfs_sync(file);
    if (err == ERR_OK)
        err = rewrite_end(recover, file, last);
'''),
    Swap('a body is synced before its header is written', 'log_body.c', 'log_body_finish',
         '''        body->err = store_header(body);
    if (body->err == ERR_OK)
        body->err = vfs_sync(body->file);
''', '''        body->err = vfs_sync(body->file);
    if (body->err == ERR_OK)
        body->err = store_header(body);
'''),
    Swap('what a base copies is synced before it is written', 'base_writer.c',
         'base_writer_settle', '''    enum err err = base_writer_flush(writer);

    if (err == ERR_OK)
        err = vfs_sync(writer->file);
''', '''    enum err err = vfs_sync(writer->file);

    if (err == ERR_OK)
        err = base_writer_flush(writer);
'''),
    Swap('the log goes on over what stands behind its end', 'recover_replay.c', 'find_tail',
         'recover->is_empty_behind = err == ERR_OK && content_end == recover->end;',
         'recover->is_empty_behind = err == ERR_OK;'),
    Swap('a batch counts as durable before its sync', 'log_work.c', 'work_fill',
         '''    work->mark = log_mark_here(log, work->covers);
    if (!prepares)
''', '''    work->mark = log_mark_here(log, work->covers);
    log->durable = work->covers;
    if (!prepares)
'''),
]

FUNCTION = re.compile(r'^[a-z_].*?\b(\w+)\([^;{]*\)\n\{\n', re.M)
CALL = re.compile(r'vfs_sync\(|(?P<of>[\w.>-]+)->sync_dir\(')


def functions(text):
    """(name, start, end) of every function."""
    for match in FUNCTION.finditer(text):
        yield match.group(1), match.start(), text.index('\n}\n', match.end() - 2)


def closing(text, at):
    """Of the parenthesis that was opened before `at`."""
    depth = 1
    while depth:
        depth += {'(': 1, ')': -1}.get(text[at], 0)
        at += 1
    return at


def removals():
    """Every sync site: its key, and the source without it."""
    for path in sorted(STORE.glob('*.c')):
        text = path.read_text()
        if path.stem.endswith('_test') or not CALL.search(text):
            continue
        places = list(functions(text))
        for match in CALL.finditer(text):
            inside = [name for name, start, end in places if start < match.start() < end]
            if len(inside) != 1:
                sys.exit(f'{path.name}: a sync outside of any function that this script makes out')
            end = closing(text, match.end())
            synced = text[match.end():end - 1]
            rest = f'((void)({match.group("of") or synced}), ERR_OK)'
            yield (path.name, inside[0], synced), text[:match.start()] + rest + text[end:]


def swapped(swap):
    text = (STORE / swap.file).read_text()
    for name, start, end in functions(text):
        if name == swap.function and text.count(swap.old, start, end + 1) == 1:
            at = text.index(swap.old, start)
            return text[:at] + swap.new + text[at + len(swap.old):]
    sys.exit(f'{swap.file}, {swap.function}: the steps of "{swap.name}" are not there any more: '
             'bring SWAPS up to date')


class Builder:
    """Compiles what a change touches and links it before the libraries of the build."""

    def __init__(self, build):
        self.build = build
        self.folder = build / 'mutants'
        self.folder.mkdir(exist_ok=True)
        entries = json.loads((build / 'compile_commands.json').read_text())
        self.compile = {pathlib.Path(e['file']).name: e for e in entries
                        if '/libstore.a.p/' in e['output']}
        commands = subprocess.run(['ninja', '-C', build, '-t', 'commands', PROGRAM], check=True,
                                  capture_output=True, text=True).stdout.splitlines()
        self.link = shlex.split(commands[-1])

    def run(self, command):
        subprocess.run(command, cwd=self.build, check=True)

    def object_of(self, name, source, includes):
        entry = shlex.split(self.compile[name]['command'])
        output = self.folder / f'{name}.o'
        kept = [part for part in entry if part != '-Werror']
        kept[kept.index('-o') + 1] = str(output)
        kept[kept.index('-MF') + 1] = f'{output}.d'
        kept[kept.index('-c') + 1] = str(source)
        at = next(i for i, part in enumerate(kept) if part.startswith('-I'))
        self.run(kept[:at] + [f'-I{path}' for path in includes] + ['-w'] + kept[at:])
        return output

    def program(self, name, text):
        """crash_account with that text for src/store/NAME."""
        tree = self.folder / 'src'
        changed = tree / 'store' / name
        changed.parent.mkdir(parents=True, exist_ok=True)
        for old in changed.parent.iterdir():
            old.unlink()
        changed.write_text(text)
        objects = [self.object_of(name, changed, [])] if name.endswith('.c') else [
            self.object_of(path.name, path, [tree]) for path in sorted(STORE.glob('*.c'))
            if not path.stem.endswith('_test')
            and f'"store/{name}"' in path.read_text()]
        output = self.folder / 'crash_account'
        link = list(self.link)
        link[link.index('-o') + 1] = str(output)
        first = link.index('-o') + 2
        self.run(link[:first] + [str(path) for path in objects] + link[first:])
        return output


Result = collections.namedtuple('Result', 'red said seconds')


def try_out(program, kinds):
    start = time.monotonic()
    try:
        done = subprocess.run([program, '--seed', '1', '--disks', '1000000000',
                               '--lives', str(LIVES), *(['--only', kinds] if kinds else [])],
                              text=True, capture_output=True, timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return Result(False, f'no end within {SECONDS_MAX} s', SECONDS_MAX)
    said = [line for line in (done.stdout + done.stderr).splitlines()
            if 'FAILED: ' in line or 'Assertion' in line]
    # 2: it only saw fewer disks than asked for.
    return Result(done.returncode == 1, said[0].removeprefix('FAILED: ') if said else
                  f'ended with {done.returncode}', time.monotonic() - start)


def everything():
    """(name, file, function, source, reason not to try it)"""
    unseen = dict(UNSEEN)
    seen = collections.Counter()
    for key, text in removals():
        seen[key] += 1
        number = '' if seen[key] == 1 else f' ({seen[key]})'
        yield (f'no sync of {key[2]} in {key[0]}, {key[1]}{number}', key[0], key[1],
               text, unseen.pop(key, None) if not number else UNSEEN.get(key))
    for key in unseen:
        sys.exit(f'{key}: no such sync any more: bring UNSEEN up to date')
    for swap in SWAPS:
        yield swap.name, swap.file, swap.function, swapped(swap), None


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument('words', nargs='*')
    options.add_argument('--list', action='store_true')
    options.add_argument('--build', type=pathlib.Path, default=ROOT / 'build')
    options = options.parse_args()
    chosen = [each for each in everything()
              if not options.words or any(word in each[0] for word in options.words)]
    builder = None if options.list else Builder(options.build)
    green = 0
    for name, file, function, text, reason in chosen:
        if reason or options.list:
            print(f'{"listed" if reason else "      ":7} {name}{": " + reason if reason else ""}')
            continue
        result = try_out(builder.program(file, text), KINDS.get(function, KINDS.get(file)))
        green += not result.red
        print(f'{"red" if result.red else "GREEN":7} {name}: {result.said} '
              f'({result.seconds:.1f} s)', flush=True)
    if not options.list:
        print(f'{len(chosen)} sync sites and swaps, {green} that nothing saw')
    return 1 if green else 0


if __name__ == '__main__':
    sys.exit(main())
