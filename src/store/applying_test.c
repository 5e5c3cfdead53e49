/* Records in steps of any size: the state is the same in the end as after one step. */
#include "store/applying.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/random.h"
#include "kit/state_dump.h"
#include "store/apply.h"

enum {
    BOXES = 4,
    MESSAGES = 2 * BLOCK_ROWS + 700, /* more than a piece of columns */
    RANGES_MAX = 3000,
    ROUNDS = 60,
    DUMP_BYTES_MAX = 64 << 20,
};

struct scene {
    struct state whole; /* each record at once */
    struct state stepped;
    struct test_random random;
    struct buf ops;
    uint64_t number;
    uint64_t bodies;
    uint32_t mailboxes;
};

static uint64_t below(struct scene *scene, uint64_t end)
{
    return test_random_below(&scene->random, end);
}

static void begin(struct scene *scene, uint64_t seed)
{
    *scene = (struct scene){ .random = { seed }, .ops = buf_make(RECORD_CHANGE_BYTES_MAX) };
    state_init(&scene->whole);
    state_init(&scene->stepped);
}

static void done(struct scene *scene)
{
    state_done(&scene->whole);
    state_done(&scene->stepped);
    buf_done(&scene->ops);
}

static void start_change(struct scene *scene)
{
    struct origin origin = { .protocol = PROTOCOL_IMAP };

    buf_clear(&scene->ops);
    op_origin_encode(&scene->ops, &origin);
}

static struct log_record record_of(struct scene *scene)
{
    return (struct log_record){ .type = RECORD_CHANGE,
                                .place = { 4, 1 << 20 },
                                .number = { scene->number },
                                .payload = buf_bytes(&scene->ops) };
}

static void apply_in_steps(struct state *state, const struct log_record *record, uint32_t cost)
{
    struct applying applying;

    assert_true(applying_begin(&applying, state, record, false));
    while (!applying_step(&applying, cost))
        assert_true(state->change.value < record->number.value);
    assert_int_equal(state->change.value, record->number.value);
    applying_done(&applying);
}

static void compare(struct scene *scene)
{
    struct buf whole = buf_make(DUMP_BYTES_MAX);
    struct buf stepped = buf_make(DUMP_BYTES_MAX);

    state_dump(&scene->whole, &whole);
    state_dump(&scene->stepped, &stepped);
    assert_false(whole.overflowed);
    ASSERT_BYTES(buf_bytes(&stepped), buf_bytes(&whole));
    assert_int_equal(scene->stepped.bodies.living_bytes, scene->whole.bodies.living_bytes);
    assert_int_equal(scene->stepped.garbage, scene->whole.garbage);
    assert_int_equal(body_table_messages(&scene->whole.bodies), scene->whole.used_messages);
    assert_int_equal(body_table_messages(&scene->stepped.bodies), scene->whole.used_messages);
    buf_done(&whole);
    buf_done(&stepped);
}

static void commit(struct scene *scene, uint32_t cost)
{
    struct log_record record;

    scene->number++;
    record = record_of(scene);
    assert_true(apply_record(&scene->whole, &record));
    apply_in_steps(&scene->stepped, &record, cost);
}

static void add(struct scene *scene, const struct op *op)
{
    op_encode(&scene->ops, op);
}

static void make_mailbox(struct scene *scene)
{
    char name[16];
    struct op op = { .code = OP_MAILBOX_CREATE };

    snprintf(name, sizeof(name), "box %u", scene->mailboxes);
    op.as.mailbox = (struct op_mailbox){ .id = { ++scene->mailboxes },
                                         .uidvalidity = scene->mailboxes,
                                         .name = bytes_from_string(name) };
    add(scene, &op);
}

static struct mailbox *any_box(struct scene *scene)
{
    return scene->whole.by_id[below(scene, scene->whole.mailbox_count)];
}

static void put_body(struct scene *scene, const struct mailbox *box, uint32_t uid, uint64_t body)
{
    static const struct bytes keywords[] = { { (const uint8_t *)"one", 3 },
                                             { (const uint8_t *)"two", 3 },
                                             { (const uint8_t *)"three", 5 } };
    struct op op = { .code = OP_PUT };

    op.as.put = (struct op_put){
        .mailbox = box->id,
        .uid = { uid },
        .body = { body },
        .place = { 4, 64 * body },
        .size = 10 + body % 1000,
        .flags = { .flags = (uint16_t)below(scene, FLAGS_ALL + 1),
                   .keywords = { .list = keywords + below(scene, 3), .count = uid % 50 == 0 } },
        .internal_date = { .seconds = (int64_t)below(scene, 1 << 30), .zone = 60 },
        .save_date = 5,
        .thread = { body },
    };
    add(scene, &op);
}

/* New ones, and some that were there once: their bodies may be long forgotten (in one of the two
 * states). */
