/* The power goes at every step of a log's life, also while it is being opened again: what was
 * acknowledged is there, the rest is there whole or not at all, and opening twice changes nothing.
 * ROOST_TEST_SEED repeats a run. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "kit/crash_vfs.h"
#include "kit/log_changes.h"
#include "kit/random.h"

enum { CHANGES_MAX = 200, NEVER = 1 << 30, EPOCH_NUMBER = 100000 };

/* What the owner of the log knows of each change. */
struct told {
    uint64_t end;
    unsigned acked_at; /* steps of the disk when it was first known to be durable */
    unsigned answered_at; /* steps when, not being gated, it was told to a client */
    unsigned discarded_at; /* steps when a change after its loss was acknowledged */
    bool lost; /* a failed sync took it */
    size_t body_bytes; /* 0: no body */
};

struct life {
    struct crash_vfs *crash;
    struct log_bench bench;
    struct test_random random;
    struct told told[CHANGES_MAX]; /* by change number */
    unsigned next;
    unsigned checked; /* changes up to here are acknowledged or lost */
    uint64_t epoch;
    bool faults;
    bool compresses; /* off and on again, with each opening */
};

/* What was lost before an acknowledged one is gone for good by then. */
static void note_discarded(struct life *life, unsigned steps)
{
    for (unsigned i = 0; i < life->checked; i++)
        if (life->told[i].lost && life->told[i].discarded_at == NEVER)
            life->told[i].discarded_at = steps;
}

static void note_acknowledged(struct life *life)
{
    unsigned steps = crash_vfs_steps(life->crash);

    while (life->checked < life->next) {
        struct told *told = &life->told[life->checked];

        if (!told->lost && told->end > log_durable(life->bench.log))
            break;
        if (!told->lost) {
            told->acked_at = steps;
            note_discarded(life, steps);
        }
        life->checked++;
    }
}

/* A message too large for the batch: its own segment first. */
static enum err put_large(struct life *life, unsigned number, size_t len)
{
    struct origin origin = { PROTOCOL_IMAP, 1, BYTES(""), { 0 } };
    struct log *log = life->bench.log;
    struct op op = { OP_PUT,
                     { .put = { .mailbox = { 1 },
                                .uid = { number },
                                .body = { number },
                                .size = len,
                                .thread = { number } } } };
    struct log_body *body = log_body_new(log, op.as.put.body, origin.now);
    struct buf bytes = buf_make(1 << 20);
    struct log_record record;
    enum err err;

    memset(buf_reserve(&bytes, len), (int)number, len);
    buf_commit(&bytes, len);
    err = log_body_append(body, bytes_slice(buf_bytes(&bytes), 0, len / 3));
    if (err == ERR_OK)
        err = log_body_append(body, bytes_from(buf_bytes(&bytes), len / 3));
    if (err == ERR_OK)
        err = log_body_finish(body);
    buf_clear(&bytes);
    if (err == ERR_OK) {
        op.as.put.place = log_body_place(body);
        op_encode(&bytes, &op);
        err = log_batch(log);
    }
    if (err == ERR_OK)
        err = log_add_change(log, &origin, (struct modseq){ number }, buf_bytes(&bytes), &record);
    if (err == ERR_OK)
        err = log_append(log, true);
    log_body_free(body, err == ERR_OK);
    buf_done(&bytes);
    return err;
}

static void change_something(struct life *life)
{
    struct told *told = &life->told[life->next];
    unsigned number = life->next;
    struct place place;
    enum err err;

    *told = (struct told){ .acked_at = NEVER, .answered_at = NEVER, .discarded_at = NEVER };
    switch (test_random_below(&life->random, 4)) {
    case 0:
        told->body_bytes = 70000 + test_random_below(&life->random, 5000);
        err = put_large(life, number, told->body_bytes);
        break;
    case 1:
        told->body_bytes = 1 + test_random_below(&life->random, 6000);
        err = bench_put(&life->bench, number, told->body_bytes, &place);
        break;
    default:
        err = bench_change(&life->bench, number, test_random_below(&life->random, 700),
                           test_random_below(&life->random, 3) > 0);
    }
    told->end = log_tip(life->bench.log);
    told->lost = err != ERR_OK;
    if (err == ERR_OK && told->end > log_gate(life->bench.log))
        told->answered_at = crash_vfs_steps(life->crash);
    life->next++;
}

