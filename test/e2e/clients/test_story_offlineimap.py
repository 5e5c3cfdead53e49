"""OfflineIMAP: a Maildir and an account become the same, by way of its own record of both."""
import os
import pathlib
import re
import ssl

import pytest

from mail import crlf, need
from maildir import Maildir, known_to_maildirs
from mbsync import pure
from programs import run
from roost_server import PASSWORD
from story import SUBJECTS, TEXTS, ZURICH, mail

CONFIG = '''
[general]
accounts = roost
metadata = {folder}/metadata
maxsyncaccounts = 1
ui = basic

[Account roost]
localrepository = here
remoterepository = there

[Repository here]
type = Maildir
localfolders = {folder}/mail
sep = /
sync_deletes = yes

[Repository there]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = ann
remotepass = {password}
auth_mechanisms = {mechanism}
ssl = {tls}
starttls = {starttls}
sslcacertfile = {folder}/certificate.pem
ssl_version = tls1_2
tls_level = tls_compat
maxconnections = 1
expunge = yes
subscribedonly = {subscribed}
'''

# imaplib2 reads and writes one TLS connection from two threads. Tickets, which TLS 1.3 sends behind
# the handshake, wake the reader, and now and then it never hears an answer; `ssl_version` is not
# used with STARTTLS.
OPENSSL_CONFIG = '''
openssl_conf = all
[all]
ssl_conf = parts
[parts]
system_default = limits
[limits]
MaxProtocol = TLSv1.2
'''


@pytest.fixture(autouse=True)
def program():
    need('offlineimap')


class Offlineimap:
    def __init__(self, server, folder, port, way='plain', password=PASSWORD, mechanism='PLAIN',
                 subscribed='no'):
        self.folder = pathlib.Path(folder)
        (self.folder / 'mail').mkdir(parents=True)
        (self.folder / 'certificate.pem').write_text(
            ssl.get_server_certificate(('127.0.0.1', server.imaps_port)))
        (self.folder / 'openssl.cnf').write_text(OPENSSL_CONFIG)
        self.config = self.folder / 'config'
        self.config.write_text(CONFIG.format(
            folder=self.folder, port=port, password=password, tls='yes' if way == 'imaps' else 'no',
            starttls='yes' if way == 'starttls' else 'no', mechanism=mechanism,
            subscribed=subscribed))

    def run(self, check=True):
        return run('offlineimap', '-o', '-c', self.config, check=check,
                   env=dict(os.environ, HOME=str(self.folder), LC_ALL='C.UTF-8', TZ='UTC',
                            OPENSSL_CONF=str(self.folder / 'openssl.cnf')))


def check_same(story, here, folder, there=None):
    far = story.texts(there or folder)
    assert here.texts(folder) == {name: crlf(pure(text)) for name, text in far.items()}
    flags = known_to_maildirs(story.flags(there or folder))
    assert here.flags(folder) == {name: each - {'$Forwarded'} for name, each in flags.items()}


def test_away_and_back(story, keep, tmp_path):
    sync = Offlineimap(story.server, tmp_path / 'a', story.port)
    here = Maildir(tmp_path / 'a' / 'mail')
    sync.run()
    assert here.folders() == story.mailboxes()
    assert here.texts('INBOX') == {name: TEXTS[name] for name in SUBJECTS}
    check_same(story, here, 'INBOX')
    check_same(story, here, ZURICH)

    # Away: both change things.
    story.select()
    story.far.ok(rf'UID STORE {story.uid("rohe Umlaute: äöü")} +FLAGS (\Flagged)')
    story.far.ok(rf'UID STORE {story.uid("forwarded")} -FLAGS (\Answered)')
    story.far.ok(f'UID MOVE {story.uid("Grüße aus Köln")} Archive')
    story.put(mail(b'while away', 'away'))
    here.flag('INBOX', 'a plain word', 'RS')
    here.delete('INBOX', 'with a picture')
    here.file('INBOX', 'Re: a plain word', 'lists/work')
    here.write('Drafts', mail(b'half a thought', 'half'), 'DS')
    here.write('new here', mail(b'first of its folder', 'first'))

    sync.run()
    for folder in ('INBOX', 'Archive', 'lists/work', 'Drafts', 'new here'):
        check_same(story, here, folder, f'"{folder}"')
    assert story.flags() == {
        'a plain word': {r'\Seen', r'\Answered'}, 'forwarded': {r'\Seen', '$Forwarded'},
        'rohe Umlaute: äöü': {r'\Flagged'}, 'while away': set()}
    assert set(story.texts('Archive')) == {'Grüße aus Köln'}
    assert set(story.texts('lists/work')) == {'work to do', 'work done', 'Re: a plain word'}
    assert story.flags('Drafts') == {'half a thought': {r'\Draft', r'\Seen'}}
    before = len(story.recorder.said())
    sync.run()
    assert not re.search(rb' (STORE|APPEND|EXPUNGE|CREATE)', story.recorder.said()[before:])
    keep('offlineimap', 'OfflineIMAP 8.0: both sides are changed, and become the same.')


@pytest.mark.parametrize('way', ['starttls', 'imaps'])
def test_over_tls_and_only_what_is_subscribed(story, tmp_path, way):
    server = story.server
    port = server.imaps_port if way == 'imaps' else server.imap_port
    Offlineimap(server, tmp_path / 'a', port, way, mechanism='LOGIN', subscribed='yes').run()
    here = Maildir(tmp_path / 'a' / 'mail')
    assert here.folders() == story.subscribed()
    assert 'hidden' not in here.folders() and 'lists/work' in here.folders()
    assert 'tls=yes mechanism=PLAIN user=ann' in server.log()


def test_a_wrong_password(story, keep_refusal, tmp_path):
    done = Offlineimap(story.server, tmp_path / 'a', story.port, password='wrong').run(check=False)
    assert done.returncode != 0
    assert b'Name or password is wrong' in done.stdout + done.stderr
    keep_refusal('offlineimap', 'OfflineIMAP 8.0, with a wrong password.')
