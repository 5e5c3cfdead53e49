"""THREAD through a connection, as imaplib asks for it."""
import imaplib

import pytest

MAIL = [
    b'Message-ID: <1@x>\r\nSubject: pears\r\nDate: Mon, 2 Nov 2020 10:00:00 +0000\r\n\r\n1\r\n',
    b'Message-ID: <2@x>\r\nReferences: <1@x>\r\nSubject: Re: pears\r\n'
    b'Date: Mon, 2 Nov 2020 12:00:00 +0000\r\n\r\n2\r\n',
    b'Message-ID: <3@x>\r\nReferences: <1@x>\r\nSubject: apples (was: pears)\r\n'
    b'Date: Mon, 2 Nov 2020 11:00:00 +0000\r\n\r\n3\r\n',
    b'Message-ID: <4@x>\r\nReferences: <1@x> <3@x>\r\nSubject: Re: apples\r\n'
    b'Date: Mon, 2 Nov 2020 13:00:00 +0000\r\n\r\n4\r\n',
    b'Subject: fwd: PEARS\r\nDate: Mon, 2 Nov 2020 09:00:00 +0000\r\n\r\n5\r\n',
]


def threads(answer):
    status, data = answer
    assert status == 'OK', data
    return data[0]


@pytest.fixture
def threaded_mail(server):
    connection = server.imap('ann')
    for raw in MAIL:
        assert connection.append('INBOX', None, None, raw)[0] == 'OK'
    connection.select('INBOX')
    return connection


def test_thread_and_uid_thread(threaded_mail):
    words = threaded_mail.capability()[1][0].split()
    assert {b'THREAD=ORDEREDSUBJECT', b'THREAD=REFERENCES'} <= set(words)
    for _ in range(2):
        assert threads(threaded_mail.thread('REFERENCES', 'UTF-8', 'ALL')) == b'(1 (5)(3 4)(2))'
    assert threads(threaded_mail.thread('ORDEREDSUBJECT', 'US-ASCII', 'ALL')) == \
        b'(5 (1)(2))(3)(4)'
    assert threads(threaded_mail.thread('REFERENCES', 'UTF-8', '2:3')) == b'((3)(2))'
    threaded_mail.store('1', '+FLAGS', r'(\Deleted)')
    threaded_mail.expunge()
    assert threads(threaded_mail.uid('THREAD', 'REFERENCES', 'UTF-8', 'ALL', 'UNDELETED')) == \
        b'(5)((3 4)(2))'
    assert not threads(threaded_mail.thread('REFERENCES', 'UTF-8', 'TEXT', 'gewp'))


def test_refusals_say_what_is_wrong(threaded_mail):
    with pytest.raises(imaplib.IMAP4.error) as refusal:
        threaded_mail.thread('REFS', 'UTF-8', 'ALL')
    assert 'BAD' in str(refusal.value) and 'ORDEREDSUBJECT or REFERENCES' in str(refusal.value)
    status, data = threaded_mail.thread('REFERENCES', 'X-NONE', 'ALL')
    assert status == 'NO' and data[0].startswith(b'[BADCHARSET (')
