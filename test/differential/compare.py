#!/usr/bin/env python3
"""The same messages and the same questions to Roost, Dovecot and Cyrus: what differs?

    test/differential/compare.py [--messages own|mime|real|all] [--peer dovecot|cyrus|both]
                                 [--verbose] [--most N]

Every message is appended to each server; ENVELOPE, BODY, BODYSTRUCTURE, RFC822.SIZE, the sections
of all parts and the results of searches are compared by value. What differs must stand in
docs/differences.md with the sentence of the RFC that makes Roost right; what does not stand there
fails the run. A message that a peer refuses or changes is counted and left out for that peer. Needs
root: the peers change users.
"""
import argparse
import collections
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ('test/differential', 'test/e2e', 'bench'):
    sys.path.insert(0, str(ROOT / folder))

import cyrus  # noqa: E402
import dovecot  # noqa: E402
import imap_value  # noqa: E402
import known  # noqa: E402
import messages  # noqa: E402
import roost_server  # noqa: E402
from wire import Wire  # noqa: E402

PASSWORD = 'differential'
METADATA = ['ENVELOPE', 'BODY', 'BODYSTRUCTURE', 'RFC822.SIZE']
TOP = ['BODY.PEEK[]', 'BODY.PEEK[HEADER]', 'BODY.PEEK[TEXT]', 'BODY.PEEK[]<5.40>',
       'BODY.PEEK[HEADER.FIELDS (From Subject Received)]',
       'BODY.PEEK[HEADER.FIELDS.NOT (From Subject Received)]', 'BODY.PEEK[TEXT]<0.10>']
PARTS_MAX = 30
ENVELOPE = ('date', 'subject', 'from', 'sender', 'reply-to', 'to', 'cc', 'bcc', 'in-reply-to',
            'message-id')
LEAF = ('type', 'subtype', 'parameters', 'id', 'description', 'encoding', 'size')
EXTENSION = ('md5', 'disposition', 'language', 'location')


class Roost:
    name = 'roost'

    def __init__(self):
        self.server = roost_server.Server({'log.level': 'warning', 'mail.message_bytes_max': '64M'})
        self.server.add_account('ann', PASSWORD)
        self.server.start()
        self.imap_port = self.server.imap_port

    def close(self):
        self.server.close()


class Side:
    """One server with a mailbox of the messages; `uids` of those it took and kept as they are."""

    def __init__(self, server):
        self.server, self.name, self.uids = server, server.name, {}
        self.refused, self.changed = [], []
        self.wire = Wire(server.imap_port, timeout=120)
        self.wire.ok(f'LOGIN ann {PASSWORD}')

    def append(self, name, text):
        status, answer, _ = self.wire.ask('APPEND INBOX %', text)
        if status != 'OK':
            self.refused.append(name)
            return
        self.uids[name] = int(answer.partition(b'APPENDUID ')[2].partition(b']')[0].split()[1])

    def select(self):
        self.wire.ok('SELECT INBOX')

    def fetch(self, name, items):
        status, answer, lines = self.wire.ask(f'UID FETCH {self.uids[name]} ({" ".join(items)})')
        found = imap_value.fetched(lines)
        values = next(iter(found.values())) if found else {}
        return values if status == 'OK' else {**values, 'STATUS': answer}

    def search(self, keys, *literals):
        status, answer, lines = self.wire.ask(f'UID SEARCH {keys}', *literals)
        if status != 'OK':
            return status
        uids = imap_value.searched(lines)
        return {name for name, uid in self.uids.items() if uid in uids}

    def close(self):
        self.wire.close()
        self.server.close()


def parts_of(structure, path=''):
    """Section specifiers of all parts of a BODYSTRUCTURE: (path, is a message)."""
    if isinstance(structure[0], list):
        for number, part in enumerate((p for p in structure if isinstance(p, list)), 1):
            if not is_part(part):
                break
            yield from parts_of(part, f'{path}.{number}' if path else str(number))
        return
    is_message = str(structure[0]).upper() == str(b'MESSAGE') and len(structure) > 9 and \
        isinstance(structure[8], list)
    yield path or '1', is_message
    if is_message and path:
        below = structure[8]
        yield from parts_of(below, path if isinstance(below[0], list) else f'{path}.1')


