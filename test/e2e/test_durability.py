"""Acknowledged is durable: what the system calls say about each OK and each 250."""
import re
import threading
import time

import pytest

import strace_log
from roost_server import PASSWORD
from strace_log import Tracer
from wire import Wire

MESSAGE = b'From: a@example.org\r\nSubject: hi\r\n\r\nthere\r\n'
LARGE = MESSAGE + b'0123456789012345678901234567890123456789\r\n' * 25000
FLAGS_SECONDS_MAX = 1.5  # "about a second", and strace is slow
APPENDERS = 32
APPENDS_EACH = 6


# The reader of traces, on traces of our own making: first of all it must be able to say no.

LOG = '7</m/accounts/00/00ff/log/0000000000000004.log>'
CLIENT = '13<TCP:[127.0.0.1:1143->127.0.0.1:44672]>'
WRITE = f'10 1.000 write({LOG}, "body of a1", 10) = 10'
SYNC = f'11 1.010 fdatasync({LOG}) = 0'
SYNC_BEGINS = f'11 1.010 fdatasync({LOG} <unfinished ...>'
SYNC_ENDS = '11 1.030 <... fdatasync resumed>) = 0'
SYNC_FAILS = '11 1.030 <... fdatasync resumed>) = -1 EIO (Input/output error)'
OTHER_SYNC = '11 1.010 fdatasync(8</m/accounts/00/00ff/log/0000000000000005.log>) = 0'
ANSWER = (f'10 1.020 sendmsg({CLIENT}, {{msg_iov=[{{iov_base="a1 OK done\\r\\n", iov_len=12}}]}}, '
          'MSG_DONTWAIT|MSG_NOSIGNAL) = 12')
MADE = ('10 0.900 openat(14</m/accounts/00/00ff>, "log/0000000000000004.log", '
        f'O_RDWR|O_CREAT|O_EXCL, 0600) = {LOG}')
NAMED = '10 0.910 fsync(15</m/accounts/00/00ff/log>) = 0'


@pytest.mark.parametrize('lines, late', [
    ([WRITE, SYNC, ANSWER], 0),
    ([WRITE, SYNC_BEGINS, SYNC_ENDS, ANSWER], 0),
    ([MADE, NAMED, WRITE, SYNC, ANSWER], 0),
    ([WRITE, ANSWER, SYNC], 1),
    ([ANSWER, WRITE, SYNC], None),
    ([WRITE, SYNC_BEGINS, ANSWER, SYNC_ENDS], 1),
    ([SYNC_BEGINS, WRITE, SYNC_ENDS, ANSWER], 1),
    ([SYNC, WRITE, ANSWER], 1),
    ([WRITE, SYNC_BEGINS, SYNC_FAILS, ANSWER], 1),
    ([WRITE, OTHER_SYNC, ANSWER], 1),
    ([WRITE, SYNC_BEGINS, ANSWER], 1),
    ([MADE, WRITE, SYNC, ANSWER, NAMED], 1),
    ([MADE, WRITE, SYNC, ANSWER], 1),
    ([WRITE, ANSWER], 1),
])
def test_the_reader_of_traces_tells_early_answers(lines, late):
    calls = strace_log.parse(lines)
    (answer,) = strace_log.answers(calls, 'a1 OK')
    writes = strace_log.log_writes(calls, before=answer)
    if late is None:
        assert writes == []  # nothing was written for what was acknowledged
    else:
        assert len(strace_log.uncovered(calls, answer, writes)) == late


def assert_covered(calls, text, begun):
    """The answer with `text` left after a sync of all that was written before it, and something was
    written for it after `begun` had come in."""
    found = strace_log.answers(calls, text)
    assert len(found) == 1, f'{text}: sent {len(found)} times'
    asked = [call for call in calls if call.name == 'recvfrom' and begun in call.text]
    assert asked, f'{begun}: never came in'
    own = strace_log.log_writes(calls, before=found[0], after=asked[0])
    assert own, f'{text}: nothing was written for it'
    late = strace_log.uncovered(calls, found[0], strace_log.log_writes(calls, before=found[0]))
    assert late == [], f'{text} left before {late[0].name}({late[0].text[:120]} was durable'


