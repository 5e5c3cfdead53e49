"""Every event that the server can log is in docs/operations.md, and the tables have no other."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = [path for path in sorted((ROOT / 'src').rglob('*.c')) if not path.stem.endswith('_test')]
NAME = re.compile(r'"([a-z]+(?:-[a-z]+)*)"')


def arguments(text, at):
    """Of the call whose opening parenthesis is at `at`."""
    found, depth, start, in_string = [], 0, at + 1, False
    for index in range(at, len(text)):
        byte = text[index]
        if byte == '"' and text[index - 1] != '\\':
            in_string = not in_string
        if in_string:
            continue
        if byte == '(':
            depth += 1
        elif byte == ')':
            depth -= 1
        if depth == 0 or (depth == 1 and byte == ','):
            found.append(text[start:index])
            start = index + 1
        if depth == 0:
            return found
    raise AssertionError(f'a call without an end: {text[at:at + 80]}')


def calls(text, function):
    for match in re.finditer(rf'(?<![\w.>]){function}\(', text):
        yield arguments(text, match.end() - 1)


def loggers(text):
    """Functions, and the place of the event among their arguments: the file's own, besides."""
    found = {'log_begin': 2, 'log_event': 1}
    for match in re.finditer(r'^static (?:void|bool|enum \w+) (\w+)\(', text, re.M):
        for index, parameter in enumerate(arguments(text, match.end() - 1)):
            if parameter.strip() == 'const char *event':
                found[match[1]] = index
    return found


ADMIN = 'ipc_rule_find(admin->type)->name'  # the name of the request is that of the event
NOT_LOGGED = {'account-list', 'account-show'}  # they change nothing


def requests():
    table = (ROOT / 'src' / 'ipc' / 'request_table.c').read_text()
    return set(re.findall(r'CONTROL, AUTH, \w+, "(account-[a-z]+)"', table)) - NOT_LOGGED


def logged():
    found = {name: 'src/daemon/auth/admin.c' for name in requests()}
    for path in SOURCES:
        text = path.read_text()
        for function, index in loggers(text).items():
            for given in calls(text, function):
                names = NAME.findall(given[index])
                assert names or given[index].strip() in ('event', 'const char *event', ADMIN), given
                for name in names:
                    found.setdefault(name, path.relative_to(ROOT))
    return found


def section():
    page = (ROOT / 'docs' / 'operations.md').read_text()
    log = page[page.index('## The log'):]
    return log[:log.index('\n## ', 1)]


def documented():
    return set(re.findall(r'`([a-z-]+)`', section()))


def in_tables():
    rows = [line.split('|')[1] for line in section().splitlines() if line.startswith('| `')]
    return {name for row in rows for name in re.findall(r'`([a-z-]+)`', row)}


def test_calls_are_found():
    text = 'log_event(LEVEL, a ? "one-two" : f(b, ")"), "three");'
    assert [given[1].strip() for given in calls(text, 'log_event')] == ['a ? "one-two" : f(b, ")")']
    home = (ROOT / 'src' / 'daemon' / 'mail' / 'home.c').read_text()
    assert loggers(home) == {'log_begin': 2, 'log_event': 1, 'log_home': 2}
    assert {'login', 'login-failed', 'account-failed', 'account-add'} <= set(logged())


def test_every_event_is_in_the_table():
    missing = {name: str(path) for name, path in logged().items() if name not in documented()}
    assert not missing


def test_the_table_has_no_other():
    assert len(in_tables()) > 20 and not in_tables() - set(logged())
