/* Names that a change will give and free. */
#include "store/name_overlay.h"

#include "kit/assert_bytes.h"
#include "store/state.h"

static void add(struct state *state, uint32_t id, const char *name)
{
    state_add(state, state_mailbox_new(state, (struct mailbox_id){ id }, bytes_from_string(name)));
}

static void test_names(void **context)
{
    struct state state;
    struct name_overlay overlay = { .state = &state };

    state_init(&state);
    add(&state, 1, "INBOX");
    add(&state, 2, "a");
    assert_int_equal(name_overlay_find(&overlay, BYTES("a")).value, 2);
    assert_int_equal(name_overlay_find(&overlay, BYTES("b")).value, 0);
    name_overlay_set(&overlay, BYTES("b"), (struct mailbox_id){ 2 });
    name_overlay_set(&overlay, BYTES("a"), (struct mailbox_id){ 0 });
    name_overlay_set(&overlay, BYTES("c"), (struct mailbox_id){ 3 });
    assert_int_equal(name_overlay_find(&overlay, BYTES("a")).value, 0);
    assert_int_equal(name_overlay_find(&overlay, BYTES("b")).value, 2);
    assert_int_equal(name_overlay_find(&overlay, BYTES("c")).value, 3);
    assert_int_equal(name_overlay_find(&overlay, BYTES("INBOX")).value, 1);
    name_overlay_set(&overlay, BYTES("a"), (struct mailbox_id){ 4 });
    assert_int_equal(name_overlay_find(&overlay, BYTES("a")).value, 4);
    assert_int_equal(overlay.count, 3);
    name_overlay_done(&overlay);
    state_done(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
