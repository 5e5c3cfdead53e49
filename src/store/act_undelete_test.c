/* What went comes back, once, where it was; and nothing else changes. */
#include "store/act_undelete.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crc.h"
#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/random.h"
#include "kit/state_dump.h"
#include "store/account_compact.h"
#include "store/account_state.h"
#include "store/log_base.h"
#include "store/lost.h"
#include "store/lost_find.h"

enum {
    ROWS_MAX = 4000,
    NAME_MAX_BYTES = 40,
    WANTED_MAX = 200,
    IDS_MAX = 1000,
    REST_BYTES = 128,
    DUMP_BYTES_MAX = 1 << 24
};

struct seen_row {
    uint32_t mailbox;
    uint32_t uid;
    uint64_t body;
    int64_t lost_at; /* wall time; of lost ones only */
    char rest[REST_BYTES]; /* flags, keywords, dates, thread */
};

struct seen {
    struct seen_row rows[ROWS_MAX];
    size_t count;
};

struct scene {
    struct desk desk;
    struct test_random random;
    struct seen now;
    struct seen before;
    struct seen lost; /* by the observer's reckoning */
    char wanted[WANTED_MAX][NAME_MAX_BYTES]; /* deleted mailboxes that nobody made again */
    size_t wanted_count;
    char last_name[IDS_MAX][NAME_MAX_BYTES]; /* of each mailbox */
    uint32_t texts;
};

static void describe_rest(const struct mailbox *mailbox, const struct row *row,
                          char rest[REST_BYTES])
{
    struct buf text = buf_make(REST_BYTES - 1);
    uint64_t keywords = 0;

    buf_add_format(&text, "flags %u date %" PRId64 " %d saved %" PRId64 " size %" PRIu64,
                   row->flags, row->internal_date.seconds, row->internal_date.zone, row->save_date,
                   row->size);
    buf_add_format(&text, " thread %" PRIu64, row->thread.value);
    for (uint32_t i = 0; i < mailbox->keywords.count; i++)
        if (keyword_set_has(&row->keywords, i))
            keywords += crc32c(0, mailbox->keywords.names[i]); /* in any order */
    buf_add_format(&text, " keywords %" PRIu64, keywords);
    memset(rest, 0, REST_BYTES);
    memcpy(rest, text.at, text.len);
    buf_done(&text);
}

static void look(struct scene *scene)
{
    const struct state *state = &scene->desk.account->state;
    const struct uid_range all = { 1, UINT32_MAX };

    scene->before = scene->now;
    scene->now.count = 0;
    for (size_t i = 0; i < state->mailbox_count; i++) {
        const struct mailbox *mailbox = state->by_id[i];
        struct rows_walk walk = rows_walk_make(&mailbox->rows, (struct uid_set){ &all, 1 });
        char *name = scene->last_name[mailbox->id.value];
        struct row row;

        assert_true(mailbox->id.value < IDS_MAX);
        memset(name, 0, NAME_MAX_BYTES);
        memcpy(name, mailbox->name, mailbox->name_len);
        while (rows_walk_next(&walk, &row)) {
            struct seen_row *mine = &scene->now.rows[scene->now.count++];

            assert_true(scene->now.count < ROWS_MAX);
            memset(mine, 0, sizeof(*mine));
            mine->mailbox = mailbox->id.value;
            mine->uid = row.uid.value;
            mine->body = row.body.value;
            describe_rest(mailbox, &row, mine->rest);
        }
    }
}

static const struct seen_row *find(const struct seen *seen, const struct seen_row *row)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->rows[i].mailbox == row->mailbox && seen->rows[i].uid == row->uid)
            return &seen->rows[i];
    return NULL;
}

static unsigned references(const struct seen *seen, uint64_t body)
{
    unsigned count = 0;

    for (size_t i = 0; i < seen->count; i++)
        count += seen->rows[i].body == body;
    return count;
}

