"""The road from Postfix over LMTP to mbsync; roles are killed on the way, and nothing is lost."""
import os
import random
import signal
import threading
import time

import pytest

from mail import message, need, wait_for
from mbsync import Mbsync
from postfix_server import postfix  # noqa: F401
from test_postfix import start

COUNT = 120


def numbers(near):
    """Of the messages in the Maildir's INBOX."""
    return sorted(int(text.split(b'Subject: number ')[1].split(b'\n')[0])
                  for text in near.get('INBOX', {}).values())


@pytest.mark.parametrize('way', ['unix', 'tcp'])
def test_nothing_is_lost_when_roles_are_killed(make_server, postfix, tmp_path, way):
    need('mbsync')
    seed = random.randrange(1 << 32)
    print('seed', seed)
    dice = random.Random(seed)
    server = start(make_server, postfix, way)
    sync = Mbsync(server, tmp_path / 'a', 'bob', 'IMAPS')
    done = threading.Event()

    def send():
        with postfix.smtp() as client:
            for number in range(COUNT):
                client.sendmail('ann@example.org', ['bob@example.org'], message(number))
                time.sleep(0.02)
        done.set()

    sender = threading.Thread(target=send)
    sender.start()
    killed = []
    for role in ['mail', 'gate', 'auth', 'tls'] * 3:
        pids = server.roles().get(role)
        if pids:
            os.kill(dice.choice(pids), signal.SIGKILL)
            killed.append(role)
        time.sleep(dice.uniform(0, 0.1))
        sync.run(check=False)
    sender.join(60)
    assert done.is_set() and set(killed) == {'mail', 'gate', 'auth', 'tls'}
    assert server.process.poll() is None

    def empty():
        postfix.flush()
        time.sleep(0.5)
        return not postfix.queued()

    wait_for(empty, 60, lambda: f'{postfix.log()}\n{server.log()[-3000:]}')
    sync.until_quiet()
    far, near = sync.contents()
    assert {name: found for name, found in far.items() if found} == \
        {name: found for name, found in near.items() if found}
    got = numbers(sync.maildir())
    assert sorted(set(got)) == list(range(COUNT))
    # A connection cut between delivery and answer may bring its mail again (RFC 1047), no other.
    assert len(got) <= COUNT + len(killed) * 20
