"""Messages of hard shapes, made here: what fixtures are too small or too well-behaved to show."""
HEAD = b'From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: %s\r\n'
ENDED = HEAD + b'Date: Mon, 2 Nov 2026 10:00:00 +0100\r\n'
MIXED = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n'
PART = b'--%s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n'

# Obsolete zones and forms (RFC 5322 section 4.3), and what people write instead of a date.
DATES = ('21 Nov 97 09:55:06 GMT', 'Fri, 21 Nov 97 09(comment):   55  :  06 -0600',
         'Fri, 21 Nov 1997 23:55:06 EST', 'Fri, 21 Nov 1997 00:55:06 PDT',
         'Fri, 21 Nov 1997 23:55 Z', 'Fri,21 Nov 1997 09:55:06 -0600', '21 Nov 1997 09:55:06 A',
         'Fri, 21 Nov 097 09:55:06 +0000', 'Friday, 21-Nov-97 09:55:06 GMT',
         'Fri, 21 November 1997 09:55:06 +0000', 'Fri Nov 21 09:55:06 1997',
         'Fri, 21 Nov 1997 24:00:00 +0000', 'Fri, 21 Nov 1997 23:59:60 +0000',
         'Fri, 31 Nov 1997 09:55:06 +0000', 'yesterday', '', '1997-11-21 09:55:06')

PARAMETERS = (b'name*0=one; name*1=two', b'name*1=two; name*0=one',
              b"name*0*=utf-8''%C3%A4; name*1=b", b"name*=utf-8'de'%C3%A4",
              b"name*=iso-8859-1''%E4", b"name*0*=utf-8''a%; name*1*=b",
              b"name*0=a; name*2=c", b'name="a; b=\\"c\\""', b'name=a b c',
              b'name==?utf-8?q?=C3=A4?=',
              b'name="=?utf-8?q?=C3=A4?="', b'name=\xc3\xa4', b'name', b'name=', b'name=a; name=b',
              b'=a', b'; ; name=a ;', b'name (c) = (d) a (e)')

# The names that mail uses for a charset, and how Python calls it.
CHARSETS = (('latin1', 'latin-1'), ('ISO8859-1', 'latin-1'), ('iso_8859-15', 'iso8859-15'),
            ('cp1252', 'cp1252'), ('x-sjis', 'shift-jis'), ('ks_c_5601-1987', 'euc-kr'),
            ('gb2312', 'gb2312'), ('cp-1251', 'cp1251'), ('koi8r', 'koi8-r'), ('x-gbk', 'gbk'),
            ('utf8', 'utf-8'), ('unicode-1-1-utf-7', 'utf-7'), ('iso-2022-jp', 'iso2022-jp'),
            ('x-euc-jp', 'euc-jp'), ('big5', 'big5'), ('cp1250', 'cp1250'))
LETTERS = {'shift-jis': '日本語', 'iso2022-jp': '日本語', 'euc-jp': '日本語', 'euc-kr': '한국어',
           'gb2312': '中国', 'gbk': '中国', 'big5': '中文', 'cp1251': 'Привет', 'koi8-r': 'Привет',
           'cp1250': 'łódź'}


def single(subject, body=b'Text.\r\n', fields=b''):
    return ENDED % subject + fields + b'\r\n' + body


def nested(depth):
    """A message in a message in a message."""
    text = single(b'innermost')
    for level in range(depth):
        text = single(b'level %d' % level, text, b'Content-Type: message/rfc822\r\n')
    return text


def nested_multiparts(depth):
    text = b'Content-Type: text/plain\r\n\r\ninnermost\r\n'
    for level in range(depth):
        name = b'b%d' % level
        text = b'Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n%s--%s--\r\n' % (
            name, name, text, name)
    return ENDED % b'multiparts' + text


