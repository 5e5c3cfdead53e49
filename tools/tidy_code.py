"""What one file of C may look like: sizes, guards, calls, includes."""
import re

import tidy_tables as rules

CONTROL = re.compile(r'^( *)(?:\} )?(?:else\b|if\b|for\b|while\b|do\b|switch\b|LIST_EACH\b)')
ONE_LINE_CASE = re.compile(r'^\s*(case\b.*|default):\s*(return\b.*;|\w.*; break;|break;)$')
TABLE_START = re.compile(r'^\s*static const .*=\s*\{$')
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def is_test(path):
    return path.stem.endswith('_test') or path.parts[0] in ('test', 'fuzz', 'bench')


def room_of(inner):
    """The room of a path below src/: the longest name in the table of layers that fits."""
    fitting = [room for room in rules.LAYERS if inner.startswith((room + '/', room + '.',
                                                                  room + '_'))]
    return max(fitting, key=len, default=None)


def strip_code(text):
    """The same text with comments and literals blanked; lines and columns stay."""
    def blank(match):
        piece = match.group(0)
        if piece.startswith('#'):
            return piece
        return ''.join(c if c == '\n' else ' ' for c in piece)
    pattern = r'#\s*include[^\n]*|/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, blank, text, flags=re.S)


def guard_name(path):
    inner = path.parts[1:] if path.parts[0] == 'src' else path.parts
    return 'ROOST_' + re.sub(r'[^A-Z0-9]', '_', '_'.join(inner).upper())


def check_header(report, path, text):
    lines = text.count('\n')
    if lines > rules.HEADER_LINES_MAX and str(path) not in rules.LONG_FILES:
        report.add(path, lines, 'size', f'{lines} lines, a header has {rules.HEADER_LINES_MAX}')
    found = re.search(r'^#ifndef (\w+)\n#define (\w+)\n', text, re.M)
    wanted = guard_name(path)
    if not found or found.group(1) != wanted or found.group(2) != wanted:
        report.add(path, 1, 'guard', f'include guard is not {wanted}')


def check_preprocessor(report, path, code):
    in_sys = path.parts[:2] == ('src', 'sys')
    for number, line in enumerate(code.split('\n'), 1):
        if re.match(r'\s*#\s*(if|ifdef|elif|else)\b', line) and not in_sys:
            report.add(path, number, 'if', '#if only in src/sys; choose files in the build')
        if re.match(r'\s*#\s*ifndef\b', line) and not in_sys and path.suffix != '.h':
            report.add(path, number, 'if', '#ifndef only as an include guard')
        if '__attribute__' in line and str(path) != 'src/base/attributes.h':
            report.add(path, number, 'attribute', 'use the names of base/attributes.h')


def may_call(path, name):
    if is_test(path) and name in rules.TEST_CALLS_ALLOWED:
        return True
    room = room_of('/'.join(path.parts[1:]))
    return bool({(str(path), name), (room, name)} & set(rules.BANNED_CALLS_ALLOWED))


def check_calls(report, path, code):
    for match in re.finditer(r'(?<![\w.>])([a-z_]\w*)\s*\(', code):
        name = match.group(1)
        if name not in rules.BANNED_CALLS or may_call(path, name):
            continue
        line = code.count('\n', 0, match.start(1)) + 1
        report.add(path, line, 'call', f'{name}: use {rules.BANNED_CALLS[name]}')


def may_include_system(path, inner, header):
    if is_test(path) or inner.startswith('sys/'):
        return True
    if not any(header == h or (h.endswith('/') and header.startswith(h))
               for h in rules.SYSTEM_HEADERS):
        return True
    return any(header == allowed and (inner == place or inner.startswith(place + '/'))
               for place, allowed in rules.SYSTEM_HEADERS_ALLOWED)


def check_own_include(report, path, number, header):
    room = room_of('/'.join(path.parts[1:]))
    if header.startswith(('kit/', '../', 'test/')):
        if not is_test(path):
            report.add(path, number, 'layer', f'{header}: the product includes from src/ only')
        return
    target = room_of(header)
    if target is None:
        report.add(path, number, 'layer', f'{header} belongs to no room')
    elif target != room and not {target, header} & set(rules.LAYERS[room]):
        report.add(path, number, 'layer', f'{room} may not include {header}')


def check_includes(report, path, code):
    inner = '/'.join(path.parts[1:])
    if room_of(inner) is None:
        report.add(path, 1, 'layer', 'in no room; add it to the table of layers')
        return
    for number, line in enumerate(code.split('\n'), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        quote, header = found.groups()
        if quote == '"':
            check_own_include(report, path, number, header)
        elif header in rules.BANNED_HEADERS and not is_test(path):
            report.add(path, number, 'call', f'{header}: use {rules.BANNED_HEADERS[header]}')
        elif not may_include_system(path, inner, header):
            report.add(path, number, 'layer', f'<{header}>: only src/sys sees that')


def parameters(signature):
    """How many parameters the last outer pair of brackets of a signature holds."""
    depth, count, start = 0, 0, 0
    for at, char in enumerate(signature):
        if char == '(':
            if depth == 0:
                start, count = at, 1
            depth += 1
        elif char == ')':
            depth -= 1
            if depth == 0 and signature[start + 1:at].strip() in ('', 'void'):
                count = 0
        elif char == ',' and depth == 1:
            count += 1
    return count


def functions(lines):
    """(line of the brace, signature, body) of each function; clang-format puts the braces of a
    function alone into the first column."""
    start = 0
    for at, line in enumerate(lines):
        if line == '{':
            end = next((i for i in range(at, len(lines)) if lines[i] == '}'), len(lines))
            yield at + 1, ' '.join(lines[start:at]), lines[at + 1:end]
        if line == '' or line.endswith((';', '}')) or line.startswith('#'):
            start = at + 1


def body_length(body):
    """Lines of a function, without flat tables and switch cases of one line."""
    length, in_table = 0, False
    for line in body:
        in_table = in_table or bool(TABLE_START.match(line))
        if not in_table and not ONE_LINE_CASE.match(line):
            length += 1
        if line.strip() == '};':
            in_table = False
    return length


def check_functions(report, path, code):
    for number, signature, body in functions([line.rstrip() for line in code.split('\n')]):
        length = body_length(body)
        if length > rules.FUNCTION_LINES_MAX:
            report.add(path, number, 'size',
                       f'a function of {length} lines, {rules.FUNCTION_LINES_MAX} at most')
        allowed = any(place == str(path) and word in signature
                      for place, word in rules.PARAMETERS_ALLOWED)
        if parameters(signature) > rules.PARAMETERS_MAX and not allowed:
            report.add(path, number, 'size', f'{parameters(signature)} parameters, '
                       f'{rules.PARAMETERS_MAX} at most; beyond that an options struct')
        for offset, line in enumerate(body, 1):
            found = CONTROL.match(line)
            if found and len(found.group(1)) > 4 * rules.NESTING_MAX:
                report.add(path, number + offset, 'nesting', f'deeper than {rules.NESTING_MAX}')


def check_c(report, path, text):
    code = strip_code(text)
    if text.count('\n') > rules.FILE_LINES_MAX:
        report.add(path, text.count('\n'), 'size', f'over {rules.FILE_LINES_MAX} lines')
    if path.suffix == '.h':
        check_header(report, path, text)
    if not text.startswith('/*'):
        report.add(path, 1, 'opening', 'the first lines say what the file is for')
    check_preprocessor(report, path, code)
    check_calls(report, path, code)
    check_functions(report, path, code)
    if path.parts[0] == 'src':
        check_includes(report, path, code)
