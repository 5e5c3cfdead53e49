"""NeoMutt in a terminal: as it comes, with CONDSTORE and with QRESYNC over its header cache."""
import re
import shlex

import pytest

from mail import need, wait_for
from programs import Screen
from roost_server import PASSWORD
from story import SUBJECTS, mail

WAIT_SECONDS = 15
CONFIG = '''
set folder = "{folder}"
set spoolfile = "=INBOX"
set postponed = "=Drafts"
set record = "=Sent"
set trash = "=Trash"
set imap_pass = "{password}"
set imap_authenticators = "{mechanism}"
set imap_list_subscribed = yes
set imap_condstore = {condstore}
set imap_qresync = {qresync}
set imap_idle = {idle}
set header_cache = "{cache}"
set message_cachedir = ""
set ssl_force_tls = {starttls}
set ssl_starttls = {starttls}
set ssl_verify_host = no
set ssl_verify_dates = no
set certificate_file = "{home}/certificates"
set from = "ann@example.org"
set realname = "Ann"
set hostname = "example.org"
set use_domain = yes
set sendmail = "/bin/true"
set editor = "true"
set abort_unmodified = no
set crypt_use_gpgme = no
set fast_reply = yes
set autoedit = no
set confirmappend = no
set confirmcreate = no
set delete = yes
set quit = yes
set move = no
set copy = yes
set recall = yes
set postpone = ask-yes
set mark_old = no
set sort = mailbox-order
set wait_key = no
set sleep_time = 0
set mail_check = 1
set timeout = 1
set index_format = "%3C [%Z] %s"
set send_charset = "utf-8"
set charset = "utf-8"
'''
LINE = re.compile(r'^ *(\d+) \[(...)\] (.*?) *$', re.M)


@pytest.fixture(autouse=True)
def program():
    need('neomutt', 'tmux')


@pytest.fixture
def make_neomutt(tmp_path):
    made = []

    def make(folder, **settings):
        made.append(Neomutt(tmp_path, folder, **settings))
        return made[-1]

    yield make
    for program in made:
        program.screen.close()


class Neomutt:
    def __init__(self, home, folder, condstore='no', qresync='no', cache='', starttls='no',
                 idle='yes', mechanism='plain',
                 password=PASSWORD):
        config = home / 'neomuttrc'
        config.write_text(CONFIG.format(
            home=home, folder=folder, condstore=condstore, qresync=qresync, cache=cache, idle=idle,
            starttls=starttls, mechanism=mechanism, password=password))
        self.screen = Screen(home, f'HOME={home} LC_ALL=C.UTF-8 TZ=UTC TERM=screen '
                                   f'neomutt -n -F {shlex.quote(str(config))}')

    def text(self):
        return self.screen.text()

    def keys(self, *keys):
        self.screen.keys(*keys)

    def shows(self, *words):
        self.screen.shows(*words)

    def index(self):
        """{subject: the letters for its flags}"""
        return {subject: flags.strip() for _, flags, subject in LINE.findall(self.text())}

    def until(self, condition):
        return wait_for(condition, WAIT_SECONDS, self.text)

    def go_to(self, subject):
        """In the index."""
        number = next(number for number, _, each in LINE.findall(self.text()) if each == subject)
        self.keys(number, 'Enter')

    def quit(self):
        self.keys('q')
        self.until(lambda: not self.text().strip())
        self.screen.close()


WAYS = {'': {'idle': 'no'}, 'condstore': {'condstore': 'yes'},
        'qresync': {'condstore': 'yes', 'qresync': 'yes'}}


@pytest.mark.parametrize('way', WAYS)
def test_a_day(story, keep, make_neomutt, tmp_path, way):
    def start():
        return make_neomutt(f'imap://ann@127.0.0.1:{story.port}/',
                            cache=tmp_path / 'cache' if way else '', **WAYS[way])

    mutt = start()
    check_what_is_there(mutt)
    change_here(mutt, story)
    write_here(mutt, story)
    hear_of_others(mutt, story)
    mutt.quit()
    come_back(start, story)
    keep(f'neomutt{"_" * bool(way)}{way}',
         f'NeoMutt 20220429 {way or "as it comes"}: a day, and the next.')


def check_what_is_there(mutt):
    mutt.until(lambda: list(mutt.index()) == SUBJECTS)
    assert mutt.index() == {
        'a plain word': 'N +', 'Grüße aus Köln': '+', 'with a picture': 'N !', 'forwarded': 'r +',
        'Re: a plain word': 'N +', 'rohe Umlaute: äöü': 'N +'}
    for subject, words in {
            'Grüße aus Köln': ['multipa/alternativ', 'text/plain, quoted', 'text/html'],
            'with a picture': ['text/plain', 'Döm.png', 'image/png, base64'],
            'forwarded': ['text/plain', 'what was told', 'message/rfc822']}.items():
        mutt.go_to(subject)
        mutt.keys('v')
        mutt.shows('Attachments', *words)
        mutt.keys('q')
        mutt.shows('rohe Umlaute')
    mutt.go_to('Grüße aus Köln')
    mutt.keys('Enter')
    mutt.shows('Schöne Grüße.')
    mutt.keys('i')
    mutt.shows('rohe Umlaute')