def is_part(value):
    """A list in a multipart that is a part, and no parameter list behind them."""
    return bool(value) and (isinstance(value[0], list) or
                            (len(value) >= 7 and isinstance(value[0], bytes)))


def sections_of(structure):
    wanted = list(TOP)
    for path, is_message in list(parts_of(structure))[:PARTS_MAX]:
        wanted.append(f'BODY.PEEK[{path}]')
        if '.' in path or isinstance(structure[0], list):
            wanted.append(f'BODY.PEEK[{path}.MIME]')
        if is_message:
            wanted += [f'BODY.PEEK[{path}.HEADER]', f'BODY.PEEK[{path}.TEXT]']
    return wanted


def folded(value):
    """Values whose case does not count."""
    if isinstance(value, bytes):
        return value.upper()
    if isinstance(value, list):
        return [folded(one) for one in value]
    return value


def differ_in_structure(ours, theirs, path=''):
    """Names of what differs: "1.2/parameters"."""
    if ours == theirs:
        return
    multi = bool(ours) and isinstance(ours[0], list)
    if multi != (bool(theirs) and isinstance(theirs[0], list)):
        yield f'{path}/multipart'
        return
    if not multi:
        yield from differ_in_leaf(ours, theirs, path)
        return
    mine = [part for part in ours if is_part(part)]
    other = [part for part in theirs if is_part(part)]
    if len(mine) != len(other):
        yield f'{path}/parts'
        return
    for number, (one, two) in enumerate(zip(mine, other), 1):
        yield from differ_in_structure(one, two, f'{path}.{number}'.lstrip('.'))
    names = ('subtype', 'parameters', 'disposition', 'language', 'location')
    yield from differ_in_fields(names, ours[len(mine):], theirs[len(other):], path)


def differ_in_fields(names, ours, theirs, path):
    for name, one, two in zip(names, ours, theirs):
        if folded(one) != folded(two):
            yield f'{path}/{name}'
    if len(ours) != len(theirs):
        yield f'{path}/length'


def differ_in_leaf(ours, theirs, path):
    yield from differ_in_fields(LEAF, ours[:7], theirs[:7], path)
    ours, theirs = ours[7:], theirs[7:]
    if ours and isinstance(ours[0], list) and theirs and isinstance(theirs[0], list) and \
            len(ours) > 2 and isinstance(ours[1], list):
        for name in differ_in_envelope(ours[0], theirs[0]):
            yield f'{path}/envelope.{name}'
        for name in differ_in_structure(ours[1], theirs[1]):
            yield f'{path}/message:{name}'
        ours, theirs = ours[2:], theirs[2:]
    if ours and theirs and isinstance(ours[0], int) and isinstance(theirs[0], int):
        if ours[0] != theirs[0]:
            yield f'{path}/lines'
        ours, theirs = ours[1:], theirs[1:]
    yield from differ_in_fields(EXTENSION, ours, theirs, path)


def differ_in_envelope(ours, theirs):
    for name, one, two in zip(ENVELOPE, ours, theirs):
        if one != two:
            yield name


def differences(ours, theirs):
    """(what, our value, their value) of one message."""
    for item in ours:
        if item in ('STATUS', 'UID'):
            continue
        one, two = ours[item], theirs.get(item)
        if item == 'ENVELOPE' and two is not None:
            for name in differ_in_envelope(one, two):
                place = ENVELOPE.index(name)
                yield f'ENVELOPE {name}', one[place], two[place]
        elif item in ('BODY', 'BODYSTRUCTURE') and two is not None:
            for name in differ_in_structure(one, two):
                yield f'{item} {name}', one, two
        elif one != two:
            yield item, one, two


def compare_messages(roost, peer, names, report):
    for name in names:
        ours = roost.fetch(name, METADATA)
        theirs = peer.fetch(name, METADATA)
        wanted = sections_of(ours['BODYSTRUCTURE'])
        ours.update(roost.fetch(name, wanted))
        theirs.update(peer.fetch(name, wanted))
        if ours['BODY[]'] != theirs.get('BODY[]'):
            peer.changed.append(name)
            peer.uids.pop(name)
            continue
        for what, one, two in differences(ours, theirs):
            report.add(peer.name, what, name, one, two)


