"""The commands of a person, with no server running: account, config, check, help, deliver."""
import os
import pathlib
import re
import socket
import stat
import subprocess

import pytest

VERBS = ['account', 'deliver', 'config', 'check', 'serve', 'sandbox', 'version', 'help']
EX_USAGE, EX_DATAERR, EX_NOUSER, EX_CANTCREAT, EX_TEMPFAIL, EX_CONFIG = 64, 65, 67, 73, 75, 78
EX_UNAVAILABLE, EX_IOERR = 69, 74


@pytest.fixture
def off(make_server):
    """A server's settings and commands, without the server."""
    return make_server(start=False, accounts=())


def fails(off, code, *words, data=None):
    done = off.run(*words, data=data, check=False)
    assert done.returncode == code, done.stderr
    assert done.stdout == b''
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1 and lines[0].startswith('roost: ')
    return lines[0]


@pytest.mark.parametrize('verb', VERBS)
def test_every_verb_explains_itself_with_an_example(off, verb):
    text = off.run(verb, '--help').stdout.decode()
    assert text.startswith(f'roost {verb}')
    assert '--config FILE' in text and '--set KEY=VALUE' in text
    assert re.search(rf'^  .*roost {verb}', text, re.M)
    assert off.run('help', verb).stdout.decode() == text


def test_help_lists_every_verb(off):
    text = off.run('help').stdout.decode()
    for verb in VERBS:
        assert re.search(rf'^  {verb} ', text, re.M)


def test_what_is_mistyped_gets_the_right_name(off):
    assert 'did you mean account?' in fails(off, EX_USAGE, 'acount')
    assert 'did you mean --mailbox?' in fails(off, EX_USAGE, 'deliver', '--mailbx', 'x')
    assert 'did you mean show?' in fails(off, EX_USAGE, 'account', 'shwo', 'ann')
    assert 'did you mean imap.listen?' in fails(off, EX_USAGE, 'config', 'imap.lisen')
    assert 'did you mean mail.shards?' in \
        fails(off, EX_CONFIG, 'account', 'list', '--set', 'mail.shard=1')


def test_a_bad_file_is_refused_with_its_line(off):
    path = off.folder / 'bad.conf'
    path.write_text('# one\n[mail]\nshards = many\n')
    off.settings.pop('mail.shards')
    line = fails(off, EX_CONFIG, 'account', 'list', '--config', str(path))
    assert f'{path}:3: mail.shards = many: expected a number, from 0 to 1024' in line
    line = fails(off, EX_CONFIG, 'account', 'list', '--config', str(path) + '.not')
    assert str(path) + '.not' in line


def test_accounts(off):
    secret = b'a good password\n'
    assert off.run('account', 'list').stdout == b''
    added = off.run('account', 'add', 'ann', '--password-stdin', data=secret)
    assert added.stdout == b'added ann\n'
    off.run('account', 'add', 'Zoë@example.org', '--password-stdin', data=secret)
    assert off.run('account', 'list').stdout.decode().splitlines() == ['ann', 'Zoë@example.org']
    shown = off.run('account', 'show', 'ANN').stdout.decode()
    assert re.search(r'^id +[0-9a-f]{32}$', shown, re.M)
    created = re.search(r'^created +(\S+ \S+)$', shown, re.M)[1]  # as other verbs take it
    assert 'no server has run here' in fails(off, EX_UNAVAILABLE, 'log', 'ann', '--since', created)
    assert 'Ann already' in fails(off, EX_CANTCREAT, 'account', 'add', 'Ann', '--password-stdin',
                                  data=secret)
    off.run('account', 'password', 'ann', '--password-stdin', data=b'another\r\n')
    assert 'bob' in fails(off, EX_NOUSER, 'account', 'password', 'bob', '--password-stdin',
                          data=secret)
    assert off.run('account', 'remove', 'ann', '--yes').stdout == b'removed ann\n'
    fails(off, EX_NOUSER, 'account', 'show', 'ann')
    off.run('account', 'add', 'ann', '--password-stdin', data=secret)
    again = off.run('account', 'show', 'ann').stdout.decode()
    assert re.search(r'^id .*$', again, re.M)[0] != re.search(r'^id .*$', shown, re.M)[0]


def test_what_is_too_much_is_refused(off):
    for verb in ('check', 'version'):
        assert '"extra"' in fails(off, EX_USAGE, verb, 'extra')
    fails(off, EX_USAGE, 'help', 'check', 'extra')


def test_a_full_disk_behind_standard_output(off):
    for words in (['config'], ['help'], ['version'], ['log', '--help'], ['account', 'list']):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run(off.command(*words), stdout=full, stderr=subprocess.PIPE,
                                  timeout=60)
        if words[0] == 'account':
            assert done.returncode == 0, 'nothing was written'
        else:
            assert done.returncode == EX_IOERR and b'cannot write' in done.stderr, words


def test_bad_names_and_passwords(off):
    fails(off, EX_DATAERR, 'account', 'add', 'a/b', '--password-stdin', data=b'secret\n')
    line = fails(off, EX_DATAERR, 'account', 'add', 'a/b', '--password-stdin', data=b'')
    assert 'password' not in line
    fails(off, EX_DATAERR, 'account', 'add', 'ann', '--password-stdin', data=b'\n')
    fails(off, EX_DATAERR, 'account', 'add', 'ann', '--password-stdin', data=b'x' * 2000 + b'\n')
    fails(off, EX_USAGE, 'account', 'add')
    fails(off, EX_USAGE, 'account', 'list', 'ann')


