"""The administrator's commands beside a running server, and `roost deliver` as an MTA calls it."""
import email
import imaplib
import json
import pathlib
import socket

import pytest

from mail import bodies, without_trace
from roost_server import PASSWORD, ROOT

EX_DATAERR, EX_NOUSER, EX_CANTCREAT, EX_TEMPFAIL = 65, 67, 73, 75
DEMO = sorted((ROOT / 'test' / 'fixtures' / 'demo').glob('*.eml'))


def inbox(server, user='ann', mailbox='INBOX'):
    connection = server.imap(user)
    found = bodies(connection, mailbox)
    connection.logout()
    return list(found.values())


def test_accounts_are_kept_by_the_running_server(server):
    server.run('account', 'add', 'cleo', '--password-stdin', data=b'cleo has a password\n')
    assert server.run('account', 'list').stdout.split() == [b'ann', b'bob', b'cleo']
    connection = server.imap('cleo', 'cleo has a password')
    shown = server.run('account', 'show', 'cleo').stdout
    server.run('account', 'password', 'cleo', '--password-stdin', data=b'another one\n')
    with pytest.raises((imaplib.IMAP4.abort, OSError)):  # a changed password ends the sessions
        for _ in range(50):
            connection.noop()
    with pytest.raises(imaplib.IMAP4.error):
        server.imap('cleo', 'cleo has a password')
    server.imap('cleo', 'another one').logout()
    refused = server.run('account', 'add', 'Cleo', '--password-stdin', data=b'x y z\n', check=False)
    assert refused.returncode == EX_CANTCREAT
    server.stop()
    assert server.run('account', 'show', 'cleo').stdout.split(b'password')[0] == \
        shown.split(b'password')[0]


def test_a_removed_account_is_gone(server):
    server.deliver('ann@example.org', b'Subject: x\r\n\r\nx\r\n')
    connection = server.imap('ann')
    assert server.run('account', 'remove', 'ann', '--yes').stdout == b'removed ann\n'
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        for _ in range(50):
            connection.noop()
    with pytest.raises(imaplib.IMAP4.error):
        server.imap('ann')
    assert server.run('account', 'show', 'ann', check=False).returncode == EX_NOUSER
    server.add_account('ann')
    assert inbox(server) == []


def test_deliver_keeps_every_byte(server):
    for path in DEMO:
        server.run('deliver', 'ann', '--from', 'sender@example.net', data=path.read_bytes())
    got = inbox(server)
    want = [path.read_bytes().replace(b'\n', b'\r\n') for path in DEMO]
    assert [without_trace(message) for message in got] == want
    assert all(b'Return-Path: <sender@example.net>' in message for message in got)


def test_deliver_into_a_mailbox(server):
    server.run('deliver', 'ann', '--mailbox', 'Archive', data=DEMO[0].read_bytes())
    assert len(inbox(server, mailbox='Archive')) == 1
    assert inbox(server) == []


@pytest.mark.parametrize('raw,stored', [
    (b'From ann Mon Mar  3 08:00:00 2025\nA: b\n\nbody\n', b'A: b\r\n\r\nbody\r\n'),
    (b'A: b\n\n.\n..\n.dot\n', b'A: b\r\n\r\n.\r\n..\r\n.dot\r\n'),
    (b'A: b\r\n\r\nno end', b'A: b\r\n\r\nno end\r\n'),
])
def test_deliver_odd_forms(server, raw, stored):
    server.run('deliver', 'ann', data=raw)
    assert without_trace(inbox(server)[0]) == stored


def test_deliver_tells_the_mta_by_its_exit_code(make_server):
    server = make_server({'mail.message_bytes_max': '64K'})

    def code(name, data=b'A: b\n\nc\n'):
        done = server.run('deliver', name, data=data, check=False)
        assert (done.returncode == 0) == (done.stderr == b'')
        return done.returncode

    assert code('ann') == 0
    assert code('ann@example.org') == 0
    assert code('ann+tag@example.org') == 0
    assert code('nobody') == EX_NOUSER
    assert code('ann@elsewhere.example') == EX_NOUSER
    assert code('ann', b'A: b\n\n' + b'x' * 70 + b'\n' + b'y' * 70000 + b'\n') == EX_DATAERR
    server.stop()
    assert code('ann') == EX_TEMPFAIL
    server.start()
    assert len(inbox(server)) == 3


def ask(server, text):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(pathlib.Path(server.settings['run']) / 'control.sock'))
        connection.sendall(text)
        return json.loads(connection.makefile('rb').readline())


def test_the_control_socket_refuses_what_it_does_not_know(server):
    assert ask(server, b'{"verb":"account.show","name":"ann"}\n')['result']['name'] == 'ann'
    for text in (b'nonsense\n', b'[]\n', b'{}\n', b'{"verb":"account.ad"}\n', b'{"verb":7}\n',
                 b'{"verb":"account.add","name":"x"}\n', b'{"verb":"account.show","name":[]}\n'):
        answer = ask(server, text)
        assert answer['ok'] is False and answer['error'] and answer['code'], text
    assert ask(server, b'{"verb":"status"}\n')['ok'] is True
    assert PASSWORD.encode() not in server.log().encode()


def test_check_beside_a_running_server(server):
    done = server.run('check')
    assert b'FAIL' not in done.stdout and b'a server runs' in done.stdout


def test_the_demo_messages_are_what_they_claim_to_be():
    parsed = [email.message_from_bytes(path.read_bytes()) for path in DEMO]
    kinds = {part.get_content_type() for message in parsed for part in message.walk()}
    assert {'text/plain', 'text/html', 'multipart/alternative', 'image/png', 'text/csv'} <= kinds
    assert any('=?utf-8?' in message['Subject'] for message in parsed)
    assert sum(1 for message in parsed if message['References']) == 2
