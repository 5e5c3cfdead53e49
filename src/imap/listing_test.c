/* The walk over names: order, levels, and changes while it goes on. */
#include "imap/listing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "imap/wire/list.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"

struct bench {
    struct vfs *vfs;
    struct desk desk;
};

static void create(struct bench *bench, const char *name)
{
    struct origin origin = desk_origin(&bench->desk);

    assert_int_equal(
        act_mailbox_create(bench->desk.account, &origin, bytes_from_string(name), 0, NULL), ERR_OK);
}

static void delete (struct bench *bench, const char *name)
{
    struct origin origin = desk_origin(&bench->desk);

    assert_int_equal(
        act_mailbox_delete(bench->desk.account, &origin, desk_mailbox(&bench->desk, name)), ERR_OK);
}

static void subscribe(struct bench *bench, const char *name, bool on)
{
    struct origin origin = desk_origin(&bench->desk);

    assert_int_equal(act_subscribe(bench->desk.account, &origin, bytes_from_string(name), on),
                     ERR_OK);
}

/* An account whose only names are INBOX and those of the test, and nothing is subscribed. */
static void open_bench(struct bench *bench)
{
    static const char *const born[] = { "Archive", "Drafts", "Junk", "Sent", "Trash" };

    bench->vfs = mem_vfs_new(1);
    desk_init(&bench->desk, bench->vfs);
    assert_int_equal(desk_open(&bench->desk), ERR_OK);
    subscribe(bench, "INBOX", false);
    for (size_t i = 0; i < ARRAY_COUNT(born); i++) {
        delete (bench, born[i]);
        subscribe(bench, born[i], false);
    }
}

static void close_bench(struct bench *bench)
{
    desk_close(&bench->desk);
    mem_vfs_free(bench->vfs);
}

/* "+" before a name that is a mailbox, "!" before one that is subscribed. */
static void add_listed(struct buf *out, const struct imap_listed *listed)
{
    if (out->len > 0)
        buf_add_byte(out, ' ');
    if (listed->mailbox != NULL)
        buf_add_byte(out, '+');
    if (listed->subscribed)
        buf_add_byte(out, '!');
    buf_add(out, listed->name);
}

static void expect(struct bench *bench, struct imap_listing with, const char *wanted)
{
    struct buf out = buf_make(1000);
    struct imap_listing listing;
    struct imap_listed listed;

    imap_listing_init(&listing, bench->desk.account);
    listing.mailboxes = with.mailboxes;
    listing.subscriptions = with.subscriptions;
    listing.levels = with.levels;
    while (imap_listing_next(&listing, &listed))
        add_listed(&out, &listed);
    imap_listing_done(&listing);
    buf_add_byte(&out, '\0');
    assert_string_equal((const char *)out.at, wanted);
    buf_done(&out);
}

static void test_walk(void **state)
{
    struct bench bench;

    open_bench(&bench);
    create(&bench, "a/b/c");
    create(&bench, "a-b");
    create(&bench, "a/b/d/e");
    create(&bench, "x/y/z");
    delete (&bench, "a/b");
    delete (&bench, "a/b/d");
    delete (&bench, "x");
    delete (&bench, "x/y");
    subscribe(&bench, "a", true);
    subscribe(&bench, "n/o/p", true);
    subscribe(&bench, "x/y/z", true);
    expect(&bench, (struct imap_listing){ .mailboxes = true },
           "+INBOX +!a +a-b +a/b/c +a/b/d/e +!x/y/z");
    /* Levels come once, before the first name below them. */
    expect(&bench, (struct imap_listing){ .mailboxes = true, .levels = true },
           "+INBOX +!a +a-b a/b +a/b/c a/b/d +a/b/d/e x x/y +!x/y/z");
    expect(&bench, (struct imap_listing){ .subscriptions = true }, "+!a !n/o/p +!x/y/z");
    expect(&bench, (struct imap_listing){ .subscriptions = true, .levels = true },
           "+!a n n/o !n/o/p x x/y +!x/y/z");
    expect(&bench,
           (struct imap_listing){ .mailboxes = true, .subscriptions = true, .levels = true },
           "+INBOX +!a +a-b a/b +a/b/c a/b/d +a/b/d/e n n/o !n/o/p x x/y +!x/y/z");
    expect(&bench, (struct imap_listing){ .levels = true }, "");
    close_bench(&bench);
}

/* What comes and goes behind the walk is no matter, what comes before it is seen. */
static void test_changes(void **state)
{
    struct imap_listing listing;
    struct imap_listed listed;
    struct bench bench;

    open_bench(&bench);
    create(&bench, "m/one");
    create(&bench, "p");
    imap_listing_init(&listing, bench.desk.account);
    listing.mailboxes = listing.levels = true;
    for (int i = 0; i < 2; i++)
        assert_true(imap_listing_next(&listing, &listed));
    assert_true(bytes_equal(listed.name, BYTES("m")));
    delete (&bench, "m");
    delete (&bench, "m/one");
    create(&bench, "a");
    create(&bench, "m/two");
    delete (&bench, "m");
    delete (&bench, "p");
    create(&bench, "q/r");
    assert_true(imap_listing_next(&listing, &listed));
    assert_true(bytes_equal(listed.name, BYTES("m/two")));
    assert_true(imap_listing_next(&listing, &listed));
    assert_true(bytes_equal(listed.name, BYTES("q")));
    assert_true(imap_listing_next(&listing, &listed));
    assert_true(bytes_equal(listed.name, BYTES("q/r")));
    assert_false(imap_listing_next(&listing, &listed));
    imap_listing_done(&listing);
    close_bench(&bench);
}

static void test_attributes(void **state)
{
    struct bench bench;

    open_bench(&bench);
    create(&bench, "a/b/c");
    create(&bench, "a-b");
    delete (&bench, "a/b");
    assert_int_equal(imap_listing_attributes(bench.desk.account, BYTES("a")),
                     IMAP_ATTRIBUTE_HAS_CHILDREN);
    assert_int_equal(imap_listing_attributes(bench.desk.account, BYTES("a/b")),
                     IMAP_ATTRIBUTE_HAS_CHILDREN);
    assert_int_equal(imap_listing_attributes(bench.desk.account, BYTES("a/b/c")),
                     IMAP_ATTRIBUTE_HAS_NO_CHILDREN);
    assert_int_equal(imap_listing_attributes(bench.desk.account, BYTES("a-b")),
                     IMAP_ATTRIBUTE_HAS_NO_CHILDREN);
    assert_int_equal(imap_listing_attributes(bench.desk.account, BYTES("nothing")),
                     IMAP_ATTRIBUTE_HAS_NO_CHILDREN);
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_attributes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
