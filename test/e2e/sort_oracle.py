"""What SORT compares of a message, read a second time by Python's standard library.

Where a field is not as RFC 5322 has it, nothing is said (None): readers differ there, and the
message is left out.
"""
import datetime
import re
import sys

from roost_server import ROOT

sys.path.insert(0, str(ROOT / 'test' / 'differential'))

import oracle  # noqa: E402

DATE = re.compile(r'(?:[A-Z][a-z]{2}, )?(\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d '
                  r'[+-](?:0\d|1[0-3])[0-5]\d)(?: \([A-Za-z ]*\))?')
ENCODED = r'=\?(?:utf-8|iso-8859-1|us-ascii)\?[bq]\?[\w+/=!.,*-]*\?='
SUBJECT = re.compile(rf'(?:(?!=\?)[ -~]|{ENCODED}(?=$| ))*', re.I)
ADDRESS = re.compile(rf'(?:(?:"([\w .-]*)"|([\w -]*|{ENCODED})) ?<)?([\w+=-][\w.+=-]*)@([\w.-]+)>?'
                     r'(?:,.*)?', re.I | re.A)
BLOB = r'\[[^\[\]]*\][ \t]*'
LEADER = re.compile(rf'(?:{BLOB})*(?:re|fwd?)[ \t]*(?:{BLOB})?:|[ \t]', re.I)
TRAILER = re.compile(r'(?:\(fwd\)|[ \t])+$', re.I)
FORWARD = re.compile(r'\[fwd:(.*)\]', re.I | re.S)


def base_subject(text):
    """RFC 5256 section 2.1, step by step."""
    text = re.sub(r'[ \t]+', ' ', text)
    while True:
        text = TRAILER.sub('', text)
        while True:
            if found := LEADER.match(text):
                text = text[found.end():]
            elif (found := re.match(BLOB, text)) and found.end() < len(text):
                text = text[found.end():]
            else:
                break
        found = FORWARD.fullmatch(text)
        if found is None:
            return text
        text = found[1]


def field(message, name):
    """Its value, '' where there is none; None where there are several or it cannot be told."""
    if message.whole.defects:
        return None
    values = [re.sub(r'\r?\n', '', value).strip(' \t')
              for key, value in message.whole.raw_items() if key.lower() == name]
    if len(values) > 1 or any('\t' in value for value in values):
        return None
    return values[0] if values else ''


def folded(text):
    return oracle.fold(text).encode()[:1000]


def subject(message):
    value = field(message, 'subject')
    if value is None or not SUBJECT.fullmatch(value):
        return None
    return folded(base_subject(oracle.header_text(value)))


def sent(message, internal_seconds):
    value = field(message, 'date')
    if value == '':
        return internal_seconds
    found = DATE.fullmatch(value or '')
    if found is None:
        return None
    try:
        return int(datetime.datetime.strptime(found[1], '%d %b %Y %H:%M:%S %z').timestamp())
    except ValueError:
        return None


def address(message, name, display):
    value = field(message, name)
    if value == '':
        return b''
    found = ADDRESS.fullmatch(value or '')
    if found is None:
        return None
    if not display:
        return folded(found[3])
    text = oracle.header_text((found[1] or found[2] or '').strip())
    return folded(text or f'{found[3]}@{found[4]}')


def keys_of(raw, internal_seconds):
    """{criterion: what it compares, or None}"""
    message = oracle.read(raw)
    return {
        'ARRIVAL': internal_seconds,
        'CC': address(message, 'cc', False),
        'DATE': sent(message, internal_seconds),
        'DISPLAYFROM': address(message, 'from', True),
        'DISPLAYTO': address(message, 'to', True),
        'FROM': address(message, 'from', False),
        'SIZE': len(raw),
        'SUBJECT': subject(message),
        'TO': address(message, 'to', False),
    }


def order(messages, criteria):
    """The UIDs of {uid: keys} in the order of [(criterion, reverse)]; None where one has no key."""
    uids = sorted(uid for uid, keys in messages.items()
                  if all(keys[name] is not None for name, _ in criteria))
    for name, reverse in reversed(criteria):
        uids.sort(key=lambda uid: messages[uid][name], reverse=reverse)
    return uids
