/* The accounts database, copied and read again; accounts out of it in another one. */
#include "auth/accounts_copy.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/accounts_internal.h"
#include "base/buf.h"
#include "kit/assert_bytes.h"
#include "sys/files.h"

static const struct wall noon = { INT64_C(1700000000) * 1000000 };

struct scene {
    char directory[40];
    struct accounts *accounts;
    struct buf copy; /* of the database */
    char name[ACCOUNTS_COPY_NAME_BYTES]; /* of the last one */
};

static struct accounts_secret a_secret(void)
{
    struct accounts_secret secret = { .set = wall_seconds(noon), .scram = { .iterations = 4096 } };

    (void)snprintf(secret.hash.text, sizeof(secret.hash.text), "$y$hash");
    memset(secret.scram.salt, 7, sizeof(secret.scram.salt));
    memset(secret.scram.server_key, 9, sizeof(secret.scram.server_key));
    return secret;
}

static struct accounts_record add(struct accounts *accounts, const char *name)
{
    struct accounts_secret secret = a_secret();
    struct accounts_record record;
    struct note why = { "" };

    assert_int_equal(accounts_add(accounts, bytes_from_string(name), &secret, &record, &why),
                     ERR_OK);
    return record;
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct note why = { "" };

    memcpy(scene->directory, "/tmp/roost-accounts-XXXXXX", 27);
    assert_non_null(mkdtemp(scene->directory));
    assert_int_equal(accounts_open(scene->directory, &scene->accounts, &why), ERR_OK);
    scene->copy = buf_make(1 << 24);
    *state = scene;
    return 0;
}

static void path_of(const struct scene *scene, const char *name, char out_path[80])
{
    (void)snprintf(out_path, 80, "%s/%s", scene->directory, name);
}

static int tear_down(void **state)
{
    static const char *const names[] = { "accounts.db", "accounts.db-wal" };
    struct scene *scene = *state;
    char path[80];

    accounts_close(scene->accounts);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        path_of(scene, names[i], path);
        file_remove(path);
    }
    assert_int_equal(rmdir(scene->directory), 0);
    buf_done(&scene->copy);
    free(scene);
    return 0;
}

static struct accounts *copied(struct scene *scene)
{
    struct accounts *copy = NULL;
    struct note why = { "" };
    char path[80];

    assert_int_equal(accounts_copy(scene->accounts, scene->directory, scene->name, &why), ERR_OK);
    assert_true(accounts_copy_is_name(scene->name));
    path_of(scene, scene->name, path);
    buf_clear(&scene->copy);
    assert_int_equal(file_read(path, &scene->copy, &why), ERR_OK);
    file_remove(path);
    assert_int_equal(accounts_open_copy(buf_bytes(&scene->copy), &copy, &why), ERR_OK);
    return copy;
}

static void test_a_copy_has_all(void **state)
{
    struct scene *scene = *state;
    struct accounts_record ann = add(scene->accounts, "ann");
    struct accounts_secret secret;
    struct accounts_record found;
    struct accounts *copy = copied(scene);

    assert_int_equal(accounts_find(copy, BYTES("Ann"), &found, &secret), ERR_OK);
    assert_memory_equal(&found.id, &ann.id, sizeof(ann.id));
    assert_string_equal(secret.hash.text, "$y$hash");
    assert_int_equal(secret.scram.server_key[3], 9);
    assert_memory_equal(accounts_fake_secret(copy), accounts_fake_secret(scene->accounts), 16);
    (void)add(scene->accounts, "bob"); /* the copy is of then */
    assert_int_equal(accounts_find(copy, BYTES("bob"), &found, NULL), ERR_NOT_FOUND);
    accounts_close(copy);
    copy = copied(scene);
    assert_int_equal(accounts_find(copy, BYTES("bob"), &found, NULL), ERR_OK);
    accounts_close(copy);
}

/* Copies by the files into a directory of its own, and opens that. */
static struct accounts *copied_by_files(const char *directory, char into[40], enum err wanted)
{
    struct accounts *copy = NULL;
    struct note why = { "" };

    memcpy(into, "/tmp/roost-accounts-XXXXXX", 27);
    assert_non_null(mkdtemp(into));
    assert_int_equal(accounts_copy_files(directory, into, &why), wanted);
    if (wanted == ERR_OK)
        assert_int_equal(accounts_open(into, &copy, &why), ERR_OK);
    return copy;
}

static void done_by_files(struct accounts *copy, const char *into)
{
    char path[80];

    accounts_close(copy);
    (void)snprintf(path, sizeof(path), "%s/accounts.db", into);
    file_remove(path);
    assert_int_equal(rmdir(into), 0); /* there is no log beside it */
}

static size_t count_of(struct accounts *accounts)
{
    struct account_name last = { .len = 0 };
    struct accounts_record page[64];
    size_t count = ARRAY_COUNT(page);
    size_t all = 0;

    while (count == ARRAY_COUNT(page)) {
        assert_int_equal(
            accounts_list(accounts, account_name_bytes(&last), page, ARRAY_COUNT(page), &count),
            ERR_OK);
        all += count;
        if (count > 0)
            last = page[count - 1].name;
    }
    return all;
}

