"""A Dovecot of its own for a benchmark: Debian's package, a configuration in a temporary folder."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap lmtp
listen = 127.0.0.1
mail_location = {format}:{folder}/mail/%u
mail_fsync = always
disable_plaintext_auth = no
auth_mechanisms = plain
first_valid_uid = 1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
default_internal_user = {user}
default_login_user = {login_user}
default_internal_group = {group}
default_client_limit = 15000
default_process_limit = 8000
mail_max_userip_connections = 20000
imap_idle_notify_interval = 29 min
passdb {{
  driver = passwd-file
  args = scheme=plain {folder}/users
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_group} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
    ssl = yes
  }}
  service_count = 0
  client_limit = 15000
  process_min_avail = 2
  process_limit = 2
  chroot =
}}
service imap {{
  process_limit = 8000
}}
service anvil {{
  client_limit = 15000
  chroot =
}}
service auth {{
  client_limit = 15000
}}
service stats {{
  client_limit = 15000
}}
service lmtp {{
  process_limit = 20
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
"""


def is_installed():
    return shutil.which('dovecot') is not None


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def make_certificate(folder):
    certificate, key = folder / 'cert.pem', folder / 'key.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', '/CN=localhost',
                    '-keyout', key, '-out', certificate], check=True, capture_output=True)
    return certificate, key


def children_of(root):
    """All processes below `root`, itself included."""
    parents = {}
    for entry in pathlib.Path('/proc').iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(
                    (entry / 'stat').read_text().rsplit(')', 1)[1].split()[1])
            except OSError:
                continue
    found, waiting = set(), [root]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting.extend(child for child, parent in parents.items()
                       if parent == pid and child not in found)
    return found


class Dovecot:
    """Must be started as root: Dovecot changes users."""

    name = 'dovecot'

    def __init__(self, accounts, password, mail_format='sdbox'):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='roost-bench-dovecot-'))
        os.chmod(self.folder, 0o755)
        self.imap_port, self.imaps_port, self.lmtp_port = (free_port() for _ in range(3))
        mail = pwd.getpwnam('dovecot' if self.has_user('dovecot') else 'nobody')
        certificate, key = make_certificate(self.folder)
        for name in ('run', 'state', 'mail'):
            (self.folder / name).mkdir()
        os.chown(self.folder / 'mail', mail.pw_uid, mail.pw_gid)
        users = ''.join(f'{name}:{password}\n' for name in accounts)
        (self.folder / 'users').write_text(users)
        self.configuration = self.folder / 'dovecot.conf'
        self.configuration.write_text(CONFIGURATION.format(
            folder=self.folder, format=mail_format, certificate=certificate, key=key,
            user='dovecot',
            login_user='dovenull', group='dovecot', mail_user=mail.pw_uid, mail_group=mail.pw_gid,
            imap_port=self.imap_port, imaps_port=self.imaps_port, lmtp_port=self.lmtp_port))
        self.process = None

    @staticmethod
    def has_user(name):
        try:
            pwd.getpwnam(name)
            return True
        except KeyError:
            return False

    def start(self):
        self.process = subprocess.Popen(['dovecot', '-F', '-c', str(self.configuration)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                with socket.create_connection(('127.0.0.1', self.imap_port), 1) as connection:
                    if connection.recv(100).startswith(b'* OK'):
                        return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError('dovecot does not answer: ' + (self.folder / 'log').read_text()[-2000:])

    def pids(self):
        return children_of(self.process.pid)

    def settings(self):
        return self.configuration.read_text()

    def version(self):
        done = subprocess.run(['dovecot', '--version'], capture_output=True, text=True)
        return done.stdout.strip()

    def close(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
