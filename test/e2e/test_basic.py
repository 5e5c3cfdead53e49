"""Mail in by LMTP, out by IMAP: the first things that a user would do."""
import imaplib
import re
import threading
import time

import pytest

from mail import without_trace
from roost_server import PASSWORD

MESSAGE = (b'From: Ann <ann@example.org>\r\nTo: bob@example.org\r\n'
           b'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@example.org>\r\n'
           b'Date: Mon, 2 Nov 2026 10:00:00 +0100\r\n\r\n'
           b'Hello Bob,\r\n.a line with a dot\r\n\r\nAnn\r\n')


def fetch_body(connection, number='1'):
    _, data = connection.fetch(number, '(BODY.PEEK[])')
    return data[0][1]


def test_delivered_mail_is_read_as_it_was_sent(server):
    assert server.deliver('bob@example.org', MESSAGE) == {}
    connection = server.imap('bob')
    assert connection.select('INBOX')[1] == [b'1']
    body = fetch_body(connection)
    assert body.startswith(b'Return-Path: <sender@example.net>\r\nDelivered-To: ')
    assert without_trace(body) == MESSAGE
    connection.logout()


def test_tag_in_the_address_is_ignored(server):
    assert server.deliver(['bob+lists@example.org', 'ann'], MESSAGE) == {}
    for user in ('ann', 'bob'):
        connection = server.imap(user)
        assert connection.select('INBOX')[1] == [b'1']


def test_unknown_recipient_is_refused_and_the_others_are_served(server):
    refused = server.deliver(['nobody@example.org', 'bob@example.org'], MESSAGE)
    assert list(refused) == ['nobody@example.org']
    assert refused['nobody@example.org'][0] == 550
    connection = server.imap('bob')
    assert connection.select('INBOX')[1] == [b'1']


def test_wrong_password_and_unknown_name_get_the_same_answer(server):
    answers = []
    for user in ('bob', 'nobody'):
        connection = server.imap()
        with pytest.raises(imaplib.IMAP4.error) as refusal:
            connection.login(user, 'wrong')
        answers.append(str(refusal.value))
    assert answers[0] == answers[1]
    assert 'AUTHENTICATIONFAILED' in answers[0]
    # RFC 9051 section 11.7: each of them is reported, with where it came from.
    for user in ('bob', 'nobody'):
        assert re.search(rf'event=login-failed session=\d+ service=imap address=127.0.0.1:\d+ .*'
                         rf'user={user} ', server.log())


def test_append_flags_copy_move_expunge(server):
    connection = server.imap('ann')
    for name in ('a', 'b'):
        assert connection.create(name)[0] == 'OK'
    for i in range(10):
        assert connection.append('a', r'(\Seen)', None, MESSAGE)[0] == 'OK'
    assert connection.select('a')[1] == [b'10']
    assert connection.store('1:3', '+FLAGS', r'(\Flagged $Work)')[0] == 'OK'
    assert connection.search(None, 'FLAGGED', 'KEYWORD', '$Work')[1] == [b'1 2 3']
    assert connection.copy('1:5', 'b')[0] == 'OK'
    assert connection.store('1:2', '+FLAGS', r'(\Deleted)')[0] == 'OK'
    assert connection.expunge()[1] == [b'1', b'1']
    assert connection.uid('MOVE', '3:4', 'b')[0] == 'OK'
    assert connection.select('a')[1] == [b'6']
    assert connection.select('b')[1] == [b'7']
    assert connection.search(None, 'KEYWORD', '$work')[1] == [b'1 2 3 6']


def test_rename_keeps_mail_and_inbox_stays(server):
    connection = server.imap('ann')
    connection.append('INBOX', None, None, MESSAGE)
    assert connection.rename('INBOX', 'old/mail')[0] == 'OK'
    assert connection.select('old/mail')[1] == [b'1']
    assert connection.select('INBOX')[1] == [b'0']
    assert connection.rename('old', 'new')[0] in ('OK', 'NO')


def test_special_use_mailboxes_exist(server):
    _, lines = server.imap('ann').list()
    text = b'\n'.join(lines).decode()
    for use, name in ((r'\Drafts', 'Drafts'), (r'\Sent', 'Sent'), (r'\Junk', 'Junk'),
                      (r'\Trash', 'Trash'), (r'\Archive', 'Archive')):
        assert re.search(rf'\([^)]*{re.escape(use)}[^)]*\) "/" "?{name}"?', text), text


