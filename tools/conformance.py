#!/usr/bin/env python3
"""What the RFCs demand, where Roost does it, and which test shows it: docs/conformance.md.

    tools/conformance.py                     write the page from test/conformance
    tools/conformance.py --check             is the page up to date, is every citation true
    tools/conformance.py --missing RFC       the words of the text that have no row yet
    tools/conformance.py --break N --seed S  break N cited places, one at a time: the tests named
                                             must go red
    tools/conformance.py --break 1 --row '9051 6.3.1#2'   this one

The texts of the RFCs are looked for in ROOST_RFC, or in ../shared/rfc; without them it is not
checked that every word has its row.
"""
import argparse
import sys

import conformance_break
import conformance_code as code
import conformance_rows
import conformance_texts
from conformance_rows import ROOM, ROOT

OUTPUT = ROOT / 'docs' / 'conformance.md'

# Where CAPABILITY is written: file, functions and tables, and how a word of it begins.
CAPABILITY_PLACES = [
    ('src/imap/answer.c', {'capabilities', 'imap_capabilities_print'}, ''),
    ('src/imap/login/command.c', {'login_capabilities_print'}, ''),
    ('src/imap/login/exchange.c', {'mechanisms'}, 'AUTH='),
]


def table(name):
    """[[column]] of a file of the room whose lines are columns between '|'."""
    lines = (ROOM / name).read_text().splitlines()
    return [[column.strip() for column in line.split('|')]
            for line in lines if line.strip() and not line.startswith('#')]


def announced():
    """The words of CAPABILITY, before a '=' that a number follows."""
    found = set()
    for path, blocks, begin in CAPABILITY_PLACES:
        words = code.capability_words((ROOT / path).read_text(), blocks)
        found |= {word for word in words if word.startswith(begin)}
    return found


class Checker:
    def __init__(self, rfcs):
        self.rfcs = rfcs
        self.rows = {(rfc, section, ordinal): row for rfc, (_, rows) in rfcs.items()
                     for row in rows for section in [row.section] for ordinal in row.ordinals}
        self.complaints = []

    def complain(self, row, text):
        path = row.path.relative_to(ROOT) if row.path.is_relative_to(ROOT) else row.path
        self.complaints.append(f'{path}:{row.line}: {row.name}: {text}')

    def check_fields(self, row):
        kinds = [k for k in ('binds', 'not', 'same') if k in row.fields]
        if row.kind != 'same' and not row.says:
            self.complain(row, 'says nothing')
        if len(kinds) > 1 or (kinds and 'at' in row.fields):
            self.complain(row, f'is it {", ".join(kinds)} or done?')
        elif kinds and not row.fields[kinds[0]]:
            self.complain(row, f'{kinds[0]}: who, or why?')
        elif not kinds and not ('at' in row.fields and 'test' in row.fields):
            self.complain(row, 'has no place and test, nor a reason')
        elif row.kind == 'same':
            self.check_same(row)
        elif not kinds:
            self.check_place(row)
            self.check_test(row)

    def check_same(self, row):
        rfc, _, name = row.fields['same'].partition(' ')
        section, _, ordinal = name.partition('#')
        other = ordinal.isdigit() and self.rows.get((int(rfc), section, int(ordinal)))
        if not other:
            self.complain(row, f'there is no row {row.fields["same"]}')
        elif other.kind == 'same':
            self.complain(row, f'{row.fields["same"]} points on to another row')

    def check_place(self, row):
        path, piece = row.place
        text = code.read(path)
        if text is None:
            self.complain(row, f'no file {path}')
            return
        found = code.find_piece(text, piece) if piece else []
        if len(found) != 1:
            self.complain(row, f'stands {len(found)} times in {path.name}, not once: {piece!r}')
        elif not code.cites(code.nearby(text, found[0][0]), row.rfc, row.section):
            self.complain(row, f'{row.fields["at"]}: no "RFC {row.rfc} s{row.section}" nearby')

    def check_test(self, row):
        path, name = row.test
        text = code.read(path)
        if text is None:
            self.complain(row, f'no file {path}')
            return
        found = code.has_tag(text, name) if path.suffix == '.txt' else code.has_test(text, name)
        if not found:
            self.complain(row, f'{path.name} has no {name!r}')
        if not code.cites(text, row.rfc, row.section):
            self.complain(row, f'{path.name} does not cite RFC {row.rfc} s{row.section}')

    def check_numbers(self, rfc, rows):
        """In each section the rows have the numbers from 1 on, each once."""
        numbers = {}
        for row in rows:
            numbers.setdefault(row.section, []).extend(row.ordinals)
        for section, found in numbers.items():
            if sorted(found) != list(range(1, len(found) + 1)):
                self.complaints.append(f'RFC {rfc} s{section}: rows are missing or doubled: '
                                       f'{sorted(found)}')

    def check_words(self, rfc, covers):
        words = conformance_texts.words_of(rfc)
        if words is None:
            return
        self.complaints += missing(rfc, self.rfcs, covers)
        for (number, section, ordinal), row in self.rows.items():
            there = words.get(section, []) if number == rfc else None
            if there is not None and there[ordinal - 1:ordinal] != [row.word]:
                self.complain(row, f'{ordinal} is no {row.word} of the text')

    def check_capabilities(self):
        known = {line[0]: [int(n) for n in line[1].split()] for line in table('capabilities.txt')}
        for word in sorted(announced()):
            if word not in known:
                self.complaints.append(f'CAPABILITY says {word}: capabilities.txt does not know it')
        for word, rfcs in known.items():
            if word not in announced():
                self.complaints.append(f'capabilities.txt: CAPABILITY does not say {word}')
            for rfc in rfcs:
                if not self.rfcs.get(rfc, ([], []))[1]:
                    self.complaints.append(f'CAPABILITY says {word}: RFC {rfc} has no rows')

    def run(self):
        for rfc, (covers, rows) in self.rfcs.items():
            for row in rows:
                self.check_fields(row)
            self.check_numbers(rfc, rows)
            self.check_words(rfc, covers)
        self.check_capabilities()
        return self.complaints


