"""mbsync: what is done on either side while the other is away arrives at both."""
import pytest

from mail import crlf, need
from maildir import Maildir, known_to_maildirs
from mbsync import Mbsync, pure
from roost_server import PASSWORD
from story import SUBJECTS, TEXTS, mail


@pytest.fixture(autouse=True)
def program():
    need('mbsync')


@pytest.mark.parametrize('without', ['', 'LITERAL+ UIDPLUS MOVE'])
def test_away_and_back(story, keep, tmp_path, without):
    more = f'DisableExtensions {without}' if without else ''
    sync = Mbsync(story.server, tmp_path / 'a', 'ann', port=story.port, more=more)
    here = Maildir(sync.folder / 'mail')
    sync.run()
    assert here.folders() == story.mailboxes()
    assert here.texts('INBOX') == {name: TEXTS[name] for name in SUBJECTS}
    assert here.flags('INBOX') == known_to_maildirs(story.flags())
    assert set(here.texts('lists/work')) == {'work to do', 'work done'}

    # Away: both change things.
    story.select()
    story.far.ok(rf'UID STORE {story.uid("rohe Umlaute: äöü")} +FLAGS (\Flagged)')
    story.far.ok(rf'UID STORE {story.uid("forwarded")} -FLAGS (\Answered)')
    story.far.ok(f'UID MOVE {story.uid("Grüße aus Köln")} Archive')
    story.put(mail(b'while away', 'away'))
    here.flag('INBOX', 'a plain word', 'RS')
    here.delete('INBOX', 'with a picture')
    here.file('INBOX', 'Re: a plain word', 'lists/work')
    draft = mail(b'half a thought', 'half')
    here.write('Drafts', draft, 'DS')
    here.write('new here', mail(b'first of its folder', 'first'))

    sync.until_quiet()
    for folder in ('INBOX', 'Archive', 'lists/work', 'Drafts', 'new here'):
        far = story.texts(f'"{folder}"')
        assert here.texts(folder) == {name: crlf(pure(text)) for name, text in far.items()}
        assert here.flags(folder) == known_to_maildirs(story.flags(f'"{folder}"')), folder
    assert story.flags() == {
        'a plain word': {r'\Seen', r'\Answered'}, 'forwarded': {r'\Seen', '$Forwarded'},
        'rohe Umlaute: äöü': {r'\Flagged'}, 'while away': set()}
    assert set(story.texts('Archive')) == {'Grüße aus Köln'}
    assert set(story.texts('lists/work')) == {'work to do', 'work done', 'Re: a plain word'}
    assert story.flags('Drafts') == {'half a thought': {r'\Draft', r'\Seen'}}
    mode = f'without {without}' if without else 'as it comes'
    keep('mbsync_plainest' if without else 'mbsync',
         f'mbsync 1.4.4, {mode}: both sides are changed, and become the same.')


def test_a_wrong_password(story, keep_refusal, tmp_path):
    sync = Mbsync(story.server, tmp_path / 'a', 'ann', port=story.port)
    sync.config.write_text(sync.config.read_text().replace(PASSWORD, 'wrong'))
    done = sync.run(check=False)
    assert done.returncode != 0 and b'Name or password is wrong' in done.stderr
    keep_refusal('mbsync', 'mbsync 1.4.4, with a wrong password.')
