"""All that a client has to say in one piece, or byte by byte: the login and the way from the gate
to the shard lose nothing and change no order."""
import base64
import socket
import ssl

import pytest

from roost_server import PASSWORD

MESSAGE = b'Subject: big\r\n\r\n' + b'0123456789abcde\n' * 100000
WORDS = b''.join(b'{%d+}\r\n%s ' % (len(word), word) for word in (b'ann', PASSWORD.encode()))[:-1]
PLAIN = base64.b64encode(b'\0ann\0' + PASSWORD.encode())
LOGINS = {
    'LOGIN': b'a LOGIN ' + WORDS,
    'AUTHENTICATE': b'a AUTHENTICATE PLAIN\r\n' + PLAIN,
    'SASL-IR': b'a AUTHENTICATE PLAIN ' + PLAIN,
}


def connect(server, tls):
    connection = socket.create_connection(
        ('127.0.0.1', server.imaps_port if tls else server.imap_port), 20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = context.wrap_socket(connection)
    return connection


def everything(connection):
    heard = b''
    while part := connection.recv(1 << 16):
        heard += part
    return heard


@pytest.fixture(scope='module')
def plain_server(tmp_path_factory):
    from roost_server import Server
    server = Server(folder=tmp_path_factory.mktemp('pipelines'))
    server.add_account('ann')
    server.start()
    yield server
    server.close()


@pytest.mark.parametrize('tls', (False, True))
@pytest.mark.parametrize('login', LOGINS)
def test_one_piece(plain_server, login, tls):
    """A message of 1.6 MB among it, so that it does not fit into any buffer on the way."""
    connection = connect(plain_server, tls)
    connection.sendall(LOGINS[login] + b'\r\nb APPEND Trash {%d+}\r\n' % len(MESSAGE) + MESSAGE +
                       b'\r\nc SELECT Trash\r\nd IDLE\r\nDONE\r\ne FETCH * BODY.PEEK[]\r\n'
                       b'f STORE 1:* +FLAGS.SILENT (\\Deleted)\r\ng CLOSE\r\n'
                       b'h STATUS Trash (MESSAGES)\r\ni LOGOUT\r\nj NOOP\r\n')
    heard = everything(connection)
    before, _, after = heard.partition(MESSAGE)
    answers = [line[:4] for line in before.split(b'\r\n') if line[:1].isalpha()]
    assert answers == [b'a OK', b'b OK', b'c OK', b'd OK']
    assert after == (b')\r\ne OK FETCH done\r\nf OK STORE done\r\n'
                     b'g OK No mailbox is selected now\r\n'
                     b'* STATUS Trash (MESSAGES 0)\r\nh OK STATUS done\r\n'
                     b'* BYE Logging out\r\ni OK LOGOUT done\r\n')


@pytest.mark.parametrize('login', LOGINS)
def test_byte_by_byte(plain_server, login):
    connection = connect(plain_server, False)
    said = LOGINS[login] + (b'\r\nb SELECT INBOX\r\nc SEARCH SUBJECT {3+}\r\nabc\r\n'
                            b'd IDLE\r\nDONE\r\ne LOGOUT\r\n')
    for byte in said:
        connection.sendall(bytes([byte]))
    heard = everything(connection)
    assert heard.endswith(b'* SEARCH\r\nc OK SEARCH done\r\n+ idling\r\nd OK IDLE done\r\n'
                          b'* BYE Logging out\r\ne OK LOGOUT done\r\n')
