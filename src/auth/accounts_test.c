/* The accounts database on a real disk, in a directory of the test's own. */
#include "auth/accounts.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/assert_bytes.h"

static const struct wall noon = { INT64_C(1700000000) * 1000000 };
static const struct wall later = { INT64_C(1700000100) * 1000000 };

static struct accounts_secret secret_of(const char *hash)
{
    struct accounts_secret secret = { .set = wall_seconds(noon) };

    (void)snprintf(secret.hash.text, sizeof(secret.hash.text), "%s", hash);
    return secret;
}

static int make_directory(void **state)
{
    char pattern[] = "/tmp/roost-accounts-XXXXXX";
    char *path = mkdtemp(pattern);

    *state = path == NULL ? NULL : strdup(path);
    return *state == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    static const char *const names[] = { "", "-wal", "-journal", "-shm" };
    char path[128];

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/accounts.db%s", (char *)*state, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(*state);
    free(*state);
    return 0;
}

static struct accounts *opened(const char *directory)
{
    struct accounts *accounts = NULL;
    struct note why = { "" };

    if (accounts_open(directory, &accounts, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return accounts;
}

static struct accounts_record added(struct accounts *accounts, const char *name)
{
    struct accounts_secret secret = secret_of("$y$x");
    struct accounts_record record;
    struct note why = { "" };

    if (accounts_add(accounts, bytes_from_string(name), &secret, &record, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return record;
}

static void test_add_and_find(void **state)
{
    struct accounts *accounts = opened(*state);
    struct accounts_record record = added(accounts, "J\xc3\xb6rg");
    struct accounts_record other = added(accounts, "anna@example.org");
    struct accounts_record found;
    struct accounts_secret secret;

    assert_memory_not_equal(record.id.raw, other.id.raw, ACCOUNTS_ID_BYTES);
    assert_int_equal(accounts_find(accounts, BYTES("J\xc3\x96RG"), &found, &secret), ERR_OK);
    assert_memory_equal(found.id.raw, record.id.raw, ACCOUNTS_ID_BYTES);
    ASSERT_BYTES(account_name_bytes(&found.name), BYTES("J\xc3\xb6rg"));
    assert_int_equal(found.created, 1700000000);
    assert_false(found.disabled);
    assert_false(found.has_scram);
    assert_int_equal(found.quota_bytes, 0);
    assert_string_equal(secret.hash.text, "$y$x");
    assert_int_equal(secret.scram.iterations, 0);
    assert_int_equal(accounts_find(accounts, BYTES("jorg"), &found, NULL), ERR_NOT_FOUND);
    assert_int_equal(accounts_find(accounts, BYTES(""), &found, NULL), ERR_NOT_FOUND);
    accounts_close(accounts);
}

static void test_refusals(void **state)
{
    struct accounts *accounts = opened(*state);
    struct accounts_secret secret = secret_of("$y$x");
    struct accounts_record record = added(accounts, "anna");
    struct note why = { "" };

    assert_int_equal(accounts_add(accounts, BYTES("ANNA"), &secret, &record, &why), ERR_EXISTS);
    assert_string_equal(why.text, "there is an account ANNA already");
    assert_int_equal(accounts_add(accounts, BYTES("a/b"), &secret, &record, &why), ERR_INVALID);
    assert_int_equal(accounts_remove(accounts, BYTES("bert"), noon, &record, &why), ERR_NOT_FOUND);
    assert_string_equal(why.text, "there is no account bert");
    assert_int_equal(accounts_set_password(accounts, BYTES("bert"), &secret, &record, &why),
                     ERR_NOT_FOUND);
    assert_int_equal(accounts_set_limits(accounts, BYTES("bert"), 1, false, &why), ERR_NOT_FOUND);
    assert_int_equal(accounts_set_limits(accounts, BYTES("anna"), UINT64_MAX, false, &why),
                     ERR_INVALID);
    accounts_close(accounts);
}

static void test_survives_reopening(void **state)
{
    struct accounts *accounts = opened(*state);
    struct accounts_record record = added(accounts, "anna");
    struct accounts_record found;
    struct accounts_secret secret = secret_of("$y$second");
    struct accounts_secret read;
    uint8_t fake[SCRAM_SECRET_BYTES];

    memcpy(fake, accounts_fake_secret(accounts), sizeof(fake));
    secret.set = wall_seconds(later);
    secret.scram.iterations = 100000;
    memset(secret.scram.salt, 1, SCRAM_SALT_BYTES);
    memset(secret.scram.stored_key, 2, SCRAM_KEY_BYTES);
    memset(secret.scram.server_key, 3, SCRAM_KEY_BYTES);
    assert_int_equal(accounts_set_password(accounts, BYTES("Anna"), &secret, &found, NULL), ERR_OK);
    assert_int_equal(accounts_set_limits(accounts, BYTES("anna"), 12345, true, NULL), ERR_OK);
    accounts_close(accounts);
    accounts = opened(*state);
    assert_int_equal(accounts_find(accounts, BYTES("anna"), &found, &read), ERR_OK);
    assert_memory_equal(found.id.raw, record.id.raw, ACCOUNTS_ID_BYTES);
    assert_int_equal(found.created, 1700000000);
    assert_int_equal(found.password_changed, 1700000100);
    assert_int_equal(found.quota_bytes, 12345);
    assert_true(found.disabled);
    assert_true(found.has_scram);
    assert_string_equal(read.hash.text, "$y$second");
    assert_memory_equal(&read.scram, &secret.scram, sizeof(read.scram));
    assert_int_equal(read.set, 1700000100);
    assert_memory_equal(accounts_fake_secret(accounts), fake, sizeof(fake));
    accounts_close(accounts);
}

static void test_list_pages(void **state)
{
    struct accounts *accounts = opened(*state);
    struct accounts_record page[ACCOUNTS_PAGE_MAX];
    char seen[64] = "";
    struct bytes after = { NULL, 0 };
    size_t count = 0;

    (void)added(accounts, "Delta");
    (void)added(accounts, "alpha");
    (void)added(accounts, "charlie");
    (void)added(accounts, "Bravo");
    (void)added(accounts, "echo");
    do {
        assert_int_equal(accounts_list(accounts, after, page, 2, &count), ERR_OK);
        for (size_t i = 0; i < count; i++)
            (void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%.*s ",
                           BYTES_ARG(account_name_bytes(&page[i].name)));
        after = account_name_bytes(&page[1].name);
    } while (count == 2);
    assert_string_equal(seen, "alpha Bravo charlie Delta echo ");
    assert_int_equal(accounts_list(accounts, BYTES("echo"), page, 2, &count), ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(accounts_list(accounts, BYTES(""), page, ACCOUNTS_PAGE_MAX + 1, &count),
                     ERR_INVALID);
    accounts_close(accounts);
}

static void test_recipients(void **state)
{
    static const struct {
        const char *address;
        const char *name; /* NULL: nobody */
    } cases[] = {
        { "demo@example.org", "demo" },
        { "DEMO+lists@Example.ORG", "demo" },
        { "anna@example.org", "anna@example.org" },
        { "anna@elsewhere.net", "anna@elsewhere.net" },
        { "demo@elsewhere.net", NULL },
        { "demo", "demo" },
        { "anna", NULL },
        { "nobody@example.org", NULL },
        { "", NULL },
    };
    struct bytes domain = BYTES("example.org");
    struct accounts *accounts = opened(*state);

    (void)added(accounts, "demo");
    (void)added(accounts, "anna@example.org");
    (void)added(accounts, "anna@elsewhere.net");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct accounts_record found;
        enum err err = accounts_find_recipient(accounts, bytes_from_string(cases[i].address),
                                               &domain, 1, &found);

        assert_int_equal(err, cases[i].name == NULL ? ERR_NOT_FOUND : ERR_OK);
        if (err == ERR_OK)
            ASSERT_BYTES(account_name_bytes(&found.name), bytes_from_string(cases[i].name));
    }
    accounts_close(accounts);
}

static void test_removal(void **state)
{
    struct accounts *accounts = opened(*state);
    struct accounts_record anna = added(accounts, "anna");
    struct accounts_record bert = added(accounts, "bert");
    struct accounts_record record;
    struct accounts_id first;
    struct accounts_id second;

    assert_int_equal(accounts_removed(accounts, NULL, &first), ERR_NOT_FOUND);
    assert_int_equal(accounts_remove(accounts, BYTES("anna"), later, &record, NULL), ERR_OK);
    assert_memory_equal(record.id.raw, anna.id.raw, ACCOUNTS_ID_BYTES);
    assert_int_equal(accounts_find(accounts, BYTES("anna"), &record, NULL), ERR_NOT_FOUND);
    assert_int_equal(accounts_remove(accounts, BYTES("bert"), later, &record, NULL), ERR_OK);
    record = added(accounts, "anna");
    assert_memory_not_equal(record.id.raw, anna.id.raw, ACCOUNTS_ID_BYTES);
    accounts_close(accounts);
    accounts = opened(*state);
    assert_int_equal(accounts_removed(accounts, NULL, &first), ERR_OK);
    assert_int_equal(accounts_removed(accounts, &first, &second), ERR_OK);
    assert_int_equal(accounts_removed(accounts, &second, &second), ERR_NOT_FOUND);
    assert_true(memcmp(first.raw, second.raw, ACCOUNTS_ID_BYTES) < 0);
    assert_int_equal(accounts_forget(accounts, anna.id), ERR_OK);
    assert_int_equal(accounts_forget(accounts, anna.id), ERR_NOT_FOUND);
    assert_int_equal(accounts_removed(accounts, NULL, &first), ERR_OK);
    assert_memory_equal(first.raw, bert.id.raw, ACCOUNTS_ID_BYTES);
    accounts_close(accounts);
}

/* What was found before a change is not believed after it. */
static void test_every_change_is_another_generation(void **state)
{
    struct accounts *accounts = opened(*state);
    uint64_t before = accounts_generation(accounts);
    struct accounts_record record;

    (void)added(accounts, "anna");
    assert_int_not_equal(accounts_generation(accounts), before);
    before = accounts_generation(accounts);
    assert_int_equal(accounts_find(accounts, BYTES("anna"), &record, NULL), ERR_OK);
    assert_int_equal(accounts_generation(accounts), before);
    assert_int_equal(accounts_set_limits(accounts, BYTES("anna"), 7, true, NULL), ERR_OK);
    assert_int_not_equal(accounts_generation(accounts), before);
    before = accounts_generation(accounts);
    assert_int_equal(accounts_remove(accounts, BYTES("anna"), later, &record, NULL), ERR_OK);
    assert_int_not_equal(accounts_generation(accounts), before);
    accounts_close(accounts);
}

/* As long as its mail may be in the trash; the last one of a name. */
static void test_who_was_removed(void **state)
{
    struct accounts *accounts = opened(*state);
    struct accounts_record anna = added(accounts, "Anna");
    struct accounts_record record;
    struct accounts_record second;
    struct wall removed;

    assert_int_equal(accounts_find_removed(accounts, BYTES("anna"), 0, &record, &removed),
                     ERR_NOT_FOUND);
    assert_int_equal(accounts_remove(accounts, BYTES("anna"), later, &record, NULL), ERR_OK);
    assert_int_equal(accounts_find_removed(accounts, BYTES("ANNA"), 0, &record, &removed), ERR_OK);
    assert_memory_equal(record.id.raw, anna.id.raw, ACCOUNTS_ID_BYTES);
    assert_int_equal(accounts_forget(accounts, anna.id), ERR_OK);
    accounts_close(accounts);
    accounts = opened(*state);
    assert_int_equal(accounts_find_removed(accounts, BYTES("anna"), 0, &record, &removed), ERR_OK);
    assert_memory_equal(record.id.raw, anna.id.raw, ACCOUNTS_ID_BYTES);
    ASSERT_BYTES(account_name_bytes(&record.name), BYTES("Anna"));
    for (int64_t i = 1; i <= 16; i++) { /* the same second; ids are random */
        second = added(accounts, "anna");
        assert_int_equal(
            accounts_remove(accounts, BYTES("anna"), (struct wall){ later.us + i }, &record, NULL),
            ERR_OK);
        assert_int_equal(accounts_find_removed(accounts, BYTES("anna"), 0, &record, &removed),
                         ERR_OK);
        assert_memory_equal(record.id.raw, second.id.raw, ACCOUNTS_ID_BYTES);
        assert_int_equal(removed.us, later.us + i);
    }
    assert_int_equal(accounts_find_removed(accounts, BYTES("anna"), 15, &record, &removed), ERR_OK);
    assert_int_equal(removed.us, later.us + 1);
    assert_int_equal(accounts_find_removed(accounts, BYTES("anna"), 16, &record, &removed), ERR_OK);
    assert_memory_equal(record.id.raw, anna.id.raw, ACCOUNTS_ID_BYTES);
    assert_int_equal(accounts_find_removed(accounts, BYTES("anna"), 17, &record, &removed),
                     ERR_NOT_FOUND);
    assert_int_equal(accounts_find_removed(accounts, BYTES("bert"), 0, &record, &removed),
                     ERR_NOT_FOUND);
    accounts_close(accounts);
}

/* Another process must not get in while we own it, and must once we are gone. */
static void test_one_owner(void **state)
{
    struct accounts *accounts = opened(*state);
    struct note why = { "" };
    int status = 0;
    pid_t pid;

    (void)added(accounts, "anna");
    pid = fork();
    if (pid == 0) {
        struct accounts *second = NULL;
        bool busy = accounts_open(*state, &second, &why) == ERR_BUSY &&
                    strstr(why.text, "in use by another process") != NULL && second == NULL;

        _exit(busy ? 0 : 1);
    }
    assert_true(waitpid(pid, &status, 0) == pid);
    assert_int_equal(status, 0);
    accounts_close(accounts);
    pid = fork();
    if (pid == 0) {
        struct accounts *second = NULL;

        _exit(accounts_open(*state, &second, &why) == ERR_OK ? 0 : 1);
    }
    assert_true(waitpid(pid, &status, 0) == pid);
    assert_int_equal(status, 0);
}

/* What was answered is there after a death without goodbye. */
static void test_killed(void **state)
{
    struct accounts_record record;
    struct accounts *accounts;
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct accounts_secret secret = secret_of("$y$x");
        struct note why;

        if (accounts_open(*state, &accounts, &why) == ERR_OK &&
            accounts_add(accounts, BYTES("anna"), &secret, &record, &why) == ERR_OK)
            _exit(0);
        _exit(1);
    }
    assert_true(waitpid(pid, &status, 0) == pid);
    assert_int_equal(status, 0);
    accounts = opened(*state);
    assert_int_equal(accounts_find(accounts, BYTES("anna"), &record, NULL), ERR_OK);
    accounts_close(accounts);
}

/* As a role that may not walk the way to its own directory. */
static void test_by_descriptor(void **state)
{
    int fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct accounts *accounts;
    char path[64];
    char outside[128];

    assert_true(fd >= 0);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    (void)snprintf(outside, sizeof(outside), "%s-moved", (char *)*state);
    assert_int_equal(rename(*state, outside), 0);
    accounts = opened(path);
    (void)added(accounts, "anna");
    accounts_close(accounts);
    assert_int_equal(rename(outside, *state), 0);
    assert_int_equal(close(fd), 0);
    accounts = opened(*state);
    accounts_close(accounts);
}

static void execute(const char *directory, const char *text)
{
    char path[128];
    sqlite3 *database = NULL;

    (void)snprintf(path, sizeof(path), "%s/accounts.db", directory);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void test_newer_schema(void **state)
{
    struct accounts *accounts = opened(*state);
    struct note why = { "" };

    accounts_close(accounts);
    execute(*state, "PRAGMA user_version = 2");
    assert_int_equal(accounts_open(*state, &accounts, &why), ERR_UNSUPPORTED);
    assert_non_null(strstr(why.text, "schema 2"));
    execute(*state, "PRAGMA application_id = 4711");
    assert_int_equal(accounts_open(*state, &accounts, &why), ERR_CORRUPT);
}

static void test_not_a_database(void **state)
{
    struct accounts *accounts = NULL;
    struct note why = { "" };
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/accounts.db", (char *)*state);
    file = fopen(path, "we");
    assert_non_null(file);
    for (int i = 0; i < 500; i++)
        (void)fputs("these are no accounts ", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(accounts_open(*state, &accounts, &why), ERR_CORRUPT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(accounts_open("/nonexistent/place", &accounts, &why), ERR_IO);
    assert_null(accounts);
    accounts_close(NULL);
}

static void test_bad_row(void **state)
{
    struct accounts *accounts = opened(*state);
    struct accounts_record record;
    struct accounts_record page[2];
    struct accounts_secret secret;
    size_t count;

    (void)added(accounts, "anna");
    accounts_close(accounts);
    execute(*state, "UPDATE account SET scram_iterations = 4096, scram_salt = x'00'");
    accounts = opened(*state);
    assert_int_equal(accounts_find(accounts, BYTES("anna"), &record, NULL), ERR_OK);
    assert_int_equal(accounts_find(accounts, BYTES("anna"), &record, &secret), ERR_CORRUPT);
    accounts_close(accounts);
    execute(*state, "UPDATE account SET name = ''");
    accounts = opened(*state);
    assert_int_equal(accounts_find(accounts, BYTES("anna"), &record, NULL), ERR_CORRUPT);
    assert_int_equal(accounts_list(accounts, BYTES(""), page, 2, &count), ERR_CORRUPT);
    accounts_close(accounts);
}

static void test_secret(void **state)
{
    struct accounts_policy policy = { .scheme = PASSWORD_ARGON2ID };
    struct accounts_secret secret;
    struct note why = { "" };

    (void)state;
    assert_int_equal(accounts_secret_make(BYTES("pw"), &policy, noon, &secret, &why), ERR_OK);
    assert_true(password_verify(BYTES("pw"), &secret.hash));
    assert_int_equal(secret.set, 1700000000);
    assert_int_equal(secret.scram.iterations, 0);
    policy.scram_iterations = 123456;
    assert_int_equal(accounts_secret_make(BYTES("pw"), &policy, noon, &secret, &why), ERR_OK);
    assert_int_equal(secret.scram.iterations, 123456);
    policy.scram_iterations = 1;
    assert_int_equal(accounts_secret_make(BYTES("pw"), &policy, noon, &secret, &why), ERR_INVALID);
    assert_int_equal(accounts_secret_make(BYTES(""), &policy, noon, &secret, &why), ERR_INVALID);
    assert_int_equal(secret.scram.iterations, 123456);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_add_and_find),
        TEST(test_refusals),
        TEST(test_survives_reopening),
        TEST(test_list_pages),
        TEST(test_recipients),
        TEST(test_removal),
        TEST(test_who_was_removed),
        TEST(test_one_owner),
        TEST(test_killed),
        TEST(test_every_change_is_another_generation),
        TEST(test_by_descriptor),
        TEST(test_newer_schema),
        TEST(test_secret),
        TEST(test_bad_row),
        TEST(test_not_a_database),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
