"""The rows of the table, in the order in which they run: each works on what those before left."""
import dataclasses

APPEND_ACCOUNTS = 32
BLOCK_MAX = 10000
RECIPIENTS = 10


@dataclasses.dataclass(frozen=True)
class Row:
    title: str
    workload: str  # of the load generator
    figure: str  # of its answer: rate (operations), items_rate, bytes_rate (a second), p50_ms
    user: str  # accounts are this with 0, 1 ... behind it
    part: float = 0  # operations, as a part of --messages ...
    least: int = 1  # ... but no fewer
    connections: int = 1
    accounts: int = 1
    recipients: int = 1
    tls: bool = False
    floor: str = ''  # which figure of bench/load/floor.c it stands beside
    adds_to: str = ''  # the mailbox that must have grown by the items of it

    def operations(self, messages):
        return max(self.least, self.connections, int(messages * self.part))


def reading(title, workload, figure, least, **more):
    return Row(title, workload, figure, 'reader', least=least, **more)


ROWS = (
    Row('APPEND, 1 connection', 'append', 'rate', 'single', 0.05, 50, floor='appends_1',
        adds_to='INBOX'),
    Row('APPEND, 32 connections, one mailbox', 'append', 'rate', 'shared', 0.2, 64, 32,
        floor='appends_1', adds_to='INBOX'),
    Row('APPEND, 32 connections, 32 accounts', 'append', 'rate', 'user', 0.2, 64, 32,
        APPEND_ACCOUNTS, floor='appends_32', adds_to='INBOX'),
    Row('LMTP, 1 connection', 'lmtp', 'rate', 'user', 0.05, 50, 1, APPEND_ACCOUNTS,
        floor='appends_1', adds_to='INBOX'),
    Row('LMTP, 8 connections', 'lmtp', 'rate', 'user', 0.1, 64, 8, APPEND_ACCOUNTS,
        floor='appends_32', adds_to='INBOX'),
    Row('LMTP, 10 recipients, deliveries', 'lmtp', 'items_rate', 'user', 0.02, 10, 1,
        APPEND_ACCOUNTS, RECIPIENTS, adds_to='INBOX'),
    Row('fill, MULTIAPPEND of 100, messages', 'fill', 'items_rate', 'reader', 0.01,
        adds_to='INBOX'),
    reading('FETCH envelopes and structures, first time', 'fetch-list', 'p50_ms', 1),
    reading('FETCH envelopes and structures', 'fetch-list', 'p50_ms', 3),
    reading('FETCH header fields, after those', 'fetch-headers', 'p50_ms', 3),
    Row('fill, another mailbox, messages', 'fill', 'items_rate', 'fresh', 0.01, adds_to='INBOX'),
    Row('FETCH header fields, first time', 'fetch-headers', 'p50_ms', 'fresh'),
    reading('SELECT', 'select', 'p50_ms', 100),
    reading('FETCH 1:* FLAGS', 'fetch-flags', 'p50_ms', 5),
    reading('FETCH BODY.PEEK[]', 'fetch-bodies', 'bytes_rate', 2, floor='socket_bytes'),
    reading('FETCH BODY.PEEK[], TLS', 'fetch-bodies', 'bytes_rate', 2, tls=True,
            floor='tls_bytes'),
    reading('STORE one message', 'store-one', 'rate', 200, part=0.1),
    reading('STORE a block, .SILENT', 'store-silent', 'p50_ms', 6),
    reading('STORE a block, with answers', 'store-block', 'p50_ms', 6),
    reading('SEARCH flags', 'search-flags', 'p50_ms', 20),
    reading('SEARCH From', 'search-from', 'p50_ms', 3),
    reading('SEARCH Subject', 'search-subject', 'p50_ms', 3),
    reading('SEARCH BODY', 'search-body', 'p50_ms', 1),
    reading('COPY of a block, messages', 'copy', 'items_rate', 2, adds_to='Copies'),
    reading('MOVE of a block, messages', 'move', 'items_rate', 2, adds_to='Moved'),
    reading('EXPUNGE of a block, messages', 'expunge', 'items_rate', 2),
    reading('login, SELECT, LOGOUT, 16 connections', 'login', 'rate', 100, connections=16),
    reading('login, SELECT, LOGOUT, 16 connections, TLS', 'login', 'rate', 100, connections=16,
            tls=True),
)


def account_names():
    """Every account that a row works for."""
    return sorted({f'{row.user}{i}' for row in ROWS for i in range(row.accounts)})
