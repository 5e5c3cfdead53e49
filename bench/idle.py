#!/usr/bin/env python3
"""Many sessions in IDLE: memory for each, how soon all hear of new mail, NOOP of another meanwhile.

    bench/idle.py [--sessions 5000] [--accounts 500] [--server roost|dovecot|both]

Half of the sessions come over TLS. Memory is the proportional set size of all processes of the
server, with the sessions minus without, divided by their number: once for the plain ones, once for
those over TLS. Needs root for Dovecot (it changes users) and a descriptor limit above the number of
sessions.
"""
import argparse
import json
import os
import pathlib
import resource
import selectors
import smtplib
import socket
import ssl
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'test' / 'e2e'))
sys.path.insert(0, str(ROOT / 'bench'))

import dovecot  # noqa: E402
import roost_server  # noqa: E402

PASSWORD = 'benchmark'
SETTLE_SECONDS = 2
HEAR_SECONDS_MAX = 60
MESSAGE = (b'From: a@example.net\r\nTo: b@example.org\r\nSubject: news\r\n'
           b'Message-ID: <%d@example.net>\r\n\r\nhello\r\n')


class Roost:
    """The server under test, with an account for each name."""

    name = 'roost'

    def __init__(self, accounts, sessions):
        self.server = roost_server.Server({
            'gate.connections_max': str(sessions + 100),
            'gate.connections_per_address_max': str(sessions + 100),
            'mail.sessions_per_account_max': str(sessions),
            'log.level': 'warning',
        })
        self.server.start()
        for name in accounts:
            self.server.add_account(name, PASSWORD)
        self.imap_port, self.imaps_port = self.server.imap_port, self.server.imaps_port
        self.lmtp_port = self.server.lmtp_port

    def pids(self):
        return dovecot.children_of(self.server.process.pid)

    def version(self):
        return self.server.run('version').stdout.decode().strip()

    def close(self):
        self.server.close()


def memory_kb(pids):
    """Proportional set size of all these processes, in KB."""
    total = 0
    for pid in pids:
        try:
            for line in pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines():
                if line.startswith('Pss:'):
                    total += int(line.split()[1])
        except OSError:
            continue
    return total


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Session:
    """One client: logs in with blocking calls, then hears of news without blocking."""

    def __init__(self, port, context=None):
        self.socket = socket.create_connection(('127.0.0.1', port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.socket = context.wrap_socket(self.socket)
        self.buffer = b''
        if not self.line().startswith(b'* OK'):
            raise RuntimeError('no greeting')

    def line(self):
        while b'\n' not in self.buffer:
            data = self.socket.recv(4096)
            if not data:
                raise RuntimeError('connection closed')
            self.buffer += data
        line, self.buffer = self.buffer.split(b'\n', 1)
        return line

    def command(self, text):
        self.socket.sendall(b't ' + text + b'\r\n')
        while not (line := self.line()).startswith(b't '):
            pass
        if not line.startswith(b't OK'):
            raise RuntimeError(line.decode(errors='replace'))

    def login(self, name):
        self.command(f'LOGIN {name} {PASSWORD}'.encode())
        self.command(b'SELECT INBOX')

    def idle(self):
        self.socket.sendall(b't IDLE\r\n')
        if not self.line().startswith(b'+'):
            raise RuntimeError('IDLE refused')
        self.buffer = b''
        self.socket.setblocking(False)

    def heard(self):
        """Reads what is there; true once EXISTS was in it."""
        try:
            while data := self.socket.recv(4096):
                self.buffer += data
        except (ssl.SSLWantReadError, BlockingIOError):
            pass
        return b' EXISTS' in self.buffer


def open_sessions(port, context, accounts, count):
    sessions = []
    for i in range(count):
        session = Session(port, context)
        session.login(accounts[i % len(accounts)])
        session.idle()
        sessions.append(session)
    return sessions


def measured(server, port, context, accounts, count):
    """Opens the sessions; answers them and the KB that each costs the server."""
    time.sleep(SETTLE_SECONDS)
    before = memory_kb(server.pids())
    sessions = open_sessions(port, context, accounts, count)
    time.sleep(SETTLE_SECONDS)
    return sessions, (memory_kb(server.pids()) - before) / count


def warm(server, accounts):
    """Every account is open, so that the sessions alone are counted."""
    for name in accounts:
        session = Session(server.imap_port)
        session.login(name)
        session.command(b'LOGOUT')
        session.socket.close()


def deliver_to_all(server, accounts, probe):
    """One message to each account; between them NOOPs of another session. Answers their seconds."""
    delays = []
    with smtplib.LMTP('127.0.0.1', server.lmtp_port) as client:
        for i, name in enumerate(accounts):
            client.sendmail('a@example.net', [name], MESSAGE % i)
            start = time.perf_counter()
            probe.command(b'NOOP')
            delays.append(time.perf_counter() - start)
    return delays


def wait_for_news(sessions):
    """Answers how many never heard, and the seconds until the last did."""
    selector = selectors.DefaultSelector()
    start = time.monotonic()
    deaf = 0
    for session in sessions:
        if not session.heard():
            selector.register(session.socket, selectors.EVENT_READ, session)
            deaf += 1
    while deaf > 0 and time.monotonic() - start < HEAR_SECONDS_MAX:
        for key, _ in selector.select(1):
            if key.data.heard():
                selector.unregister(key.fileobj)
                deaf -= 1
    return deaf, time.monotonic() - start


def run(server, accounts, count):
    context = client_context()
    warm(server, accounts)
    half = count // 2
    plain, plain_kb = measured(server, server.imap_port, None, accounts, half)
    secure, secure_kb = measured(server, server.imaps_port, context, accounts, count - half)
    probe = Session(server.imap_port)
    probe.login(accounts[0])
    delays = deliver_to_all(server, accounts, probe)
    deaf, seconds = wait_for_news(plain + secure)
    for session in plain + secure:
        session.socket.close()
    return {
        'server': server.name,
        'version': server.version(),
        'sessions': count,
        'plain_kb': round(plain_kb, 1),
        'tls_kb': round(secure_kb, 1),
        'mean_kb': round((plain_kb * half + secure_kb * (count - half)) / count, 1),
        'noop_p50_ms': round(statistics.median(delays) * 1000, 2),
        'noop_p99_ms': round(sorted(delays)[int(len(delays) * 0.99)] * 1000, 2),
        'did_not_hear': deaf,
        'last_heard_s': round(seconds, 2),
    }


def raise_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--sessions', type=int, default=5000)
    parser.add_argument('--accounts', type=int, default=500)
    parser.add_argument('--server', choices=('roost', 'dovecot', 'both'), default='both')
    options = parser.parse_args()
    raise_limit()
    accounts = [f'user{i}' for i in range(options.accounts)]
    results = []
    if options.server != 'dovecot':
        roost = Roost(accounts, options.sessions)
        try:
            results.append(run(roost, accounts, options.sessions))
        finally:
            roost.close()
    if options.server != 'roost':
        if not dovecot.is_installed() or os.geteuid() != 0:
            print('idle: Dovecot is left out (it must be installed, and started as root)')
        else:
            other = dovecot.Dovecot(accounts, PASSWORD)
            try:
                results.append(run(other.start(), accounts, options.sessions))
            finally:
                other.close()
    for result in results:
        print(json.dumps(result))
    if len(results) == 2:
        print('ratio of memory, dovecot / roost: '
              f'{results[1]["mean_kb"] / max(results[0]["mean_kb"], 0.1):.1f}')
    return 1 if any(result['did_not_hear'] for result in results) else 0


if __name__ == '__main__':
    sys.exit(main())
