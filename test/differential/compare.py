#!/usr/bin/env python3
"""The same messages and the same questions to Roost, Dovecot and Cyrus: what differs?

    test/differential/compare.py [--messages own|mime|real|all] [--peer dovecot|cyrus|both]
                                 [--verbose] [--most N] [--figures]

Every message is appended to each server; ENVELOPE, BODY, BODYSTRUCTURE, RFC822.SIZE, the sections
of all parts, what BINARY makes of them and the results of searches are compared by value. What
differs must fit a rule of docs/differences.md, which names the sentence of the RFC that makes Roost
right; what fits none fails the run. A message that a peer refuses or changes is counted and left
out for that peer. Needs root: the peers change users.
"""
import argparse
import sys

import dialogues
import expectations
import messages
import questions
import structure
from report import Report, figures_are, write_figures
from sides import Roost, Side, peers_of

PEERS = ('dovecot', 'cyrus', 'mail-parser')
TOP = ['BODY.PEEK[]', 'BODY.PEEK[HEADER]', 'BODY.PEEK[TEXT]', 'BODY.PEEK[]<5.40>',
       'BODY.PEEK[HEADER.FIELDS (From Subject Received)]', 'BODY.PEEK[TEXT]<0.10>',
       'BODY.PEEK[HEADER.FIELDS.NOT (From Subject Received)]', 'BODY.PEEK[]<999999999.1>',
       'BODY.PEEK[HEADER]<0.60>', 'RFC822.HEADER', 'RFC822', 'RFC822.TEXT']
DECODED = (b'BASE64', b'QUOTED-PRINTABLE')


def binary_items(bodystructure):
    """Of parts that are encoded."""
    parts = [(path, part) for path, part in structure.parts_of(bodystructure)
             if not structure.is_message(part) and structure.folded(part[5]) in DECODED]
    return [item for path, _ in parts[:structure.PARTS_MAX] for item in (
        f'BINARY.PEEK[{path}]', f'BINARY.SIZE[{path}]', f'BINARY.PEEK[{path}]<1.9>')]


def asked_of(peers):
    """Whether a peer has a message; what is about all ("*") each was asked."""
    has = {peer.name: peer.uids for peer in peers}
    return lambda peer, name: name == '*' or name in has[peer]


def compare_messages(roost, peers, texts, report):
    for name, raw in texts.items():
        if name not in roost.uids:
            continue
        ours = roost.fetch(name, structure.METADATA)
        wanted = TOP + structure.sections_of(ours['BODYSTRUCTURE']) + \
            binary_items(ours['BODYSTRUCTURE'])
        ours.update(roost.fetch(name, wanted))
        found = {peer.name: {} for peer in peers}
        for peer in peers:
            if name not in peer.uids:
                continue
            theirs = {**peer.fetch(name, structure.METADATA), **peer.fetch(name, wanted)}
            if ours['BODY[]'] != theirs.get('BODY[]'):
                peer.changed.append(name)
                del peer.uids[name]
                continue
            report.count('values compared', peer.name, structure.count_values(ours))
            found[peer.name] = {(what, name): (one, two)
                                for what, one, two in structure.differences(ours, theirs)}
        report.add_all(found, lambda _: raw, asked_of(peers))


def compare_searches(roost, peers, texts, report):
    asked = questions.plain() + questions.about_text(texts)
    for keys, literal, shown in asked:
        ours = roost.search(keys, literal)
        found = {}
        for peer in peers:
            theirs = peer.search(keys, literal)
            found[peer.name] = dict(differ_in_search(f'SEARCH {shown}', ours, theirs,
                                                     set(roost.uids) & set(peer.uids)))
            report.count('values compared', peer.name, len(set(roost.uids) & set(peer.uids)))
        report.add_all(found, texts.get, asked_of(peers))


def differ_in_search(what, ours, theirs, both):
    if isinstance(ours, str) or isinstance(theirs, str):
        if ours != theirs:
            yield (what, '*'), (short(ours), short(theirs))
        return
    for name in sorted((ours ^ theirs) & both):
        yield (what, name), (name in ours, name in theirs)


def short(found):
    return found if isinstance(found, str) else f'OK, {len(found)} messages'


def arguments_of():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--messages', choices=('own', 'mime', 'real', 'all'), default='all')
    parser.add_argument('--peer', choices=('dovecot', 'cyrus', 'both'), default='both')
    parser.add_argument('--verbose', action='store_true', help='show what is not listed')
    parser.add_argument('--most', type=int, default=10, help='of each kind, with --verbose')
    parser.add_argument('--figures', action='store_true', help='write them into the page')
    return parser.parse_args()


def run(arguments, report):
    """Puts everything to all servers; how many messages Roost refused, which must be none."""
    texts = dict(messages.collect(arguments.messages))
    roost, peers = Side(Roost()), []
    try:
        peers += map(Side, peers_of(arguments.peer))
        for side in (roost, *peers):
            side.append(texts)
        compare_messages(roost, peers, texts, report)
        compare_searches(roost, peers, texts, report)
        dialogues.compare(roost, peers, report)
    finally:
        for side in (roost, *peers):
            side.close()
    for peer in peers:
        report.count('messages', peer.name, len(peer.uids))
        report.count('messages that it refuses', peer.name, len(peer.refused))
        report.count('messages that it changes', peer.name, len(peer.changed))
    return len(roost.refused)


def verdict(arguments, report, refused):
    """Prints the figures and what is wrong; the exit status."""
    has_all = arguments.messages == 'all' and arguments.peer == 'both' and messages.has_corpus()
    table = report.table([peer for peer in PEERS if report.counts['values compared'][peer]])
    print(table, end='')
    report.print_surprises()
    wrong = len(report.surprises) + refused
    if has_all:
        wrong += report.print_unused()
    if has_all and arguments.figures:
        write_figures(table)
    elif has_all and not figures_are(table):
        print('The figures of docs/differences.md are others: --figures writes these')
        wrong += 1
    print(f'differential: {"FAILED" if wrong else "passed"}: '
          f'{len(report.surprises)} differences that are not listed')
    return 1 if wrong else 0


def main():
    arguments = arguments_of()
    report = Report(arguments.most if arguments.verbose else 0)
    refused = run(arguments, report)
    if arguments.messages == 'all' and messages.has_corpus():
        refused += expectations.compare(report)
    return verdict(arguments, report, refused)


if __name__ == '__main__':
    sys.exit(main())
