"""Thunderbird without a screen, told what to do in its own JavaScript over Marionette."""
import json
import os
import pathlib
import socket
import subprocess
import time

from roost_server import PASSWORD, free_port

START_SECONDS = 60
COMMAND_SECONDS = 60

# No page is fetched, nothing is asked, nothing is checked before the test asks for it.
QUIET = {
    'app.update.enabled': False,
    'datareporting.policy.dataSubmissionEnabled': False,
    'mail.rights.version': 1,
    'mail.shell.checkDefaultClient': False,
    'mailnews.start_page.enabled': False,
    'mail.spotlight.firstRunDone': True,
    'mail.provider.suppress_dialog_on_startup': True,
    'mail.inappnotifications.enabled': False,
    'network.proxy.type': 0,
    'mail.biff.alert.show': False,
    'mail.biff.play_sound': False,
    'mail.startup.enabledMailCheckOnce': True,
    'mail.warn_on_delete_from_trash': False,
    'mail.imap.expunge_after_delete': False,
    'ldap_2.autoComplete.useDirectory': False,
}

ACCOUNT = {
    'mail.accountmanager.accounts': 'account1',
    'mail.accountmanager.defaultaccount': 'account1',
    'mail.account.account1.server': 'server1',
    'mail.account.account1.identities': 'id1',
    'mail.identity.id1.fullName': 'Ann',
    'mail.identity.id1.useremail': 'ann@example.org',
    'mail.identity.id1.valid': True,
    'mail.server.server1.type': 'imap',
    'mail.server.server1.name': 'roost',
    'mail.server.server1.hostname': '127.0.0.1',
    'mail.server.server1.userName': 'ann',
    'mail.server.server1.authMethod': 3,
    # The password prompt would stand before the window that Marionette waits for.
    'mail.server.server1.login_at_startup': False,
    'mail.server.server1.check_new_mail': False,
    'mail.server.server1.max_cached_connections': 1,
    'mail.server.server1.offline_download': False,
    'mail.server.server1.autosync_offline_stores': False,
}

# What every script may use. What Thunderbird tells listeners is a promise here.
PRELUDE = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const server = MailServices.accounts.accounts[0].incomingServer;
server.QueryInterface(Ci.nsIImapIncomingServer);
const root = server.rootFolder;
function folder(path) {
  return path.split("/").reduce((at, part) => at.getChildNamed(part), root);
}
function outcome(status, resolve, reject) {
  Components.isSuccessCode(status) ? resolve() : reject(new Error("0x" + status.toString(16)));
}
function urlDone(start) {
  return new Promise((resolve, reject) => start({
    OnStartRunningUrl() {},
    OnStopRunningUrl(url, status) { outcome(status, resolve, reject); },
    QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
  }));
}
function copyDone(start) {
  return new Promise((resolve, reject) => start({
    onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null; },
    onStopCopy(status) { outcome(status, resolve, reject); },
    QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]),
  }));
}
function subjectOf(header) {  // it is kept without its Re:
  return (header.flags & Ci.nsMsgMessageFlags.HasRe ? "Re: " : "") + header.mime2DecodedSubject;
}
function header(path, subject) {
  const found = [...folder(path).messages].filter(each => subjectOf(each) == subject);
  if (found.length != 1) throw new Error(`${found.length} messages called ${subject}`);
  return found[0];
}
// A folder that is being looked at already tells the listener that it is busy, or nothing at all.
function update(path) {
  const one = folder(path).QueryInterface(Ci.nsIMsgImapMailFolder);
  const done = urlDone(listener => one.updateFolderWithListener(null, listener));
  const { setTimeout } = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");
  return Promise.race([done.catch(() => null), new Promise(late => setTimeout(late, 500))]);
}
"""

# The certificate is self-made.
TRUST = """
Cc["@mozilla.org/security/certoverride;1"].getService(Ci.nsICertOverrideService)
  .setDisableAllSecurityChecksAndLetAttackersInterceptMyData(true);
"""


class Thunderbird:
    def __init__(self, home, port, tls=0, settings=None):
        self.home = pathlib.Path(home)
        self.profile = self.home / 'profile'
        self.profile.mkdir(parents=True)
        self.marionette_port = free_port()
        self.settings = {**QUIET, **ACCOUNT, 'mail.server.server1.port': port,
                         'mail.server.server1.socketType': tls,
                         'marionette.port': self.marionette_port, **(settings or {})}
        self.process = None
        self.numbers = 0

    def start(self, password=PASSWORD):
        (self.profile / 'user.js').write_text(''.join(
            f'user_pref({json.dumps(name)}, {json.dumps(value)});\n'
            for name, value in self.settings.items()))
        with open(self.home / 'output', 'ab') as output:
            self.process = subprocess.Popen(
                ['thunderbird', '--headless', '--profile', self.profile, '--marionette',
                 '--remote-allow-system-access', '--no-remote'],
                env=dict(os.environ, HOME=str(self.home), LC_ALL='C.UTF-8', TZ='UTC'),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.connect()
        self.command('WebDriver:NewSession', capabilities={})
        self.command('Marionette:SetContext', value='chrome')
        self.run(TRUST + 'server.password = args[0];', password)
        return self

    def connect(self):
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.socket = socket.create_connection(('127.0.0.1', self.marionette_port),
                                                       COMMAND_SECONDS)
                break
            except OSError:
                assert time.monotonic() < end, (self.home / 'output').read_text()[-3000:]
                time.sleep(0.05)
        self.file = self.socket.makefile('rb')
        self.receive()

    def receive(self):
        length = b''
        while not length.endswith(b':'):
            byte = self.file.read(1)
            assert byte, 'Thunderbird has ended'
            length += byte
        return json.loads(self.file.read(int(length[:-1])))

    def command(self, name, **parameters):
        self.numbers += 1
        data = json.dumps([0, self.numbers, name, parameters]).encode()
        self.socket.sendall(b'%d:%s' % (len(data), data))
        _, number, error, result = self.receive()
        assert number == self.numbers
        assert error is None, error
        return result

    def run(self, script, *arguments):
        """What the body of an async function returns, as JSON values."""
        text = (f'const [args, finish] = arguments; (async () => {{{PRELUDE}{script}}})().then('
                'value => finish([true, value ?? null]), error => finish([false, String(error)]));')
        good, value = self.command('WebDriver:ExecuteAsyncScript', script=text,
                                   args=[list(arguments)], scriptTimeout=COMMAND_SECONDS * 1000,
                                   newSandbox=False)['value']
        assert good, f'{value}\n{script}'
        return value

    def stop(self):
        if self.process is None:
            return
        try:
            self.command('Marionette:Quit', flags=['eForceQuit'])
            self.process.wait(20)
        except Exception:
            self.process.kill()
            self.process.wait()
        self.process = None