/* What a failed sync took may be there again as long as nothing behind it was acknowledged: the log
 * that was begun in its place got no segment. From now on it has to stay. */
static void find_come_back(struct life *life)
{
    for (unsigned i = life->checked; i > 1; i--) {
        struct told *told = &life->told[i - 1];

        if (!told->lost || told->discarded_at != NEVER)
            break;
        if (bench_saw(&life->bench, i - 1))
            life->checked = i - 1;
    }
}

/* Closes and opens. When the log had failed, what was not acknowledged may be gone, then for good.
 */
static void open_again(struct life *life)
{
    bool failed;

    crash_vfs_heal(life->crash);
    jobs_settle(&life->bench.jobs);
    failed = log_has_failed(life->bench.log);
    bench_close(&life->bench);
    if (life->compresses)
        life->bench.options.compress = !life->bench.options.compress;
    bench_start(&life->bench, life->epoch++);
    find_come_back(life);
    for (unsigned i = life->checked; i < life->next; i++) {
        bool lost = !bench_saw(&life->bench, i);

        assert_true(failed || lost == life->told[i].lost);
        life->told[i].lost = lost;
        life->told[i].end = log_durable(life->bench.log);
    }
    note_acknowledged(life);
}

/* A failed sync, a full disk, or one so full that even the part written cannot be taken back: then
 * the log ends with what it wrote still only in memory, as after a kill. */
static void break_something(struct life *life)
{
    unsigned skip = (unsigned)test_random_below(&life->random, 3);

    switch (test_random_below(&life->random, 6)) {
    case 0: crash_vfs_fail(life->crash, CRASH_FAIL_SYNC, skip, 0); break;
    case 1: crash_vfs_fail(life->crash, CRASH_FAIL_APPEND, 0, 70); break;
    case 2:
        crash_vfs_fail(life->crash, CRASH_FAIL_APPEND, skip, 70);
        crash_vfs_fail(life->crash, CRASH_FAIL_TRUNCATE, 0, 0);
        break;
    default: break;
    }
}

static void live(struct life *life, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        switch (test_random_below(&life->random, 8)) {
        case 0:
        case 1: log_sync(life->bench.log); break;
        case 2:
        case 3: (void)jobs_run(&life->bench.jobs); break;
        case 4: (void)jobs_deliver(&life->bench.jobs); break;
        case 5:
            if (life->faults)
                break_something(life);
            break;
        default: change_something(life);
        }
        if (log_has_failed(life->bench.log))
            open_again(life);
        note_acknowledged(life);
    }
}

static bool all_are(struct bytes bytes, uint8_t value)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.at[i] != value)
            return false;
    return true;
}

static void check_body(const struct log_bench *bench, unsigned index, const struct told *told)
{
    static uint8_t frame[RECORD_FRAME_BYTES];
    struct body_id body = { bench->seen[index] };
    struct log_source source;
    struct bytes chunk;
    uint64_t have = 0;

    assert_int_equal(log_source(bench->log, bench->bodies[index], body, 0, &source), ERR_OK);
    assert_int_equal(source.length, told->body_bytes);
    for (uint64_t i = 0; have < source.length; i++) {
        assert_int_equal(
            log_source_read(bench->log, &source, (struct log_chunk){ i, 0 }, frame, &chunk),
            ERR_OK);
        assert_true(all_are(chunk, (uint8_t)body.value));
        have += chunk.len;
    }
}

/* An epoch is asked for, or it was written by an earlier opening. */
static bool knows_of_loss(const struct log_bench *bench)
{
    if (bench->report.epoch_reasons != 0)
        return true;
    for (unsigned i = 0; i < bench->seen_count; i++) {
        if (bench->seen[i] >= EPOCH_NUMBER)
            return true;
    }
    return false;
}

