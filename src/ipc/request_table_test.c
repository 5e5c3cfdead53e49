/* The law of the house: what may be said, and above all what may not. */
#include "ipc/request_table.h"

#include "kit/assert_bytes.h"

static void test_only_auth_announces_tickets(void **state)
{
    (void)state;
    for (int role = 0; role < IPC_ROLE_COUNT; role++) {
        assert_int_equal(ipc_is_allowed(IPC_TICKET, (enum ipc_role)role, IPC_ROLE_MAIL, 0),
                         role == IPC_ROLE_AUTH);
        assert_int_equal(ipc_is_allowed(IPC_DELIVERY_TICKET, (enum ipc_role)role, IPC_ROLE_MAIL, 0),
                         role == IPC_ROLE_AUTH);
    }
}

static void test_only_the_supervisor_hands_things_over(void **state)
{
    static const enum ipc_type given[] = { IPC_CONFIG, IPC_DIRECTORY, IPC_LISTENER, IPC_PEER };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(given); i++)
        for (int role = 0; role < IPC_ROLE_COUNT; role++)
            assert_int_equal(ipc_is_allowed(given[i], (enum ipc_role)role, IPC_ROLE_GATE, 1),
                             role == IPC_ROLE_SUPERVISOR);
    assert_false(ipc_is_allowed(IPC_CERTIFICATE, IPC_ROLE_SUPERVISOR, IPC_ROLE_GATE, 1));
    assert_false(ipc_is_allowed(IPC_DIRECTORY, IPC_ROLE_SUPERVISOR, IPC_ROLE_TLS, 1));
}

static void test_descriptors_are_counted(void **state)
{
    (void)state;
    assert_true(ipc_is_allowed(IPC_HANDOFF, IPC_ROLE_GATE, IPC_ROLE_MAIL, 1));
    assert_false(ipc_is_allowed(IPC_HANDOFF, IPC_ROLE_GATE, IPC_ROLE_MAIL, 0));
    assert_false(ipc_is_allowed(IPC_HANDOFF, IPC_ROLE_GATE, IPC_ROLE_MAIL, 2));
    assert_false(ipc_is_allowed(IPC_TICKET, IPC_ROLE_AUTH, IPC_ROLE_MAIL, 1));
    assert_true(ipc_is_allowed(IPC_TLS_ANSWER, IPC_ROLE_TLS, IPC_ROLE_GATE, 0));
    assert_true(ipc_is_allowed(IPC_TLS_ANSWER, IPC_ROLE_TLS, IPC_ROLE_GATE, 1));
    assert_false(ipc_is_allowed(IPC_TLS_ANSWER, IPC_ROLE_TLS, IPC_ROLE_GATE, 2));
}

static void test_unknown_types_are_not_allowed(void **state)
{
    (void)state;
    assert_false(ipc_is_allowed((enum ipc_type)0, IPC_ROLE_SUPERVISOR, IPC_ROLE_GATE, 0));
    assert_false(ipc_is_allowed((enum ipc_type)31, IPC_ROLE_SUPERVISOR, IPC_ROLE_GATE, 0));
}

static void test_who_talks(void **state)
{
    /* Pairs beside those with the supervisor, who talks to all. */
    static const enum ipc_role pairs[][2] = {
        { IPC_ROLE_TLS, IPC_ROLE_GATE },     { IPC_ROLE_GATE, IPC_ROLE_AUTH },
        { IPC_ROLE_GATE, IPC_ROLE_MAIL },    { IPC_ROLE_AUTH, IPC_ROLE_MAIL },
        { IPC_ROLE_AUTH, IPC_ROLE_CONTROL }, { IPC_ROLE_MAIL, IPC_ROLE_CONTROL },
        { IPC_ROLE_TLS, IPC_ROLE_CONTROL },  { IPC_ROLE_GATE, IPC_ROLE_CONTROL },
    };
    size_t talking = 0;

    (void)state;
    for (int a = 1; a < IPC_ROLE_COUNT; a++) {
        assert_true(ipc_roles_talk(IPC_ROLE_SUPERVISOR, (enum ipc_role)a));
        for (int b = a; b < IPC_ROLE_COUNT; b++)
            talking += ipc_roles_talk((enum ipc_role)a, (enum ipc_role)b) ? 1 : 0;
    }
    assert_int_equal(talking, ARRAY_COUNT(pairs));
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++)
        assert_true(ipc_roles_talk(pairs[i][1], pairs[i][0]));
}

static void test_requests_and_answers_belong_together(void **state)
{
    size_t count;
    const struct ipc_rule *rules = ipc_rules(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        size_t partners = 0;

        for (size_t j = 0; j < count; j++) {
            enum ipc_type a = (enum ipc_type)rules[i].type;
            enum ipc_type b = (enum ipc_type)rules[j].type;
            bool as_answer = ipc_is_answer_to(a, b);
            bool as_request = ipc_is_answer_to(b, a);

            /* An answer travels the other way. */
            if (as_answer)
                assert_true(rules[i].from == rules[j].to && rules[i].to == rules[j].from);
            assert_false(as_answer && rules[j].kind != IPC_KIND_REQUEST);
            assert_false(as_request && rules[j].kind != IPC_KIND_ANSWER);
            partners += as_answer || as_request ? 1 : 0;
        }
        assert_int_equal(partners == 0, rules[i].kind == IPC_KIND_ORDER);
    }
}

static void test_rules_are_unique_and_named(void **state)
{
    size_t count;
    const struct ipc_rule *rules = ipc_rules(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(ipc_rule_find((enum ipc_type)rules[i].type), &rules[i]);
        assert_non_null(rules[i].name);
    }
    for (int i = 0; i < IPC_RESULT_COUNT; i++)
        assert_string_not_equal(ipc_result_text((enum ipc_result)i), "unknown");
    for (int i = 0; i < IPC_ROLE_COUNT; i++)
        assert_string_not_equal(ipc_role_name((enum ipc_role)i), "unknown");
}

static void test_who_is_trusted_less(void **state)
{
    (void)state;
    assert_int_equal(ipc_less_trusted(IPC_ROLE_GATE, IPC_ROLE_AUTH), IPC_ROLE_GATE);
    assert_int_equal(ipc_less_trusted(IPC_ROLE_AUTH, IPC_ROLE_GATE), IPC_ROLE_GATE);
    assert_int_equal(ipc_less_trusted(IPC_ROLE_TLS, IPC_ROLE_GATE), IPC_ROLE_GATE);
    assert_int_equal(ipc_less_trusted(IPC_ROLE_AUTH, IPC_ROLE_MAIL), IPC_ROLE_MAIL);
    assert_int_equal(ipc_less_trusted(IPC_ROLE_CONTROL, IPC_ROLE_MAIL), IPC_ROLE_CONTROL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_auth_announces_tickets),
        cmocka_unit_test(test_only_the_supervisor_hands_things_over),
        cmocka_unit_test(test_descriptors_are_counted),
        cmocka_unit_test(test_unknown_types_are_not_allowed),
        cmocka_unit_test(test_who_talks),
        cmocka_unit_test(test_requests_and_answers_belong_together),
        cmocka_unit_test(test_rules_are_unique_and_named),
        cmocka_unit_test(test_who_is_trusted_less),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
