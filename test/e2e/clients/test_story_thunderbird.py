"""Thunderbird: its own IMAP code, with and without CONDSTORE, driven in its JavaScript."""
import pytest

from mail import need, wait_for
from story import SUBJECTS, mail
from thunderbird import Thunderbird

PLAIN_TEXT = b'Content-Type: text/plain\r\n\r\nWritten here.\r\n'
WAIT_SECONDS = 15


@pytest.fixture(autouse=True)
def program():
    need('thunderbird')


@pytest.fixture
def make_thunderbird(tmp_path):
    made = []

    def make(port, **options):
        made.append(Thunderbird(tmp_path / f'thunderbird{len(made)}', port, **options))
        return made[-1]

    yield make
    for program in made:
        program.stop()


def discover(bird):
    """{path: names of the uses it has for Thunderbird}"""
    return bird.run('''
        await urlDone(listener => MailServices.imap.discoverAllFolders(root, listener, null));
        const uses = ["Inbox", "Drafts", "SentMail", "Trash", "Junk", "Archive"];
        return Object.fromEntries(root.descendants.map(each => [
          decodeURIComponent(each.URI.split("/").slice(3).join("/")),
          uses.filter(use => each.flags & Ci.nsMsgFolderFlags[use])]));''')


def shown(bird, path):
    """{subject: flags and keywords} as Thunderbird has them; a message of another's deletion is
    none."""
    rows = bird.run('''
        return [...folder(args[0]).messages].map(each => [subjectOf(each), each.flags,
          each.getStringProperty("keywords")]);''', path)
    names = {1: r'\Seen', 2: r'\Answered', 4: r'\Flagged', 0x1000: '$Forwarded',
             0x800000: '$MDNSent'}
    return {subject: {name for bit, name in names.items() if flags & bit} |
            set(keywords.split()) for subject, flags, keywords in rows}


def update(bird, path):
    bird.run('await update(args[0]);', path)
    return shown(bird, path)


def until_same(bird, story, path, there=None):
    """Until Thunderbird shows what the server has in the folder, which is the answer."""
    until(lambda: update(bird, path) == story.flags(there or path),
          lambda: (shown(bird, path), story.flags(there or path)))
    return shown(bird, path)


def until(condition, what):
    return wait_for(condition, WAIT_SECONDS, what)


def keep_offline(bird, path):
    """All messages of the folder are fetched, so that they are there without a server."""
    bird.run('''
        await urlDone(listener => folder(args[0]).downloadAllForOffline(listener, null));''', path)
    assert all(bird.run('''return [...folder(args[0]).messages].map(each =>
        !!(each.flags & Ci.nsMsgMessageFlags.Offline));''', path))


def structure(bird, subject):
    """The tree of MIME types and the names of files."""
    return bird.run('''
        const { MsgHdrToMimeMessage } =
          ChromeUtils.importESModule("resource:///modules/gloda/MimeMessage.sys.mjs");
        const tree = part => [part.contentType, ...(part.parts || []).map(tree)];
        return await new Promise(done => MsgHdrToMimeMessage(header("INBOX", args[0]), null,
          (header, message) => done([tree(message.parts[0]),
            message.allUserAttachments.map(each => each.name)]), true));''', subject)


def search_on_server(bird, path, text):
    return bird.run('''
        const search = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(
          Ci.nsIMsgSearchSession);
        search.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, folder(args[0]));
        const term = search.createTerm();
        const value = term.value;
        term.attrib = value.attrib = Ci.nsMsgSearchAttrib.Body;
        term.op = Ci.nsMsgSearchOp.Contains;
        value.str = args[1];
        term.value = value;
        search.appendTerm(term);
        const hits = [];
        await new Promise(done => {
          search.registerListener({ onNewSearch() {}, onSearchDone: done,
            onSearchHit(hit) { hits.push(subjectOf(hit)); } });
          search.search(null);
        });
        return hits;''', path, text)


def copy(bird, path, subject, to, move=False):
    bird.run('''
        await copyDone(listener => MailServices.copy.copyMessages(folder(args[0]),
          [header(args[0], args[1])], folder(args[2]), args[3], listener, null, false));''',
             path, subject, to, move)


def delete(bird, path, subject, for_good=False):
    bird.run('''
        await copyDone(listener => folder(args[0]).deleteMessages([header(args[0], args[1])],
          null, args[2], true, listener, false));''', path, subject, for_good)