def test_idle_hears_of_a_delivery_and_of_another_session(server):
    idler = server.imap('bob')
    idler.select('INBOX')
    idler.send(b'i1 IDLE\r\n')
    assert idler.readline().startswith(b'+')
    server.deliver('bob', MESSAGE)
    assert idler.readline() == b'* 1 EXISTS\r\n'
    other = server.imap('bob')
    other.select('INBOX')
    while not (line := idler.readline()).startswith(b'* 1 RECENT'):
        assert line.startswith(b'* ')
    other.store('1', '+FLAGS', r'(\Flagged)')
    assert b'\\Flagged' in idler.readline()
    other.store('1', '+FLAGS', r'(\Deleted)')
    assert b'\\Deleted' in idler.readline()
    other.expunge()
    assert idler.readline() == b'* 1 EXPUNGE\r\n'
    idler.send(b'DONE\r\n')
    assert idler.readline().startswith(b'i1 OK')


def test_large_message_comes_back_whole(server):
    line = b'0123456789' * 7 + b'\r\n'
    large = MESSAGE + line * (20 * 1024 * 1024 // len(line))
    connection = server.imap('ann', timeout=60)
    assert connection.append('INBOX', None, None, large)[0] == 'OK'
    connection.select('INBOX')
    assert fetch_body(connection) == large
    _, data = connection.fetch('1', '(BODY.PEEK[]<1000000.1000>)')
    assert data[0][1] == large[1000000:1001000]


def test_message_over_the_limit_is_refused(make_server):
    server = make_server({'mail.message_bytes_max': '64K'})
    large = MESSAGE + b'x' * 70 + b'\r\n' + b'y' * 100000 + b'\r\n'
    connection = server.imap('ann')
    status, text = connection.append('INBOX', None, None, large)
    assert status == 'NO' and b'TOOBIG' in text[0]
    assert connection.noop()[0] == 'OK'
    refused = server.deliver('ann', large)
    assert list(refused.values())[0][0] == 552


def test_tls_and_starttls(server):
    import ssl
    connection = server.imaps('ann')
    connection.append('INBOX', None, None, MESSAGE)
    assert connection.select('INBOX')[1] == [b'1']
    assert fetch_body(connection) == MESSAGE
    assert connection.sock.version() in ('TLSv1.2', 'TLSv1.3')
    plain = server.imap()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    assert plain.starttls(context)[0] == 'OK'
    plain.login('ann', PASSWORD)
    assert plain.select('INBOX')[1] == [b'1']


def test_mail_survives_a_restart(server):
    connection = server.imap('ann')
    connection.append('INBOX', r'(\Flagged kept)', None, MESSAGE)
    connection.select('INBOX')
    uid = connection.uid('SEARCH', 'ALL')[1]
    validity = connection.response('UIDVALIDITY')[1]
    server.stop()
    server.start()
    connection = server.imap('ann')
    connection.select('INBOX')
    assert connection.uid('SEARCH', 'KEYWORD', 'kept', 'FLAGGED')[1] == uid
    assert connection.response('UIDVALIDITY')[1] == validity
    assert fetch_body(connection) == MESSAGE


def test_many_sessions_of_one_account(server):
    failures = []

    def work(i):
        try:
            connection = server.imap('ann', timeout=60)
            connection.select('INBOX')
            for _ in range(20):
                assert connection.append('INBOX', None, None, MESSAGE)[0] == 'OK'
        except Exception as error:
            failures.append(f'{i}: {error}')

    threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    connection = server.imap('ann')
    assert connection.select('INBOX')[1] == [b'320']
    uids = connection.uid('SEARCH', 'ALL')[1][0].split()
    assert len(set(uids)) == 320


def test_roost_deliver(server):
    done = server.run('deliver', 'bob', '--mailbox', 'Archive', data=MESSAGE)
    assert done.returncode == 0
    connection = server.imap('bob')
    assert connection.select('Archive')[1] == [b'1']
    assert server.run('deliver', 'nobody', data=MESSAGE, check=False).returncode == 67
    server.stop()
    assert server.run('deliver', 'bob', data=MESSAGE, check=False).returncode == 75


def test_accounts_while_it_runs_and_while_it_does_not(server):
    server.add_account('carl')
    assert server.imap('carl').select('INBOX')[1] == [b'0']
    server.run('account', 'password', 'carl', '--password-stdin', data=b'another one\n')
    with pytest.raises(imaplib.IMAP4.error):
        server.imap('carl')
    assert server.imap('carl', 'another one').noop()[0] == 'OK'
    server.run('account', 'remove', 'carl', '--yes')
    time.sleep(0.2)
    with pytest.raises(imaplib.IMAP4.error):
        server.imap('carl', 'another one')
    server.stop()
    server.add_account('dora')
    names = server.run('account', 'list').stdout.decode()
    assert 'dora' in names and 'ann' in names and 'carl' not in names
    server.start()
    assert server.imap('dora').select('INBOX')[1] == [b'0']
