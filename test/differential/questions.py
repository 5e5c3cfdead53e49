"""The searches that are put to every server: (keys, literal or None, what it is called)."""
import random
import re

PLAIN = ('LARGER 10000', 'SMALLER 600', 'LARGER 0', 'SMALLER 1', 'ALL', 'NOT LARGER 5000',
         'OR LARGER 100000 SMALLER 300', 'UNSEEN', 'SEEN', 'ANSWERED',
         'NOT DELETED', 'KEYWORD $Forwarded', 'UNKEYWORD $Forwarded', 'DRAFT', 'UNDRAFT', 'OLD',
         'SINCE 1-Jan-2020', 'BEFORE 1-Jan-2020', 'ON 1-Jan-2020')
HEADERS = ('SUBJECT ""', 'HEADER Cc ""', 'HEADER X-Mailer ""', 'HEADER Message-ID ""',
           'HEADER Content-Type ""', 'HEADER List-Id ""', 'HEADER Reply-To ""', 'HEADER Date ""',
           'FROM "com"', 'TO "list"', 'CC "net"', 'BCC "a"', 'SUBJECT "re:"', 'TO "undisclosed"',
           'HEADER Received "localhost"', 'HEADER Content-Type "multipart"',
           'HEADER Message-ID "linux"', 'HEADER In-Reply-To "@"', 'HEADER X-Spam "yes"',
           'HEADER Content-Transfer-Encoding "base64"', 'HEADER Sender "admin"')
SENT = tuple(f'SENT{relation} {day}' for relation in ('BEFORE', 'ON', 'SINCE')
             for day in ('1-Sep-2002', '23-Aug-2002', '1-Oct-2002', '1-Jan-1980', '21-Nov-1997'))
WORDS = ('für', 'é', 'ü', 'ß', 'GRÜSSE', 'ñ', 'Å', 'Привет', 'привет', '日本', '한국', '中国', 'ﬁ', '…')
# As the names stand in RFC 1456, 1468, 1489, 1554, 1557, 1922, 2152 and 2237 and in IANA's list.
CHARSETS = (('US-ASCII', 'free', 'ascii'), ('ISO-8859-1', 'é', 'latin-1'),
            ('ISO-8859-2', 'ł', 'iso8859-2'), ('ISO-8859-15', 'é', 'iso8859-15'),
            ('windows-1252', '–', 'cp1252'), ('KOI8-R', 'и', 'koi8-r'),
            ('windows-1251', 'и', 'cp1251'), ('ISO-2022-JP', '日本', 'iso2022-jp'),
            ('EUC-JP', '日本', 'euc-jp'), ('Shift_JIS', '日本', 'shift-jis'),
            ('EUC-KR', '한국', 'euc-kr'), ('GB2312', '中国', 'gb2312'), ('Big5', '中', 'big5'),
            ('UTF-7', 'é', 'utf-7'))


def plain():
    """Those whose answer does not depend on how a message is read."""
    return [(keys, None, keys) for keys in PLAIN]


def about_text(texts):
    """Words are drawn from the messages, always the same ones."""
    draw = random.Random(1)
    names = sorted(texts)
    found = [(keys, None, keys) for keys in HEADERS + SENT]
    for key in ('BODY', 'TEXT', 'SUBJECT', 'FROM', 'TO'):
        for _ in range(12):
            word = draw.choice(words(texts[draw.choice(names)]) or [b'nothing']).decode().lower()
            found.append((f'{key} "{word}"', None, f'{key} "{word}"'))
    for word in WORDS:
        for key in ('SUBJECT', 'BODY', 'TEXT', 'FROM'):
            found.append((f'CHARSET UTF-8 {key} %', word.encode(), f"CHARSET UTF-8 {key} '{word}'"))
    for charset, word, codec in CHARSETS:
        for key in ('SUBJECT', 'BODY'):
            found.append((f'CHARSET {charset} {key} %', word.encode(codec),
                          f"CHARSET {charset} {key} '{word}'"))
    return found


def words(text):
    """Words of ASCII letters for searches, most of them rare."""
    return re.findall(rb'[A-Za-z]{7,12}', text)
