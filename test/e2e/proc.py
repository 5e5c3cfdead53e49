"""What /proc tells of a process: its flags, its threads, its descriptors and what they are."""
import os
import pathlib
import time

UNIX_TYPES = {1: 'stream', 2: 'datagram', 5: 'channel'}
UNIX_LISTENS = 0x10000  # __SO_ACCEPTCON
TCP_LISTENS = 0x0A


def status(pid):
    """The lines of /proc/PID/status as {name: value}."""
    lines = pathlib.Path(f'/proc/{pid}/status').read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(':') for line in lines)}


def name(pid):
    return pathlib.Path(f'/proc/{pid}/comm').read_text().strip()


def thread_names(pid):
    """{thread id: name}"""
    return {int(task.name): (task / 'comm').read_text().strip()
            for task in pathlib.Path(f'/proc/{pid}/task').iterdir()}


def is_alive(pid):
    try:
        return status(pid)['State'][0] not in 'ZX'
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(what, seconds, message):
    """Waits until `what()` is true; answers how long that took."""
    start = time.monotonic()
    while not what():
        assert time.monotonic() - start < seconds, message
        time.sleep(0.005)
    return time.monotonic() - start


def sockets():
    """{inode: 'tcp', 'tcp-listener', 'unix-channel', 'unix-stream', 'unix-stream-listener' ...}"""
    found = {}
    for table in ('tcp', 'tcp6'):
        for line in pathlib.Path('/proc/net', table).read_text().splitlines()[1:]:
            words = line.split()
            found[int(words[9])] = 'tcp-listener' if int(words[3], 16) == TCP_LISTENS else 'tcp'
    for line in pathlib.Path('/proc/net/unix').read_text().splitlines()[1:]:
        words = line.split()
        kind = 'unix-' + UNIX_TYPES.get(int(words[4], 16), words[4])
        found[int(words[6])] = kind + ('-listener' if int(words[3], 16) & UNIX_LISTENS else '')
    return found


def descriptors(pid, known=None):
    """[(number, kind, path)]: kind is that of sockets(), 'eventpoll' and the like, 'memfd',
    'unnamed-file', 'file', 'directory' or 'device'."""
    known = sockets() if known is None else known
    return [(number, *describe(link, target, known)) for number, link, target in links(pid)]


def links(pid):
    for entry in sorted(os.listdir(f'/proc/{pid}/fd'), key=int):
        link = f'/proc/{pid}/fd/{entry}'
        try:
            yield int(entry), link, os.readlink(link)
        except FileNotFoundError:
            pass  # closed meanwhile


def describe(link, target, known):
    if target.startswith('socket:'):
        # One that is in no table is closed by its peer already.
        return known.get(int(target[8:-1]), 'socket'), ''
    if target.startswith('anon_inode:'):
        return target[11:].strip('[]'), ''
    if target.startswith('pipe:'):
        return 'pipe', ''
    if target.startswith('/memfd:'):
        return 'memfd', target
    if target.endswith(' (deleted)'):
        return 'unnamed-file', target.removesuffix(' (deleted)')
    if target.startswith('/dev/'):
        return 'device', target
    return ('directory' if os.path.isdir(link) else 'file'), target
