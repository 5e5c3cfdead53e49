"""mbsync between a Maildir of the test and an account."""
import pathlib
import re
import ssl
import subprocess

from mail import bodies
from roost_server import PASSWORD

CONFIG = '''
IMAPAccount roost
Host 127.0.0.1
Port {port}
User {user}
Pass "{password}"
SSLType {ssl}
AuthMechs {mechanism}
CertificateFile {certificate}
Timeout 20
{more}

IMAPStore far
Account roost

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
Sync All
SyncState {folder}/state/
'''


class Mbsync:
    """`way`: IMAPS, STARTTLS or None; `port` in the place of the server's, `more` lines for the
    account."""

    def __init__(self, server, folder, user, way='None', mechanism='LOGIN', *, port=None, more=''):
        self.server, self.user = server, user
        self.folder = pathlib.Path(folder)
        (self.folder / 'mail').mkdir(parents=True)
        (self.folder / 'state').mkdir()
        certificate = self.folder / 'certificate.pem'
        certificate.write_text(ssl.get_server_certificate(('127.0.0.1', server.imaps_port)))
        self.config = self.folder / 'mbsyncrc'
        self.config.write_text(CONFIG.format(
            port=port or (server.imaps_port if way == 'IMAPS' else server.imap_port), user=user,
            password=PASSWORD, ssl=way, mechanism=mechanism, folder=self.folder,
            certificate=certificate, more=more))

    def run(self, check=True, seconds=60):
        done = subprocess.run(['mbsync', '-c', str(self.config), 'all'], capture_output=True,
                              timeout=seconds)
        assert not check or done.returncode == 0, (done.stderr.decode(), self.server.log()[-3000:])
        return done

    def until_quiet(self, rounds=3):
        """Runs until a run changes nothing on either side; the last one must be such."""
        before = None
        for _ in range(rounds + 1):
            self.run()
            after = self.snapshot()
            if after == before:
                return after
            before = after
        raise AssertionError(f'still changing after {rounds} runs: {before}')

    def maildir(self):
        """{mailbox: {file name: bytes}}"""
        return {str(path.parent.relative_to(self.folder / 'mail')):
                {entry.name: entry.read_bytes() for part in ('cur', 'new')
                 for entry in (path.parent / part).iterdir()}
                for path in (self.folder / 'mail').rglob('cur')}

    def snapshot(self):
        """Both sides with all that a run could have changed."""
        connection = self.server.imap(self.user)
        far = {}
        for name in mailboxes(connection):
            state = connection.status(name, '(UIDNEXT UIDVALIDITY)')[1]
            connection.select(name, readonly=True)
            far[name] = (state, connection.uid('FETCH', '1:*', '(FLAGS)')[1])
        connection.logout()
        return far, {name: sorted(found) for name, found in self.maildir().items()}

    def contents(self):
        """({mailbox: [(text without mbsync's own field, flags)]} of the far side, of the near)"""
        connection = self.server.imap(self.user)
        far, near = {}, {}
        for name in mailboxes(connection):
            texts = bodies(connection, name)
            flags = uid_flags(connection)
            far[utf7_decode(name)] = sorted((pure(text), flags[uid]) for uid, text in texts.items())
        for name, found in self.maildir().items():
            near[utf7_decode(name)] = sorted((pure(text), maildir_flags(file))
                                             for file, text in found.items())
        connection.logout()
        return far, near


def mailboxes(connection):
    found = []
    for line in connection.list()[1]:
        if b'\\Noselect' not in line and b'\\NonExistent' not in line:
            found.append(re.search(rb' "/" (.*)$', line)[1].decode())
    return found


def uid_flags(connection):
    """{UID: letters as in a Maildir} of the selected mailbox."""
    found = {}
    for line in connection.uid('FETCH', '1:*', '(FLAGS)')[1]:
        if line is not None:
            flags = re.search(rb'FLAGS \(([^)]*)\)', line)[1]
            found[int(re.search(rb'UID (\d+)', line)[1])] = ''.join(
                letter for letter, flag in (('D', rb'\Draft'), ('F', rb'\Flagged'),
                                            ('R', rb'\Answered'), ('S', rb'\Seen'),
                                            ('T', rb'\Deleted')) if flag in flags.split())
    return found


def maildir_flags(name):
    return ''.join(sorted(name.partition(':2,')[2]))


def pure(text):
    """A Maildir has LF, and mbsync may have marked the message while it was on its way."""
    text = text.replace(b'\r\n', b'\n')
    return re.sub(rb'^X-TUID: [^\n]*\n', b'', text, count=1, flags=re.M)


def utf7_decode(name):
    """RFC 3501 s5.1.3, of a name as LIST gave it."""
    name = name.strip('"')
    return re.sub('&([^-]*)-', lambda part: '&' if not part[1] else
                  f'+{part[1].replace(",", "/")}-'.encode().decode('utf-7'), name)
