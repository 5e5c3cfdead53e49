"""Every limit on what a client may ask for, set low: at the limit, one past it, and on it goes.

The limits and their settings are those of `roost config imap` and `roost config mail`."""
import pytest

from roost_server import PASSWORD
from wire import Closed, Wire

KB = 1024
LIMITS = {
    'imap.line_bytes_max': 8 * KB,
    'imap.literal_bytes_max': 64 * KB,
    'imap.command_bytes_max': 256 * KB,
    'imap.ranges_max': 1000,
    'imap.fetch_items_max': 20,
    'imap.header_fields_max': 50,
    'imap.search_keys_max': 100,
    'imap.search_depth_max': 8,
    'imap.list_patterns_max': 10,
    'imap.append_messages_max': 100,
    'imap.append_small_bytes_max': KB * KB,
    'imap.bad_commands_max': 5,
    'mail.keywords_max': 10,
    'mail.mailboxes_max': 10,
    'mail.name_bytes_max': 200,
    'mail.name_level_bytes_max': 50,
    'mail.name_levels_max': 5,
    'mail.message_bytes_max': KB * KB,
}


def literal(data):
    return b'{%d+}\r\n' % len(data) + data


def words(text, count):
    return b' '.join(text % i if b'%' in text else text for i in range(count))


def a_line(size):
    return b'NOOP'.ljust(size - len(b'x '))


def a_command(size):
    """Literals and lines of that size together; the CRLF behind each announcement counts."""
    command = b'SEARCH' + (b' SUBJECT ' + literal(b'y' * (60 * KB))) * 4
    rest = size - len(b'x ' + command + b' SUBJECT {10000+}\r\n')
    return command + b' SUBJECT ' + literal(b'y' * rest)


def small_messages(size):
    whole, rest = divmod(size, 64 * KB)
    sizes = [64 * KB] * whole + [rest] * (rest > 0)
    return b'APPEND Archive' + b''.join(b' ' + literal(b'm' * n) for n in sizes)


def a_name(size):
    return b'SUBSCRIBE ' + b'/'.join([b'n' * 49] * 3) + b'/' + b'n' * (size - 150)


LIMIT = 'NO', b'[LIMIT] At most %d '
# Setting, the command at its limit, the answer one past it.
ROWS = [
    ('imap.line_bytes_max', a_line, ('BAD', b'[LIMIT] At most %d bytes in one line')),
    ('imap.literal_bytes_max', lambda n: b'SEARCH SUBJECT ' + literal(b'y' * n),
     ('BAD', b'[TOOBIG] At most %d bytes in one literal')),
    ('imap.command_bytes_max', a_command, ('BAD', b'[TOOBIG] ')),
    ('imap.ranges_max', lambda n: b'UID SEARCH ' + b','.join([b'1'] * n), LIMIT),
    ('imap.fetch_items_max', lambda n: b'FETCH 1 (%s)' % words(b'UID', n), LIMIT),
    ('imap.header_fields_max',
     lambda n: b'FETCH 1 BODY.PEEK[HEADER.FIELDS (%s)]' % words(b'X-%d', n), LIMIT),
    ('imap.search_keys_max', lambda n: b'SEARCH ' + words(b'SEEN', n - 1), LIMIT),
    ('imap.search_depth_max', lambda n: b'SEARCH ' + b'(' * (n - 1) + b'SEEN' + b')' * (n - 1),
     LIMIT),
    ('imap.search_depth_max', lambda n: b'SEARCH ' + b'NOT ' * (n - 1) + b'SEEN', LIMIT),
    ('imap.list_patterns_max', lambda n: b'LIST "" (%s)' % words(b'p%d', n), LIMIT),
    ('imap.append_messages_max', lambda n: b'APPEND Archive' + (b' ' + literal(b'm')) * n, LIMIT),
    ('imap.append_small_bytes_max', small_messages, LIMIT),
    ('mail.message_bytes_max', lambda n: b'APPEND Archive ' + literal(b'm' * n),
     ('NO', b'[TOOBIG] ')),
    ('mail.keywords_max', lambda n: b'STORE 1 FLAGS (%s)' % words(b'k%d', n), LIMIT),
    ('mail.keywords_max',
     lambda n: b'APPEND Trash (%s) ' % words(b'k%d', n) + literal(b'm'), LIMIT),
    ('mail.name_bytes_max', a_name, LIMIT),
    ('mail.name_level_bytes_max', lambda n: b'SUBSCRIBE ' + b'n' * n, LIMIT),
    ('mail.name_levels_max', lambda n: b'SUBSCRIBE ' + b'/'.join([b'n'] * n), LIMIT),
]


