"""tools/rfcxref.py reads the citations that the code writes."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'tools'))

import rfcxref  # noqa: E402


def sections(text):
    return {(number, section) for number, found in rfcxref.CITATION.findall(text)
            for section in rfcxref.SECTION.findall(found) or ['']}


def test_forms():
    assert sections('/* RFC 9051 s7.5.1: x */') == {('9051', '7.5.1')}
    assert sections('as RFC 5321 section 4.5.3.2 says.') == {('5321', '4.5.3.2')}
    assert sections('(RFC 3463 s3.2, s3.3 and s3.4)') == \
        {('3463', '3.2'), ('3463', '3.3'), ('3463', '3.4')}
    assert sections('RFC 3720 sB.4.') == {('3720', 'B.4')}
    assert sections('RFC 9051 sections 2.2, 5.5 and A.1, RFC 3501') == \
        {('9051', '2.2'), ('9051', '5.5'), ('9051', 'A.1'), ('3501', '')}
    assert sections('RFC 2971, 3 of them; RFC 2045 section 6, A word') == \
        {('2971', ''), ('2045', '6')}
    assert sections('RFC 2971, RFC 6154') == {('2971', ''), ('6154', '')}


def test_order():
    assert sorted(['10', '9', '2.1', '2', 'A'], key=rfcxref.section_key) == \
        ['2', '2.1', '9', '10', 'A']
