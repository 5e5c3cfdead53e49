"""The past of an account: undelete, log, account restore; beside a server and without one."""
import contextlib
import imaplib
import json
import os
import re
import shutil
import subprocess
import time

from mail import bodies, message
from test_lmtp import small_disk  # noqa: F401: a fixture

EX_USAGE, EX_DATAERR, EX_NOUSER, EX_IOERR, EX_TEMPFAIL, EX_NOPERM = 64, 65, 67, 74, 75, 77


def uids(imap, mailbox='INBOX'):
    assert imap.select(mailbox, readonly=True)[0] == 'OK'
    return imap.uid('SEARCH', 'ALL')[1][0].split()


def expunge(imap, which, mailbox='INBOX'):
    assert imap.select(mailbox)[0] == 'OK'
    assert imap.uid('STORE', which, '+FLAGS', r'(\Deleted)')[0] == 'OK'
    assert imap.uid('EXPUNGE', which)[0] == 'OK'


def append(imap, number, mailbox='INBOX', flags=r'(\Seen red)'):
    when = imaplib.Time2Internaldate(1700000000 + number)
    assert imap.append(mailbox, flags, when, message(number))[0] == 'OK'


def properties(imap, mailbox='INBOX'):
    """{subject: flags and dates}, as the client sees them."""
    assert imap.select(mailbox, readonly=True)[0] == 'OK'
    found = {}
    for uid in uids(imap, mailbox):
        _, data = imap.uid('FETCH', uid, '(FLAGS INTERNALDATE SAVEDATE BODY.PEEK[HEADER.FIELDS '
                           '(SUBJECT)])')
        head = data[0][0]
        found[data[0][1].strip()] = (imaplib.ParseFlags(head) if b'FLAGS' in head else None,
                                     head[head.index(b'INTERNALDATE'):head.index(b' BODY')])
    return found


def said(server, *words):
    """What a verb printed, as lines."""
    return server.run(*words).stdout.decode().splitlines()


def test_undelete_while_a_session_idles(server):
    imap = server.imap('ann')
    for number in range(1, 6):
        append(imap, number)
    before = properties(imap), bodies(imap)
    idler = server.imap('ann')
    expunge(imap, '2:4')
    idler.select('INBOX')
    idler.send(b'i1 IDLE\r\n')
    assert idler.readline().startswith(b'+')
    dry = said(server, 'undelete', 'ann', '--dry-run')
    assert dry[-1] == '3 messages and 0 mailboxes would come back; nothing was changed'
    assert uids(imap) == [b'1', b'5']
    done = said(server, 'undelete', 'ann')
    assert done[:-1] == dry[:-1] and len(done) == 2 and done[0].startswith('INBOX: 3 messages, ')
    assert done[-1] == '3 messages and 0 mailboxes came back'
    assert idler.readline() == b'* 5 EXISTS\r\n'
    assert uids(imap) == [b'1', b'5', b'6', b'7', b'8']
    after = properties(imap), bodies(imap)
    assert sorted(after[1].values()) == sorted(before[1].values())
    for subject, (flags, dates) in after[0].items():
        assert dates == before[0][subject][1]
        assert set(flags) - {rb'\Recent'} == set(before[0][subject][0]) - {rb'\Recent'}
    assert said(server, 'undelete', 'ann')[-1].startswith('nothing to bring back; the log knows ')
    imap.select('INBOX')
    imap.expunge()
    imap.close()
    assert len(uids(imap)) == 5


def test_a_deleted_mailbox_comes_back_without_a_server(server):
    imap = server.imap('ann')
    assert imap.create('Work/Plans')[0] == 'OK'
    append(imap, 1, 'Work/Plans')
    append(imap, 2)
    expunge(imap, '1')
    validity = imap.status('Work/Plans', '(UIDVALIDITY)')[1]
    assert imap.delete('Work/Plans')[0] == 'OK'
    imap.logout()
    server.stop()
    lines = said(server, 'undelete', 'ann', '--mailbox', 'Work/Plans')
    assert lines[0].startswith('Work/Plans: 1 message, ') and lines[0].endswith('; made again')
    assert lines[1] == '1 message and 1 mailbox came back'
    server.start()
    imap = server.imap('ann')
    assert len(uids(imap, 'Work/Plans')) == 1
    assert imap.status('Work/Plans', '(UIDVALIDITY)')[1] != validity
    assert uids(imap) == []
    assert said(server, 'undelete', 'ann', '--since', '1h')[-1] == \
        '1 message and 0 mailboxes came back'
    assert len(uids(imap)) == 1


