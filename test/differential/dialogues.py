"""The dialogues of dialogues.txt with every server: each answer as facts that can be compared.

Texts, UIDVALIDITY, MODSEQ, \\Recent and the lists of FLAGS are a server's own and are left out.
"""
import pathlib
import re

import imap_value
import messages
import structure
from wire import Closed

PAGE = pathlib.Path(__file__).with_name('dialogues.txt')
ACCOUNT = 'bob'
COMMAND = re.compile(r'(?:(\d)> )?(.*)')
APPEND = re.compile(r'(APPEND \S+ \([^)]*\)) (\S+\.eml)$')
LIST = re.compile(r'(LIST (?:\([^)]*\) )?)(\S+) (\([^)]*\)|\S+)(.*)$')
CODE = re.compile(rb'\[([A-Z0-9-]+) ?([^\]]*)\]', re.I)
CODES = {b'TRYCREATE', b'NONEXISTENT', b'ALREADYEXISTS', b'CANNOT', b'UNKNOWN-CTE', b'BADCHARSET',
         b'READ-ONLY', b'READ-WRITE', b'EXPUNGEISSUED'}
ATTRIBUTES = (b'\\NOSELECT', b'\\HASCHILDREN', b'\\HASNOCHILDREN', b'\\SUBSCRIBED')
OWN_ITEMS = ('UIDVALIDITY', 'HIGHESTMODSEQ', 'RECENT', 'MODSEQ', 'INTERNALDATE')


def load():
    """[(title, [(number of the session, command)])]"""
    found = []
    for line in PAGE.read_text().splitlines():
        if line.startswith('== '):
            found.append((line[3:], []))
        elif line and not line.startswith('#'):
            session, command = COMMAND.match(line).groups()
            found[-1][1].append((int(session or 1), command))
    return found


class Voice:
    """The sessions of one dialogue with one server."""

    def __init__(self, side, texts):
        self.side, self.texts, self.wires = side, texts, {}

    def wire(self, number):
        if number not in self.wires:
            self.wires[number] = self.side.session(ACCOUNT)
        return self.wires[number]

    def ask(self, number, command):
        """Facts of the answer: {what: value}."""
        try:
            status, text, lines = self.wire(number).ask(*self.in_pieces(command))
        except Closed:
            del self.wires[number]
            return {'status': 'BYE'}
        return facts_of(status, text, lines)

    def in_pieces(self, command):
        """The command with `%` for its literals, and those."""
        append, listed = APPEND.match(command), LIST.match(command)
        if append:
            return f'{append[1]} %', self.texts[append[2]]
        if listed and '%' in listed[3]:
            return f'{listed[1]}{listed[2]} %{listed[4]}', listed[3].encode()
        return (command,)

    def close(self):
        for wire in self.wires.values():
            wire.close()


def facts_of(status, text, lines):
    facts = {'status': status}
    for line in [*lines, b'* ' + status.encode() + b' ' + text]:
        read_code(line, facts)
    for line in lines:
        read_line(line, facts)
    if 'EXPUNGE' in facts:
        facts['EXPUNGE'] = places_before(facts['EXPUNGE'])
    return facts


def places_before(numbers):
    """Where the expunged messages stood before the first of them went: their order is free."""
    gone = []
    for number in numbers:
        for place in sorted(gone):
            number += place <= number
        gone.append(number)
    return sorted(gone)


def read_code(line, facts):
    if not re.match(rb'\* (OK|NO|BAD) ', line):
        return
    code = CODE.search(line)
    if code is None:
        return
    name = code[1].upper()
    if name in CODES:
        facts[f'code {name.decode()}'] = True
    elif name in (b'COPYUID', b'APPENDUID'):
        facts[name.decode()] = code[2].split()[1:]
    elif name == b'UIDNEXT':
        facts['UIDNEXT'] = int(code[2])


def read_line(line, facts):
    number = re.match(rb'\* (\d+) (EXISTS|EXPUNGE|FETCH)', line)
    word = line.split()[1].upper()
    if number and number[2] == b'EXISTS':
        facts['EXISTS'] = int(number[1])
    elif number and number[2] == b'EXPUNGE':
        facts.setdefault('EXPUNGE', []).append(int(number[1]))
    elif number:
        read_fetch(int(number[1]), imap_value.Reader(line, number.end() + 1).items(), facts)
    elif word in (b'LIST', b'LSUB'):
        read_list(line, facts)
    elif word == b'STATUS':
        read_status(line, facts)
    elif word == b'SEARCH':
        facts['SEARCH'] = sorted(map(int, line.split()[2:]))
    elif word == b'SORT':
        facts['SORT'] = list(map(int, line.split()[2:]))
    elif word == b'ESEARCH':
        read_esearch(line, facts)


def read_fetch(number, items, facts):
    for name, value in items.items():
        if name == 'FLAGS':
            value = sorted(flag.upper() for flag in value if flag.upper() != b'\\RECENT')
        if name not in OWN_ITEMS:
            facts[f'FETCH {number} {name}'] = value


def read_list(line, facts):
    values = imap_value.Reader(b'(' + line[2:] + b')').list()
    given = {attribute.upper().replace(b'\\NONEXISTENT', b'\\NOSELECT') for attribute in values[1]}
    shown = [attribute.decode() for attribute in ATTRIBUTES if attribute in given]
    name = values[3]
    name = name.decode() if isinstance(name, bytes) else str(name)
    facts.setdefault(values[0].decode(), []).append((name, *shown))
    facts[values[0].decode()].sort()


def read_status(line, facts):
    values = imap_value.Reader(b'(' + line[2:] + b')').list()
    items = {name.decode().upper(): value for name, value in zip(values[2][::2], values[2][1::2])}
    facts['STATUS'] = {name: value for name, value in sorted(items.items())
                       if name not in OWN_ITEMS}


def read_esearch(line, facts):
    values = re.sub(rb'\(TAG "[^"]*"\)|UID', b'', line[10:]).split()
    facts['ESEARCH'] = {name.decode(): value for name, value in
                        sorted(zip(values[::2], values[1::2]))}


def compare(roost, peers, report):
    texts = {name.partition('/')[2]: text for name, text in messages.collect('own')}
    for title, commands in load():
        voices = [Voice(side, texts) for side in (roost, *peers)]
        for number, command in commands:
            ours, *theirs = [voice.ask(number, command) for voice in voices]
            found = {peer.name: differ(command, title, ours, facts)
                     for peer, facts in zip(peers, theirs)}
            for peer in peers:
                report.count('commands of dialogues', peer.name)
                report.count('values compared', peer.name, len(ours))
            report.add_all(found, lambda _: None, lambda *_: True)
        for voice in voices:
            voice.close()


def differ(command, title, ours, theirs):
    return {(f'DIALOGUE {command}: {what}', title): (ours.get(what), theirs.get(what))
            for what in {**ours, **theirs} if structure.folded(ours.get(what)) !=
            structure.folded(theirs.get(what))}