def shards(server):
    return server.roles()['mail']


def wire(server, user='ann', **options):
    connection = Wire(server.imap_port, **options)
    connection.ok(f'LOGIN {user} "{PASSWORD}"')
    return connection


GATED = [
    ('APPEND INBOX %', MESSAGE),
    ('APPEND INBOX (\\Seen) %', LARGE),
    ('CREATE work',),
    ('CREATE work/old',),
    ('COPY 1:3 work',),
    ('MOVE 1 work/old',),
    ('RENAME work/old done',),
    ('RENAME INBOX attic',),
    ('APPEND INBOX %', MESSAGE),
    ('DELETE done',),
    ('STORE 1 +FLAGS.SILENT (\\Deleted)',),
    ('EXPUNGE',),
    ('SELECT work',),
    ('STORE 1:2 +FLAGS.SILENT (\\Deleted)',),
    ('UID EXPUNGE 1',),
    ('UID COPY 2:3 INBOX',),
    ('UID MOVE 3 INBOX',),
]
NOT_GATED = ('STORE', 'SELECT')


def test_no_ok_before_its_log_is_on_the_disk(server):
    connection = wire(server)
    for _ in range(3):
        connection.ok('APPEND INBOX %', MESSAGE)
    connection.ok('SELECT INBOX')
    asked = []
    with Tracer(shards(server), server.folder / 'trace') as tracer:
        for command, *literals in GATED:
            connection.ok(command, *literals)
            if not command.startswith(NOT_GATED):
                asked.append((command, connection.tag))
    for command, tag in asked:
        assert_covered(tracer.calls, f'{tag} OK', f'{tag} ')


def test_the_first_change_of_an_account_is_as_durable(server):
    """The log's own file, and its name, are new then."""
    with Tracer(shards(server), server.folder / 'trace') as tracer:
        connection = wire(server)
        connection.ok('APPEND INBOX %', MESSAGE)
    assert_covered(tracer.calls, f'{connection.tag} OK', f'{connection.tag} ')


@pytest.mark.parametrize('unix', [False, True], ids=['tcp', 'unix'])
def test_no_250_before_every_log_is_on_the_disk(make_server, unix):
    server = make_server({'mail.compression': 'none'})  # to know the messages in what is written
    with Tracer(shards(server) + server.roles()['gate'], server.folder / 'trace') as tracer:
        with server.lmtp(unix) as client:
            for number, message in enumerate((MESSAGE, LARGE)):
                client.ehlo_or_helo_if_needed()
                client.mail('a@example.net')
                for user in ('ann', 'bob'):
                    assert client.rcpt(user)[0] == 250
                assert client.data(message.replace(b'hi', b'mail-%d' % number))[0] == 250
                assert client.getreply()[0] == 250
    for number in range(2):
        marker = f'mail-{number}'
        for user in ('ann', 'bob'):
            answer = strace_log.answers(tracer.calls, f'250 2.0.0 <{user}>')[number]
            assert answer.name in strace_log.SENDS
            mine = strace_log.log_writes(tracer.calls, before=answer, text=f'Delivered-To: {user}')
            assert any(marker in write.text for write in mine), 'nothing was written for it'
            # Of the rest of this account's log as well: its CHANGE is in another write.
            folder = mine[-1].path.rsplit('/', 1)[0]
            writes = [write for write in strace_log.log_writes(tracer.calls, before=answer)
                      if write.path.startswith(folder)]
            assert strace_log.uncovered(tracer.calls, answer, writes) == []


