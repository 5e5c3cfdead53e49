"""A relay between clients and a server that keeps what both say, in its order."""
import re
import socket
import threading

LITERAL = re.compile(rb'\{(\d+)(\+?)\}\r\n\Z')
CHUNK_BYTES = 65536


def listeners(port):
    """What the kernel says of that port now."""
    with open('/proc/net/tcp') as table:
        found = [line.strip() for line in table if f':{port:04X} ' in line]
    return f'port {port} in /proc/net/tcp: {found}'


class Recorder:
    """Listens on `port` for plain connections. `events` is [(connection number, who, bytes)] with
    who 'C', 'S', or 'end' for a client that went away."""

    def __init__(self, server_port):
        self.server_port = server_port
        self.events = []
        self.refused = []  # why the server did not take a connection, each
        self.lock = threading.Lock()
        self.count = 0
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(('127.0.0.1', self.server_port))
            except OSError as error:
                self.refused.append(f'{error}; {listeners(self.server_port)}')
                client.close()
                continue
            self.count += 1
            for who, source, sink in (('C', client, server), ('S', server, client)):
                threading.Thread(target=self.relay, args=(self.count, who, source, sink),
                                 daemon=True).start()

    def relay(self, number, who, source, sink):
        while True:
            try:
                data = source.recv(CHUNK_BYTES)
            except OSError:
                data = b''
            with self.lock:
                if data or who == 'C':
                    self.events.append((number, who if data else 'end', data))
            try:
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
            except OSError:
                return

    def said(self, who='C'):
        """All that one side said, of all connections."""
        with self.lock:
            return b''.join(data for _, speaker, data in self.events if speaker == who)

    def close(self):
        self.listener.close()