def test_what_makes_no_sense_is_refused(server):
    wrong = server.run('undelete', 'ann', '--since', 'yesterday', check=False)
    assert wrong.returncode == EX_USAGE
    assert b'it would be 2026-11-20' in wrong.stderr
    assert server.run('undelete', check=False).returncode == EX_USAGE
    assert server.run('undelete', 'nobody', check=False).returncode == EX_NOUSER


def test_undelete_keeps_to_the_quota(make_server):
    server = make_server({'mail.quota': '4k'})
    imap = server.imap('ann')
    large = 'A line.\r\n' * 300
    imap.append('INBOX', None, None, message(1, large))
    expunge(imap, '1')
    imap.append('INBOX', None, None, message(2, large))
    refused = server.run('undelete', 'ann', check=False)
    assert refused.returncode != 0 and b'the quota has no room' in refused.stderr
    assert len(uids(imap)) == 1


def test_the_log_names_who_did_what(server):
    assert not server.deliver('ann@example.org', message(1))
    imap = server.imap('ann')
    append(imap, 2)
    expunge(imap, '1')
    assert imap.create('Work')[0] == 'OK' and imap.rename('Work', 'Play')[0] == 'OK'
    said(server, 'undelete', 'ann')
    for running in (True, False):
        lines = [line[26:] for line in said(server, 'log', 'ann', '--since', '1h')]
        assert lines[0] == 'store: the account was made'
        assert 'store: created mailbox INBOX' in lines
        for number in re.findall(r'session (\d+)', '\n'.join(lines)):
            assert f'session={number} ' in server.log()
        tail = [re.sub(r'session \d+', 'session N', line) for line in lines[-7:]]
        assert tail == ['lmtp ann session N: delivered 1 message to INBOX, UID 1',
                        'imap ann session N: appended 1 message to INBOX, UID 2',
                        r'imap ann session N: flagged 1 message in INBOX, UID 1: +(\Deleted)',
                        'imap ann session N: expunged 1 message from INBOX, UID 1',
                        'imap ann session N: created mailbox Work',
                        'imap ann session N: renamed mailbox Work to Play',
                        f'admin uid {os.getuid()}: brought back 1 message to INBOX, UID 3'], tail
        assert said(server, 'log', 'ann', '--mailbox', 'Play') == \
            said(server, 'log', 'ann', '--since', '1h')[-3:-1]
        events = [json.loads(line) for line in said(server, 'log', 'ann', '--json', '--limit', '1')]
        assert events[0]['event']['what'] == 'undeleted' and events[-1]['result']['events'] == 1
        if running:
            server.stop()


def test_an_account_goes_back_in_time(server):
    imap = server.imap('ann')
    for number in (1, 2):
        append(imap, number)
    assert imap.create('Work')[0] == 'OK'
    append(imap, 3, 'Work')
    then = int(time.time())
    while int(time.time()) == then:
        time.sleep(0.05)
    assert imap.rename('Work', 'Play')[0] == 'OK'
    assert imap.delete('Drafts')[0] == 'OK'
    expunge(imap, '1')
    imap.uid('STORE', '2', 'FLAGS', r'(\Flagged)')
    append(imap, 4)
    at = time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(then))
    dry = said(server, 'account', 'restore', 'ann', '--at', at)
    assert dry == ['Drafts: 0 messages would come back, 0 would get other flags; '
                   'would be made again',
                   'INBOX: 1 message would come back, 1 would get other flags',
                   'Work: 0 messages would come back, 0 would get other flags; is called Play now, '
                   'and would be renamed',
                   '1 message would come back, 1 would get other flags, 1 mailbox would be made, '
                   '1 renamed; nothing was changed, --yes does it']
    assert uids(imap) == [b'2', b'3']
    done = said(server, 'account', 'restore', 'ann', '--at', at, '--yes')
    assert done[1:] == ['INBOX: 1 message back, 1 with other flags',
                        'Work: 0 messages back, 0 with other flags; was called Play, and is '
                        'renamed',
                        '1 message back, 1 with other flags, 1 mailbox made, 1 renamed']
    assert uids(imap) == [b'2', b'3', b'4']
    flags = imap.uid('FETCH', '2:4', '(FLAGS)')[1]
    assert all(rb'\Seen' in line and rb'red' in line for line in flags), flags
    assert len(uids(imap, 'Work')) == 1 and imap.status('Drafts', '(MESSAGES)')[0] == 'OK'
    server.stop()
    assert said(server, 'account', 'restore', 'ann', '--at', at)[-1].startswith(
        '0 messages would come back, 0 would get other flags, 0 mailboxes would be made, 0 '
        'renamed; ')


