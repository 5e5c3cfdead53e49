"""SORT through a connection, against an order that is worked out from the mail itself."""
import datetime
import imaplib
import random
import re

import pytest

from mail import crlf, fixtures
import sort_oracle

NAMES = ('ARRIVAL', 'CC', 'DATE', 'DISPLAYFROM', 'DISPLAYTO', 'FROM', 'SIZE', 'SUBJECT', 'TO')
ROUNDS = 40
BYTES_MAX = 200_000
SEED = 20260707

SMALL = [
    b'From: Zoe <bob@example.org>\r\nSubject: Re: pears\r\n'
    b'Date: Mon, 2 Nov 2020 10:00:00 +0100\r\n\r\n1\r\n',
    b'From: ann@example.org\r\nSubject: apples\r\n'
    b'Date: Mon, 2 Nov 2020 08:30:00 -0100\r\n\r\n2\r\n',
    b'From: =?utf-8?q?=C3=84nne?= <carl@example.org>\r\nSubject: PEARS\r\n\r\n3\r\n',
]


def internal_date(seconds):
    return imaplib.Time2Internaldate(datetime.datetime.fromtimestamp(seconds,
                                                                     datetime.timezone.utc))


def append(connection, raw, seconds):
    """Answers the UID."""
    status, data = connection.append('INBOX', None, internal_date(seconds), raw)
    assert status == 'OK', data
    return int(re.search(rb'APPENDUID \d+ (\d+)', data[0])[1])


def numbers(answer):
    status, data = answer
    assert status == 'OK', data
    return [int(number) for number in data[0].split()]


def esearch(connection, *arguments):
    status, data = connection.uid('SORT', *arguments)
    assert status == 'OK', data
    return connection.response('ESEARCH')[1][-1]


@pytest.fixture
def sorted_mail(server):
    connection = server.imap('ann')
    for number, raw in enumerate(SMALL):
        append(connection, raw, 1_700_000_000 - number)
    connection.select('INBOX')
    return connection


def test_sort_and_uid_sort(sorted_mail):
    """What Roundcube, Alpine and others say."""
    words = sorted_mail.capability()[1][0].split()
    assert {b'SORT', b'ESORT', b'SORT=DISPLAY'} <= set(words)
    assert numbers(sorted_mail.sort('DATE', 'UTF-8', 'ALL')) == [1, 2, 3]
    assert numbers(sorted_mail.sort('(REVERSE ARRIVAL)', 'US-ASCII', 'ALL')) == [1, 2, 3]
    assert numbers(sorted_mail.sort('(SUBJECT FROM)', 'UTF-8', 'ALL')) == [2, 1, 3]
    assert numbers(sorted_mail.sort('(DISPLAYFROM)', 'UTF-8', 'NOT', 'SUBJECT', 'apples')) == [3, 1]
    sorted_mail.store('1', '+FLAGS', r'(\Deleted)')
    sorted_mail.expunge()
    assert numbers(sorted_mail.uid('SORT', '(ARRIVAL)', 'US-ASCII', 'ALL', 'UNDELETED')) == [3, 2]
    assert numbers(sorted_mail.sort('(ARRIVAL)', 'US-ASCII', 'ALL')) == [2, 1]


def test_sort_with_return(sorted_mail):
    assert esearch(sorted_mail, 'RETURN', '()', '(REVERSE DATE)', 'US-ASCII', 'ALL').endswith(
        b' UID ALL 3,2,1')
    assert esearch(sorted_mail, 'RETURN', '(MIN MAX COUNT)', '(SUBJECT)', 'UTF-8', 'ALL').endswith(
        b' UID MIN 2 MAX 3 COUNT 3')
    status, _ = sorted_mail.uid('SORT', 'RETURN', '(SAVE)', '(DATE)', 'UTF-8', 'SUBJECT', 'pears')
    assert status == 'OK'
    assert numbers(sorted_mail.uid('SEARCH', '$')) == [1, 3]


def test_refusals_say_what_is_wrong(sorted_mail):
    with pytest.raises(imaplib.IMAP4.error) as refusal:
        sorted_mail.sort('(AGE)', 'UTF-8', 'ALL')
    assert 'BAD' in str(refusal.value) and 'DISPLAYFROM' in str(refusal.value)
    assert 'at byte' in str(refusal.value)
    status, data = sorted_mail.sort('(DATE)', 'X-NONE', 'ALL')
    assert status == 'NO' and data[0].startswith(b'[BADCHARSET (')


def check(connection, messages, draw):
    """Criteria at random over all messages about which the oracle is sure."""
    sure = dict.fromkeys(NAMES, 0)
    for name in NAMES:
        sure[name] = len(sort_oracle.order(messages, [(name, False)]))
    for round_number in range(len(NAMES) + ROUNDS):
        count = 1 if round_number < len(NAMES) else draw.randint(2, 4)
        names = [NAMES[round_number]] if count == 1 else draw.sample(NAMES, count)
        criteria = [(name, draw.random() < 0.5) for name in names]
        wanted = sort_oracle.order(messages, criteria)
        asked = ' '.join(('REVERSE ' if reverse else '') + name for name, reverse in criteria)
        found = numbers(connection.uid('SORT', f'({asked})', 'UTF-8', 'UID',
                                       ','.join(map(str, sorted(wanted)))))
        wrong = [pair for pair in zip(found, wanted) if pair[0] != pair[1]]
        assert not wrong, (asked, wrong[:3], [messages[uid] for uid in wrong[0]])
        assert len(found) == len(wanted)
    return sure


def fill(server, texts, draw):
    connection = server.imap('ann', timeout=60)
    messages = {}
    for raw in texts:
        seconds = draw.choice((draw.randint(0, 2_000_000_000), 1_600_000_000))
        messages[append(connection, raw, seconds)] = sort_oracle.keys_of(raw, seconds)
    connection.select('INBOX')
    return connection, messages


def test_order_of_own_mail(server):
    draw = random.Random(SEED)
    connection, messages = fill(server, [crlf(text) for text in fixtures().values()], draw)
    check(connection, messages, draw)


def test_order_of_real_mail(server, corpus, capsys):
    """The first time summaries are read, the second time nothing is."""
    draw = random.Random(SEED)
    texts = []
    for path in sorted((corpus / 'real').rglob('*')):
        if path.is_file() and path.stat().st_size < BYTES_MAX:
            text = path.read_bytes()
            texts.append(crlf(text.partition(b'\n')[2] if text.startswith(b'From ') else text))
    texts = [text for text in texts if b'\0' not in text]
    connection, messages = fill(server, texts, draw)
    for _ in range(2):
        sure = check(connection, messages, draw)
    assert all(count > len(texts) // 2 for count in sure.values()), sure
    with capsys.disabled():
        print(f'\n{len(texts)} messages of corpus/real in order; sure of '
              + ', '.join(f'{name} {count}' for name, count in sure.items()))
