"""docs/differences.md: the differences that are meant to be, read by the tool that finds them."""
import dataclasses
import fnmatch
import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'differences.md'
HEAD = re.compile(r'^## (\d+)\. (.*)$')
RULE = re.compile(r'^    (dovecot|cyrus|\*) \| (.*?) \| (.*?) \| (any|white space)$')


@dataclasses.dataclass
class Row:
    number: int
    title: str
    rules: list  # (peer, what, message, how): patterns as of a shell


def load():
    rows = []
    for line in PAGE.read_text().splitlines() if PAGE.exists() else ():
        head, rule = HEAD.match(line), RULE.match(line)
        if head:
            rows.append(Row(int(head[1]), head[2], []))
        elif rule and rows:
            rows[-1].rules.append(rule.groups())
    return rows


def match(rows, peer, what, name, ours, theirs):
    """The row that expects this difference; None: nobody does."""
    for row in rows:
        for rule_peer, rule_what, rule_name, how in row.rules:
            if fits(peer, rule_peer) and fits(what, rule_what) and fits(name, rule_name) and \
                    (how == 'any' or without_blanks(ours) == without_blanks(theirs)):
                return row
    return None


def without_blanks(value):
    """White space of any length as one blank, none at the ends."""
    if isinstance(value, list):
        return [without_blanks(one) for one in value]
    return b' '.join(value.split()) if isinstance(value, bytes) else value


def fits(text, pattern):
    """Brackets stand for themselves: section names are full of them."""
    return fnmatch.fnmatchcase(text, pattern.replace('[', '[[]'))