def change_here(mutt, story):
    mutt.go_to('a plain word')
    mutt.keys('F')
    mutt.until(lambda: '!' in mutt.index()['a plain word'])
    mutt.go_to('a plain word')
    put_into(mutt, 'C', '=lists/work')
    wait_for(lambda: 'a plain word' in story.texts('lists/work'), WAIT_SECONDS, mutt.text)
    mutt.go_to('forwarded')
    put_into(mutt, 's', '=Archive')
    mutt.until(lambda: 'D' in mutt.index()['forwarded'])
    mutt.go_to('Re: a plain word')
    mutt.keys('d')
    mutt.until(lambda: 'D' in mutt.index()['Re: a plain word'])
    mutt.keys('$')
    mutt.until(lambda: list(mutt.index()) == ['a plain word', 'Grüße aus Köln', 'with a picture',
                                              'rohe Umlaute: äöü'])
    assert story.flags() == {'a plain word': {r'\Flagged'}, 'Grüße aus Köln': {r'\Seen'},
                             'with a picture': {r'\Flagged'}, 'rohe Umlaute: äöü': set()}
    assert list(story.flags('Trash')) == ['Re: a plain word']
    assert story.flags('Archive') == {'forwarded': {r'\Seen', r'\Answered', '$Forwarded'}}
    assert story.dates('Archive') == {'forwarded': ' 2-Nov-2026 10:00:03 +0100'}
    mutt.keys('l', '=b Grüße', 'Enter')  # searched by the server
    mutt.until(lambda: list(mutt.index()) == ['Grüße aus Köln'])
    mutt.keys('l', 'C-u', 'all', 'Enter')
    mutt.until(lambda: len(mutt.index()) == 4)


def put_into(mutt, key, mailbox):
    mutt.keys(key)
    mutt.shows('to mailbox')
    mutt.keys('C-u', mailbox, 'Enter')


def write_here(mutt, story):
    """A draft is kept, taken up again, and sent: it is in Sent, and no draft any more."""
    mutt.keys('m')
    mutt.shows('To:')
    mutt.keys('bob@example.net', 'Enter', 'a thought', 'Enter')
    mutt.shows('Compose')
    mutt.keys('P')
    mutt.shows('Message postponed')
    assert story.flags('Drafts') == {'a thought': {r'\Draft'}}
    mutt.keys('m')
    mutt.shows('Compose', 'a thought')
    mutt.keys('y')
    mutt.shows('Mail sent')
    assert story.flags('Drafts') == {}
    assert story.flags('Sent') == {'a thought': {r'\Seen'}}


def hear_of_others(mutt, story):
    story.select()
    story.put(mail(b'while here', 'here'))
    mutt.until(lambda: 'while here' in mutt.index())
    story.far.ok(rf'UID STORE {story.uid("rohe Umlaute: äöü")} +FLAGS (\Flagged)')
    mutt.until(lambda: '!' in mutt.index()['rohe Umlaute: äöü'])
    story.far.ok(f'UID MOVE {story.uid("Grüße aus Köln")} Archive')
    mutt.until(lambda: 'Grüße aus Köln' not in mutt.index())


def come_back(start, story):
    """What others did while it was away is seen, also where its cache says otherwise."""
    story.far.ok(rf'UID STORE {story.uid("a plain word")} -FLAGS (\Flagged)')
    story.far.ok(rf'UID STORE {story.uid("with a picture")} +FLAGS (\Seen)')
    story.far.ok(rf'UID MOVE {story.uid("rohe Umlaute: äöü")} Archive')
    story.put(mail(b'while away', 'away'))
    mutt = start()
    mutt.until(lambda: mutt.index() == {'a plain word': 'N +', 'with a picture': '!',
                                        'while here': 'N +', 'while away': 'N +'})
    mutt.quit()


@pytest.mark.parametrize('way,mechanism', [('starttls', 'plain'), ('imaps', 'login')])
def test_over_tls_and_what_is_subscribed(story, make_neomutt, way, mechanism):
    server = story.server
    folder = f'imaps://ann@127.0.0.1:{server.imaps_port}/' if way == 'imaps' else \
        f'imap://ann@127.0.0.1:{server.imap_port}/'
    mutt = make_neomutt(folder, starttls='yes', mechanism=mechanism)
    mutt.shows('(r)eject')
    mutt.keys('o')
    mutt.until(lambda: list(mutt.index()) == SUBJECTS)
    assert 'tls=yes mechanism=PLAIN user=ann' in server.log()
    mutt.keys('c', '?')
    mutt.shows('Mailboxes')
    mutt.keys('Tab')
    mutt.shows('Archive', 'lists', 'Zürich')
    assert 'hidden' not in mutt.text()


def test_a_wrong_password(story, keep_refusal, make_neomutt):
    mutt = make_neomutt(f'imap://ann@127.0.0.1:{story.port}/', password='wrong', mechanism='login')
    mutt.shows('wrong credentials')
    assert b'NO [AUTHENTICATIONFAILED] Name or password is wrong' in story.recorder.said('S')
    keep_refusal('neomutt', 'NeoMutt 20220429, with a wrong password.')