/* Holds what an opening found against what was told until step `cut`. */
static void check(const struct life *life, const struct log_bench *bench, unsigned cut)
{
    uint64_t last = 0;

    assert_int_equal(bench->report.damaged, 0);
    for (unsigned i = 0; i < bench->seen_count; i++) {
        uint64_t number = bench->seen[i];

        if (number >= EPOCH_NUMBER)
            continue;
        assert_true(number > last);
        last = number;
        assert_true(number < life->next);
        assert_true(life->told[number].discarded_at > cut);
        if (life->told[number].body_bytes > 0)
            check_body(bench, i, &life->told[number]);
    }
    for (unsigned i = 1; i < life->next; i++) {
        if (life->told[i].answered_at <= cut && !bench_saw(bench, i) && !knows_of_loss(bench))
            fail_msg("cut %u: change %u was answered, is lost, and no epoch tells", cut, i);
        if (life->told[i].acked_at <= cut && !bench_saw(bench, i))
            fail_msg("cut %u: change %u was acknowledged at %u", cut, i, life->told[i].acked_at);
    }
}

/* Opens a disk, checks, kills, opens it again: the same, and nothing to be repaired. */
static void check_disk(const struct life *life, struct vfs *disk, unsigned cut, uint64_t seed)
{
    struct log_bench first, second;
    struct vfs *copy;
    unsigned epochs;

    bench_init(&first, disk);
    bench_start(&first, life->epoch);
    epochs = first.report.epoch_reasons != 0;
    check(life, &first, cut);
    jobs_settle(&first.jobs);
    copy = mem_vfs_copy(disk, seed);
    bench_init(&second, copy);
    second.options.compress = life->compresses;
    bench_start(&second, life->epoch + 1);
    check(life, &second, cut);
    assert_int_equal(second.report.epoch_reasons, 0);
    if (!first.report.created) /* where nothing was ever said nothing is written down either */
        assert_int_equal(second.report.tail_bytes, 0);
    assert_int_equal(second.seen_count, first.seen_count + epochs);
    assert_memory_equal(second.seen, first.seen, first.seen_count * sizeof(first.seen[0]));
    bench_close(&second);
    bench_close(&first);
    mem_vfs_free(copy);
}

static struct vfs *cut_here(struct crash_walk *walk, unsigned steps, uint64_t seed)
{
    struct crash_choice choice = crash_choice_random(seed);

    crash_walk_to(walk, steps);
    return crash_walk_draw(walk, &choice, seed);
}

/* The power goes again while the disk is being opened. */
static void cut_the_opening(const struct life *life, struct vfs *disk, unsigned cut, uint64_t seed)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_copy(disk, seed));
    struct crash_walk *walk;
    struct log_bench bench;

    bench_init(&bench, crash_vfs_get(crash));
    bench.options.compress = life->compresses;
    bench_start(&bench, life->epoch);
    log_close(bench.log, bench.options.now);
    walk = crash_walk_new(crash);
    for (unsigned steps = 0; steps <= crash_vfs_steps(crash); steps++) {
        struct vfs *again = cut_here(walk, steps, seed + steps);

        check_disk(life, again, cut, seed);
        mem_vfs_free(again);
    }
    crash_walk_free(walk);
    crash_vfs_free(crash);
}

static void live_and_cut(uint64_t seed, bool faults, bool compresses)
{
    struct life life = {
        .crash = crash_vfs_new(mem_vfs_new(seed)),
        .random = { seed },
        .next = 1,
        .checked = 1,
        .epoch = EPOCH_NUMBER,
        .faults = faults,
        .compresses = compresses,
    };
    struct crash_walk *walk;
    unsigned steps;

    bench_init(&life.bench, crash_vfs_get(life.crash));
    life.bench.options.segment_bytes = compresses ? 4000 : 14000;
    life.bench.options.compress = compresses;
    bench_start(&life.bench, life.epoch++);
    live(&life, 60);
    open_again(&life); /* a close that leaves the clean mark, unless a fault is on its way */
    live(&life, 40);
    crash_vfs_heal(life.crash);
    steps = crash_vfs_steps(life.crash);
    walk = crash_walk_new(life.crash);
    for (unsigned cut = 0; cut <= steps; cut++) {
        for (uint64_t turn = 0; turn < 3; turn++) {
            struct vfs *disk = cut_here(walk, cut, seed + cut * 16 + turn);

            if (turn == 2 && cut % 16 == seed % 16)
                cut_the_opening(&life, disk, cut, seed + turn);
            check_disk(&life, disk, cut, seed + turn);
            mem_vfs_free(disk);
        }
    }
    crash_walk_free(walk);
    bench_close(&life.bench);
    crash_vfs_free(life.crash);
}

