"""Finds in code and tests what a row cites."""
import functools
import re

from rfcxref import CITATION, SECTION


@functools.lru_cache(maxsize=None)
def read(path):
    return path.read_text(errors='replace') if path.is_file() else None


@functools.lru_cache(maxsize=None)
def block_starts(text):
    """Offsets at which the top-level blocks of a C file begin, the comment above each included."""
    starts = [0]
    for match in re.finditer(r'\n\n(?=[^\s}])', text):
        starts.append(match.end())
    return starts


def nearby(text, offset):
    """The block that holds the offset (with the comment above it) and the head of the file."""
    starts = block_starts(text)
    index = max(i for i, start in enumerate(starts) if start <= offset)
    end = starts[index + 1] if index + 1 < len(starts) else len(text)
    return text[:starts[1] if len(starts) > 1 else len(text)] + '\n' + text[starts[index]:end]


def function_at(text, offset):
    """The name of the function or table that holds the offset, '' when it has none."""
    starts = block_starts(text)
    begin = max(start for start in starts if start <= offset)
    head = re.sub(r'/\*.*?\*/', '', text[begin:], flags=re.S).lstrip()
    match = re.match(r'[^;{=]*?(\w+)\s*(?:\(|\[[^\]]*\]\s*=|=|\{)', head)
    return match[1] if match else ''


def cites(text, rfc, section):
    """Whether the text cites the section, one above it, or one below."""
    joined = re.sub(r'\s*\n\s*(?:\*|#)?\s*', ' ', text)
    for number, sections in CITATION.findall(joined):
        if int(number) != rfc:
            continue
        for found in SECTION.findall(sections):
            if is_within(section, found) or is_within(found, section):
                return True
    return False


def is_within(section, other):
    return section == other or section.startswith(other + '.')


def find_piece(text, piece):
    """[offset, end] of each place where the piece stands; blanks and line ends are alike."""
    pattern = r'\s+'.join(re.escape(word) for word in piece.split())
    return [match.span() for match in re.finditer(pattern, text)]


def has_tag(text, tag):
    """Whether a dialogue awaits an answer to the command with this tag, or that it logs in."""
    return re.search(rf'^(?:S\d?\*?: |W: HANDOFF ){re.escape(tag)}(?: |$)', text, re.M) is not None


def has_test(text, name):
    return re.search(rf'\b{re.escape(name)}\(', text) is not None


def capability_words(text, blocks):
    """The words in the strings of these functions and tables, the names before '=' with it."""
    found = set()
    starts = block_starts(text)
    for begin, end in zip(starts, starts[1:] + [len(text)]):
        if function_at(text, begin) in blocks:
            for string in re.findall(r'"((?:[^"\\]|\\.)*)"', text[begin:end]):
                found |= {w for w in string.split() if re.fullmatch(r'[A-Z][\w+=-]+', w)}
    return found
