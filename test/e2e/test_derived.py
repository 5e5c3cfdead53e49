"""Derived means disposable: checkpoints and summaries go away, or go bad, under a live account with
clients at work, and the answers stay the same."""
import os
import random
import shutil
import threading

import pytest

from mail import message

MESSAGES = 40
ASKED = '(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER])'


def remove(path, dice):
    path.unlink()


def cut(path, dice):
    os.truncate(path, dice.randint(0, path.stat().st_size))


def overwrite(path, dice):
    """As many bytes, and none of them right."""
    size = path.stat().st_size
    with open(path, 'r+b') as file:
        file.write(dice.randbytes(size))


def overwrite_a_part(path, dice):
    size = path.stat().st_size
    with open(path, 'r+b') as file:
        file.seek(dice.randrange(size // 2 + 1))
        file.write(dice.randbytes(size // 4 + 1))


def append(path, dice):
    with open(path, 'ab') as file:
        file.write(dice.randbytes(1000))


def replace(path, dice):
    """Another file under the same name."""
    other = path.with_name('other')
    other.write_bytes(dice.randbytes(500))
    other.rename(path)


def make_directory(path, dice):
    path.unlink()
    path.mkdir()


HARMS = [remove, cut, overwrite, overwrite_a_part, append, replace, make_directory]


def derived(server):
    """The derived files of all accounts that are files still."""
    accounts = server.folder / 'data' / 'accounts'
    return [path for name in ('checkpoint*', 'summary*')
            for path in accounts.glob(f'*/*/{name}') if path.is_file()]


def heal(server):
    """Directories in the way of files."""
    accounts = server.folder / 'data' / 'accounts'
    for name in ('checkpoint*', 'summary*'):
        for path in accounts.glob(f'*/*/{name}'):
            if path.is_dir():
                shutil.rmtree(path)


def answers(client):
    """What is fetched and found; news of other messages left out."""
    client.select('INBOX', readonly=True)
    found = client.search(None, 'SUBJECT', 'number', 'SMALLER', '100000', 'NOT', 'DELETED')[1]
    fetched = client.fetch(f'1:{MESSAGES}', ASKED)[1]
    return [part for part in fetched if isinstance(part, tuple)], found[0].split()[:MESSAGES]


class Load(threading.Thread):
    """Mail that comes in, flags that change, meanwhile; none of it in the messages asked for."""

    def __init__(self, server):
        super().__init__()
        self.server, self.ended, self.failure, self.sent = server, threading.Event(), None, 0

    def run(self):
        try:
            client = self.server.imap('ann')
            while not self.ended.is_set():
                assert self.server.deliver('ann@example.org', message(1000 + self.sent)) == {}
                self.sent += 1
                client.select('INBOX')
                client.store('*', '+FLAGS', '(\\Seen)')
                client.append('Sent', '', None, message(5000 + self.sent))
        except Exception as failure:  # told by the test
            self.failure = failure

    def end(self):
        self.ended.set()
        self.join(30)
        assert self.failure is None, self.failure
        assert self.sent > 0


@pytest.mark.parametrize('harm', HARMS)
def test_answers_stay_the_same(make_server, harm):
    seed = random.randrange(1 << 32)
    print('seed', seed)
    dice = random.Random(seed)
    server = make_server(accounts=('ann',))
    for number in range(MESSAGES):
        assert server.deliver('ann@example.org', message(number)) == {}
    client = server.imap('ann')
    client.select('INBOX')
    client.store(f'1:{MESSAGES // 2}', '+FLAGS', '(work \\Flagged)')
    client.logout()
    server.stop()  # leaves a checkpoint
    server.start()
    client = server.imap('ann')
    before = answers(client)
    for way in ('live', 'killed'):
        load = Load(server)
        load.start()
        for _ in range(6):
            for path in derived(server):
                if dice.random() < 0.7:
                    harm(path, dice)
            assert answers(client) == before
            assert answers(server.imap('ann')) == before
        load.end()
        if way == 'live':
            server.stop()  # writes its checkpoint where something stands that is none
        else:
            server.kill()
        for path in derived(server):
            harm(path, dice)
        server.start()
        client = server.imap('ann')
        assert answers(client) == before
    assert 'event=account-failed' not in server.log()
    assert 'damaged_records' not in server.log()
    heal(server)