static void put_many(struct scene *scene, uint32_t count)
{
    const struct mailbox *box = any_box(scene);
    uint64_t old = scene->bodies == 0 ? 0 : 1 + below(scene, scene->bodies);

    for (uint32_t i = 0; i < count; i++) {
        bool is_old = old > 0 && below(scene, 2) == 0;

        put_body(scene, box, box->uidnext + i, is_old ? old : ++scene->bodies);
        old = is_old && old > 1 ? old - 1 : old;
    }
}

/* UIDs that may have messages, and some that never had; long ranges or many. */
static struct uid_set any_set(struct scene *scene, const struct mailbox *box,
                              struct uid_range ranges[RANGES_MAX])
{
    uint64_t step = below(scene, 3) == 0 ? 2 : 2 + below(scene, 1 + box->uidnext / 4);
    uint64_t next = 1 + below(scene, box->uidnext);
    struct uid_set set = { ranges, 0 };

    do {
        uint64_t last = next + below(scene, step);

        ranges[set.count++] = (struct uid_range){ (uint32_t)next, (uint32_t)last };
        next = last + 2 + below(scene, step);
    } while (next < box->uidnext && set.count < RANGES_MAX);
    return set;
}

static void add_flags(struct scene *scene, struct mailbox *box, struct uid_set set)
{
    struct bytes keyword = below(scene, 2) == 0 ? BYTES("four") : BYTES("one");
    struct op op = { .code = OP_FLAGS };

    op.as.flags = (struct op_flags){
        .mailbox = box->id,
        .mode = (uint8_t)below(scene, 3),
        .flags = { .flags = (uint16_t)below(scene, FLAGS_ALL + 1),
                   .keywords = { .list = &keyword, .count = (uint32_t)below(scene, 2) } },
        .uids = { .set = set },
    };
    add(scene, &op);
}

static void add_copy(struct scene *scene, struct mailbox *box, struct uid_set set)
{
    struct mailbox *to = any_box(scene);
    struct op op = { .code = below(scene, 2) == 0 ? OP_COPY : OP_MOVE };

    op.as.copy = (struct op_copy){ .from = box->id,
                                   .to = to->id,
                                   .first = { to->uidnext + (uint32_t)below(scene, 3) },
                                   .save_date = 77,
                                   .uids = { .set = set } };
    add(scene, &op);
}

static void add_any(struct scene *scene)
{
    static struct uid_range ranges[RANGES_MAX];
    struct mailbox *box = any_box(scene);
    struct uid_set set = any_set(scene, box, ranges);
    struct op op = { .code = OP_EXPUNGE };

    switch (below(scene, 10)) {
    case 0:
        op.code = OP_MAILBOX_DELETE;
        op.as.mailbox.id = box->id;
        if (scene->whole.mailbox_count > 1)
            add(scene, &op);
        make_mailbox(scene);
        break;
    case 1:
    case 2:
        op.as.expunge = (struct op_expunge){ box->id, { .set = set } };
        add(scene, &op);
        break;
    case 3:
    case 4:
    case 5: add_flags(scene, box, set); break;
    case 6: put_many(scene, (uint32_t)below(scene, 2000)); break;
    case 7: body_table_purge(&scene->stepped.bodies, scene->number); break;
    default: add_copy(scene, box, set); break;
    }
}

static uint64_t new_seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static void test_steps_of_any_size(void **context)
{
    struct scene scene;

    (void)context;
    begin(&scene, new_seed());
    start_change(&scene);
    for (int i = 0; i < BOXES; i++)
        make_mailbox(&scene);
    commit(&scene, 1);
    for (int i = 0; i < BOXES; i++) {
        start_change(&scene);
        put_many(&scene, MESSAGES);
        commit(&scene, 100000);
    }
    for (int i = 0; i < ROUNDS; i++) {
        static const uint32_t costs[] = { 1, 7, 300, 5000, 100000 };

        start_change(&scene);
        for (uint64_t ops = 1 + below(&scene, 2); ops > 0; ops--)
            add_any(&scene);
        commit(&scene, costs[below(&scene, ARRAY_COUNT(costs))]);
        if (i % 10 == 9)
            compare(&scene);
    }
    done(&scene);
}

/* Given up in the middle: nothing is left behind, and the state can still be freed. */
static void test_given_up(void **context)
{
    const struct uid_range some = { 1, MESSAGES };
    struct op op = { .code = OP_EXPUNGE };
    struct applying applying;
    struct log_record record;
    struct scene scene;

    (void)context;
    begin(&scene, 1);
    start_change(&scene);
    make_mailbox(&scene);
    commit(&scene, 1);
    start_change(&scene);
    put_many(&scene, MESSAGES);
    commit(&scene, UINT32_MAX);
    start_change(&scene);
    op.as.expunge = (struct op_expunge){ { 1 }, { .set = { &some, 1 } } };
    add(&scene, &op);
    scene.number++;
    record = record_of(&scene);
    assert_true(applying_begin(&applying, &scene.stepped, &record, false));
    assert_false(applying_step(&applying, 1));
    assert_false(applying_step(&applying, BLOCK_ROWS));
    applying_done(&applying);
    done(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_of_any_size),
        cmocka_unit_test(test_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
