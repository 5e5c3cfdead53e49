"""What was compared and found: listed or not, counted, and held against the figures of the page."""
import collections

import known

FIRST, LAST = '<!-- figures -->\n', '<!-- end of figures -->\n'


class Report:
    def __init__(self, verbose_max):
        self.listed, self.verbose_max = known.load(), verbose_max
        self.counts = collections.defaultdict(collections.Counter)  # what: {peer: how many}
        self.surprises = []

    def count(self, what, peer, number=1):
        self.counts[what][peer] += number

    def add(self, difference):
        row = known.match(self.listed, difference)
        if row is None:
            self.surprises.append(difference)
        else:
            self.count(f'{row.number}. {row.title}', difference.peer)

    def add_all(self, found, raw, was_asked):
        """`found`: {peer: {(what, message): (ours, theirs)}}; the other peers' word counts, and one
        that was not asked about the message has none: was_asked(peer, message)."""
        for peer, values in found.items():
            others = [other for other in found if other != peer]
            for (what, name), (ours, theirs) in values.items():
                agrees = all(was_asked(other, name) and (what, name) not in found[other]
                             for other in others)
                self.add(known.Difference(peer, what, name, ours, theirs, raw(name), agrees))

    def table(self, peers):
        """Lines of Markdown: figures, then the differences that fit each row of the page."""
        rows = [f'{row.number}. {row.title}' for row in self.listed]
        lines = ['| | ' + ' | '.join(peers) + ' |\n', '|---' * (len(peers) + 1) + '|\n']
        for what in [one for one in self.counts if one not in rows] + rows:
            cells = ' | '.join(f'{self.counts[what][peer]:,}' for peer in peers)
            lines.append(f'| {what} | {cells} |\n')
        return ''.join(lines)

    def print_surprises(self):
        kinds = collections.Counter()
        for one in self.surprises:
            kind = one.peer, one.what.split(' ')[0]
            kinds[kind] += 1
            if kinds[kind] <= self.verbose_max:
                print(f'- {one.peer}: {one.what}: {one.name}\n    roost: {str(one.ours)[:600]}\n'
                      f'    {one.peer}: {str(one.theirs)[:600]}')
        for (peer, what), count in sorted(kinds.items()):
            print(f'NOT LISTED, {count} times: {peer}: {what}')

    def print_unused(self):
        """Rules that nothing needed: they would only hide what is to come. How many."""
        unused = [rule for row in self.listed for rule in row.rules if not rule.used]
        for rule in unused:
            print(f'NOT NEEDED: {rule.peer} | {rule.what} | {rule.name} | {rule.how}')
        return len(unused)


def figures_are(table):
    """True when the page tells these figures."""
    text = known.PAGE.read_text()
    return text.partition(FIRST)[2].partition(LAST)[0] == table


def write_figures(table):
    text = known.PAGE.read_text()
    before, _, rest = text.partition(FIRST)
    known.PAGE.write_text(before + FIRST + table + LAST + rest.partition(LAST)[2])
