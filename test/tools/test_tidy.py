"""tools/tidy.py sees what it is there to see: each rule is broken once."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'tools'))

import tidy  # noqa: E402
import tidy_code  # noqa: E402

OPENING = '/* A file. */\n'


def complaints(name, text):
    report = tidy.Report()
    tidy_code.check_c(report, pathlib.Path(name), text)
    return {rule for _, _, rule, _ in report.lines}


def function(lines):
    return OPENING + 'static void f(void)\n{\n' + '    x();\n' * lines + '}\n'


BROKEN = [
    ('layer', 'src/base/x.c', OPENING + '#include "sys/loop.h"\n'),
    ('layer', 'src/daemon/gate/x.c', OPENING + '#include "store/account.h"\n'),
    ('layer', 'src/imap/login/x.c', OPENING + '#include "store/account.h"\n'),
    ('layer', 'src/smtp/x.c', OPENING + '#include "store/account.h"\n'),
    ('layer', 'src/store/x.c', OPENING + '#include <unistd.h>\n'),
    ('layer', 'src/store/x.c', OPENING + '#include "kit/clock.h"\n'),
    ('layer', 'src/unheard/x.c', OPENING),
    ('call', 'src/base/x.c', OPENING + 'static void f(void)\n{\n    strcpy(a, b);\n}\n'),
    ('call', 'src/base/x.c', OPENING + '#include <ctype.h>\n'),
    ('size', 'src/base/x.c', function(71)),
    ('size', 'src/base/x.c', OPENING + 'int f(int a, int b, int c, int d, int e, int g)\n{\n}\n'),
    ('size', 'src/base/x.c', OPENING + '\n' * 800),
    ('size', 'src/base/x.h', OPENING + '\n' * 150),
    ('nesting', 'src/base/x.c',
     OPENING + 'void f(void)\n{\n' + ''.join(' ' * n + 'if (a)\n' for n in (4, 8, 12, 16)) + '}\n'),
    ('guard', 'src/base/x.h', OPENING + '#ifndef X_H\n#define X_H\n#endif\n'),
    ('if', 'src/base/x.c', OPENING + '#if 1\n#endif\n'),
    ('attribute', 'src/base/x.c', OPENING + 'int x __attribute__((unused));\n'),
    ('opening', 'src/base/x.c', 'int x;\n'),
]

SOUND = [
    ('src/base/x.c', function(70)),
    ('src/base/x.c', OPENING + 'int f(int a, int (*g)(int, int), int c, int d, int e)\n{\n}\n'),
    ('src/base/x.c', OPENING + 'static void f(void)\n{\n    vfs->gets(a); /* strcpy(a, b) */\n}\n'),
    ('src/base/x.c', OPENING + 'const char *f(int x)\n{\n    switch (x) {\n'
     + ''.join(f'    case {n}: return "{n}";\n' for n in range(100)) + '    }\n}\n'),
    ('src/base/x.h', OPENING + '#ifndef ROOST_BASE_X_H\n#define ROOST_BASE_X_H\n#endif\n'),
    ('src/search/x.c', OPENING + '#include "store/view.h"\n'),
    ('src/imap/wire/x.c', OPENING + '#include "message/nstring.h"\n'),
    ('src/sys/x.c', OPENING + '#if 1\n#include <unistd.h>\n#endif\n'),
    ('src/base/x_test.c', OPENING + '#include "kit/assert_bytes.h"\n#include <setjmp.h>\n'),
]


@pytest.mark.parametrize('rule,name,text', BROKEN)
def test_a_broken_rule_is_seen(rule, name, text):
    assert rule in complaints(name, text)


@pytest.mark.parametrize('name,text', SOUND)
def test_what_is_sound_passes(name, text):
    assert complaints(name, text) == set()


def test_text_rules():
    report = tidy.Report()
    tidy.check_text(report, pathlib.Path('docs/x.md'), 'a \nTO' + 'DO\n' + '/ho' + 'me/x\nend')
    assert {line for _, line, _, _ in report.lines} == {1, 2, 3, 4}


def test_circles():
    assert tidy.find_circle({'a': ['b'], 'b': ['c'], 'c': []}) is None
    assert tidy.find_circle({'a': ['b'], 'b': ['c'], 'c': ['a']}) == ['a', 'b', 'c', 'a']
