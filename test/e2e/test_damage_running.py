"""Bytes that go bad under a running server: each kind of file, so and so many seeded times.

Accounts lie side by side in real servers; while clients read and mail comes in, one file of each
comes to harm. What clients are told meanwhile, what `roost verify` finds, and what the next owner
makes of it (the shards are killed) is held against `damage_forecast.py`.

    ROOST_ROUNDS=10000 /usr/bin/python3 -m pytest -q -s test/e2e/test_damage_running.py

does it ten thousand times for each kind. ROOST_SEED repeats a run, as far as timing lets it;
ROOST_JOBS says how many servers work side by side."""
import itertools
import json
import multiprocessing
import os
import random
import time
import traceback

from damage_forecast import BASE_SEGMENT, BODY_SEGMENT, LOG, Forecast, Segment
from damage_yard import Load, Yard
from roost_server import free_port

SEED = int(os.environ.get('ROOST_SEED') or random.SystemRandom().randrange(2**32))
ROUNDS = int(os.environ.get('ROOST_ROUNDS', '400'))
JOBS = int(os.environ.get('ROOST_JOBS') or max(2, os.cpu_count() or 2))
ACCOUNTS = 40
DERIVED = ('checkpoint', 'checkpoint.rows', 'summary', 'summary.index')
SEGMENTS = {'log': LOG, 'base': BASE_SEGMENT, 'body': BODY_SEGMENT}
KINDS = (*SEGMENTS, 'lock', *DERIVED)


# What befalls a file.

def stretch(dice, size):
    """A place, now and then near an end, and how much of it."""
    at = dice.randrange(size)
    if dice.random() < 0.3:
        at = dice.choice((at % min(size, 256), size - 1 - at % min(size, 256)))
    return at, min(1 + dice.randrange(1 << dice.randrange(15)), size - at)


def flip(data, dice):
    for _ in range(1 + dice.randrange(4)):
        data[stretch(dice, len(data))[0]] ^= 1 << dice.randrange(8)


def zero(data, dice):
    at, size = stretch(dice, len(data))
    data[at:at + size] = bytes(size)


def overwrite(data, dice):
    at, size = stretch(dice, len(data))
    data[at:at + size] = dice.randbytes(size)


def copy_within(data, dice):
    """Bytes of the same file in the wrong place, whole records among them."""
    to, size = stretch(dice, len(data))
    start, there = stretch(dice, len(data))
    step = dice.choice((1, 8))
    to, start, size = to - to % step, start - start % step, min(size, there)
    size = min(size, len(data) - max(to, start))
    data[to:to + size] = bytes(data[start:start + size])


def cut(data, dice):
    del data[dice.choice((0, 0, 512, len(data) - 1, dice.randrange(len(data)),
                          dice.randrange(len(data)))) % len(data):]


def take_out(data, dice):
    at, size = stretch(dice, len(data))
    del data[at:at + size]


def extend(data, dice):
    size = 1 + dice.randrange(5000)
    data += bytes(size) if dice.random() < 0.5 else dice.randbytes(size)


IN_PLACE = (flip, flip, zero, overwrite, overwrite, copy_within)
ANY = (*IN_PLACE, cut, take_out, extend)


def harm(path, dice, ways, size=None, others=()):
    """Of the first `size` bytes, in the file that is there; or the bytes of one of `others`."""
    was = path.read_bytes()
    data = bytearray(was[:size])
    if others and dice.random() < 0.1:
        data = bytearray(dice.choice(others))
    elif data:
        dice.choice(ways)(data, dice)
    with open(path, 'r+b', buffering=0) as file:
        file.write(data)
        if size is None and len(data) != len(was):
            file.truncate(len(data))


def harm_derived(victim, kind, dice, strangers):
    """One file, or all that are derived at once; now and then it is gone."""
    if dice.random() < 0.06:
        for path in [*victim.folder.glob('checkpoint*'), *victim.folder.glob('summary*')]:
            path.unlink()
        return
    names = {'checkpoint.rows': ('checkpoint.rows.0', 'checkpoint.rows.1')}.get(kind, (kind,))
    path = dice.choice([victim.folder / name for name in names if name in victim.files])
    others = [data for stranger in strangers for name, data in stranger.files.items()
              if name in names]
    if not path.exists() or dice.random() < 0.06:
        path.unlink(missing_ok=True)
    else:
        harm(path, dice, ANY, others=others)


# A round for each kind of file, of all accounts of a yard together.

