"""The part before the login, as a dialogue of test/script/login (src/imap/login/login_test.c)."""
import base64
import re
import shlex

from dialogue import LOGGED_IN, Stream

CAPABILITY = re.compile(rb'(\[CAPABILITY |^\* CAPABILITY )[^]]*')


def login_dialogue(events, number, remark):
    """Of connection `number`: mechanism PLAIN, or LOGIN without literals."""
    lines = [b'# ' + remark.encode(), b'O: plaintext']
    streams = {'C': Stream(), 'S': Stream()}
    said = []
    for each, who, data in events:
        if each == number and who in streams:
            said += [(who, line) for line in streams[who].lines(data)]
    greeting = said[0][1]
    lines += [b'O: ' + name for word, name in ((b'STARTTLS', b'starttls'), (b'SCRAM', b'scram'))
              if word in greeting]
    if b'AUTH=PLAIN' not in greeting:
        lines.append(b'O: noplain')
    credentials = None
    for who, line in said:
        if who == 'C':
            lines.append(b'C: ' + line)
            credentials = credentials_in(line) or credentials
        elif LOGGED_IN.match(line + b'\r\n'):
            lines += [start(credentials), b'A: SUCCESS', b'W: HANDOFF ' + line.split()[0]]
            break
        else:
            if b' NO [AUTHENTICATIONFAILED]' in line:
                lines += [start(credentials), b'A: FAILED']
            line = CAPABILITY.sub(rb'\1<any>', line)
            lines.append(b'S: ' + re.sub(rb' \Z', b'<any>', line))
    return b'\n'.join([*lines, b''])


def credentials_in(line):
    """What PLAIN carries, when this line of the client has it."""
    words = shlex.split(line.decode())
    if len(words) == 4 and words[1].upper() == 'LOGIN':
        return f'\0{words[2]}\0{words[3]}'
    plain = len(words) == 4 and [word.upper() for word in words[1:3]] == ['AUTHENTICATE', 'PLAIN']
    try:
        found = base64.b64decode(words[-1], validate=True).decode() if len(words) in (1, 4) else ''
    except ValueError:
        return None
    return found if found.count('\0') == 2 and (plain or len(words) == 1) else None


def start(credentials):
    return b'W: START PLAIN ' + credentials.replace('\0', r'\0').encode()