/* Rows that are gone while as many others of the body came were moved; the rest is lost. */
static void reckon(struct scene *scene)
{
    for (size_t i = 0; i < scene->before.count; i++) {
        const struct seen_row *row = &scene->before.rows[i];

        if (find(&scene->now, row) == NULL &&
            references(&scene->now, row->body) < references(&scene->before, row->body)) {
            scene->lost.rows[scene->lost.count] = *row;
            scene->lost.rows[scene->lost.count++].lost_at = scene->desk.now.us;
        }
        assert_true(scene->lost.count < ROWS_MAX);
    }
}

static const char *const names[] = { "INBOX", "Sent", "a", "a/b", "a/b/c", "d", "d/e" };
static const char *const keyword_names[] = { "", "red", "Green", "$Forwarded" };

static uint32_t below(struct scene *scene, uint32_t limit)
{
    return (uint32_t)test_random_below(&scene->random, limit);
}

static const char *any_name(struct scene *scene)
{
    return names[below(scene, ARRAY_COUNT(names))];
}

static struct mailbox *any_mailbox(struct scene *scene)
{
    struct mailbox *mailbox = NULL;

    while (mailbox == NULL)
        mailbox = desk_mailbox(&scene->desk, any_name(scene));
    return mailbox;
}

static struct uid_range any_range(struct scene *scene, const struct mailbox *mailbox)
{
    uint32_t first = 1 + below(scene, mailbox->uidnext);

    return (struct uid_range){ first, first + below(scene, 5) };
}

static void do_append(struct scene *scene)
{
    struct mailbox *mailbox = any_mailbox(scene);

    for (unsigned i = 1 + below(scene, 3); i > 0; i--) {
        char text[80];
        struct uid uid;
        int len =
            snprintf(text, sizeof(text), "Message-ID: <%u@x>\r\nIn-Reply-To: <%u@x>\r\n\r\nhi",
                     scene->texts, scene->texts / 2);

        scene->texts++;
        assert_int_equal(desk_append(&scene->desk, mailbox,
                                     bytes_make((uint8_t *)text, (size_t)len),
                                     (uint16_t)below(scene, FLAGS_ALL + 1), &uid),
                         ERR_OK);
    }
}

static void do_flags(struct scene *scene)
{
    struct mailbox *mailbox = any_mailbox(scene);
    struct desk_store store = {
        .uids = any_range(scene, mailbox),
        .mode = (enum flag_mode)below(scene, 3),
        .flags = (uint16_t)below(scene, FLAGS_ALL + 1),
        .keyword = bytes_from_string(keyword_names[below(scene, ARRAY_COUNT(keyword_names))]),
    };

    assert_int_equal(desk_flags(&scene->desk, mailbox, store, NULL), ERR_OK);
}

static void do_expunge(struct scene *scene)
{
    struct mailbox *mailbox = any_mailbox(scene);
    struct uid_range range = any_range(scene, mailbox);
    struct origin origin = desk_origin(&scene->desk);
    uint32_t count;

    assert_int_equal(act_expunge(mailbox, &origin, (struct uid_set){ &range, 1 }, false, &count),
                     ERR_OK);
}

static void do_copy(struct scene *scene)
{
    struct mailbox *from = any_mailbox(scene);
    struct uid_range range = any_range(scene, from);
    struct origin origin = desk_origin(&scene->desk);
    struct arena arena = arena_make(1 << 20);
    struct copy_act act = { .to = any_mailbox(scene),
                            .uids = { &range, 1 },
                            .move = below(scene, 2) == 0 };
    struct copy_result result;

    assert_int_equal(act_copy(from, &origin, &act, &arena, &result), ERR_OK);
    arena_done(&arena);
}

static void do_create(struct scene *scene)
{
    struct origin origin = desk_origin(&scene->desk);

    (void)!act_mailbox_create(scene->desk.account, &origin, bytes_from_string(any_name(scene)), 0,
                              NULL);
}

