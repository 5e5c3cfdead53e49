"""The messages that are compared: the project's own, made ones, and those of a corpus."""
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'test' / 'e2e'))

import shapes  # noqa: E402
from mail import crlf, fixtures  # noqa: E402


def corpus_folder():
    return pathlib.Path(os.environ.get('ROOST_CORPUS', ROOT.parent / 'shared' / 'corpus'))


def has_corpus():
    return corpus_folder().is_dir()


def collect(which):
    """[(name, bytes)], every line end of a file as CR LF. `which`: own, mime, real or
    all."""
    found = {}
    if which in ('own', 'all'):
        found.update({f'own/{name}': text for name, text in fixtures().items()})
    for kind in ('mime', 'real'):
        if which in (kind, 'all'):
            found.update(files_below(corpus_folder(), kind))
    found = {name: crlf(text) for name, text in found.items()}
    if which in ('own', 'all'):
        found.update(shapes.collect())
    return sorted(found.items())


def files_below(corpus, kind):
    found = {}
    for path in sorted((corpus / kind).rglob('*')):
        if not path.is_file() or path.suffix == '.json' or path.name in ('README', 'COPYING'):
            continue
        text = path.read_bytes()
        if kind == 'real' and text.startswith(b'From '):
            text = text.partition(b'\n')[2]
        found[str(path.relative_to(corpus))] = text
    return found

