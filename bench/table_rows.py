"""The rows of the table, in the order in which they run: each works on what those before left.

`reader0` has --messages messages of its own, and ten times as many in Copies, which are copies of
them behind each other: filled so, all servers can be asked about 100,000 in the time there is.
"""
import dataclasses

from table_goals import Goal

APPEND_ACCOUNTS = 32
BLOCK_MAX = 10000
RECIPIENTS = 10
COPIES = 10
MIXERS, MIXED_MESSAGES = 20, 200
NEAR = 8  # accounts of which one is on the shard of reader0, but for one time in 256
LEAST_MS = 500  # where a row takes more operations than it needs, so that fast servers are measured
ALL = ('roost', 'dovecot-sdbox', 'dovecot-maildir', 'cyrus')
ROOST, STRICT = 'roost', 'roost-strict'


def block(messages):
    """What a command of many is about, and copies are made of."""
    return min(messages, BLOCK_MAX)


@dataclasses.dataclass(frozen=True)
class Row:
    title: str
    workload: str  # of the load generator
    figure: str  # of its answer: table_goals.FIGURES
    user: str  # accounts are this with 0, 1 ... behind it
    least: int = 1  # operations ...
    part: float = 0  # ... or that part of --messages, if it is more
    least_ms: int = 0
    connections: int = 1
    accounts: int = 1
    recipients: int = 1
    mailbox: str = 'INBOX'
    times: float = 1  # messages in it, in --messages
    messages: int = 0  # in it, where --messages has no part in it
    tls: bool = False
    floor: str = ''  # which figure of bench/load/floor.c it stands beside ...
    floor_figure: str = ''  # ... where that is another one than `figure`
    adds_to: str = ''  # the mailbox that must have grown by what was added
    servers: tuple = ALL
    subject: str = ROOST  # whose figure is held against the goal
    peers_row: str = ''  # the title of the row that has the others' figures, where it is not this
    needs: str = ''  # a capability
    measure: str = 'load'  # table_measure.MEASURES
    goal: Goal = None
    rounds_max: int = 1000

    def operations(self, messages):
        return max(self.least, round(messages * self.part))

    def size_of(self, messages):
        """Messages in the mailbox that it works on."""
        if self.times > 1:
            messages = block(messages)
        return self.messages or round(self.times * messages)


def reading(title, workload, figure, least, **more):
    return Row(title, workload, figure, 'reader', least, **more)


def in_copies(title, workload, figure, least, **more):
    """At 100,000 messages, when --messages is 10,000."""
    return reading(title, workload, figure, least, mailbox='Copies', times=COPIES, **more)


def strict(title, workload, figure, least, **more):
    """For Roost that syncs flags before it answers, as Dovecot does here with all it is asked."""
    return reading(title + ', strict', workload, figure, least, subject=STRICT,
                   servers=(STRICT,), peers_row=title, **more)


# Before anything else has left memory behind that they could use.
IDLE = (
    Row('memory of a session in IDLE', 'idle', 'memory_kb', 'user', connections=100,
        accounts=APPEND_ACCOUNTS, measure='memory', rounds_max=1, goal=Goal(at_most=5)),
    Row('memory of a session in IDLE, TLS', 'idle', 'memory_kb', 'user', connections=100,
        accounts=APPEND_ACCOUNTS, tls=True, measure='memory', rounds_max=1,
        goal=Goal(at_most=30)),
)

