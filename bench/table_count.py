"""What the processes of a server ask of the kernel and of the C library while a row runs: system
calls, and of Roost allocations.

Roost is counted by perf, with the tracepoint of system calls and uprobes in the C library. The
others begin a process for each session, which perf does not follow; strace does, but it sees system
calls only. Counting makes a server slower: rows are counted in a round that has no other figure.
"""
import contextlib
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading

CALLS = 'raw_syscalls:sys_enter'
GROUP = 'roost_bench'
FUNCTIONS = ('malloc', 'calloc', 'realloc')
TRACING = pathlib.Path('/sys/kernel/tracing')
ACK_SECONDS_MAX = 20


def c_library():
    """The path of the C library that this process, like every server here, has loaded."""
    for line in pathlib.Path('/proc/self/maps').read_text().splitlines():
        path = line.split()[-1]
        if re.search(r'/libc[.-][^/]*so', path):
            return path
    return None


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


class Counter:
    """Made once; `missing` says why it cannot count, if it cannot."""

    def __init__(self):
        self.missing, self.events, self.is_mounted = '', [CALLS], False
        if os.geteuid() != 0 or not shutil.which('perf') or not shutil.which('strace'):
            self.missing = 'perf and strace are needed, and root'
            return
        if not (TRACING / 'events').exists():
            self.is_mounted = run('mount', '-t', 'tracefs', 'tracefs', TRACING).returncode == 0
        self.remove_probes()
        for name in FUNCTIONS:
            run('perf', 'probe', '-q', '-x', c_library(), f'{GROUP}:{name}={name}')
            self.events.append(f'{GROUP}:{name}')
        if run('perf', 'stat', '-e', ','.join(self.events), 'true').returncode != 0:
            self.missing = 'this kernel has no such events'

    @staticmethod
    def remove_probes():
        run('perf', 'probe', '-q', '-d', f'{GROUP}:*')

    def close(self):
        if shutil.which('perf') is not None and os.geteuid() == 0:
            self.remove_probes()
        if self.is_mounted:
            run('umount', TRACING)

    def counting(self, server):
        """A context that gives a dictionary of counts, which is filled at its end."""
        if server.name.startswith('roost'):
            return counting_with_perf(server, self.events)
        return counting_with_strace(server)


@contextlib.contextmanager
def counting_with_perf(server, events):
    counts = {}
    with contextlib.ExitStack() as stack:
        commands, acks = Pipe(stack), Pipe(stack)
        perf = stack.enter_context(subprocess.Popen(
            ['perf', 'stat', '-x', ';', '-D', '-1', '--control',
             f'fd:{commands.reader},{acks.writer}', '-e', ','.join(events), '-p',
             ','.join(str(pid) for pid in server.pids())],
            stderr=subprocess.PIPE, text=True, pass_fds=(commands.reader, acks.writer)))
        try:
            commands.say(b'enable\n', acks)
            yield counts
            commands.say(b'disable\n', acks)
        finally:
            perf.send_signal(signal.SIGINT)
            said = perf.stderr.read()
    counts.update(read_perf(said))


@contextlib.contextmanager
def counting_with_strace(server):
    counts, pids = {}, server.pids()
    with tempfile.NamedTemporaryFile('r') as out:
        command = ['strace', '-f', '-c', '-o', out.name]
        for pid in pids:
            command += ['-p', str(pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            for _ in pids:
                strace.stderr.readline()  # "strace: Process 1234 attached"
            drain = threading.Thread(target=strace.stderr.read)
            drain.start()
            try:
                yield counts
            finally:
                strace.send_signal(signal.SIGINT)
                drain.join()
        counts.update(read_strace(out.read()))


class Pipe:
    """To or from perf, which is told when to count and says when it does."""

    def __init__(self, stack):
        self.reader, self.writer = os.pipe()
        for fd in (self.reader, self.writer):
            stack.callback(os.close, fd)

    def say(self, command, answers):
        os.write(self.writer, command)
        if not select.select([answers.reader], [], [], ACK_SECONDS_MAX)[0]:
            raise RuntimeError('perf does not answer')
        os.read(answers.reader, 64)


def read_perf(text):
    """What perf's lines `1234;;EVENT;...` say."""
    counts = {'system_calls': 0, 'allocations': 0}
    for line in text.splitlines():
        words = line.split(';')
        if len(words) < 3 or not words[0].isdigit():
            continue
        name = 'system_calls' if words[2] == CALLS else 'allocations'
        counts[name] += int(words[0])
    return counts


def read_strace(text):
    """What `strace -c` says last: percent, seconds, usecs/call, calls, errors, total."""
    for line in text.splitlines():
        words = line.split()
        if words[-1:] == ['total']:
            return {'system_calls': int(words[3])}
    return {'system_calls': 0}
