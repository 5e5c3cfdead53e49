"""The table, from the answers of all rounds."""
import datetime
import os
import pathlib
import platform
import statistics

import peers
import table_goals
import table_rows

BUSY = 0.9  # a generator above this share of a processor may have been what was measured
COLUMNS = ('roost', *peers.PEERS)
NOTES = (
    'What is asked of {copies:,} messages is asked of {times} copies of each: COPY made them.',
    'The mailbox of {million:,} is Roost\'s alone, which copies that many in a moment; the others '
    'would take half a minute for it in each round.',
    'By default Roost has flags on the disk within a second, all else before it answers. With '
    'mail_fsync = always Dovecot syncs flags first; rows with `strict` have Roost do the same.',
    '*: the load generator took more than {busy:.0%} of a processor: it may be what was measured.')


def processor():
    text = pathlib.Path('/proc/cpuinfo').read_text()
    return next((line.partition(':')[2].strip() for line in text.splitlines()
                 if line.startswith('model name')), platform.machine())


def with_section(page, title, lines):
    """`page`, a text in Markdown, with the section of that title replaced, or added at its end."""
    section = [f'## {title}', '', *lines, '']
    kept = page.rstrip('\n').split('\n')
    start = kept.index(section[0]) if section[0] in kept else len(kept)
    end = next((i for i in range(start + 1, len(kept)) if kept[i].startswith('## ')), len(kept))
    before = kept[:start] + ([] if start < len(kept) else [''])
    return '\n'.join(before + section + kept[end:]).rstrip('\n') + '\n'


