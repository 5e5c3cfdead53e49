"""mbsync (isync) in both directions, until a run changes nothing."""
import os

import pytest

from mail import bodies, crlf, fixtures, message, need
from mbsync import Mbsync, mailboxes


@pytest.fixture(autouse=True)
def program():
    need('mbsync')


def put(maildir, name, text, flags=''):
    """A message into the Maildir, as a mail program would."""
    part = 'cur' if flags else 'new'
    for each in ('cur', 'new', 'tmp'):
        (maildir / each).mkdir(parents=True, exist_ok=True)
    (maildir / part / (f'{name}:2,{flags}' if flags else name)).write_bytes(
        text.replace(b'\r\n', b'\n'))


def same_on_both_sides(sync):
    far, near = sync.contents()
    assert {name: found for name, found in far.items() if found} == \
        {name: found for name, found in near.items() if found}
    return far


@pytest.mark.parametrize('ssl', ['None', 'STARTTLS', 'IMAPS'])
def test_both_sides_become_the_same(server, tmp_path, ssl):
    connection = server.imap('ann')
    connection.create('lists/work')
    connection.create('"&U,BTFw-"')  # 台北
    for number in range(30):
        connection.append('INBOX', r'(\Seen)' if number % 2 else None, None, message(number))
    connection.append('lists/work', r'(\Flagged \Answered)', None, message(100, 'Grüße\r\n'))
    connection.append('"&U,BTFw-"', r'(\Draft)', None, message(101))
    sync = Mbsync(server, tmp_path / 'a', 'ann', ssl)
    mail = tmp_path / 'a' / 'mail'
    put(mail / 'from here', '1.a.here', message(200), 'FS')
    put(mail / 'Z&APw-rich', '1.b.here', message(201))
    put(mail / 'INBOX', '1.c.here', message(202))
    sync.until_quiet()
    far = same_on_both_sides(sync)
    assert {name: len(found) for name, found in far.items() if found} == \
        {'INBOX': 31, 'lists/work': 1, '台北': 1, 'from here': 1, 'Zürich': 1}
    assert 'Z&APw-rich' in [name.strip('"') for name in mailboxes(connection)]


def test_changes_of_both_sides_meet(server, tmp_path):
    connection = server.imap('ann')
    for number in range(20):
        connection.append('INBOX', None, None, message(number))
    sync = Mbsync(server, tmp_path / 'a', 'ann')
    sync.until_quiet()
    inbox = tmp_path / 'a' / 'mail' / 'INBOX'
    files = {int(path.read_bytes().split(b'number ')[1].split(b'\n')[0]): path
             for part in ('cur', 'new') for path in (inbox / part).iterdir()}
    connection.select('INBOX')
    connection.store('1:3', '+FLAGS', r'(\Seen \Flagged)')  # numbers 0 to 2
    connection.store('6', '+FLAGS', r'(\Deleted)')
    connection.expunge()
    connection.append('INBOX', None, None, message(50))
    base = files[10].name.partition(':')[0]
    files[10].rename(inbox / 'cur' / f'{base}:2,RS')
    files[11].rename(inbox / 'cur' / (files[11].name.partition(':')[0] + ':2,T'))
    files[12].unlink()
    put(inbox, '9.z.here', message(51), 'F')
    sync.until_quiet()
    far = same_on_both_sides(sync)
    flags = {int(text.split(b'number ')[1].split(b'\n')[0]): letters
             for text, letters in far['INBOX']}
    assert set(flags) == set(range(20)) - {5, 11, 12} | {50, 51}
    assert [flags[n] for n in (0, 1, 2, 3, 10, 51)] == ['FS', 'FS', 'FS', '', 'RS', 'F']


def test_two_machines_through_the_server(server, tmp_path):
    here = Mbsync(server, tmp_path / 'here', 'ann', 'IMAPS')
    there = Mbsync(server, tmp_path / 'there', 'ann', 'STARTTLS')
    put(tmp_path / 'here' / 'mail' / 'INBOX', '1.a.here', message(1))
    put(tmp_path / 'there' / 'mail' / 'plans/2027', '1.b.there', message(2), 'S')
    for sync in (here, there, here):
        sync.run()
    here.until_quiet()
    there.until_quiet()
    assert same_on_both_sides(here) == same_on_both_sides(there)
    connection = server.imap('ann')
    connection.select('plans/2027')
    connection.store('1', '+FLAGS', r'(\Deleted)')
    connection.close()
    here.run()
    connection.delete('plans/2027')  # a mailbox that is not empty is never removed by mbsync
    connection.rename('Archive', 'Old')
    here.until_quiet()
    assert 'plans/2027' not in here.maildir() and 'Old' in here.maildir()


def test_odd_messages_pass_unchanged(server, tmp_path):
    connection = server.imap('ann')
    texts = [crlf(text) for text in fixtures().values() if b'\0' not in text]
    for text in texts:
        connection.append('INBOX', None, None, text)
    sync = Mbsync(server, tmp_path / 'a', 'ann')
    sync.until_quiet()
    same_on_both_sides(sync)
    assert list(bodies(connection).values()) == texts


def test_a_thousand_messages(server, tmp_path):
    inbox = tmp_path / 'a' / 'mail' / 'INBOX'
    sync = Mbsync(server, tmp_path / 'a', 'ann')
    for number in range(1000):
        put(inbox, f'{number}.x.here', message(number), 'S')
    sync.until_quiet()
    far = same_on_both_sides(sync)
    assert len(far['INBOX']) == 1000
    for entry in list(os.scandir(inbox / 'cur'))[::2]:
        os.rename(entry.path, entry.path + 'T')
    sync.until_quiet()
    assert len(same_on_both_sides(sync)['INBOX']) == 500
