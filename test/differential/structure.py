"""ENVELOPE, BODY and BODYSTRUCTURE as values: the sections they promise, and how two differ."""

ENVELOPE = ('date', 'subject', 'from', 'sender', 'reply-to', 'to', 'cc', 'bcc', 'in-reply-to',
            'message-id')
LEAF = ('type', 'subtype', 'parameters', 'id', 'description', 'encoding', 'size')
MULTIPART = ('subtype', 'parameters', 'disposition', 'language', 'location')
EXTENSION = ('md5', 'disposition', 'language', 'location')
PARTS_MAX = 30
METADATA = ['ENVELOPE', 'BODY', 'BODYSTRUCTURE', 'RFC822.SIZE']


def is_part(value):
    """A list in a multipart that is a part, and no parameter list behind them."""
    return bool(value) and (isinstance(value[0], list) or
                            (len(value) >= 7 and isinstance(value[0], bytes)))


def is_multipart(structure):
    return bool(structure) and isinstance(structure[0], list)


def is_message(structure):
    return not is_multipart(structure) and len(structure) > 9 and \
        isinstance(structure[7], list) and isinstance(structure[8], list)


def children(structure):
    return [part for part in structure if is_part(part)]


def parts_of(structure, path=''):
    """(section, its structure) of all single parts and messages."""
    if is_multipart(structure):
        for number, part in enumerate(children(structure), 1):
            yield from parts_of(part, f'{path}.{number}' if path else str(number))
        return
    yield path or '1', structure
    if is_message(structure) and path:
        below = structure[8]
        yield from parts_of(below, path if is_multipart(below) else f'{path}.1')


def sections_of(structure):
    """FETCH items of all parts, as far as PARTS_MAX of them."""
    wanted = []
    for path, part in list(parts_of(structure))[:PARTS_MAX]:
        wanted += [f'BODY.PEEK[{path}]', f'BODY.PEEK[{path}]<3.20>']
        if '.' in path or is_multipart(structure):
            wanted.append(f'BODY.PEEK[{path}.MIME]')
        if is_message(part):
            wanted += [f'BODY.PEEK[{path}.HEADER]', f'BODY.PEEK[{path}.TEXT]',
                       f'BODY.PEEK[{path}.HEADER.FIELDS (Subject)]',
                       f'BODY.PEEK[{path}.HEADER.FIELDS.NOT (Subject)]']
    return wanted


def folded(value):
    """Values whose case does not count."""
    if isinstance(value, bytes):
        return value.upper()
    if isinstance(value, list):
        return [folded(one) for one in value]
    return value


def differ_in_fields(names, ours, theirs, path):
    for name, one, two in zip(names, ours, theirs):
        if folded(one) != folded(two):
            yield f'{path}/{name}', one, two
    if len(ours) != len(theirs):
        yield f'{path}/length', ours, theirs


def differ_in_envelope(ours, theirs, path=''):
    for name, one, two in zip(ENVELOPE, ours, theirs):
        if one != two:
            yield path + name, one, two


def differ_in_structure(ours, theirs, path=''):
    """(name of what differs as in "1.2/parameters", our value, their value)."""
    if folded(ours) == folded(theirs):
        return
    if is_multipart(ours) != is_multipart(theirs):
        yield f'{path}/multipart', ours, theirs
        return
    if not is_multipart(ours):
        yield from differ_in_single(ours, theirs, path)
        return
    mine, other = children(ours), children(theirs)
    if len(mine) != len(other):
        yield f'{path}/parts', ours, theirs
        return
    for number, (one, two) in enumerate(zip(mine, other), 1):
        yield from differ_in_structure(one, two, f'{path}.{number}'.lstrip('.'))
    yield from differ_in_fields(MULTIPART, ours[len(mine):], theirs[len(other):], path)


def differ_in_single(ours, theirs, path):
    yield from differ_in_fields(LEAF, ours[:7], theirs[:7], path)
    mine, other = ours[7:], theirs[7:]
    if is_message(ours) and is_message(theirs):
        yield from differ_in_envelope(mine[0], other[0], f'{path}/envelope.')
        for name, one, two in differ_in_structure(mine[1], other[1]):
            yield f'{path}/message:{name}', one, two
        mine, other = mine[2:], other[2:]
    if mine and other and isinstance(mine[0], int) and isinstance(other[0], int):
        if mine[0] != other[0]:
            yield f'{path}/lines', mine[0], other[0]
        mine, other = mine[1:], other[1:]
    yield from differ_in_fields(EXTENSION, mine, other, path)


def differences(ours, theirs):
    """(what, our value, their value) of all that was asked of one message."""
    for item, one in ours.items():
        two = theirs.get(item)
        if item == 'ENVELOPE' and isinstance(two, list):
            for name, left, right in differ_in_envelope(one, two):
                yield f'ENVELOPE {name}', left, right
        elif item in ('BODY', 'BODYSTRUCTURE') and isinstance(two, list):
            for name, left, right in differ_in_structure(one, two):
                yield f'{item} {name}', left, right
        elif one != two:
            yield item, one, two


def count_values(values):
    """What is compared of one message: fields of ENVELOPE and BODYSTRUCTURE one by one."""
    return sum(len(ENVELOPE) if item == 'ENVELOPE' else
               atoms(value) if item in ('BODY', 'BODYSTRUCTURE') else 1
               for item, value in values.items())


def atoms(value):
    return sum(map(atoms, value)) if isinstance(value, list) else 1
