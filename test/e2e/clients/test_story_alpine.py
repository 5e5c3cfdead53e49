"""Alpine in a terminal: the IMAP code of the University of Washington."""
import re
import shlex

import pytest

from mail import need, wait_for
from programs import Screen
from roost_server import PASSWORD
from story import SUBJECTS, mail

WAIT_SECONDS = 15
CONFIG = '''
personal-name=Ann
user-id=ann
user-domain=example.org
inbox-path={host}INBOX
folder-collections=Mail {host}[]
default-fcc={host}Sent
postponed-folder={host}Drafts
trash-folder={host}Trash
sendmail-path={home}/sendmail -t
feature-list={features}
index-format=MSGNO STATUS SUBJECT
last-version-used=7.99
'''
FEATURES = ['enable-aggregate-command-set', 'enable-jump-shortcut', 'enable-flag-cmd',
            'enable-flag-screen-implicitly', 'expunge-without-confirm', 'quit-without-confirm',
            'disable-password-file-saving', 'no-auto-move-read-msgs']
LINE = re.compile(r'^ +\d+ (.{4})(.*?) *$', re.M)


@pytest.fixture(autouse=True)
def program():
    need('alpine', 'tmux')


@pytest.fixture
def server(make_server):
    """Alpine distrusts a server that offers AUTH=PLAIN without TLS, as one on loopback does."""
    return make_server({'auth.mechanisms': 'LOGIN'})


@pytest.fixture
def make_alpine(tmp_path):
    made = []

    def make(host):
        made.append(Alpine(tmp_path, host))
        return made[-1]

    yield make
    for program in made:
        program.screen.close()


class Alpine:
    """`host` as in {host:port/flags}, without a mailbox."""

    def __init__(self, home, host):
        config = home / 'pinerc'
        config.write_text(CONFIG.format(host=host, home=home,
                                        features=','.join(FEATURES)))
        (home / 'sendmail').write_text('#!/bin/sh\ncat >/dev/null\n')
        (home / 'sendmail').chmod(0o755)
        self.screen = Screen(home, f'HOME={home} LC_ALL=C.UTF-8 TZ=UTC TERM=screen alpine -i -p '
                                   f'{shlex.quote(str(config))}')

    def text(self):
        return self.screen.text()

    def keys(self, *keys):
        self.screen.keys(*keys)

    def shows(self, *words):
        self.screen.shows(*words)

    def log_in(self, password=PASSWORD):
        self.shows('ENTER PASSWORD')
        self.keys(password, 'Enter')

    def index(self):
        """{subject: the letters for its flags}"""
        return {subject: flags.strip() for flags, subject in LINE.findall(self.text())}

    def until(self, condition):
        return wait_for(condition, WAIT_SECONDS, self.text)

    def go_to(self, number):
        self.keys(str(number), 'Enter')
        self.shows(f'Message {number} of')


def test_a_day(story, keep, make_alpine):
    def start():
        alpine = make_alpine(f'{{127.0.0.1:{story.port}/user=ann/notls}}')
        alpine.log_in()
        return alpine

    alpine = start()
    check_what_is_there(alpine)
    change_here(alpine, story)
    write_here(alpine, story)
    hear_of_others(alpine, story)
    alpine.keys('q')
    alpine.until(lambda: not alpine.text().strip())
    alpine.screen.close()
    come_back(start, story)
    keep('alpine', 'Alpine 2.26: a day, and the next.')


def check_what_is_there(alpine):
    alpine.until(lambda: list(alpine.index()) == SUBJECTS)
    assert alpine.index() == {
        'a plain word': 'N', 'Grüße aus Köln': '', 'with a picture': '* N', 'forwarded': 'A',
        'Re: a plain word': 'N', 'rohe Umlaute: äöü': 'N'}
    alpine.go_to(2)
    alpine.keys('Enter')
    alpine.shows('Schöne Grüße.')
    for subject, words in {'with a picture': ['1 lines   Text/PLAIN', 'Image/PNG', '"Döm.png"'],
                           'forwarded': ['Message/RFC822, "what was told"', '2.1']}.items():
        alpine.keys('n')
        alpine.shows('Subject: ' + subject)
        alpine.keys('v')
        alpine.shows('ATTACHMENT INDEX', *words)
        alpine.keys('<')
        alpine.shows('Subject: ' + subject)
    alpine.keys('<')
    alpine.until(lambda: list(alpine.index()) == SUBJECTS)