ADDING = (
    Row('APPEND, 1 connection', 'append', 'rate', 'single', 50, least_ms=LEAST_MS,
        floor='appends_1', adds_to='INBOX', goal=Goal(share=0.8)),
    Row('APPEND, 32 connections, one mailbox', 'append', 'rate', 'shared', 64,
        least_ms=LEAST_MS, connections=32, adds_to='INBOX', goal=Goal(ratio=8)),
    Row('APPEND, 32 connections, 32 accounts', 'append', 'rate', 'user', 64,
        least_ms=LEAST_MS, connections=32, accounts=APPEND_ACCOUNTS, floor='appends_32',
        adds_to='INBOX', goal=Goal(share=0.6)),
    Row('LMTP, 1 connection', 'lmtp', 'rate', 'user', 50, least_ms=LEAST_MS,
        accounts=APPEND_ACCOUNTS, floor='appends_1', adds_to='INBOX', goal=Goal(share=0.6)),
    Row('LMTP, 8 connections', 'lmtp', 'rate', 'user', 64, least_ms=LEAST_MS, connections=8,
        accounts=APPEND_ACCOUNTS, adds_to='INBOX', goal=Goal(ratio=4)),
    Row('LMTP, 10 recipients, deliveries', 'lmtp', 'items_rate', 'user', 10, least_ms=LEAST_MS,
        accounts=APPEND_ACCOUNTS, recipients=RECIPIENTS, adds_to='INBOX', goal=Goal(ratio=5)),
    Row('fill, MULTIAPPEND of 100, messages', 'fill', 'items_rate', 'reader', part=0.01,
        floor='write_bytes', floor_figure='bytes_rate', adds_to='INBOX', servers=(*ALL, STRICT),
        goal=Goal(ratio=10, share=0.7)),
    Row('fill, another mailbox, messages', 'fill', 'items_rate', 'fresh', part=0.002,
        adds_to='INBOX'),
    Row('fill, 20 mailboxes, messages', 'fill-each', 'items_rate', 'mixer',
        MIXERS * MIXED_MESSAGES // 100, connections=MIXERS, accounts=MIXERS, adds_to='INBOX'),
)

READING = (
    reading('FETCH envelopes and structures, first time', 'fetch-list', 'p50_ms', 1,
            goal=Goal(ratio=5)),
    Row('FETCH header fields, first time', 'fetch-headers', 'p50_ms', 'fresh', times=0.2,
        goal=Goal(ratio=4)),
    reading('FETCH BODY.PEEK[]', 'fetch-bodies', 'bytes_rate', 2, floor='socket_bytes',
            goal=Goal(share=0.5)),
    reading('FETCH BODY.PEEK[], TLS', 'fetch-bodies', 'bytes_rate', 2, tls=True,
            floor='tls_bytes', goal=Goal(share=0.75)),
    reading('SEARCH BODY', 'search-body', 'p50_ms', 1, goal=Goal(ratio=10)),
    reading('SEARCH TEXT', 'search-text', 'p50_ms', 1, goal=Goal(ratio=10)),
    reading('THREAD REFERENCES', 'thread', 'p50_ms', 5, needs='THREAD=REFERENCES',
            goal=Goal(ratio=5)),
)

CHANGING = (
    reading('STORE one message', 'store-one', 'rate', 200, least_ms=LEAST_MS,
            goal=Goal(ratio=2)),
    strict('STORE one message', 'store-one', 'rate', 200, least_ms=LEAST_MS,
           floor='appends_1', goal=Goal(share=1.0)),
    reading('STORE a block, .SILENT', 'store-silent', 'p50_ms', 6, goal=Goal(at_most=1)),
    strict('STORE a block, .SILENT', 'store-silent', 'p50_ms', 6),
    reading('STORE a block, with answers', 'store-block', 'p50_ms', 6, goal=Goal(at_most=3)),
    strict('STORE a block, with answers', 'store-block', 'p50_ms', 6),
    reading('COPY of a block, messages', 'copy', 'items_rate', COPIES, adds_to='Copies',
            goal=Goal(ratio=20)),
    reading('MOVE of a block, messages', 'move', 'items_rate', 2, adds_to='Moved',
            goal=Goal(ratio=20)),
    reading('EXPUNGE of a block, messages', 'expunge', 'items_rate', 2, goal=Goal(ratio=20)),
)

AT_100000 = (
    in_copies('SELECT', 'select', 'p50_ms', 20, goal=Goal(at_most=0.1)),
    in_copies('FETCH envelopes and structures', 'fetch-list', 'p50_ms', 3, goal=Goal(ratio=5)),
    in_copies('FETCH header fields', 'fetch-headers', 'p50_ms', 3, goal=Goal(ratio=4)),
    in_copies('FETCH 1:* FLAGS', 'fetch-flags', 'p50_ms', 5, goal=Goal(ratio=5)),
    in_copies('SEARCH flags', 'search-flags', 'p50_ms', 20, goal=Goal(at_most=1)),
    in_copies('SEARCH dates', 'search-date', 'p50_ms', 5, goal=Goal(at_most=1)),
    in_copies('SEARCH sizes', 'search-size', 'p50_ms', 5, goal=Goal(at_most=1)),
    in_copies('SEARCH From', 'search-from', 'p50_ms', 3, goal=Goal(at_most=15)),
    in_copies('SEARCH Subject', 'search-subject', 'p50_ms', 3, goal=Goal(at_most=15)),
    in_copies('SEARCH Message-ID', 'search-id', 'p50_ms', 3, goal=Goal(at_most=15)),
    in_copies('SORT by Date', 'sort', 'p50_ms', 5, needs='SORT', goal=Goal(ratio=5)),
)

# The goals of these are Roost's own: one filled by COPY to 1,000,000 in a second, and the shard.
OF_ROOST = (
    in_copies('COPY of the copies, messages', 'copy-all', 'items_rate', COPIES,
              adds_to='Million', servers=(ROOST,)),
    reading('SELECT, ten times as many', 'select', 'p50_ms', 50, mailbox='Million',
            times=COPIES * COPIES, servers=(ROOST,), goal=Goal(at_most=0.1)),
    in_copies('NOOP of another on the shard while one reads all, p99', 'fetch-bodies', 'p99_ms',
              3, servers=(ROOST,), measure='noop_beside', goal=Goal(at_most=5)),
    in_copies('NOOP of another on the shard while one searches, p99', 'search-body', 'p99_ms', 1,
              servers=(ROOST,), measure='noop_beside', goal=Goal(at_most=5)),
)

MANY = (
    reading('login, SELECT, LOGOUT, 16 connections', 'login', 'rate', 100, least_ms=LEAST_MS,
            connections=16, goal=Goal(ratio=5)),
    reading('login, SELECT, LOGOUT, 16 connections, TLS', 'login', 'rate', 100,
            least_ms=LEAST_MS, connections=16, tls=True, goal=Goal(ratio=2)),
    Row('mixed, 20 users', 'mix', 'rate', 'mixer', 400, least_ms=2 * LEAST_MS,
        connections=MIXERS, accounts=MIXERS, messages=MIXED_MESSAGES, adds_to='INBOX',
        goal=Goal(ratio=4)),
    Row('mixed, 20 sessions in one mailbox', 'mix', 'rate', 'reader', 400,
        least_ms=2 * LEAST_MS, connections=MIXERS, adds_to='INBOX', goal=Goal(ratio=4)),
    Row('APPEND to EXISTS in 10 idle sessions', 'hear', 'heard_ms', 'single', 6, connections=11,
        adds_to='INBOX'),
    Row('  the same, beside the APPEND itself', 'hear', 'beside_ms', 'single', 20,
        connections=11, adds_to='INBOX', servers=(ROOST,), goal=Goal(at_most=1)),
    Row('the last of 1,000 idle sessions hears', 'hear', 'p50_ms', 'single', 20,
        connections=1001, adds_to='INBOX', servers=(ROOST,), goal=Goal(at_most=10)),
    Row('the last of 1,000 idle sessions hears, TLS', 'hear', 'p50_ms', 'single', 20,
        connections=1001, tls=True, adds_to='INBOX', servers=(ROOST,), goal=Goal(at_most=40)),
)

ROWS = IDLE + ADDING + READING + CHANGING + AT_100000 + OF_ROOST + MANY


def chosen(words):
    """Rows with one of these in their title, and those that they work on."""
    if not words:
        return list(ROWS)
    rows = [row for row in ROWS if any(word in row.title for word in words)]
    before = {('reader', 'INBOX'): 'fill, MULTIAPPEND', ('fresh', 'INBOX'): 'fill, another',
              ('mixer', 'INBOX'): 'fill, 20', ('reader', 'Copies'): 'COPY of a block',
              ('reader', 'Million'): 'COPY of the copies'}
    while True:
        titles = {before.get((row.user, row.mailbox)) for row in rows} - {None}
        more = [row for row in ROWS if row not in rows and row.title.startswith(tuple(titles))]
        if not more:
            return [row for row in ROWS if row in rows]
        rows += more


def account_names(server):
    """Every account that a row of that server works for."""
    names = {f'{row.user}{i}' for row in ROWS if server in row.servers
             for i in range(row.accounts)}
    if server == ROOST:
        names |= {near_user(i) + '0' for i in range(NEAR)}
    return sorted(names)


def near_user(number):
    """Of the accounts that may be on the shard of reader0, as the generator names them."""
    return f'near{number}x'
