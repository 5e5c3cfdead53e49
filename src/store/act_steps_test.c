/* Acts that go on: nobody is told of half of one, and it ends whole or not at all, whoever leaves,
 * stops or fails in the middle of it. */
#include "store/act_steps.h"

#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/crash_vfs.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/state_dump.h"
#include "store/account_state.h"
#include "store/acting.h"
#include "store/log_private.h"
#include "store/log_write.h"

enum { MESSAGES = 40, STEPS_MAX = 1000, APPENDED = 12, LARGE_BYTES = 70000 };

struct scene {
    struct desk desk;
    struct crash_vfs *crash;
    struct uid_range some; /* every message but the first and the last */
    struct act *act;
    uint32_t count; /* what the act answers */
    struct append_item items[APPENDED];
    struct uid first;
    unsigned changes; /* that the listener heard of */
    struct account_listener listener;
};

static void on_durable(struct account_listener *listener)
{
    (void)listener;
}

static void on_changed(struct account_listener *listener, struct mailbox *mailbox)
{
    (void)mailbox;
    CONTAINER_OF(listener, struct scene, listener)->changes++;
}

static void on_failed(struct account_listener *listener, const struct note *why)
{
    (void)listener;
    (void)why;
}

static void begin(struct scene *scene)
{
    struct mailbox *inbox;

    *scene = (struct scene){ .some = { 2, MESSAGES - 1 },
                             .count = 99,
                             .listener = { on_durable, on_changed, on_failed } };
    scene->crash = crash_vfs_new(mem_vfs_new(1));
    desk_init(&scene->desk, crash_vfs_get(scene->crash));
    scene->desk.options.step_cost = 1;
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
    inbox = desk_mailbox(&scene->desk, "INBOX");
    for (uint32_t i = 0; i < MESSAGES; i++)
        assert_int_equal(
            desk_append(&scene->desk, inbox, BYTES("Subject: x\r\n\r\nbody\r\n"), 0, NULL), ERR_OK);
    desk_sync(&scene->desk);
    account_set_listener(scene->desk.account, &scene->listener);
}

static void end(struct scene *scene)
{
    desk_close(&scene->desk);
    crash_vfs_free(scene->crash);
}

/* EXPUNGE of all but two, as far as its first step. */
static void start(struct scene *scene)
{
    struct origin origin = desk_origin(&scene->desk);
    struct uid_set set = { &scene->some, 1 };

    assert_int_equal(
        act_expunge(desk_mailbox(&scene->desk, "INBOX"), &origin, set, false, &scene->count),
        ERR_BUSY);
    scene->act = act_take(scene->desk.account);
    assert_true(account_is_acting(scene->desk.account));
}

static bool is_written(const struct scene *scene)
{
    return log_tip(scene->desk.account->log) > account_durable(scene->desk.account);
}

/* To the step that has written it, and some of it is applied. */
static void go_on_behind_the_write(struct scene *scene)
{
    for (int i = 0; i < STEPS_MAX && !is_written(scene); i++)
        assert_true(account_step(scene->desk.account));
    assert_true(is_written(scene));
    for (int i = 0; i < MESSAGES / 2; i++)
        assert_true(account_step(scene->desk.account));
    assert_int_equal(scene->changes, 0);
}

static uint32_t messages(struct desk *desk)
{
    struct mailbox_counts counts;

    mailbox_counts(desk_mailbox(desk, "INBOX"), &counts);
    return counts.messages;
}

static uint64_t log_bytes(const struct scene *scene)
{
    return mem_vfs_file(crash_vfs_cache(scene->crash), "log/0000000000000004.log").len;
}

struct bell {
    struct waker waker;
    unsigned rings;
};

static void ring(struct waker *waker)
{
    CONTAINER_OF(waker, struct bell, waker)->rings++;
}

static void test_the_answer_comes_at_the_end(void **context)
{
    struct bell waiting = { .waker = { ring } };
    struct bell gone = { .waker = { ring } };
    struct scene scene;
    unsigned steps = 1;

    (void)context;
    begin(&scene);
    start(&scene);
    account_wait(scene.desk.account, &waiting.waker);
    account_wait(scene.desk.account, &waiting.waker);
    account_wait(scene.desk.account, &gone.waker);
    account_wait_forget(scene.desk.account, &gone.waker);
    for (; account_step(scene.desk.account); steps++) {
        assert_int_equal(act_end(scene.act), ERR_BUSY);
        assert_int_equal(scene.count, 99);
        assert_int_equal(waiting.rings, 0);
        assert_int_equal(scene.changes, 0);
    }
    assert_true(steps > 2 * (MESSAGES - 2)); /* a message is a step, planned and applied */
    assert_false(account_is_acting(scene.desk.account));
    assert_int_equal(act_end(scene.act), ERR_OK);
    assert_int_equal(scene.count, MESSAGES - 2);
    assert_int_equal(waiting.rings, 1);
    assert_int_equal(gone.rings, 0);
    assert_int_equal(scene.changes, 1);
    assert_int_equal(messages(&scene.desk), 2);
    end(&scene);
}

