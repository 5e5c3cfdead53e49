#!/usr/bin/env python3
"""Bodies stored compressed or raw: bytes on the disk, deliveries a second, FETCH in MB a second.

    bench/compression.py [--rounds 5] [--messages 2000] [--corpus DIRECTORY] [--json]

For each kind of mail both settings of mail.compression have their turn in every round, in changing
order, each time on a fresh server with an empty data directory; the table has the medians. Kinds:
text, html and attachments are made up, the same in every run; `real` is the mail below
DIRECTORY/real, where there is one. Deliveries come by LMTP over 1 connection, then over 8; the mail
of the first is then fetched whole, once to warm the page cache and three times for the figure.
"""
import argparse
import base64
import json
import multiprocessing
import os
import pathlib
import random
import re
import socket
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'test' / 'e2e'))

import roost_server  # noqa: E402

SHARED = ROOT.parent / 'shared'
SETTINGS = ('none', 'zstd')
CONNECTIONS = 8
FETCHES = 3
SEED = 1
ATTACHMENTS_EACH = 40  # of the attachments' kind there is one message for so many of the others
HEAD = ('From: Ann <ann{n}@example.net>\r\nTo: Bob <bob@example.org>\r\n'
        'Subject: {subject}\r\nDate: Mon, 2 Nov 2026 10:00:00 +0100\r\n'
        'Message-ID: <{n}.{kind}@example.net>\r\nMIME-Version: 1.0\r\n')


class Writer:
    """Makes up mail. Words follow the law of Zipf, as those of people do."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        letters = 'etaoinshrdlucmfwypvbgkjqxz'
        weights = [1 / (1 + place) for place in range(len(letters))]
        self.words = [''.join(self.dice.choices(letters, weights, k=self.dice.randint(1, 10)))
                      for _ in range(8000)]
        self.weights = [1 / (1 + place) for place in range(len(self.words))]

    def prose(self, size):
        lines, line, total = [], '', 0
        for word in self.dice.choices(self.words, self.weights, k=size // 4):
            if len(line) + len(word) > 74:
                lines.append(line)
                total += len(line) + 2
                line = ''
                if total > size:
                    break
            line += ' ' + word if line else word
        return '\r\n'.join([*lines, line]) + '\r\n'

    def head(self, number, kind):
        subject = ' '.join(self.dice.choices(self.words, k=6))
        return HEAD.format(n=number, kind=kind, subject=subject)

    def text(self, number):
        size = int(self.dice.lognormvariate(7.6, 0.8))  # 2 KB, now and then 20
        return (self.head(number, 'text') + 'Content-Type: text/plain; charset=utf-8\r\n\r\n' +
                self.prose(size)).encode()

    def html(self, number):
        cell = '<tr><td style="font-family:Arial;font-size:14px;color:#333333">{}</td></tr>\r\n'
        rows = [cell.format(self.prose(self.dice.randint(60, 900)))
                for _ in range(self.dice.randint(5, 60))]
        return (self.head(number, 'html') + 'Content-Type: text/html; charset=utf-8\r\n\r\n'
                '<html><body><table>\r\n' + ''.join(rows) +
                '</table></body></html>\r\n').encode()

    def attachment(self, number):
        """What pictures and archives are: noise in base64."""
        noise = self.dice.randbytes(int(self.dice.lognormvariate(12.5, 1)))  # 270 KB in the middle
        lines = base64.encodebytes(noise).replace(b'\n', b'\r\n')
        return (self.head(number, 'attachment') +
                'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n' +
                self.prose(1000) + '--b\r\nContent-Type: image/jpeg\r\n'
                'Content-Transfer-Encoding: base64\r\n\r\n').encode() + lines + b'--b--\r\n'


def real_mail(folder):
    texts = []
    for path in sorted((folder / 'real').rglob('*')) if folder.is_dir() else []:
        if path.is_file():
            text = path.read_bytes()
            if text.startswith(b'From '):
                text = text.partition(b'\n')[2]
            text = re.sub(rb'\r*\n', b'\r\n', text)
            texts.append(text if text.endswith(b'\r\n') else text + b'\r\n')
    random.Random(SEED).shuffle(texts)
    return texts


def make_mail(options):
    """{kind: [message]}."""
    writer, count = Writer(SEED), options.messages
    mail = {
        'text': [writer.text(n) for n in range(count)],
        'html': [writer.html(n) for n in range(count)],
        'attachments': [writer.attachment(n) for n in range(count // ATTACHMENTS_EACH)],
        'real': real_mail(options.corpus)[:count],
    }
    return {kind: texts for kind, texts in mail.items() if texts}


class Lines:
    """A connection, read by lines."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile('rb')

    def expect(self, start):
        while True:
            line = self.file.readline()
            if not line.startswith(start):
                raise RuntimeError(f'expected {start}, got {line}')
            if line[3:4] != b'-':
                return


def deliver(port, name, texts):
    """Over one connection; every answer is checked."""
    client = Lines(port)
    client.expect(b'220')
    client.socket.sendall(b'LHLO bench\r\n')
    client.expect(b'250')
    envelope = b'MAIL FROM:<a@example.net> BODY=8BITMIME\r\nRCPT TO:<%s@example.org>\r\nDATA\r\n'
    for text in texts:
        client.socket.sendall(envelope % name.encode())
        for code in (b'250', b'250', b'354'):
            client.expect(code)
        client.socket.sendall(re.sub(rb'(?m)^\.', b'..', text) + b'.\r\n')
        client.expect(b'250')
    client.socket.close()


