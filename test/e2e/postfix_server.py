"""A Postfix of its own for a test: private directories, one port on loopback, LMTP out."""
import os
import pathlib
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile

import pytest

from mail import need, wait_for
from roost_server import free_port

DAEMONS = pathlib.Path('/usr/lib/postfix/sbin')

QUEUES = ['active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming',
          'maildrop', 'pid', 'private', 'public', 'saved', 'trace']

# The lmtp client is chrooted, as Debian has it.
MASTER_CF = '''
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
lmtp      unix - - y - - lmtp
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
'''

MAIN_CF = '''
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/lib
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.net
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
relay_domains = example.org
relay_transport = {transport}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtp_host_lookup = native
default_transport = error:nothing leaves this machine
notify_classes =
minimal_backoff_time = 600s
maximal_backoff_time = 1200s
lmtp_connect_timeout = 5s
lmtp_data_done_timeout = 30s
smtputf8_enable = yes
message_size_limit = 52428800
'''


class Postfix:
    """`socket`: a place for Roost's that the chrooted lmtp client can see, as private/roost."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='roost-postfix-'))
        self.port = free_port()
        self.process = None
        self.folder.chmod(0o755)
        (self.folder / 'etc').mkdir()
        queue = self.folder / 'queue'
        queue.mkdir()
        for name in QUEUES:
            (queue / name).mkdir(mode=0o700)
            shutil.chown(queue / name, 'root' if name == 'pid' else 'postfix')
        (self.folder / 'lib').mkdir()
        shutil.chown(self.folder / 'lib', 'postfix')
        self.socket = queue / 'private' / 'roost'

    def start(self, transport):
        etc = self.folder / 'etc'
        (etc / 'main.cf').write_text(MAIN_CF.format(folder=self.folder, transport=transport))
        (etc / 'master.cf').write_text(MASTER_CF.format(port=self.port).lstrip())
        self.process = subprocess.Popen([str(DAEMONS / 'master'), '-d', '-c', str(etc)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True,
                                        env=dict(os.environ, MAIL_CONFIG=str(etc)))
        wait_for(self.answers, 20, self.log)
        return self

    def answers(self):
        assert self.process.poll() is None, self.log()
        try:
            with socket.create_connection(('127.0.0.1', self.port), 5) as connection:
                return connection.recv(100).startswith(b'220')
        except OSError:
            return False

    def smtp(self):
        return smtplib.SMTP('127.0.0.1', self.port, timeout=30)

    def queued(self):
        """Paths of all that is still on its way."""
        found = []
        for name in ('maildrop', 'incoming', 'active', 'deferred'):
            found += [path for path in (self.folder / 'queue' / name).rglob('*') if path.is_file()]
        return found

    def flush(self):
        subprocess.run(['/usr/sbin/postqueue', '-c', str(self.folder / 'etc'), '-f'], check=True,
                       timeout=30)

    def wait_until_empty(self, seconds=30):
        wait_for(lambda: not self.queued(), seconds, lambda: f'{self.queued()}\n{self.log()}')

    def log(self):
        path = self.folder / 'maillog'
        return path.read_text(errors='replace')[-8000:] if path.exists() else ''

    def close(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            try:
                os.killpg(self.process.pid, signal.SIGKILL)  # what the master has left behind
            except ProcessLookupError:
                pass
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def postfix():
    need('postfix')
    if os.geteuid() != 0:
        pytest.skip('Postfix starts as root only')
    server = Postfix()
    yield server
    server.close()
