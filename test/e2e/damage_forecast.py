"""What docs/format.md says must come of bytes that went bad in an account's directory: worked out
from the files as they were and as they are, with no code of the store. `test/tools/read_log.py`
reads the ops; which records count, what is set aside and where the log ends is said here."""
import dataclasses
import pathlib
import re
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'tools'))

import read_log  # noqa: E402
from read_log import (BASE, BASE_SEGMENT, BODY, BODY_SEGMENT, CHANGE, CHUNK,  # noqa: E402
                      CHUNKS_AT, COPY_AT, LOG, PACKED, RECORDS_AT, aligned, crc, framed)

HEADER, SEGMENT_HEADER, CRC, ENTRY = 48, 128, 4, 128
CLEAN, FAILED = 2, 3
NAME = re.compile(r'log/([0-9a-f]{16})\.(log|body|base)')


class Record:
    """Where one stands; of a body segment the payload comes first."""

    def __init__(self, whole, offset, payload_at):
        self.offset, self.payload_at = offset, payload_at
        self.kind, self.encoding, self.length, self.number = struct.unpack_from(
            '<BB2xQQ', whole, offset + 8)
        self.durable, = struct.unpack_from('<Q', whole, offset + 36)
        self.bytes = aligned(HEADER + framed(self.length))

    def payload(self, whole):
        """Without its checksums."""
        parts, at, left = [], self.payload_at, self.length
        while left > 0:
            size = min(CHUNK, left)
            parts.append(whole[at:at + size])
            at, left = at + size + CRC, left - size
        return b''.join(parts)


class Segment:
    """One file of log/: `whole` is as it was, `now` as it is."""

    def __init__(self, path, whole, now):
        self.path, self.whole, self.now = path, whole, now
        self.id = whole[32:48]
        self.name, self.previous, self.position, self.base = struct.unpack_from('<4Q', whole, 48)
        self.kind = self.name & 3
        self.size = self.limit = len(now)
        self.records = list(self.walk())
        self.broken = not self.has_header()

    def walk(self):
        if self.kind == BODY_SEGMENT:
            yield Record(self.whole, len(self.whole) - HEADER, CHUNKS_AT)
            return
        at = RECORDS_AT
        while self.whole[at:at + 8] == self.id[:8]:
            record = Record(self.whole, at, at + HEADER)
            yield record
            at += record.bytes

    def holds(self, start, end):
        """Are these bytes there as they were?"""
        return end <= len(self.now) and self.now[start:end] == self.whole[start:end]

    def has_header(self):
        return self.holds(0, SEGMENT_HEADER) or (
            self.kind != BODY_SEGMENT and self.holds(COPY_AT, COPY_AT + SEGMENT_HEADER))

    def broken_kind(self):
        """Of a segment that cannot be read: another account's file may stand there, whole."""
        header = self.now[:SEGMENT_HEADER]
        is_whole = len(header) == SEGMENT_HEADER and crc(0, header[:124]) == struct.unpack_from(
            '<I', header, 124)[0]
        return 'segment of another account' if is_whole else 'segment header'

    def header_holds(self, record, limit=None):
        end = record.offset + HEADER
        return (limit is None or end <= limit) and self.holds(record.offset, end)

    def payload_holds(self, record, limit=None):
        end = record.payload_at + framed(record.length)
        return (limit is None or end <= limit) and self.holds(record.payload_at, end)

    def next_record(self, offset):
        """The first one from there on whose header holds, or None."""
        for record in self.records:
            if record.offset >= offset and self.header_holds(record, self.limit):
                return record
        return None

    def findings(self):
        """[(kind, offset)] that `roost verify` must name, where the file's size is what it was."""
        if self.kind == BODY_SEGMENT:
            return self.body_findings()
        if self.broken:
            return [(self.broken_kind(), 0)]
        found = [('copy of a segment header', at) for at in (0, COPY_AT)
                 if not self.holds(at, at + SEGMENT_HEADER)]
        was_hit = False
        for record in self.records:
            if not self.header_holds(record):
                if not was_hit:
                    found.append(('no record', record.offset))
                was_hit = True
                continue
            was_hit = False
            if not self.payload_holds(record):
                found.append(({BODY: 'body', CHANGE: 'change', BASE: 'base'}[record.kind],
                              record.offset))
        return found

    def body_findings(self):
        record, = self.records
        if self.broken:
            return [(self.broken_kind(), 0)]
        if not self.header_holds(record):
            return [('no record', CHUNKS_AT)]
        return [] if self.payload_holds(record) else [('body', CHUNKS_AT)]


