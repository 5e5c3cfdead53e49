#!/usr/bin/env python3
"""The server at a size: a mailbox of many messages, an account of many mailboxes, many accounts.

    bench/scale.py [--messages 1000000] [--mailboxes 10000] [--accounts 20000] [--open 5000]
                   [--quiet-seconds 330]

First the store alone (store_scale.c), then the whole server. One shard, so that every pause shows:
while a long command runs another account's session, in the same shard, says NOOP all the time. Its
slowest answer tells how long one step held the shard, and more.
"""
import argparse
import contextlib
import multiprocessing
import os
import pathlib
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'test' / 'e2e'))
sys.path.insert(0, str(ROOT / 'bench'))

import dovecot  # noqa: E402
import roost_server  # noqa: E402

PASSWORD = 'benchmark'
MESSAGE = (b'From: a@example.net\r\nTo: b@example.org\r\nSubject: news\r\n'
           b'Message-ID: <%d@example.net>\r\n\r\nhello\r\n')
BATCH = 1000


def say(name, value, unit):
    print(f'{name:<52} {value:>12.3f} {unit}', flush=True)


class Client:
    """A plain IMAP connection that knows no more than tags."""

    def __init__(self, port, user):
        self.socket = socket.create_connection(('127.0.0.1', port), 60)
        self.socket.settimeout(600)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held = b''
        self.line()
        self.do(f'LOGIN {user} {PASSWORD}')

    def line(self):
        while b'\n' not in self.held:
            piece = self.socket.recv(1 << 20)
            if not piece:
                raise AssertionError('the server has closed')
            self.held += piece
        line, _, self.held = self.held.partition(b'\n')
        return line

    def finish(self, tag=b'x'):
        """Until the tagged answer, which must be OK; answers how many lines came before."""
        lines = 0
        while True:
            end = self.held.rfind(b'\n')
            whole, self.held = self.held[:end + 1], self.held[end + 1:]
            at = whole.rfind(b'\n', 0, max(len(whole) - 1, 0)) + 1
            lines += whole.count(b'\n')
            if whole[at:].startswith(tag + b' '):
                if not whole[at:].startswith(tag + b' OK'):
                    raise AssertionError(whole[at:])
                return lines - 1
            piece = self.socket.recv(1 << 20)
            if not piece:
                raise AssertionError('the server has closed')
            self.held += piece

    def do(self, command):
        self.socket.sendall(b'x ' + command.encode() + b'\r\n')
        return self.finish()

    def timed(self, command):
        began = time.monotonic()
        self.do(command)
        return (time.monotonic() - began) * 1000


def probe(port, user, pipe):
    """NOOP, again and again, in a session and a process of its own, until told to stop."""
    client, worst = Client(port, user), 0
    pipe.send('ready')
    while not pipe.poll():
        worst = max(worst, client.timed('NOOP'))
        time.sleep(0.0005)
    pipe.send(worst)


def meanwhile(server, work, name):
    """Does `work`, and says how long it took and what it did to another session."""
    here, there = multiprocessing.Pipe()
    prober = multiprocessing.Process(target=probe, args=(server.imap_port, 'other', there))
    prober.start()
    here.recv()
    time.sleep(0.05)
    began = time.monotonic()
    work()
    ms = (time.monotonic() - began) * 1000
    here.send('stop')
    worst = here.recv()
    prober.join()
    say(name, ms, 'ms')
    say('  slowest NOOP of another account meanwhile', worst, 'ms')


def expect(lines, least):
    if lines < least:
        raise AssertionError(f'{lines} lines, {least} were to come')


def append_many(client, mailbox, count):
    for first in range(0, count, BATCH):
        parts = [b'x APPEND ' + mailbox.encode()]
        for number in range(first, min(first + BATCH, count)):
            text = MESSAGE % number
            flag = b' (\\Seen)' if number % 8 else b''
            parts.append(b'%s {%d+}\r\n%s' % (flag, len(text), text))
        client.socket.sendall(b''.join(parts) + b'\r\n')
        client.finish()


def select_times(client, mailbox, name):
    times = [client.timed(f'SELECT {mailbox}') for _ in range(200)]
    say(name, statistics.median(times), 'ms')


