"""LMTP word by word (RFC 2033): what is answered, and that nothing is lost when it is not 250."""
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from mail import bodies, message, wait_for, without_trace
from roost_server import PASSWORD


class Talk:
    """A connection that says exactly what it is told."""

    def __init__(self, server, unix=False, hello=True):
        if unix:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(20)
            self.socket.connect(str(server.lmtp_socket))
        else:
            self.socket = socket.create_connection(('127.0.0.1', server.lmtp_port), 20)
        self.file = self.socket.makefile('rb')
        self.greeting = self.answer()
        if hello:
            self.offers = self.ask('LHLO client.example.net').split('\n')

    def answer(self):
        """All lines of one answer."""
        lines = []
        while True:
            line = self.file.readline()
            assert line.endswith(b'\r\n'), (lines, line)
            lines.append(line.decode().rstrip('\r\n'))
            if line[3:4] != b'-':
                return '\n'.join(lines)

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def ask(self, line):
        self.send(line + '\r\n')
        return self.answer()

    def begin(self, *recipients, sender='a@example.net', options=''):
        assert self.ask(f'MAIL FROM:<{sender}>{options}').startswith('250 2.1.0')
        for recipient in recipients:
            assert self.ask(f'RCPT TO:<{recipient}>').startswith('250 2.1.5'), recipient
        return self

    def data(self, text, answers=1):
        """The message as it is, with its end; the answers for each recipient."""
        assert self.ask('DATA').startswith('354')
        self.send(text + b'\r\n.\r\n' if not text.endswith(b'\r\n') else text + b'.\r\n')
        return [self.answer() for _ in range(answers)]

    def is_over(self):
        try:
            return self.file.read(1) == b''
        except ConnectionResetError:
            return True

    def close(self):
        self.file.close()
        self.socket.close()


def stored(server, user='ann', mailbox='INBOX'):
    """What was delivered, as it was sent, or appended."""
    connection = server.imap(user, timeout=60)
    found = [without_trace(body) if body.startswith(b'Return-Path:') else body
             for body in bodies(connection, mailbox).values()]
    connection.logout()
    return found


