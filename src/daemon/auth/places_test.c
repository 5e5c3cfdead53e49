/* Where accounts are served: by the rule, or where the supervisor says. */
#include "daemon/auth/places.h"

#include "kit/auth_role.h"

enum { SHARDS = 2, APART = SHARDS + 1 };

static struct ipc_place place_of(unsigned number, uint16_t shard)
{
    return (struct ipc_place){ { { (uint8_t)number, (uint8_t)(number >> 8) } }, shard };
}

static void test_the_table(void **state)
{
    struct places places = { .count = 0 };
    struct ipc_place place = place_of(5, APART);
    struct ipc_place other = place_of(4, APART);

    (void)state;
    assert_int_equal(places_shard_of(&places, &place.account_id, SHARDS), 1);
    assert_true(places_set(&places, &place));
    assert_true(places_set(&places, &place)); /* told again */
    assert_int_equal(places.count, 1);
    assert_int_equal(places_shard_of(&places, &place.account_id, SHARDS), APART);
    assert_int_equal(places_shard_of(&places, &other.account_id, SHARDS), 0);
    place.shard = APART + 1;
    assert_true(places_set(&places, &place));
    assert_int_equal(places_shard_of(&places, &place.account_id, SHARDS), APART + 1);
}

static void test_the_table_is_bounded(void **state)
{
    struct places places = { .count = 0 };
    struct ipc_place place;

    (void)state;
    for (unsigned i = 0; i < IPC_PLACES_MAX; i++) {
        place = place_of(i, APART);
        assert_true(places_set(&places, &place));
    }
    assert_true(places_set(&places, &place));
    place = place_of(1000, APART);
    assert_false(places_set(&places, &place));
    assert_int_equal(places_shard_of(&places, &place.account_id, SHARDS), 0);
}

/* The id of anna, as her shard hears it. */
static struct ipc_account_id id_of_anna(struct auth_fixture *f)
{
    struct ipc_account_id id;

    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    id = auth_hear(f, f->mail, IPC_TICKET)->ticket_announce.account_id;
    fd_close(&f->mail); /* and then dies */
    (void)auth_hear_result(f, IPC_UNAVAILABLE);
    return id;
}

static void test_logins_and_mail_go_there(void **state)
{
    struct auth_fixture *f = *state;
    struct ipc_message place = { IPC_PLACE, { .place = { id_of_anna(f), APART } } };
    struct ipc_message recipient = {
        IPC_RECIPIENT, { .recipient = { ++f->request, IPC_SERVICE_LMTP, 7, BYTES("anna"), 0 } }
    };

    fake_say(f->supervisor, &place, -1);
    f->mail = fake_join(f->supervisor, IPC_ROLE_MAIL, 0, 10); /* the next in the old place */
    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    (void)auth_hear_result(f, IPC_UNAVAILABLE); /* the new one is not there yet */
    fake_hear_nothing(f->loop, f->mail);
    fd_close(&f->mail);
    f->mail = fake_join(f->supervisor, IPC_ROLE_MAIL, APART, 9);
    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    auth_shard_answers(f, IPC_SERVICE_IMAP, IPC_OK);
    assert_int_equal(auth_hear_result(f, IPC_OK)->shard, APART);
    recipient.recipient.request = ++f->request;
    fake_say(f->gate, &recipient, -1);
    auth_shard_hears(f);
    assert_int_equal(auth_hear(f, f->gate, IPC_RECIPIENT_RESULT)->recipient_result.shard, APART);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table),
        cmocka_unit_test(test_the_table_is_bounded),
        AUTH_TEST(test_logins_and_mail_go_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
