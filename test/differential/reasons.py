"""The reasons a rule of docs/differences.md may name: each looks at one difference and says whether
it is of that kind. They know the message, its second reading and the other peer's answer."""
import re

import oracle

NO_MAILBOX = (b'MISSING_MAILBOX', b'unspecified-mailbox', b'', None)
NO_HOST = (b'MISSING_DOMAIN', b'SYNTAX_ERROR', b'unspecified-domain')
CHARSET = [b'charset', b'us-ascii']
SEARCH = re.compile(r"SEARCH (?:CHARSET \S+ )?(?:HEADER )?(\S+) ['\"](.*)['\"]$")
SENT = re.compile(r'SEARCH SENT(BEFORE|ON|SINCE) (\S+)$')


def without_blanks(value):
    """White space of any length as one blank, none at the ends."""
    if isinstance(value, list):
        return [without_blanks(one) for one in value]
    if isinstance(value, str):
        return ' '.join(value.split())
    return b' '.join(value.split()) if isinstance(value, bytes) else value


def white_space(one):
    return without_blanks(one.ours) == without_blanks(one.theirs)


def without_missing(addresses):
    """Of an address without a host its name or mailbox; nothing of one that has neither."""
    found = []
    for name, route, mailbox, host in addresses or []:
        if host in NO_HOST:
            mailbox = None if mailbox in NO_MAILBOX else mailbox
            found += [(one, 'no host') for one in (name, mailbox) if one is not None]
        else:
            found.append((name, route, mailbox, host))
    return found


def name_for_missing(one):
    """The same but for what stands where a mailbox or host is missing."""
    return without_missing(one.ours) == without_missing(one.theirs)


def field_of(one):
    """The name of the header field that an item of ENVELOPE shows."""
    return one.what.rpartition('.' if '.' in one.what else ' ')[2]


def first_of_several(one):
    """The field stands there more than once, and Roost shows the first."""
    values = oracle.read(one.raw).raw_fields(field_of(one))
    return len(values) > 1 and without_blanks(one.ours) == without_blanks(values[0])


def all_of_several(one):
    """The address field stands there more than once, and Roost shows the addresses of all."""
    values = oracle.read(one.raw).raw_fields(field_of(one))
    return len(values) > 1 and all(address in one.ours for address in one.theirs or [])


def no_charset(one):
    """Roost has the charset us-ascii besides, the peer none."""
    ours, theirs = one.ours or [], one.theirs or []
    names = [name.lower() for name in theirs[::2]]
    return ours[-2:] == CHARSET and b'charset' not in names and \
        [part.lower() for part in ours[:-2]] == [part.lower() for part in theirs]


def line_end_at(longer, shorter, what):
    if isinstance(longer, bytes) and isinstance(shorter, bytes):
        return longer == shorter + b'\r\n'
    return isinstance(longer, int) and isinstance(shorter, int) and \
        longer - shorter == (1 if what.endswith('lines') else 2)


def line_end_more(one):
    """Roost has one line end more: of a text, a size or a count of lines."""
    return line_end_at(one.ours, one.theirs, one.what)


def line_end_less(one):
    return line_end_at(one.theirs, one.ours, one.what)


def peer_has_nothing(one):
    return one.ours not in (0, b'', None) and one.theirs in (0, b'', None)


def with_crlf(octets):
    return re.sub(rb'\r?\n', b'\r\n', octets)


def decoded_judged(one):
    """The peer refuses to decode; Roost answers what the second reading makes of a part."""
    return one.theirs in ('NO', 'BYE', None) and is_decoded(one)


def is_decoded(one):
    found = [oracle.octets(part) for part in oracle.read(one.raw).singles()]
    found += [with_crlf(octets) for octets in found]
    if isinstance(one.ours, int):
        return one.ours in [len(octets) for octets in found]
    return one.ours in found + [octets[1:10] for octets in found]


def line_ends_of_text(one):
    """Roost has CR LF where the peer has what was encoded."""
    if isinstance(one.ours, int) and isinstance(one.theirs, int):
        return one.ours > one.theirs and is_decoded(one)
    return isinstance(one.ours, bytes) and isinstance(one.theirs, bytes) and \
        with_crlf(one.theirs)[:len(one.ours)] == one.ours


def replaced(one):
    """The peer has a replacement character where it could not decode."""
    return '\ufffd' in f'{one.what}{one.theirs}' and '\ufffd' not in f'{one.ours}'