static void do_delete(struct scene *scene)
{
    struct origin origin = desk_origin(&scene->desk);
    const char *name = any_name(scene);
    struct mailbox *mailbox = desk_mailbox(&scene->desk, name);

    if (mailbox != NULL && act_mailbox_delete(scene->desk.account, &origin, mailbox) == ERR_OK)
        (void)snprintf(scene->wanted[scene->wanted_count++], NAME_MAX_BYTES, "%s", name);
}

static void do_rename(struct scene *scene)
{
    struct origin origin = desk_origin(&scene->desk);
    struct mailbox *mailbox = any_mailbox(scene);

    (void)!act_mailbox_rename(scene->desk.account, &origin, mailbox,
                              bytes_from_string(any_name(scene)));
}

static void act(struct scene *scene)
{
    static void (*const acts[])(struct scene * scene) = {
        do_append, do_append, do_append, do_flags,  do_flags,  do_expunge, do_expunge,
        do_copy,   do_copy,   do_create, do_create, do_delete, do_rename,
    };

    acts[below(scene, ARRAY_COUNT(acts))](scene);
    look(scene);
    reckon(scene);
    for (size_t i = scene->wanted_count; i > 0; i--)
        if (desk_mailbox(&scene->desk, scene->wanted[i - 1]) != NULL)
            memcpy(scene->wanted[i - 1], scene->wanted[--scene->wanted_count], NAME_MAX_BYTES);
}

static void find_lost(struct desk *desk, const struct lost_find_options *ask, struct lost *lost)
{
    struct lost_find_options options = *ask;
    struct note why = { .text = "" };
    struct lost_find *find;
    bool done = false;

    options.vfs = desk->vfs;
    options.position = account_durable(desk->account);
    find = lost_find_new(&options);
    while (!done)
        if (lost_find_read(find, 500, &done, &why) != ERR_OK)
            fail_msg("%s", why.text);
    lost_find_take(find, lost);
    lost_find_free(find);
}

/* Finds and brings back; what was planned is what was done. */
static struct undelete_counts undelete(struct desk *desk, const struct lost_find_options *ask)
{
    struct origin origin = desk_origin(desk);
    struct undelete undelete;
    struct lost lost;
    bool done = false;

    while (!account_compact_pause(desk->account)) {
        (void)desk_tick(desk);
        desk_settle(desk);
    }
    find_lost(desk, ask, &lost);
    undelete_begin(&undelete, desk->account, &lost);
    while (!done)
        assert_int_equal(act_undelete(&undelete, &origin, &done), ERR_OK);
    assert_memory_equal(&undelete.planned, &undelete.done, sizeof(undelete.done));
    account_compact_resume(desk->account);
    undelete_done(&undelete);
    lost_done(&lost);
    desk_sync(desk);
    return undelete.done;
}

/* Where a lost row should be: in its mailbox, or in the one that has its last name now. */
static uint32_t expected_mailbox(struct scene *scene, const struct seen_row *row)
{
    const struct state *state = &scene->desk.account->state;
    const struct mailbox *mailbox = state_find_id(state, (struct mailbox_id){ row->mailbox });

    if (mailbox == NULL)
        mailbox = state_find(state, bytes_from_string(scene->last_name[row->mailbox]));
    assert_non_null(mailbox);
    return mailbox->id.value;
}

static unsigned count_in(const struct seen *seen, uint32_t mailbox, uint64_t body)
{
    unsigned count = 0;

    for (size_t i = 0; i < seen->count; i++)
        count += seen->rows[i].mailbox == mailbox && seen->rows[i].body == body;
    return count;
}

/* The row of that body in the mailbox that was not there before; NULL: there is none. */
static const struct seen_row *new_row(const struct scene *scene, uint32_t mailbox, uint64_t body)
{
    for (size_t i = 0; i < scene->now.count; i++) {
        const struct seen_row *row = &scene->now.rows[i];

        if (row->mailbox == mailbox && row->body == body && find(&scene->before, row) == NULL)
            return row;
    }
    return NULL;
}

