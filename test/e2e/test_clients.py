"""Programs that people use: curl, fetchmail, neomutt, openssl; certificates changed under them."""
import datetime
import os
import re
import shlex
import signal
import smtplib
import socket
import ssl
import time

import pytest

from mail import bodies, message, need, trace_names, wait_for, without_trace
from programs import Screen, run
from roost_server import PASSWORD


def curl(server, path, *options, tls=False, check=True):
    base = f'imaps://127.0.0.1:{server.imaps_port}' if tls else \
        f'imap://127.0.0.1:{server.imap_port}'
    return run('curl', '-s', '-S', '-k', '-m', '20', '-u', f'ann:{PASSWORD}', base + path, *options,
               check=check)


@pytest.mark.parametrize('tls', [False, True])
def test_curl(server, tmp_path, tls):
    need('curl')
    (tmp_path / 'a').write_bytes(message(1))
    (tmp_path / 'b').write_bytes(message(2, 'x' * 78 + '\r\n' + 'Grüße\r\n' * 5000))
    for name in 'ab':
        curl(server, '/INBOX', '-T', tmp_path / name, tls=tls)
    listing = curl(server, '/', tls=tls).stdout
    assert b'* LIST' in listing and b'INBOX' in listing and b'\\Drafts' in listing
    assert curl(server, '/INBOX;MAILINDEX=1', tls=tls).stdout == message(1)
    assert curl(server, '/INBOX;UID=2', tls=tls).stdout == (tmp_path / 'b').read_bytes()
    header = curl(server, '/INBOX;MAILINDEX=2;SECTION=HEADER.FIELDS%20(SUBJECT)', tls=tls).stdout
    assert header == b'Subject: number 2\r\n\r\n'
    text = curl(server, '/INBOX;UID=1;SECTION=TEXT', tls=tls).stdout
    assert text == b'A line.\r\n'
    stored = curl(server, '/INBOX', '-X', r'STORE 1 +FLAGS (\Deleted $Seen)', tls=tls).stdout
    assert b'* 1 FETCH (FLAGS (' in stored and b'\\Deleted' in stored
    assert curl(server, '/INBOX?DELETED', tls=tls).stdout.strip() == b'* SEARCH 1'
    curl(server, '/INBOX', '-X', 'EXPUNGE', tls=tls)
    assert b'EXISTS' in curl(server, '/INBOX', '-X', 'EXAMINE INBOX', tls=tls).stdout
    assert list(bodies(server.imap('ann'))) == [2]
    wrong = curl(server, '/INBOX;UID=77', tls=tls, check=False)
    assert wrong.returncode == 78  # CURLE_REMOTE_FILE_NOT_FOUND


def test_curl_with_starttls_and_each_mechanism(server):
    need('curl')
    for options in (['--ssl-reqd'], ['--login-options', 'AUTH=PLAIN'], ['--ssl-reqd', '--sasl-ir']):
        assert b'INBOX' in curl(server, '/', *options).stdout


@pytest.mark.parametrize('way', ['plain', 'starttls', 'imaps'])
def test_fetchmail_takes_all_and_deletes(server, tmp_path, way):
    need('fetchmail')
    texts = [message(number, f'{number}\r\nFrom here\r\n.\r\n') for number in range(12)]
    for text in texts:
        server.deliver('ann', text)
    port = server.imaps_port if way == 'imaps' else server.imap_port
    security = {'plain': "sslproto ''", 'starttls': "sslproto 'TLS1.2+'", 'imaps': 'ssl'}[way]
    control = tmp_path / 'fetchmailrc'
    control.write_text(f"""
        poll localhost via 127.0.0.1 service {port} protocol IMAP
        user 'ann' password '{PASSWORD}' {security} no sslcertck fetchall no rewrite stripcr
        mda "sh -c 'cat > $(mktemp {tmp_path}/mail.XXXXXX)'"
        """)
    control.chmod(0o600)
    home = {'env': dict(os.environ, HOME=str(tmp_path), FETCHMAILHOME=str(tmp_path))}
    run('fetchmail', '-f', control, '-N', '--idfile', tmp_path / 'ids', '--pidfile',
        tmp_path / 'pid', '--invisible', **home)
    got = [path.read_bytes().replace(b'\n', b'\r\n') for path in tmp_path.glob('mail.*')]
    assert sorted(without_trace(text) for text in got) == sorted(texts)
    assert bodies(server.imap('ann')) == {}
    again = run('fetchmail', '-f', control, '-N', '--idfile', tmp_path / 'ids', '--pidfile',
                tmp_path / 'pid', check=False, **home)
    assert again.returncode == 1  # no mail


