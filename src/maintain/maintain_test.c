/* Acts on an account in memory: from their arguments to their results. */
#include "maintain/maintain.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "store/account_compact.h"
#include "store/acting.h"

enum { LINES_BYTES_MAX = 256 * 1024 };

struct fixture {
    struct vfs *vfs;
    struct desk desk;
    struct buf lines;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->vfs = mem_vfs_new(7);
    desk_init(&f->desk, f->vfs);
    f->lines = buf_make(LINES_BYTES_MAX);
    assert_int_equal(desk_open(&f->desk), ERR_OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(desk_append(&f->desk, desk_mailbox(&f->desk, "INBOX"),
                                     BYTES("Subject: hi\r\n\r\nthere\r\n"), 0, NULL),
                         ERR_OK);
    desk_sync(&f->desk);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    desk_close(&f->desk);
    assert_int_equal(mem_vfs_open_files(f->vfs), 0);
    mem_vfs_free(f->vfs);
    buf_done(&f->lines);
    free(f);
    return 0;
}

static struct maintain_options options_of(struct fixture *f, struct bytes act,
                                          struct bytes arguments)
{
    return (struct maintain_options){ .account = f->desk.account,
                                      .vfs = f->vfs,
                                      .executor = &f->desk.jobs.executor,
                                      .waker = &f->desk.waker,
                                      .act = act,
                                      .arguments = arguments,
                                      .actor = BYTES("uid 0") };
}

/* To its end; answers the result line's object, the caller's. */
static json_t *run(struct fixture *f, struct maintain *act)
{
    enum maintain_want want = MAINTAIN_AGAIN;
    json_t *line = NULL;
    json_t *result;
    struct note why;
    struct bytes all;
    size_t at = 0;

    while (want != MAINTAIN_DONE) {
        want = maintain_step(act, f->desk.now, &f->lines);
        jobs_settle(&f->desk.jobs); /* an act that changes something may ask for a sync */
        if (want == MAINTAIN_WAIT)
            (void)desk_tick(&f->desk);
    }
    assert_int_equal(maintain_result(act, &why), ERR_OK);
    for (all = buf_bytes(&f->lines); at < all.len;) {
        size_t end = bytes_find_byte(all, at, '\n');

        assert_int_not_equal(end, all.len); /* lines are whole */
        json_decref(line);
        line = json_loadb((const char *)all.at + at, end - at, 0, NULL);
        assert_int_equal(json_object_size(line), 1);
        at = end + 1;
    }
    result = json_incref(json_object_get(line, "result"));
    assert_non_null(result); /* the last one */
    json_decref(line);
    return result;
}

static void test_requests_that_make_no_sense(void **state)
{
    static const struct {
        struct bytes act;
        struct bytes arguments;
        enum err err;
        const char *why;
    } cases[] = {
        { BYTES("dance"), BYTES(""), ERR_UNSUPPORTED, "there is no maintenance called \"dance\"" },
        { BYTES(""), BYTES(""), ERR_UNSUPPORTED, "there is no maintenance called \"\"" },
        { BYTES("verify"), BYTES("["), ERR_INVALID, "the arguments of verify are no JSON object" },
        { BYTES("verify"), BYTES("[1]"), ERR_INVALID,
          "the arguments of verify are no JSON object" },
        { BYTES("verify"), BYTES("{\"colour\":\"red\"}"), ERR_INVALID,
          "verify takes no \"colour\"" },
        { BYTES("rewind"), BYTES("{}"), ERR_INVALID, "rewind needs \"at\"" },
        { BYTES("log"), BYTES("{\"limit\":0}"), ERR_INVALID, "\"limit\" of log is 1 to 100000" },
        { BYTES("log"), BYTES("{\"since\":\"2h\"}"), ERR_INVALID,
          "\"since\" of log is not a number" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct maintain_options options = options_of(f, cases[i].act, cases[i].arguments);
        struct maintain *act = NULL;
        struct note why = { "" };

        assert_int_equal(maintain_new(&options, &act, &why), cases[i].err);
        assert_null(act);
        assert_string_equal(why.text, cases[i].why);
    }
}

static void test_arguments_have_a_maximum(void **state)
{
    static char text[MAINTAIN_ARGUMENTS_BYTES_MAX + 1];
    struct maintain_options options;
    struct maintain *act = NULL;
    struct note why;

    memset(text, ' ', sizeof(text));
    text[0] = '{';
    text[1] = '}';
    options = options_of(*state, BYTES("verify"), bytes_make(text, sizeof(text)));
    assert_int_equal(maintain_new(&options, &act, &why), ERR_INVALID);
    options.arguments.len--;
    assert_int_equal(maintain_new(&options, &act, &why), ERR_OK);
    maintain_free(act);
}

static void test_verify_of_what_is_whole(void **state)
{
    struct fixture *f = *state;
    struct maintain_options options = options_of(f, BYTES("verify"), BYTES("{}"));
    struct maintain *act;
    json_t *result;

    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    assert_false(maintain_changes(act));
    result = run(f, act);
    assert_int_equal(json_integer_value(json_object_get(result, "damaged")), 0);
    assert_int_equal(json_integer_value(json_object_get(result, "messages")), 10);
    json_decref(result);
    maintain_free(act);
}

/* Reading everything comes after what clients wait for, and what a person waits for does not. */
static void test_verify_has_time(void **state)
{
    struct fixture *f = *state;
    static const struct bytes acts[] = { BYTES("verify"), BYTES("undelete") };

    for (size_t i = 0; i < ARRAY_COUNT(acts); i++) {
        struct maintain_options options = options_of(f, acts[i], BYTES(""));
        struct jobs background;
        struct maintain *act;

        jobs_init(&background);
        options.background = &background.executor;
        assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
        assert_int_equal(maintain_step(act, f->desk.now, &f->lines), MAINTAIN_WAIT);
        assert_int_equal(list_is_empty(&background.waiting), i != 0);
        assert_int_equal(list_is_empty(&f->desk.jobs.waiting), i == 0);
        maintain_free(act);
        jobs_settle(&background);
        jobs_settle(&f->desk.jobs);
    }
}

static void test_verify_names_the_damage(void **state)
{
    struct fixture *f = *state;
    struct maintain_options options = options_of(f, BYTES("verify"), BYTES(""));
    struct bytes log = mem_vfs_file(f->vfs, "log/0000000000000004.log");
    size_t body = bytes_find(log, 8192, BYTES("there"));
    struct maintain *act;
    json_t *result;

    mem_vfs_damage(f->vfs, "log/0000000000000004.log", body, 1);
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    result = run(f, act);
    assert_int_equal(json_integer_value(json_object_get(result, "damaged")), 1);
    assert_int_equal(json_integer_value(json_object_get(result, "bodies")), 9);
    assert_int_equal(json_integer_value(json_object_get(result, "messages")), 10);
    assert_int_equal(json_integer_value(json_object_get(result, "messages_damaged")), 1);
    assert_int_not_equal(bytes_find(buf_bytes(&f->lines), 0, BYTES("\"kind\":\"body\"")),
                         f->lines.len);
    assert_int_not_equal(bytes_find(buf_bytes(&f->lines), 0,
                                    BYTES("{\"message\":{\"mailbox\":\"INBOX\",\"uid\":1}}\n")),
                         f->lines.len);
    json_decref(result);
    maintain_free(act);
}

static void expunge(struct fixture *f, uint32_t uid)
{
    struct origin origin = desk_origin(&f->desk);
    struct uid_range range = { uid, uid };
    uint32_t count;

    assert_int_equal(
        desk_finish(&f->desk, act_expunge(desk_mailbox(&f->desk, "INBOX"), &origin,
                                          (struct uid_set){ &range, 1 }, false, &count)),
        ERR_OK);
    desk_sync(&f->desk);
}

/* Forgets all that was expunged; answers whether a hold kept the segments where they are. */
static bool purge(struct fixture *f)
{
    const struct wall everything = { INT64_MAX };
    struct account_purged purged;
    enum err err;

    assert_int_equal(account_purge(f->desk.account, everything, &f->desk.waker), ERR_OK);
    while ((err = account_purge_result(f->desk.account, &purged, NULL)) == ERR_BUSY) {
        (void)desk_tick(&f->desk);
        jobs_settle(&f->desk.jobs);
    }
    assert_int_equal(err, ERR_OK);
    return purged.held;
}

/* As long as the act lives nothing is removed. */
static void test_hold(void **state)
{
    static const char first[] = "log/0000000000000004.log";
    struct fixture *f = *state;
    struct maintain_options options = options_of(f, BYTES("hold"), BYTES(""));
    struct maintain *act;

    expunge(f, 3);
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    assert_int_equal(maintain_step(act, f->desk.now, &f->lines), MAINTAIN_WAIT);
    ASSERT_BYTES(buf_bytes(&f->lines), BYTES("{\"held\":true}\n"));
    assert_int_equal(maintain_step(act, f->desk.now, &f->lines), MAINTAIN_WAIT);
    ASSERT_BYTES(buf_bytes(&f->lines), BYTES("{\"held\":true}\n"));
    assert_true(purge(f));
    assert_non_null(mem_vfs_file(f->vfs, first).at);
    maintain_free(act);
    assert_false(purge(f));
    assert_null(mem_vfs_file(f->vfs, first).at);
}

static json_int_t undelete(struct fixture *f, struct bytes arguments)
{
    struct maintain_options options = options_of(f, BYTES("undelete"), arguments);
    struct maintain *act;
    json_int_t messages;
    json_t *result;

    buf_clear(&f->lines);
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    assert_true(maintain_changes(act));
    result = run(f, act);
    messages = json_integer_value(json_object_get(result, "messages"));
    json_decref(result);
    maintain_free(act);
    return messages;
}

static void test_undelete(void **state)
{
    struct fixture *f = *state;
    char later[64];

    expunge(f, 3);
    (void)snprintf(later, sizeof(later), "{\"since\":%lld}",
                   (long long)wall_seconds(f->desk.now) + 1);
    expunge(f, 5);
    assert_int_equal(undelete(f, BYTES("{\"mailbox\":\"Sent\"}")), 0);
    assert_int_equal(undelete(f, BYTES("{\"dry_run\":true}")), 2);
    assert_int_equal(account_used_messages(f->desk.account), 8);
    assert_int_equal(undelete(f, bytes_from_string(later)), 1);
    assert_int_equal(undelete(f, BYTES("{\"mailbox\":\"inbox\"}")), 1);
    assert_int_not_equal(
        bytes_find(buf_bytes(&f->lines), 0, BYTES("{\"mailbox\":{\"name\":\"INBOX\"")),
        f->lines.len);
    assert_int_equal(account_used_messages(f->desk.account), 10);
}

static void test_purge(void **state)
{
    struct fixture *f = *state;
    struct maintain_options options = options_of(f, BYTES("purge"), BYTES(""));
    struct maintain *act;
    json_t *result;

    expunge(f, 3);
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    assert_true(maintain_changes(act));
    result = run(f, act);
    assert_int_equal(json_integer_value(json_object_get(result, "since")),
                     wall_seconds(f->desk.now));
    assert_true(json_is_false(json_object_get(result, "held")));
    json_decref(result);
    maintain_free(act);
    buf_clear(&f->lines);
    options = options_of(f, BYTES("undelete"), BYTES(""));
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    result = run(f, act);
    assert_int_equal(json_integer_value(json_object_get(result, "messages")), 0);
    json_decref(result);
    maintain_free(act);
    buf_clear(&f->lines);
    options = options_of(f, BYTES("purge"), BYTES("{\"before\":5}"));
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    maintain_free(act); /* before its first step */
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    assert_int_equal(maintain_step(act, f->desk.now, &f->lines), MAINTAIN_WAIT);
    maintain_free(act); /* it goes on alone */
    desk_settle(&f->desk);
    for (int i = 0; i < 20; i++) {
        (void)desk_tick(&f->desk);
        desk_settle(&f->desk);
    }
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    result = run(f, act);
    assert_null(json_object_get(result, "since"));
    json_decref(result);
    maintain_free(act);
}

/* The messages that an act's result counts. */
static json_int_t messages_of(struct fixture *f, struct bytes arguments, bool *out_forgot)
{
    struct maintain_options options = options_of(f, BYTES("purge"), arguments);
    struct maintain *act;
    json_int_t messages;
    json_t *result;

    buf_clear(&f->lines);
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    result = run(f, act);
    messages = json_integer_value(json_object_get(result, "messages"));
    *out_forgot = json_object_get(result, "since") != NULL;
    json_decref(result);
    maintain_free(act);
    return messages;
}

/* What stands beside younger changes stays, and is counted; the purge itself ends the segment, so
 * that the next one can. */
static void test_purge_counts_what_stays(void **state)
{
    struct fixture *f = *state;
    char middle[64];
    bool forgot;

    expunge(f, 3);
    f->desk.now.us += 2000000;
    (void)snprintf(middle, sizeof(middle), "{\"before\":%lld}",
                   (long long)wall_seconds(f->desk.now));
    f->desk.now.us += 2000000;
    expunge(f, 5);
    assert_int_equal(messages_of(f, BYTES("{\"dry_run\":true}"), &forgot), 2);
    assert_int_equal(messages_of(f, bytes_from_string(middle), &forgot), 1);
    assert_false(forgot);
    (void)snprintf(middle, sizeof(middle), "{\"before\":%lld}",
                   (long long)wall_seconds(f->desk.now) + 1);
    f->desk.now.us += 2000000;
    expunge(f, 6);
    assert_int_equal(messages_of(f, bytes_from_string(middle), &forgot), 0);
    assert_true(forgot);
    assert_int_equal(messages_of(f, BYTES("{\"dry_run\":true}"), &forgot), 1);
}

static void test_undelete_keeps_to_the_quota(void **state)
{
    struct fixture *f = *state;
    struct maintain_options options = options_of(f, BYTES("undelete"), BYTES(""));
    enum maintain_want want = MAINTAIN_AGAIN;
    struct maintain *act;
    struct note why;

    expunge(f, 3);
    account_set_quota(f->desk.account, account_used_bytes(f->desk.account));
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    while (want != MAINTAIN_DONE) {
        want = maintain_step(act, f->desk.now, &f->lines);
        jobs_settle(&f->desk.jobs);
    }
    assert_int_equal(maintain_result(act, &why), ERR_OVER_QUOTA);
    assert_int_equal(bytes_find(bytes_from_string(why.text), 0, BYTES("22 bytes would come back")),
                     0);
    maintain_free(act);
    assert_int_equal(account_used_messages(f->desk.account), 9);
}

static json_int_t number(const json_t *result, const char *key)
{
    return json_integer_value(json_object_get(result, key));
}

static json_t *rewind_to(struct fixture *f, int64_t at, bool apply)
{
    char arguments[64];
    struct maintain_options options;
    struct maintain *act;
    json_t *result;

    (void)snprintf(arguments, sizeof(arguments), "{\"at\":%lld,\"apply\":%s}", (long long)at,
                   apply ? "true" : "false");
    options = options_of(f, BYTES("rewind"), bytes_from_string(arguments));
    buf_clear(&f->lines);
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    result = run(f, act);
    maintain_free(act);
    return result;
}

static void test_rewind(void **state)
{
    struct fixture *f = *state;
    struct desk_store store = { .uids = { 4, 4 }, .mode = FLAGS_ADD, .flags = FLAG_SEEN };
    int64_t at = wall_seconds(f->desk.now);
    json_t *result;

    expunge(f, 3);
    assert_int_equal(desk_flags(&f->desk, desk_mailbox(&f->desk, "INBOX"), store, NULL), ERR_OK);
    desk_sync(&f->desk);
    for (int i = 0; i < 3; i++) {
        result = rewind_to(f, at, i > 0);
        assert_int_equal(number(result, "messages"), i < 2);
        assert_int_equal(number(result, "flags"), i < 2);
        assert_int_equal(number(result, "changes"), i == 1);
        assert_int_equal(account_used_messages(f->desk.account), i == 0 ? 9 : 10);
        json_decref(result);
    }
}

static void test_rewind_too_far(void **state)
{
    struct fixture *f = *state;
    struct maintain_options options =
        options_of(f, BYTES("rewind"), BYTES("{\"at\":1699999999,\"apply\":true}"));
    enum maintain_want want = MAINTAIN_AGAIN;
    struct maintain *act;
    struct note why;

    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    while (want != MAINTAIN_DONE) {
        want = maintain_step(act, f->desk.now, &f->lines);
        jobs_settle(&f->desk.jobs);
    }
    assert_int_equal(maintain_result(act, &why), ERR_INVALID);
    assert_string_equal(why.text,
                        "the account's log reaches back to 2023-11-14 23:13:20+0100 only");
    maintain_free(act);
}

static json_int_t read_log(struct fixture *f, struct bytes arguments)
{
    struct maintain_options options = options_of(f, BYTES("log"), arguments);
    struct maintain *act;
    json_int_t events;
    json_t *result;

    buf_clear(&f->lines);
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    assert_false(maintain_changes(act));
    result = run(f, act);
    events = json_integer_value(json_object_get(result, "events"));
    json_decref(result);
    maintain_free(act);
    return events;
}

static bool has_line(const struct fixture *f, struct bytes part)
{
    return bytes_find(buf_bytes(&f->lines), 0, part) < f->lines.len;
}

static void test_log(void **state)
{
    struct fixture *f = *state;

    expunge(f, 3);
    assert_int_equal(read_log(f, BYTES("{\"mailbox\":\"inbox\"}")), 13);
    assert_int_equal(read_log(f, BYTES("{\"limit\":2}")), 2);
    assert_false(has_line(f, BYTES("\"uids\":\"9\"")));
    assert_true(has_line(f, BYTES("\"what\":\"added\",\"protocol\":\"imap\",\"session\":7,"
                                  "\"actor\":\"tester\",\"mailbox\":\"INBOX\",\"messages\":1,"
                                  "\"uids\":\"10\"")));
    assert_true(has_line(f, BYTES("\"what\":\"expunged\"")));
}

/* More than a step may say. */
static void test_a_long_log(void **state)
{
    struct fixture *f = *state;
    json_int_t before = read_log(f, BYTES(""));

    for (unsigned i = 0; i < 400; i++)
        assert_int_equal(
            desk_append(&f->desk, desk_mailbox(&f->desk, "INBOX"), BYTES("x"), 0, NULL), ERR_OK);
    desk_sync(&f->desk);
    assert_int_equal(read_log(f, BYTES("")), before + 400);
    assert_true(f->lines.len > MAINTAIN_STEP_BYTES_MAX);
    assert_int_equal(read_log(f, BYTES("{\"limit\":350}")), 350);
}

static void tick(struct fixture *f, unsigned ticks)
{
    for (; ticks > 0; ticks--) {
        (void)desk_tick(&f->desk);
        jobs_settle(&f->desk.jobs);
    }
}

/* The past that an act reads stays while it reads it, and not longer. */
static void test_nothing_is_compacted_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct maintain_options options;
    struct account_purged purged;
    struct maintain *act;

    desk_close(&f->desk);
    f->desk.options.log_segment_bytes = 9000;
    assert_int_equal(desk_open(&f->desk), ERR_OK);
    for (uint32_t uid = 1; uid <= 10; uid++)
        expunge(f, uid);
    options = options_of(f, BYTES("undelete"), BYTES(""));
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    assert_int_equal(maintain_step(act, f->desk.now, &f->lines), MAINTAIN_WAIT);
    assert_int_equal(account_purge(f->desk.account, (struct wall){ INT64_MAX }, &f->desk.waker),
                     ERR_OK);
    tick(f, 50);
    assert_int_equal(account_purge_result(f->desk.account, &purged, NULL), ERR_BUSY);
    maintain_free(act);
    while (!account_compact_is_running(f->desk.account))
        tick(f, 1);
    (void)desk_tick(&f->desk); /* a step of it is out */
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    assert_int_equal(maintain_step(act, f->desk.now, &f->lines), MAINTAIN_WAIT);
    tick(f, 100);
    json_decref(run(f, act)); /* it had to wait, and came to its end */
    maintain_free(act);
    tick(f, 100);
    assert_int_equal(account_purge_result(f->desk.account, &purged, NULL), ERR_OK);
}

static void assert_whole(struct fixture *f)
{
    struct maintain_options options = options_of(f, BYTES("verify"), BYTES(""));
    struct maintain *act;
    json_t *result;

    buf_clear(&f->lines);
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    result = run(f, act);
    assert_int_equal(json_integer_value(json_object_get(result, "messages_damaged")), 0);
    json_decref(result);
    maintain_free(act);
}

/* What comes back in the middle of a compaction is in what that leaves, wherever it was. */
static void test_undelete_between_steps_of_compaction(void **state)
{
    struct fixture *f = *state;
    struct account_purged purged;
    json_int_t back = 0;

    for (uint32_t uid = 1; uid <= 10; uid++) {
        enum err err = ERR_BUSY;

        expunge(f, uid);
        assert_int_equal(account_purge(f->desk.account, (struct wall){ INT64_MAX }, &f->desk.waker),
                         ERR_OK);
        tick(f, 2 * uid); /* a step, and the rest after it */
        back += undelete(f, BYTES(""));
        for (int i = 0; i < 1000 && err == ERR_BUSY; i++) {
            tick(f, 1);
            err = account_purge_result(f->desk.account, &purged, NULL);
        }
        assert_int_equal(err, ERR_OK);
        assert_whole(f);
    }
    assert_in_range(back, 4, 9); /* the last of them came too late */
}

/* To the middle of the change that it makes; false: it has ended before, or could not begin. */
static bool run_until_acting(struct fixture *f, struct maintain *act)
{
    for (int i = 0; i < 20 && !account_is_acting(f->desk.account); i++) {
        if (maintain_step(act, f->desk.now, &f->lines) == MAINTAIN_DONE)
            return false;
        jobs_settle(&f->desk.jobs);
    }
    return account_is_acting(f->desk.account);
}

/* The same, of one that is given up in the middle of its change: that is made all the same. */
static void test_undelete_given_up_between_steps_of_compaction(void **state)
{
    struct fixture *f = *state;
    struct maintain_options options;
    uint64_t back = 0;

    desk_close(&f->desk);
    f->desk.options.step_cost = 1;
    assert_int_equal(desk_open(&f->desk), ERR_OK);
    options = options_of(f, BYTES("undelete"), BYTES(""));
    for (uint32_t uid = 1; uid <= 10; uid++) {
        struct account_purged purged;
        struct maintain *act;
        uint64_t before;

        expunge(f, uid);
        before = account_used_messages(f->desk.account);
        assert_int_equal(account_purge(f->desk.account, (struct wall){ INT64_MAX }, &f->desk.waker),
                         ERR_OK);
        tick(f, 2 * uid); /* a step, and the rest after it */
        assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
        if (run_until_acting(f, act))
            (void)account_step(f->desk.account);
        maintain_free(act);
        for (int i = 0;
             i < 1000 && account_purge_result(f->desk.account, &purged, NULL) == ERR_BUSY; i++)
            tick(f, 1);
        back += account_used_messages(f->desk.account) - before;
        assert_whole(f);
    }
    assert_in_range(back, 4, 9);
}

/* One that was given up while it waited is not asked any more. */
static void test_who_waits_for_compaction_may_go(void **state)
{
    struct fixture *f = *state;
    struct maintain_options options = options_of(f, BYTES("log"), BYTES(""));
    struct account_purged purged;
    struct maintain *act;

    expunge(f, 3);
    assert_int_equal(account_purge(f->desk.account, (struct wall){ INT64_MAX }, &f->desk.waker),
                     ERR_OK);
    while (!account_compact_is_running(f->desk.account))
        (void)desk_tick(&f->desk), (void)jobs_deliver(&f->desk.jobs), desk_sync(&f->desk);
    (void)desk_tick(&f->desk);
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    assert_int_equal(maintain_step(act, f->desk.now, &f->lines), MAINTAIN_WAIT);
    maintain_free(act);
    tick(f, 100);
    assert_int_equal(account_purge_result(f->desk.account, &purged, NULL), ERR_OK);
}

/* Others may read the past for hours, at the pace of who listens to them: no step is asked for. */
static void test_purge_waits_for_who_reads(void **state)
{
    struct fixture *f = *state;
    struct maintain_options options = options_of(f, BYTES("purge"), BYTES(""));
    struct account_pause pause = { .waker = &f->desk.waker };
    struct maintain *act;
    unsigned wakes;

    expunge(f, 3);
    assert_true(account_compact_pause(f->desk.account, &pause));
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(maintain_step(act, f->desk.now, &f->lines), MAINTAIN_WAIT);
        jobs_settle(&f->desk.jobs);
        (void)desk_tick(&f->desk);
    }
    wakes = f->desk.wakes;
    account_compact_resume(f->desk.account, &pause, false);
    json_decref(run(f, act));
    assert_int_equal(f->desk.wakes, wakes + 1); /* once, when it has ended */
    maintain_free(act);
}

