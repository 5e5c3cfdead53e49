"""Postfix hands mail to Roost by LMTP, its client chrooted, by a unix socket and by TCP."""
import email
import re

import pytest

from mail import bodies, crlf, fixtures, message, trace_names, wait_for
from postfix_server import postfix  # noqa: F401
from roost_server import PASSWORD

WAYS = ['unix', 'tcp']


def start(make_server, postfix, way):
    """Roost with Postfix before it."""
    server = make_server(start=False)
    if way == 'unix':
        server.settings['lmtp.listen'] = f'unix:{postfix.socket},mode=0660,user=postfix'
        transport = 'lmtp:unix:private/roost'
    else:
        server.settings['lmtp.listen'] = f'127.0.0.1:{server.lmtp_port}'
        transport = f'lmtp:inet:127.0.0.1:{server.lmtp_port}'
    server.start()
    postfix.start(transport)
    return server


def numbers(found):
    """How often each Subject number came."""
    subjects = [re.search(rb'^Subject: number (\d+)\r$', body, re.M)[1] for body in found.values()]
    return {int(number): subjects.count(number) for number in subjects}


@pytest.mark.parametrize('way', WAYS)
def test_mail_arrives_as_it_was_sent(make_server, postfix, way):
    server = start(make_server, postfix, way)
    sent = [message(0), message(1, 'Grüße, 世界\r\n'), message(2, '.\r\n..\r\n.dots\r\n\r\n'),
            message(3, ('x' * 70 + '\r\n') * 30000), message(4, ''),
            crlf(fixtures()['nested.eml'])]
    with postfix.smtp() as client:
        for text in sent:
            client.sendmail('ann@example.org', ['bob@example.org', 'ann@example.org'], text,
                            mail_options=['BODY=8BITMIME'])
    postfix.wait_until_empty()
    for user in ('ann', 'bob'):
        found = list(bodies(server.imap(user)).values())
        assert len(found) == len(sent)
        for text in sent[:5]:
            stored = [body for body in found if body.endswith(b'\r\n' + text)]
            assert len(stored) == 1
            assert trace_names(stored[0], text) == \
                ['Return-Path', 'Delivered-To', 'Received', 'Received']
        assert any(body.endswith(sent[5].split(b'\r\n\r\n', 1)[1]) for body in found)


def test_an_unknown_recipient_bounces(make_server, postfix):
    server = start(make_server, postfix, 'unix')
    with postfix.smtp() as client:
        client.sendmail('ann@example.org', ['nobody@example.org', 'bob@example.org'], message(7))
    postfix.wait_until_empty()
    assert numbers(bodies(server.imap('bob'))) == {7: 1}
    (bounce,) = bodies(server.imap('ann')).values()
    assert bounce.startswith(b'Return-Path: <>\r\n')
    parts = {part.get_content_type(): part for part in email.message_from_bytes(bounce).walk()}
    status = parts['message/delivery-status'].as_string()
    assert 'nobody@example.org' in status and 'Status: 5.1.1' in status
    assert 'bob@example.org' not in status


@pytest.mark.parametrize('way', WAYS)
def test_mail_waits_for_a_server_that_is_down(make_server, postfix, way):
    server = start(make_server, postfix, way)
    server.stop()
    with postfix.smtp() as client:
        for number in range(20):
            client.sendmail('ann@example.org', ['bob@example.org'], message(number))
    wait_for(lambda: len(list((postfix.folder / 'queue' / 'deferred').rglob('*/*'))) == 20, 20,
             postfix.log)
    server.start()
    assert bodies(server.imap('bob')) == {}
    postfix.flush()
    postfix.wait_until_empty()
    assert numbers(bodies(server.imap('bob'))) == {number: 1 for number in range(20)}


def test_an_address_in_utf8(make_server, postfix):
    server = start(make_server, postfix, 'unix')
    server.add_account('zoë')
    text = message(1).replace(b'Subject: ', 'Subject: für Zoë: '.encode())
    with postfix.smtp() as client:
        client.sendmail('ann@example.org', ['zoë@example.org'], text,
                        mail_options=['SMTPUTF8', 'BODY=8BITMIME'])
    postfix.wait_until_empty()
    connection = server.imap()
    connection.authenticate('PLAIN', lambda _: f'\0zoë\0{PASSWORD}'.encode())
    (stored,) = bodies(connection).values()
    assert trace_names(stored, text) == ['Return-Path', 'Delivered-To', 'Received', 'Received']
    assert 'Delivered-To: zoë@example.org\r\n'.encode() in stored