def change_here(alpine, story):
    alpine.go_to(1)
    alpine.keys('*')
    alpine.shows('[ ]  Important')
    alpine.keys('x')
    alpine.shows('[X]  Important')
    alpine.keys('e')
    alpine.until(lambda: alpine.index().get('a plain word') == '* N')
    save(alpine, 4, 'Archive')
    save(alpine, 1, 'lists/work')
    alpine.keys('u')
    alpine.until(lambda: alpine.index()['a plain word'] == '* N')
    alpine.go_to(5)
    alpine.keys('d')
    alpine.until(lambda: 'D' in alpine.index()['Re: a plain word'])
    alpine.keys('x')
    alpine.until(lambda: list(alpine.index()) == ['a plain word', 'Grüße aus Köln',
                                                  'with a picture', 'rohe Umlaute: äöü'])
    assert story.flags() == {'a plain word': {r'\Flagged'}, 'Grüße aus Köln': {r'\Seen'},
                             'with a picture': {r'\Seen', r'\Flagged'},
                             'rohe Umlaute: äöü': set()}
    assert story.flags('Archive') == {'forwarded': {r'\Seen', r'\Answered', '$Forwarded'}}
    assert story.flags('lists/work')['a plain word'] == {r'\Flagged'}
    alpine.keys(r'\;')  # searched by the server
    alpine.shows('Text')
    alpine.keys('t')
    alpine.shows('All Text')
    alpine.keys('a', 'Käse', 'Enter')
    alpine.shows('Select matched 1 message', 'rohe Umlaute')
    assert len(alpine.index()) == 1
    alpine.keys(r'\;')
    alpine.shows('unselect All')
    alpine.keys('a')
    alpine.until(lambda: len(alpine.index()) == 4)


def save(alpine, number, mailbox):
    alpine.go_to(number)
    alpine.keys('s')
    alpine.shows('to folder')
    alpine.keys(mailbox, 'Enter')
    alpine.shows(f'Message {number} of', 'DEL')  # what is saved is marked as deleted


def write_here(alpine, story):
    """A draft is kept, taken up again, and sent: it is in Sent, and no draft any more."""
    alpine.keys('c')
    alpine.shows('COMPOSE MESSAGE')
    alpine.keys('bob@example.net', 'Enter', 'Enter', 'Enter', 'a thought', 'Enter', 'Written here.')
    alpine.shows('Written here.')
    alpine.keys('C-o')
    alpine.shows('MESSAGE INDEX', 'rohe Umlaute')
    assert list(story.flags('Drafts')) == ['a thought']
    alpine.keys('c')
    alpine.shows('Continue postponed')
    alpine.keys('y')
    alpine.shows('Written here.')
    alpine.keys('C-x')
    alpine.shows('Send message?')
    alpine.keys('y')
    alpine.shows('MESSAGE INDEX', 'rohe Umlaute')
    assert list(story.flags('Sent')) == ['a thought']


def hear_of_others(alpine, story):
    story.select()
    story.put(mail(b'while here', 'here'))
    story.far.ok(rf'UID STORE {story.uid("rohe Umlaute: äöü")} +FLAGS (\Flagged)')
    alpine.keys('C-l')
    alpine.until(lambda: alpine.index().get('while here') == 'N')
    assert '*' in alpine.index()['rohe Umlaute: äöü']
    story.far.ok(f'UID MOVE {story.uid("Grüße aus Köln")} Archive')
    alpine.keys('C-l')
    alpine.until(lambda: 'Grüße aus Köln' not in alpine.index())


def come_back(start, story):
    story.far.ok(rf'UID STORE {story.uid("a plain word")} -FLAGS (\Flagged)')
    story.far.ok(rf'UID MOVE {story.uid("with a picture")} Archive')
    story.put(mail(b'while away', 'away'))
    alpine = start()
    alpine.until(lambda: alpine.index() == {'a plain word': 'N', 'rohe Umlaute: äöü': '* N',
                                            'while here': 'N', 'while away': 'N'})
    alpine.keys('<')
    alpine.shows('Archive', 'Zürich', 'lists')
    alpine.keys('q')
    alpine.until(lambda: not alpine.text().strip())


def test_over_tls(story, make_alpine):
    alpine = make_alpine(f'{{localhost:{story.server.imaps_port}/user=ann/ssl/novalidate-cert}}')
    alpine.log_in()
    alpine.until(lambda: list(alpine.index()) == SUBJECTS)
    assert 'tls=yes mechanism=PLAIN user=ann' in story.server.log()


def test_over_starttls(story, make_alpine):
    alpine = make_alpine(f'{{localhost:{story.server.imap_port}/user=ann/tls/novalidate-cert}}')
    alpine.log_in()
    alpine.until(lambda: list(alpine.index()) == SUBJECTS)
    assert 'tls=yes mechanism=PLAIN user=ann' in story.server.log()


def test_a_wrong_password(story, keep_refusal, make_alpine):
    alpine = make_alpine(f'{{127.0.0.1:{story.port}/user=ann/notls}}')
    alpine.log_in('wrong')
    alpine.shows('Name or password is wrong')
    keep_refusal('alpine', 'Alpine 2.26, with a wrong password.')
