"""The page of metrics of a running server, read as Prometheus would."""
import http.client
import os
import re
import signal
import socket
import time
import urllib.error
import urllib.request

import imaplib
import pytest

from roost_server import free_port

TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(rf'({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\d+)')
SUFFIX = {'gauge': '', 'counter': '_total', 'info': '_info'}


def parse(text):
    """{(name, sorted labels): value}; asserts what the format demands (OpenMetrics 1.0)."""
    assert text.endswith('\n# EOF\n') and text.count('# EOF') == 1
    families, found, family = {}, {}, None
    for line in text.split('\n')[:-2]:
        if line.startswith('# '):
            _, word, name, rest = line.split(' ', 3)
            if name != family:
                assert name not in families, f'{name} comes in two pieces'
                family = name
                families[family] = {}
            assert word in ('TYPE', 'UNIT', 'HELP') and word not in families[family], line
            families[family][word] = rest
            if word == 'UNIT':
                assert name.endswith('_' + rest), line
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert match[1] == family + SUFFIX[families[family]['TYPE']], line
        labels = re.findall(LABEL, match[2] or '')
        key = match[1], tuple(sorted(labels))
        assert len(dict(labels)) == len(labels) and key not in found, line
        found[key] = int(match[7])
    assert all({'TYPE', 'HELP'} <= set(about) for about in families.values())
    return found


class Page:
    def __init__(self, server, port):
        self.server, self.port = server, port

    def get(self):
        with urllib.request.urlopen(f'http://127.0.0.1:{self.port}/metrics', timeout=5) as answer:
            assert answer.headers['Content-Type'] == TYPE
            self.samples = parse(answer.read().decode())
        return self

    def sum(self, name, **labels):
        """Over all processes; None when there is no such series."""
        wanted = set(labels.items())
        values = [value for (sample, have), value in self.samples.items()
                  if sample == name and wanted <= set(have)]
        return sum(values) if values else None

    def wait(self, name, value, **labels):
        end = time.monotonic() + 5
        while self.get().sum(name, **labels) != value:
            assert time.monotonic() < end, (name, labels, self.sum(name, **labels))
            time.sleep(0.05)


@pytest.fixture
def page(make_server):
    port = free_port()
    return Page(make_server({'metrics.listen': f'127.0.0.1:{port}'}), port).get()


def test_processes(page):
    roles = page.server.roles()
    for role, pids in roles.items():
        assert page.sum('roost_up', role=role) == len(pids)
        assert page.sum('roost_restarts_total', role=role) == 0
    assert page.sum('roost_up', role='supervisor') == 1
    assert page.sum('roost_build_info') == 1
    assert abs(page.sum('roost_start_time_seconds') - time.time()) < 60


def test_counters_move(page):
    server = page.server
    assert page.sum('roost_logins_total', mechanism='PLAIN', result='ok') == 0
    assert page.sum('roost_deliveries_total', result='ok') == 0
    synced = page.sum('roost_log_syncs_total')
    connections = page.sum('roost_gate_connections_accepted_total', service='imap', tls='no')
    assert server.deliver('ann@example.org', b'Subject: x\r\n\r\nx\r\n') == {}
    plain = server.imap('ann')
    secret = server.imaps('bob')
    with pytest.raises(imaplib.IMAP4.error):
        server.imap('ann', 'wrong')
    page.get()
    assert page.sum('roost_deliveries_total', result='ok') == 1
    assert page.sum('roost_deliveries_total') == 1
    assert page.sum('roost_logins_total', mechanism='PLAIN', result='ok') == 2
    assert page.sum('roost_logins_total', mechanism='PLAIN', result='denied') == 1
    assert page.sum('roost_imap_sessions', tls='no') == 1
    assert page.sum('roost_imap_sessions', tls='yes') == 1
    assert page.sum('roost_imap_sessions_begun_total') == 2
    assert page.sum('roost_accounts_open') == page.sum('roost_accounts_opened_total') == 2
    assert page.sum('roost_gate_connections_accepted_total', service='lmtp') == 1
    assert page.sum('roost_gate_connections_accepted_total', service='imap', tls='yes') == 1
    assert page.sum('roost_gate_connections_accepted_total', service='imap', tls='no') == \
        connections + 2
    assert page.sum('roost_tls_handshakes_total', result='ok') == 1
    assert page.sum('roost_tls_connections') == 1
    assert page.sum('roost_log_syncs_total') > synced
    assert page.sum('roost_log_appended_bytes_total') > 100
    assert page.sum('roost_account_failures_total') == 0
    plain.logout()
    secret.logout()
    page.wait('roost_imap_sessions', 0)
    page.wait('roost_tls_connections', 0)
    page.wait('roost_gate_connections', 0)


def test_a_process_that_hangs_is_left_out(page):
    pid = page.server.roles()['auth'][0]
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        page.get()
        assert time.monotonic() - begun < 3
        assert page.sum('roost_up', role='auth') == 0
        assert page.sum('roost_logins_total') is None
        assert page.sum('roost_up', role='mail') == 2
    finally:
        os.kill(pid, signal.SIGCONT)
    page.wait('roost_up', 1, role='auth')
    assert page.sum('roost_logins_total') == 0


def test_a_process_that_was_killed_is_counted(page):
    os.kill(page.server.roles()['tls'][0], signal.SIGKILL)
    page.wait('roost_restarts_total', 1, role='tls')
    page.wait('roost_up', len(page.server.roles()['tls']), role='tls')


def test_all_else_is_refused(page):
    for method, path in ('GET', '/'), ('GET', '/metrics/x'), ('POST', '/metrics'):
        connection = http.client.HTTPConnection('127.0.0.1', page.port, timeout=5)
        connection.request(method, path)
        assert connection.getresponse().status == 404
        connection.close()
    with socket.create_connection(('127.0.0.1', page.port), 5) as raw:
        raw.sendall(b'\x16\x03\x01\x02\x00\n')
        assert raw.makefile('rb').read().startswith(b'HTTP/1.1 400 ')
    with socket.create_connection(('127.0.0.1', page.port), 5) as raw:
        raw.sendall(b'GET /metrics HTTP/1.1\r\n' + b'A: ' + b'a' * 9000)
        assert raw.makefile('rb').read().startswith(b'HTTP/1.1 400 ')


def test_who_says_nothing_is_disconnected(page):
    with socket.create_connection(('127.0.0.1', page.port), 15) as raw:
        raw.sendall(b'GET /metrics HTTP/1.1\r\n')
        assert raw.recv(1) == b''
    page.get()




def test_it_is_off_by_default(server):
    shown = server.run('config', '--short', 'metrics').stdout.decode()
    assert re.match(r'metrics\.listen =\s*(#|$)', shown), shown
    assert b'ok' in server.run('check').stdout