def store(bird, path, text, draft):
    """As the window does in which mail is written."""
    file = bird.home / 'written.eml'
    file.write_bytes(text)
    bird.run('''
        const file = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
        file.initWithPath(args[0]);
        await copyDone(listener => MailServices.copy.copyFileMessage(file, folder(args[1]), null,
          args[2], Ci.nsMsgMessageFlags.Read, "", listener, null));''', str(file), path, draft)


def go_offline(bird):
    bird.run('Services.io.offline = true;')


def go_online(bird):
    bird.run('''
        Services.io.offline = false;
        Cc["@mozilla.org/messenger/offline-manager;1"].getService(Ci.nsIMsgOfflineManager)
          .goOnline(false, true,
            Cc["@mozilla.org/messenger/msgwindow;1"].createInstance(Ci.nsIMsgWindow));''')


@pytest.mark.parametrize('condstore', [False, True])
def test_a_day(story, keep, make_thunderbird, condstore):
    bird = make_thunderbird(story.port,
                            settings={'mail.server.server1.use_condstore': condstore}).start()
    check_what_is_there(bird, story)
    change_here(bird, story)
    write_here(bird, story)
    hear_of_others(bird, story)
    change_while_away(bird, story)
    come_back_after_a_restart(bird, story)
    bird.stop()
    keep('thunderbird_condstore' if condstore else 'thunderbird',
         f'Thunderbird 153, {"with" if condstore else "without"} CONDSTORE: all that it can do, and'
         ' what others did.')


def check_what_is_there(bird, story):
    folders = discover(bird)
    assert folders == {
        'INBOX': ['Inbox'], 'Archive': ['Archive'], 'Drafts': ['Drafts'], 'Junk': ['Junk'],
        'Sent': ['SentMail'], 'Trash': ['Trash'], 'Z&APw-rich': [], 'lists': [], 'lists/work': []}
    assert bird.run('return folder("Zürich").name') == 'Zürich'
    story.far.ok('SUBSCRIBE hidden')
    assert 'hidden' in discover(bird)
    assert list(until_same(bird, story, 'INBOX')) == SUBJECTS
    assert structure(bird, 'Grüße aus Köln') == [
        ['multipart/alternative', ['text/plain'], ['text/html']], []]
    assert structure(bird, 'with a picture') == [
        ['multipart/mixed', ['text/plain'], ['image/png']], ['Döm.png']]
    assert structure(bird, 'forwarded') == [
        ['multipart/mixed', ['text/plain'], ['message/rfc822', ['text/plain']]],
        ['what was told.eml']]


def change_here(bird, story):
    bird.run('folder("INBOX").markMessagesFlagged([header("INBOX", "a plain word")], true);')
    bird.run('folder("INBOX").markMessagesRead([header("INBOX", "rohe Umlaute: äöü")], true);')
    bird.run('folder("INBOX").addKeywordsToMessages([header("INBOX", "with a picture")],'
             ' "$label1");')
    until(lambda: story.flags()['with a picture'] == {r'\Flagged', '$label1'} and
          r'\Seen' in story.flags()['rohe Umlaute: äöü'], story.flags)
    assert story.flags()['a plain word'] == {r'\Flagged'}
    copy(bird, 'INBOX', 'a plain word', 'Zürich')
    copy(bird, 'INBOX', 'forwarded', 'Archive', move=True)
    assert story.flags('Z&APw-rich')['a plain word'] == {r'\Flagged'}
    assert story.flags('Archive') == {'forwarded': {r'\Seen', r'\Answered', '$Forwarded'}}
    assert story.dates('Archive') == {'forwarded': ' 2-Nov-2026 10:00:03 +0100'}
    delete(bird, 'INBOX', 'with a picture')
    assert list(story.flags('Trash')) == ['with a picture']
    until(lambda: 'with a picture' in update(bird, 'Trash'), lambda: shown(bird, 'Trash'))
    delete(bird, 'Trash', 'with a picture', for_good=True)
    until(lambda: r'\Deleted' in story.flags('Trash').get('with a picture', {r'\Deleted'}),
          lambda: story.flags('Trash'))
    assert search_on_server(bird, 'INBOX', 'Grüße') == ['Grüße aus Köln']
    bird.run('root.createSubfolder("Größe", null);')
    until(lambda: 'Größe' in story.subscribed(), story.subscribed)


