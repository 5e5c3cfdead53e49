#!/usr/bin/env python3
"""Compaction: what it frees, how long it takes, and what other commands notice of it.

    bench/compact.py [--messages 100000] [--bytes 2000] [--seconds 10]

An account gets that many messages, nine of ten are expunged. Then `roost purge`, which compacts
without waiting for retention and linger, and copies all that is living. Then a session goes through
NOOP, FETCH of a message, STORE of a flag and APPEND, one at a time, for some seconds alone and for
some beside one purge after the other. Of Roost alone.
"""
import argparse
import json
import pathlib
import statistics
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'test' / 'e2e'))

import roost_server  # noqa: E402

PASSWORD = 'benchmark'
BATCH = 500
MESSAGE = (b'From: a@example.net\r\nTo: b@example.org\r\nSubject: number %d\r\n'
           b'Message-ID: <%d@example.net>\r\n\r\n')


def message(number, length):
    head = MESSAGE % (number, number)
    return head + (b'%08d ' % number * (length // 9 + 1))[:length - len(head) - 2] + b'\r\n'


def answer(imap, tag):
    while True:
        line = imap.readline()
        if not line:
            raise RuntimeError('the server has gone')
        if line.startswith(tag + b' '):
            if not line.startswith(tag + b' OK'):
                raise RuntimeError(line)
            return


def fill(imap, messages, length):
    for first in range(0, messages, BATCH):
        literals = b''
        for number in range(first, min(first + BATCH, messages)):
            text = message(number, length)
            literals += b' {%d+}\r\n%s' % (len(text), text)
        imap.send(b'f%d APPEND INBOX%s\r\n' % (first, literals))
        answer(imap, b'f%d' % first)


def log_bytes(server):
    return sum(path.stat().st_size
               for path in (server.folder / 'data' / 'accounts').glob('*/*/log/*'))


def one_round(imap, number, spans):
    """The commands of somebody who works in the account."""
    text = message(number, 2000)
    for name, command in (
            ('NOOP', b'NOOP'), ('FETCH', b'UID FETCH %d BODY.PEEK[]' % (10 * (1 + number % 50))),
            ('STORE', b'UID STORE %d %sFLAGS (\\Seen)' % (10 * (1 + number % 50),
                                                           b'+' if number % 2 else b'-')),
            ('APPEND', b'APPEND INBOX {%d+}\r\n%s' % (len(text), text))):
        begun = time.monotonic()
        imap.send(b'r%d %s\r\n' % (number, command))
        answer(imap, b'r%d' % number)
        spans.setdefault(name, []).append(1000 * (time.monotonic() - begun))


def work(imap, stop):
    spans, number = {}, 0
    while not stop.is_set():
        one_round(imap, number, spans)
        number += 1
    return spans


def figures(spans):
    return {name: {'count': len(values), 'p50_ms': round(statistics.median(values), 2),
                   'p99_ms': round(statistics.quantiles(values, n=100)[98], 2),
                   'max_ms': round(max(values), 2)}
            for name, values in spans.items() if len(values) > 1}


def delete_most(imap, messages):
    """Nine of ten."""
    gone = [f'{uid}:{uid + 8}' for uid in range(1, messages, 10)]
    for first in range(0, len(gone), 500):
        some = ','.join(gone[first:first + 500]).encode()
        imap.send(b'e UID STORE %s +FLAGS.SILENT (\\Deleted)\r\n' % some)
        answer(imap, b'e')
    imap.send(b'x EXPUNGE\r\n')
    answer(imap, b'x')


def purge(server):
    begun = time.monotonic()
    if server.run('purge', 'ann', '--yes').stdout.startswith(b'there was nothing'):
        raise RuntimeError('nothing was purged')
    return time.monotonic() - begun


def purge_all_along(server, seconds):
    """One purge after the other; each has one message to forget, and copies all that is living."""
    other = server.imap('ann', PASSWORD)
    other.select('INBOX')
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        other.send(b's STORE * +FLAGS.SILENT (\\Deleted)\r\n')
        answer(other, b's')
        other.send(b'x EXPUNGE\r\n')
        answer(other, b'x')
        times.append(purge(server))
    return times


def measure(server, options):
    imap = server.imap('ann', PASSWORD)
    fill(imap, options.messages, options.bytes)
    imap.select('INBOX')
    delete_most(imap, options.messages)
    before = log_bytes(server)
    took = purge(server)
    after = log_bytes(server)
    stop = threading.Event()
    threading.Timer(options.seconds, stop.set).start()
    without = work(imap, stop)
    stop = threading.Event()
    during = {}
    worker = threading.Thread(target=lambda: during.update(work(imap, stop)))
    worker.start()
    times = purge_all_along(server, options.seconds)
    stop.set()
    worker.join()
    living = options.bytes * options.messages // 10
    return {'messages': options.messages, 'log_bytes_before': before, 'log_bytes_after': after,
            'living_bytes': living, 'ratio': round(after / living, 3),
            'purge_seconds': round(took, 2), 'purges': len(times), 'without': figures(without),
            'during': figures(during)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--messages', type=int, default=100000)
    parser.add_argument('--bytes', type=int, default=2000)
    parser.add_argument('--seconds', type=float, default=10)
    options = parser.parse_args()
    server = roost_server.Server({'log.level': 'warning', 'mail.compression': 'none'})
    server.start()
    try:
        server.add_account('ann', PASSWORD)
        print(json.dumps(measure(server, options), indent=2))
    finally:
        server.stop()


if __name__ == '__main__':
    main()
