/* Flags between the wire and the store. */
#include "imap/flags.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "imap/special_use.h"
#include "imap/wire/list.h"
#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"

static void test_system_flags(void **state)
{
    uint16_t all = 0;

    for (uint32_t bit = 1; bit < IMAP_FLAG_RECENT; bit <<= 1) {
        uint16_t stored = imap_flags_to_store(bit);

        assert_true(stored != 0 && (all & stored) == 0);
        all |= stored;
        assert_int_equal(imap_flags_from_store(stored), bit);
    }
    assert_int_equal(all, FLAGS_ALL);
    assert_int_equal(imap_flags_to_store(IMAP_FLAG_RECENT), 0);
    assert_int_equal(imap_flags_to_store(IMAP_FLAG_SEEN), FLAG_SEEN);
    assert_int_equal(imap_flags_to_store(IMAP_FLAG_DELETED), FLAG_DELETED);
    assert_int_equal(imap_flags_from_store(FLAG_DRAFT | FLAG_ANSWERED),
                     IMAP_FLAG_DRAFT | IMAP_FLAG_ANSWERED);
}

static void test_names(void **state)
{
    static const struct bytes words[] = { BYTES("a"), BYTES("b") };
    const struct imap_flags flags = { .system = IMAP_FLAG_FLAGGED | IMAP_FLAG_RECENT,
                                      .keywords = words,
                                      .keyword_count = 2 };
    struct flag_names names = imap_flag_names(&flags);

    assert_int_equal(names.flags, FLAG_FLAGGED);
    assert_ptr_equal(names.keywords, words);
    assert_int_equal(names.keyword_count, 2);
}

static void test_print(void **state)
{
    static const struct {
        uint32_t system;
        uint64_t keywords;
        struct bytes printed;
    } rows[] = {
        { 0, 0, BYTES("()") },
        { IMAP_FLAG_SEEN, 0, BYTES("(\\Seen)") },
        { 0, 1, BYTES("(one)") },
        { 0, 3, BYTES("(one Two)") },
        { IMAP_FLAG_ANSWERED | IMAP_FLAG_SEEN, 2, BYTES("(\\Answered \\Seen Two)") },
        { 0, 4, BYTES("()") }, /* no keyword of that number */
    };
    struct buf out = buf_make(1000);
    struct vfs *vfs = mem_vfs_new(1);
    struct desk desk;
    struct mailbox *inbox;

    desk_init(&desk, vfs);
    assert_int_equal(desk_open(&desk), ERR_OK);
    inbox = desk_mailbox(&desk, "INBOX");
    assert_int_equal(desk_append(&desk, inbox, BYTES("x"), 0, NULL), ERR_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            desk_flags(
                &desk, inbox,
                (struct desk_store){ { 1, 1 }, FLAGS_ADD, 0, i == 0 ? BYTES("one") : BYTES("Two") },
                NULL),
            ERR_OK);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct keyword_set set = { { rows[i].keywords } };

        buf_clear(&out);
        imap_flags_print(&out, rows[i].system, inbox, &set);
        ASSERT_BYTES(buf_bytes(&out), rows[i].printed);
    }
    buf_done(&out);
    desk_close(&desk);
    mem_vfs_free(vfs);
}

static void test_special_uses(void **state)
{
    unsigned all = 0;

    for (uint32_t bit = 1; bit <= IMAP_ATTRIBUTE_SNOOZED; bit <<= 1) {
        unsigned stored = imap_special_use_to_store(bit);

        assert_int_equal(stored != 0, (bit & IMAP_ATTRIBUTE_SPECIAL_USE) != 0);
        assert_int_equal(all & stored, 0);
        all |= stored;
        assert_int_equal(imap_special_use_from_store(stored), stored == 0 ? 0 : bit);
    }
    assert_int_equal(imap_special_use_from_store(all), IMAP_ATTRIBUTE_SPECIAL_USE);
    assert_int_equal(imap_special_use_to_store(IMAP_ATTRIBUTE_SENT), USE_SENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_system_flags),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_special_uses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