def missing(rfc, rfcs, covers=('all',)):
    """The words of the text that no row has, in the sections that are covered."""
    words = conformance_texts.words_of(rfc) or {}
    have = {(row.section, n) for row in rfcs.get(rfc, ([], []))[1] for n in row.ordinals}
    return [f'RFC {rfc} {section}#{n} {word}: no row'
            for section, found in words.items() for n, word in enumerate(found, 1)
            if (section, n) not in have
            and any(c == 'all' or code.is_within(section, c) for c in covers)]


def cell(text):
    return text.replace('|', '\\|').replace('<', '&lt;')


def render_place(row):
    path, piece = row.place
    text = code.read(path) or ''
    found = code.find_piece(text, piece)
    function = code.function_at(text, found[0][0]) if found else ''
    return f'`{path.relative_to(ROOT)}` {function}'.strip()


def render_row(row):
    if row.kind == 'same':
        where = f'as RFC {row.fields["same"]}', ''
    elif row.kind == 'binds':
        where = f'binds {row.fields["binds"]}', ''
    elif row.kind == 'not':
        where = f'not done: {row.fields["not"]}', ''
    else:
        path, name = row.test
        where = render_place(row), f'`{path.relative_to(ROOT)}` {name}'
    return f'| {row.name} | {row.word} | {cell(row.says)} | {cell(where[0])} | {where[1]} |'


def kind_of(row, by_name):
    if row.kind != 'same':
        return row.kind
    other = by_name.get(row.fields['same'])
    return other.kind if other else 'same'


def render_counts(rfcs):
    by_name = {f'{rfc} {row.section}#{n}': row for rfc, (_, rows) in rfcs.items()
               for row in rows for n in row.ordinals}
    lines = ['| RFC | words | MUST, SHALL, REQUIRED | SHOULD, RECOMMENDED | done | binds others | '
             'not done |', '|---|---|---|---|---|---|---|']
    total = [0] * 6
    for rfc, (_, rows) in rfcs.items():
        kinds = [(kind_of(row, by_name), row.word) for row in rows for _ in row.ordinals]
        hard = sum(word.split()[0] in ('MUST', 'SHALL', 'REQUIRED') for _, word in kinds)
        line = [len(kinds), hard, len(kinds) - hard]
        line += [sum(kind == k for kind, _ in kinds) for k in ('done', 'binds', 'not')]
        total = [a + b for a, b in zip(total, line)]
        lines.append(f'| [{rfc}](#rfc-{rfc}) | ' + ' | '.join(map(str, line)) + ' |')
    lines.append('| all | ' + ' | '.join(map(str, total)) + ' |')
    return lines


def render_undone(rfcs):
    """What binds a server and is not done, and why; other rows may point to it."""
    return [f'- RFC {rfc} {row.name} {row.word}: {row.says} Not done: {row.fields["not"]}.'
            for rfc, (_, rows) in rfcs.items() for row in rows if row.kind == 'not']


HEAD = """# What the RFCs demand, and where it is done

Made by `tools/conformance.py` from [test/conformance](../test/conformance/README.md). A row is
one word that binds (MUST, SHOULD and their like): section, number of the word in it, what it
demands in short, the place that does it and the test that shows it, or whom else it binds, or why
it is not done.

## Figures
"""


def render(rfcs):
    lines = HEAD.split('\n')
    lines += [f'- {line[0]}: {line[1]}' for line in table('figures.txt')]
    lines += ['', '## Rows', ''] + render_counts(rfcs)
    lines += ['', '## Not done', '', *render_undone(rfcs)]
    lines += ['', '## CAPABILITY', '', '| word | RFC |', '|---|---|']
    lines += [f'| {line[0]} | {line[1]} |' for line in table('capabilities.txt')]
    for rfc, (_, rows) in rfcs.items():
        lines += ['', f'## RFC {rfc}', '', '| | word | what | where | test |']
        lines += ['|---|---|---|---|---|'] + [render_row(row) for row in rows]
    return '\n'.join(lines) + '\n'


def check(rfcs):
    complaints = Checker(rfcs).run()
    if not complaints and (not OUTPUT.exists() or OUTPUT.read_text() != render(rfcs)):
        complaints = ['docs/conformance.md is not up to date: run make docs']
    print('\n'.join(complaints), end='\n' if complaints else '')
    return 1 if complaints else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--check', action='store_true')
    parser.add_argument('--missing', type=int, metavar='RFC')
    parser.add_argument('--break', type=int, dest='breaks', metavar='N')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--row', action='append', help="'RFC SECTION#NUMBER'")
    parser.add_argument('--rfc', type=int, action='append', help='break rows of this one only')
    options = parser.parse_args()
    rfcs = conformance_rows.load()
    if options.check:
        return check(rfcs)
    if options.missing:
        print('\n'.join(missing(options.missing, rfcs)))
        return 0
    if options.breaks:
        return conformance_break.run(rfcs, options)
    OUTPUT.write_text(render(rfcs))
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except conformance_rows.BadRow as bad:
        sys.exit(str(bad))
