"""Reads test/conformance: one paragraph a requirement, in the form that its README describes."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOM = ROOT / 'test' / 'conformance'
HEADER = re.compile(r'([0-9A-Z][0-9A-Z.]*)#([\d,-]+) (.+)$')
FIELD = re.compile(r'(at|test|break|binds|not|same): ?(.*)$')
WORDS = ('MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT', 'SHALL', 'SHALL NOT', 'REQUIRED',
         'RECOMMENDED', 'NOT RECOMMENDED')


class BadRow(Exception):
    pass


class Row:
    """One paragraph. `fields`: the text of each of at, test, break, binds, not, same it has."""

    def __init__(self, rfc, path, line, section, ordinals, word):
        self.rfc, self.path, self.line = rfc, path, line
        self.section, self.ordinals, self.word = section, ordinals, word
        self.says = ''
        self.fields = {}

    @property
    def name(self):
        return f'{self.section}#{ordinals_print(self.ordinals)}'

    @property
    def kind(self):
        """done, binds (somebody else), not (done), or same (as another row)."""
        return next((k for k in ('binds', 'not', 'same') if k in self.fields), 'done')

    @property
    def place(self):
        """(file, piece of code); the piece is '' when only the file is named."""
        path, _, piece = self.fields['at'].partition(': ')
        return ROOT / 'src' / path, piece.strip()

    @property
    def test(self):
        """(file, name): a dialogue and a tag, or a file of tests and a function."""
        path, _, name = self.fields['test'].partition(' ')
        return test_path(path), name.strip()


def test_path(path):
    if path.startswith('e2e/'):
        return ROOT / 'test' / path
    if path.endswith('_test.c'):
        return ROOT / 'src' / path
    return ROOT / 'test' / 'script' / f'{path}.txt'


def ordinals_parse(text):
    """'1,3-5' -> [1, 3, 4, 5]"""
    found = []
    for part in text.split(','):
        first, _, last = part.partition('-')
        found += range(int(first), int(last or first) + 1)
    return found


def ordinals_print(ordinals):
    parts = []
    for number in ordinals:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ','.join(str(a) if a == b else f'{a}-{b}' for a, b in parts)


def parse_paragraph(rfc, path, line, lines):
    match = HEADER.match(lines[0])
    if not match or match[3] not in WORDS:
        raise BadRow(f'{path}:{line}: not "SECTION#NUMBER WORD": {lines[0]}')
    row = Row(rfc, path, line, match[1], ordinals_parse(match[2]), match[3])
    last = 'says'
    for text in lines[1:]:
        field = FIELD.match(text)
        if field and field[1] in row.fields:
            raise BadRow(f'{path}:{line}: {field[1]} twice')
        if field:
            last = field[1]
            row.fields[last] = field[2].strip()
        elif last == 'says':
            row.says = f'{row.says} {text.strip()}'.strip()
        else:
            row.fields[last] += ' ' + text.strip()
    return row


def parse(rfc, path, text):
    """(covers, [row]): the sections that the file says it covers ('all' or names), and its rows."""
    covers, rows, paragraph, start = [], [], [], 0
    for number, line in enumerate(text.split('\n') + [''], 1):
        if line.startswith('#'):
            continue
        if line.startswith('covers:'):
            covers = line.split()[1:]
        elif line.strip():
            start = start if paragraph else number
            paragraph.append(line.rstrip())
        elif paragraph:
            rows.append(parse_paragraph(rfc, path, start, paragraph))
            paragraph = []
    return covers, rows


def load(room=ROOM):
    """{rfc: (covers, [row])} of all files in the room; an RFC may have several, read by name."""
    found = {}
    for path in sorted(room.glob('rfc*.txt')):
        match = re.match(r'rfc(\d+)', path.name)
        covers, rows = parse(int(match[1]), path, path.read_text())
        before = found.setdefault(int(match[1]), ([], []))
        before[0].extend(covers)
        before[1].extend(rows)
    return dict(sorted(found.items()))


def section_key(section):
    return [(0, int(p), '') if p.isdigit() else (1, 0, p) for p in section.split('.')]
