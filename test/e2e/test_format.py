"""docs/format.md is enough to get all mail back: test/tools/read_log.py, written from the page with
the standard library only, tells of the log what the server tells over IMAP."""
import datetime
import hashlib
import imaplib
import json
import random
import re
import subprocess
import sys
import time

import pytest

from mail import message
from roost_server import ROOT

READER = ROOT / 'test' / 'tools' / 'read_log.py'


def read_log(folder):
    done = subprocess.run([sys.executable, str(READER), str(folder)], capture_output=True,
                          timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def account_folder(server):
    """Of the only account that was ever used."""
    found = list((server.folder / 'data' / 'accounts').glob('*/*/lock'))
    assert len(found) == 1, found
    return found[0].parent


def seconds_of(text):
    when = datetime.datetime.strptime(text.decode().strip(), '%d-%b-%Y %H:%M:%S %z')
    return int(when.timestamp()), int(when.utcoffset().total_seconds() // 60)


def word_of(head, name):
    return re.search(rb'\b%s \(?([^ )]+)' % name, head).group(1)


def row_of(head, body):
    """A FETCH answer as the reader would put it."""
    flags = re.search(rb'FLAGS \(([^)]*)\)', head).group(1).decode().split()
    seconds, zone = seconds_of(re.search(rb'INTERNALDATE "([^"]+)"', head).group(1))
    saved, _ = seconds_of(re.search(rb'SAVEDATE "([^"]+)"', head).group(1))
    return {'uid': int(word_of(head, b'UID')), 'size': int(word_of(head, b'RFC822.SIZE')),
            'flags': sorted(flag for flag in flags if flag != '\\Recent'),
            'seconds': seconds, 'zone': zone, 'saved': saved,
            'body': word_of(head, b'EMAILID').decode(),
            'thread': word_of(head, b'THREADID').decode(),
            'sha256': hashlib.sha256(body).hexdigest()}


def ask_mailbox(connection, name):
    """What IMAP says of a mailbox."""
    _, data = connection.status(f'"{name}"', '(UIDNEXT UIDVALIDITY MESSAGES)')
    told = {'uidnext': int(re.search(rb'UIDNEXT (\d+)', data[0]).group(1)),
            'uidvalidity': int(re.search(rb'UIDVALIDITY (\d+)', data[0]).group(1)),
            'messages': []}
    connection.select(f'"{name}"', readonly=True)
    if b'MESSAGES 0' not in data[0]:
        _, data = connection.fetch('1:*', '(UID FLAGS INTERNALDATE SAVEDATE RFC822.SIZE EMAILID '
                                          'THREADID BODY.PEEK[])')
        told['messages'] = [row_of(part[0], part[1]) for part in data if isinstance(part, tuple)]
    return told


def mailbox_names(connection):
    return [re.search(rb'"/" "?([^"]+)"?$', line).group(1).decode()
            for line in connection.list()[1] if not re.search(rb'\\No(nExistent|select)', line)]


def assert_same(server, connection):
    told = {name: ask_mailbox(connection, name) for name in mailbox_names(connection)}
    read = read_log(account_folder(server))
    assert sorted(read['mailboxes']) == sorted(told)
    for name, mailbox in read['mailboxes'].items():
        for row in mailbox['messages']:
            assert 0 < row.pop('modseq') <= mailbox['modseq'] <= read['change']
            row['body'] = f'e{row["body"]:016x}'
            row['thread'] = f't{row["thread"]:016x}'
        assert {key: mailbox[key] for key in told[name]} == told[name], name
    subscribed = [line.rsplit(b' ', 1)[1].strip(b'"').decode() for line in connection.lsub()[1]]
    assert read['subscriptions'] == sorted(subscribed)
    return sum(len(mailbox['messages']) for mailbox in read['mailboxes'].values())


class Life:
    """A client that does what clients do, at random."""

    def __init__(self, server, dice):
        self.server, self.dice, self.made = server, dice, 0
        self.client = server.imap('ann')

    def some(self):
        """A mailbox with mail, selected; answers a set of its messages."""
        names = mailbox_names(self.client)
        for name in self.dice.sample(names, len(names)):
            count = int(self.client.select(f'"{name}"')[1][0])
            if count > 0:
                first = self.dice.randint(1, count)
                return f'{first}:{self.dice.randint(first, count)},{self.dice.randint(1, count)}'
        return None

    def append(self):
        self.made += 1
        body = 'x' * 78 + '\r\n'
        text = message(self.made, body * self.dice.choice([0, 3, 200, 2000]))
        date = imaplib.Time2Internaldate(1.6e9 + self.made * 86400)
        flags = self.dice.choice(['', '\\Seen', '(\\Flagged \\Draft work)', '($Junk Work)'])
        self.client.append(self.dice.choice(mailbox_names(self.client)), flags, date, text)

    def deliver(self):
        self.made += 1
        assert self.server.deliver('ann@example.org', message(self.made)) == {}

    def store(self):
        act = self.dice.choice(['FLAGS', '+FLAGS', '-FLAGS'])
        flags = self.dice.choice(['(\\Seen)', '(\\Answered work)', '(\\Deleted)', '($Junk later)'])
        messages = self.some()
        if messages is not None:
            self.client.store(messages, act, flags)

    def copy(self):
        target, messages = self.dice.choice(mailbox_names(self.client)), self.some()
        if messages is not None:
            command = self.dice.choice(['COPY', 'MOVE'])
            answer = self.client._simple_command(command, messages, f'"{target}"')
            assert answer[0] == 'OK', answer

    def expunge(self):
        if self.some() is not None:
            self.client.expunge()

    def create(self):
        self.client.create(self.dice.choice(['a', 'a/b', 'a/b/c', 'd', 'e-f']))

    def rename(self):
        self.client.rename(self.dice.choice(['a', 'a/b', 'INBOX', 'd']),
                           self.dice.choice(['g', 'h/i', 'j']))

    def leave(self):
        if self.client.state == 'SELECTED':
            self.client.unselect()

    def delete(self):
        self.leave()
        self.client.delete(self.dice.choice(['g', 'h/i', 'j', 'a/b/c']))

    def subscribe(self):
        name = self.dice.choice(['INBOX', 'a', 'gone'])
        self.dice.choice([self.client.subscribe, self.client.unsubscribe])(name)

    def step(self):
        acts = ([self.append, self.deliver, self.store] * 4 + [self.copy] * 3 +
                [self.expunge, self.create, self.rename, self.delete, self.subscribe])
        self.dice.choice(acts)()


def count_feature_bits(folder):
    """How many segments carry the feature bit, and how many do not."""
    heads = [path.read_bytes()[:24] for path in (folder / 'log').glob('*.[lb]o[gd]*')]
    packed = sum(head[16] & 1 for head in heads)
    return packed, len(heads) - packed


@pytest.mark.parametrize('compression', ['none', 'zstd', 'both'])
def test_the_page_is_enough(make_server, compression):
    """both: switched with each start of the server, the account keeps what it has."""
    seed = random.randrange(1 << 32)
    print('seed', seed)
    turns = {'none': ['none'], 'zstd': ['zstd'], 'both': ['none', 'zstd']}[compression]
    server = make_server({'mail.compression': turns[0]}, accounts=('ann',))
    life = Life(server, random.Random(seed))
    for turn in range(3):
        for _ in range(60):
            life.step()
        life.leave()
        time.sleep(0.2)
        assert assert_same(server, life.client) > 0
        life.client.logout()
        server.kill()  # the next round's log has an unclean end in it
        server.settings['mail.compression'] = turns[(turn + 1) % len(turns)]
        server.start()
        life.client = server.imap('ann')
    assert_same(server, life.client)
    server.stop()
    with_bit, without = count_feature_bits(account_folder(server))
    assert (with_bit > 0, without > 0) == (compression != 'none', compression != 'zstd')
    before = read_log(account_folder(server))
    for path in account_folder(server).glob('[cs]*'):
        path.unlink()  # checkpoint and summaries are of no matter
    assert read_log(account_folder(server)) == before
    server.start()
    assert_same(server, server.imap('ann'))


def test_the_reader_notices_damage(make_server):
    server = make_server({'mail.compression': 'none'}, accounts=('ann',))
    server.deliver('ann@example.org', message(1))
    server.deliver('ann@example.org', message(2))
    server.stop()
    folder = account_folder(server)
    path = max((folder / 'log').glob('*.log'))
    whole = path.read_bytes()
    assert len(read_log(folder)['mailboxes']['INBOX']['messages']) == 2
    for at in (whole.index(b'Subject: number 1'), whole.index(b'INBOX')):
        path.write_bytes(whole[:at] + b'!' + whole[at + 1:])
        done = subprocess.run([sys.executable, str(READER), str(folder)], capture_output=True)
        assert done.returncode != 0 and b'Broken' in done.stderr
    path.write_bytes(whole)


def test_extracting_all_mail(make_server, tmp_path):
    server = make_server(accounts=('ann',))
    server.deliver('ann@example.org', message(1))
    server.deliver('ann@example.org', message(2, 'A line.\r\n' * 20000))
    client = server.imap('ann')
    client.create('a/b')
    client.append('a/b', '(\\Seen work)', None, message(3))
    folder = account_folder(server)
    bodies = {}
    for name in ('INBOX', 'a/b'):
        client.select(name)
        bodies[name] = [part[1] for part in client.fetch('1:*', 'BODY.PEEK[]')[1]
                        if isinstance(part, tuple)]
    into = tmp_path / 'mail'
    done = subprocess.run([sys.executable, str(READER), str(folder), '--extract', str(into)],
                          capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads((into / 'account.json').read_text())
    assert told == read_log(folder)
    for name, mailbox in told['mailboxes'].items():
        files = [(into / str(mailbox['id']) / f'{row["uid"]}.eml').read_bytes()
                 for row in mailbox['messages']]
        assert files == bodies.get(name, [])
    assert told['mailboxes']['a/b']['messages'][0]['flags'] == ['\\Seen', 'work']


def test_the_reader_reads_backups(make_server, tmp_path):
    """Which have no lock file, and are read as they are."""
    server = make_server(accounts=('ann',))
    server.deliver('ann@example.org', message(1))
    server.deliver('ann@example.org', message(2, 'A line.\r\n' * 20000))
    server.run('backup', str(tmp_path / 'backup'))
    folder = account_folder(server)
    copy = tmp_path / 'backup' / 'accounts' / folder.parent.name / folder.name
    assert not (copy / 'lock').exists()
    assert read_log(copy) == read_log(folder)


FIXTURES = ROOT / 'test' / 'fixtures' / 'accounts'
BITS = {1: '\\Seen', 2: '\\Answered', 4: '\\Flagged', 8: '\\Deleted', 16: '\\Draft'}
ROW = re.compile(r' (\d+) flags (\d+)((?: \S+)*?) modseq (\d+) date (-?\d+) (-?\d+) saved (-?\d+) '
                 r'size (\d+) body (\d+) thread (\d+) crc')


def expected_rows(folder):
    """{(mailbox id, UID): what stands in the description beside the fixture}."""
    rows, mailbox = {}, None
    for line in (folder / 'expected').read_text().splitlines():
        head, row = re.match(r'.+ id (\d+) validity', line), ROW.match(line)
        if head is not None:
            mailbox = int(head[1])
        elif row is not None:
            flags = {name for bit, name in BITS.items() if int(row[2]) & bit} | set(row[3].split())
            rows[mailbox, int(row[1])] = (sorted(flags), *map(int, row.groups()[3:]))
    return rows


@pytest.mark.parametrize('folder', [path for path in sorted(FIXTURES.glob('*/*'))
                                    if path.name != 'damaged'], ids=lambda path: path.name)
def test_the_reader_reads_the_fixtures(folder):
    """Bases, several segments, torn tails, mail that was brought back, packed bodies."""
    told = read_log(folder)
    rows = {(mailbox['id'], row['uid']): (row['flags'], row['modseq'], row['seconds'], row['zone'],
                                          row['saved'], row['size'], row['body'], row['thread'])
            for mailbox in told['mailboxes'].values() for row in mailbox['messages']}
    expected = expected_rows(folder)
    if folder.name == 'torn':  # told after its opening, which raised every MODSEQ
        rows, expected = ({key: (row[0], *row[2:]) for key, row in each.items()}
                          for each in (rows, expected))
    assert rows == expected and rows != {}
