"""SASL against a client that nobody here wrote: gsasl, of GNU SASL."""
import shutil
import subprocess

import pytest

from roost_server import PASSWORD

pytestmark = pytest.mark.skipif(shutil.which('gsasl') is None, reason='gsasl is not installed')


def gsasl(server, mechanism, *options, password=PASSWORD):
    certificate = server.folder / 'data' / 'tls' / 'self-made.crt'
    return subprocess.run(
        ['gsasl', '--imap', '--connect', f'127.0.0.1:{server.imap_port}', '--mechanism', mechanism,
         '--authentication-id', 'ann', '--password', password, '--no-client-first',
         f'--x509-ca-file={certificate}', *options],
        input=b'', capture_output=True, timeout=30)


@pytest.mark.parametrize('mechanism, options', [
    ('PLAIN', ()),
    ('PLAIN', ('--no-starttls',)),
    ('SCRAM-SHA-256', ('--no-starttls',)),
    # The binding is tls-exporter (RFC 9266): client and server see the same handshake.
    ('SCRAM-SHA-256-PLUS', ()),
])
def test_the_right_password_is_taken(server, mechanism, options):
    done = gsasl(server, mechanism, *options)
    assert done.returncode == 0, done.stderr.decode()
    assert b'Client authentication finished' in done.stderr
    assert f'mechanism={mechanism} ' in server.log()


@pytest.mark.parametrize('mechanism, options', [
    ('PLAIN', ()),
    ('SCRAM-SHA-256', ('--no-starttls',)),
    ('SCRAM-SHA-256-PLUS', ()),
])
def test_a_wrong_password_is_refused(server, mechanism, options):
    done = gsasl(server, mechanism, *options, password='not this one')
    assert done.returncode != 0
    assert b'AUTHENTICATIONFAILED' in done.stdout


def test_plus_is_offered_over_tls_only(server):
    done = gsasl(server, 'PLAIN')
    before, after = done.stdout.decode().split('STARTTLS\n', 1)
    assert 'AUTH=SCRAM-SHA-256' in before and 'SCRAM-SHA-256-PLUS' not in before
    assert 'AUTH=SCRAM-SHA-256-PLUS' in after
