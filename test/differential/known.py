"""docs/differences.md: the differences that are meant to be, read by the tool that finds them."""
import dataclasses
import fnmatch
import pathlib
import re

from reasons import REASONS

PAGE = pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'differences.md'
HEAD = re.compile(r'^## (\d+)\. (.*)$')
RULE = re.compile(r'^    (\S+) \| (.*?) \| (.*?) \| (.*)$')


class Unreadable(Exception):
    """A rule that names no reason, or not enough."""


@dataclasses.dataclass
class Difference:
    peer: str
    what: str  # "ENVELOPE subject", "BODY 1.2/parameters", "SEARCH BODY "word"" ...
    name: str  # of the message; "*": of all
    ours: object
    theirs: object
    raw: bytes = None  # the message
    other_agrees: bool = True  # the other peer answers as Roost, or there is none


@dataclasses.dataclass
class Rule:
    peer: str
    what: str
    name: str
    how: str
    used: int = 0


@dataclasses.dataclass
class Row:
    number: int
    title: str
    rules: list


def load():
    rows = []
    for line in PAGE.read_text().splitlines():
        head, rule = HEAD.match(line), RULE.match(line)
        if head:
            rows.append(Row(int(head[1]), head[2], []))
        elif rule:
            if rule[4] not in REASONS:
                raise Unreadable(f'{PAGE.name}: no reason "{rule[4]}"')
            if rule[4] == 'this message' and '*' in rule[3]:
                raise Unreadable(f'{PAGE.name}: "this message" needs the name of one')
            rows[-1].rules.append(Rule(*rule.groups()))
    return rows


def match(rows, difference):
    """The row that expects this difference; None: nobody does."""
    for row in rows:
        for rule in row.rules:
            if fits(difference.peer, rule.peer) and fits(difference.what, rule.what) and \
                    fits(difference.name, rule.name) and REASONS[rule.how](difference):
                rule.used += 1
                return row
    return None


def fits(text, pattern):
    """A pattern of a shell, with {one,other}; brackets stand for themselves."""
    choice = re.search(r'\{([^{}]*)\}', pattern)
    if choice is None:
        return fnmatch.fnmatchcase(text, pattern.replace('[', '[[]'))
    before, behind = pattern[:choice.start()], pattern[choice.end():]
    return any(fits(text, before + one + behind) for one in choice[1].split(','))
