"""The processes of a running server: who they are, what they hold, how they live and die."""
import collections
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

import proc
from roost_server import PASSWORD

MESSAGE = b'From: a@example.org\r\nSubject: hi\r\n\r\nthere\r\n'
ROLES = {'tls': 1, 'auth': 1, 'mail': 2, 'gate': 2, 'control': 1}
SETTINGS = {'mail.shards': '2', 'gate.processes': '2', 'tls.processes': '1', 'mail.workers': '3'}
CONNECTS = 1000


@pytest.fixture
def server(make_server):
    return make_server(SETTINGS)


def all_pids(server):
    return [pid for pids in server.roles().values() for pid in pids]


def answers(server, user='ann'):
    connection = server.imap(user, timeout=5)
    try:
        return connection.select('INBOX')[0] == 'OK'
    finally:
        connection.shutdown()


def log_events(server, event):
    """[{key: value}] of the log's lines with that event."""
    return [dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line)) for line in server.log().splitlines()
            if f'event={event}' in line]


def test_ps_shows_the_roles(server):
    shown = subprocess.run(['ps', '-o', 'comm=,args=', '--ppid', str(server.process.pid)],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    names = sorted(line.split()[0] for line in shown)
    assert names == sorted(f'roost-{role}-{i}' for role, count in ROLES.items()
                           for i in range(count))
    assert all(re.search(r'roost --role \w+$', line) for line in shown)


def test_every_role_is_behind_its_walls(server):
    for role, pids in server.roles().items():
        for pid in pids:
            status = proc.status(pid)
            assert status['Seccomp'] == '2', role
            assert status['NoNewPrivs'] == '1', role
            for thread in proc.thread_names(pid):
                inner = proc.status(f'{pid}/task/{thread}')
                assert (inner['Seccomp'], inner['NoNewPrivs']) == ('2', '1'), role


def test_as_root_each_role_is_a_user_of_its_own(server):
    if os.geteuid() != 0:
        pytest.skip('only root parts the users of the roles')
    users = {}
    for role, pids in server.roles().items():
        for pid in pids:
            status = proc.status(pid)
            ids = set(status['Uid'].split())
            assert len(ids) == 1 and '0' not in ids, role
            assert '0' not in status['Gid'].split(), role
            assert status['Groups'] == '', role
            for kind in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
                assert int(status[kind], 16) == 0, f'{role}: {kind}'
            users.setdefault(role, set()).update(ids)
    assert sum(len(ids) for ids in users.values()) == len(set.union(*users.values())) == len(ROLES)


def test_one_thread_of_a_shard_and_its_helpers(server):
    assert answers(server, 'ann') and answers(server, 'bob')
    for pid in server.roles()['mail']:
        names = proc.thread_names(pid)
        main = names.pop(pid)
        assert main.startswith('roost-mail-')
        helpers = ['roost-job'] * int(SETTINGS['mail.workers'])
        assert list(names.values()) == helpers + ['roost-idle']
        for thread, name in names.items():
            is_last = os.getpriority(os.PRIO_PROCESS, thread) == 19
            assert is_last or name != 'roost-idle'
            assert (os.sched_getscheduler(thread) == os.SCHED_BATCH) == (name == 'roost-idle')


def test_only_the_main_thread_of_a_shard_meets_clients(server):
    """Of all threads of the shards, one each speaks to clients; the others meet files alone."""
    if shutil.which('strace') is None:
        pytest.skip('no strace here')
    pids = server.roles()['mail']
    trace = server.folder / 'trace'
    tracer = subprocess.Popen(['strace', '-f', '-qq', '-e', 'trace=%network,%desc', '-yy', '-o',
                               str(trace), *(word for pid in pids for word in ('-p', str(pid)))],
                              stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    if tracer.poll() is not None:
        pytest.skip(f'strace may not attach here: {tracer.stderr.read().strip()}')
    try:
        for user in ('ann', 'bob'):
            connection = server.imap(user)
            connection.append('INBOX', None, None, MESSAGE * 1000)
            connection.select('INBOX')
            connection.fetch('1', '(BODY[])')
            connection.logout()
            assert server.deliver(user, MESSAGE) == {}
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
    on_sockets, on_files = set(), set()
    for line in trace.read_text(errors='replace').splitlines():
        thread, _, call = line.partition(' ')
        match = re.match(r'\s*(\w+)\(\d+<(TCP|UNIX|/)', call)
        if match:
            (on_files if match[2] == '/' else on_sockets).add(int(thread))
    assert on_sockets != set() and on_sockets <= set(pids)
    assert on_files - set(pids) != set()


# Kind of descriptor -> whether this role may hold one; for files and directories, below what.
COMMON = {'eventpoll', 'eventfd', 'pipe', 'unix-channel', 'device'}
MAY_HOLD = {
    'tls': COMMON | {'tcp', 'unix-stream'},
    'auth': COMMON | {'file:auth', 'directory:auth'},
    'mail': COMMON | {'tcp', 'unix-stream', 'file:accounts', 'directory:accounts', 'memfd'},
    'gate': COMMON | {'tcp', 'unix-stream', 'tcp-listener', 'unix-stream-listener',
                      'directory:spool', 'unnamed-file:spool', 'memfd'},
    'control': COMMON | {'unix-stream', 'unix-stream-listener'},
}


def held(server, pid, known):
    """Counter of what a role holds, its standard streams apart."""
    data = str(server.folder / 'data')
    kinds = collections.Counter()
    for number, kind, path in proc.descriptors(pid, known):
        if number == 2:
            continue  # the log, wherever it goes
        if kind in ('file', 'directory', 'unnamed-file'):
            assert path.startswith(data + '/'), f'{pid} holds {path}'
            kind += ':' + path.removeprefix(data + '/').split('/')[0]
        if kind == 'device':
            assert path == '/dev/null', f'{pid} holds {path}'
        kinds[kind] += 1
    return kinds


def holdings(server):
    """{role: Counter of what its processes hold in all}"""
    known = proc.sockets()
    found = {}
    for role, pids in server.roles().items():
        found[role] = sum((held(server, pid, known) for pid in pids), collections.Counter())
    return found


def test_every_role_holds_what_it_may_hold_and_no_more(server):
    stranger = server.imap()
    plain = server.imap('ann')
    safe = server.imaps('bob')
    for connection in (plain, safe):
        connection.append('INBOX', None, None, MESSAGE)
        connection.select('INBOX')
    mailer = server.lmtp()
    mailer.ehlo_or_helo_if_needed()
    found = holdings(server)
    for role, kinds in found.items():
        assert set(kinds) <= MAY_HOLD[role], role
    # The gate has forgotten those that logged in; of the safe one the shard has the plain end.
    assert found['gate']['tcp'] == 2 and found['gate']['unix-stream'] == 0
    assert found['tls']['tcp'] == 1 and found['tls']['unix-stream'] == 1
    assert found['mail']['tcp'] == 1 and found['mail']['unix-stream'] == 1
    for connection in (stranger, plain, safe):
        connection.shutdown()
    mailer.close()


def test_a_message_on_its_way_in_is_held_by_the_gate_alone(make_server):
    server = make_server(SETTINGS)
    with server.lmtp() as mailer:
        mailer.ehlo_or_helo_if_needed()
        mailer.mail('a@example.net')
        mailer.rcpt('ann')
        mailer.putcmd('DATA')
        assert mailer.getreply()[0] == 354
        mailer.send(b'Subject: large\r\n\r\n' + b'0123456789\r\n' * 300000)
        proc.wait_for(lambda: holdings(server)['gate']['unnamed-file:spool'] == 1, 5,
                      'a large message is not spooled in a file')
        found = holdings(server)
        for role, kinds in found.items():
            assert set(kinds) <= MAY_HOLD[role], role
        mailer.send(b'.\r\n')
        assert mailer.getreply()[0] == 250
    proc.wait_for(lambda: holdings(server)['gate']['unnamed-file:spool'] == 0, 5,
                  'the spooled message is not given up')


def visit(server, number):
    """One of the ways in which a client comes and goes."""
    way = number % 10
    if way < 5:
        with socket.create_connection(('127.0.0.1', server.imap_port)) as connection:
            if way > 0:
                connection.recv(100)
            if way > 2:
                connection.sendall(b'a CAPABILITY\r\nb LOG')
    elif way == 5:
        with socket.create_connection(('127.0.0.1', server.imaps_port)) as connection:
            connection.sendall(b'\x16\x03\x01')
    elif way == 6:
        with socket.create_connection(('127.0.0.1', server.lmtp_port)) as connection:
            connection.sendall(b'LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann>\r\nDATA\r\nSub')
            connection.recv(100)
    elif way == 7:
        connection = server.imaps('bob')
        connection.select('INBOX')
        connection.shutdown()
    elif way == 8:
        connection = server.imap('ann')
        connection.select('INBOX')
        connection.shutdown()
    else:
        server.imap('ann').logout()


def test_a_thousand_visits_leave_nothing_behind(make_server):
    server = make_server(SETTINGS)
    for i in range(30):
        visit(server, i)
    time.sleep(1)
    before = holdings(server)
    for i in range(CONNECTS):
        visit(server, i)
    grown = {}

    def nothing_left():
        grown.clear()
        for role, kinds in holdings(server).items():
            more = {kind: count - before[role][kind] for kind, count in kinds.items()
                    if count > before[role][kind]}
            if more:
                grown[role] = more
        return not grown

    proc.wait_for(nothing_left, 10, f'more than before: {grown}')


@pytest.mark.parametrize('role', ROLES)
def test_a_role_that_dies_is_replaced_within_a_second(server, role):
    assert answers(server)
    before = server.roles()
    for pid in before[role]:
        os.kill(pid, signal.SIGKILL)

    def replaced():
        now = server.roles()
        return len(now.get(role, [])) == ROLES[role] and not set(now[role]) & set(before[role])

    proc.wait_for(replaced, 1, f'{role} is not replaced')
    others = {name: pids for name, pids in server.roles().items() if name != role}
    assert others == {name: pids for name, pids in before.items() if name != role}
    # The new one and its peers know one another.
    deadline = time.monotonic() + 2
    while True:
        try:
            assert answers(server) and server.deliver('bob', MESSAGE) == {}
            assert server.imaps('bob').select('INBOX')[1] == [b'1']
            server.run('account', 'show', 'ann')
            break
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def test_the_supervisors_death_is_everybodys(server):
    idler = server.imap('ann')
    idler.select('INBOX')
    pids = all_pids(server)
    assert len(pids) == sum(ROLES.values())
    server.kill()
    took = proc.wait_for(lambda: not any(proc.is_alive(pid) for pid in pids), 1,
                         'roles outlive their supervisor')
    print(f'all roles ended within {took * 1000:.0f} ms')
    server.start()
    assert answers(server)


def test_a_stopped_role_ends_with_its_supervisor(server):
    """One that hangs is ended by the kernel."""
    pids = all_pids(server)
    hung = server.roles()['mail'][0]
    os.kill(hung, signal.SIGSTOP)
    server.kill()
    others = [pid for pid in pids if pid != hung]
    proc.wait_for(lambda: not any(proc.is_alive(pid) for pid in others), 1, 'roles live on')
    os.kill(hung, signal.SIGCONT)
    proc.wait_for(lambda: not proc.is_alive(hung), 1, 'the one that hung lives on')


def test_sigterm_ends_all_in_order(server):
    connection = server.imap('ann')
    connection.select('INBOX')
    pids = all_pids(server)
    server.ends_known = True
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 0
    assert b'* BYE' in connection.readline()
    assert not any(proc.is_alive(pid) for pid in pids)
    order = [event['role'] for event in log_events(server, 'role-ended')]
    phases = ({'gate', 'control'}, {'mail'}, {'auth', 'tls'})
    assert [next(i for i, phase in enumerate(phases) if role in phase) for role in order] == \
        sorted(next(i for i, phase in enumerate(phases) if role in phase) for role in order)
    assert len(order) == sum(ROLES.values())
    assert all(event['status'] == '"exit 0"' for event in log_events(server, 'role-ended'))
    assert not server.lmtp_socket.exists()


def notified(sock, seconds=5):
    sock.settimeout(seconds)
    return sock.recv(1000).decode().split('\n')


def launch(server, environment=None, fds=()):
    """Starts it as a service manager does: descriptors from 3 on, variables, its own pid named."""
    script = ('import os, sys\n'
              'if "LISTEN_FDS" in os.environ: os.environ["LISTEN_PID"] = str(os.getpid())\n'
              f'for i, fd in enumerate({list(fds)}): os.dup2(fd, 3 + i)\n'
              'os.execv(sys.argv[1], sys.argv[1:])\n')
    with open(server.log_path, 'ab') as log:
        server.process = subprocess.Popen([sys.executable, '-c', script, *server.command('serve')],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          pass_fds=fds, env=dict(os.environ, **environment or {}))


def test_the_service_manager_hears_of_it(make_server):
    server = make_server(SETTINGS, start=False)
    path = server.folder / 'notify'
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        launch(server, {'NOTIFY_SOCKET': str(path)})
        assert 'READY=1' in notified(manager, 10)
        assert answers(server)  # ready means ready
        server.process.send_signal(signal.SIGHUP)
        lines = notified(manager)
        assert 'RELOADING=1' in lines and any(line.startswith('MONOTONIC_USEC=') for line in lines)
        assert 'READY=1' in notified(manager)
        server.ends_known = True
        server.process.send_signal(signal.SIGTERM)
        assert 'STOPPING=1' in notified(manager)
        assert server.process.wait(10) == 0


def test_sockets_that_were_bound_by_the_service_manager(make_server):
    server = make_server(SETTINGS, start=False)
    with socket.socket() as imap, socket.socket() as lmtp:
        for sock in (imap, lmtp):
            sock.bind(('127.0.0.1', 0))
            sock.listen()
        early = socket.create_connection(imap.getsockname())  # before there is a server
        high = [os.dup2(sock.fileno(), 100 + i) for i, sock in enumerate((imap, lmtp))]
        launch(server, {'LISTEN_FDS': '2', 'LISTEN_FDNAMES': 'imap:lmtp'}, tuple(high))
        for fd in high:
            os.close(fd)
        early.settimeout(10)
        assert early.recv(100).startswith(b'* OK')
        early.close()
        assert server.imap_port != imap.getsockname()[1]
        server.imap_port, server.lmtp_port = imap.getsockname()[1], lmtp.getsockname()[1]
        assert answers(server)
        assert server.deliver('ann', MESSAGE) == {}
        # Of the rest, what the configuration says is bound; of these, nothing else.
        assert server.imaps('ann').select('INBOX')[1] == [b'1']
        server.stop()
        assert imap.fileno() >= 0 and socket.create_connection(imap.getsockname())


def test_a_socket_of_an_unknown_name_is_refused(make_server):
    server = make_server(SETTINGS, start=False)
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        sock.listen()
        fd = os.dup2(sock.fileno(), 100)
        launch(server, {'LISTEN_FDS': '1', 'LISTEN_FDNAMES': 'smtp'}, (fd,))
        os.close(fd)
        server.ends_known = True
        assert server.process.wait(10) != 0
    assert 'FileDescriptorName=' in server.log()


def test_a_reload_changes_the_level_of_the_log_in_every_role(make_server):
    server = make_server(SETTINGS, start=False)
    config = pathlib.Path(server.folder / 'roost.conf')
    config.write_text('log.level = info\n')
    with open(server.log_path, 'ab') as log:
        server.process = subprocess.Popen([*server.command('serve'), '--config', str(config)],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    server.wait_until_ready()
    with pytest.raises(Exception, match='AUTHENTICATIONFAILED'):
        server.imap('ann', 'wrong')
    assert re.search(r'(?m)^\S+ \w+: auth\[', server.log())
    config.write_text('log.level = error\n')
    server.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    quiet_from = len(server.log())
    with pytest.raises(Exception, match='AUTHENTICATIONFAILED'):
        server.imap('ann', 'wrong')
    assert server.imap('ann', PASSWORD).noop()[0] == 'OK'
    time.sleep(0.2)
    assert server.log()[quiet_from:] == ''
