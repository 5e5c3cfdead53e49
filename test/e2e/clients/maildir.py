"""A Maildir as a mail program sees and changes it."""
import pathlib

from mail import crlf
from mbsync import maildir_flags, pure, utf7_decode
from story import subject_of

FLAGS = {'S': r'\Seen', 'F': r'\Flagged', 'R': r'\Answered', 'D': r'\Draft', 'T': r'\Deleted',
         'P': '$Forwarded'}


class Maildir:
    """Folders by name in the file system, messages by subject."""

    def __init__(self, folder):
        self.mail = pathlib.Path(folder)

    def folders(self):
        return sorted(utf7_decode(str(path.parent.relative_to(self.mail)))
                      for path in self.mail.rglob('cur'))

    def files(self, folder):
        return {subject_of(crlf(path.read_bytes())): path
                for part in ('cur', 'new') for path in (self.mail / folder / part).iterdir()}

    def texts(self, folder):
        return {name: crlf(pure(path.read_bytes())) for name, path in self.files(folder).items()}

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

    def delete(self, folder, subject):
        self.files(folder)[subject].unlink()

    def write(self, folder, text, letters=''):
        for part in ('cur', 'new', 'tmp'):
            (self.mail / folder / part).mkdir(parents=True, exist_ok=True)
        (self.mail / folder / 'cur' / f'written.1.here:2,{letters}').write_bytes(
            text.replace(b'\r\n', b'\n'))


def known_to_maildirs(flags):
    return {name: found & set(FLAGS.values()) for name, found in flags.items()}
