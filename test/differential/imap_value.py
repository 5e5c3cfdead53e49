"""IMAP answers as Python values: lists, byte strings, None for NIL, numbers; names upper case."""
import re

ATOM = re.compile(rb'[^\s()"{\]]+')
ITEM = re.compile(rb'([A-Z0-9.]+)(\[[^\]]*\])?(<\d+>)?', re.I)
QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S)
ESCAPED = re.compile(rb'\\(.)', re.S)
NUMBER = re.compile(rb'\d+\Z')


class Broken(Exception):
    """An answer that the grammar does not allow."""


class Reader:
    def __init__(self, text, at=0):
        self.text, self.at = text, at

    def peek(self):
        return self.text[self.at:self.at + 1]

    def skip(self, byte):
        if self.peek() != byte:
            raise Broken(f'{byte} wanted at {self.at}: {self.text[self.at:self.at + 40]}')
        self.at += 1

    def quoted(self):
        found = QUOTED.match(self.text, self.at)
        if found is None:
            raise Broken('a quoted string without end')
        self.at = found.end()
        return ESCAPED.sub(rb'\1', found[1])

    def literal(self):
        head = re.compile(rb'~?\{(\d+)\}\r\n').match(self.text, self.at)
        if head is None:
            raise Broken(f'a literal wanted: {self.text[self.at:self.at + 40]}')
        self.at = head.end() + int(head[1])
        return self.text[head.end():self.at]

    def atom(self):
        found = ATOM.match(self.text, self.at)
        if found is None:
            raise Broken(f'a value wanted at {self.at}: {self.text[self.at:self.at + 40]}')
        self.at = found.end()
        word = found[0]
        if word.upper() == b'NIL':
            return None
        return int(word) if NUMBER.match(word) else word

    def value(self):
        if self.peek() == b'(':
            return self.list()
        if self.peek() == b'"':
            return self.quoted()
        if self.peek() in (b'{', b'~'):
            return self.literal()
        return self.atom()

    def list(self):
        """Blanks between the elements may be missing, as between the parts of a multipart."""
        self.skip(b'(')
        values = []
        while self.peek() != b')':
            values.append(self.value())
            if self.peek() == b' ':
                self.at += 1
        self.at += 1
        return values

    def items(self):
        """{name: value} of a FETCH response; sections named in one way by all servers."""
        self.skip(b'(')
        found = {}
        while self.peek() != b')':
            name = ITEM.match(self.text, self.at)
            if name is None:
                raise Broken(f'an item wanted at {self.at}: {self.text[self.at:self.at + 40]}')
            self.at = name.end()
            self.skip(b' ')
            found[name[0].decode().upper().replace('"', '')] = self.value()
            if self.peek() == b' ':
                self.at += 1
        return found


def fetched(lines):
    """{sequence number: {item: value}} of the untagged lines of a FETCH."""
    found = {}
    for line in lines:
        head = re.match(rb'\* (\d+) FETCH ', line)
        if head is not None:
            found.setdefault(int(head[1]), {}).update(Reader(line, head.end()).items())
    return found


def searched(lines):
    """The numbers of a SEARCH response."""
    numbers = set()
    for line in lines:
        if line.upper().startswith(b'* SEARCH'):
            numbers.update(int(word) for word in line.split()[2:])
    return numbers
