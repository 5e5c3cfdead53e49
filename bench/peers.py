"""The servers that the table compares: Roost and the others, each with accounts user0, user1 ...

Each has imap_port, imaps_port, lmtp_port, pids(), version(), settings() and close().
"""
import concurrent.futures
import imaplib
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'test' / 'e2e'))

import cyrus  # noqa: E402
import dovecot  # noqa: E402
import roost_server  # noqa: E402

PASSWORD = 'benchmark'
PEERS = ('dovecot-sdbox', 'dovecot-maildir', 'cyrus')
NAMES = ('roost', 'roost-strict', *PEERS)
CONNECTIONS_MAX = 3000
ROOST_SETTINGS = {
    'gate.connections_max': str(CONNECTIONS_MAX),
    'gate.connections_per_address_max': str(CONNECTIONS_MAX),
    'mail.sessions_per_account_max': str(CONNECTIONS_MAX),
    'log.level': 'warning',
}
# Rows deliver the same messages again, to be kept as the others keep them.
CYRUS_SETTINGS = 'duplicatesuppression: no\n'


class Roost:
    """`roost-strict` syncs flags before it answers, as it always does with all other changes."""

    def __init__(self, name, accounts):
        self.name = name
        strict = {'mail.durability': 'strict'} if name == 'roost-strict' else {}
        self.server = roost_server.Server({**ROOST_SETTINGS, **strict}).start()
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda name: self.server.add_account(name, PASSWORD), accounts))
        self.imap_port, self.imaps_port = self.server.imap_port, self.server.imaps_port
        self.lmtp_port, self.folder = self.server.lmtp_port, self.server.folder

    def pids(self):
        return dovecot.children_of(self.server.process.pid)

    def version(self):
        return self.server.run('version').stdout.decode().split('\n')[0]

    def settings(self):
        return '\n'.join(f'{key} = {value}' for key, value in self.server.settings.items())

    def shard_of(self, account):
        text = self.server.run('account', 'show', account).stdout.decode()
        identity = bytes.fromhex(re.search(r'^id +([0-9a-f]{32})$', text, re.M).group(1))
        return int.from_bytes(identity[:8], 'little') % int(self.server.settings['mail.shards'])

    def close(self):
        self.server.close()


def start(name, accounts):
    """The server of that name, new and empty, with these accounts."""
    if name not in PEERS:
        return Roost(name, accounts)
    if name == 'cyrus':
        return cyrus.Cyrus(accounts, PASSWORD, CYRUS_SETTINGS).start()
    server = dovecot.Dovecot(accounts, PASSWORD, name.partition('-')[2])
    server.name = name
    return server.start()


def missing(name):
    """Why that server cannot be started here; empty when it can."""
    if name not in PEERS:
        return ''
    if os.geteuid() != 0:
        return 'it must be started as root'
    if name == 'cyrus':
        return '' if cyrus.unpack() is not None else 'its packages cannot be had'
    return '' if dovecot.is_installed() else 'it is not installed'


def count(server, account, mailbox='INBOX'):
    """Messages in a mailbox, as the server tells a new session."""
    with imaplib.IMAP4('127.0.0.1', server.imap_port, 60) as client:
        client.login(account, PASSWORD)
        kind, answer = client.status(mailbox, '(MESSAGES)')
        if kind != 'OK':
            raise RuntimeError(f'{server.name}: STATUS {mailbox}: {answer}')
        return int(answer[0].rsplit(b'MESSAGES ', 1)[1].split(b')')[0])


def capabilities(server, account):
    """Of a session that has logged in."""
    with imaplib.IMAP4('127.0.0.1', server.imap_port, 60) as client:
        client.login(account, PASSWORD)
        return set(client.capability()[1][0].decode().upper().split())


def process_cpu_s(process, words):
    """Processor time of /proc/PID: to the nanosecond for threads that live, in steps of 10 ms for
    those, and for children, that have ended."""
    tick = os.sysconf('SC_CLK_TCK')
    lives = 0.0
    for thread in (process / 'task').iterdir():
        try:
            lives += int((thread / 'schedstat').read_text().split()[0]) / 1e9
        except OSError:
            continue
    own = sum(int(word) for word in words[11:13]) / tick
    children = sum(int(word) for word in words[13:15]) / tick
    return (lives if own - lives < 2 / tick else own) + children


class Costs:
    """What the processes of a server have used up to now; two of them tell what an act cost.

    Children that have ended count in their parents."""

    def __init__(self, server):
        self.cpu_s, self.written_bytes = 0.0, 0
        for pid in server.pids():
            process = pathlib.Path('/proc', str(pid))
            try:
                words = (process / 'stat').read_text().rsplit(')', 1)[1].split()
                text = (process / 'io').read_text()
                self.cpu_s += process_cpu_s(process, words)
            except OSError:
                continue  # it has ended meanwhile
            lines = dict(line.split(': ') for line in text.splitlines())
            self.written_bytes += int(lines['write_bytes'])

    def since(self, before, operations):
        """{figure: for one operation}"""
        operations = max(operations, 1)
        return {
            'cpu_us': (self.cpu_s - before.cpu_s) * 1e6 / operations,
            'written_bytes': (self.written_bytes - before.written_bytes) / operations,
        }
