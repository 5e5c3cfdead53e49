/* Inside the auth role's walls: all of its work is possible, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "auth/sasl.h"
#include "daemon/auth/auth_role.h"
#include "kit/assert_bytes.h"
#include "sys/sandbox.h"

struct place {
    char path[64];
    int fd;
    struct sandbox_profile profile;
};

/* What a worker does. Answers 0 or the line of the first thing that failed. */
static int work(struct accounts *accounts)
{
    static const enum password_scheme schemes[] = { PASSWORD_YESCRYPT, PASSWORD_ARGON2ID };
    struct accounts_record record;
    struct note why = { "" };

    for (size_t i = 0; i < ARRAY_COUNT(schemes); i++) {
        struct accounts_policy policy = { schemes[i], SCRAM_ITERATIONS_MIN };
        struct accounts_secret secret;
        char name[16];

        (void)snprintf(name, sizeof(name), "user%zu", i);
        if (accounts_secret_make(BYTES("pencil"), &policy, (struct wall){ 0 }, &secret, &why) !=
            ERR_OK)
            return __LINE__;
        if (accounts_add(accounts, bytes_from_string(name), &secret, &record, &why) != ERR_OK)
            return __LINE__;
    }
    if (accounts_remove(accounts, BYTES("user1"), (struct wall){ 0 }, &record, &why) != ERR_OK)
        return __LINE__;
    return 0;
}

static int log_in(struct accounts *accounts)
{
    struct login_cache *cache = login_cache_new(10, 1000);
    struct sasl *sasl = sasl_new(&(struct sasl_options){
        .accounts = accounts, .cache = cache, .scram_iterations = SCRAM_ITERATIONS_MIN });
    struct sasl_client client = { .tls = true };
    struct sasl_exchange *plain = sasl_exchange_new(sasl, BYTES("PLAIN"), &client);
    struct sasl_exchange *scram = sasl_exchange_new(sasl, BYTES("SCRAM-SHA-256"), &client);
    struct mono now = { 1000 };
    int failed = 0;

    if (sasl_exchange_step(plain, BYTES("\0user0\0pencil"), now) != SASL_SUCCESS)
        failed = __LINE__;
    if (sasl_exchange_step(scram, BYTES("n,,n=user0,r=0123456789"), now) != SASL_CHALLENGE)
        failed = __LINE__;
    sasl_exchange_free(plain);
    sasl_exchange_free(scram);
    sasl_free(sasl);
    login_cache_free(cache);
    return failed;
}

static void *in_thread(void *context)
{
    struct accounts *accounts = NULL;
    struct place *place = context;
    static int failed;
    char path[64];
    struct note why;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", place->fd);
    if (accounts_open(path, &accounts, &why) != ERR_OK) {
        failed = __LINE__;
        return &failed;
    }
    failed = work(accounts);
    if (failed == 0)
        failed = log_in(accounts);
    accounts_close(accounts);
    return &failed;
}

static int do_all(void *context)
{
    pthread_t thread;
    void *failed = NULL;

    if (pthread_create(&thread, NULL, in_thread, context) != 0 ||
        pthread_join(thread, &failed) != 0)
        return ECHILD;
    return *(int *)failed;
}

static int read_elsewhere(void *context)
{
    (void)context;
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int go_out(void *context)
{
    (void)context;
    return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int start_a_program(void *context)
{
    (void)context;
    return execl("/bin/true", "true", NULL) < 0 ? errno : 0;
}

static int build(void **state)
{
    static struct place place;

    (void)snprintf(place.path, sizeof(place.path), "/tmp/roost-walls-XXXXXX");
    assert_non_null(mkdtemp(place.path));
    place.fd = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(place.fd >= 0);
    place.profile.role = "auth";
    auth_role_profile(place.fd, &place.profile);
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    char path[96];

    (void)close(place->fd);
    (void)snprintf(path, sizeof(path), "%s/accounts.db", place->path);
    (void)unlink(path);
    (void)rmdir(place->path);
    return 0;
}

static void test_walls(void **state)
{
    static const struct {
        int (*act)(void *context);
        enum sandbox_outcome outcome;
        bool needs_landlock;
    } cases[] = {
        { do_all, SANDBOX_ALLOWED, false },
        { read_elsewhere, SANDBOX_REFUSED, true },
        { go_out, SANDBOX_KILLED, false },
        { start_a_program, SANDBOX_KILLED, false },
    };
    struct place *place = *state;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct note why = { "" };
        int number = 0;
        enum sandbox_outcome outcome;

        if (cases[i].needs_landlock && sandbox_available().landlock_abi == 0)
            continue;
        outcome = sandbox_probe(&place->profile, cases[i].act, place, &number, &why);
        if (outcome != cases[i].outcome)
            fail_msg("case %zu: outcome %d, number %d, %s", i, (int)outcome, number, why.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_walls) };

    return cmocka_run_group_tests(tests, build, tear_down);
}
