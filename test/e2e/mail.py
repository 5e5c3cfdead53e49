"""Messages for the end-to-end tests, and what comes back of them."""
import hashlib
import re
import shutil
import time

import pytest

from roost_server import ROOT

FIXTURES = ROOT / 'test' / 'fixtures'
FIELD = rb'(%s):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*'
TRACE = re.compile(rb'\A' + b''.join(FIELD % name for name in
                                     (b'Return-Path', b'Delivered-To', b'Received')))


def message(number, body='A line.\r\n', charset='utf-8'):
    """One that no MTA sees a reason to complete; the number is in subject and Message-ID."""
    return (f'From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\n'
            f'Subject: number {number}\r\nDate: Mon, 2 Nov 2026 10:00:00 +0100\r\n'
            f'Message-ID: <{number}@example.org>\r\nMIME-Version: 1.0\r\n'
            f'Content-Type: text/plain; charset={charset}\r\n'
            f'Content-Transfer-Encoding: 8bit\r\n\r\n{body}').encode(charset)


def crlf(text):
    """Every line end as CR LF, and one at the end."""
    text = re.sub(rb'\r*\n', b'\r\n', text)
    return text if text.endswith(b'\n') else text + b'\r\n'


def without_trace(stored):
    """What was handed in: without the three fields that the delivery writes, in their order."""
    assert TRACE.match(stored), stored[:300]
    return TRACE.sub(b'', stored, count=1)


def trace_names(stored, sent):
    """The names of the fields in front of what was sent, which must be whole and last."""
    assert stored.endswith(sent), (stored[-200:], sent[-200:])
    return [name.decode() for name in
            re.findall(rb'^([^\s:]+):', stored[:len(stored) - len(sent)], re.M)]


def digest(text):
    return hashlib.sha256(text).hexdigest()


def fixtures():
    """{name: bytes} of the project's own messages."""
    return {path.name: path.read_bytes() for path in sorted(FIXTURES.glob('*/*.eml'))}


def bodies(connection, mailbox='INBOX', item='BODY.PEEK[]'):
    """{UID: message} of a mailbox, fetched in pieces."""
    status, count = connection.select(mailbox)
    assert status == 'OK', count
    found = {}
    for first in range(1, int(count[0]) + 1, 200):
        last = min(first + 199, int(count[0]))
        status, data = connection.fetch(f'{first}:{last}', f'(UID {item})')
        assert status == 'OK', data
        for part in data:
            if isinstance(part, tuple):
                found[int(re.search(rb'UID (\d+)', part[0])[1])] = part[1]
    assert len(found) == int(count[0])
    return found


def wait_for(condition, seconds, what):
    """Until `condition` answers something true, which is the answer."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= end:
            raise AssertionError(f'not within {seconds} s: {what() if callable(what) else what}')
        time.sleep(0.05)


def need(*programs):
    """Skips the test where one of the programs is not installed."""
    for program in programs:
        if shutil.which(program, path='/usr/sbin:/usr/bin:/sbin:/bin') is None:
            pytest.skip(f'{program} is not installed')
