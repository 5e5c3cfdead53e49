"""curl: one command a connection, as scripts use it."""
import re

import pytest

from mail import need
from programs import run
from roost_server import PASSWORD
from story import PICTURED, PLAIN, TEXTS, mail


@pytest.fixture(autouse=True)
def program():
    need('curl')


def test_a_script(story, keep, tmp_path):
    def curl(path, *options, password=PASSWORD, check=True):
        return run('curl', '-s', '-S', '-m', '20', '-u', f'ann:{password}',
                   f'imap://127.0.0.1:{story.port}/{path}', *options, check=check)

    listing = curl('').stdout.decode()
    assert re.findall(r'^\* LIST \((.*)\) "/" (.*)\r$', listing, re.M) == [
        (r'\HasNoChildren \Archive', 'Archive'), (r'\HasNoChildren \Drafts', 'Drafts'),
        (r'\HasNoChildren', 'INBOX'), (r'\HasNoChildren \Junk', 'Junk'),
        (r'\HasNoChildren \Sent', 'Sent'), (r'\HasNoChildren \Trash', 'Trash'),
        (r'\HasNoChildren', 'Z&APw-rich'), (r'\HasNoChildren', 'hidden'),
        (r'\HasChildren', 'lists'), (r'\HasNoChildren', 'lists/work')]
    assert curl('INBOX;UID=1').stdout == PLAIN
    assert curl('lists%2Fwork;MAILINDEX=2').stdout == TEXTS['work done']
    assert curl('INBOX;UID=3;SECTION=2.MIME').stdout.startswith(b'Content-Type: image/png\r\n')
    picture = curl('INBOX;UID=3;SECTION=2').stdout
    assert picture and picture in PICTURED
    assert curl('INBOX;UID=1;PARTIAL=0.10').stdout == PLAIN[:10]
    structure = curl('INBOX', '-X', 'FETCH 4 BODYSTRUCTURE').stdout
    assert b'"message" "rfc822"' in structure.lower() and b'"what was told"' in structure

    assert curl('INBOX?SUBJECT%20picture').stdout == b'* SEARCH 3\r\n'
    # It reads with BODY[], which says \Seen.
    assert curl('INBOX?SEEN').stdout == b'* SEARCH 1 2 3 4\r\n'
    curl('INBOX', '-X', r'UID STORE 5 +FLAGS.SILENT (\Flagged)')
    assert story.flags()['Re: a plain word'] == {r'\Flagged'}
    curl('', '-X', 'CREATE kept')
    curl('INBOX', '-X', 'UID COPY 2 kept')
    moved = curl('INBOX', '-X', 'UID MOVE 4 kept').stdout
    assert b'COPYUID' in moved and b'* 4 EXPUNGE' in moved
    assert story.flags('kept') == {'Grüße aus Köln': {r'\Seen'},
                                   'forwarded': {r'\Seen', r'\Answered', '$Forwarded'}}
    (tmp_path / 'sent').write_bytes(mail(b'sent by a script', 'sent'))
    curl('Sent', '-T', tmp_path / 'sent')
    assert story.texts('Sent') == {'sent by a script': (tmp_path / 'sent').read_bytes()}
    curl('INBOX', '-X', r'STORE 1 +FLAGS (\Deleted)')
    curl('INBOX', '-X', 'EXPUNGE')
    assert list(story.flags()) == ['Grüße aus Köln', 'with a picture', 'Re: a plain word',
                                   'rohe Umlaute: äöü']

    wrong = curl('', password='wrong', check=False)
    assert wrong.returncode == 67 and b'denied' in wrong.stderr.lower()  # CURLE_LOGIN_DENIED
    nowhere = curl('nowhere;UID=1', check=False)
    assert nowhere.returncode in (67, 78) and nowhere.stderr
    keep('curl', 'curl 7.88: one command a connection, as scripts use it.')
