"""tools/conformance*.py reads RFCs and rows, finds what rows cite, and breaks it."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'tools'))

import conformance  # noqa: E402
import conformance_break  # noqa: E402
import conformance_code as code  # noqa: E402
import conformance_rows  # noqa: E402
import conformance_texts  # noqa: E402

RFC = '''
1.  Words

   The key words "MUST", "MUST NOT", "SHOULD", "MAY", "SHALL" are
   explained elsewhere.

2.  Bread

   A baker MUST
   NOT burn it.  It SHOULD

Author                    Informational                    [Page 1]
\f
RFC 9999                     On Bread                   April 2020

   rise.

2.1.  Salt

   Salt is REQUIRED; sugar is NOT RECOMMENDED.
Appendix A.  More
   It MUST be eaten.
'''

SOURCE = '''/* Baking. RFC 9999 section 1. */
#include "bread.h"

/* RFC 9999 s2.1 */
static bool is_salted(const struct bread *bread)
{
    if (bread->salt ==
        0)
        return false;
    return bread->name != NULL && strcmp(bread->name, "salted") != 0;
}

static const char *names[] = {
    "toast",
};
'''

ROWS = '''covers: 2
# A remark.
2#1 MUST NOT
It is not burnt,
nor scorched.
at: imap/answer.c: static const char capabilities[]
test: imap/append a1
break: int

2#2 SHOULD
Rises.
binds: bakers,
not cooks
'''


def test_words_of_a_text():
    assert conformance_texts.words(RFC) == \
        {'2': ['MUST NOT', 'SHOULD'], '2.1': ['REQUIRED', 'NOT RECOMMENDED'], 'A': ['MUST']}


def test_rows():
    covers, rows = conformance_rows.parse(9999, pathlib.Path('rfc9999.txt'), ROWS)
    assert covers == ['2']
    assert [(row.name, row.word, row.kind) for row in rows] == \
        [('2#1', 'MUST NOT', 'done'), ('2#2', 'SHOULD', 'binds')]
    assert rows[0].says == 'It is not burnt, nor scorched.'
    assert rows[1].says == 'Rises.' and rows[1].fields['binds'] == 'bakers, not cooks'
    assert rows[0].place == (ROOT / 'src/imap/answer.c', 'static const char capabilities[]')
    assert rows[0].test == (ROOT / 'test/script/imap/append.txt', 'a1')
    for bad in ('2 MUST\nx', '2#1 OUGHT\nx', '2#1 MUST\nat: a: b\nat: a: b'):
        with pytest.raises(conformance_rows.BadRow):
            conformance_rows.parse(9999, pathlib.Path('x'), bad)


def test_ordinals():
    assert conformance_rows.ordinals_parse('1,3-5') == [1, 3, 4, 5]
    assert conformance_rows.ordinals_print([1, 3, 4, 5]) == '1,3-5'


def test_what_a_row_cites():
    [(begin, end)] = code.find_piece(SOURCE, 'if (bread->salt == 0) return false;')
    assert SOURCE[begin:end].startswith('if') and SOURCE[begin:end].endswith('false;')
    assert code.function_at(SOURCE, begin) == 'is_salted'
    near = code.nearby(SOURCE, begin)
    assert code.cites(near, 9999, '2.1') and code.cites(near, 9999, '1') \
        and code.cites(near, 9999, '2.1.7') and code.cites(near, 9999, '2')
    assert not code.cites(near, 9999, '2.2') and not code.cites(near, 999, '2.1')
    table = SOURCE.index('toast')
    assert code.function_at(SOURCE, table) == 'names'
    assert not code.cites(code.nearby(SOURCE, table), 9999, '2.1')
    assert code.has_tag('C: a1 NOOP\nS2*: a1 OK\n', 'a1') and not code.has_tag('C: a1 NOOP', 'a1')


@pytest.mark.parametrize('piece, broken', [
    ('if (bread->salt == 0)', 'if ((bread->salt ==\n        0) && 0)'),
    ('return false;', 'return !(false);'),
    ('"toast"', '"~oast"'),
    ('a = b;', ';'),
    ('a <= b', 'a > b'),
    ('.limit = 30', '.limit = 31'),
    ('.on = true', '.on = false'),
    ('name', None),
])
def test_ways_to_break(piece, broken):
    text = SOURCE + 'a = b;\nx(a <= b)\n.limit = 30,\n.on = true,\n'
    begin, end = code.find_piece(text, piece)[0]
    found = conformance_break.broken_by_rule(text, begin, end)
    assert found == (None if broken is None else text.replace(text[begin:end], broken, 1))


def test_what_is_missing(tmp_path, monkeypatch):
    (tmp_path / 'rfc9999.txt').write_text(RFC)
    monkeypatch.setenv('ROOST_RFC', str(tmp_path))
    covers, rows = conformance_rows.parse(9999, ROOT / 'test/conformance/x', ROWS)
    rfcs = {9999: (covers, rows)}
    assert conformance.missing(9999, rfcs) == [
        'RFC 9999 2.1#1 REQUIRED: no row', 'RFC 9999 2.1#2 NOT RECOMMENDED: no row',
        'RFC 9999 A#1 MUST: no row']
    checker = conformance.Checker(rfcs)
    checker.check_words(9999, covers)
    assert len(checker.complaints) == 2
    rows[1].word = 'MUST'
    checker.check_words(9999, ['1'])
    assert 'is no MUST of the text' in checker.complaints[-1]


def test_complaints():
    rows = conformance_rows.parse(9999, ROOT / 'test/conformance/x', '\n\n'.join((
        '1#1 MUST\nx\nat: imap/answer.c: static const char capabilities[]\ntest: imap/append a1',
        '1#2 MUST\nx\nat: imap/nothing.c: x\ntest: imap/append zz', '1#3 MUST\nx',
        '1#5 MUST\nx\nbinds: a\nnot: b', '1#6 MUST\nsame: 9999 1#9',
        '1#7 MUST\nx\nat: imap/answer.c: buf_add\ntest: imap/none a1')))[1]
    checker = conformance.Checker({9999: ([], rows)})
    for row in rows:
        checker.check_fields(row)
    checker.check_numbers(9999, rows)
    text = '\n'.join(checker.complaints)
    for word in ('no "RFC 9999 s1" nearby', 'append.txt does not cite', 'no file',
                 "has no 'zz'", 'has no place and test', 'binds, not or done?',
                 'no row 9999 1#9', 'times in answer.c, not once', 'missing or doubled'):
        assert word in text, word
