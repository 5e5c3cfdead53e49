/* Random acts: against a simple model, and the same account after it was opened again, whatever
 * happened to its derived files. */
#include <stdlib.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/random.h"
#include "kit/shadow.h"

static const char *const derived[] = { "checkpoint",     "checkpoint.rows.0", "checkpoint.rows.1",
                                       "checkpoint.new", "summary",           "summary.index" };

static uint64_t new_seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* Damages or removes derived files, or leaves them alone. */
static void hurt_derived(struct vfs *vfs, struct test_random *random)
{
    for (size_t i = 0; i < ARRAY_COUNT(derived); i++) {
        struct bytes file = mem_vfs_file(vfs, derived[i]);
        uint64_t how = test_random_below(random, 4);

        if (file.at == NULL)
            continue;
        if (how == 0)
            mem_vfs_remove(vfs, derived[i]);
        if (how == 1 && file.len > 0)
            mem_vfs_damage(vfs, derived[i], test_random_below(random, file.len), 0x11);
        if (how == 2)
            mem_vfs_put(vfs, derived[i],
                        bytes_slice(file, 0, (size_t)test_random_below(random, file.len + 1)));
    }
}

static void test_acts_and_reopenings(void **context)
{
    uint64_t seed = new_seed();
    struct test_random random = { seed + 1 };
    struct shadow *shadow = malloc(sizeof(*shadow));
    struct buf before = buf_make(1 << 26);
    struct buf after = buf_make(1 << 26);
    struct desk desk;
    bool hurt;

    (void)context;
    shadow_init(shadow, seed);
    shadow->with_large = true;
    desk_init(&desk, mem_vfs_new(seed));
    desk.options.checkpoint_bytes = 3000;
    desk.options.step_cost = test_random_below(&random, 2) == 0 ? 0 : 1;
    assert_int_equal(desk_open(&desk), ERR_OK);
    for (int round = 0; round < 16; round++) {
        for (int i = 0; i < 25; i++) {
            shadow_act(shadow, &desk);
            if (test_random_below(&random, 4) == 0)
                desk_sync(&desk);
            if (test_random_below(&random, 2) == 0)
                (void)desk_tick(&desk);
            if (test_random_below(&random, 8) == 0)
                account_trim(desk.account);
        }
        shadow_check(shadow, &desk);
        shadow_describe(&desk, true, &before);
        desk_close(&desk);
        hurt = test_random_below(&random, 2) == 0;
        if (hurt)
            hurt_derived(desk.vfs, &random);
        assert_int_equal(desk_open(&desk), ERR_OK);
        assert_true(hurt || desk.report.records_replayed == 0); /* all was in the checkpoint */
        assert_false(desk.report.unclean || desk.report.epoch);
        shadow_describe(&desk, true, &after);
        ASSERT_BYTES(buf_bytes(&after), buf_bytes(&before));
    }
    desk_close(&desk);
    assert_int_equal(mem_vfs_open_files(desk.vfs), 0);
    mem_vfs_free(desk.vfs);
    buf_done(&before);
    buf_done(&after);
    free(shadow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acts_and_reopenings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
