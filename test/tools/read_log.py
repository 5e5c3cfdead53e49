#!/usr/bin/env python3
"""Reads an account's log as docs/format.md describes it, and nothing else of Roost.

    read_log.py DIRECTORY                  prints mailboxes and messages as JSON
    read_log.py DIRECTORY --extract INTO   writes that to INTO/account.json, and each message to
                                           INTO/<mailbox id>/<UID>.eml

Written from that page with Python's standard library only: proof that the page suffices to get all
mail back. It takes no lock and changes nothing. Every checksum that the page names is checked, of
bodies when they are read. Damage before the durable mark is an error here: this is no repair tool.
That library has no Zstandard (RFC 8878): frames of packed bodies go through the command `zstd`.
"""
import bisect
import hashlib
import json
import pathlib
import struct
import subprocess
import sys

TABLE = []
for number in range(256):
    for _ in range(8):
        number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
    TABLE.append(number)

SYSTEM_FLAGS = {1: '\\Seen', 2: '\\Answered', 4: '\\Flagged', 8: '\\Deleted', 16: '\\Draft'}
LOG, BODY_SEGMENT, BASE_SEGMENT = 0, 1, 2
BODY, CHANGE, BASE = 1, 2, 3
RAW, PACKED = 0, 1
FEATURE_PACKED = 1
RECORDS_AT, COPY_AT, CHUNKS_AT, CHUNK = 8192, 4096, 128, 65536
KEYWORDS_MAX = 128
BASE_END = 0x4f


class Broken(Exception):
    """Bytes that are not what the page says."""


class NoHeader(Broken):
    """Of a segment, in either place."""


def crc(seed, data):
    value = ~seed & 0xFFFFFFFF
    for byte in data:
        value = TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return ~value & 0xFFFFFFFF


def unpacked(payload):
    """The message in the payload of a packed body. Frames in a row decode as one stream, so that
    the index is not needed here; it is only looked at."""
    length = struct.unpack('<Q', payload[-8:])[0] if len(payload) >= 8 else 0
    pieces = (length + CHUNK - 1) // CHUNK
    if pieces == 0 or 8 * pieces > len(payload):
        raise Broken('a packed body that holds no message')
    frames, index = payload[:-8 * pieces], payload[-8 * pieces:-8]
    starts = [0, *struct.unpack(f'<{pieces - 1}Q', index), len(frames)]
    if any(start >= end for start, end in zip(starts, starts[1:])):
        raise Broken('frames of a packed body that do not ascend')
    try:
        done = subprocess.run(['zstd', '-dcq'], input=frames, capture_output=True)
    except FileNotFoundError:
        raise Broken('a packed body needs the command zstd') from None
    if done.returncode != 0 or len(done.stdout) != length:
        raise Broken('frames that are not the message')
    return done.stdout


def aligned(size):
    return (size + 7) // 8 * 8


def framed(length):
    """Bytes of a payload with its checksums."""
    return length + (length + CHUNK - 1) // CHUNK * 4