/* The epoch that a copy asks for is on the disk before anything says that the copy is at home
 * there. */
static void copy_is_not_forgotten_before_its_epoch(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct crash_vfs *crash;
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, EPOCH_NUMBER);
    assert_int_equal(bench_change(&bench, 1, 10, true), ERR_OK);
    bench_close(&bench);
    mem_vfs_change_identity(disk, MEM_DIRECTORY);
    crash = crash_vfs_new(disk);
    bench_init(&bench, crash_vfs_get(crash));
    bench_start(&bench, EPOCH_NUMBER);
    for (unsigned cut = 0; cut <= crash_vfs_steps(crash); cut++) {
        for (uint64_t seed = 0; seed < 20; seed++) {
            struct vfs *again = crash_vfs_cut(crash, cut, seed);
            struct log_bench other;

            bench_init(&other, again);
            bench_start(&other, EPOCH_NUMBER + 1);
            assert_true(bench_saw(&other, EPOCH_NUMBER) ||
                        (other.report.epoch_reasons & EPOCH_COPIED) != 0);
            bench_close(&other);
            mem_vfs_free(again);
        }
    }
    bench_close(&bench);
    crash_vfs_free(crash);
}

/* A log that died without its last sync: who opens it again syncs before telling. */
static void opening_syncs_what_it_tells(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;

    bench_init(&bench, crash_vfs_get(crash));
    bench_start(&bench, EPOCH_NUMBER);
    assert_int_equal(bench_change(&bench, 1, 10, true), ERR_OK);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_int_equal(bench_change(&bench, 2, 10, true), ERR_OK);
    crash_vfs_fail(crash, CRASH_FAIL_APPEND, 0, 0);
    crash_vfs_fail(crash, CRASH_FAIL_TRUNCATE, 0, 0);
    assert_int_equal(bench_change(&bench, 3, 10, true), ERR_NO_SPACE);
    bench_close(&bench);
    bench_start(&bench, EPOCH_NUMBER);
    assert_true(bench_saw(&bench, 2));
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct vfs *again = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct log_bench other;

        bench_init(&other, again);
        bench_start(&other, EPOCH_NUMBER + 1);
        assert_true(bench_saw(&other, 2));
        bench_close(&other);
        mem_vfs_free(again);
    }
    bench_close(&bench);
    crash_vfs_free(crash);
}

/* The log's sync failed, and that of the entry that was to say so: it was cut off again, and yet it
 * may be on the disk. What the next owner acknowledges is not measured by it. */
static void entry_whose_sync_failed_is_forgotten(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;

    bench_init(&bench, crash_vfs_get(crash));
    bench_start(&bench, EPOCH_NUMBER);
    assert_int_equal(bench_change(&bench, 1, 10, true), ERR_OK);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_int_equal(bench_change(&bench, 2, 10, true), ERR_OK);
    crash_vfs_fail(crash, CRASH_FAIL_SYNC, 0, 0);
    crash_vfs_fail(crash, CRASH_FAIL_ANY, 2, 0); /* behind the write of the entry */
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    bench_close(&bench);
    assert_int_equal(crash_vfs_faults(crash), 2);
    bench_start(&bench, EPOCH_NUMBER);
    assert_int_equal(bench_change(&bench, 3, 10, true), ERR_OK);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct vfs *again = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct log_bench other;

        bench_init(&other, again);
        bench_start(&other, EPOCH_NUMBER + 1);
        assert_true(bench_saw(&other, 1) && bench_saw(&other, 3));
        bench_close(&other);
        mem_vfs_free(again);
    }
    bench_close(&bench);
    crash_vfs_free(crash);
}