class Account(read_log.Account):
    """And what becomes of mail whose mailbox is lost."""

    def find_or_make(self, number):
        if number not in self.mailboxes:
            name = 'INBOX' if number == 1 and not self.find('INBOX') else f'Recovered-{number}'
            self.mailboxes[number] = read_log.Mailbox(number, 0, 0, self.free_name(name),
                                                      self.change)
        return self.mailboxes[number]

    def find(self, name):
        return any(mailbox.name == name for mailbox in self.mailboxes.values())

    def free_name(self, name):
        tried, count = name, 1
        while self.find(tried):
            count += 1
            tried = f'{name}-{count}'
        return tried

    def op_create(self, fields, number, place):
        super().op_create(fields, number, place)
        made = list(self.mailboxes.values())[-1]
        name, made.name = made.name, ''
        made.name = self.free_name(f'Recovered-{made.number}') if self.find(name) else name

    def op_put(self, fields, number, place):
        self.find_or_make(fields.varint())
        fields.at = 0
        super().op_put(fields, number, place)

    def copy(self, fields, number, move):
        fields.varint()
        self.find_or_make(fields.varint())
        fields.at = 0
        super().copy(fields, number, move)

    ACTS = {**read_log.Account.ACTS, 0x02: op_create, 0x10: op_put,
            0x12: lambda self, fields, number, place: self.copy(fields, number, False),
            0x13: lambda self, fields, number, place: self.copy(fields, number, True)}


@dataclasses.dataclass
class Item:
    """What is set aside; of no bytes where there is nothing to set aside."""
    segment: int
    offset: int
    length: int