def words_for_missing(one):
    """mail-parser: an address without a host has its words as a name or as the address."""
    def seen(addresses):
        return [sorted(word for word in (name, address.replace('@MISSING_DOMAIN', '')) if word)
                for name, address in addresses]
    return seen(one.ours) == seen(one.theirs)


def no_host_seen(one):
    """Roost sees no host; the peer took a host from behind the angle brackets."""
    return [entry[3] for entry in one.ours] == [b'MISSING_DOMAIN'] and \
        one.ours[0][2] in one.theirs[0][2]


def same_without_comments(one):
    """mail-parser: the same addresses as far as both have one, and names that hold Roost's."""
    def seen(addresses):
        return {re.sub(r'^@[^:]*:|\s', '', address): name for name, address in addresses
                if '@' in address}
    ours, theirs = seen(one.ours), seen(one.theirs)
    return ours.keys() == theirs.keys() and \
        all(name.split(' ')[0] in theirs[address] for address, name in ours.items())


def same_without_blanks(one):
    return one.ours.replace(' ', '') == one.theirs.replace(' ', '')


def in_base64(one):
    """The words stand in a part that says it is base64, encoded or not."""
    parts = oracle.read(one.raw).singles()
    encoded = [part for part in parts
               if str(part.get('Content-Transfer-Encoding', '')).strip().lower() == 'base64']
    words = SEARCH.match(one.what)[2]
    return any(words in part.get_payload() or words.encode() in oracle.octets(part)
               for part in encoded)


def header_without_end(one):
    """Roost answers fields that the message holds, and no line more."""
    return all(line in one.raw for line in one.ours.split(b'\r\n')) and \
        not one.ours.endswith(b'\r\n\r\n')


def cut_at_a_megabyte(one):
    return len(one.ours) > 1000000 and one.theirs.startswith(one.ours.rstrip())


def known_encoding(one):
    """Roost names one of RFC 2045 where the peer has what was written, or 7bit for it."""
    return one.ours.lower() in (b'7bit', b'8bit', b'quoted-printable') and \
        one.theirs.lower() in (b'7-bit', b'8-bit', b'7bit')


def ours_is_bad(one):
    """Roost answers BAD, and therefore nothing else."""
    return one.ours in ('BAD', None)


def attributes_more(one):
    """LIST: the same names and subscriptions; the peer tells less about children."""
    def seen(listed):
        return [(name, [word for word in attributes if 'CHILDREN' not in word])
                for name, *attributes in listed]
    return seen(one.ours) == seen(one.theirs) and \
        not any('CHILDREN' in word for _, *attributes in one.theirs for word in attributes)


def code_more(one):
    """Roost gives a response code, the peer none."""
    return one.ours is True and one.theirs is None


def refused(one):
    return one.ours == 'NO'


def this_message(one):
    """Nothing is looked at: for rules that name one message, which known.py sees to."""
    return True


def text_judged(one):
    """The second reading finds the word where Roost does, and does not where Roost does not."""
    found = SEARCH.match(one.what)
    return found is not None and one.raw is not None and \
        oracle.read(one.raw).holds(found[1], found[2]) == one.ours


def date_judged(one):
    """The second reading of the Date field answers as Roost does."""
    found = SENT.match(one.what)
    return found is not None and oracle.read(one.raw).is_sent(found[1], found[2]) == one.ours


def other_agrees(one):
    """The other peer, where it is there, answers as Roost does."""
    return one.other_agrees


REASONS = {
    'white space': white_space,
    'name for missing': name_for_missing,
    'first of several': first_of_several,
    'all of several': all_of_several,
    'no charset': no_charset,
    'line end more': line_end_more,
    'line end less': line_end_less,
    'peer has nothing': peer_has_nothing,
    'decoded judged': decoded_judged,
    'line ends of text': line_ends_of_text,
    'replaced': replaced,
    'words for missing': words_for_missing,
    'no host seen': no_host_seen,
    'same without comments': same_without_comments,
    'same without blanks': same_without_blanks,
    'in base64': in_base64,
    'header without end': header_without_end,
    'cut at a megabyte': cut_at_a_megabyte,
    'known encoding': known_encoding,
    'ours is BAD': ours_is_bad,
    'attributes more': attributes_more,
    'code more': code_more,
    'refused': refused,
    'this message': this_message,
    'text judged': text_judged,
    'date judged': date_judged,
    'other peer agrees': other_agrees,
}
