"""Reads what `strace -f -ttt -yy` wrote, and asks what was durable when an answer left.

The order of the lines is the order in which the kernel let threads stop and go: a whole line is a
call that nobody else's came between, `unfinished` and `resumed` are its two ends. So "before" needs
no clock here."""
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass

import pytest

import proc

CALLS = ('write,pwrite64,writev,pwritev,pwritev2,fdatasync,fsync,sync_file_range,openat,renameat,'
         'renameat2,sendmsg,sendto,recvfrom')
HEAD = re.compile(r'(\d+)\s+(\d+\.\d+) (.*)$')
WHOLE = re.compile(r'(\w+)\((.*)\)\s+= (-?\w+)')
UNFINISHED = re.compile(r'(\w+)\((.*) <(?:unfinished|detached) \.\.\.>$')
RESUMED = re.compile(r'<\.\.\. (\w+) resumed>(.*)\)\s+= (-?\w+)')
ZEROS = re.compile(r'>, "(?:\\0)+"(?:\.\.\.)?, ')
FIRST_PATH = re.compile(r'-?\w+<([^>]*)>')
WRITES = {'write', 'pwrite64', 'writev', 'pwritev', 'pwritev2'}
SENDS = WRITES | {'sendmsg', 'sendto'}
SYNCS = {'fdatasync', 'fsync'}


@dataclass
class Call:
    name: str
    thread: int
    begin: int  # place among the lines
    begin_at: float  # seconds
    text: str
    end: int = -1  # -1: it had not returned when the trace ended
    end_at: float = 0.0
    result: str = ''

    @property
    def path(self):
        match = FIRST_PATH.match(self.text)
        return match[1] if match else ''

    def is_log_write(self):
        """Space that is taken ahead, zeros, is no part of the log."""
        return (self.name in WRITES and not ZEROS.search(self.text) and
                re.search(r'/log/[^/]+\.(log|body)$', self.path) is not None)

    def is_sync_of(self, path):
        return self.name in SYNCS and self.path == path and self.result == '0'


def parse(lines):
    """The calls, by their beginning."""
    calls, open_calls = [], {}
    for place, line in enumerate(lines):
        head = HEAD.match(line)
        if head is None:
            continue
        thread, at, rest = int(head[1]), float(head[2]), head[3]
        if match := UNFINISHED.match(rest):
            call = Call(match[1], thread, place, at, match[2])
            open_calls[thread] = call
            calls.append(call)
        elif match := RESUMED.match(rest):
            call = open_calls.pop(thread, None)
            if call is not None and call.name == match[1]:
                call.end, call.end_at, call.result = place, at, match[3]
                call.text += match[2]
        elif match := WHOLE.match(rest):
            calls.append(Call(match[1], thread, place, at, match[2], place, at, match[3]))
    return calls


def answers(calls, text):
    """The calls that send it to a client."""
    return [call for call in calls if call.name in SENDS and text in call.text and
            re.match(r'(TCP|UNIX-STREAM|UNIX)', call.path)]


def log_writes(calls, before=None, after=None, text=''):
    return [call for call in calls if call.is_log_write() and text in call.text and
            (before is None or call.begin < before.begin) and
            (after is None or call.begin > after.begin)]


def sync_of(calls, write):
    """The first sync that covers it, or None."""
    covering = [call for call in calls if call.is_sync_of(write.path) and call.end >= 0 and
                0 <= write.end < call.begin]
    return min(covering, key=lambda call: call.end, default=None)


def uncovered(calls, answer, writes):
    """Those of `writes` that were not durable when `answer` began to leave, and the names of log
    files, in the directories of these writes, that were not."""
    folders = {write.path.rsplit('/', 1)[0] for write in writes}
    late = []
    for write in writes:
        sync = sync_of(calls, write)
        if sync is None or sync.end >= answer.begin:
            late.append(write)
    for made in calls:
        name = re.search(r'"(?:[^"]*/)?log/[^/"]+\.(?:log|body)", [^)]*O_CREAT', made.text)
        if made.name != 'openat' or name is None or not 0 <= made.end < answer.begin:
            continue
        if f'{made.path}/log' not in folders:  # another account's, at the same time
            continue
        if not any(call.name in SYNCS and call.path.endswith('/log') and call.result == '0' and
                   made.end < call.begin and 0 <= call.end < answer.begin for call in calls):
            late.append(made)
    return late


class Tracer:
    """Watches processes from `with` to its end; then `calls` has what they did."""

    def __init__(self, pids, path, calls=CALLS):
        if shutil.which('strace') is None:
            pytest.skip('no strace here')
        self.pids, self.path, self.names, self.calls = pids, path, calls, []

    def attached(self):
        return all(proc.status(f'{pid}/task/{thread}')['TracerPid'] != '0'
                   for pid in self.pids for thread in proc.thread_names(pid))

    def __enter__(self):
        words = ['strace', '-f', '-ttt', '-yy', '-qq', '-s', '2000', '-e', f'trace={self.names}',
                 '-e', 'signal=none', '-o', str(self.path)]
        for pid in self.pids:
            words += ['-p', str(pid)]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 10
        while not self.attached():
            if self.process.poll() is not None:
                pytest.skip(f'strace may not attach here: {self.process.stderr.read().strip()}')
            assert time.monotonic() < end, 'strace does not attach'
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        time.sleep(0.2)  # the call that brought the last answer may still have to return
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        self.calls = parse(self.path.read_text(errors='replace').splitlines())