def test_what_a_verb_does_besides_is_said(server):
    imap = server.imap('ann')
    assert imap.create('Work/Deep')[0] == 'OK' and imap.create('Job')[0] == 'OK'
    append(imap, 1, 'Work/Deep')
    time.sleep(1.1)
    at = time.strftime('%Y-%m-%d %H:%M:%S')
    time.sleep(1.1)
    imap.select('Work/Deep')
    assert imap.uid('MOVE', '1', 'INBOX')[0] == 'OK'
    imap.close()
    moved = said(server, 'log', 'ann')[-1]
    assert moved.endswith('moved 1 message (UID 1) from Work/Deep to INBOX')
    assert imap.rename('Job', 'Job2')[0] == 'OK' and imap.create('Job')[0] == 'OK'
    lines = said(server, 'account', 'restore', 'ann', '--at', at)
    assert any(line.startswith('Job: ') and line.endswith('; is called Job2 now, and stays so')
               for line in lines), lines
    assert imap.delete('Work/Deep')[0] == 'OK' and imap.delete('Work')[0] == 'OK'
    assert said(server, 'undelete', 'ann', '--mailbox', 'Work/Deep')[-1] == \
        '0 messages and 1 mailbox came back, and 1 above was made'


def test_times_that_cannot_be_gone_back_to(server):
    server.imap('ann').logout()
    early = server.run('account', 'restore', 'ann', '--at', '3d', check=False)
    assert early.returncode == EX_DATAERR and b'reaches back to 20' in early.stderr
    for words in (['restore', 'ann'], ['restore', 'ann', '--at', 'noon'], ['list', '--yes'],
                  ['restore', '--at', '3d']):
        assert server.run('account', *words, check=False).returncode == EX_USAGE


def files_with(server, words):
    """Names of the files of accounts that have those bytes."""
    return [path.name for path in (server.folder / 'data' / 'accounts').rglob('*')
            if path.is_file() and words in path.read_bytes()]


def test_purge_says_what_stays_beside_younger_changes(server):
    imap = server.imap('ann')
    append(imap, 1)
    expunge(imap, '1')
    time.sleep(1.1)
    middle = time.strftime('%Y-%m-%d %H:%M:%S')
    time.sleep(1.1)
    append(imap, 2)
    lines = said(server, 'purge', 'ann', '--yes', '--older-than', middle)
    assert re.fullmatch(rf'1 message \(\d+ bytes\) that went before {middle}[-+]\d{{4}} stay, '
                        r'because the log tells of younger changes beside them; .*', lines[0])
    assert said(server, 'undelete', 'ann', '--dry-run')[-1].startswith('1 message and ')
    time.sleep(1.1)
    end = time.strftime('%Y-%m-%d %H:%M:%S')
    append(imap, 3)
    lines = said(server, 'purge', 'ann', '--yes', '--older-than', end)
    assert len(lines) == 1 and ' is forgotten; ' in lines[0]
    assert said(server, 'purge', 'ann', '--dry-run') == \
        ['there is no message to forget; nothing was changed']


def test_purge_forgets(server):
    imap = server.imap('ann')
    for number in range(1, 6):
        append(imap, number)
    kept = bodies(imap)
    del kept[3]
    subject = b'Subject: number 3\r\n'
    expunge(imap, '3')
    assert files_with(server, subject)
    assert said(server, 'purge', 'ann', '--yes', '--older-than', '1d') == \
        ['there was nothing to forget']
    dry = said(server, 'purge', 'ann', '--dry-run')
    assert re.fullmatch(r'1 message \(\d+ bytes\) that went would be forgotten; .*', dry[0])
    assert files_with(server, subject)
    assert re.fullmatch(r'what went before [-+0-9 :]+ is forgotten; \d+ bytes are free',
                        said(server, 'purge', 'ann', '--yes')[0])
    assert not files_with(server, subject)
    assert bodies(imap) == kept
    assert said(server, 'undelete', 'ann')[-1].startswith('nothing to bring back')
    expunge(imap, '4')
    assert said(server, 'undelete', 'ann')[-1] == '1 message and 0 mailboxes came back'
    expunge(imap, '5')
    imap.logout()
    server.stop()
    assert 'is forgotten' in said(server, 'purge', 'ann', '--yes')[0]
    server.start()
    assert len(bodies(server.imap('ann'))) == 3
    assert server.run('purge', check=False).returncode == EX_USAGE
    assert server.run('purge', 'nobody', '--yes', check=False).returncode == EX_NOUSER


