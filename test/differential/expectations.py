"""What the parsed messages and fields of a corpus are expected to say, and what Roost says of them.

The corpus holds messages and header fields with what another parser, mail-parser, read in them, as
JSON. Each is put into a Roost server and asked for over IMAP: structure, sections, decoded bytes,
ENVELOPE, and by SEARCH the decoded text and the dates.
"""
import datetime
import email.utils
import json
import re

import known
import messages
import oracle
import structure
from sides import Roost, Side

PEER = 'mail-parser'
EMPTY = {'List': []}
EMAIL = (b'From: a@example.org\r\nSubject: field\r\n', b'\r\n\r\nText.\r\n')


class Expected:
    """One message of the corpus: its bytes and what was read in them."""

    def __init__(self, name, raw, parsed):
        self.name, self.raw, self.parsed = name, raw, parsed


def collect():
    """Messages with line ends of CR LF, in the order of their names."""
    for path in sorted((messages.corpus_folder() / 'mime' / PEER).rglob('*.crlf.json')):
        source = path.with_name(path.name.replace('.crlf.json', '.eml'))
        raw = source.read_bytes().replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')
        yield Expected(f'{path.parent.name}/{source.name}', raw, json.loads(path.read_text()))


def fields():
    """(name, header field, what is expected) of the tables of single fields."""
    folder = messages.corpus_folder() / 'mime' / PEER
    for kind, field in (('address', 'To'), ('date', 'Date'), ('content_type', 'Content-Type'),
                        ('unstructured', 'Subject'), ('id', 'Message-ID')):
        path = folder / f'{kind}.json'
        for number, row in enumerate(json.loads(path.read_text()) if path.exists() else ()):
            if kind == 'address' and re.search('://|mailto:', row['header']):
                continue  # of a List- field (RFC 2369), which holds no addresses
            yield f'{kind}/{number}', field, row['header'], row['expected']


# ---- what was expected, in the words of IMAP ----

def header_of(part, name):
    """The first field's value; None where there is none."""
    found = [field['value'] for field in part['headers'] if field['name'] == name]
    return found[0] if found and isinstance(found[0], dict) else None


def type_of(part, is_in_digest):
    value = (header_of(part, 'content_type') or {}).get('ContentType')
    if not value or not value.get('c_subtype'):
        return 'message/rfc822' if is_in_digest and value is None else 'text/plain'
    return f'{value["c_type"]}/{value["c_subtype"]}'.lower()


def tree(parsed, number=0, is_in_digest=False):
    """(type, [children]) of a part."""
    part = parsed['parts'][number]
    kind, value = next(iter(part['body'].items()))
    name = type_of(part, is_in_digest)
    below = []
    if kind == 'Multipart':
        below = [tree(parsed, child, name == 'multipart/digest') for child in value]
    elif kind == 'Message':
        below = [tree(value)]
    return name, below


def leaves(parsed, raw, number=0, path=''):
    """(section, part) of all that is no multipart."""
    part = parsed['parts'][number]
    kind, value = next(iter(part['body'].items()))
    if kind == 'Multipart':
        for place, child in enumerate(value, 1):
            yield from leaves(parsed, raw, child, f'{path}.{place}'.lstrip('.'))
        return
    yield path or '1', part
    if kind == 'Message' and path:
        inner = value['parts'][0]['body']
        yield from leaves(value, raw, 0, path if 'Multipart' in inner else f'{path}.1')


def addresses(value):
    """[(name, address)], groups without their marks."""
    kind, entries = next(iter((value or {}).get('Address', EMPTY).items()))
    if kind == 'Group':
        entries = [one for group in entries for one in group['addresses']]
    return [((one['name'] or '').strip(), one['address'] or '') for one in entries]


# ---- what Roost says ----

def tree_of(body):
    if structure.is_multipart(body):
        parts = structure.children(body)
        subtype = str(body[len(parts)], 'utf-8').lower()
        return f'multipart/{subtype}', [tree_of(part) for part in parts]
    name = f'{str(body[0], "utf-8")}/{str(body[1], "utf-8")}'.lower()
    return name, [tree_of(body[8])] if structure.is_message(body) else []


def plain(value):
    """A header value as text; None stays."""
    return None if value is None else \
        oracle.header_text(value.decode('ascii', 'surrogateescape')).strip()


def told_addresses(entries):
    return [(plain(name) or '',
             f'{mailbox.decode("latin-1")}@{host.decode("latin-1")}')
            for name, _, mailbox, host in entries or [] if mailbox is not None and host is not None]