class Table:
    def __init__(self, options):
        self.options = options
        self.answers = {}  # {(server, row title): [answer of a round, ...]}
        self.counts = {}  # {(server, row title): {what was counted: for an operation}}
        self.floors = []
        self.versions, self.settings = {}, {}
        self.wrong = []
        self.uncounted, self.counted_messages = '', 0

    def add(self, visit):
        for title, answer in visit.found.items():
            self.answers.setdefault((visit.name, title), []).append(answer)
        self.wrong += visit.wrong
        self.versions[visit.name], self.settings[visit.name] = visit.version, visit.settings

    def add_counts(self, visit):
        self.wrong += [f'while counting: {text}' for text in visit.wrong]
        for title, answer in visit.found.items():
            if answer is not None and not answer['errors']:
                self.counts[visit.name, title] = answer['counts']

    def has_errors(self):
        return bool(self.wrong) or any(answer is not None and answer['errors']
                                       for answers in self.answers.values() for answer in answers)

    def median(self, name, title, figure):
        """None where the server was left out, cannot do it, or any answer was wrong."""
        answers = self.answers.get((name, title), [])
        if not answers or any(answer is None or answer['errors'] for answer in answers):
            return None
        return statistics.median(answer[figure] for answer in answers)

    def is_wrong(self, name, title):
        return any(answer is not None and answer['errors']
                   for answer in self.answers.get((name, title), []))

    def own(self, row):
        return self.median(row.subject, row.title, row.figure)

    def peer_titles(self, row):
        return {name: row.peers_row or row.title for name in peers.PEERS}

    def ratio(self, row):
        others = [self.median(name, title, row.figure)
                  for name, title in self.peer_titles(row).items()]
        return table_goals.ratio(row.figure, self.own(row), others)

    def share_of_floor(self, row):
        own = self.median(row.subject, row.title, row.floor_figure or row.figure)
        if own is None or not row.floor:
            return None
        return own / statistics.median(found[row.floor] for found in self.floors)

    def verdict(self, row):
        if row.goal is None or row.subject not in self.versions:
            return ''
        if self.own(row) is None:
            return 'no figure' if self.is_wrong(row.subject, row.title) else 'short: not there'
        return row.goal.verdict(self.own(row), self.ratio(row), self.share_of_floor(row))

    def cell(self, name, title, figure):
        value = self.median(name, title, figure)
        if value is None:
            return 'wrong' if self.is_wrong(name, title) else '-'
        busy = self.median(name, title, 'busy') > BUSY
        return table_goals.shown(figure, value) + ('*' if busy else '')

    def title(self, row):
        size = row.size_of(self.options.messages)
        return row.title if row.user in ('single', 'shared', 'user') or 'fill' in row.title \
            else f'{row.title} ({size:,})'

    def lines(self):
        names = [name for name in COLUMNS if name in self.versions or name == 'roost']
        yield '| workload | ' + ' | '.join(names) + ' | ratio | of the floor | goal | |'
        yield '|---|' + '---:|' * (len(names) + 2) + '---|---|'
        for row in self.options.rows:
            titles = {'roost': row.title, **self.peer_titles(row)}
            cells = [self.title(row)]
            for name in names:
                of = row.subject if name == 'roost' else name
                cells.append(self.cell(of, titles[name], row.figure))
            ratio, share = self.ratio(row), self.share_of_floor(row)
            cells.append('' if ratio is None else f'{ratio:.2f}')
            cells.append('' if share is None else f'{share:.0%}')
            cells += [row.goal.text(row.figure) if row.goal else '', self.verdict(row)]
            yield '| ' + ' | '.join(cells) + ' |'

    def cost_cell(self, name, row):
        """Empty for what is no operation."""
        if row.measure != 'load' or self.median(name, row.title, 'cpu_us') is None:
            return '-'
        cpu_us, written, p99_ms, busy = (self.median(name, row.title, figure) for figure in
                                         ('cpu_us', 'written_bytes', 'p99_ms', 'busy'))
        counts = self.counts.get((name, row.title), {})
        counted = '; '.join(f'{counts[count]:,.1f}' if count in counts else '-'
                            for count in ('system_calls', 'allocations'))
        return f'{cpu_us:,.0f}; {written / 1024:,.1f}; {counted}; {p99_ms:,.3g}; {busy:.0%}'

    def cost_lines(self):
        names = [name for name in peers.NAMES if name in self.versions]
        yield '| cpu us; KB written; system calls; allocations; p99 ms; generator | ' + \
            ' | '.join(names) + ' |'
        yield '|---|' + '---|' * len(names)
        for row in self.options.rows:
            cells = [self.cost_cell(name, row) for name in names]
            if any(cell != '-' for cell in cells):
                yield '| ' + ' | '.join([self.title(row), *cells]) + ' |'

    def sums(self):
        """One line: how many of the goals are reached."""
        verdicts = [self.verdict(row) for row in self.options.rows if row.goal]
        return ', '.join(f'{verdicts.count(word)} {word or "without a verdict"}'
                         for word in sorted(set(verdicts), key=lambda word: word != 'reached'))

    def floor_line(self):
        median = {key: statistics.median(found[key] for found in self.floors)
                  for key in self.floors[0]}
        return (f'floors: {median["appends_1"]:,.0f} appends of 10 KB with fdatasync a second, '
                f'{median["appends_32"]:,.0f} to 32 files; {median["write_bytes"] / 1e6:,.0f} MB/s '
                f'written in one piece; loopback {median["socket_bytes"] / 1e6:,.0f} MB/s, '
                f'TLS {median["tls_bytes"] / 1e6:,.0f}')

    def head_lines(self, seconds):
        messages = self.options.messages
        yield (f'{datetime.date.today():%-d %B %Y}; Linux {platform.release()}, {os.cpu_count()} '
               f'processors ({processor()}), load of the last minute {os.getloadavg()[0]:.1f}; '
               f'{messages:,} messages, median {self.options.size:,} bytes; '
               f'{len(self.floors)} of {self.options.rounds} rounds, {seconds / 60:.0f} minutes.')
        yield ''
        for name, version in self.versions.items():
            yield f'- {name}: {version}'
        yield '- ' + self.floor_line()

    def note_lines(self):
        times = table_rows.COPIES
        copies = times * table_rows.block(self.options.messages)
        for note in NOTES:
            yield '- ' + note.format(copies=copies, times=times, million=times * copies, busy=BUSY)

    def page_lines(self, seconds):
        counted = f'are not counted: {self.uncounted}' if self.uncounted else \
            f'are counted with {self.counted_messages:,} messages' if self.counts else \
            'are not counted'
        yield from self.head_lines(seconds)
        yield ''
        yield from self.lines()
        yield ''
        yield 'Goals: ' + self.sums() + '.'
        yield ''
        yield from self.note_lines()
        yield ''
        yield ('What an operation costs the server, with its share of the session\'s login and '
               f'SELECT. System calls and allocations {counted}.')
        yield ''
        yield from self.cost_lines()
        for text in self.wrong:
            yield f'WRONG: {text}'

    def print(self, seconds):
        print('\n'.join(self.page_lines(seconds)))
        if not self.options.no_settings:
            for name, text in self.settings.items():
                print(f'\n--- settings of {name}\n{text}')

    def everything(self):
        return {
            'floors': self.floors, 'versions': self.versions, 'settings': self.settings,
            'answers': [{'server': name, 'row': title, 'rounds': answers,
                         'counts': self.counts.get((name, title))}
                        for (name, title), answers in self.answers.items()],
            'goals': {row.title: self.verdict(row) for row in self.options.rows if row.goal}}
