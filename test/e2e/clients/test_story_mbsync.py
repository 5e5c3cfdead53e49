"""mbsync: what is done on either side while the other is away arrives at both."""
import pytest

from mail import crlf, need
from mbsync import Mbsync, maildir_flags, pure, utf7_decode
from story import SUBJECTS, TEXTS, mail, subject_of

FLAGS = {'S': r'\Seen', 'F': r'\Flagged', 'R': r'\Answered', 'D': r'\Draft', 'T': r'\Deleted',
         'P': '$Forwarded'}


@pytest.fixture(autouse=True)
def program():
    need('mbsync')


class Maildir:
    """What mbsync keeps: {mailbox: {subject: (path, text, flags)}}"""

    def __init__(self, sync):
        self.sync = sync
        self.mail = sync.folder / 'mail'

    def folders(self):
        return sorted(utf7_decode(str(path.parent.relative_to(self.mail)))
                      for path in self.mail.rglob('cur'))

    def files(self, folder):
        found = {}
        for part in ('cur', 'new'):
            for path in (self.mail / folder / part).iterdir():
                found[subject_of(crlf(path.read_bytes()))] = path
        return found

    def texts(self, folder):
        return {name: crlf(pure(path.read_bytes()))
                for name, path in self.files(folder).items()}

    def flags(self, folder):
        return {name: {FLAGS[letter] for letter in maildir_flags(path.name)}
                for name, path in self.files(folder).items()}

    def flag(self, folder, subject, letters):
        path = self.files(folder)[subject]
        path.rename(path.parent.parent / 'cur' / (path.name.partition(':')[0] + ':2,' + letters))

    def file(self, folder, subject, other):
        """As mail programs do: a new name, so that no UID of the old folder comes along."""
        path = self.files(folder)[subject]
        path.rename(self.mail / other / 'new' / 'moved.1.here')

    def write(self, folder, text, letters=''):
        for part in ('cur', 'new', 'tmp'):
            (self.mail / folder / part).mkdir(parents=True, exist_ok=True)
        (self.mail / folder / 'cur' / f'written.1.here:2,{letters}').write_bytes(
            text.replace(b'\r\n', b'\n'))


def known_to_maildirs(flags):
    return {name: found & set(FLAGS.values()) for name, found in flags.items()}


@pytest.mark.parametrize('without', ['', 'LITERAL+ UIDPLUS MOVE'])
def test_away_and_back(story, keep, tmp_path, without):
    more = f'DisableExtensions {without}' if without else ''
    sync = Mbsync(story.server, tmp_path / 'a', 'ann', port=story.port, more=more)
    here = Maildir(sync)
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
    here.files('INBOX')['with a picture'].unlink()
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