/* Housekeeping takes it along, and does nothing else meanwhile: no checkpoint is of half of it. */
static void test_a_tick_is_a_step(void **context)
{
    struct scene scene;

    (void)context;
    begin(&scene);
    start(&scene);
    scene.desk.account->checkpoint_due = true;
    for (int i = 0; i < STEPS_MAX && account_is_acting(scene.desk.account); i++) {
        struct mono again = desk_tick(&scene.desk);

        assert_true(again.ms <= scene.desk.mono.ms);
        assert_true(!account_is_acting(scene.desk.account) ||
                    !checkpoint_is_running(scene.desk.account->checkpoint));
        account_sync(scene.desk.account);
        jobs_settle(&scene.desk.jobs);
        account_trim(scene.desk.account);
    }
    assert_int_equal(act_end(scene.act), ERR_OK);
    assert_int_equal(messages(&scene.desk), 2);
    end(&scene);
}

static void test_given_up_before_it_is_written(void **context)
{
    struct bell bell = { .waker = { ring } };
    struct scene scene;
    uint64_t tip;

    (void)context;
    begin(&scene);
    tip = log_tip(scene.desk.account->log);
    start(&scene);
    account_wait(scene.desk.account, &bell.waker);
    assert_true(account_step(scene.desk.account));
    act_abandon(scene.act);
    assert_int_equal(bell.rings, 1);
    assert_false(account_is_acting(scene.desk.account));
    assert_false(account_step(scene.desk.account));
    assert_int_equal(log_tip(scene.desk.account->log), tip);
    assert_int_equal(messages(&scene.desk), MESSAGES);
    start(&scene);
    assert_int_equal(desk_finish(&scene.desk, ERR_BUSY), ERR_OK);
    assert_int_equal(messages(&scene.desk), 2);
    end(&scene);
}

static void test_given_up_when_it_is_written(void **context)
{
    struct bell bell = { .waker = { ring } };
    struct scene scene;

    (void)context;
    begin(&scene);
    start(&scene);
    go_on_behind_the_write(&scene);
    account_wait(scene.desk.account, &bell.waker);
    act_abandon(scene.act);
    assert_true(account_is_acting(scene.desk.account));
    while (account_step(scene.desk.account))
        assert_int_equal(bell.rings, 0);
    assert_int_equal(bell.rings, 1);
    assert_int_equal(scene.count, 99); /* nobody is there to be told */
    assert_int_equal(scene.changes, 1);
    assert_int_equal(messages(&scene.desk), 2);
    end(&scene);
}

/* The server stops in order: the checkpoint has all of it. */
static void test_closed_in_the_middle(void **context)
{
    struct scene scene;

    (void)context;
    begin(&scene);
    start(&scene);
    go_on_behind_the_write(&scene);
    act_abandon(scene.act);
    jobs_settle(&scene.desk.jobs);
    account_close(scene.desk.account, scene.desk.now);
    assert_int_equal(desk_open(&scene.desk), ERR_OK);
    assert_int_equal(scene.desk.report.records_replayed, 0);
    assert_false(scene.desk.report.unclean);
    assert_int_equal(messages(&scene.desk), 2);
    end(&scene);
}

/* The disk fails under it: nobody sees what was begun, and the next opening knows nothing of it. */
static void test_failed_in_the_middle(void **context)
{
    struct scene scene;

    (void)context;
    begin(&scene);
    start(&scene);
    go_on_behind_the_write(&scene);
    crash_vfs_fail(scene.crash, CRASH_FAIL_SYNC, 0, 0);
    account_sync(scene.desk.account);
    jobs_settle(&scene.desk.jobs);
    assert_true(account_has_failed(scene.desk.account));
    assert_false(account_step(scene.desk.account));
    assert_true(account_is_acting(scene.desk.account));
    assert_int_equal(act_end(scene.act), ERR_CLOSED);
    account_close(scene.desk.account, scene.desk.now);
    assert_int_equal(desk_open(&scene.desk), ERR_OK);
    assert_int_equal(messages(&scene.desk), MESSAGES);
    end(&scene);
}