/* It went so long ago that it may have been forgotten. */
static bool is_beyond_horizon(const struct scene *scene, const struct seen_row *row)
{
    int64_t keep = scene->desk.options.compact.keep_us;

    return keep > 0 && row->lost_at < scene->desk.now.us - keep;
}

static void check_lost_row(struct scene *scene, size_t at)
{
    const struct seen_row *row = &scene->lost.rows[at];
    uint32_t mailbox;
    unsigned lived;
    const struct seen_row *came;
    bool is_last = true;

    if (is_beyond_horizon(scene, row))
        return;
    mailbox = expected_mailbox(scene, row);
    lived = count_in(&scene->before, mailbox, row->body);
    came = new_row(scene, mailbox, row->body);
    assert_int_equal(count_in(&scene->now, mailbox, row->body), lived == 0 ? 1 : lived);
    for (size_t i = at + 1; i < scene->lost.count; i++)
        is_last = is_last && (scene->lost.rows[i].body != row->body ||
                              expected_mailbox(scene, &scene->lost.rows[i]) != mailbox);
    if (lived == 0 && is_last) {
        struct buf body = buf_make(1 << 16);

        assert_string_equal(came->rest, row->rest);
        assert_int_equal(desk_read(&scene->desk, (struct body_id){ row->body }, &body), ERR_OK);
        buf_done(&body);
    }
}

static void check_undelete(struct scene *scene)
{
    const struct lost_find_options everything = { .position = 0 };
    struct undelete_counts counts;
    size_t came = 0;

    counts = undelete(&scene->desk, &everything);
    look(scene);
    for (size_t i = 0; i < scene->before.count; i++) {
        const struct seen_row *row = find(&scene->now, &scene->before.rows[i]);

        assert_non_null(row);
        assert_memory_equal(row, &scene->before.rows[i], sizeof(*row));
    }
    for (size_t i = 0; i < scene->lost.count; i++)
        check_lost_row(scene, i);
    for (size_t i = 0; i < scene->wanted_count; i++)
        assert_non_null(desk_mailbox(&scene->desk, scene->wanted[i]));
    for (size_t i = 0; i < scene->now.count; i++)
        came += find(&scene->before, &scene->now.rows[i]) == NULL;
    assert_int_equal(came, counts.messages);
    scene->lost.count = 0;
    scene->wanted_count = 0;
}

static void check_nothing_is_left(struct scene *scene)
{
    const struct lost_find_options everything = { .position = 0 };
    struct modseq change = account_change_number(scene->desk.account);
    struct undelete_counts none = { 0 };
    struct undelete_counts counts = undelete(&scene->desk, &everything);

    assert_memory_equal(&counts, &none, sizeof(none));
    assert_int_equal(account_change_number(scene->desk.account).value, change.value);
}

static void reopen(struct desk *desk)
{
    struct buf before = buf_make(DUMP_BYTES_MAX);
    struct buf after = buf_make(DUMP_BYTES_MAX);

    state_dump(&desk->account->state, &before);
    desk_close(desk);
    mem_vfs_remove(desk->vfs, "checkpoint");
    assert_int_equal(desk_open(desk), ERR_OK);
    state_dump(&desk->account->state, &after);
    ASSERT_BYTES(buf_bytes(&after), buf_bytes(&before));
    buf_done(&before);
    buf_done(&after);
}

static uint64_t new_seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static void start(struct scene *scene, uint64_t seed)
{
    memset(scene, 0, sizeof(*scene));
    scene->random.state = seed;
    desk_init(&scene->desk, mem_vfs_new(seed));
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
    look(scene);
}

