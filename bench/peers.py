"""The servers that the table compares: Roost and the others, each with accounts user0, user1 ...

Each has imap_port, imaps_port, lmtp_port, pids(), version(), settings() and close().
"""
import imaplib
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'test' / 'e2e'))

import cyrus  # noqa: E402
import dovecot  # noqa: E402
import roost_server  # noqa: E402

PASSWORD = 'benchmark'
NAMES = ('roost', 'dovecot-sdbox', 'dovecot-maildir', 'cyrus')
PEERS = NAMES[1:]
CONNECTIONS_MAX = 1000
ROOST_SETTINGS = {
    'gate.connections_max': str(CONNECTIONS_MAX),
    'gate.connections_per_address_max': str(CONNECTIONS_MAX),
    'mail.sessions_per_account_max': str(CONNECTIONS_MAX),
    'log.level': 'warning',
}
# Rows deliver the same messages again, to be kept as the others keep them.
CYRUS_SETTINGS = 'duplicatesuppression: no\n'


class Roost:
    name = 'roost'

    def __init__(self, accounts):
        self.server = roost_server.Server(ROOST_SETTINGS).start()
        for name in accounts:
            self.server.add_account(name, PASSWORD)
        self.imap_port, self.imaps_port = self.server.imap_port, self.server.imaps_port
        self.lmtp_port, self.folder = self.server.lmtp_port, self.server.folder

    def pids(self):
        return dovecot.children_of(self.server.process.pid)

    def version(self):
        return self.server.run('version').stdout.decode().split('\n')[0]

    def settings(self):
        return ' '.join(f'{key}={value}' for key, value in self.server.settings.items())

    def close(self):
        self.server.close()


def start(name, accounts):
    """The server of that name, new and empty, with these accounts."""
    if name == 'roost':
        return Roost(accounts)
    if name == 'cyrus':
        return cyrus.Cyrus(accounts, PASSWORD, CYRUS_SETTINGS).start()
    server = dovecot.Dovecot(accounts, PASSWORD, name.partition('-')[2])
    server.name = name
    return server.start()


def missing(name):
    """Why that server cannot be started here; empty when it can."""
    if name == 'roost':
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


class Costs:
    """What the processes of a server have used up to now; two of them tell what an act cost.

    Children that have ended count in their parents."""

    def __init__(self, server):
        self.cpu_s, self.written_bytes, self.calls = 0.0, 0, 0
        tick = os.sysconf('SC_CLK_TCK')
        for pid in server.pids():
            process = pathlib.Path('/proc', str(pid))
            try:
                words = (process / 'stat').read_text().rsplit(')', 1)[1].split()
                text = (process / 'io').read_text()
            except OSError:
                continue  # it has ended meanwhile
            lines = dict(line.split(': ') for line in text.splitlines())
            self.cpu_s += sum(int(word) for word in words[11:15]) / tick
            self.written_bytes += int(lines['write_bytes'])
            self.calls += int(lines['syscr']) + int(lines['syscw'])

    def since(self, before, operations):
        """{figure: for one operation}"""
        operations = max(operations, 1)
        return {
            'cpu_us': (self.cpu_s - before.cpu_s) * 1e6 / operations,
            'written_bytes': (self.written_bytes - before.written_bytes) / operations,
            'calls': (self.calls - before.calls) / operations,
        }
