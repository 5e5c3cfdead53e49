/* Random acts, and the way back: what an observer saw go comes back, once, where it was; and
 * nothing else changes. */
#include "store/act_undelete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/observer.h"
#include "kit/random.h"
#include "store/account_state.h"
#include "store/log_base.h"

enum { NAME_MAX_BYTES = 40, WANTED_MAX = 200, IDS_MAX = 1000 };

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

static void look(struct scene *scene)
{
    const struct state *state = &scene->desk.account->state;

    scene->before = scene->now;
    observer_look(&scene->desk, &scene->now);
    for (size_t i = 0; i < state->mailbox_count; i++) {
        const struct mailbox *mailbox = state->by_id[i];
        char *name = scene->last_name[mailbox->id.value];

        assert_true(mailbox->id.value < IDS_MAX);
        memset(name, 0, NAME_MAX_BYTES);
        memcpy(name, mailbox->name, mailbox->name_len);
    }
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

        if (observer_find(&scene->now, row) == NULL &&
            references(&scene->now, row->body) < references(&scene->before, row->body)) {
            scene->lost.rows[scene->lost.count] = *row;
            scene->lost.rows[scene->lost.count++].lost_at = scene->desk.now.us;
        }
        assert_true(scene->lost.count < SEEN_ROWS_MAX);
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

    assert_int_equal(
        desk_finish(&scene->desk,
                    act_expunge(mailbox, &origin, (struct uid_set){ &range, 1 }, false, &count)),
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

    assert_int_equal(desk_finish(&scene->desk, act_copy(from, &origin, &act, &arena, &result)),
                     ERR_OK);
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

    if (mailbox != NULL &&
        desk_finish(&scene->desk, act_mailbox_delete(scene->desk.account, &origin, mailbox)) ==
            ERR_OK)
        (void)snprintf(scene->wanted[scene->wanted_count++], NAME_MAX_BYTES, "%s", name);
}

static void do_rename(struct scene *scene)
{
    struct origin origin = desk_origin(&scene->desk);
    struct mailbox *mailbox = any_mailbox(scene);

    (void)!desk_finish(&scene->desk, act_mailbox_rename(scene->desk.account, &origin, mailbox,
                                                        bytes_from_string(any_name(scene))));
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

        if (row->mailbox == mailbox && row->body == body &&
            observer_find(&scene->before, row) == NULL)
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

        assert_int_equal(came->flags, row->flags & ~FLAG_DELETED);
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

    counts = observer_undelete(&scene->desk, &everything);
    look(scene);
    for (size_t i = 0; i < scene->before.count; i++) {
        const struct seen_row *row = observer_find(&scene->now, &scene->before.rows[i]);

        assert_non_null(row);
        assert_memory_equal(row, &scene->before.rows[i], sizeof(*row));
    }
    for (size_t i = 0; i < scene->lost.count; i++)
        check_lost_row(scene, i);
    for (size_t i = 0; i < scene->wanted_count; i++)
        assert_non_null(desk_mailbox(&scene->desk, scene->wanted[i]));
    for (size_t i = 0; i < scene->now.count; i++)
        came += observer_find(&scene->before, &scene->now.rows[i]) == NULL;
    assert_int_equal(came, counts.messages);
    scene->lost.count = 0;
    scene->wanted_count = 0;
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
    scene->desk.options.step_cost = seed % 2 == 0 ? 0 : 1;
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
        observer_assert_nothing_left(&scene->desk);
        if (below(scene, 2) == 0)
            observer_reopen(&scene->desk);
    }
    finish(scene);
}

/* Time leaps, and the log is compacted behind the horizon: what went since comes back all the same,
 * bodies and all, and stays readable when what was superseded has gone. */
static void play_beside_compaction(uint64_t seed)
{
    struct scene *scene = malloc(sizeof(*scene));
    uint64_t bases = 0;
    uint64_t base = 0;

    start(scene, seed);
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
        observer_read_all(&scene->desk, &scene->now);
        if (below(scene, 3) == 0)
            observer_reopen(&scene->desk);
        observer_read_all(&scene->desk, &scene->now);
    }
    assert_true(bases > 1);
    finish(scene);
}

static void test_beside_compaction(void **context)
{
    play_beside_compaction(new_seed());
}

/* Mail was brought back out of a base that was whole but did not count yet, and then given up: it
 * could not be read until the next opening. */
static void test_a_base_counts_once_it_is_whole(void **context)
{
    play_beside_compaction(1795904015);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_acts_are_undone),
        cmocka_unit_test(test_beside_compaction),
        cmocka_unit_test(test_a_base_counts_once_it_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