def test_idle_hears_of_nothing_that_a_power_cut_could_take_back(server):
    idler = wire(server, prefix='i')
    idler.ok('SELECT INBOX')
    idler.send('IDLE')
    assert idler.line().startswith(b'+')
    with Tracer(shards(server), server.folder / 'trace') as tracer:
        connection = wire(server, prefix='w')
        for _ in range(5):
            connection.ok('APPEND INBOX %', MESSAGE)
        heard = [idler.line() for _ in range(5)]
    assert any(b'EXISTS' in line for line in heard)
    told = [call for call in strace_log.answers(tracer.calls, ' EXISTS')]
    assert told
    for answer in told:
        writes = strace_log.log_writes(tracer.calls, before=answer)
        # What it tells of is at least all but the last: that one may have been written since.
        number = int(re.search(r'\* (\d+) EXISTS', answer.text)[1])
        bodies = [write for write in writes if 'Subject: hi' in write.text][:number]
        assert len(bodies) == number
        assert strace_log.uncovered(tracer.calls, answer, bodies) == []


def flag_changes(server, count):
    connection = wire(server)
    connection.ok('APPEND INBOX %', MESSAGE)
    connection.ok('SELECT INBOX')
    tags = []
    with Tracer(shards(server), server.folder / 'trace') as tracer:
        for i in range(count):
            connection.ok(f'STORE 1 +FLAGS ($k{i})')
            tags.append(connection.tag)
            time.sleep(0.25)
        time.sleep(FLAGS_SECONDS_MAX)
    return tracer.calls, tags


def test_flags_are_written_at_once_and_on_the_disk_within_a_second(server):
    calls, tags = flag_changes(server, 4)
    early = 0
    for tag in tags:
        (answer,) = strace_log.answers(calls, f'{tag} OK')
        asked = next(call for call in calls if call.name == 'recvfrom' and f'{tag} ' in call.text)
        (write,) = strace_log.log_writes(calls, before=answer, after=asked)
        sync = strace_log.sync_of(calls, write)
        assert sync is not None, f'{tag}: never on the disk'
        assert sync.end_at - write.end_at < FLAGS_SECONDS_MAX
        early += sync.end > answer.begin
    assert early > 0  # nobody was made to wait for it


def test_with_strict_durability_flags_are_on_the_disk_before_the_ok(make_server):
    calls, tags = flag_changes(make_server({'mail.durability': 'strict'}), 3)
    for tag in tags:
        assert_covered(calls, f'{tag} OK', f'{tag} ')


def append_some(server, number, go, failures):
    try:
        connection = wire(server, prefix=f'c{number}n', timeout=60)
        go.wait()
        for i in range(APPENDS_EACH):
            connection.ok('APPEND INBOX %', MESSAGE + f'mark-{number}-{i}.\r\n'.encode())
        connection.close()
    except Exception as error:
        failures.append(f'{number}: {error}')


def test_appends_of_many_connections_share_their_syncs(server):
    wire(server).ok('APPEND INBOX %', MESSAGE)
    failures, go = [], threading.Event()
    threads = [threading.Thread(target=append_some, args=(server, i, go, failures))
               for i in range(APPENDERS)]
    for thread in threads:
        thread.start()
    time.sleep(1)  # all are logged in
    with Tracer(shards(server), server.folder / 'trace') as tracer:
        go.set()
        for thread in threads:
            thread.join()
    assert failures == []
    calls = tracer.calls
    syncs = [call for call in calls if call.name in strace_log.SYNCS and '/log/' in call.path]
    print(f'{APPENDERS * APPENDS_EACH} APPENDs, {len(syncs)} syncs')
    assert 0 < len(syncs) < APPENDERS * APPENDS_EACH / 2
    for number in range(APPENDERS):
        for i in range(APPENDS_EACH):
            tag = f'c{number}n{i + 2} OK'
            found = strace_log.answers(calls, tag)
            assert len(found) == 1, f'{tag}: sent {len(found)} times'
            writes = strace_log.log_writes(calls, before=found[0], text=f'mark-{number}-{i}.')
            assert len(writes) == 1, f'{tag}: {len(writes)} writes for it'
            late = strace_log.uncovered(calls, found[0], writes)
            assert late == [], f'{tag} left before {late[0]} was durable'
