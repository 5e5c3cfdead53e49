"""The account that every client is shown, and what becomes of it meanwhile."""
import email.header
import imaplib
import re

from mbsync import mailboxes, utf7_decode
from mail import bodies
from recorder import Recorder
from roost_server import PASSWORD
from wire import Wire

SUBJECT = re.compile(rb'^Subject: ([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)', re.M | re.I)
PICTURE = (b'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQAB\r\n'
           b'pfZFQAAAAABJRU5ErkJggg==\r\n')


def mail(subject, name, content=b'Content-Type: text/plain; charset=utf-8\r\n\r\nHello.\r\n',
         more=b''):
    """`subject` as it stands in the header; `name` makes the Message-ID."""
    return (b'From: Bob Example <bob@example.net>\r\nTo: Ann <ann@example.org>\r\n'
            b'Subject: %s\r\nDate: Mon, 02 Nov 2026 10:00:00 +0100\r\n'
            b'Message-ID: <%s@example.net>\r\n%sMIME-Version: 1.0\r\n%s'
            % (subject, name.encode(), more, content))


def multipart(kind, *parts):
    return (b'Content-Type: multipart/%s; boundary="edge-%s"\r\n\r\n' % (kind, kind[:3]) +
            b''.join(b'--edge-%s\r\n%s' % (kind[:3], part) for part in parts) +
            b'--edge-%s--\r\n' % kind[:3])


PLAIN = mail(b'a plain word', 'plain')
BOTH = mail(b'=?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=', 'both', multipart(
    b'alternative',
    b'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n'
    b'\r\nSch=C3=B6ne Gr=C3=BC=C3=9Fe.\r\n',
    b'Content-Type: text/html; charset=utf-8\r\n\r\n<p>Sch&ouml;ne Gr&uuml;&szlig;e.</p>\r\n'))
PICTURED = mail(b'with a picture', 'picture', multipart(
    b'mixed', b'Content-Type: text/plain; charset=us-ascii\r\n\r\nSee the picture.\r\n',
    b"Content-Type: image/png\r\nContent-Disposition: attachment; filename*=utf-8''D%C3%B6m.png\r\n"
    b'Content-Transfer-Encoding: base64\r\n\r\n' + PICTURE))
FORWARDED = mail(b'forwarded', 'forwarded', multipart(
    b'mixed', b'Content-Type: text/plain\r\n\r\nAs I was told.\r\n',
    b'Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n' +
    mail(b'what was told', 'told')))
REPLY = mail(b'Re: a plain word', 'reply', more=b'In-Reply-To: <plain@example.net>\r\n'
             b'References: <plain@example.net>\r\n')
RAW = mail('rohe Umlaute: äöü'.encode(), 'raw',
           b'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' +
           'Käse und Öl.\r\n'.encode())

ZURICH = 'Z&APw-rich'
INBOX = [(PLAIN, ''), (BOTH, r'\Seen'), (PICTURED, r'\Flagged'),
         (FORWARDED, r'\Seen \Answered $Forwarded'), (REPLY, ''), (RAW, '')]
FOLDERS = {'lists/work': [(mail(b'work to do', 'work'), ''),
                          (mail(b'work done', 'done'), r'\Seen')],
           ZURICH: [(mail(b'from abroad', 'abroad'), '')],
           'hidden': [(mail(b'nobody looks', 'nobody'), '')]}
DATE = '02-Nov-2026 10:00:%02d +0100'


def subject_of(text):
    found = SUBJECT.search(text.partition(b'\r\n\r\n')[0])
    raw = re.sub(rb'\r\n(?=[ \t])', b'', found[1]).decode('utf-8', 'replace') if found else ''
    return str(email.header.make_header(email.header.decode_header(raw)))


SUBJECTS = [subject_of(text) for text, _ in INBOX]
TEXTS = {subject_of(text): text
         for text, _ in INBOX + [each for mails in FOLDERS.values() for each in mails]}


class Story:
    """`port` is where clients connect so that they are heard; `far` is another client of the
    account, which is heard as well; looks are not heard and change nothing."""

    def __init__(self, server):
        self.server = server
        self.recorder = Recorder(server.imap_port)
        self.port = self.recorder.port
        self.far = Wire(self.port, prefix='far')
        self.far.ok(f'LOGIN ann "{PASSWORD}"')
        self.seconds = 0
        for name, mails in {'INBOX': INBOX, **FOLDERS}.items():
            if name != 'INBOX':
                self.far.ok(f'CREATE {name}')
                if name != 'hidden':
                    self.far.ok(f'SUBSCRIBE {name}')
            for text, flags in mails:
                self.put(text, name, flags)
        # Every UIDVALIDITY is heard, so that a dialogue knows which is which.
        self.far.ok('LIST "" "*" RETURN (STATUS (UIDVALIDITY))')
        self.looking = server.imap('ann')

    def put(self, text, mailbox='INBOX', flags=''):
        """The other client stores a message."""
        self.far.ok(f'APPEND {mailbox} ({flags}) "{DATE % self.seconds}" %', text)
        self.seconds += 1

    def select(self, mailbox='INBOX'):
        """The other client selects a mailbox; its changes are made there."""
        self.far.ok(f'SELECT {mailbox}')

    def uid(self, subject, mailbox='INBOX'):
        return next(uid for uid, text in self.by_uid(mailbox).items()
                    if subject_of(text) == subject)

    def by_uid(self, mailbox='INBOX'):
        return look_at(self.looking, mailbox)

    def texts(self, mailbox='INBOX'):
        """{subject: bytes}"""
        return {subject_of(text): text for text in self.by_uid(mailbox).values()}

    def flags(self, mailbox='INBOX'):
        """{subject: set of flags, without \\Recent}"""
        names = {uid: subject_of(text) for uid, text in self.by_uid(mailbox).items()}
        found = {}
        for line in self.looking.uid('FETCH', '1:*', '(FLAGS)')[1]:
            if line is not None:
                uid = int(re.search(rb'UID (\d+)', line)[1])
                flags = re.search(rb'FLAGS \(([^)]*)\)', line)[1].decode().split()
                found[names[uid]] = set(flags) - {'\\Recent'}
        return found

    def dates(self, mailbox='INBOX'):
        """{subject: INTERNALDATE}"""
        names = {uid: subject_of(text) for uid, text in self.by_uid(mailbox).items()}
        return {names[int(re.search(rb'UID (\d+)', line)[1])]:
                re.search(rb'INTERNALDATE "([^"]*)"', line)[1].decode()
                for line in self.looking.uid('FETCH', '1:*', '(INTERNALDATE)')[1] if line}

    def mailboxes(self):
        return sorted(utf7_decode(name) for name in mailboxes(self.looking))

    def subscribed(self):
        found = [re.search(rb' "/" (.*)$', line)[1].decode() for line in self.looking.lsub()[1]]
        return sorted(utf7_decode(name) for name in found)

    def close(self):
        self.far.close()
        self.looking.shutdown()
        self.recorder.close()


def look_at(connection, mailbox):
    """{UID: message}, without touching \\Recent."""
    assert connection.select(mailbox, readonly=True)[0] == 'OK'
    found = {}
    data = connection.uid('FETCH', '1:*', '(BODY.PEEK[])')[1]
    for part in data:
        if isinstance(part, tuple):
            found[int(re.search(rb'UID (\d+)', part[0])[1])] = part[1]
    return found