class Comparison:
    def __init__(self, side, report):
        self.side, self.report = side, report

    def check(self, what, name, ours, theirs, raw=None):
        self.report.count('values compared', PEER)
        if ours != theirs:
            self.report.add(known.Difference(PEER, what, name, ours, theirs, raw))

    def message(self, one):
        told = self.side.fetch(one.name, structure.METADATA)
        root = one.parsed['parts'][0]
        self.check('structure', one.name, tree_of(told['BODY']), tree(one.parsed), one.raw)
        self.envelope(one, root, told['ENVELOPE'])
        self.date(one.name, (header_of(root, 'date') or {}).get('DateTime'), one.raw)
        for section, part in leaves(one.parsed, one.raw):
            self.section(one, section, part)

    def envelope(self, one, root, envelope):
        named = dict(zip(structure.ENVELOPE, envelope))
        for field in ('from', 'to', 'cc', 'reply_to'):
            value = header_of(root, field)
            if value is not None:
                self.check(f'ENVELOPE {field}', one.name,
                           told_addresses(named[field.replace('_', '-')]), addresses(value),
                           one.raw)
        for field in ('subject', 'message_id'):
            value = (header_of(root, field) or {}).get('Text')
            told = plain(named[field.replace('_', '-')])
            if value is not None and told is not None:
                told = told.strip('<>') if field == 'message_id' else told
                self.check(f'ENVELOPE {field}', one.name, told, value.strip(), one.raw)
        for word in ((header_of(root, 'subject') or {}).get('Text') or '').split():
            self.found(one.name, 'SUBJECT', word, one.raw)

    def date(self, name, value, raw):
        """By SENTON, which asks for the day as it stands in the field."""
        day = f'{value["year"]}-{value["month"]}-{value["day"]}' if value else None
        if day is None:
            return
        asked = datetime.date(value['year'], value['month'], value['day'])
        found = self.side.search(f'UID {self.side.uids[name]} SENTON {asked:%d-%b-%Y}', None)
        self.check('date', name, found == {name}, True, raw)

    def section(self, one, section, part):
        kind, value = next(iter(part['body'].items()))
        wanted = one.raw[part['offset_body']:part['offset_end']]
        told = self.side.fetch(one.name, [f'BODY.PEEK[{section}]', f'BINARY.PEEK[{section}]'])
        self.check(f'BODY[{section}]', one.name, told.get(f'BODY[{section}]'), wanted, one.raw)
        if kind in ('Binary', 'InlineBinary'):
            self.check(f'BINARY[{section}]', one.name, told.get(f'BINARY[{section}]'),
                       bytes(value), one.raw)
        elif kind in ('Text', 'Html'):
            for phrase in phrases(oracle.visible(value) if kind == 'Html' else value):
                self.found(one.name, 'BODY', phrase, one.raw)

    def found(self, name, key, words, raw):
        """Roost's own decoding, which FETCH does not show: SEARCH must find the words."""
        found = self.side.search(f'CHARSET UTF-8 UID {self.side.uids[name]} {key} %',
                                 words.encode())
        self.check(f"SEARCH {key} '{words}'", name, found == {name}, True, raw)

    def field(self, name, field, value, expected):
        told = dict(zip(structure.ENVELOPE, self.side.fetch(name, ['ENVELOPE'])['ENVELOPE']))
        if field == 'To':
            self.check('address', name, told_addresses(told['to']),
                       addresses({'Address': expected or EMPTY}), value.encode())
        elif field == 'Date':
            self.date(name, expected, value.encode())
        elif field == 'Subject':
            self.check('subject', name, plain(told['subject']), (expected or '').strip(),
                       value.encode())
            for word in (expected or '').split():
                self.found(name, 'SUBJECT', word, value.encode())
        elif field == 'Message-ID':
            text = (told['message-id'] or b'').decode()
            self.check('id', name, re.findall('<([^>]+)>', text) or text.strip('<>').split(),
                       expected or [], value.encode())
        else:
            self.content_type(name, value, expected)

    def content_type(self, name, value, expected):
        body = self.side.fetch(name, ['BODY'])['BODY']
        told = tree_of(body)[0]
        wanted = 'text/plain' if not expected or not expected['c_subtype'] else \
            f'{expected["c_type"]}/{expected["c_subtype"]}'.lower()
        if expected and not expected['c_subtype'] and '/' not in value:
            return  # a Content-Disposition
        self.check('content type', name, told, wanted, value.encode())


def phrases(text):
    """Up to three lines of it that hold words, from its start, its middle and its end."""
    lines = [line.strip() for line in re.split(r'[\r\n\0\ufffd]+', text)]
    lines = [line[:60].strip() for line in lines if len(line) > 3]
    return [lines[place] for place in sorted({0, len(lines) // 2, len(lines) - 1})] \
        if lines else []


def as_message(field, value):
    """One field as a message: what stands behind its value in the table is not of it."""
    value = re.sub(r'\r?\n(?![ \t])[\s\S]*', '', value)
    value = re.sub(r'\r*\n', '\r\n', value)
    others = EMAIL[0] if field != 'Subject' else EMAIL[0].partition(b'Subject')[0]
    return others + f'{field}:{value}'.encode() + EMAIL[1]


def compare(report):
    """Everything against Roost; how many messages it refused."""
    wanted, rows = list(collect()), list(fields())
    side = Side(Roost())
    try:
        side.append({one.name: one.raw for one in wanted} |
                    {name: as_message(field, value) for name, field, value, _ in rows})
        comparison = Comparison(side, report)
        for one in wanted:
            comparison.message(one)
        for row in rows:
            comparison.field(*row)
    finally:
        side.close()
    report.count('messages', PEER, len(wanted))
    report.count('fields', PEER, len(rows))
    return len(side.refused)