def large_mailbox(server, messages):
    for name in ('big', 'other'):
        server.add_account(name, PASSWORD)
    client = Client(server.imap_port, 'big')
    client.do('CREATE small')
    client.do('CREATE copies')
    append_many(client, 'small', 1000)
    began = time.monotonic()
    append_many(client, 'INBOX', messages)
    say('messages brought by APPEND in a second', messages / (time.monotonic() - began), '')
    select_times(client, 'small', 'SELECT of 1,000 messages')
    select_times(client, 'INBOX', f'SELECT of {messages:,} messages')
    meanwhile(server, lambda: time.sleep(1), 'nothing, to compare')
    for name, command, lines in (
            ('STORE on all, silent', 'UID STORE 1:* +FLAGS.SILENT (\\Flagged)', 0),
            ('STORE on all, most have it', 'UID STORE 1:* +FLAGS.SILENT (\\Seen)', 0),
            ('STORE on all, told', 'STORE 1:* -FLAGS (\\Flagged)', messages),
            ('COPY of all', 'UID COPY 1:* copies', 0),
            ('DELETE of the copies', 'DELETE copies', 0),
            ('\\Deleted on half', f'UID STORE 1:{messages // 2} +FLAGS.SILENT (\\Deleted)', 0),
            ('EXPUNGE of half of them', 'EXPUNGE', messages // 2)):
        meanwhile(server, lambda: expect(client.do(command), lines), name)
    client.socket.close()
    server.stop()
    server.start()
    began = time.monotonic()
    client = Client(server.imap_port, 'big')
    client.do('SELECT INBOX')
    say('LOGIN and SELECT after a restart', (time.monotonic() - began) * 1000, 'ms')
    client.socket.close()


def many_mailboxes(server, mailboxes):
    server.add_account('wide', PASSWORD)
    client = Client(server.imap_port, 'wide')
    began = time.monotonic()
    for number in range(mailboxes - 6):
        client.socket.sendall(b'x CREATE box%d\r\n' % number)
        client.finish()
    say('CREATE, each', (time.monotonic() - began) * 1000 / mailboxes, 'ms')
    for name, command, lines in (
            (f'LIST of {mailboxes:,} mailboxes', 'LIST "" *', mailboxes),
            ('LIST with STATUS of all', 'LIST "" * RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))',
             2 * mailboxes)):
        meanwhile(server, lambda: expect(client.do(command), lines), name)
    client.socket.close()
    server.stop()
    server.start()
    began = time.monotonic()
    client = Client(server.imap_port, 'wide')
    client.do('SELECT INBOX')
    say('LOGIN and SELECT after a restart', (time.monotonic() - began) * 1000, 'ms')
    client.socket.close()


def add_accounts(server, accounts):
    """Straight into the database: to hash 20,000 passwords is not what is measured."""
    server.add_account('user', PASSWORD)
    server.stop()
    path = next(pathlib.Path(server.settings['data']).glob('auth/*.db'))
    with contextlib.closing(sqlite3.connect(path)) as database:
        columns = [row[1] for row in database.execute('PRAGMA table_info(account)')]
        model = dict(zip(columns, database.execute(
            "SELECT * FROM account WHERE name = 'user'").fetchone()))
        rows = []
        for number in range(accounts):
            name = f'user{number}'
            rows.append([{'id': os.urandom(16), 'name': name, 'key': name}.get(c, model[c])
                         for c in columns])
        marks = ','.join('?' * len(columns))
        database.executemany(f'INSERT INTO account VALUES ({marks})', rows)
        database.commit()
    server.start()


def deliver_all(server, count):
    """One message to each of the accounts, which opens them."""
    with socket.create_connection(('127.0.0.1', server.lmtp_port), 60) as connection:
        file = connection.makefile('rwb')

        def reply(command):
            file.write(command)
            file.flush()
            line = file.readline()
            while line[3:4] == b'-':
                line = file.readline()
            if line[:1] not in b'23':
                raise AssertionError(line)

        reply(b'')
        reply(b'LHLO bench\r\n')
        for number in range(count):
            reply(b'MAIL FROM:<a@example.net>\r\n')
            reply(b'RCPT TO:<user%d@example.org>\r\n' % number)
            reply(b'DATA\r\n')
            reply(MESSAGE % number + b'.\r\n')


def usage(server):
    """Proportional set size in bytes, and descriptors, of all processes of the server."""
    memory, descriptors = 0, 0
    for pid in dovecot.children_of(server.process.pid):
        try:
            text = pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text()
            descriptors += len(os.listdir(f'/proc/{pid}/fd'))
        except OSError:
            continue
        memory += sum(int(line.split()[1]) * 1024 for line in text.splitlines()
                      if line.startswith('Pss:'))
    return memory, descriptors


def many_accounts(server, accounts, opened, quiet_seconds):
    add_accounts(server, accounts)
    before, _ = usage(server)
    say(f'memory with {accounts:,} accounts, none open', before / 1e6, 'MB')
    began = time.monotonic()
    deliver_all(server, opened)
    say('delivery that makes and opens an account, each',
        (time.monotonic() - began) * 1000 / opened, 'ms')
    memory, descriptors = usage(server)
    say(f'memory for each of {opened:,} open accounts', (memory - before) / opened / 1000, 'KB')
    say('  descriptors', descriptors, '')
    time.sleep(90)
    _, descriptors = usage(server)
    say('  descriptors when they have rested a minute', descriptors, '')
    if quiet_seconds > 0:
        time.sleep(quiet_seconds - 90)
        memory, descriptors = usage(server)
        say('memory when they have been quiet for five minutes', memory / 1e6, 'MB')
        say('  descriptors', descriptors, '')


def store_alone(messages, mailboxes):
    subprocess.run(['ninja', '-C', ROOT / 'build', '--quiet', 'bench/store_scale'], check=True)
    with tempfile.TemporaryDirectory(prefix='roost-bench-') as folder:
        subprocess.run([ROOT / 'build' / 'bench' / 'store_scale', f'{folder}/account',
                        str(messages), str(mailboxes - 10)], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--messages', type=int, default=1000000)
    parser.add_argument('--mailboxes', type=int, default=10000)
    parser.add_argument('--accounts', type=int, default=20000)
    parser.add_argument('--open', type=int, default=5000)
    parser.add_argument('--quiet-seconds', type=int, default=330)
    asked = parser.parse_args()
    store_alone(asked.messages, asked.mailboxes)
    server = roost_server.Server({'log.level': 'warning', 'mail.shards': '1'})
    server.start()
    try:
        large_mailbox(server, asked.messages)
        many_mailboxes(server, asked.mailboxes)
        if asked.accounts > 0:
            many_accounts(server, asked.accounts, asked.open, asked.quiet_seconds)
    finally:
        server.close()


if __name__ == '__main__':
    main()