def say(wire, data):
    """The answer to a command that is sent byte for byte."""
    wire.tag = 'x'
    wire.socket.sendall(b'x ' + data + b'\r\n')
    return wire.finish()


@pytest.fixture(scope='module')
def limited(tmp_path_factory):
    from roost_server import Server
    server = Server(LIMITS, tmp_path_factory.mktemp('limits'))
    server.add_account('ann')
    server.start()
    yield server
    server.close()


def log_in(server):
    wire = Wire(server.imap_port)
    wire.ok(f'LOGIN ann "{PASSWORD}"')
    return wire


@pytest.fixture
def wire(limited):
    wire = log_in(limited)
    if b'MESSAGES 0' in wire.ok('STATUS INBOX (MESSAGES)')[0]:
        wire.ok('APPEND INBOX %', b'Subject: one\r\n\r\none\r\n')
    wire.ok('SELECT INBOX')
    yield wire
    wire.ok('STORE 1 FLAGS ()')
    wire.socket.close()


@pytest.mark.parametrize('setting, command, past', ROWS)
def test_at_the_limit_and_one_past_it(wire, setting, command, past):
    limit = LIMITS[setting]
    status, wanted = past
    answer = say(wire, command(limit))
    assert answer[0] == 'OK', answer[:2]
    answer = say(wire, command(limit + 1))
    assert answer[0] == status
    assert answer[1].startswith(wanted % limit if b'%d' in wanted else wanted), answer[1]
    assert say(wire, b'NOOP')[0] == 'OK'


def test_keywords_of_a_mailbox(wire):
    """Not in one list but one after the other; those that are there can still be set."""
    most = LIMITS['mail.keywords_max']
    wire.ok('SELECT Drafts')
    wire.ok('APPEND Drafts %', b'm')
    assert any(rb'\*' in line for line in wire.ok('SELECT Drafts'))
    for number in range(most):
        wire.ok(f'STORE 1 +FLAGS (one{number})')
    status, text, _ = wire.ask('STORE 1 +FLAGS (more)')
    assert (status, text) == ('NO', b'[LIMIT] At most %d keywords in one mailbox' % most)
    status, text, _ = wire.ask('APPEND Drafts (more) %', b'm')
    assert (status, text) == ('NO', b'[LIMIT] At most %d keywords in one mailbox' % most)
    # \* is not promised any more (RFC 9051 section 7.1).
    assert not any(rb'\*' in line for line in wire.ok('EXAMINE Drafts') + wire.ok('SELECT Drafts'))
    wire.ok('STORE 1 FLAGS (ONE3)')
    status, text, _ = wire.ask('STORE 1 +FLAGS (' + 'k' * 129 + ')')
    assert (status, text) == ('NO', b'[LIMIT] At most 128 bytes in one keyword')
    wire.ok('SELECT INBOX')


