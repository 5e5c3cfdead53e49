"""The words that bind (MUST, SHOULD and their like) in the text of an RFC, section by section."""
import functools
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADING = re.compile(r'(?:Appendix )?([A-Z]|\d+)((?:\.\d+)*)\.? {1,8}\S')
# It is made by machine, and names the words as well.
INDEX = re.compile(r'(?! )(?:[A-Z]\.)?[\w ]*\bIndex$')
WORD = re.compile(r'\b(NOT\s+RECOMMENDED|MUST\s+NOT|MUST|SHOULD\s+NOT|SHOULD|SHALL\s+NOT|SHALL|'
                  r'REQUIRED|RECOMMENDED)\b')
PAGE_END = re.compile(r'\[Page \d+\]\s*$')
PAGE_HEAD = re.compile(r'RFC \d+ .*\b(19|20)\d\d$')
# The paragraph that says what the words mean binds nobody.
KEY_WORDS = re.compile(r'(?i)\bkey words\b')


@functools.lru_cache(maxsize=None)
def repository():
    """The tree whose repository this one uses: itself, or the one it is a worktree of."""
    run = subprocess.run(['git', 'rev-parse', '--git-common-dir'], cwd=ROOT, capture_output=True)
    return (ROOT / run.stdout.decode().strip()).parent if run.returncode == 0 else ROOT


def folder():
    """Where the texts are (rfcNNNN.txt), or None: ROOST_RFC, or beside the tree."""
    places = [tree.parent / 'shared' / 'rfc' for tree in (ROOT, repository())]
    if 'ROOST_RFC' in os.environ:
        places = [pathlib.Path(os.environ['ROOST_RFC'])]
    return next((place for place in places if place.is_dir()), None)


def without_pages(text):
    """The lines without page ends and page heads; a paragraph that goes on overleaf is one."""
    lines = []
    overleaf = False
    for line in text.replace('\f', '\n').split('\n'):
        if PAGE_END.search(line):
            overleaf = True
            while lines and not lines[-1].strip():
                lines.pop()
        elif overleaf and (not line.strip() or PAGE_HEAD.match(line)):
            continue
        else:
            if overleaf and lines and not re.search(r'[.:)]\s*$', lines[-1]):
                lines.append(line)
            elif overleaf:
                lines += ['', line]
            else:
                lines.append(line)
            overleaf = False
    return lines


def sections(text):
    """[(section, [paragraph])] in the order of the text; what precedes the first is left out."""
    found = []
    for line in without_pages(text):
        if INDEX.match(line):
            return found
        heading = HEADING.match(line)
        if heading:
            found.append((heading[1] + heading[2], ['']))
        elif found and not line.strip():
            found[-1][1].append('')
        elif found:
            found[-1][1][-1] += line.strip() + ' '
    return found


def words(text):
    """{section: [word]}, each word as it is written there; 'MUST NOT' is one word."""
    found = {}
    for section, paragraphs in sections(text):
        for paragraph in paragraphs:
            if KEY_WORDS.search(paragraph) and paragraph.count('"') > 4:
                continue
            for word in WORD.findall(paragraph):
                found.setdefault(section, []).append(' '.join(word.split()))
    return found


def words_of(rfc):
    """words() of an RFC, None when its text is not there."""
    where = folder()
    path = where and where / f'rfc{rfc}.txt'
    if not path or not path.is_file():
        return None
    return words(path.read_text(errors='replace'))