/* The same, and the next owner only tells what there is. */
static void what_an_opening_tells_stays(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;

    bench_init(&bench, crash_vfs_get(crash));
    bench_start(&bench, EPOCH_NUMBER);
    assert_int_equal(bench_change(&bench, 1, 10, true), ERR_OK);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_int_equal(bench_change(&bench, 2, 10, true), ERR_OK);
    crash_vfs_fail(crash, CRASH_FAIL_SYNC, 0, 0);
    crash_vfs_fail(crash, CRASH_FAIL_ANY, 2, 0); /* behind the write of the entry */
    crash_vfs_fail(crash, CRASH_KILL, 4, 0); /* nor in the place of the one before */
    log_sync(bench.log);
    bench_close(&bench);
    crash_vfs_heal(crash);
    bench_start(&bench, EPOCH_NUMBER);
    assert_true(bench_saw(&bench, 2));
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct vfs *again = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct log_bench other;

        bench_init(&other, again);
        bench_start(&other, EPOCH_NUMBER + 1);
        assert_true(bench_saw(&other, 2));
        bench_close(&other);
        mem_vfs_free(again);
    }
    bench_close(&bench);
    crash_vfs_free(crash);
}

/* A sync failed, the power went, and nothing of what is to be set aside is there: the segment ends
 * where the lock file says. The process is killed beside the epoch; that is told later, and stays.
 */
static void epoch_of_a_failed_sync_stays(struct vfs *disk, unsigned skip)
{
    struct crash_vfs *crash = crash_vfs_new(disk);
    struct log_bench bench;
    enum err err;

    bench_init(&bench, crash_vfs_get(crash));
    crash_vfs_fail(crash, CRASH_KILL, skip, 0);
    err = bench_open(&bench);
    if (err == ERR_OK && bench_change(&bench, EPOCH_NUMBER, 0, true) == ERR_OK)
        (void)(log_settle(bench.log, &bench.why) == ERR_OK);
    if (err == ERR_OK)
        bench_close(&bench);
    crash_vfs_heal(crash);
    bench_start(&bench, EPOCH_NUMBER + 1);
    crash_vfs_fail(crash, CRASH_KILL, 0, 0);
    bench_close(&bench);
    crash_vfs_heal(crash);
    bench_start(&bench, EPOCH_NUMBER + 2);
    assert_true(bench_saw(&bench, EPOCH_NUMBER) || bench_saw(&bench, EPOCH_NUMBER + 1));
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct vfs *again = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct log_bench other;

        bench_init(&other, again);
        bench_start(&other, EPOCH_NUMBER + 3);
        assert_int_equal(other.report.damaged, 0);
        for (unsigned i = 0; i < bench.seen_count; i++)
            assert_true(bench_saw(&other, bench.seen[i]));
        bench_close(&other);
        mem_vfs_free(again);
    }
    bench_close(&bench);
    crash_vfs_free(crash);
}

static void epoch_is_not_set_aside(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;

    bench_init(&bench, crash_vfs_get(crash));
    bench_start(&bench, EPOCH_NUMBER);
    assert_int_equal(bench_change(&bench, 1, 10, true), ERR_OK);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_int_equal(bench_change(&bench, 2, 2000, true), ERR_OK);
    crash_vfs_fail(crash, CRASH_FAIL_SYNC, 0, 0);
    log_sync(bench.log);
    bench_close(&bench);
    for (uint64_t seed = 0; seed < 100; seed++)
        epoch_of_a_failed_sync_stays(crash_vfs_cut(crash, crash_vfs_steps(crash), seed),
                                     (unsigned)seed % 12);
    crash_vfs_free(crash);
}

/* Who made the account did not get as far as syncing its names: the next opening does. */
static void names_of_a_new_account_are_synced(void **state)
{
    for (enum crash_fault fault = CRASH_FAIL_ANY; fault <= CRASH_KILL; fault++) {
        for (unsigned skip = 0; skip < 6; skip++) {
            struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
            struct log_bench bench;
            enum err err;

            bench_init(&bench, crash_vfs_get(crash));
            crash_vfs_fail(crash, fault, skip, 0);
            err = bench_open(&bench);
            if (err == ERR_OK)
                bench_close(&bench);
            crash_vfs_heal(crash);
            bench_start(&bench, EPOCH_NUMBER);
            assert_int_equal(bench_change(&bench, 1, 10, true), ERR_OK);
            log_sync(bench.log);
            jobs_settle(&bench.jobs);
            for (uint64_t seed = 0; seed < 20; seed++) {
                struct vfs *again = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
                struct log_bench other;

                bench_init(&other, again);
                other.options.create = false;
                bench_start(&other, EPOCH_NUMBER + 1);
                assert_true(bench_saw(&other, 1));
                bench_close(&other);
                mem_vfs_free(again);
            }
            bench_close(&bench);
            crash_vfs_free(crash);
        }
    }
}

