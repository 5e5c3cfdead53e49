"""A small IMAP client for tests that must know the tag of each command and see each answer."""
import itertools
import re
import socket
import ssl

LITERAL = re.compile(rb'\{(\d+)\}\r\n$')


class Closed(Exception):
    """The server ended the connection, or did not answer in time."""


class Wire:
    def __init__(self, port, tls=False, prefix='t', timeout=20):
        try:
            self.socket = socket.create_connection(('127.0.0.1', port), timeout)
            if tls:
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                self.socket = context.wrap_socket(self.socket)
        except OSError as error:
            raise Closed(str(error)) from error
        self.file = self.socket.makefile('rb')
        self.tags = (f'{prefix}{number}' for number in itertools.count(1))
        self.tag = None
        self.greeting = self.line()

    def line(self):
        """One line of the server with its literals, without the end."""
        whole = b''
        try:
            while True:
                part = self.file.readline()
                if not part.endswith(b'\n'):
                    raise Closed('the connection ended')
                whole += part
                literal = LITERAL.search(part)
                if literal is None:
                    return whole[:-2]
                body = self.file.read(int(literal[1]))
                if len(body) != int(literal[1]):
                    raise Closed('the connection ended within a literal')
                whole += body
        except OSError as error:
            raise Closed(str(error)) from error

    def send(self, command, *literals):
        """`command` with `%` for each literal, which is sent without waiting for leave."""
        self.tag = next(self.tags)
        data = f'{self.tag} '.encode()
        parts = command.encode().split(b'%')
        for part, literal in itertools.zip_longest(parts, literals):
            data += part + (b'' if literal is None else b'{%d+}\r\n' % len(literal) + literal)
        try:
            self.socket.sendall(data + b'\r\n')
        except OSError as error:
            raise Closed(str(error)) from error

    def finish(self):
        """(status, text, untagged lines) of the command that was sent last."""
        untagged = []
        while True:
            line = self.line()
            if line.startswith(self.tag.encode() + b' '):
                status, _, text = line[len(self.tag) + 1:].partition(b' ')
                return status.decode(), text, untagged
            untagged.append(line)

    def ask(self, command, *literals):
        self.send(command, *literals)
        return self.finish()

    def ok(self, command, *literals):
        """The untagged lines; the text of the answer last."""
        status, text, untagged = self.ask(command, *literals)
        assert status == 'OK', f'{command}: {status} {text}'
        return [*untagged, text]

    def close(self):
        self.socket.close()