class Forecast:
    """`whole`, `now`: {path below the account's directory: bytes}; `lock`: as opening finds it."""

    def __init__(self, whole, now):
        self.items, self.tail, self.applied = [], None, []
        self.segments = {}
        for path in sorted(whole):
            if NAME.fullmatch(path):
                segment = Segment(path, whole[path], now.get(path, b''))
                self.segments[segment.name] = segment
        self.logs = [segment for segment in self.segments.values() if segment.kind == LOG]
        self.logs.sort(key=lambda segment: segment.name)
        bases = [segment for segment in self.segments.values() if segment.kind == BASE_SEGMENT]
        self.base = max(bases, key=lambda segment: segment.name, default=None)
        self.lock, self.checkpoint = now.get('lock', b''), now.get('checkpoint')
        self.start, self.mark = None, 0

    def recover(self):
        """Works out items, tail and the records that count; answers itself."""
        if self.base is not None:
            self.take_base()
        for segment, after in zip(self.logs, self.logs[1:]):
            if not segment.broken and not after.broken:
                segment.limit = after.position - segment.position
        self.find_start()
        self.find_mark()
        for segment in self.logs:
            self.take_log(segment)
        return self

    def take_base(self):
        """Its superseded segments are gone: as far as it is whole it counts."""
        base, at = self.base, RECORDS_AT
        self.logs = [segment for segment in self.logs if segment.name > base.base]
        if base.broken:
            self.items.append(Item(base.base, 0, 0))
            return
        while at < base.limit:
            record = base.next_record(at)
            after = base.limit if record is None else record.offset
            whole = record is not None and record.offset == at
            if whole:
                after = min(at + record.bytes, base.limit)
                whole = record.kind != BASE or base.payload_holds(record, base.limit)
            if not whole:
                self.items.append(Item(base.name, at, after - at))
            elif record.kind == BASE:
                self.applied.append((base, record))
            at = after

    def find_start(self):
        """The checkpoint's place, when the log knows it."""
        if self.checkpoint is None or len(self.checkpoint) < 48:
            return
        position, number = struct.unpack_from('<QQ', self.checkpoint, 16)
        for segment in self.logs:
            if (segment.name == number and not segment.broken and
                    segment.id == self.checkpoint[32:48] and
                    RECORDS_AT <= position - segment.position <= segment.limit):
                self.start = segment, position - segment.position
                self.mark = position
        if self.start is None and number >= self.logs[-1].name:
            self.mark = position

    def find_mark(self):
        last = self.logs[-1]
        begun = self.start[1] if self.start is not None and self.start[0] is last else 0
        state, position = self.read_lock()
        if state in (CLEAN, FAILED):
            self.mark = max(self.mark, position)
        if last.broken:
            return
        self.mark = max(self.mark, last.position)
        if last.position + last.limit <= self.mark:
            return
        for record in last.records:
            if record.offset >= begun and last.header_holds(record, last.limit):
                self.mark = max(self.mark, record.durable)

    def read_lock(self):
        state, position = 0, 0
        for at in range(0, len(self.lock) - ENTRY + 1, ENTRY):
            entry = self.lock[at:at + ENTRY]
            if entry[:8] == b'ROOSTLCK' and crc(0, entry[:124]) == struct.unpack_from('<I', entry,
                                                                                     124)[0]:
                state, position = entry[9], struct.unpack_from('<Q', entry, 64)[0]
        return state, position

    def take_log(self, segment):
        last = segment is self.logs[-1]
        offset = RECORDS_AT
        if self.start is not None:
            if segment.name < self.start[0].name:
                offset = segment.limit
            elif segment is self.start[0]:
                offset = self.start[1]
            self.applied += [(segment, record) for record in segment.records
                             if record.kind == CHANGE and record.offset < offset]
            if segment.name < self.start[0].name:
                return
        if segment.broken:
            self.items.append(Item(segment.name, 0, segment.size))
            return
        end = self.walk(segment, offset, last)
        if not last:
            return
        rest = segment.now[end:].rstrip(b'\0')
        self.tail = Item(segment.name, end, len(rest)) if rest else None
        if segment.position + end < self.mark:
            self.items.append(Item(segment.name, end, 0))

    def walk(self, segment, offset, last):
        """To the limit or to the end of the log, which is the answer."""
        while offset < segment.limit:
            behind = last and segment.position + offset >= self.mark
            record = segment.next_record(offset)
            after = segment.limit if record is None else record.offset
            whole = record is not None and record.offset == offset
            if whole:
                after = offset + record.bytes
                whole = after <= segment.limit
                after = min(after, segment.limit)
                if whole and (record.kind != BODY or behind):
                    whole = segment.payload_holds(record, segment.limit)
            if not whole and behind:
                return offset
            if not whole:
                self.items.append(Item(segment.name, offset, after - offset))
            elif record.kind == CHANGE:
                self.applied.append((segment, record))
            offset = after
        return offset

    def account(self):
        """What the records that count say."""
        account = Account()
        for segment, record in self.applied:
            account.replay(segment, record.offset, record.kind, record.number,
                           record.payload(segment.whole))
        return account

    def body_holds(self, place, start=0, end=None):
        """Can these bytes of the message there be read? None: perhaps. A server that has read the
        headers needs them no more; a packed piece lies somewhere in the payload."""
        segment = self.segments[place[0]]
        record = next(record for record in segment.records if record.offset == place[1])
        end = record.length if end is None else end
        if record.encoding == PACKED:
            holds = segment.payload_holds(record) or None
        else:
            holds = all(self.chunk_holds(segment, record, at)
                        for at in range(start // CHUNK * CHUNK, end, CHUNK))
        return None if holds and (segment.broken or not segment.header_holds(record)) else holds

    @staticmethod
    def chunk_holds(segment, record, at):
        """That of the payload's byte `at`, which is its first."""
        place = record.payload_at + at // CHUNK * (CHUNK + CRC)
        return segment.holds(place, place + min(CHUNK, record.length - at) + CRC)