/* The sync of an opening fails, and marks clean what it did not write: the next opening takes
 * nothing back that was acknowledged, and brings all that it tells to the disk. */
static void failed_sync_of_an_opening_loses_nothing(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;

    bench_init(&bench, crash_vfs_get(crash));
    bench_start(&bench, EPOCH_NUMBER);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(bench_change(&bench, i, 1000, true), ERR_OK);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_true(log_durable(bench.log) >= log_gate(bench.log));
    assert_int_equal(bench_change(&bench, 4, 2000, false), ERR_OK);
    crash_vfs_fail(crash, CRASH_KILL, 0, 0);
    log_sync(bench.log);
    bench_close(&bench);
    crash_vfs_heal(crash);
    crash_vfs_fail(crash, CRASH_FAIL_SYNC, 0, 0);
    assert_int_equal(bench_open(&bench), ERR_IO);
    bench_start(&bench, EPOCH_NUMBER);
    for (uint64_t i = 1; i <= 4; i++)
        assert_true(bench_saw(&bench, i));
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct vfs *again = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct log_bench other;

        bench_init(&other, again);
        bench_start(&other, EPOCH_NUMBER + 1);
        for (uint64_t i = 1; i <= 4; i++)
            assert_true(bench_saw(&other, i));
        bench_close(&other);
        mem_vfs_free(again);
    }
    bench_close(&bench);
    crash_vfs_free(crash);
}

/* The first sync of a new log fails, and then the making of the segment in its place: nobody was
 * told of anything. What the opening after that takes up again it has brought to the disk. */
static void what_comes_back_stays(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;
    unsigned seen;

    bench_init(&bench, crash_vfs_get(crash));
    bench_start(&bench, EPOCH_NUMBER);
    assert_int_equal(bench_change(&bench, 1, 2000, true), ERR_OK);
    (void)jobs_run(&bench.jobs);
    (void)jobs_deliver(&bench.jobs);
    crash_vfs_fail(crash, CRASH_FAIL_SYNC, 0, 0);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_true(log_has_failed(bench.log));
    bench_close(&bench);
    bench_start(&bench, EPOCH_NUMBER);
    assert_false(bench_saw(&bench, 1));
    crash_vfs_fail(crash, CRASH_FAIL_SYNC, 1, 0); /* behind that of the lock file */
    assert_int_equal(bench_change(&bench, 2, 10, false), ERR_OK);
    assert_true(log_tip(bench.log) <= log_gate(bench.log)); /* it waits, so nobody is told */
    jobs_settle(&bench.jobs);
    assert_true(log_has_failed(bench.log));
    bench_close(&bench);
    assert_int_equal(crash_vfs_faults(crash), 2);
    bench_start(&bench, EPOCH_NUMBER);
    seen = bench.seen_count;
    assert_int_equal(seen, bench_saw(&bench, 1));
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct vfs *again = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct log_bench other;

        bench_init(&other, again);
        bench_start(&other, EPOCH_NUMBER + 1);
        assert_int_equal(bench_saw(&other, 1), seen);
        bench_close(&other);
        mem_vfs_free(again);
    }
    bench_close(&bench);
    crash_vfs_free(crash);
}

/* An account was opened and closed very often: the next entry but one of the lock file finds it
 * full. */
