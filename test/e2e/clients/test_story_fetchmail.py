"""fetchmail: takes what is new, from several folders, waits in IDLE, and tidies up."""
import os
import subprocess

import pytest

from mail import crlf, need, wait_for
from programs import run
from roost_server import PASSWORD
from story import SUBJECTS, TEXTS, mail, subject_of

WAIT_SECONDS = 15


@pytest.fixture(autouse=True)
def program():
    need('fetchmail')


class Fetchmail:
    """Mail goes into files of `home`, one each."""

    def __init__(self, home, port):
        self.home, self.port = home, port
        self.environment = dict(os.environ, HOME=str(home), FETCHMAILHOME=str(home), LC_ALL='C')

    def command(self, options, password=PASSWORD):
        control = self.home / 'fetchmailrc'
        control.write_text(f"""
            poll localhost via 127.0.0.1 service {self.port} protocol IMAP
            user 'ann' password '{password}' sslproto '' no rewrite no mimedecode stripcr {options}
            mda "sh -c 'cat > $(mktemp {self.home}/mail.XXXXXX)'"
            """)
        control.chmod(0o600)
        return ['fetchmail', '-f', str(control), '-N', '--idfile', str(self.home / 'ids'),
                '--pidfile', str(self.home / 'pid'), '--invisible']

    def run(self, options, **more):
        return run(*self.command(options, **more), check=False, env=self.environment)

    def taken(self):
        """{subject: bytes} of what came since the last look."""
        texts = {}
        for path in self.home.glob('mail.*'):
            text = crlf(path.read_bytes())
            texts[subject_of(text)] = text
            path.unlink()
        return texts


def test_a_day(story, keep, tmp_path):
    here = Fetchmail(tmp_path, story.port)
    new = [name for name in SUBJECTS if r'\Seen' not in story.flags()[name]]
    assert here.run("keep folder 'INBOX', 'lists/work'").returncode == 0
    assert here.taken() == {name: TEXTS[name] for name in [*new, 'work to do']}
    assert all(r'\Seen' in flags for flags in story.flags().values())
    assert story.flags()['with a picture'] == {r'\Seen', r'\Flagged'}
    assert all(r'\Seen' in flags for flags in story.flags('lists/work').values())
    assert here.run("keep folder 'INBOX', 'lists/work'").returncode == 1  # no mail

    story.put(mail(b'while away', 'away'))
    assert here.run("nokeep").returncode == 0
    assert list(here.taken()) == ['while away'] and list(story.flags()) == SUBJECTS

    story.select()
    program = subprocess.Popen(here.command('keep idle'), env=here.environment,
                               stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: b' IDLE\r\n' in story.recorder.said(), WAIT_SECONDS, 'no IDLE')
        story.put(mail(b'while it waits', 'waits'))
        came = {}
        wait_for(lambda: came.update(here.taken()) or came, WAIT_SECONDS, story.server.log)
        assert list(came) == ['while it waits']
        wait_for(lambda: r'\Seen' in story.flags()['while it waits'], WAIT_SECONDS, story.flags)
        wait_for(lambda: story.recorder.said().count(b' IDLE\r\n') == 2, WAIT_SECONDS, 'no IDLE')
    finally:
        program.terminate()
        program.wait(10)

    assert here.run('fetchall nokeep').returncode == 0
    assert set(here.taken()) == {*SUBJECTS, 'while it waits'} and story.flags() == {}
    keep('fetchmail', 'fetchmail 6.4: takes what is new, waits for more, and tidies up.')


def test_a_wrong_password(story, keep_refusal, tmp_path):
    done = Fetchmail(tmp_path, story.port).run('keep', password='wrong')
    assert done.returncode == 3  # PS_AUTHFAIL
    assert b'Authorization failure on ann' in done.stderr
    assert b'NO [AUTHENTICATIONFAILED] Name or password is wrong' in story.recorder.said('S')
    keep_refusal('fetchmail', 'fetchmail 6.4, with a wrong password.')