def test_purge_on_a_full_disk_says_so(make_server, small_disk):  # noqa: F811
    """With the server and without it; nothing is lost, and with room it works."""
    server = make_server({'data': small_disk / 'data'})
    imap = server.imap('ann')
    append(imap, 1)
    append(imap, 2)
    expunge(imap, '1')
    imap.logout()
    filler = small_disk / 'filler'
    with contextlib.suppress(OSError), open(filler, 'wb', buffering=0) as file:
        while True:
            file.write(bytes(4096))

    def refused():
        done = server.run('purge', 'ann', '--yes', check=False)
        return done.returncode, done.stderr.decode()

    code, why = refused()
    assert code == EX_TEMPFAIL
    assert re.fullmatch(r"roost: ann: the account's log failed: .*: no space\n", why), why
    server.stop()
    code, why = refused()
    assert code == EX_IOERR
    assert re.fullmatch(r"roost: ann: the account's log failed: .*: no space\n", why), why
    filler.unlink()
    assert 'is forgotten' in said(server, 'purge', 'ann', '--yes')[0]
    server.start()
    assert bodies(server.imap('ann')) == {2: message(2)}


def test_a_name_that_nobody_knows_is_said(server):
    imap = server.imap('ann')
    assert imap.create('Work')[0] == 'OK' and imap.rename('Work', 'Play')[0] == 'OK'
    for running in (True, False):
        for verb in ('undelete', 'log'):
            wrong = server.run(verb, 'ann', '--mailbox', 'Nope', check=False)
            assert wrong.returncode == EX_NOUSER and b'there is no mailbox "Nope"' in wrong.stderr
        assert said(server, 'undelete', 'ann', '--mailbox', 'Play')[-1].startswith('nothing to ')
        assert len(said(server, 'log', 'ann', '--mailbox', 'Work')) == 2
        if running:
            imap.logout()
            server.stop()


def test_a_history_that_is_cut_says_so(server):
    imap = server.imap('ann')
    append(imap, 1)
    assert not any('reaches back' in line for line in said(server, 'log', 'ann'))
    said(server, 'purge', 'ann', '--yes')
    assert said(server, 'log', 'ann')[0].startswith('the history reaches back to 20')
    append(imap, 2)
    lines = said(server, 'log', 'ann')
    assert len(lines) == 2 and lines[1].startswith('the history reaches back to 20')


def asked(server, answer, *words):
    """What a verb says at a terminal where somebody types that: (exit code, what was shown)."""
    keyboard, screen = os.openpty()
    with subprocess.Popen(server.command(*words), stdin=screen, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as running:
        os.write(keyboard, answer)
        shown = running.communicate(timeout=60)[0].decode()
    os.close(keyboard)
    os.close(screen)
    return running.returncode, shown


def test_purge_and_remove_ask_first(server):
    imap = server.imap('ann')
    append(imap, 1)
    expunge(imap, '1')
    silent = server.run('purge', 'ann', check=False)
    assert silent.returncode == EX_USAGE and b'--yes' in silent.stderr
    code, shown = asked(server, b'\n', 'purge', 'ann')
    assert code == EX_NOPERM and 'nothing was changed' in shown
    assert shown.startswith('Forget for good what ann has expunged and deleted? [y/N] ')
    assert said(server, 'undelete', 'ann', '--dry-run')[-1].startswith('1 message and ')
    code, shown = asked(server, b'y\n', 'purge', 'ann')
    assert code == 0 and ' is forgotten; ' in shown
    silent = server.run('account', 'remove', 'ann', check=False)
    assert silent.returncode == EX_USAGE and b'--yes' in silent.stderr
    assert asked(server, b'n\n', 'account', 'remove', 'ann')[0] == EX_NOPERM
    server.run('account', 'show', 'ann')
    assert asked(server, b'yes\n', 'account', 'remove', 'ann')[0] == 0
    assert server.run('account', 'show', 'ann', check=False).returncode == EX_NOUSER


def test_a_removed_account_comes_back_by_hand(server):
    imap = server.imap('ann')
    append(imap, 1)
    kept = bodies(imap)
    imap.logout()
    server.stop()
    data = server.folder / 'data'
    subprocess.run(['cp', '-a', data / 'auth', server.folder / 'auth-before'], check=True)
    server.start()
    server.run('account', 'remove', 'ann', '--yes')
    server.stop()
    trash, = (data / 'accounts' / 'trash').iterdir()
    account = trash.name.split('.')[0]
    shutil.rmtree(data / 'auth')
    (server.folder / 'auth-before').rename(data / 'auth')
    trash.rename(data / 'accounts' / account[:2] / account)
    server.start()
    assert bodies(server.imap('ann')) == kept
