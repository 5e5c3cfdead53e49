#!/usr/bin/env python3
"""Writes docs/rfc.md: which file does, or refuses, what each section of an RFC says.

    tools/rfcxref.py            write it
    tools/rfcxref.py --check    fail when it is not up to date

A citation is "RFC 9051 s7.5.1" (or "section 7.5.1", "sections 5.5 and 7.5.1") in a comment;
"RFC 9051" alone names the whole.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUTPUT = ROOT / 'docs' / 'rfc.md'
NUMBER = r'(?:\d+|[A-Z])(?:\.\d+)*(?!\w)'
BARE = r'(?:\d+|[A-Z](?=\.\d))(?:\.\d+)*(?!\w)'
SECTION = re.compile(rf'(?<![\w.])s?({NUMBER})')
CITATION = re.compile(rf'RFC (\d{{3,5}})((?:,? (?:s|[Ss]ections? ){NUMBER}'
                      rf'(?:(?:,| and| to) (?:(?:s|[Ss]ections? ){NUMBER}|{BARE}))*)?)')


def citations():
    """{rfc: {section: {file}}} over src/, test/ and fuzz/."""
    found = {}
    for folder in ('src', 'test', 'fuzz'):
        for path in sorted((ROOT / folder).rglob('*')):
            if path.suffix not in ('.c', '.h', '.py', '.txt'):
                continue
            # A citation may be broken over two lines of a comment.
            text = re.sub(r'\s*\n\s*(?:\*|#)?\s*', ' ', path.read_text(errors='replace'))
            for number, sections in CITATION.findall(text):
                for section in SECTION.findall(sections) or ['']:
                    files = found.setdefault(int(number), {}).setdefault(section, set())
                    files.add(str(path.relative_to(ROOT)))
    return found


def section_key(section):
    return [(0, int(p), '') if p.isdigit() else (1, 0, p) for p in section.split('.')]


def render(found):
    lines = ['# RFCs and where they are kept', '',
             'Made by `tools/rfcxref.py` from the citations in the code.', '']
    for number in sorted(found):
        lines += [f'## RFC {number}', '', '| section | files |', '|---|---|']
        for section in sorted(found[number], key=section_key):
            files = ', '.join(f'`{name}`' for name in sorted(found[number][section]))
            lines.append(f'| {section or "(whole)"} | {files} |')
        lines.append('')
    return '\n'.join(lines).rstrip('\n') + '\n'


def main():
    text = render(citations())
    if '--check' not in sys.argv[1:]:
        OUTPUT.parent.mkdir(exist_ok=True)
        OUTPUT.write_text(text)
        return 0
    if OUTPUT.exists() and OUTPUT.read_text() == text:
        return 0
    print('docs/rfc.md is not up to date: run tools/rfcxref.py')
    return 1


if __name__ == '__main__':
    sys.exit(main())
