"""tools/budgets.py: what is over a budget, far under it, or without one, and how budgets are set.
The paths themselves are counted by a step of `make test`."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'tools'))

import budgets  # noqa: E402

TEXT = ('# a remark of 3 words\n'
        'copy                120 a row in columns\n'
        'fetch-flags          99 a line\n')


def test_budgets_are_read():
    assert budgets.read_budgets(TEXT) == {'copy': 120, 'fetch-flags': 99}
    for line in ('copy 120', 'copy many a row', 'copy 1 once\ncopy 2 twice'):
        with pytest.raises(ValueError):
            budgets.read_budgets(line)


def test_a_path_may_use_its_budget_and_no_more():
    assert budgets.verdict(100, 100) == (True, '')
    assert budgets.verdict(80, 100) == (True, '')
    good, words = budgets.verdict(101, 100)
    assert not good and '1.0%' in words
    good, words = budgets.verdict(79, 100)
    assert good and 'lower' in words
    assert not budgets.verdict(1, None)[0]
    good, words = budgets.verdict(1, 0)  # a path that could not be run when its line was written
    assert good and 'set' in words


def test_budgets_are_set_to_a_tenth_more():
    text = budgets.written(TEXT, {'copy': 1000, 'other': 5})
    assert text == TEXT.replace('copy                120', 'copy               1100')
    assert budgets.verdict(1000, budgets.read_budgets(text)['copy']) == (True, '')


def test_every_path_has_a_reason():
    for line in budgets.BUDGETS.read_text().splitlines():
        assert line.startswith('#') or len(line.split(None, 2)) == 3