def damage_derived(yard, kind, dice):
    load = Load(yard, dice)
    load.start()
    for victim in yard.victims:
        if dice.random() < 0.7:
            victim.connect()  # open before it is harmed; what is read later is read then
        if dice.random() < 0.3:
            victim.check_facts()
        harm_derived(victim, kind, dice, dice.sample(yard.victims, 3))
        victim.check_facts()
        victim.check_bodies(dice, 2)
    load.end()
    said = yard.log_end()
    yard.kill_shards()
    for victim in yard.victims:
        victim.check_facts()
    assert 'damaged_records' not in yard.log_since(said)


def damage_lock(yard, kind, dice):
    load = Load(yard, dice)
    load.start()
    for victim in yard.victims:
        victim.connect()
        others = [stranger.files['lock'] for stranger in dice.sample(yard.victims, 2)]
        harm(victim.folder / 'lock', dice, ANY, others=others)
        victim.check_facts()
    load.end()
    said = yard.log_end()
    yard.kill_shards()
    for victim in yard.victims:
        victim.check_facts()
        victim.check_bodies(dice, 2)
        for line in victim.openings(yard.log_since(said)):
            assert 'damaged_records' not in line or 'damaged_records=0' in line, line
            assert 'tail_bytes' not in line or 'tail_bytes=0 ' in line, line
            assert 'left_out' not in line or 'left_out=0 ' in line, line


def choose_segment(victim, kind, dice):
    """The path of one of that kind, or None."""
    found = [name for name, data in victim.files.items()
             if name.startswith('log/') and name.endswith(f'.{kind}')]
    return dice.choice(sorted(found)) if found else None


def damage_segments(yard, kind, dice):
    """All is harmed in the middle of work; verified beside it; then opened anew."""
    wanted = {}
    load = Load(yard, dice)
    load.start()
    for victim in yard.victims:
        path = choose_segment(victim, kind, dice)
        if path is None:
            continue
        victim.connect()
        resized = kind == 'body' and dice.random() < 0.3
        others = [other.files[path] for other in dice.sample(yard.victims, 2)
                  if path in other.files] if resized else ()
        harm(victim.folder / path, dice, ANY if resized else IN_PLACE,
             None if resized else len(victim.files[path]), others)
        wanted[victim] = path
        victim.check_bodies(dice, 3, live_forecast(victim, path))
    load.end()
    for victim, path in wanted.items():
        wanted[victim] = path, undamaged(victim, path)
    check_verify(yard, wanted)
    check_opening(yard, kind, wanted, dice)
    return len(wanted)


def undamaged(victim, path):
    """The files as they would be without harm: what came since included."""
    whole = victim.read_files()
    size = len(victim.files[path])
    whole[path] = victim.files[path] + (whole[path][size:] if path.endswith('.log') else b'')
    return whole


def live_forecast(victim, path):
    return Forecast(victim.files, dict(victim.files, **{path: (victim.folder / path).read_bytes()}))


def check_verify(yard, wanted):
    """Exactly what was hit is named, by kind and place."""
    done = yard.server.run('verify', '--json', check=False)
    found = {victim.name: set() for victim in yard.victims}
    for line in map(json.loads, done.stdout.splitlines()):
        if 'damage' in line and line['damage']['kind'] != 'lost body':
            damage = line['damage']
            found[line['account']].add((damage['segment'], damage['kind'], damage['offset']))
    anything = False
    for victim in yard.victims:
        if victim not in wanted:
            assert not found[victim.name], (victim.name, found[victim.name])
            continue
        anything = check_findings(victim, *wanted[victim], found[victim.name]) or anything
    assert done.returncode == (1 if anything else 0)


def check_findings(victim, path, whole, found):
    """Of one account. Is there anything to be found?"""
    now = (victim.folder / path).read_bytes()
    if len(now) != len(whole[path]):
        assert {segment for segment, _, _ in found} == {path}
        return True
    end = len(now.rstrip(b'\0'))  # zeros behind the last record are nothing: where it ends is told
    expected = {(path, kind, at) for kind, at in Segment(path, whole[path], now).findings()}
    told = {finding for finding in expected if finding[2] < end}
    assert told <= found, (victim.name, expected, found)
    if told == expected and not path.endswith('.base'):  # of a base also that it is not complete
        assert told == found, (victim.name, expected, found)
    assert bool(expected) == bool(found), (victim.name, expected, found)
    return bool(expected)