/* A step while the job runs does nothing; an act may be given up at any time. */
static void test_a_job_ends_unheard(void **state)
{
    struct fixture *f = *state;
    struct maintain_options options = options_of(f, BYTES("verify"), BYTES(""));
    struct maintain *act;
    unsigned wakes = f->desk.wakes;

    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    assert_int_equal(maintain_step(act, f->desk.now, &f->lines), MAINTAIN_WAIT);
    assert_int_equal(maintain_step(act, f->desk.now, &f->lines), MAINTAIN_WAIT);
    assert_true(jobs_run(&f->desk.jobs));
    assert_false(jobs_run(&f->desk.jobs)); /* there is one */
    maintain_free(act);
    jobs_settle(&f->desk.jobs);
    assert_int_equal(f->desk.wakes, wakes);
    assert_int_equal(maintain_new(&options, &act, NULL), ERR_OK);
    maintain_free(act); /* before its first step */
    maintain_free(NULL);
}

int main(void)
{
#define MAINTAIN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        MAINTAIN_TEST(test_requests_that_make_no_sense),
        MAINTAIN_TEST(test_arguments_have_a_maximum),
        MAINTAIN_TEST(test_verify_of_what_is_whole),
        MAINTAIN_TEST(test_verify_has_time),
        MAINTAIN_TEST(test_verify_names_the_damage),
        MAINTAIN_TEST(test_hold),
        MAINTAIN_TEST(test_undelete),
        MAINTAIN_TEST(test_purge),
        MAINTAIN_TEST(test_purge_counts_what_stays),
        MAINTAIN_TEST(test_purge_waits_for_who_reads),
        MAINTAIN_TEST(test_undelete_keeps_to_the_quota),
        MAINTAIN_TEST(test_rewind),
        MAINTAIN_TEST(test_rewind_too_far),
        MAINTAIN_TEST(test_log),
        MAINTAIN_TEST(test_a_long_log),
        MAINTAIN_TEST(test_nothing_is_compacted_meanwhile),
        MAINTAIN_TEST(test_undelete_between_steps_of_compaction),
        MAINTAIN_TEST(test_undelete_given_up_between_steps_of_compaction),
        MAINTAIN_TEST(test_who_waits_for_compaction_may_go),
        MAINTAIN_TEST(test_a_job_ends_unheard),
    };

    (void)setenv("TZ", "XST-1", 1); /* times in notes are local */
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