static void test_a_copy_of_the_files(void **state)
{
    struct scene *scene = *state;
    char into[40];
    char path[80];
    struct accounts *copy;

    for (size_t i = 1; i < 4; i++) {
        char name[8];

        (void)snprintf(name, sizeof(name), "n%zu", i);
        (void)add(scene->accounts, name);
        if (i == 3) { /* all of it is in the database then, and there is no log */
            accounts_close(scene->accounts);
            scene->accounts = NULL;
        }
        copy = copied_by_files(scene->directory, into, ERR_OK);
        assert_int_equal(count_of(copy), i);
        done_by_files(copy, into);
    }
    path_of(scene, "accounts.db", path);
    file_remove(path);
    done_by_files(copied_by_files(scene->directory, into, ERR_NOT_FOUND), into);
}

/* The owner, in a process of its own, tells how many there are, at least. */
static void add_on(const char *directory, _Atomic size_t *told, size_t count)
{
    struct accounts *accounts;

    if (accounts_open(directory, &accounts, NULL) != ERR_OK ||
        sqlite3_exec(accounts->database, "PRAGMA wal_autocheckpoint = 4", NULL, NULL, NULL) !=
            SQLITE_OK)
        _exit(1);
    for (size_t i = 0; i < count; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "n%zu", i);
        (void)add(accounts, name);
        atomic_store(told, i + 1);
    }
    _exit(0); /* as it is: the log stays */
}

/* Whatever the owner does meanwhile, and SQLite with the log: a copy has all that was there before,
 * and nothing in part. */
static void test_the_owner_goes_on(void **state)
{
    enum { ACCOUNTS = 5000 }; /* the log begins anew after every few */
    struct scene *scene = *state;
    _Atomic size_t *told =
        mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    size_t last = 0;
    int status = 0;
    pid_t child;

    accounts_close(scene->accounts);
    scene->accounts = NULL;
    atomic_store(told, 0);
    child = fork();
    if (child == 0)
        add_on(scene->directory, told, ACCOUNTS);
    while (last < ACCOUNTS) {
        size_t before = atomic_load(told);
        struct accounts *copy;
        char into[40];

        copy = copied_by_files(scene->directory, into, ERR_OK);
        last = count_of(copy);
        assert_in_range(last, before, before + 500);
        done_by_files(copy, into);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(munmap(told, sizeof(*told)), 0);
}

static void test_what_is_no_copy(void **state)
{
    struct scene *scene = *state;
    struct note why = { "" };
    struct accounts *copy;

    accounts_close(copied(scene));
    assert_int_equal(accounts_open_copy(BYTES(""), &copy, &why), ERR_CORRUPT);
    memset(scene->copy.at, 'x', 100);
    assert_int_equal(accounts_open_copy(buf_bytes(&scene->copy), &copy, &why), ERR_CORRUPT);
    assert_int_equal(accounts_copy(scene->accounts, "/nonexistent/place", scene->name, &why),
                     ERR_IO);
}

static void test_copies_are_of_their_own(void **state)
{
    struct scene *scene = *state;
    char first[ACCOUNTS_COPY_NAME_BYTES];
    struct timespec long_ago[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
    struct note why = { "" };
    char path[80];

    assert_int_equal(accounts_copy(scene->accounts, scene->directory, first, &why), ERR_OK);
    accounts_close(copied(scene));
    assert_string_not_equal(first, scene->name);
    path_of(scene, first, path);
    assert_int_equal(access(path, F_OK), 0); /* somebody may be reading it */
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    accounts_close(copied(scene));
    assert_int_equal(access(path, F_OK), -1); /* who wanted it has died */
    assert_false(accounts_copy_is_name("accounts.copy.0123456789abcde/"));
    assert_false(accounts_copy_is_name("accounts.copy.0123456789abcdef0"));
    assert_false(accounts_copy_is_name("accounts.db"));
}

static void test_an_account_comes_back(void **state)
{
    struct scene *scene = *state;
    struct accounts_record ann = add(scene->accounts, "ann");
    struct accounts_record record;
    struct accounts_record found;
    struct accounts_secret secret;
    struct accounts_id id;
    struct note why = { "" };
    struct accounts *copy;
    struct wall removed;

    assert_int_equal(accounts_set_limits(scene->accounts, BYTES("ann"), 1000, true, &why), ERR_OK);
    copy = copied(scene);
    assert_int_equal(accounts_find(copy, BYTES("ann"), &record, &secret), ERR_OK);
    assert_int_equal(accounts_restore(scene->accounts, &record, &secret, &why), ERR_EXISTS);
    assert_int_equal(accounts_remove(scene->accounts, BYTES("ann"), noon, &found, &why), ERR_OK);
    memset(&secret, 0, sizeof(secret));
    assert_int_equal(accounts_find(copy, BYTES("ann"), &record, &secret), ERR_OK);
    assert_int_equal(accounts_restore(scene->accounts, &record, &secret, &why), ERR_OK);
    assert_int_equal(accounts_find(scene->accounts, BYTES("ann"), &found, &secret), ERR_OK);
    assert_memory_equal(&found.id, &ann.id, sizeof(ann.id));
    assert_int_equal(found.quota_bytes, 1000);
    assert_true(found.disabled && found.has_scram);
    assert_int_equal(found.created, ann.created);
    assert_string_equal(secret.hash.text, "$y$hash");
    assert_int_equal(secret.scram.salt[0], 7);
    assert_int_equal(accounts_removed(scene->accounts, NULL, &id), ERR_NOT_FOUND);
    assert_int_equal(accounts_find_removed(scene->accounts, BYTES("ann"), 0, &found, &removed),
                     ERR_NOT_FOUND);
    accounts_close(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_copy_has_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_copy_of_the_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_owner_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_account_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copies_are_of_their_own, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