def test_secrets_are_for_their_owner_alone(off):
    off.run('account', 'add', 'ann', '--password-stdin', data=b'a good password\n')
    auth = off.folder / 'data' / 'auth'
    assert stat.S_IMODE(auth.stat().st_mode) == 0o700
    for path in auth.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        assert path.stat().st_uid == auth.stat().st_uid
    if os.geteuid() == 0:
        assert auth.stat().st_uid != 0


def test_what_config_prints_is_a_configuration(off):
    text = off.run('config').stdout.decode()
    path = off.folder / 'printed.conf'
    path.write_text(text)
    before = off.run('config', '--short').stdout.decode()
    off.settings = {}
    after = off.run('config', '--short', '--config', str(path)).stdout.decode()
    strip = re.compile(r'   # .*')
    assert strip.sub('', after) == strip.sub('', before)
    assert re.search(rf'^data = .* # {path}:\d+$', after, re.M)
    assert len(after.splitlines()) < 80


def test_config_by_section_and_name(off):
    lines = off.run('config', '--short', 'lmtp', 'data').stdout.decode().splitlines()
    assert {line.split(' ')[0] for line in lines} == \
        {'data', 'lmtp.listen', 'lmtp.recipients_max', 'lmtp.timeout'}


def test_check(off, tmp_path):
    done = off.run('check')
    assert b'FAIL' not in done.stdout
    file_not_directory = tmp_path / 'file'
    file_not_directory.write_text('')
    off.settings['data'] = file_not_directory / 'data'
    done = off.run('check', check=False)
    assert done.returncode == EX_CONFIG
    assert re.search(rb'^FAIL +data', done.stdout, re.M)


def test_check_sees_a_restore_that_was_not_finished(off):
    aside = pathlib.Path(off.settings['data']) / 'accounts' / 'restore'
    aside.mkdir(parents=True)
    assert b'warn  restore' not in off.run('check', check=False).stdout
    (aside / '0123').mkdir()
    assert b'warn  restore      one is under way or was not finished: run it again' in \
        off.run('check', check=False).stdout


def test_check_sees_a_certificate_that_does_not_fit(off, tmp_path):
    for name in ('certificate', 'key'):
        (tmp_path / name).write_text('nonsense\n')
        off.settings[f'tls.{name}'] = tmp_path / name
    done = off.run('check', check=False)
    assert done.returncode == EX_CONFIG
    assert re.search(rb'^FAIL +certificate +/.*/certificate with /.*/key: .*PEM', done.stdout, re.M)


def test_check_sees_that_a_socket_has_no_directory(off, tmp_path):
    off.settings['lmtp.listen'] = f'unix:{tmp_path}/none/lmtp unix:{tmp_path}/lmtp'
    done = off.run('check', check=False)
    assert done.returncode == EX_CONFIG
    assert f'there is no directory {tmp_path}/none: make it first'.encode() in done.stdout
    assert re.search(rf'^ok +lmtp.listen +unix:{tmp_path}/lmtp$', done.stdout.decode(), re.M)


def test_check_sees_what_stands_in_the_way_of_a_socket(off, tmp_path):
    (tmp_path / 'file').write_text('')
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(tmp_path / 'old'))
    off.settings['lmtp.listen'] = ' '.join((
        f'unix:{tmp_path}/file', f'unix:{tmp_path}/old', f'unix:{tmp_path}/own,user=nobody-of-it'))
    done = off.run('check', check=False)
    assert done.returncode == EX_CONFIG
    lines = re.findall(r'^(ok|FAIL) +lmtp.listen +(.*)$', done.stdout.decode(), re.M)
    assert lines == [('FAIL', f'{tmp_path}/file is there and is not a socket'),
                     ('ok', f'unix:{tmp_path}/old'),
                     ('FAIL', 'there is no user nobody-of-it')]


def test_check_sees_networks_that_are_none_and_that_nobody_can_log_in(off):
    off.settings['gate.proxy_from'] = 'unix 192.0.2.0/24 192.0.2.1/24 2001:db8::/129'
    off.settings['auth.mechanisms'] = ''
    done = off.run('check', check=False)
    assert done.returncode == EX_CONFIG
    out = done.stdout.decode()
    assert re.findall(r'^FAIL +gate.proxy_from +(\S+) is no network: ', out, re.M) == \
        ['192.0.2.1/24', '2001:db8::/129']
    assert re.search(r'^warn +auth.mechanisms +is empty: nobody can log in$', out, re.M)


def test_check_refuses_two_settings_with_one_address(off):
    off.settings['metrics.listen'] = '*:9154'
    off.settings['lmtp.listen'] = '127.0.0.1:9154'
    assert 'lmtp.listen and metrics.listen both have port 9154' in fails(off, EX_CONFIG, 'check')


def test_deliver_of_nothing_is_for_later(server):
    done = server.run('deliver', 'ann', data=b'', check=False)
    assert done.returncode == EX_TEMPFAIL and b'no message came' in done.stderr
    connection = server.imap('ann')
    assert connection.select('INBOX')[1] == [b'0']


def test_deliver_without_a_server_is_for_later(off):
    assert 'does the server run?' in fails(off, EX_TEMPFAIL, 'deliver', 'ann', data=b'A: b\n\nc\n')
    off.settings['mail.shards'] = 'many'
    fails(off, EX_TEMPFAIL, 'deliver', 'ann', data=b'A: b\n\nc\n')
    off.settings['mail.shards'] = '2'
    fails(off, EX_USAGE, 'deliver', data=b'')
    fails(off, EX_USAGE, 'deliver', 'a>b', data=b'')