def multiparts():
    two = PART % (b'b', b'one') + PART % (b'b', b'two')
    head = ENDED % b'multipart' + MIXED
    return {
        'no-end': head % b'b' + two,
        'no-start': head % b'b' + b'one\r\n--b--\r\n',
        'no-boundary-line': head % b'b' + b'Only a preamble.\r\n',
        'no-boundary-parameter': ENDED % b'x' + b'Content-Type: multipart/mixed\r\n\r\n' + two,
        'empty-boundary': head % b'""' + two,
        'boundary-with-blanks': head % b'" b c "' + PART % (b' b c', b'one') + b'-- b c--\r\n',
        'boundary-prefix': head % b'b' + PART % (b'bb', b'one') + b'--b--\r\n',
        'blank-behind-boundary': head % b'b' + b'--b \t\r\n\r\none\r\n--b-- \r\n',
        'end-only': head % b'b' + b'--b--\r\n',
        'epilogue': head % b'b' + two + b'--b--\r\n' + PART % (b'b', b'hidden'),
        'empty-parts': head % b'b' + b'--b\r\n\r\n--b\r\n--b\r\n\r\n\r\n--b--\r\n',
        'header-without-end': head % b'b' + b'--b\r\nX-A: b\r\n--b--\r\n',
        'digest': ENDED % b'digest' + b'Content-Type: multipart/digest; boundary=b\r\n\r\n'
                  b'--b\r\n\r\nSubject: in\r\n\r\nx\r\n--b\r\nContent-Type: text/plain\r\n\r\ny\r\n'
                  b'--b--\r\n',
        'many-parts': head % b'b' + b''.join(PART % (b'b', b'%d' % n) for n in range(9990)) +
                      b'--b--\r\n',
        'message-in-message': nested(40),
        'multipart-in-multipart': nested_multiparts(40)}


def headers():
    long_list = b',\r\n '.join(b'Name %d <user%d@example.org>' % (n, n) for n in range(5000))
    return {
        'header-of-a-megabyte': single(b'big', fields=b'X-Big: ' + b'word \r\n ' * 140000 +
                                       b'end\r\n'),
        'many-receivers': ENDED % b'many' + b'Cc: ' + long_list + b'\r\n\r\nx\r\n',
        'raw-utf8': single('grüße'.encode(), fields='Cc: Jörg <j@example.org>\r\n'.encode()),
        'raw-latin1': single('grüße'.encode('latin-1')),
        'bare-cr': single(b'bare\rcr', b'one\rtwo\r\n'),
        'bare-lf': (ENDED % b'bare lf' + b'\r\nbody\r\n').replace(b'\r\n', b'\n'),
        'mixed-line-ends': ENDED % b'mixed' + b'X-A: b\n c\r\n\r\none\ntwo\r\n',
        'no-header': b'\r\nOnly a body.\r\n',
        'no-body': HEAD % b'no body',
        'no-empty-line': (HEAD % b'cut').rstrip(b'\r\n'),
        'colon-with-blanks': b'Subject  : blanks\r\nFrom\t: a@example.org\r\n\r\nx\r\n',
        'folded-blank-line': single(b'one\r\n \r\n two'),
        'empty-fields': b'Subject:\r\nFrom:\r\nTo: \r\nDate:\r\n\r\nx\r\n',
        'groups': single(b'groups', fields=b'Cc: A: a@b, c@d;, e@f, B:;\r\n'
                         b'Bcc: undisclosed-recipients:;\r\n'),
        'obsolete-route': single(b'route', fields=b'Cc: <@a.b,@c.d:e@f.g>, "x y" <h@i (c)>\r\n'),
        'encoded-words': single(b'=?utf-8?q?=C3=A4?= =?utf-8?b?w7Y=?= x =?iso-8859-1*de?Q?=FC?=')}


def collect():
    """{name: bytes}; line ends are as they are meant."""
    found = {**multiparts(), **headers()}
    for number, date in enumerate(DATES):
        found[f'date-{number}'] = HEAD % b'date' + f'Date: {date}\r\n\r\nx\r\n'.encode()
    for number, parameter in enumerate(PARAMETERS):
        found[f'parameter-{number}'] = single(
            b'parameter', fields=b'Content-Type: application/pdf; ' + parameter +
            b'\r\nContent-Disposition: attachment; file' + parameter + b'\r\n')
    for name, codec in CHARSETS:
        body = LETTERS.get(codec, 'grüße').encode(codec)
        found[f'charset-{name}'] = single(b'charset', body + b'\r\n', (
            f'Content-Type: text/plain; charset={name}\r\n').encode())
    return {f'shape/{name}': text for name, text in found.items()}