static void finish(struct scene *scene)
{
    desk_close(&scene->desk);
    assert_int_equal(mem_vfs_open_files(scene->desk.vfs), 0);
    mem_vfs_free(scene->desk.vfs);
    free(scene);
}

static void test_random_acts_are_undone(void **context)
{
    struct scene *scene = malloc(sizeof(*scene));

    start(scene, new_seed());
    for (unsigned round = 0; round < 8; round++) {
        for (unsigned i = below(scene, 60); i > 0; i--)
            act(scene);
        desk_sync(&scene->desk);
        check_undelete(scene);
        check_nothing_is_left(scene);
        if (below(scene, 2) == 0)
            reopen(&scene->desk);
    }
    finish(scene);
}

/* Three messages in INBOX, with the UIDs 1 to 3. */
static struct scene *start_with_three(void)
{
    struct scene *scene = malloc(sizeof(*scene));

    start(scene, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(desk_append(&scene->desk, desk_mailbox(&scene->desk, "INBOX"),
                                     BYTES("Subject: x\r\n\r\nbody"), FLAG_SEEN, NULL),
                         ERR_OK);
    return scene;
}

static void expunge(struct desk *desk, const char *name, uint32_t uid, enum protocol protocol)
{
    struct uid_range range = { uid, uid };
    struct origin origin = desk_origin(desk);
    uint32_t count;

    origin.protocol = protocol;
    assert_int_equal(act_expunge(desk_mailbox(desk, name), &origin, (struct uid_set){ &range, 1 },
                                 false, &count),
                     ERR_OK);
    assert_int_equal(count, 1);
    desk_sync(desk);
}

static void create(struct desk *desk, const char *name, unsigned uses)
{
    struct origin origin = desk_origin(desk);

    assert_int_equal(
        act_mailbox_create(desk->account, &origin, bytes_from_string(name), uses, NULL), ERR_OK);
}

static void remove_mailbox(struct desk *desk, const char *name)
{
    struct origin origin = desk_origin(desk);

    assert_int_equal(act_mailbox_delete(desk->account, &origin, desk_mailbox(desk, name)), ERR_OK);
    desk_sync(desk);
}

static void rename_to(struct desk *desk, const char *name, const char *new_name)
{
    struct origin origin = desk_origin(desk);

    assert_int_equal(act_mailbox_rename(desk->account, &origin, desk_mailbox(desk, name),
                                        bytes_from_string(new_name)),
                     ERR_OK);
    desk_sync(desk);
}

static uint64_t messages_of(const struct lost_find_options *ask, struct desk *desk)
{
    struct undelete undelete;
    struct lost lost;
    uint64_t count;

    find_lost(desk, ask, &lost);
    undelete_begin(&undelete, desk->account, &lost);
    count = undelete.planned.messages;
    undelete_done(&undelete);
    lost_done(&lost);
    return count;
}

static void copy(struct desk *desk, const char *to, bool move)
{
    struct uid_range first = { 1, 1 };
    struct origin origin = desk_origin(desk);
    struct arena arena = arena_make(1 << 20);
    struct copy_act act = { desk_mailbox(desk, to), { &first, 1 }, move };
    struct copy_result result;

    assert_int_equal(act_copy(desk_mailbox(desk, "INBOX"), &origin, &act, &arena, &result), ERR_OK);
    arena_done(&arena);
}

static void read_all(struct scene *scene)
{
    struct buf body = buf_make(1 << 16);

    for (size_t i = 0; i < scene->now.count; i++)
        assert_int_equal(
            desk_read(&scene->desk, (struct body_id){ scene->now.rows[i].body }, &body), ERR_OK);
    buf_done(&body);
}

/* Time leaps, and the log is compacted behind the horizon: what went since comes back all the same,
 * bodies and all, and stays readable when what was superseded has gone. */
static void test_beside_compaction(void **context)
{
    struct scene *scene = malloc(sizeof(*scene));
    uint64_t bases = 0;
    uint64_t base = 0;

    start(scene, new_seed());
    desk_close(&scene->desk);
    scene->desk.options.log_segment_bytes = 12000;
    scene->desk.options.compact = (struct compact_policy){ .enabled = true,
                                                           .keep_us = INT64_C(3600000000),
                                                           .linger_ms = 300,
                                                           .garbage_bytes_min = 300,
                                                           .check_ms = 200 };
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
    for (unsigned round = 0; round < 25; round++) {
        for (unsigned i = below(scene, 30); i > 0; i--) {
            act(scene);
            if (below(scene, 10) == 0)
                scene->desk.now.us += INT64_C(600000000);
            if (below(scene, 3) > 0)
                continue;
            (void)desk_tick(&scene->desk);
            desk_sync(&scene->desk);
        }
        for (unsigned i = 0; i < 20; i++) {
            (void)desk_tick(&scene->desk);
            desk_sync(&scene->desk);
            bases += log_base(scene->desk.account->log) != base;
            base = log_base(scene->desk.account->log);
        }
        scene->wanted_count = 0;
        check_undelete(scene);
        read_all(scene);
        if (below(scene, 3) == 0)
            reopen(&scene->desk);
        read_all(scene);
    }
    assert_true(bases > 1);
    finish(scene);
}

static void test_what_is_lost(void **context)
{
    const struct lost_find_options all = { .position = 0 };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;

    copy(desk, "Sent", false);
    expunge(desk, "INBOX", 1, PROTOCOL_IMAP);
    assert_int_equal(messages_of(&all, desk), 1); /* it lives in Sent, but not here */
    expunge(desk, "INBOX", 2, PROTOCOL_STORE);
    assert_int_equal(messages_of(&all, desk), 1); /* there is no body for it */
    assert_int_equal(undelete(desk, &all).messages, 1);
    rename_to(desk, "INBOX", "Moved"); /* its messages are there now */
    assert_int_equal(messages_of(&all, desk), 0);
    finish(scene);
}

static void test_by_name_and_time(void **context)
{
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;
    struct lost_find_options ask = { .name = BYTES("INBOX") };
    struct wall middle;

    create(desk, "Work", 0);
    copy(desk, "Work", false);
    expunge(desk, "INBOX", 2, PROTOCOL_IMAP);
    expunge(desk, "Work", 1, PROTOCOL_IMAP);
    middle = desk->now;
    expunge(desk, "INBOX", 3, PROTOCOL_IMAP);
    assert_int_equal(messages_of(&ask, desk), 2);
    ask.since.us = middle.us + 1;
    assert_int_equal(messages_of(&ask, desk), 1);
    ask = (struct lost_find_options){ .name = BYTES("Work") };
    rename_to(desk, "Work", "Play");
    assert_int_equal(messages_of(&ask, desk), 1); /* it had that name then */
    ask = (struct lost_find_options){ .name = BYTES("Play"), .id = desk_mailbox(desk, "Play")->id };
    assert_int_equal(messages_of(&ask, desk), 1); /* it has this one now */
    remove_mailbox(desk, "Play");
    ask = (struct lost_find_options){ .name = BYTES("Play") };
    assert_int_equal(undelete(desk, &ask).made, 1);
    assert_int_equal(mailbox_uidnext(desk_mailbox(desk, "Play")), 1); /* it was empty */
    ask = (struct lost_find_options){ .name = BYTES("Work") };
    assert_int_equal(undelete(desk, &ask).messages, 1);
    assert_non_null(desk_mailbox(desk, "Work"));
    ask = (struct lost_find_options){ .name = BYTES("Elsewhere") };
    assert_int_equal(messages_of(&ask, desk), 0);
    finish(scene);
}

/* A mailbox has its use again, unless another one has taken it. */
static void test_mailboxes_come_back(void **context)
{
    const struct lost_find_options all = { .position = 0 };
    const struct lost_find_options only = { .name = BYTES("y/b") };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;
    struct undelete_counts counts;

    remove_mailbox(desk, "Drafts");
    remove_mailbox(desk, "Trash");
    create(desk, "Bin", USE_TRASH);
    create(desk, "a/b", 0);
    remove_mailbox(desk, "a/b");
    remove_mailbox(desk, "a");
    counts = undelete(desk, &all);
    assert_int_equal(counts.made, 4);
    assert_int_equal(desk_mailbox(desk, "Drafts")->uses, USE_DRAFTS);
    assert_int_equal(desk_mailbox(desk, "Trash")->uses, 0);
    assert_non_null(desk_mailbox(desk, "a/b"));
    rename_to(desk, "a", "x");
    rename_to(desk, "x", "y");
    remove_mailbox(desk, "y/b");
    remove_mailbox(desk, "y");
    assert_int_equal(undelete(desk, &only).made, 1);
    assert_non_null(desk_mailbox(desk, "y")); /* the level above it */
    rename_to(desk, "y", "b"); /* brought back, and renamed since: not lost again */
    assert_int_equal(undelete(desk, &all).made, 0);
    finish(scene);
}

/* The name that counts is the one that it had last, not the one it had first or longest. */
static void test_names_that_come_again(void **context)
{
    const struct lost_find_options all = { .position = 0 };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;

    create(desk, "one", 0);
    copy(desk, "one", false);
    copy(desk, "one", false);
    expunge(desk, "one", 1, PROTOCOL_IMAP);
    rename_to(desk, "one", "two");
    expunge(desk, "two", 2, PROTOCOL_IMAP);
    rename_to(desk, "two", "one");
    remove_mailbox(desk, "one");
    assert_int_equal(undelete(desk, &all).messages, 1); /* they were the same */
    assert_null(desk_mailbox(desk, "two"));
    assert_int_equal(mailbox_uidnext(desk_mailbox(desk, "one")), 2);
    finish(scene);
}

static enum err try_undelete(struct undelete *undelete, struct desk *desk)
{
    struct origin origin = desk_origin(desk);
    bool done;