def searches(texts):
    """Search keys with their literals; words are drawn from the messages, always the same ones."""
    draw = random.Random(1)
    found = [(keys,) for keys in (
        'LARGER 10000', 'SMALLER 600', 'SENTBEFORE 1-Sep-2002', 'SENTSINCE 1-Oct-2002',
        'SENTON 23-Aug-2002', 'SUBJECT ""', 'HEADER Cc ""', 'HEADER X-Mailer ""', 'FROM "com"',
        'TO "list"', 'CC "net"', 'SUBJECT "re:"', 'OR FROM "john" TO "john"',
        'NOT HEADER Message-ID ""', 'HEADER Received "localhost"')]
    names = sorted(texts)
    for key in ('BODY', 'TEXT', 'SUBJECT', 'FROM'):
        for _ in range(12):
            word = draw.choice(messages.words(texts[draw.choice(names)]) or [b'nothing'])
            found.append((f'{key} "{word.decode().lower()}"',))
    for word in ('für', 'é', 'ü', 'ß', 'Привет', '日本', '한국'):
        for key in ('SUBJECT', 'BODY', 'TEXT'):
            found.append((f'CHARSET UTF-8 {key} %', word.encode()))
    return found


def compare_searches(roost, peer, texts, report):
    both = set(roost.uids) & set(peer.uids)
    for keys, *literals in searches(texts):
        ours, theirs = roost.search(keys, *literals), peer.search(keys, *literals)
        shown = keys.replace('%', repr(literals[0].decode()) if literals else '%')
        if isinstance(ours, str) or isinstance(theirs, str):
            if ours != theirs:
                report.add(peer.name, f'SEARCH {shown}', '*', ours, theirs)
            continue
        for name in sorted((ours ^ theirs) & both):
            report.add(peer.name, f'SEARCH {shown}', name, name in ours, name in theirs)


class Report:
    def __init__(self, verbose):
        self.listed, self.verbose = known.load(), verbose
        self.expected = collections.Counter()
        self.surprises = []
        self.compared = collections.Counter()

    def add(self, peer, what, name, ours, theirs):
        row = known.match(self.listed, peer, what, name, ours, theirs)
        if row is not None:
            self.expected[row.number] += 1
            return
        self.surprises.append((peer, what, name, ours, theirs))

    def print(self, sides, most):
        for side in sides:
            print(f'{side.name}: {len(side.uids)} messages compared, {len(side.refused)} refused, '
                  f'{len(side.changed)} stored otherwise than sent')
        kinds = collections.Counter()
        for peer, what, name, ours, theirs in self.surprises:
            kinds[peer, what.split(' ')[0]] += 1
            if self.verbose and kinds[peer, what.split(' ')[0]] <= most:
                print(f'- {peer}: {what}: {name}\n    roost: {str(ours)[:400]}\n'
                      f'    {peer}: {str(theirs)[:400]}')
        for row in self.listed:
            print(f'listed, {self.expected[row.number]:5} times: {row.number}. {row.title}')
        for (peer, what), count in sorted(kinds.items()):
            print(f'NOT LISTED, {count:5} times: {peer}: {what}')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--messages', choices=('own', 'mime', 'real', 'all'), default='all')
    parser.add_argument('--peer', choices=('dovecot', 'cyrus', 'both'), default='both')
    parser.add_argument('--verbose', action='store_true', help='show what is not listed')
    parser.add_argument('--most', type=int, default=10, help='of each kind, with --verbose')
    arguments = parser.parse_args()
    texts = dict(messages.collect(arguments.messages))
    report = Report(arguments.verbose)
    roost, peers = Side(Roost()), []
    try:
        for kind in (dovecot.Dovecot, cyrus.Cyrus):
            if arguments.peer in (kind.name, 'both'):
                peers.append(Side(kind(['ann'], PASSWORD).start()))
        for side in (roost, *peers):
            for name, text in texts.items():
                side.append(name, text)
            side.select()
        for peer in peers:
            shared = [name for name in texts if name in roost.uids and name in peer.uids]
            compare_messages(roost, peer, shared, report)
            compare_searches(roost, peer, {name: texts[name] for name in shared}, report)
    finally:
        for side in (roost, *peers):
            side.close()
    report.print((roost, *peers), arguments.most)
    verdict = 'FAILED' if report.surprises or roost.refused else 'passed'
    print(f'differential: {verdict}: {len(report.surprises)} differences that are not listed')
    return 1 if verdict == 'FAILED' else 0


if __name__ == '__main__':
    sys.exit(main())