def timed(work, *arguments):
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def deliver_by_many(port, name, texts):
    """A process for each connection: the senders do not wait for each other."""
    makers = multiprocessing.get_context('fork')
    senders = [makers.Process(target=deliver, args=(port, name, texts[i::CONNECTIONS]))
               for i in range(CONNECTIONS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    if any(sender.exitcode != 0 for sender in senders):
        raise RuntimeError('a sender failed')


class Reader:
    """An IMAP client that only counts what it gets."""

    def __init__(self, port, name):
        self.client = Lines(port)
        self.client.expect(b'* OK')
        self.room = bytearray(1 << 20)
        self.command(f'LOGIN {name} "{roost_server.PASSWORD}"')
        self.command('SELECT INBOX')

    def command(self, text):
        """Bytes of the answer."""
        end, tail, total = b'\r\nt OK', b'\r\n', 0
        self.client.socket.sendall(b't ' + text.encode() + b'\r\n')
        while True:
            count = self.client.socket.recv_into(self.room)
            if count == 0:
                raise RuntimeError('connection closed')
            total += count
            tail = (tail + bytes(self.room[max(0, count - 2000):count]))[-2000:]
            if tail.endswith(b'\r\n') and end in tail:
                return total
            if b'\r\nt NO' in tail or b'\r\nt BAD' in tail:
                raise RuntimeError(tail)


def disk_bytes(server):
    """Of the logs, as the file system counts them."""
    logs = (server.folder / 'data' / 'accounts').glob('*/*/log/*')
    return sum(path.stat().st_blocks * 512 for path in logs)


def mail_cpu(server):
    """Seconds that the threads of the mail processes have run."""
    tasks = [task for pid in server.roles()['mail']
             for task in pathlib.Path(f'/proc/{pid}/task').glob('*/schedstat')]
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def measure(setting, texts):
    """One turn on a server of its own."""
    server = roost_server.Server({'mail.compression': setting, 'log.level': 'warning'})
    try:
        server.start()
        for name in ('one', 'many'):
            server.add_account(name)
            Reader(server.imap_port, name)
        cpu = [mail_cpu(server)]
        alone = timed(deliver, server.lmtp_port, 'one', texts)
        cpu.append(mail_cpu(server))
        disk = disk_bytes(server)
        many = timed(deliver_by_many, server.lmtp_port, 'many', texts)
        reader = Reader(server.imap_port, 'one')
        size = reader.command('FETCH 1:* BODY.PEEK[]')
        if size < sum(map(len, texts)):
            raise RuntimeError('messages are missing')
        cpu.append(mail_cpu(server))
        seconds = [timed(reader.command, 'FETCH 1:* BODY.PEEK[]') for _ in range(FETCHES)]
        cpu.append(mail_cpu(server))
        return {'disk': disk, 'alone': len(texts) / alone, 'many': len(texts) / many,
                'in_cpu': (cpu[1] - cpu[0]) / len(texts), 'fetch': size / min(seconds) / 1e6,
                'out_cpu': (cpu[3] - cpu[2]) / FETCHES / len(texts)}
    finally:
        server.close()


# Key, label, unit of the value, decimals.
ROWS = (('disk', 'MB on the disk', 1e6, 1),
        ('alone', 'deliveries/s, 1 connection', 1, 0),
        ('many', f'deliveries/s, {CONNECTIONS} connections', 1, 0),
        ('in_cpu', 'CPU of the mail processes for a delivery, \u00b5s', 1e-6, 0),
        ('fetch', 'FETCH of all, MB/s', 1, 0),
        ('out_cpu', 'CPU of the mail processes to fetch a message, \u00b5s', 1e-6, 1))
FIGURES = [row[0] for row in ROWS]


def run(mail, rounds):
    """{kind: {setting: {figure: median}}}."""
    turns = {(kind, setting): [] for kind in mail for setting in SETTINGS}
    for turn in range(rounds):
        for kind, texts in mail.items():
            for setting in SETTINGS if turn % 2 == 0 else reversed(SETTINGS):
                turns[kind, setting].append(measure(setting, texts))
                print('.', end='', file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {kind: {setting: {figure: statistics.median(turn[figure]
                                                       for turn in turns[kind, setting])
                             for figure in FIGURES}
                   for setting in SETTINGS} for kind in mail}


def table(mail, figures):
    lines = ['| mail | | none | zstd | ratio |', '|---|---|---:|---:|---:|']
    for kind, texts in mail.items():
        size = sum(map(len, texts))
        lines.append(f'| {kind} | {len(texts)} messages, {size / 1e6:.1f} MB | | | |')
        for figure, label, unit, digits in ROWS:
            none, zstd = (figures[kind][setting][figure] / unit for setting in SETTINGS)
            lines.append(f'| | {label} | {none:.{digits}f} | {zstd:.{digits}f} | '
                         f'{zstd / none:.2f} |')
    return '\n'.join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--messages', type=int, default=2000)
    parser.add_argument('--corpus', type=pathlib.Path,
                        default=os.environ.get('ROOST_CORPUS', SHARED / 'corpus'))
    parser.add_argument('--json', action='store_true')
    options = parser.parse_args()
    mail = make_mail(options)
    figures = run(mail, options.rounds)
    print(json.dumps(figures, indent=1) if options.json else table(mail, figures))


if __name__ == '__main__':
    main()
