"""A Cyrus of its own: Debian's packages, unpacked into a folder, because they cannot be installed
beside Dovecot's; a configuration in a temporary folder."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from dovecot import children_of, free_port, make_certificate

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGES = ('cyrus-imapd', 'cyrus-common')
USER, GROUP = 'cyrus', 'mail'

IMAPD_CONF = """
configdirectory: {folder}/conf
defaultpartition: default
partition-default: {folder}/spool
proc_path: {folder}/proc
admins: cyrus
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {folder}/sasldb2
sasl_mech_list: PLAIN
allowplaintext: yes
unixhierarchysep: yes
virtdomains: no
autocreate_quota: 0
autocreate_inbox_folders: Archive
autocreate_post: yes
lmtpsocket: {folder}/socket/lmtp
idlesocket: {folder}/socket/idle
notifysocket: {folder}/socket/notify
tls_server_cert: {certificate}
tls_server_key: {key}
maxlogins_per_user: 0
"""

CYRUS_CONF = """
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {folder}/imapd.conf -r"
  idled cmd="{bin}/idled -C {folder}/imapd.conf"
}}
SERVICES {{
  imap cmd="{bin}/imapd -C {folder}/imapd.conf -U 1000" listen="127.0.0.1:{imap_port}" prefork=0
  imaps cmd="{bin}/imapd -s -C {folder}/imapd.conf -U 1000" listen="127.0.0.1:{imaps_port}"
  lmtp cmd="{bin}/lmtpd -a -C {folder}/imapd.conf" listen="127.0.0.1:{lmtp_port}" prefork=0
}}
EVENTS {{
  checkpoint cmd="{bin}/ctl_cyrusdb -C {folder}/imapd.conf -c" period=30000
}}
"""


def unpack():
    """The folder with the unpacked packages, made at the first call; None: they cannot be had."""
    folder = ROOT / 'build' / 'peers' / 'cyrus'
    if (folder / 'usr/lib/cyrus/bin/imapd').exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(['apt-get', 'download', '-q', *PACKAGES], cwd=folder,
                          capture_output=True, text=True)
    if done.returncode != 0:
        return None
    for package in folder.glob('*.deb'):
        subprocess.run(['dpkg', '-x', package, folder], check=True)
    return folder


def wait_until_gone(pids):
    """The master does not wait for those that still write into its folder."""
    for _ in range(200):
        if not any(os.path.exists(f'/proc/{pid}') for pid in pids):
            return
        time.sleep(0.05)


class Cyrus:
    """Must be started as root: Cyrus changes users."""

    name = 'cyrus'

    def __init__(self, accounts, password, settings=''):
        packages = unpack()
        self.bin = packages / 'usr/lib/cyrus/bin'
        self.environment = dict(os.environ, LD_LIBRARY_PATH=str(
            packages / 'usr/lib/x86_64-linux-gnu'))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='roost-bench-cyrus-'))
        self.imap_port, self.imaps_port, self.lmtp_port = (free_port() for _ in range(3))
        certificate, key = make_certificate(self.folder)
        # Sessions in IDLE make their sockets in conf/socket: without it they look once a minute.
        for name in ('conf', 'conf/socket', 'spool', 'proc', 'socket'):
            (self.folder / name).mkdir()
        values = {'folder': self.folder, 'bin': self.bin, 'certificate': certificate, 'key': key,
                  'imap_port': self.imap_port, 'imaps_port': self.imaps_port,
                  'lmtp_port': self.lmtp_port}
        (self.folder / 'imapd.conf').write_text(IMAPD_CONF.format(**values) + settings)
        (self.folder / 'cyrus.conf').write_text(CYRUS_CONF.format(**values))
        for name in accounts:
            subprocess.run(['saslpasswd2', '-p', '-c', '-f', self.folder / 'sasldb2', '-u',
                            socket.gethostname(), name], input=password.encode(), check=True)
        self.give_away()
        self.process = None

    def give_away(self):
        """To its user, who is made where missing."""
        try:
            pwd.getpwnam(USER)
        except KeyError:
            subprocess.run(['useradd', '--system', '--no-create-home', '-g', GROUP, '--shell',
                            '/usr/sbin/nologin', USER], check=True)
        for path in (self.folder, *self.folder.rglob('*')):
            shutil.chown(path, USER, GROUP)
        os.chmod(self.folder, 0o755)

    def start(self):
        log = open(self.folder / 'log', 'wb')
        self.process = subprocess.Popen(
            [self.bin / 'master', '-D', '-C', self.folder / 'imapd.conf', '-M',
             self.folder / 'cyrus.conf', '-p', self.folder / 'conf/master.pid'],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        log.close()
        for _ in range(200):
            try:
                with socket.create_connection(('127.0.0.1', self.imap_port), 1) as connection:
                    if connection.recv(100).startswith(b'* OK'):
                        return self
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError('cyrus does not answer: ' + (self.folder / 'log').read_text()[-2000:])

    def pids(self):
        return children_of(self.process.pid)

    def settings(self):
        return ''.join((self.folder / name).read_text() for name in ('imapd.conf', 'cyrus.conf'))

    def version(self):
        package = next((ROOT / 'build' / 'peers' / 'cyrus').glob('cyrus-imapd_*.deb'))
        return package.name.split('_')[1]

    def close(self):
        if self.process is not None:
            pids = self.pids()
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            wait_until_gone(pids)
        shutil.rmtree(self.folder, ignore_errors=True)