def neomutt(tmp_path, folder, commands, seconds=30):
    """Runs in a terminal that tmux makes; `commands` are pushed as keys."""
    config = tmp_path / 'neomuttrc'
    config.write_text(f'''
set folder = "{folder}"
set spoolfile = "{folder}INBOX"
set imap_pass = "{PASSWORD}"
set ssl_verify_host = no
set ssl_verify_dates = no
set certificate_file = "{tmp_path}/certificates"
set header_cache = ""
set confirmappend = no
set delete = yes
set quit = yes
set wait_key = no
set sleep_time = 0
set mail_check = 1
set timeout = 1
set pager_index_lines = 4
set mbox_type = mbox
set copy = no
push "{commands}"
''')
    return f'HOME={tmp_path} LC_ALL=C.UTF-8 TERM=screen neomutt -n -F {shlex.quote(str(config))}'


@pytest.mark.parametrize('way', ['plain', 'imaps'])
def test_neomutt(server, tmp_path, way):
    need('neomutt', 'tmux')
    connection = server.imap('ann')
    for number in range(3):
        connection.append('INBOX', None, None, message(number, f'Body of {number}, Grüße\r\n'))
    folder = f'imap://ann@127.0.0.1:{server.imap_port}/' if way == 'plain' else \
        f'imaps://ann@127.0.0.1:{server.imaps_port}/'
    screen = Screen(tmp_path, neomutt(tmp_path, folder, ''))
    try:
        screen.shows('(r)eject')  # the certificate is self-made, and STARTTLS is on offer
        screen.keys('o')
        screen.shows('number 0', 'number 1', 'number 2')
        screen.keys('Enter')
        screen.shows('Body of', 'Grüße')
        screen.keys('i')
        screen.shows('number 2')
        server.deliver('ann', message(3))
        screen.shows('number 3')
        screen.keys('1', 'Enter', 'd', 'F', '$')
        connection.select('INBOX')
        wait_for(lambda: connection.noop() and
                 connection.search(None, 'FLAGGED')[1] == [b'1'], 10, screen.text)
        screen.keys('C')
        screen.keys('=', 'kept', 'Enter')
        screen.shows('Create')
        screen.keys('y')
        wait_for(lambda: connection.status('kept', '(MESSAGES)')[0] == 'OK', 10, screen.text)
        screen.keys('q')
        wait_for(lambda: not screen.text().strip(), 10, screen.text)
    finally:
        screen.close()
    numbers = {re.search(rb'Subject: number (\d)', text)[1]
               for text in bodies(connection).values()}
    assert numbers >= {b'1', b'2', b'3'}


@pytest.mark.parametrize('version', ['tls1_2', 'tls1_3'])
def test_openssl_starttls(server, version):
    need('openssl')
    shown = run('openssl', 's_client', '-connect', f'127.0.0.1:{server.imap_port}', '-starttls',
                'imap', f'-{version}', '-crlf', '-quiet', '-ign_eof',
                data=f'a LOGIN ann "{PASSWORD}"\nb SELECT INBOX\nc LOGOUT\n'.encode())
    text = shown.stdout
    assert re.search(rb'^a OK', text, re.M) and b'\nb OK' in text and b'\nc OK' in text, text
    assert b'STARTTLS' not in text.split(b'a OK')[1]


def test_openssl_refuses_what_is_too_old(server):
    need('openssl')
    for way in ([f'127.0.0.1:{server.imaps_port}'],
                [f'127.0.0.1:{server.imap_port}', '-starttls', 'imap']):
        done = run('openssl', 's_client', '-cipher', 'ALL@SECLEVEL=0', '-tls1_1', '-connect', *way,
                   data=b'', check=False)
        assert done.returncode != 0


def make_pair(folder, name):
    """A certificate for `name` and its key."""
    folder.mkdir(exist_ok=True)
    run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
        '-nodes', '-days', '30', '-subj', f'/CN={name}', '-keyout', folder / 'key.pem', '-out',
        folder / 'certificate.pem')
    return folder


