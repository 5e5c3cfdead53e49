"""What a message says, read a second time by Python's standard library: the judge of searches.

Independent of Roost's code, and less thorough: where the two disagree, a person must look.
"""
import binascii
import codecs
import datetime
import email
import email.header
import email.utils
import functools
import html.parser
import re
import unicodedata

NAMES = {'gb2312': 'gb18030', 'gbk': 'gb18030', 'x-gbk': 'gb18030', 'big5': 'big5hkscs',
         'ks_c_5601-1987': 'cp949', 'euc-kr': 'cp949', 'x-sjis': 'shift-jis', 'koi8r': 'koi8-r',
         'x-euc-jp': 'euc-jp', 'cp-1251': 'cp1251', 'unicode-1-1-utf-7': 'utf-7'}
ASCII_NAMES = ('', 'us-ascii', 'ascii', 'iso-8859-1', 'latin1')
SKIPPED = ('script', 'style', 'title')
INLINE = ('a', 'b', 'i', 'u', 'em', 'strong', 'font', 'span', 'small', 'big', 'code', 'tt', 'sup',
          'sub', 'o:p', 'st1:place', 'st1:city')


def fold(text):
    """i;unicode-casemap (RFC 5051 section 2): titlecase of each character, then its full
    decomposition, canonical or not."""
    titled = ''.join(one.title() if len(one.title()) == 1 else one for one in text)
    return unicodedata.normalize('NFKD', titled)


def decode(raw, charset):
    """As the charset says where it can be; unlabelled bytes as UTF-8, else as windows-1252."""
    name = (charset or '').strip().lower()
    if name not in ASCII_NAMES:
        try:
            return raw.decode(NAMES.get(name, name), 'replace')
        except LookupError:
            pass
    if name in ('iso-8859-1', 'latin1'):
        return raw.decode('cp1252', 'windows')
    return raw.decode('utf-8', 'windows')


def as_windows(error):
    """One byte that is no UTF-8, or that windows-1252 has no letter for."""
    byte = error.object[error.start:error.start + 1]
    undefined = byte in (b'\x81', b'\x8d', b'\x8f', b'\x90', b'\x9d')
    return byte.decode('latin-1' if undefined else 'cp1252'), error.start + 1


codecs.register_error('windows', as_windows)


def header_text(value):
    """A field's text with its encoded-words decoded."""
    raw = value.encode('ascii', 'surrogateescape')
    value = re.sub(r'\s*[\r\n]+\s*', ' ', decode(raw, ''))
    try:
        pieces = email.header.decode_header(value)
    except (ValueError, email.errors.HeaderParseError):
        return value
    return ''.join(one if isinstance(one, str) else
                   decode(one, charset) if charset else decode(one, '')
                   for one, charset in pieces)


class Visible(html.parser.HTMLParser):
    """The text of a page; elements that stand on lines of their own give a blank."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.text, self.skipped = [], None

    def handle_starttag(self, tag, attrs):
        if self.skipped is None and tag in SKIPPED:
            self.skipped = tag
        self.text.append('' if tag in INLINE else ' ')

    def handle_endtag(self, tag):
        if tag == self.skipped:
            self.skipped = None
        self.text.append('' if tag in INLINE else ' ')

    def handle_data(self, data):
        if self.skipped is None:
            self.text.append(data)


def visible(page):
    reader = Visible()
    reader.feed(page)
    reader.close()
    return ''.join(reader.text)


def fields_text(part):
    return ''.join(f'{name}: {header_text(value)}\n' for name, value in part.raw_items())


def octets(part):
    """Base64 with whatever stands between its digits; Python gives up on some of it."""
    if str(part.get('Content-Transfer-Encoding', '')).strip().lower() == 'base64':
        text = part.get_payload().encode('ascii', 'surrogateescape')
        digits = re.sub(rb'[^A-Za-z0-9+/]', b'', text)
        whole = len(digits) // 4 * 4
        rest = digits[whole:]
        return binascii.a2b_base64(digits[:whole]) + \
            (binascii.a2b_base64(rest + b'=' * (4 - len(rest))) if len(rest) > 1 else b'')
    return part.get_payload(decode=True) or b''


def body_text(part):
    """The decoded text of a single part; nothing of what is no text."""
    if part.is_multipart() or part.get_content_maintype() not in ('text', 'message', 'multipart'):
        return ''
    raw = octets(part)
    text = decode(raw, str(part.get_param('charset', '')))
    return visible(text) if part.get_content_subtype() == 'html' else text


class Message:
    def __init__(self, raw):
        self.whole = email.message_from_bytes(raw)
        parts = list(self.whole.walk())
        self.header = fold(fields_text(parts[0]))
        self.body = fold('\n'.join(
            ('' if part is self.whole else fields_text(part)) + body_text(part) for part in parts))

    def singles(self):
        return [part for part in self.whole.walk() if not part.is_multipart()]

    def fields(self, name):
        return [header_text(value) for key, value in self.whole.raw_items()
                if key.lower() == name.lower()]

    def holds(self, key, word):
        """True where the search key (BODY, TEXT or a field's name) finds the word."""
        word = fold(word)
        if key in ('BODY', 'TEXT'):
            return word in self.body or (key == 'TEXT' and word in self.header)
        return any(word in fold(value) for value in self.fields(key))

    def raw_fields(self, name):
        """The values of the message's own fields of that name, unfolded."""
        return [re.sub(r'\r?\n', '', value).encode('utf-8', 'surrogateescape')
                for key, value in self.whole.raw_items() if key.lower() == name.lower()]

    def day(self):
        """The day of the Date field as it stands there; None where there is none to be read."""
        for value in self.fields('Date')[:1]:
            parsed = email.utils.parsedate_tz(re.sub(r'\([^()]*\)', ' ', value))
            try:
                return datetime.date(*parsed[:3]) if parsed else None
            except ValueError:
                return None
        return None

    def is_sent(self, relation, day):
        asked = datetime.datetime.strptime(day, '%d-%b-%Y').date()
        mine = self.day()
        return mine is not None and {'BEFORE': mine < asked, 'ON': mine == asked,
                                     'SINCE': mine >= asked}[relation]


@functools.lru_cache(maxsize=8192)
def read(raw):
    return Message(raw)
