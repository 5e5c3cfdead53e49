"""The table of the benchmarks: what a goal, a row and a count of calls say."""
import argparse
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'bench'))

import table  # noqa: E402
import table_count  # noqa: E402
import table_goals  # noqa: E402
import table_print  # noqa: E402
import table_rows  # noqa: E402
from table_goals import Goal  # noqa: E402


def test_more_is_better_but_for_times_and_memory():
    assert table_goals.ratio('rate', 20, [4, 5, None]) == 4
    assert table_goals.ratio('p50_ms', 2, [10, 20, None]) == 5
    assert table_goals.ratio('rate', None, [4]) is None
    assert table_goals.ratio('rate', 20, [None]) is None


def test_a_goal_is_reached_by_one_of_its_parts():
    either = Goal(ratio=10, share=0.7)
    assert either.verdict(1, 10, 0.1) == 'reached'
    assert either.verdict(1, 2, 0.7) == 'reached'
    assert either.verdict(1, 9.9, 0.69) == 'short'
    assert either.verdict(1, 9.9, 0.49) == either.verdict(1, 1.4, 0.69) == 'short'
    assert either.verdict(1, 1.4, 0.49) == 'below the least'
    assert either.verdict(1, None, None) == ''


def test_short_is_not_below_the_least():
    assert Goal(ratio=5).verdict(1, 4.9, None) == 'short'
    assert Goal(ratio=5).verdict(1, 1.4, None) == 'below the least'
    assert Goal(share=0.8).verdict(1, 1.4, 0.6) == 'short'
    assert Goal(at_most=5).verdict(5, None, None) == 'reached'
    assert Goal(at_most=5).verdict(5.1, None, None) == 'short'
    assert Goal(at_most=5).verdict(5.1, 1.4, None) == 'below the least'
    assert Goal(at_most=0.1).text('p50_ms') == '0.1 ms'


def test_titles_tell_rows_apart_and_peers_have_theirs():
    titles = [row.title for row in table_rows.ROWS]
    assert len(titles) == len(set(titles))
    for row in table_rows.ROWS:
        assert row.figure in table_goals.FIGURES
        assert not row.peers_row or row.peers_row in titles


def test_a_row_brings_what_it_works_on():
    titles = [row.title for row in table_rows.chosen(['SELECT, ten times'])]
    assert titles == ['fill, MULTIAPPEND of 100, messages', 'COPY of a block, messages',
                      'COPY of the copies, messages', 'SELECT, ten times as many']
    assert table_rows.chosen([]) == list(table_rows.ROWS)
    assert table_rows.chosen(['no such row']) == []


def test_mailboxes_have_the_sizes_that_are_expected():
    rows = {row.title: row for row in table_rows.ROWS}
    assert rows['SELECT'].size_of(10000) == rows['SELECT'].size_of(20000) == 100000
    assert rows['SELECT, ten times as many'].size_of(10000) == 1000000
    assert rows['SEARCH BODY'].size_of(2000) == 2000
    fill, fetch = rows['fill, another mailbox, messages'], rows['FETCH header fields, first time']
    for messages in range(1000, 60000, 1000):
        assert fill.operations(messages) * 100 == fetch.size_of(messages)


def test_a_section_of_the_page_is_replaced():
    page = '# P\n\n## A\n\nold\n\n## B\n\nkept\n'
    assert table_print.with_section(page, 'A', ['new']) == \
        '# P\n\n## A\n\nnew\n\n## B\n\nkept\n'
    assert table_print.with_section(page, 'B', ['new']) == \
        '# P\n\n## A\n\nold\n\n## B\n\nnew\n'
    assert table_print.with_section(page, 'C', ['new']) == page + '\n## C\n\nnew\n'


def test_a_server_has_the_accounts_of_its_rows():
    assert table_rows.account_names(table_rows.STRICT) == ['reader0']
    names = table_rows.account_names('cyrus')
    assert {'mixer19', 'user31'} < set(names) < set(table_rows.account_names('roost'))


class Gone:
    """A server that has ended."""
    name, imap_port = 'gone', 1

    def version(self):
        return '1'

    settings = version

    def close(self):
        pass


def test_a_server_that_fails_has_no_figures(monkeypatch):
    assert 'refused' in table.check_counts(Gone(), {('reader', 1, 'INBOX'): 5})[0]

    def act(server, row):
        raise RuntimeError('it broke off')

    monkeypatch.setattr(table.peers, 'start', lambda name, accounts: Gone())
    monkeypatch.setattr(table.peers, 'capabilities', lambda server, account: set())
    options = argparse.Namespace(rows=table_rows.chosen(['SELECT, ten times']))
    visit = table.Visit('roost', options, 0).run(act)
    assert len(visit.found) == 4 and len(visit.wrong) == 3
    assert all(answer['errors'] and answer['error'] == 'it broke off'
               for answer in visit.found.values())


def test_counts_are_read():
    text = ('12;;raw_syscalls:sys_enter;1;100.00;;\n5;;roost_bench:malloc;1;100.00;;\n'
            '2;;roost_bench:calloc;1;100.00;;\n<not counted>;;roost_bench:realloc;0;100.00;;\n')
    assert table_count.read_perf(text) == {'system_calls': 12, 'allocations': 7}
    text = ('% time     seconds  usecs/call     calls    errors syscall\n'
            '100.00    0.000012           6         2           epoll_wait\n'
            '100.00    0.000012           6       321        17 total\n')
    assert table_count.read_strace(text) == {'system_calls': 321}
