"""The servers that are compared, each with a mailbox of the messages."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ('test/e2e', 'bench'):
    sys.path.insert(0, str(ROOT / folder))

import cyrus  # noqa: E402
import dovecot  # noqa: E402
import imap_value  # noqa: E402
import roost_server  # noqa: E402
from wire import Closed, Wire  # noqa: E402

PASSWORD = 'differential'
ACCOUNTS = ['ann', 'bob']  # one for the messages, one for the dialogues
# Searches as strict as the RFC wants them: marks count, and so does white space.
CYRUS_SETTINGS = 'search_skipdiacrit: no\nsearch_whitespace: keep\n'


class Roost:
    name = 'roost'

    def __init__(self):
        self.server = roost_server.Server({'log.level': 'warning', 'mail.message_bytes_max': '64M'})
        for account in ACCOUNTS:
            self.server.add_account(account, PASSWORD)
        self.server.start()
        self.imap_port = self.server.imap_port

    def close(self):
        self.server.close()


def peers_of(choice):
    if choice in ('dovecot', 'both'):
        yield dovecot.Dovecot(ACCOUNTS, PASSWORD).start()
    if choice in ('cyrus', 'both'):
        yield cyrus.Cyrus(ACCOUNTS, PASSWORD, CYRUS_SETTINGS).start()


class Side:
    """One server with a mailbox of the messages; `uids` of those it took and kept as they are."""

    def __init__(self, server):
        self.server, self.name, self.uids = server, server.name, {}
        self.refused, self.changed = [], []
        self.log_in()

    def log_in(self):
        self.wire = self.session('ann')

    def session(self, account):
        wire = Wire(self.server.imap_port, timeout=120)
        wire.ok(f'LOGIN {account} {PASSWORD}')
        return wire

    def append(self, texts):
        for name, text in texts.items():
            status, answer, _ = self.wire.ask('APPEND INBOX %', text)
            if status != 'OK':
                self.refused.append(name)
                continue
            uid = answer.partition(b'APPENDUID ')[2].partition(b']')[0].split()[1]
            self.uids[name] = int(uid)
        self.wire.ok('EXAMINE INBOX')

    def ask(self, command, *literals):
        """(status, untagged lines); BYE where the server ends the connection: it is opened anew."""
        try:
            status, _, lines = self.wire.ask(command, *literals)
            return status, lines
        except Closed:
            self.log_in()
            self.wire.ok('EXAMINE INBOX')
            return 'BYE', []

    def fetch(self, name, items):
        """{item: value}; the status instead of the value of an item that ends the command."""
        status, lines = self.ask(f'UID FETCH {self.uids[name]} ({" ".join(items)})')
        if status != 'OK' and len(items) > 1:
            return {key: value for item in items for key, value in self.fetch(name, [item]).items()}
        found = imap_value.fetched(lines)
        values = next(iter(found.values())) if found else {}
        values.pop('UID', None)
        return values if status == 'OK' else {items[0].replace('.PEEK', ''): status}

    def search(self, keys, literal):
        literals = () if literal is None else (literal,)
        status, lines = self.ask(f'UID SEARCH {keys}', *literals)
        if status != 'OK':
            return status
        uids = imap_value.searched(lines)
        return {name for name, uid in self.uids.items() if uid in uids}

    def close(self):
        self.wire.close()
        self.server.close()