def write_here(bird, story):
    store(bird, 'Sent', mail(b'sent from here', 'sent', PLAIN_TEXT), draft=False)
    assert story.flags('Sent') == {'sent from here': {r'\Seen'}}
    store(bird, 'Drafts', mail(b'first draft', 'draft1', PLAIN_TEXT), draft=True)
    until(lambda: 'first draft' in shown(bird, 'Drafts'), 'the draft is not shown')
    store(bird, 'Drafts', mail(b'second draft', 'draft2', PLAIN_TEXT), draft=True)
    delete(bird, 'Drafts', 'first draft', for_good=True)
    until(lambda: story.flags('Drafts').get('first draft', {r'\Deleted'}) >= {r'\Deleted'},
          lambda: story.flags('Drafts'))
    assert story.flags('Drafts')['second draft'] == {r'\Seen', r'\Draft'}


def hear_of_others(bird, story):
    """In IDLE: nothing is asked for."""
    until_same(bird, story, 'INBOX')
    story.select()
    story.put(mail(b'while here', 'here'))
    story.far.ok(rf'UID STORE {story.uid("rohe Umlaute: äöü")} -FLAGS (\Seen)')
    until(lambda: shown(bird, 'INBOX') == story.flags(), lambda: shown(bird, 'INBOX'))
    assert 'while here' in story.flags()


def change_while_away(bird, story):
    for path in ('INBOX', 'lists/work'):
        until_same(bird, story, path)
        keep_offline(bird, path)
    go_offline(bird)
    # It forgets moves that follow a flag of an older message: the flag is that of the newest.
    bird.run('folder("INBOX").markMessagesRead([header("INBOX", "while here")], true);')
    copy(bird, 'INBOX', 'Re: a plain word', 'lists/work', move=True)
    delete(bird, 'INBOX', 'a plain word')
    story.far.ok(f'UID MOVE {story.uid("Grüße aus Köln")} Archive')
    story.far.ok(rf'UID STORE {story.uid("rohe Umlaute: äöü")} +FLAGS (\Flagged)')
    story.put(mail(b'while away', 'away'))
    go_online(bird)
    until(lambda: 'Re: a plain word' in story.flags('lists/work') and 'a plain word' in
          story.flags('Trash'), story.flags)
    until_same(bird, story, 'INBOX')
    assert set(story.flags()) == {'while here', 'rohe Umlaute: äöü', 'while away'}
    assert story.flags()['while here'] >= {r'\Seen'}
    assert story.flags()['rohe Umlaute: äöü'] >= {r'\Flagged'}
    until_same(bird, story, 'lists/work')


def come_back_after_a_restart(bird, story):
    bird.stop()
    story.far.ok(rf'UID STORE {story.uid("while away")} +FLAGS (\Answered)')
    story.far.ok(rf'UID STORE {story.uid("while here")} -FLAGS (\Seen)')
    story.far.ok(rf'UID STORE {story.uid("rohe Umlaute: äöü")} +FLAGS (\Deleted)')
    story.far.ok('EXPUNGE')
    bird.start()
    until_same(bird, story, 'INBOX')
    assert set(story.flags()) == {'while here', 'while away'}
    assert story.flags()['while away'] == {r'\Answered'}


@pytest.mark.parametrize('way', ['starttls', 'imaps'])
def test_over_tls(story, make_thunderbird, way):
    server = story.server
    bird = make_thunderbird(*{'starttls': [server.imap_port], 'imaps': [server.imaps_port]}[way],
                            tls={'starttls': 2, 'imaps': 3}[way]).start()
    assert 'lists/work' in discover(bird)
    until_same(bird, story, 'INBOX')
    assert 'tls=yes mechanism=PLAIN user=ann' in server.log()


def test_a_wrong_password(story, keep_refusal, make_thunderbird):
    bird = make_thunderbird(story.port).start(password='wrong')
    assert not bird.run('''
        return await new Promise(done => server.verifyLogon({ OnStartRunningUrl() {},
          OnStopRunningUrl(url, status) { done(Components.isSuccessCode(status)); } }, null));''')
    assert b'NO [AUTHENTICATIONFAILED] Name or password is wrong' in story.recorder.said('S')
    assert 'user=ann result=denied why="wrong name or password"' in story.server.log()
    keep_refusal('thunderbird', 'Thunderbird 153, with a wrong password.')
