"""A Roost server of its own for a test: started, asked, killed, started again."""
import imaplib
import os
import pathlib
import random
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get('ROOST_BINARY', ROOT / 'build' / 'roost'))
PASSWORD = 'correct horse'
START_SECONDS = 10
READY = 'event=server-ready'


def ports_in_turn():
    """Below those that the kernel gives to clients, so that none of them takes it meanwhile, and
    none of them twice: two listeners of one server must not be given the same one."""
    ports = random.sample(range(20000, 32000), 12000)
    while True:
        yield from ports


PORTS = ports_in_turn()


def free_port():
    """A port that nobody listens on, and that was not given out before."""
    for port in PORTS:
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue


class Server:
    """Files below `folder`; ports picked at random. `settings` override the defaults."""

    def __init__(self, settings=None, folder=None):
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix='roost-e2e-'))
        os.chmod(self.folder, 0o755)
        self.imap_port, self.imaps_port, self.lmtp_port = (free_port() for _ in range(3))
        self.lmtp_socket = self.folder / 'run' / 'lmtp'
        self.settings = {
            'data': self.folder / 'data',
            'run': self.folder / 'run',
            'imap.listen': f'127.0.0.1:{self.imap_port}',
            'imaps.listen': f'127.0.0.1:{self.imaps_port}',
            'lmtp.listen': f'127.0.0.1:{self.lmtp_port} unix:{self.lmtp_socket}',
            'domains': 'example.org',
            'mail.shards': '2',
        }
        self.settings.update(settings or {})
        self.process = None
        self.ends_known = False  # who ends it themselves say so
        self.said_before = 0
        self.log_path = self.folder / 'log'

    def options(self):
        return [part for key, value in self.settings.items()
                for part in ('--set', f'{key}={value}')]

    def command(self, *verb):
        return [str(BINARY), *verb, *self.options()]

    def run(self, *verb, data=None, check=True):
        """A command of the administrator; answers its CompletedProcess."""
        done = subprocess.run(self.command(*verb), input=data, capture_output=True, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f'{verb}: exit {done.returncode}: {done.stderr.decode()}')
        return done

    def add_account(self, name, password=PASSWORD):
        self.run('account', 'add', name, '--password-stdin', data=password.encode() + b'\n')

    def start(self):
        self.said_before = self.log().count(READY)
        log = open(self.log_path, 'ab')
        self.process = subprocess.Popen(self.command('serve'), stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log)
        log.close()
        self.ends_known = False
        self.wait_until_ready()
        return self

    def wait_until_ready(self, seconds=START_SECONDS):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f'server ended with {self.process.returncode}:\n{self.log()}')
            try:
                with socket.create_connection(('127.0.0.1', self.imap_port), 1) as connection:
                    connection.settimeout(2)
                    if connection.recv(100).startswith(b'* OK') and self.says_ready():
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f'server does not answer:\n{self.log()}')

    def says_ready(self):
        """A first gate greets before the last role is up; only the log knows of all."""
        quiet = self.settings.get('log.level') in ('warning', 'error')
        return quiet or self.log().count(READY) > self.said_before

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is not None:
            if not self.ends_known:
                raise AssertionError(f'server ended by itself with {self.process.returncode}:\n'
                                     f'{self.log()}')
            return
        self.ends_known = True
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'server did not stop in 10 s:\n{self.log()}')

    def kill(self):
        """The supervisor dies at once; the roles must follow by themselves."""
        self.ends_known = True
        self.process.kill()
        self.process.wait()

    def close(self):
        try:
            self.stop()
        finally:
            if self.own_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return self.log_path.read_text(errors='replace') if self.log_path.exists() else ''

    def roles(self):
        """{role name: [pid, ...]} of the processes below the supervisor."""
        found = {}
        for entry in pathlib.Path('/proc').iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / 'stat').read_text().rsplit(')', 1)[1].split()[1])
                words = (entry / 'cmdline').read_bytes().split(b'\0')
            except OSError:
                continue
            if parent == self.process.pid and b'--role' in words:
                role = words[words.index(b'--role') + 1].decode()
                found.setdefault(role, []).append(int(entry.name))
        return found

    def imap(self, user=None, password=PASSWORD, timeout=20):
        """A plain connection of imaplib, logged in when `user` is given."""
        connection = imaplib.IMAP4('127.0.0.1', self.imap_port, timeout)
        if user is not None:
            connection.login(user, password)
        return connection

    def imaps(self, user=None, password=PASSWORD, timeout=20):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = imaplib.IMAP4_SSL('127.0.0.1', self.imaps_port, ssl_context=context,
                                       timeout=timeout)
        if user is not None:
            connection.login(user, password)
        return connection

    def lmtp(self, unix=False):
        if unix:
            return smtplib.LMTP(str(self.lmtp_socket))
        return smtplib.LMTP('127.0.0.1', self.lmtp_port)

    def deliver(self, recipients, message, sender='sender@example.net'):
        """Delivers over LMTP; answers {refused recipient: (code, text)}."""
        if isinstance(recipients, str):
            recipients = [recipients]
        refused, accepted = {}, []
        with self.lmtp() as client:
            client.ehlo_or_helo_if_needed()
            code, text = client.mail(sender, [f'SIZE={len(message)}', 'BODY=8BITMIME'])
            if code != 250:
                return {name: (code, text) for name in recipients}
            for name in recipients:
                code, text = client.rcpt(name)
                if code == 250:
                    accepted.append(name)
                else:
                    refused[name] = (code, text)
            if accepted:
                # One answer for each recipient (RFC 2033 section 4.2); smtplib reads the first.
                answers = [client.data(message)]
                answers += [client.getreply() for _ in accepted[1:]]
                refused.update({name: answer for name, answer in zip(accepted, answers)
                                if answer[0] != 250})
        return refused