    return act_undelete(undelete, &origin, &done);
}

static void test_refusals(void **context)
{
    const struct lost_find_options all = { .position = 0 };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;
    struct modseq change;
    struct undelete undelete;
    struct lost lost;

    create(desk, "d/e", 0);
    copy(desk, "d/e", false);
    remove_mailbox(desk, "d/e");
    remove_mailbox(desk, "d");
    expunge(desk, "INBOX", 2, PROTOCOL_IMAP);
    change = account_change_number(desk->account);
    find_lost(desk, &all, &lost);
    undelete_begin(&undelete, desk->account, &lost);
    account_set_quota(desk->account, account_used_bytes(desk->account) + 30);
    assert_int_equal(try_undelete(&undelete, desk), ERR_OVER_QUOTA);
    account_set_quota(desk->account, 0);
    desk->account->mailboxes_max = mailbox_count(desk->account) + 1;
    assert_int_equal(try_undelete(&undelete, desk), ERR_LIMIT);
    assert_int_equal(account_change_number(desk->account).value, change.value);
    create(desk, "x", 0); /* takes the id that a mailbox was to have */
    desk->account->mailboxes_max += 2;
    assert_int_equal(try_undelete(&undelete, desk), ERR_OK);
    assert_int_equal(undelete.done.made, 2);
    assert_int_equal(mailbox_uidnext(desk_mailbox(desk, "d/e")), 2);
    assert_int_equal(mailbox_uidnext(desk_mailbox(desk, "x")), 1);
    undelete_done(&undelete);
    lost_done(&lost);
    finish(scene);
}

/* Long gone, the bodies are not known any more; they come back between those of others, and the
 * same body into two mailboxes. */
static void test_many_bodies_long_gone(void **context)
{
    enum { MESSAGES = 1200 };
    const struct lost_find_options all = { .position = 0 };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;
    struct uid_range range = { 1, MESSAGES };
    struct origin origin = desk_origin(desk);
    struct arena arena = arena_make(1 << 22);
    struct copy_act act = { desk_mailbox(desk, "Sent"), { &range, 1 }, false };
    struct copy_result result;
    struct body_entry body;

    create(desk, "d", 0);
    for (unsigned i = 0; i < MESSAGES; i++)
        assert_int_equal(
            desk_append(desk, desk_mailbox(desk, i % 3 == 0 ? "INBOX" : "d"), BYTES("x"), 0, NULL),
            ERR_OK);
    assert_int_equal(act_copy(desk_mailbox(desk, "d"), &origin, &act, &arena, &result), ERR_OK);
    arena_done(&arena);
    look(scene);
    remove_mailbox(desk, "d");
    remove_mailbox(desk, "Sent");
    for (unsigned i = 0; i < 50; i++) {
        (void)desk_tick(desk);
        desk_settle(desk);
    }
    assert_false(body_table_find(&desk->account->state.bodies, (struct body_id){ 5 }, &body));
    assert_int_equal(undelete(desk, &all).messages, 2 * (MESSAGES - MESSAGES / 3));
    look(scene);
    assert_int_equal(scene->now.count, scene->before.count);
    assert_true(body_table_find(&desk->account->state.bodies, (struct body_id){ 5 }, &body));
    assert_int_equal(body.messages, 2);
    assert_int_equal(desk->account->state.bodies.count, MESSAGES + 3); /* each is there once */
    read_all(scene);
    reopen(desk);
    check_nothing_is_left(scene);
    finish(scene);
}

/* Keywords make a message's op large: 1,000 of these fill more than one change. */
static void test_several_changes(void **context)
{
    enum { MESSAGES = 1000, WORDS = 127 };
    const struct lost_find_options all = { .position = 0 };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;
    char keyword[KEYWORD_BYTES_MAX];
    struct modseq change;

    create(desk, "d", 0);
    for (unsigned i = 0; i < MESSAGES; i++)
        assert_int_equal(desk_append(desk, desk_mailbox(desk, "d"), BYTES("x"), 0, NULL), ERR_OK);
    for (unsigned i = 0; i < WORDS; i++) {
        struct desk_store store = { .uids = { 1, MESSAGES }, .mode = FLAGS_ADD };

        memset(keyword, 'k', sizeof(keyword));
        (void)snprintf(keyword, sizeof(keyword), "%u", i);
        keyword[strlen(keyword)] = 'k';
        store.keyword = bytes_make((uint8_t *)keyword, sizeof(keyword));
        assert_int_equal(desk_flags(desk, desk_mailbox(desk, "d"), store, NULL), ERR_OK);
    }
    look(scene);
    remove_mailbox(desk, "d");
    change = account_change_number(desk->account);
    assert_int_equal(undelete(desk, &all).messages, MESSAGES);
    assert_int_equal(account_change_number(desk->account).value, change.value + 2);
    look(scene);
    assert_int_equal(scene->now.count, scene->before.count);
    for (size_t i = 3; i < scene->now.count; i++) {
        assert_int_equal(scene->now.rows[i].uid, i - 2);
        assert_int_equal(scene->now.rows[i].body, scene->before.rows[i].body);
        assert_string_equal(scene->now.rows[i].rest, scene->before.rows[i].rest);
    }
    reopen(desk);
    check_nothing_is_left(scene);
    finish(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_acts_are_undone),
        cmocka_unit_test(test_beside_compaction),
        cmocka_unit_test(test_what_is_lost),
        cmocka_unit_test(test_by_name_and_time),
        cmocka_unit_test(test_mailboxes_come_back),
        cmocka_unit_test(test_names_that_come_again),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_several_changes),
        cmocka_unit_test(test_many_bodies_long_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