def check_opening(yard, kind, wanted, dice):
    """The next owner: what it reports, sets aside, and serves."""
    kept = {victim: kind == 'log' and dice.random() < 0.3 for victim in wanted}
    yard.kill_shards()
    forecasts = {}
    for victim, (path, whole) in wanted.items():
        if not kept[victim]:
            for name in [*victim.folder.glob('checkpoint*'), *victim.folder.glob('summary*')]:
                name.unlink()
        forecasts[victim] = Forecast(whole, victim.read_files()).recover()
    said = yard.log_end()
    for victim, forecast in forecasts.items():
        account = forecast.account()
        victim.check_account(account)
        check_report(victim, forecast, yard.log_since(said))
        check_rest(victim, forecast, account, dice)
    yard.counts['damaged'] += sum(bool(forecast.items) for forecast in forecasts.values())
    yard.counts['tails'] += sum(bool(forecast.tail) for forecast in forecasts.values())


def check_report(victim, forecast, log):
    lines = victim.openings(log)
    count, tail = len(forecast.items), forecast.tail.length if forecast.tail else 0
    told = [line for line in lines if 'damaged_records' in line]
    if count == 0 and tail == 0:
        assert told == [], (victim.name, told)
        asides = []
    else:
        assert len(told) == 1, (victim.name, forecast.items, forecast.tail, lines)
        assert f'damaged_records={count} ' in told[0], (victim.name, forecast.items, told)
        assert f'tail_bytes={tail} ' in told[0], (victim.name, forecast.tail, told)
        asides = [*forecast.items, *([forecast.tail] if forecast.tail else [])]
    if count > 0:
        first = forecast.items[0]
        place = f'segment {first.segment:016x}, offset {first.offset}, {first.length} bytes: '
        assert place in told[0], (victim.name, first, told)
    found = {path.name for path in victim.folder.glob('log/aside-*')}
    assert found == {f'aside-{item.segment:016x}-{item.offset:016x}' for item in asides}, \
        (victim.name, asides, found)


def check_rest(victim, forecast, account, dice):
    """Bodies of the messages that are left; none of those that are lost is served."""
    left = {mailbox.name: set(mailbox.rows) for mailbox in account.mailboxes.values()}
    if all(mailbox.rows.keys() <= left.get(mailbox.name, set()) for mailbox in victim.mailboxes):
        victim.check_bodies(dice, 2, forecast)


ACTS = {'log': damage_segments, 'base': damage_segments, 'body': damage_segments,
        'lock': damage_lock}


def work(number, rounds, queue):
    """One server: so many harms to each kind. Tells how many there were, or what went wrong."""
    seed = SEED + number
    random.seed(seed)
    for _ in range(number * 20):
        free_port()
    yard, at = None, 'the filling'
    try:
        dice = random.Random(seed)
        yard = Yard(seed, ACCOUNTS, 'zstd' if number % 3 == 2 else 'none')
        yard.fill()
        done = dict.fromkeys(KINDS, 0)
        for turn in itertools.count():
            kinds = [kind for kind in KINDS if done[kind] < rounds]
            if not kinds:
                break
            kind = kinds[turn % len(kinds)]
            at = f'{kind}, turn {turn}'
            act = ACTS.get(kind, damage_derived)
            done[kind] += act(yard, kind, dice) or len(yard.victims)
            yard.kill_shards()
            for victim in yard.victims:
                victim.heal()
            if turn % 50 == 49:
                print(f'server {number}: {done}', flush=True)
        queue.put((done, dict(yard.counts), None))
    except BaseException:
        queue.put(({}, {}, f'server {number}, {at}: {traceback.format_exc()}'))
    finally:
        if yard is not None:
            yard.close()


def test_each_kind_of_file():
    print(f'ROOST_SEED={SEED} ROOST_ROUNDS={ROUNDS} ROOST_JOBS={JOBS}')
    began = time.monotonic()
    queue = multiprocessing.Queue()
    jobs = [multiprocessing.Process(target=work, args=(number, -(-ROUNDS // JOBS), queue))
            for number in range(JOBS)]
    for job in jobs:
        job.start()
    results = [queue.get() for _ in jobs]
    for job in jobs:
        job.join()
    for _, _, failure in results:
        assert failure is None, failure
    total = {kind: sum(done[kind] for done, _, _ in results) for kind in KINDS}
    met = {name: sum(counts[name] for _, counts, _ in results) for name in ('damaged', 'tails')}
    print(f'{total}, {met} in {time.monotonic() - began:.0f} s')
    assert min(total.values()) >= ROUNDS
    assert met['damaged'] > 0