class Reader:
    """Fields, one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if size > len(self.data) - self.at:
            raise Broken('fields end too early')
        self.at += size
        return self.data[self.at - size:self.at]

    def fixed(self, form):
        return struct.unpack('<' + form, self.take(struct.calcsize('<' + form)))[0]

    def varint(self):
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise Broken('a varint of more than 10 bytes')

    def signed(self):
        value = self.varint()
        return -(value >> 1) - 1 if value & 1 else value >> 1

    def bytes(self):
        return self.take(self.varint())

    def uids(self):
        """Ranges, inclusive."""
        ranges, last = [], 0
        for _ in range(self.varint()):
            first = last + self.varint()
            last = first + self.varint()
            ranges.append((first, last))
        return ranges

    def names(self):
        return [self.bytes().decode() for _ in range(self.varint())]

    def flags(self):
        return self.varint(), self.names()

    def date(self):
        return self.signed(), self.signed()

    def place(self):
        return self.varint(), self.varint()

    def at_end(self):
        return self.at == len(self.data)


class Segment:
    """One file of log/."""

    def __init__(self, path):
        self.path, self.name = path, int(path.name.split('.')[0], 16)
        self.data = path.read_bytes()
        self.kind = self.name & 3
        copies = [0] if self.kind == BODY_SEGMENT else [0, COPY_AT]
        for at in copies:
            if self.read_header(self.data[at:at + 128]):
                break
        else:
            raise NoHeader(path.name)
        self.end = len(self.data)

    def read_header(self, raw):
        if len(raw) < 128 or raw[:8] != b'ROOSTSEG' or self.u32(raw, 124) != crc(0, raw[:124]):
            return False
        version, features = struct.unpack_from('<H6xQ', raw, 8)
        if version != 1 or features & ~FEATURE_PACKED:
            raise Broken('a newer version wrote this')
        self.id = raw[32:48]
        number, self.previous, self.position, self.base = struct.unpack_from('<4Q', raw, 48)
        self.seed, self.owner = crc(0, self.id), raw[88:104]
        return number == self.name

    @staticmethod
    def u32(raw, at):
        return struct.unpack_from('<I', raw, at)[0]

    def header(self, offset):
        """(type, length, number, durable mark) of the record there; None: there is none."""
        raw = self.data[offset:offset + 48]
        if len(raw) < 48 or raw[:8] != self.id[:8]:
            return None
        if self.u32(raw, 44) != crc(crc(self.seed, struct.pack('<Q', offset)), raw[:44]):
            return None
        kind, encoding, length, number = struct.unpack_from('<BB2xQQ', raw, 8)
        if encoding > (PACKED if kind == BODY else RAW) and kind < 128:
            raise Broken('an encoding that the page does not tell of')
        return kind, length, number, struct.unpack_from('<Q', raw, 36)[0]

    def encoding(self, offset):
        """Of the record whose header holds there."""
        return self.data[offset + 9]

    def payload(self, at, length):
        """The checked bytes of the chunks from `at` on; None: a checksum does not hold."""
        whole = b''
        while len(whole) < length:
            size = min(CHUNK, length - len(whole))
            chunk = self.data[at:at + size]
            if len(self.data) < at + size + 4:
                return None
            if self.u32(self.data, at + size) != crc(crc(self.seed, struct.pack('<Q', at)), chunk):
                return None
            whole += chunk
            at += size + 4
        return whole

    def records(self):
        """(offset, header, payload) of CHANGE and BASE records up to the end, or to a break."""
        at = RECORDS_AT
        while at < self.end:
            header = self.header(at)
            if header is None:
                return
            size = aligned(48 + framed(header[1]))
            payload = None
            if header[0] in (CHANGE, BASE):
                payload = self.payload(at + 48, header[1])
                if payload is None:
                    return
            if at + size > self.end:
                return
            yield at, header, payload
            at += size
            self.read_up_to = at

    read_up_to = RECORDS_AT


class Mailbox:
    def __init__(self, number, validity, uses, name, change):
        self.number, self.validity, self.uses, self.name = number, validity, uses, name
        self.uidnext, self.recent_floor, self.highest = 1, 1, change
        self.keywords = []
        self.rows = {}

    def keyword_numbers(self, names):
        """The places of those names in the table: the first use gives a name its place."""
        known = [name.lower() for name in self.keywords]
        numbers = set()
        for name in names:
            if name.lower() not in known and len(known) < KEYWORDS_MAX:
                self.keywords.append(name)
                known.append(name.lower())
            if name.lower() in known:
                numbers.add(known.index(name.lower()))
        return numbers

    def within(self, ranges):
        """UIDs of the rows in those ranges, ascending."""
        there = sorted(self.rows)
        for first, last in ranges:
            yield from there[bisect.bisect_left(there, first):bisect.bisect_right(there, last)]


class Account:
    """The state that the log tells of."""

    def __init__(self):
        self.id = None
        self.change = self.floor = 0
        self.mailboxes = {}
        self.subscriptions = set()
        self.bodies = {}

    def replay(self, segment, offset, kind, number, payload):
        reader = Reader(payload)
        if kind == CHANGE:
            reader.fixed('B'), reader.varint(), reader.bytes()  # protocol, session, actor
            if number <= self.change:
                raise Broken('a change number that does not grow')
            self.change = number
        while not reader.at_end():
            code = reader.fixed('B')
            fields = Reader(reader.take(reader.fixed('I')))
            act = self.ACTS.get(code)
            if act is not None:
                act(self, fields, number, (segment.name, offset))
            elif code < 0x80:
                raise Broken(f'an unknown op, {code:#x}')

    def op_account(self, fields, number, place):
        self.id = fields.take(16)

    def op_create(self, fields, number, place):
        mailbox = Mailbox(fields.varint(), fields.varint(), fields.varint(),
                          fields.bytes().decode(), number)
        self.mailboxes[mailbox.number] = mailbox

    def op_rename(self, fields, number, place):
        mailbox, name = self.mailboxes.get(fields.varint()), fields.bytes().decode()
        if mailbox is not None:
            mailbox.name = name

    def op_delete(self, fields, number, place):
        self.mailboxes.pop(fields.varint(), None)

    def op_uses(self, fields, number, place):
        mailbox, uses = self.mailboxes.get(fields.varint()), fields.varint()
        if mailbox is not None:
            mailbox.uses = uses

    def op_put(self, fields, number, place):
        mailbox, uid, body = fields.varint(), fields.varint(), fields.varint()
        back = fields.varint()
        where = (place[0], place[1] - back) if back != 0 else fields.place()
        size, (flags, keywords) = fields.varint(), fields.flags()
        date, saved, thread = fields.date(), fields.signed(), fields.varint()
        self.bodies.setdefault(body, where)
        mailbox = self.mailboxes.get(mailbox)
        if mailbox is None or uid < mailbox.uidnext:
            return
        mailbox.rows[uid] = {'flags': flags, 'keywords': mailbox.keyword_numbers(keywords),
                             'modseq': number, 'date': date, 'saved': saved, 'size': size,
                             'body': body, 'thread': thread}
        mailbox.uidnext, mailbox.highest = uid + 1, number

    def op_flags(self, fields, number, place):
        mailbox, owner, mode = fields.varint(), fields.varint(), fields.varint()
        (flags, keywords), ranges = fields.flags(), fields.uids()
        mailbox = self.mailboxes.get(mailbox)
        if mailbox is None or owner != 0:
            return
        numbers = mailbox.keyword_numbers(keywords)
        mailbox.highest = number
        for uid in mailbox.within(ranges):
            row = mailbox.rows[uid]
            before = row['flags'], row['keywords']
            after = [(flags, numbers), (before[0] | flags, before[1] | numbers),
                     (before[0] & ~flags, before[1] - numbers)][mode]
            if after != before:
                row['flags'], row['keywords'], row['modseq'] = *after, number

    def copy(self, fields, number, move):
        source, target = fields.varint(), fields.varint()
        first, saved, ranges = fields.varint(), fields.signed(), fields.uids()
        source, target = self.mailboxes.get(source), self.mailboxes.get(target)
        if source is None or target is None or first < target.uidnext:
            return
        for start, last in ranges:
            for uid in list(source.within([(start, last)])):
                row = dict(source.rows[uid], modseq=number, saved=saved)
                row['keywords'] = target.keyword_numbers(
                    [source.keywords[place] for place in sorted(row['keywords'])])
                target.rows[first + uid - start] = row
            first += last - start + 1
        target.uidnext, target.highest = max(target.uidnext, first), number
        if move:
            self.expunge(source, ranges, number)

    def op_copy(self, fields, number, place):
        self.copy(fields, number, False)

    def op_move(self, fields, number, place):
        self.copy(fields, number, True)

    @staticmethod
    def expunge(mailbox, ranges, number):
        for uid in list(mailbox.within(ranges)):
            del mailbox.rows[uid]
        mailbox.highest = number

    def op_expunge(self, fields, number, place):
        mailbox, ranges = self.mailboxes.get(fields.varint()), fields.uids()
        if mailbox is not None:
            self.expunge(mailbox, ranges, number)

    def op_recent(self, fields, number, place):
        mailbox, floor = self.mailboxes.get(fields.varint()), fields.varint()
        if mailbox is not None:
            mailbox.recent_floor = max(mailbox.recent_floor, floor)

    def op_subscribe(self, fields, number, place):
        on, name = fields.varint(), fields.bytes().decode()
        (self.subscriptions.add if on else self.subscriptions.discard)(name)

    def op_epoch(self, fields, number, place):
        _, uid_gap = fields.varint(), fields.varint()
        self.floor = number
        for mailbox in self.mailboxes.values():
            mailbox.uidnext = min(mailbox.uidnext + uid_gap, 2**32 - 1)
            mailbox.highest = max(mailbox.highest, number)
            for row in mailbox.rows.values():
                row['modseq'] = max(row['modseq'], number)

    def op_body_place(self, fields, number, place):
        self.bodies[fields.varint()] = fields.place()

    def op_base_state(self, fields, number, place):
        self.__init__()
        self.id = fields.take(16)
        fields.varint()  # position
        self.change, self.floor = fields.varint(), fields.varint()

    def op_base_mailbox(self, fields, number, place):
        mailbox = Mailbox(fields.varint(), fields.varint(), 0, '', 0)
        mailbox.uidnext, mailbox.uses, mailbox.recent_floor = (fields.varint() for _ in range(3))
        mailbox.highest, _ = fields.varint(), fields.varint()
        mailbox.name, mailbox.keywords = fields.bytes().decode(), fields.names()
        self.mailboxes[mailbox.number] = mailbox

    def op_base_rows(self, fields, number, place):
        mailbox, uid = self.mailboxes.get(fields.varint()), 0
        for _ in range(fields.varint()):
            uid += fields.varint()
            modseq, flags = fields.varint(), fields.varint()
            bits = fields.varint() | fields.varint() << 64
            row = {'flags': flags, 'modseq': modseq, 'date': fields.date(),
                   'keywords': {bit for bit in range(KEYWORDS_MAX) if bits >> bit & 1},
                   'saved': fields.signed(), 'size': fields.varint(), 'body': fields.varint()}
            self.bodies.setdefault(row['body'], fields.place())
            row['thread'] = fields.varint()
            if mailbox is not None:
                mailbox.rows[uid] = row

    def op_base_body(self, fields, number, place):
        self.bodies.setdefault(fields.varint(), fields.place())

    def nothing(self, fields, number, place):
        """Told by the page, and of no matter for the messages."""

    ACTS = {0x01: op_account, 0x02: op_create, 0x03: op_rename, 0x04: op_delete, 0x05: op_uses,
            0x10: op_put, 0x11: op_flags, 0x12: op_copy, 0x13: op_move, 0x14: op_expunge,
            0x15: op_recent, 0x16: nothing, 0x20: op_subscribe, 0x21: nothing, 0x22: nothing,
            0x23: nothing, 0x24: nothing, 0x30: op_epoch, 0x31: op_body_place,
            0x40: op_base_state, 0x41: op_base_mailbox, 0x42: op_base_rows, 0x43: nothing,
            0x44: op_base_body, 0x45: nothing, 0x4f: nothing}


class Log:
    """All segments of an account, replayed."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.account = Account()
        paths = (self.directory / 'log').iterdir()
        paths = sorted(path for path in paths
                       if path.suffix in ('.log', '.base') and len(path.stem) == 16)
        found = [Segment(path) for path in paths if not self.is_unfinished(path, paths)]
        if len({segment.owner for segment in found if any(segment.owner)}) > 1:
            raise Broken('segments of more than one account')
        logs = [segment for segment in found if segment.kind == LOG]
        self.segments = {segment.name: segment for segment in found}
        for segment, after in zip(logs, logs[1:]):
            segment.end = min(segment.end, after.position - segment.position)
        self.mark = self.read_lock(logs)
        start = self.replay_newest_base(found, logs)
        self.log_last = max((segment.name for segment in logs), default=0)
        for segment in logs:
            if segment.name > start:
                self.replay_log(segment, segment is logs[-1])

    @staticmethod
    def is_unfinished(path, paths):
        """A segment whose making was cut short: nothing was written behind its header."""
        try:
            Segment(path)
        except NoHeader:
            last = path == [other for other in paths if other.suffix == path.suffix][-1]
            return last and path.stat().st_size <= RECORDS_AT
        return False

    def replay_newest_base(self, found, logs):
        """Answers the last log segment that it supersedes, or 0. One that is not complete counts
        when what it supersedes is gone, and then it is damage."""
        for base in reversed([segment for segment in found if segment.kind == BASE_SEGMENT]):
            records = self.whole_base(base)
            if records is not None:
                for offset, (kind, _, number, _), payload in records:
                    self.account.replay(base, offset, kind, number, payload)
                return base.base
            if not any(segment.name == base.base for segment in logs):
                raise Broken(f'{base.path.name}: not complete')
        return 0

    def read_lock(self, logs):
        """The position that the last whole entry knows to be durable, or 0; a failed one ends the
        last segment there."""
        path, state, mark = self.directory / 'lock', 0, 0
        raw = path.read_bytes() if path.exists() else b''  # a restored account has none yet
        for at in range(0, len(raw) - 127, 128):
            entry = raw[at:at + 128]
            if entry[:8] != b'ROOSTLCK' or Segment.u32(entry, 124) != crc(0, entry[:124]):
                continue
            if entry[8] != 1:
                raise Broken('a newer version wrote the lock file')
            state, (number, position) = entry[9], struct.unpack_from('<QQ', entry, 56)
            mark = position if state in (2, 3) else 0
        if state == 3 and logs and logs[-1].name == number:
            logs[-1].end = min(logs[-1].end, position - logs[-1].position)
        if logs and mark > logs[-1].position + len(logs[-1].data):
            mark = 0  # the lock file was copied later than the log
        return mark

    @staticmethod
    def whole_base(segment):
        """Its BASE records; None: it is not complete."""
        records = [record for record in segment.records() if record[1][0] == BASE]
        code, told = None, None
        for _, _, payload in records[-1:]:
            reader = Reader(payload)
            while not reader.at_end():
                code, fields = reader.fixed('B'), Reader(reader.take(reader.fixed('I')))
            told = fields.varint()
        if code != BASE_END or told != len(records):
            return None
        return records

    def replay_log(self, segment, last):
        mark = max(self.mark, segment.position)
        for offset, (kind, _, number, durable), payload in segment.records():
            mark = max(mark, durable)
            if kind == CHANGE:
                self.account.replay(segment, offset, kind, number, payload)
        end = segment.read_up_to
        if (end < segment.end if not last else segment.position + end < mark):
            raise Broken(f'{segment.path.name}: damage at {end}')

    def segment(self, number):
        if number not in self.segments:
            suffix = {LOG: 'log', BODY_SEGMENT: 'body', BASE_SEGMENT: 'base'}[number & 3]
            self.segments[number] = Segment(self.directory / 'log' / f'{number:016x}.{suffix}')
        return self.segments[number]

    def body(self, number):
        """The message's bytes."""
        segment_number, offset = self.account.bodies[number]
        segment = self.segment(segment_number)
        header = segment.header(offset)
        if header is None or header[0] != BODY or header[2] != number:
            raise Broken(f'no body {number} at {offset}')
        at = CHUNKS_AT if segment.kind == BODY_SEGMENT else offset + 48
        payload = segment.payload(at, header[1])
        if payload is None:
            raise Broken(f'body {number}: a checksum does not hold')
        return unpacked(payload) if segment.encoding(offset) == PACKED else payload

    def is_left_out(self, number):
        """In a copy: a message that came while it was made, whose body did not come along."""
        segment, offset = self.account.bodies[number]
        if segment & 3 == LOG:
            return False
        try:
            return len(self.segment(segment).data) < offset + 48
        except FileNotFoundError:
            return segment > self.log_last

    def messages(self, mailbox):
        for uid, row in sorted(mailbox.rows.items()):
            if self.is_left_out(row['body']):
                continue
            names = [name for bit, name in SYSTEM_FLAGS.items() if row['flags'] & bit]
            names += [mailbox.keywords[place] for place in sorted(row['keywords'])]
            body = self.body(row['body'])
            if len(body) != row['size']:
                raise Broken(f'UID {uid} has another size than its body')
            yield {'uid': uid, 'flags': sorted(names), 'modseq': row['modseq'],
                   'size': row['size'], 'seconds': row['date'][0], 'zone': row['date'][1],
                   'saved': row['saved'], 'body': row['body'], 'thread': row['thread'],
                   'sha256': hashlib.sha256(body).hexdigest()}

    def as_dict(self):
        return {
            'account': self.account.id.hex(),
            'change': self.account.change,
            'subscriptions': sorted(self.account.subscriptions),
            'mailboxes': {
                mailbox.name: {'id': mailbox.number, 'uidvalidity': mailbox.validity,
                               'uidnext': mailbox.uidnext, 'uses': mailbox.uses,
                               'modseq': mailbox.highest, 'messages': list(self.messages(mailbox))}
                for mailbox in self.account.mailboxes.values()},
        }


    def extract(self, into):
        """All of it as files: what `as_dict` says, and the messages."""
        into = pathlib.Path(into)
        told = self.as_dict()
        into.mkdir()
        for mailbox in told['mailboxes'].values():
            folder = into / str(mailbox['id'])
            folder.mkdir()
            for row in mailbox['messages']:
                (folder / f'{row["uid"]}.eml').write_bytes(self.body(row['body']))
        (into / 'account.json').write_text(json.dumps(told, indent=1) + '\n')


def main():
    words = sys.argv[1:]
    if len(words) == 3 and words[1] == '--extract':
        Log(words[0]).extract(words[2])
    elif len(words) == 1:
        json.dump(Log(words[0]).as_dict(), sys.stdout, indent=1)
        print()
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