def shown_name(server, starttls=False):
    """CN of the certificate that a new handshake shows."""
    port = server.imap_port if starttls else server.imaps_port
    text = run('openssl', 's_client', '-connect', f'127.0.0.1:{port}',
               *(['-starttls', 'imap'] if starttls else []), data=b'', check=False).stdout.decode()
    return re.search(r'^subject=CN = (.*)$', text, re.M)[1]


def reload_and_read(server, pattern):
    """SIGHUP; the line of the log that says how it went."""
    before = len(server.log())
    server.process.send_signal(signal.SIGHUP)
    return wait_for(lambda: re.search(pattern, server.log()[before:]), 10,
                    lambda: server.log()[before:])


def test_certificates_are_reloaded_under_running_sessions(make_server, tmp_path):
    need('openssl')
    pair = make_pair(tmp_path / 'pair', 'one.example.org')
    server = make_server({'tls.certificate': pair / 'certificate.pem', 'tls.key': pair / 'key.pem'})
    old = server.imaps('ann')
    old.append('INBOX', None, None, message(1))
    assert shown_name(server) == shown_name(server, starttls=True) == 'one.example.org'

    make_pair(pair, 'two.example.org')
    reload_and_read(server, 'event=reloaded')
    wait_for(lambda: shown_name(server) == 'two.example.org', 5, server.log)
    assert shown_name(server, starttls=True) == 'two.example.org'
    assert list(bodies(old).values()) == [message(1)]

    make_pair(tmp_path / 'other', 'three.example.org')
    (pair / 'key.pem').write_bytes((tmp_path / 'other' / 'key.pem').read_bytes())
    line = reload_and_read(server, r'(?m)^.*event=not-reloaded.*$')[0]
    assert str(pair / 'key.pem') in line and 'as before' in line, line
    time.sleep(0.3)
    assert shown_name(server) == 'two.example.org'
    (pair / 'certificate.pem').write_text('nonsense\n')
    reload_and_read(server, 'event=not-reloaded')
    assert shown_name(server) == shown_name(server, starttls=True) == 'two.example.org'

    make_pair(pair, 'four.example.org')
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: shown_name(server) == 'four.example.org', 5, server.log)
    assert list(bodies(old).values()) == [message(1)]
    assert server.process.poll() is None


def test_a_large_message_over_tls_while_the_certificate_changes(make_server, tmp_path):
    need('openssl')
    pair = make_pair(tmp_path / 'pair', 'one.example.org')
    server = make_server({'tls.certificate': pair / 'certificate.pem', 'tls.key': pair / 'key.pem'})
    large = message(1, ('0123456789' * 7 + '\r\n') * 200000)
    connection = server.imaps('ann', timeout=60)
    assert connection.append('INBOX', None, None, large)[0] == 'OK'
    connection.select('INBOX')
    connection.send(b'x FETCH 1 (BODY.PEEK[])\r\n')
    time.sleep(0.1)
    make_pair(pair, 'two.example.org')
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: shown_name(server) == 'two.example.org', 5, server.log)
    line = connection.readline()
    assert connection.read(int(re.search(rb'\{(\d+)\}', line)[1])) == large


def test_the_log_tells_a_session_from_login_to_end(server):
    connection = server.imap('ann')
    number = re.search(r'event=login session=(\d+) service=imap address=127.0.0.1:',
                       server.log())[1]
    connection.logout()
    line = wait_for(lambda: re.search(rf'event=session-ended session={number} .*', server.log()), 5,
                    server.log)[0]
    assert 'account=ann' in line and 'why=logout' in line
    server.imaps('ann').sock.close()
    wait_for(lambda: 'why="client closed"' in server.log(), 5, server.log)
    run('curl', '-s', '-m', '5', f'http://127.0.0.1:{server.imaps_port}/', check=False)
    wait_for(lambda: re.search(r'event=tls-failed .*address=127.0.0.1:\d+ why=', server.log()), 5,
             server.log)
    logged_in = server.imap('ann')
    server.run('account', 'password', 'ann', '--password-stdin', data=b'another\n')
    wait_for(lambda: 'why="The password was changed: please log in again"' in server.log(), 5,
             server.log)
    logged_in.sock.close()


