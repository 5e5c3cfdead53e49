"""Every message there is, in and out again: real mail by LMTP, odd mail by APPEND."""
import concurrent.futures
import re
import smtplib

import pytest

from mail import bodies, crlf, digest, fixtures, without_trace

CONNECTIONS = 6
ITEMS = '(UID ENVELOPE BODYSTRUCTURE BODY.PEEK[TEXT] BODY.PEEK[1])'


def real(corpus):
    """{name: bytes} of the mail that once was on the wire."""
    found = {}
    for path in sorted((corpus / 'real').rglob('*')):
        if path.is_file():
            text = path.read_bytes()
            if text.startswith(b'From '):
                text = text.partition(b'\n')[2]
            found[str(path.relative_to(corpus))] = crlf(text)
    return found


def odd(corpus):
    """{name: bytes} of the files that are messages."""
    return {str(path.relative_to(corpus)): path.read_bytes()
            for path in sorted((corpus / 'mime').rglob('*'))
            if path.is_file() and path.suffix != '.json' and path.name not in ('README', 'COPYING')}


def deliver_all(server, texts):
    """Over several connections; `texts` may contain what smtplib would change, so DATA is ours."""
    def work(part):
        with server.lmtp() as client:
            client.ehlo()
            for text in part:
                assert client.mail('sender@example.net', ['BODY=8BITMIME'])[0] == 250
                assert client.rcpt('ann@example.org')[0] == 250
                assert client.docmd('DATA')[0] == 354
                client.send(re.sub(rb'(?m)^\.', b'..', text) + b'.\r\n')
                code, answer = client.getreply()
                assert code == 250, answer
        return len(part)

    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        return sum(pool.map(work, [texts[i::CONNECTIONS] for i in range(CONNECTIONS)]))


def both_ways(server, texts):
    """LMTP in, IMAP out; compared by hash."""
    assert deliver_all(server, texts) == len(texts)
    found = bodies(server.imap('ann', timeout=60))
    assert len(found) == len(texts)
    assert sorted(digest(without_trace(body)) for body in found.values()) == \
        sorted(digest(text.replace(b'\0', b'\x80')) for text in texts)  # no literal holds a NUL
    return len(found)


def test_real_mail_by_lmtp(server, corpus, capsys):
    texts = real(corpus)
    assert len(texts) > 3000
    count = both_ways(server, list(texts.values()))
    with capsys.disabled():
        print(f'\n{count} messages of corpus/real delivered and fetched, all equal')


def test_own_mail_by_lmtp(server):
    texts = [crlf(text) for text in fixtures().values()]
    both_ways(server, [text for text in texts for _ in range(3)])


def literals(data):
    """Of one message's FETCH as imaplib gives it: one text with every literal as ~."""
    return b''.join(part[0] + b'~' if isinstance(part, tuple) else part for part in data)


def append_and_ask(server, texts):
    """APPEND by both accounts at once; every question about each of them answered."""
    def work(user):
        connection = server.imap(user, timeout=60)
        for name, text in texts.items():
            status, answer = connection.append('INBOX', None, None, text)
            assert status == 'OK', (name, answer)
        found = bodies(connection)
        for (name, text), uid in zip(texts.items(), sorted(found)):
            assert found[uid] == text, name
            status, data = connection.uid('FETCH', str(uid), ITEMS)
            assert status == 'OK', (name, data)
            answer = literals(data)
            for word in (b'ENVELOPE (', b'BODYSTRUCTURE (', b'BODY[TEXT] ', b'BODY[1] '):
                assert word in answer, (name, answer)
        return len(found)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, ('ann', 'bob')))


def acceptable(texts):
    """imaplib rewrites line ends itself, and NUL is for literal8 only (RFC 9051 s4.3.1)."""
    return {name: re.sub(rb'\r\n|\r|\n', b'\r\n', text) for name, text in texts.items()
            if b'\0' not in text and text}


def test_odd_mail_by_append(server, corpus, capsys):
    texts = acceptable(odd(corpus))
    assert len(texts) > 300
    counts = append_and_ask(server, texts)
    assert counts == [len(texts)] * 2
    with capsys.disabled():
        print(f'\n{len(texts)} messages of corpus/mime appended, fetched and described')


def test_own_mail_by_append(server):
    texts = acceptable(fixtures())
    assert append_and_ask(server, texts) == [len(texts)] * 2


def test_raw_line_ends_are_kept_by_append(server):
    """imaplib would mend them, so the literal is sent by hand."""
    connection = server.imap('ann')
    for text in (b'Subject: lf\n\nbody\n', b'Subject: cr\r\rbody\r', b'no header at all', b'\r\n',
                 fixtures()['lf_only.eml'], b'A: b\r\n\r\n' + bytes(range(1, 256)) * 300):
        connection.send(b'x APPEND INBOX {%d}\r\n' % len(text))
        assert connection.readline().startswith(b'+')
        connection.send(text + b'\r\n')
        while not (line := connection.readline()).startswith(b'x '):
            assert line.startswith(b'* ')
        assert line.startswith(b'x OK'), line
        uid = int(re.search(rb'APPENDUID \d+ (\d+)', line)[1])
        assert bodies(server.imap('ann'))[uid] == text


@pytest.mark.parametrize('name', ['nested.eml', 'digest.eml'])
def test_the_parts_of_a_message_make_the_whole(server, name):
    text = fixtures()[name]
    connection = server.imap('ann')
    connection.append('INBOX', None, None, text)
    connection.select('INBOX')
    header = connection.fetch('1', '(BODY.PEEK[HEADER])')[1][0][1]
    body = connection.fetch('1', '(BODY.PEEK[TEXT])')[1][0][1]
    assert header + body == text
    pieces = b''.join(connection.fetch('1', f'(BODY.PEEK[]<{at}.100>)')[1][0][1]
                      for at in range(0, len(text), 100))
    assert pieces == text


def test_smtplib_agrees(server):
    """The dots by somebody else's hand."""
    text = b'Subject: dots\r\n\r\n.\r\n..\r\n...\r\nx\r\n.'
    with smtplib.LMTP('127.0.0.1', server.lmtp_port) as client:
        client.sendmail('a@example.org', ['ann'], text)
    (stored,) = bodies(server.imap('ann')).values()
    assert without_trace(stored) == text + b'\r\n'