def test_mailboxes_of_an_account(wire):
    most = LIMITS['mail.mailboxes_max']
    there = len(wire.ok('LIST "" *')) - 1
    for number in range(most - there):
        wire.ok(f'CREATE box{number}')
    refusal = 'NO', b'[LIMIT] At most %d mailboxes in one account' % most
    assert wire.ask('CREATE more')[:2] == refusal
    # A missing level above the new name is one more.
    assert wire.ask('RENAME box0 above/box0')[:2] == refusal
    wire.ok('DELETE box0')
    wire.ok('CREATE more')
    for number in range(2 * most):
        status, text, _ = wire.ask(f'SUBSCRIBE sub{number}')
        if status == 'NO':
            break
    assert text == b'[LIMIT] At most %d subscriptions in one account' % (2 * most)


def test_bad_commands_in_a_row(limited):
    most = LIMITS['imap.bad_commands_max']
    wire = log_in(limited)
    for _ in range(3):
        for _ in range(most - 1):
            assert wire.ask('NONSENSE')[0] == 'BAD'
        wire.ok('NOOP')
    # What is only too much is none of them, and what is answered NO neither.
    for _ in range(most):
        assert wire.ask('LIST "" (' + ' '.join('p' * 11) + ')')[0] == 'NO'
        assert wire.ask('SELECT nowhere')[0] == 'NO'
    wire.ok('NOOP')
    wire.socket.sendall(b'GET / HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\nmore\r\n')
    with pytest.raises(Closed):
        while True:
            line = wire.line()
            last = line
    assert last == b'* BYE Too many commands in a row that were not understood'


def test_unauthenticate_can_be_switched_off(make_server):
    """RFC 8437 section 8."""
    for allowed in ('yes', 'no'):
        wire = log_in(make_server({'imap.unauthenticate': allowed}))
        announced = b'UNAUTHENTICATE' in wire.ok('CAPABILITY')[0].split()
        status, text, _ = wire.ask('UNAUTHENTICATE')
        assert announced == (status == 'OK') == (allowed == 'yes')
        if not announced:
            assert text == b'[CANNOT] UNAUTHENTICATE is switched off here'
            wire.ok('SELECT INBOX')
        wire.socket.close()


def pipeline(wire, commands):
    """Sends them all at once, each with a tag, and reads to the end of the last answer."""
    wire.socket.sendall(b''.join(b'y%d %s\r\n' % row for row in enumerate(commands)))
    lines = []
    for number in range(len(commands)):
        while not lines or not lines[-1].startswith(b'y%d ' % number):
            lines.append(wire.line())
    return lines


def test_ten_thousand_mailboxes(make_server):
    """As many as the default allows: one LIST has them all, whatever the pattern."""
    wire = log_in(make_server())
    first = len(wire.ok('LIST "" *')) - 1
    names = [b'box/%05d' % number for number in range(10000 - first - 1)]
    lines = pipeline(wire, [b'CREATE ' + name for name in names])
    assert all(b' OK ' in line for line in lines)
    assert wire.ask('CREATE more')[:2] == ('NO', b'[LIMIT] At most 10000 mailboxes in one account')
    everything = wire.ok('LIST "" *')[:-1]
    assert len(everything) == 10000 and len(set(everything)) == 10000
    assert say(wire, b'LIST "" box/%')[2] == [
        b'* LIST (\\HasNoChildren) "/" ' + name for name in names]
    assert len(say(wire, b'LIST "" %')[2]) == first + 1
    with_status = wire.ok('LIST "" * RETURN (STATUS (MESSAGES))')[:-1]
    assert sum(line.startswith(b'* STATUS') for line in with_status) == 10000
    assert wire.ok('LIST (SUBSCRIBED) "" box/*')[:-1] == []


def test_a_client_that_does_not_read(limited):
    """What it sends is taken only as far as its answers go out; others are served meanwhile."""
    greedy = log_in(limited)
    greedy.socket.settimeout(2)
    sent = 0
    with pytest.raises(OSError):
        while sent < 256 * KB * KB:
            greedy.socket.sendall(b'z NOOP\r\n' * 8192)
            sent += 64 * KB
    assert sent < 64 * KB * KB
    log_in(limited).ok('STATUS INBOX (MESSAGES)')
    greedy.socket.close()
