"""The differential tool's own promises: what is not listed fails, what is listed is narrow."""
import argparse
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'test' / 'differential'))

import compare  # noqa: E402
import dialogues  # noqa: E402
import known  # noqa: E402
import oracle  # noqa: E402
import structure  # noqa: E402
from known import Difference  # noqa: E402
from reasons import REASONS  # noqa: E402
from report import Report  # noqa: E402

RAW = (b'From: a@example.org\r\nSubject: one\r\nSubject: two\r\nDate: 1 Feb 2003 04:05:06 +0700\r\n'
       b'Content-Type: text/html; charset=iso-8859-1\r\n\r\n<p>Gr\xfc\xdfe <b>Bi</b>rnen</p>\r\n')
LEAF = [b'text', b'plain', [b'charset', b'utf-8'], None, None, b'7bit', 10, 1]
PAGE = """
## 1. Something

    dovecot | ENVELOPE {subject,date} | own/* | first of several
    * | BODY[1] | own/a.eml | this message
"""


@pytest.fixture
def report(tmp_path, monkeypatch):
    monkeypatch.setattr(known, 'PAGE', tmp_path / 'page.md')
    known.PAGE.write_text(PAGE)
    return Report(0)


def arguments():
    return argparse.Namespace(messages='own', peer='both', figures=False)


def subject(peer='dovecot', ours=b'one', name='own/a.eml'):
    return Difference(peer, 'ENVELOPE subject', name, ours, b'two', RAW)


def test_a_listed_difference_passes(report):
    report.add(subject())
    assert compare.verdict(arguments(), report, 0) == 0
    assert report.counts['1. Something']['dovecot'] == 1


@pytest.mark.parametrize('difference', [
    subject(peer='cyrus'), subject(ours=b'two'), subject(name='mime/a.eml'),
    Difference('dovecot', 'BODY[1]', 'own/b.eml', b'a', b'b', RAW),
    Difference('dovecot', 'BODY[11]', 'own/a.eml', b'a', b'b', RAW)])
def test_what_is_not_listed_fails(report, difference):
    report.add(difference)
    assert compare.verdict(arguments(), report, 0) == 1


@pytest.mark.parametrize('others, surprises', [
    ({'cyrus': {'own/a.eml'}}, 0),  # it has the message, and differs in nothing
    ({'cyrus': set()}, 1),  # it refused the message: it agrees with nobody
    ({}, 0)])  # there is no other peer
def test_a_peer_agrees_only_on_what_it_has(report, others, surprises):
    known.PAGE.write_text('## 1. Something\n\n    dovecot | BODY[1] | * | other peer agrees\n')
    report = Report(0)
    found = {'dovecot': {('BODY[1]', 'own/a.eml'): (b'a', b'b')}, **{peer: {} for peer in others}}
    report.add_all(found, lambda _: RAW, lambda peer, name: name in others[peer])
    assert len(report.surprises) == surprises


def test_a_refused_message_fails(report):
    assert compare.verdict(arguments(), report, 1) == 1


def test_a_rule_that_nothing_needs_is_told(report):
    report.add(subject())
    assert report.print_unused() == 1


@pytest.mark.parametrize('rule', ['dovecot | BODY | own/* | this message',
                                  'dovecot | BODY | own/a.eml | because'])
def test_a_rule_must_say_enough(report, rule):
    known.PAGE.write_text(f'## 1. Something\n\n    {rule}\n')
    with pytest.raises(known.Unreadable):
        known.load()


def test_the_page_can_be_read():
    assert len([rule for row in known.load() for rule in row.rules]) > 50


def test_the_second_reading():
    message = oracle.read(RAW)
    assert message.holds('BODY', 'grüße birnen') and not message.holds('BODY', '<p>')
    assert message.holds('SUBJECT', 'TWO') and not message.holds('BODY', 'two')
    assert message.is_sent('ON', '1-Feb-2003') and not message.is_sent('BEFORE', '1-Feb-2003')
    assert not oracle.read(b'\r\nx').is_sent('BEFORE', '1-Jan-2030')


@pytest.mark.parametrize('place, value, what', [
    (2, None, 'BODY 2/parameters'), (5, b'8bit', 'BODY 2/encoding'), (6, 11, 'BODY 2/size'),
    (7, 2, 'BODY 2/lines'), (0, b'image', 'BODY 2/type')])
def test_each_field_of_a_structure_counts(place, value, what):
    other = [*LEAF[:place], value, *LEAF[place + 1:]]
    found = structure.differences({'BODY': [LEAF, LEAF, b'mixed']},
                                  {'BODY': [LEAF, other, b'mixed']})
    assert [one[0] for one in found] == [what]


def test_facts_of_an_answer():
    facts = dialogues.facts_of('OK', b'[COPYUID 7 1:2 3:4] done', [
        b'* 4 EXPUNGE', b'* 1 EXPUNGE', b'* 2 EXISTS', b'* LIST (\\NonExistent) "/" a/b',
        b'* 1 FETCH (FLAGS (\\Recent \\Seen) UID 9)', b'* STATUS a (MESSAGES 1 UIDVALIDITY 8)'])
    assert facts == {
        'status': 'OK', 'COPYUID': [b'1:2', b'3:4'], 'EXPUNGE': [1, 4], 'EXISTS': 2,
        'LIST': [('a/b', '\\NOSELECT')], 'FETCH 1 FLAGS': [b'\\SEEN'], 'FETCH 1 UID': 9,
        'STATUS': {'MESSAGES': 1}}
    assert dialogues.facts_of('OK', b'', [b'* 1 EXPUNGE', b'* 3 EXPUNGE'])['EXPUNGE'] == [1, 4]


@pytest.mark.parametrize('theirs, is_excused', [
    (('a', '\\SUBSCRIBED'), True), (('a',), False), (('b', '\\SUBSCRIBED'), False),
    (('a', '\\NOSELECT', '\\SUBSCRIBED'), False),
    (('a', '\\HASCHILDREN', '\\SUBSCRIBED'), False)])
def test_a_peer_may_be_silent_of_children_only(theirs, is_excused):
    ours = [('a', '\\HASNOCHILDREN', '\\SUBSCRIBED')]
    assert REASONS['attributes more'](
        Difference('dovecot', 'DIALOGUE LIST "" *: LIST', 'LIST', ours, [theirs])) == is_excused