static void test_a_full_disk(void **context)
{
    struct scene scene;

    (void)context;
    begin(&scene);
    crash_vfs_fail(scene.crash, CRASH_FAIL_APPEND, 0, 5);
    start(&scene);
    assert_int_equal(desk_finish(&scene.desk, ERR_BUSY), ERR_NO_SPACE);
    assert_int_equal(scene.count, 99);
    assert_int_equal(messages(&scene.desk), MESSAGES);
    end(&scene);
}

/* There are as many messages as before, or as many as at the end. */
static void check_cut(const struct scene *scene, uint32_t count, bool is_durable, uint64_t seed)
{
    struct vfs *disk = crash_vfs_cut(scene->crash, crash_vfs_steps(scene->crash), seed);
    struct desk desk;
    uint32_t left;

    desk_init(&desk, disk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    left = messages(&desk);
    assert_true(left == count || (left == MESSAGES && !is_durable));
    desk_close(&desk);
    mem_vfs_free(disk);
}

/* The power goes between any two steps. */
static void test_cut_in_the_middle(void **context)
{
    struct scene scene;
    bool is_durable = false;

    (void)context;
    begin(&scene);
    start(&scene);
    for (unsigned i = 0; account_step(scene.desk.account); i++) {
        if (is_written(&scene) && i % 8 == 0) {
            account_sync(scene.desk.account);
            jobs_settle(&scene.desk.jobs);
            is_durable = true;
        }
        check_cut(&scene, 2, is_durable, i);
    }
    assert_true(is_durable);
    assert_int_equal(act_end(scene.act), ERR_OK);
    end(&scene);
}

/* MULTIAPPEND: bodies, then their messages, then the record, a piece a step. */

static bool is_large(uint32_t item)
{
    return item == APPENDED / 2;
}

/* The text of an item; the caller frees it. */
static struct buf text_of(uint32_t item)
{
    struct buf text = buf_make(LARGE_BYTES + 100);

    buf_add_format(&text, "Message-ID: <%u@x>\r\n\r\n", item);
    for (uint32_t i = 0; is_large(item) && i < LARGE_BYTES; i++)
        buf_add_byte(&text, i % 70 == 69 ? '\n' : 'x');
    return text;
}

/* As far as its first step. */
static void start_append(struct scene *scene)
{
    static const struct bytes keyword = { (const uint8_t *)"word", 4 };
    struct origin origin = desk_origin(&scene->desk);

    memset(scene->items, 0, sizeof(scene->items));
    for (uint32_t i = 0; i < APPENDED; i++) {
        struct buf text = text_of(i);

        assert_int_equal(desk_body(&scene->desk, buf_bytes(&text), &scene->items[i].body), ERR_OK);
        scene->items[i].flags = (struct flag_names){ FLAG_SEEN, &keyword, i % 2 };
        buf_done(&text);
    }
    desk_sync(&scene->desk);
    assert_int_equal(act_append(desk_mailbox(&scene->desk, "INBOX"), &origin, scene->items,
                                APPENDED, &scene->first),
                     ERR_BUSY);
    scene->act = act_take(scene->desk.account);
}

/* Two bodies in segments of their own: nothing goes to the log before the record. */
static void start_large_append(struct scene *scene)
{
    struct origin origin = desk_origin(&scene->desk);
    struct buf text = text_of(APPENDED / 2);

    memset(scene->items, 0, sizeof(scene->items));
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(desk_body(&scene->desk, buf_bytes(&text), &scene->items[i].body), ERR_OK);
    assert_int_equal(
        act_append(desk_mailbox(&scene->desk, "INBOX"), &origin, scene->items, 2, &scene->first),
        ERR_BUSY);
    scene->act = act_take(scene->desk.account);
    buf_done(&text);
}

/* What the end of the write asks for is done without a job, for which nobody would wait. */
static void check_closed_while_it_is_written(struct scene *scene, uint32_t count)
{
    for (int i = 0; i < STEPS_MAX && scene->act->phase == ACT_PLANNING; i++)
        assert_true(account_step(scene->desk.account));
    assert_int_equal(scene->act->phase, ACT_WRITING);
    act_abandon(scene->act);
    jobs_settle(&scene->desk.jobs);
    account_close(scene->desk.account, scene->desk.now);
    assert_false(jobs_run(&scene->desk.jobs));
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
    assert_false(scene->desk.report.unclean);
    assert_int_equal(messages(&scene->desk), count);
    end(scene);
}

/* The segment is full behind it. */
static void test_closed_while_it_fills_a_segment(void **context)
{
    struct scene scene;

    (void)context;
    begin(&scene);
    scene.desk.account->log->segment_bytes = log_bytes(&scene) + 1;
    start(&scene);
    check_closed_while_it_is_written(&scene, 2);
}

/* The account was opened a moment ago: nothing may be written yet. */
static void test_closed_while_the_log_is_barred(void **context)
{
    struct scene scene;

    (void)context;
    begin(&scene);
    desk_close(&scene.desk);
    assert_int_equal(desk_open(&scene.desk), ERR_OK);
    start_large_append(&scene);
    assert_true(log_is_barred(scene.desk.account->log));
    check_closed_while_it_is_written(&scene, MESSAGES + 2);
}

/* All that were appended are there, every byte. */
static void check_appended(struct desk *desk)
{
    struct view *view = view_open(desk_mailbox(desk, "INBOX"));
    struct buf read = buf_make(LARGE_BYTES + 100);

    assert_int_equal(view_count(view), MESSAGES + APPENDED);
    for (uint32_t i = 0; i < APPENDED; i++) {
        struct buf text = text_of(i);
        struct row row;

        view_row(view, (struct seqno){ MESSAGES + i + 1 }, &row);
        assert_int_equal(row.uid.value, MESSAGES + i + 1);
        assert_int_equal(row.flags, FLAG_SEEN);
        assert_int_equal(keyword_set_has(&row.keywords, 0), i % 2);
        assert_int_equal(desk_read(desk, row.body, &read), ERR_OK);
        ASSERT_BYTES(buf_bytes(&read), buf_bytes(&text));
        buf_done(&text);
    }
    buf_done(&read);
    view_close(view);
}

/* A step writes one small body, or one piece of the record, and nobody sees a message before the
 * last one. */
static void test_an_append_comes_in_pieces(void **context)
{
    enum { STEP_BYTES = 128 };
    struct scene scene;
    uint64_t bytes;
    unsigned planned = 1;
    unsigned steps = 1;

    (void)context;
    begin(&scene);
    bytes = log_bytes(&scene);
    start_append(&scene);
    assert_in_range(log_bytes(&scene) - bytes, 1, STEP_BYTES);
    bytes = log_bytes(&scene);
    for (; account_step(scene.desk.account); steps++) {
        planned += scene.act->phase == ACT_PLANNING;
        assert_in_range(log_bytes(&scene) - bytes, 0, STEP_BYTES);
        bytes = log_bytes(&scene);
        assert_int_equal(scene.changes, 0);
        check_cut(&scene, MESSAGES + APPENDED, false, steps);
    }
    assert_true(planned >= 2 * APPENDED - 1); /* a body is a step, and so is a message */
    assert_true(steps > planned + APPENDED + APPENDED * 30 / LOG_PIECE_BYTES_MIN);
    assert_int_equal(act_end(scene.act), ERR_OK);
    assert_int_equal(scene.first.value, MESSAGES + 1);
    assert_int_equal(scene.changes, 1);
    check_appended(&scene.desk);
    desk_sync(&scene.desk);
    check_cut(&scene, MESSAGES + APPENDED, true, 1);
    end(&scene);
}

static void count_name(void *context, struct bytes name)
{
    (void)name;
    ++*(unsigned *)context;
}

static unsigned segments(const struct scene *scene)
{
    struct vfs *disk = crash_vfs_cache(scene->crash);
    unsigned count = 0;

    assert_int_equal(disk->list(disk, "log", count_name, &count), ERR_OK);
    return count;
}

/* Who asked for it goes after so many steps, or the account is closed: it is there or it is not,
 * and a body that the record names stays. */
static void test_an_append_is_given_up(void **context)
{
    bool is_over = false;
    unsigned kept = 0;

    (void)context;
    for (unsigned steps = 0; !is_over; steps++) {
        struct scene scene;
        bool is_kept;

        begin(&scene);
        start_append(&scene);
        for (unsigned i = 0; i < steps; i++)
            (void)account_step(scene.desk.account);
        is_over = !account_is_acting(scene.desk.account);
        act_abandon(scene.act);
        is_kept = is_over || account_is_acting(scene.desk.account);
        kept += is_kept;
        if (steps % 2 == 0) {
            jobs_settle(&scene.desk.jobs);
            account_close(scene.desk.account, scene.desk.now);
            assert_int_equal(desk_open(&scene.desk), ERR_OK);
            assert_false(scene.desk.report.unclean);
        } else {
            desk_settle(&scene.desk);
        }
        if (is_kept)
            check_appended(&scene.desk);
        else
            assert_int_equal(messages(&scene.desk), MESSAGES);
        assert_int_equal(segments(&scene), is_kept ? 2 : 1); /* the large body has its own */
        end(&scene);
        assert_true(steps < STEPS_MAX);
    }
    assert_true(kept > APPENDED);
}

/* Each write fails in turn. */
static void test_an_append_on_a_full_disk(void **context)
{
    bool is_through = false;

    (void)context;
    for (unsigned skip = 0; !is_through; skip++) {
        struct scene scene;

        begin(&scene);
        start_append(&scene);
        crash_vfs_fail(scene.crash, CRASH_FAIL_APPEND, skip, 5);
        while (account_step(scene.desk.account))
            continue;
        is_through = crash_vfs_faults(scene.crash) == 0;
        assert_int_equal(act_end(scene.act), is_through ? ERR_OK : ERR_NO_SPACE);
        crash_vfs_heal(scene.crash);
        if (is_through)
            check_appended(&scene.desk);
        else
            assert_int_equal(messages(&scene.desk), MESSAGES);
        assert_false(account_has_failed(scene.desk.account));
        end(&scene);
        assert_true(skip < STEPS_MAX);
    }
}

/* The account fails when the record is on the disk already: what it names is not removed. */
static void test_an_append_fails_behind_its_write(void **context)
{
    struct scene scene;

    (void)context;
    begin(&scene);
    start_append(&scene);
    while (scene.act->phase != ACT_APPLYING)
        assert_true(account_step(scene.desk.account));
    account_sync(scene.desk.account);
    jobs_settle(&scene.desk.jobs);
    scene.desk.account->failed = true;
    assert_int_equal(act_end(scene.act), ERR_CLOSED);
    account_close(scene.desk.account, scene.desk.now);
    assert_int_equal(desk_open(&scene.desk), ERR_OK);
    check_appended(&scene.desk);
    end(&scene);
}

/* All kinds of acts, on an account that takes a step for everything and on one that takes one. */

static void run_acts(struct desk *desk)
{
    static const struct uid_range part[] = { { 1, 4 }, { 6, 6 }, { 9, 30 } };
    struct uid_set set = { part, ARRAY_COUNT(part) };
    struct uid_range rest = { 20, MESSAGES };
    struct desk_store store = { { 3, 17 }, FLAGS_ADD, FLAG_DELETED, BYTES("word") };
    struct arena arena = arena_make(1 << 20);
    struct copy_act copy = { .uids = set };
    struct mailbox *inbox = desk_mailbox(desk, "INBOX");
    struct copy_result copied;
    struct origin origin;
    uint32_t count;

    for (uint32_t i = 0; i < MESSAGES; i++)
        assert_int_equal(desk_append(desk, inbox, BYTES("Subject: y\r\n\r\nx\r\n"), 0, NULL),
                         ERR_OK);
    assert_int_equal(desk_flags(desk, inbox, store, NULL), ERR_OK);
    origin = desk_origin(desk);
    copy.to = desk_mailbox(desk, "Archive");
    assert_int_equal(desk_finish(desk, act_copy(inbox, &origin, &copy, &arena, &copied)), ERR_OK);
    assert_int_equal(copied.copied.count, 3);
    assert_int_equal(desk_finish(desk, act_expunge(inbox, &origin, set, true, &count)), ERR_OK);
    assert_int_equal(count, 2 + 1 + 9);
    copy = (struct copy_act){ desk_mailbox(desk, "Trash"), { &rest, 1 }, true };
    assert_int_equal(desk_finish(desk, act_copy(inbox, &origin, &copy, &arena, &copied)), ERR_OK);
    assert_int_equal(
        desk_finish(desk, act_mailbox_rename(desk->account, &origin, inbox, BYTES("a/b/old"))),
        ERR_OK);
    assert_int_equal(
        desk_finish(desk, act_mailbox_rename(desk->account, &origin, desk_mailbox(desk, "a"),
                                             BYTES("new/place"))),
        ERR_OK);
    assert_int_equal(desk_finish(desk, act_mailbox_delete(desk->account, &origin,
                                                          desk_mailbox(desk, "Archive"))),
                     ERR_OK);
    arena_done(&arena);
}

static void dump_after_acts(uint32_t step_cost, struct buf *out)
{
    struct desk desk;

    desk_init(&desk, mem_vfs_new(1));
    desk.options.step_cost = step_cost;
    assert_int_equal(desk_open(&desk), ERR_OK);
    run_acts(&desk);
    state_dump(&desk.account->state, out);
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

static void test_steps_change_nothing(void **context)
{
    struct buf whole = buf_make(1 << 24);
    struct buf stepped = buf_make(1 << 24);

    (void)context;
    dump_after_acts(UINT32_MAX, &whole);
    dump_after_acts(1, &stepped);
    ASSERT_BYTES(buf_bytes(&stepped), buf_bytes(&whole));
    buf_done(&whole);
    buf_done(&stepped);
}

/* Few messages in each of many blocks: what a block costs is not much less for being for few. */

enum { BLOCKS = 16, SPARSE_COST = 4096, SPARSE_STEPS_MIN = 4 };

static unsigned steps_of(struct desk *desk, enum err err)
{
    struct act *act = err == ERR_BUSY ? act_take(desk->account) : NULL;
    unsigned steps = 1;

    while (account_step(desk->account))
        steps++;
    assert_int_equal(act == NULL ? err : act_end(act), ERR_OK);
    return steps;
}

static void fill_blocks(struct desk *desk, struct mailbox *inbox)
{
    struct uid_range all = { 1, UINT32_MAX };
    struct copy_act copy = { .to = inbox, .uids = { &all, 1 } };
    struct origin origin = desk_origin(desk);
    struct arena arena = arena_make(1 << 26);
    struct copy_result copied;

    assert_int_equal(desk_append(desk, inbox, BYTES("Subject: z\r\n\r\nx\r\n"), 0, NULL), ERR_OK);
    while (inbox->rows.count < BLOCKS * BLOCK_ROWS)
        assert_int_equal(desk_finish(desk, act_copy(inbox, &origin, &copy, &arena, &copied)),
                         ERR_OK);
    arena_done(&arena);
}

static void test_few_of_many_blocks_take_many_steps(void **context)
{
    struct uid_range ranges[BLOCKS];
    struct uid_set set = { ranges, BLOCKS };
    struct flag_act flags = { set, FLAGS_ADD, { .flags = FLAG_SEEN }, UINT64_MAX };
    struct copy_act copy = { .uids = set };
    struct arena arena = arena_make(1 << 20);
    struct flag_result result;
    struct copy_result copied;
    struct mailbox *inbox;
    struct origin origin;
    struct desk desk;
    uint32_t count;

    (void)context;
    desk_init(&desk, mem_vfs_new(1));
    desk.options.step_cost = SPARSE_COST;
    assert_int_equal(desk_open(&desk), ERR_OK);
    inbox = desk_mailbox(&desk, "INBOX");
    copy.to = desk_mailbox(&desk, "Trash");
    fill_blocks(&desk, inbox);
    for (uint32_t i = 0; i < BLOCKS; i++)
        ranges[i] = (struct uid_range){ i * BLOCK_ROWS + 9, i * BLOCK_ROWS + 9 };
    origin = desk_origin(&desk);
    assert_true(steps_of(&desk, act_flags(inbox, &origin, &flags, &arena, &result)) >=
                SPARSE_STEPS_MIN);
    assert_true(steps_of(&desk, act_copy(inbox, &origin, &copy, &arena, &copied)) >=
                SPARSE_STEPS_MIN);
    assert_true(steps_of(&desk, act_expunge(inbox, &origin, set, false, &count)) >=
                SPARSE_STEPS_MIN);
    assert_int_equal(count, BLOCKS);
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_answer_comes_at_the_end),
        cmocka_unit_test(test_a_tick_is_a_step),
        cmocka_unit_test(test_given_up_before_it_is_written),
        cmocka_unit_test(test_given_up_when_it_is_written),
        cmocka_unit_test(test_closed_in_the_middle),
        cmocka_unit_test(test_closed_while_it_fills_a_segment),
        cmocka_unit_test(test_closed_while_the_log_is_barred),
        cmocka_unit_test(test_failed_in_the_middle),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_cut_in_the_middle),
        cmocka_unit_test(test_an_append_comes_in_pieces),
        cmocka_unit_test(test_an_append_is_given_up),
        cmocka_unit_test(test_an_append_on_a_full_disk),
        cmocka_unit_test(test_an_append_fails_behind_its_write),
        cmocka_unit_test(test_steps_change_nothing),
        cmocka_unit_test(test_few_of_many_blocks_take_many_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