def test_greeting_and_what_is_offered(server):
    talk = Talk(server)
    assert re.match(r'220 \S+ .*LMTP', talk.greeting)
    offers = {offer[4:].split(' ')[0] for offer in talk.offers}
    assert {'PIPELINING', 'SIZE', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'} <= offers
    assert 'XMAILBOX' not in offers
    assert talk.ask('NOOP').startswith('250 ')
    assert talk.ask('VRFY ann')[:3] in ('252', '502', '550')
    assert talk.ask('QUIT').startswith('221 2.0.0')
    assert talk.is_over()


@pytest.mark.parametrize('line,code', [
    ('EHLO client', '500'), ('HELO client', '500'), ('NONSENSE', '500'), ('', '500'),
    ('DATA', '503'), ('RCPT TO:<ann>', '503'), ('MAIL TO:<ann>', '501'), ('MAIL FROM:ann>', '501'),
    ('MAIL FROM:<ann@exa mple>', '501'), ('MAIL FROM:<a> FOO=1', '555'),
    ('MAIL FROM:<a> SIZE=abc', '501'), ('MAIL FROM:<a> BODY=9BIT', '501'),
    ('MAIL FROM:<zoë@example.org>', '553'), ('LHLO', '501'), ('x' * 5000, '500')])
def test_what_makes_no_sense_is_refused_and_forgotten(server, line, code):
    talk = Talk(server)
    assert talk.ask(line).startswith(code + ' 5.'), line
    assert talk.begin('ann').data(message(1))[0].startswith('250 2.')
    assert stored(server) == [message(1)]


def test_one_answer_for_each_recipient(server):
    talk = Talk(server)
    assert talk.ask('MAIL FROM:<a@example.net>').startswith('250')
    assert talk.ask('RCPT TO:<ann@example.org>').startswith('250 2.1.5')
    assert talk.ask('RCPT TO:<nobody@example.org>').startswith('550 5.1.1')
    assert talk.ask('RCPT TO:<ann@elsewhere.example>').startswith('550 5.1.')
    assert talk.ask('RCPT TO:<bob+x@example.org>').startswith('250 2.1.5')
    answers = talk.data(message(1), 2)
    assert all(answer.startswith('250 2.0.0') for answer in answers)
    assert 'ann' in answers[0] and 'bob' in answers[1]
    assert talk.ask('NOOP').startswith('250')
    assert stored(server) == stored(server, 'bob') == [message(1)]


def test_no_recipient_is_no_message(server):
    talk = Talk(server)
    assert talk.ask('MAIL FROM:<a@example.net>').startswith('250')
    assert talk.ask('RCPT TO:<nobody@example.org>').startswith('550 5.1.1')
    assert talk.ask('DATA').startswith('503 5.5.1')
    assert talk.ask('RSET').startswith('250')
    assert talk.begin('ann').data(message(2))[0].startswith('250')


def test_size(make_server):
    server = make_server({'mail.message_bytes_max': '64K'})
    talk = Talk(server)
    assert any(offer[4:] == 'SIZE 65536' for offer in talk.offers)
    assert talk.ask('MAIL FROM:<a@example.net> SIZE=65537').startswith('552 5.3.4')
    large = b'A: b\r\n\r\n' + (b'x' * 76 + b'\r\n') * 1000
    answers = talk.begin('ann', 'bob', options=' SIZE=1000').data(large, 2)
    assert all(answer.startswith('552 5.3.4') for answer in answers)
    fits = b'A: b\r\n\r\n' + b'x' * (65536 - 10) + b'\r\n'
    assert len(fits) == 65536
    assert talk.begin('ann').data(fits)[0].startswith('250')
    assert talk.begin('ann').data(b'A' + fits)[0].startswith('552 5.3.4')
    assert stored(server) == [fits]


def test_8bit_and_smtputf8(server):
    server.add_account('zoë')
    text = message(1, 'Grüße\r\n') .replace(b'Ann <', 'Änn <'.encode())
    talk = Talk(server)
    assert talk.begin('ann', options=' BODY=8BITMIME').data(text)[0].startswith('250')
    assert talk.ask('MAIL FROM:<zoë@example.net> SMTPUTF8 BODY=8BITMIME').startswith('250')
    assert talk.ask('RCPT TO:<zoë@example.org>').startswith('250')
    assert talk.data(text)[0].startswith('250')
    assert stored(server) == [text]
    connection = server.imap()
    connection.authenticate('PLAIN', lambda _: f'\0zoë\0{PASSWORD}'.encode())
    (body,) = bodies(connection).values()
    assert body.startswith('Return-Path: <zoë@example.net>\r\nDelivered-To: zoë'.encode())
    assert without_trace(body) == text
    latin = message(2, 'Grüße\r\n', 'latin-1')
    assert talk.begin('ann', options=' BODY=8BITMIME').data(latin)[0].startswith('250')
    assert stored(server)[1] == latin


def test_pipelining_of_everything(server):
    talk = Talk(server, hello=False)
    count = 40
    talk.send(b'LHLO c\r\n' + b''.join(
        b'MAIL FROM:<>\r\nRCPT TO:<ann>\r\nRCPT TO:<nobody>\r\nRCPT TO:<bob>\r\nDATA\r\n'
        + message(number) + b'.\r\nNOOP\r\n' for number in range(count)) + b'QUIT\r\n')
    assert talk.answer().startswith('250')
    for _ in range(count):
        codes = [talk.answer()[:3] for _ in range(8)]
        assert codes == ['250', '250', '550', '250', '354', '250', '250', '250']
    assert talk.answer().startswith('221')
    assert stored(server) == stored(server, 'bob') == [message(number) for number in range(count)]


def test_bytes_one_by_one(server):
    talk = Talk(server)
    for byte in b'MAIL FROM:<a@example.net>\r\nRCPT TO:<ann>\r\nDATA\r\nA: b\r\n\r\n..x\r\n.\r\n':
        talk.send(bytes([byte]))
    assert [talk.answer()[:3] for _ in range(4)] == ['250', '250', '354', '250']
    assert stored(server) == [b'A: b\r\n\r\n.x\r\n']


def test_dots(server):
    talk = Talk(server).begin('ann')
    assert talk.ask('DATA').startswith('354')
    talk.send(b'A: b\r\n\r\n..\r\n...\r\n.x\r\nx.\r\n.\r\n')
    assert talk.answer().startswith('250')
    assert stored(server) == [b'A: b\r\n\r\n.\r\n..\r\nx\r\nx.\r\n']


def test_only_crlf_dot_crlf_is_the_end(server):
    """A bare LF or CR is content; what others take for the end smuggles no second message in."""
    text = b'A: b\r\n\r\none\n.\ntwo\n.\r\nthree\r.\rfour\r\n.\nfive\r\n.\rsix\n\r\n'
    talk = Talk(server).begin('ann')
    assert talk.ask('DATA').startswith('354')
    talk.send(text + b'MAIL FROM:<evil@example.net>\r\n.\r\n')
    assert talk.answer().startswith('250')
    assert talk.ask('NOOP').startswith('250')
    (body,) = stored(server)
    assert body == text.replace(b'\r\n.', b'\r\n') + b'MAIL FROM:<evil@example.net>\r\n'


def test_a_command_that_ends_with_lf_alone(server):
    talk = Talk(server)
    talk.send(b'NOOP\nMAIL FROM:<a@example.net>\r\n')
    assert talk.answer().startswith('500 5.5.2')
    assert talk.answer().startswith('250 2.1.0')  # that line was whole


def test_mailbox_by_the_unix_socket_only(server):
    local, remote = Talk(server, unix=True), Talk(server)
    assert any(offer[4:] == 'XMAILBOX' for offer in local.offers)
    for name, mailbox in (('Junk', 'Junk'), ('lists/new', 'lists/new'),
                          ('Gr+C3+BC+C3+9Fe', 'Gr&APwA3w-e')):
        for talk in (local, remote):
            assert talk.ask('MAIL FROM:<>').startswith('250')
        assert remote.ask(f'RCPT TO:<ann> XMAILBOX={name}').startswith('555 5.5.4')
        answer = local.ask(f'RCPT TO:<ann> XMAILBOX={name}')
        assert answer.startswith('250'), answer
        answer = local.data(message(1))[0]
        if mailbox == 'Junk':
            assert answer.startswith('250'), answer
        if answer.startswith('250'):
            assert stored(server, mailbox=f'"{mailbox}"') == [message(1)]
        else:
            assert answer.startswith('550 5.2.0')
            assert server.imap('ann').select(f'"{mailbox}"')[0] == 'NO'
        assert remote.ask('RSET').startswith('250')
    assert stored(server) == []


def test_a_connection_that_ends_within_data_leaves_nothing(server):
    for end in (b'A: b\r\n\r\nx', b'A: b\r\n\r\nx\r\n.', b'A: b\r\n\r\nx\r\n.\r'):
        talk = Talk(server).begin('ann')
        assert talk.ask('DATA').startswith('354')
        talk.send(end)
        talk.close()
    assert Talk(server).begin('ann').data(message(1))[0].startswith('250')
    assert stored(server) == [message(1)]


def test_too_many_errors_end_the_connection(server):
    talk = Talk(server)
    talk.send(b'NONSENSE\r\n' * 40)
    codes = []
    while not codes or codes[-1] != '421':
        codes.append(talk.answer()[:3])
    assert set(codes[:-1]) == {'500'}
    assert talk.is_over()


def test_a_shard_that_dies_costs_a_try_and_no_mail(make_server):
    """Its mail is refused for now, or taken by the next one; never both lost and acknowledged."""
    server = make_server({'mail.shards': '1'})
    accepted, codes = [], []
    talk = Talk(server)
    for number in range(60):
        if number % 10 == 5:
            for pid in server.roles()['mail']:
                os.kill(pid, signal.SIGKILL)
        assert talk.ask('MAIL FROM:<a@example.net>').startswith('250')
        answer = talk.ask('RCPT TO:<ann>')
        if answer.startswith('250'):
            answer = talk.data(message(number))[0]
        codes.append(answer[:3])
        if answer.startswith('250'):
            accepted.append(message(number))
        else:
            assert answer.startswith('451 4.3.0'), answer
            talk.ask('RSET')
            time.sleep(0.1)
    assert len(accepted) >= 30, codes
    found = stored(server)
    assert [text for text in accepted if found.count(text) != 1] == []


def test_a_server_without_any_account_refuses_nobody_for_good(server):
    talk = Talk(server)
    talk.ask('MAIL FROM:<a@example.net>')
    assert talk.ask('RCPT TO:<carol@example.org>').startswith('550 5.1.1')
    for name in ('ann', 'bob'):
        server.run('account', 'remove', name, '--yes')
    assert talk.ask('RCPT TO:<carol@example.org>').startswith('451 4.3.0')
    assert 'there is no account at all' in server.log()
    talk.close()


def test_who_is_removed_between_two_messages_of_a_session(server):
    talk = Talk(server)
    for n in range(4):  # from the third on nobody is asked who that is
        assert talk.begin('ann@example.org').data(message(n))[0].startswith('250 2.0.0')
    server.run('account', 'remove', 'ann', '--yes')
    if talk.ask('MAIL FROM:<a@example.net>').startswith('250') and \
            talk.ask('RCPT TO:<ann@example.org>').startswith('250'):
        assert talk.data(message(5))[0].startswith('550 5.1.1')
    assert talk.ask('RSET').startswith('250')
    assert talk.begin('bob@example.org').data(message(6))[0].startswith('250')
    assert talk.ask('MAIL FROM:<a@example.net>').startswith('250')
    assert talk.ask('RCPT TO:<ann@example.org>').startswith('550 5.1.1')
    talk.close()


def test_a_shard_that_hangs_is_answered_for(make_server):
    server = make_server({'mail.shards': '1'})
    server.imap('ann').logout()
    (pid,) = server.roles()['mail']
    os.kill(pid, signal.SIGKILL)
    talk = Talk(server)
    assert talk.ask('MAIL FROM:<a@example.net>').startswith('250')
    first = talk.ask('RCPT TO:<ann>')
    assert first[:3] in ('250', '451')
    talk.close()

    def accepted():
        talk = Talk(server)
        try:
            talk.ask('MAIL FROM:<a@example.net>')
            return talk.ask('RCPT TO:<ann>').startswith('250') and \
                talk.data(message(1))[0].startswith('250')
        finally:
            talk.close()

    wait_for(accepted, 2, server.log)
    assert message(1) in stored(server)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MB."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=8m,mode=755', 'none', str(folder)],
                          capture_output=True)
    if done.returncode != 0:
        pytest.skip('a small file system cannot be mounted here')
    yield folder
    subprocess.run(['umount', '-l', str(folder)], check=True)