def ended(server, number):
    return wait_for(lambda: re.search(rf'event=session-ended session={number} .*', server.log()), 5,
                    server.log)[0]


def test_the_log_tells_of_sessions_that_no_shard_has_seen(server):
    with server.imap() as connection:
        assert connection.noop()[0] == 'OK'
    socket.create_connection(('127.0.0.1', server.imap_port)).close()
    pattern = r'session=(\d+) service=imap address=127.0.0.1:\d+ why="said bye" .*login=no'
    number = wait_for(lambda: re.search(pattern, server.log()), 5, server.log)[1]
    with socket.create_connection(('127.0.0.1', server.lmtp_port)) as gone:
        gone.sendall(b'LHLO there\r\nMAIL FROM:<>\r\n')
        gone.shutdown(socket.SHUT_WR)
        while gone.recv(1000):
            pass
    pattern = r'service=lmtp address=127.0.0.1:\d+ why="client closed" .*messages=0'
    wait_for(lambda: re.search(pattern, server.log()), 5, server.log)
    with smtplib.LMTP('127.0.0.1', server.lmtp_port) as lmtp:
        assert lmtp.sendmail('eve@example.com', ['ann'], message(1)) == {}
    pattern = r'event=delivery session=(\d+) account=ann .*result=ok'
    delivered = wait_for(lambda: re.search(pattern, server.log()), 5, server.log)[1]
    assert 'service=lmtp address=127.0.0.1:' in ended(server, delivered)
    assert ended(server, delivered).endswith('messages=1')
    # The one that only looked whether the port is open has no line; the others have one each.
    assert number != delivered
    assert len(re.findall('event=session-ended', server.log())) == 3


def test_tls_versions_of_python(server):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        connection = server.imap()
        assert connection.starttls(context)[0] == 'OK'
        assert connection.login('ann', PASSWORD)[0] == 'OK'
        assert 'STARTTLS' not in connection.capabilities
        assert connection.sock.version() == version.name.replace('_', '.')


@pytest.mark.parametrize('mechanisms,announced,login,plain', [
    ('PLAIN', {'LOGINDISABLED', 'AUTH=PLAIN'}, False, True),
    ('LOGIN', set(), True, False),
    ('LOGIN SCRAM-SHA-256', {'AUTH=SCRAM-SHA-256'}, True, False),
    ('SCRAM-SHA-256-PLUS', {'LOGINDISABLED', 'AUTH=SCRAM-SHA-256-PLUS'}, False, False)])
def test_only_what_is_configured_is_offered(make_server, mechanisms, announced, login, plain):
    server = make_server({'auth.mechanisms': mechanisms})
    connection = server.imaps()
    assert {word for word in connection.capabilities
            if word.startswith(('AUTH=', 'LOGIN'))} == announced

    def works(act):
        connection = server.imaps()
        try:
            return act(connection)[0] == 'OK'
        except connection.error as error:
            assert 'CANNOT' in str(error)
            return False

    assert works(lambda one: one.login('ann', PASSWORD)) == login
    assert works(lambda one: one.authenticate(
        'PLAIN', lambda _: f'\0ann\0{PASSWORD}'.encode())) == plain


def test_internal_dates_are_kept(server):
    connection = server.imap('ann')
    when = datetime.datetime(2024, 2, 29, 23, 59, 58, tzinfo=datetime.timezone(
        datetime.timedelta(hours=-3, minutes=-30)))
    connection.append('INBOX', None, when, message(1))
    connection.select('INBOX')
    answer = connection.fetch('1', '(INTERNALDATE)')[1][0]
    got = re.search(rb'INTERNALDATE "([^"]*)"', answer)[1].decode()
    assert datetime.datetime.strptime(got, '%d-%b-%Y %H:%M:%S %z') == when


def test_trace_fields_of_a_delivery(server):
    server.deliver('ann+tag@example.org', message(1), sender='<>')
    (stored,) = bodies(server.imap('ann')).values()
    assert trace_names(stored, message(1)) == ['Return-Path', 'Delivered-To', 'Received']
    assert stored.startswith(b'Return-Path: <>\r\nDelivered-To: ann')
    received = re.search(rb'Received: (.*?\r\n)(?=\S)', stored, re.S)[1]
    assert re.search(rb'\sby \S+', received) and re.search(rb'with LMTP', received)
    assert re.search(rb';\s+\w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}', received)