static struct vfs *disk_with_long_lock(void)
{
    enum { ENTRY_BYTES = 128, ENTRIES_MAX = 512 };
    struct vfs *disk = mem_vfs_new(1);
    struct buf lock = buf_make(ENTRIES_MAX * ENTRY_BYTES);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, EPOCH_NUMBER);
    assert_int_equal(bench_change(&bench, 1, 10, true), ERR_OK);
    bench_close(&bench);
    while (lock.len + mem_vfs_file(disk, "lock").len < (ENTRIES_MAX - 1) * ENTRY_BYTES)
        buf_add(&lock, bytes_slice(mem_vfs_file(disk, "lock"), 0, ENTRY_BYTES));
    buf_add(&lock, mem_vfs_file(disk, "lock"));
    mem_vfs_put(disk, "lock", buf_bytes(&lock));
    buf_done(&lock);
    return disk;
}

/* A sync fails, and the process ends while that is written down in a lock file that is full: what
 * the next owner tells is on the disk. */
static void failed_sync_is_known_beside_a_full_lock_file(void **state)
{
    for (unsigned skip = 1; skip < 7; skip++) {
        struct crash_vfs *crash = crash_vfs_new(disk_with_long_lock());
        struct log_bench bench;
        bool seen;

        bench_init(&bench, crash_vfs_get(crash));
        bench_start(&bench, EPOCH_NUMBER);
        assert_int_equal(bench_change(&bench, 2, 10, true), ERR_OK);
        log_sync(bench.log);
        jobs_settle(&bench.jobs);
        assert_int_equal(bench_change(&bench, 3, 2000, false), ERR_OK);
        crash_vfs_fail(crash, CRASH_FAIL_SYNC, 0, 0);
        crash_vfs_fail(crash, CRASH_KILL, skip, 50);
        log_sync(bench.log);
        bench_close(&bench);
        crash_vfs_heal(crash);
        bench_start(&bench, EPOCH_NUMBER);
        seen = bench_saw(&bench, 3);
        for (uint64_t seed = 0; seed < 40; seed++) {
            struct vfs *again = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
            struct log_bench other;

            bench_init(&other, again);
            bench_start(&other, EPOCH_NUMBER + 1);
            assert_int_equal(other.report.damaged, 0);
            assert_true(bench_saw(&other, 2));
            assert_int_equal(bench_saw(&other, 3), seen);
            bench_close(&other);
            mem_vfs_free(again);
        }
        bench_close(&bench);
        crash_vfs_free(crash);
    }
}

/* Those that once found something are among them. */
static const uint64_t usual_seeds[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,   10,  11,  12,  13,
                                        14, 15, 16, 17, 18, 19, 20, 75, 133, 153, 626, 1022 };

/* Two lives of each seed from `first` on, packed or not, the second one or both with faults. */
static void play(uint64_t first, bool faults, bool compresses)
{
    const char *text = getenv("ROOST_TEST_SEED");
    uint64_t given = 0;
    size_t count = ARRAY_COUNT(usual_seeds);

    if (text != NULL && !num_parse(bytes_from_string(text), UINT64_MAX, &given))
        fail_msg("ROOST_TEST_SEED is no number");
    if (text != NULL)
        count = 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t seed = text != NULL ? given : usual_seeds[i];

        print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)seed);
        live_and_cut(seed * 1000 + first, faults && !compresses, compresses);
        live_and_cut(seed * 1000 + first + 1, faults, compresses);
    }
}

static void power_goes_at_any_step(void **state)
{
    play(0, false, false);
}

static void power_goes_after_failed_syncs(void **state)
{
    play(500, true, false);
}

static void power_goes_with_packed_bodies(void **state)
{
    play(700, true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_syncs_what_it_tells),
        cmocka_unit_test(entry_whose_sync_failed_is_forgotten),
        cmocka_unit_test(what_an_opening_tells_stays),
        cmocka_unit_test(epoch_is_not_set_aside),
        cmocka_unit_test(names_of_a_new_account_are_synced),
        cmocka_unit_test(failed_sync_of_an_opening_loses_nothing),
        cmocka_unit_test(what_comes_back_stays),
        cmocka_unit_test(failed_sync_is_known_beside_a_full_lock_file),
        cmocka_unit_test(copy_is_not_forgotten_before_its_epoch),
        cmocka_unit_test(power_goes_at_any_step),
        cmocka_unit_test(power_goes_after_failed_syncs),
        cmocka_unit_test(power_goes_with_packed_bodies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
