"""The load generator of the benchmarks (bench/load) against a server: it takes right answers, and
refuses wrong ones: other bytes, a hit that is missing, a message too few, a command that fails."""
import json
import subprocess
import time

import pytest

from roost_server import PASSWORD, ROOT

LOAD = ROOT / 'build' / 'bench' / 'load' / 'load'
MESSAGES = 200
PLANTED = 90  # has the word that SEARCH BODY looks for: mail_is_planted


def load(server, workload, **more):
    """What it printed; its exit status must agree."""
    values = {'port': server.imap_port, 'user': 'user', 'password': PASSWORD, 'messages': MESSAGES,
              'operations': 1, 'size': 2000, 'block': 50}
    values.update(more)
    tls = ['--tls'] if values.pop('tls', False) else []
    if tls:
        values['port'] = server.imaps_port
    if workload == 'lmtp':
        values['port'] = server.lmtp_port
    options = [word for name, value in values.items() for word in (f'--{name}', str(value))]
    done = subprocess.run([LOAD, workload, *options, *tls], capture_output=True, timeout=120)
    answer = json.loads(done.stdout)
    assert (done.returncode == 0) == (answer['errors'] == 0) == (answer['error'] == ''), answer
    return answer


def good(server, workload, operations=2, **more):
    answer = load(server, workload, operations=operations, **more)
    assert answer['errors'] == 0 and answer['operations'] == operations, answer
    assert answer['rate'] > 0 and answer['p99_ms'] >= answer['p50_ms'] > 0
    return answer


def bad(server, workload, why, **more):
    answer = load(server, workload, **more)
    assert answer['errors'] > 0 and why in answer['error'], answer


@pytest.fixture
def filled(make_server):
    server = make_server(accounts=('user0', 'user1'))
    answer = good(server, 'fill', MESSAGES // 100)
    assert answer['items'] == MESSAGES
    return server


def test_every_workload_is_accepted(filled):
    known = subprocess.run([LOAD, 'list'], capture_output=True, check=True).stdout.decode().split()
    with filled.imap('user0') as client:
        can = client.capability()[1][0].decode().split()
    leave = {'append', 'fill', 'fill-each', 'lmtp', 'hear'}  # they add to what others count
    leave |= {name for name, word in (('sort', 'SORT'), ('thread', 'THREAD=REFERENCES'))
              if word not in can}
    for workload in known:
        if workload not in leave | {'mix'}:
            good(filled, workload)
    # Copies of copies, behind each other, look as they should.
    good(filled, 'copy-all', 3)
    good(filled, 'fetch-bodies', mailbox='Million', messages=5 * MESSAGES, period=MESSAGES)
    good(filled, 'search-body', mailbox='Million', messages=5 * MESSAGES, period=MESSAGES)
    good(filled, 'search-id', mailbox='Million', messages=5 * MESSAGES, period=MESSAGES)
    assert good(filled, 'fetch-bodies', 3, tls=True)['items'] == 3 * MESSAGES
    good(filled, 'login', 40, connections=16, tls=True)
    answer = good(filled, 'mix', 500, connections=5)
    assert 0 < answer['added'] < 100
    good(filled, 'append', 10, connections=4, accounts=2)
    assert good(filled, 'lmtp', 10, connections=4, accounts=2, recipients=2)['items'] == 20
    with filled.imap('user1') as client:
        # Every other connection's appends, and one recipient of each delivery.
        assert int(client.select('INBOX')[1][0]) > 10


def test_all_hear_of_news(filled):
    for secure in (False, True):
        answer = good(filled, 'hear', 5, connections=11, tls=secure)
        assert answer['added'] == 5 and answer['heard_ms'] >= answer['beside_ms'] >= 0


def test_every_mailbox_is_filled_alike(make_server):
    server = make_server(accounts=('user0', 'user1', 'user2'))
    assert good(server, 'fill-each', 6, connections=3, accounts=3)['added'] == 600
    good(server, 'mix', 300, connections=6, accounts=3)


def test_it_goes_on_for_a_time_or_until_it_is_told(filled):
    answer = load(filled, 'select', operations=2, least_ms=300)
    assert answer['errors'] == 0 and answer['operations'] > 2 and answer['seconds'] >= 0.3
    with subprocess.Popen([LOAD, 'noop', '--port', str(filled.imap_port), '--password', PASSWORD,
                           '--until_told'], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as told:
        assert told.stdout.readline() == b'ready\n'
        time.sleep(0.2)
        told.stdin.close()
        answer = json.loads(told.stdout.read())
    assert answer['errors'] == 0 and 10 < answer['operations'] < 1000


def test_wrong_bytes_are_no_figure(filled):
    bad(filled, 'fetch-bodies', 'not the bytes of this message', seed=2)
    bad(filled, 'fetch-list', 'not the Message-ID', seed=2)


def test_a_missing_hit_is_no_figure(filled):
    with filled.imap('user0') as client:
        client.select('INBOX')
        client.store(str(PLANTED), '+FLAGS', r'(\Deleted)')
        client.expunge()
    bad(filled, 'search-body', '2 SEARCH instead of 3')
    bad(filled, 'select', 'EXISTS instead of')
    bad(filled, 'fetch-flags', 'refused: t3 BAD')


def test_what_was_not_done_is_no_figure(filled):
    with filled.imap('user0') as client:
        client.select('INBOX')
        client.store('150', '+FLAGS', r'(\Draft)')
    bad(filled, 'store-silent', '51 SEARCH instead of 50')


def test_what_is_refused_is_no_figure(filled):
    bad(filled, 'append', 'refused', password='wrong')
    bad(filled, 'lmtp', 'a delivery was refused', user='nobody')
    filled.stop()
    bad(filled, 'select', 'nobody listens')