def test_a_full_disk(make_server, small_disk):
    server = make_server({'data': small_disk / 'data', 'mail.compression': 'none'})
    connection = server.imap('ann')
    talk = Talk(server)
    text = message(0, ('y' * 76 + '\r\n') * 1000)
    accepted = 0
    for _ in range(200):
        answer = talk.begin('ann', 'bob').data(text, 2)
        accepted += sum(line.startswith('250') for line in answer)
        refused = [line for line in answer if not line.startswith('250')]
        if refused:
            break
    assert refused and all(line.startswith('452 4.3.1') for line in refused), refused
    large = message(1, ('z' * 76 + '\r\n') * 100000)  # too large for what is left, and for memory
    assert talk.begin('ann').data(large)[0].startswith('452 4.3.1')
    status, why = connection.append('INBOX', None, None, large)
    assert status == 'NO' and b'[UNAVAILABLE]' in why[0], why
    assert re.search(r'event=command-failed session=\d+ account=ann command=APPEND why="no space"',
                     server.log())
    for _ in range(3):  # what is small enough may still find a place
        answer = talk.begin('ann').data(text)[0]
        assert re.match(r'250|452 4\.3\.1', answer), answer
        accepted += answer.startswith('250')
        status, why = connection.append('INBOX', None, None, text)
        assert status == 'OK' or b'[UNAVAILABLE]' in why[0], why
        accepted += status == 'OK'
    assert connection.select('INBOX')[0] == 'OK'
    assert len(stored(server)) + len(stored(server, 'bob')) == accepted
    assert set(stored(server) + stored(server, 'bob')) == {text}

    subprocess.run(['mount', '-o', 'remount,size=64m', str(small_disk)], check=True)
    answers = talk.begin('ann', 'bob').data(message(2), 2)
    assert [answer[:3] for answer in answers] == ['250', '250'], answers
    again = server.imap('ann')
    assert again.append('INBOX', None, None, message(3))[0] == 'OK'
    server.stop()
    server.start()
    assert len(stored(server)) + len(stored(server, 'bob')) == accepted + 3
    assert stored(server)[-2:] == [message(2), message(3)]
