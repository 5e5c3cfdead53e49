/* Account directories of all versions so far: opened, they are what they were; and what a newer
 * version may have added is refused or skipped as docs/format.md says. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/fixture.h"
#include "base/crc.h"
#include "base/num.h"
#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "store/op.h"
#include "store/record.h"
#include "store/segment.h"
#include "sys/vfs_posix.h"

enum { NAMES_MAX = 256, FEATURES_READ_AT = 16, FEATURES_WRITE_AT = 24, HEADER_CRC_AT = 124 };

#define LOG "log/0000000000000004.log"

struct fixtures {
    struct vfs *root;
    char names[NAMES_MAX][64];
    unsigned count;
    const char *version; /* while listing */
};

static void see_name(void *context, struct bytes name)
{
    struct fixtures *fixtures = context;
    const char *version = fixtures->version;

    assert_true(fixtures->count < NAMES_MAX);
    (void)snprintf(fixtures->names[fixtures->count++], sizeof(fixtures->names[0]), "%s%s%.*s",
                   version, version[0] == '\0' ? "" : "/", BYTES_ARG(name));
}

static int set_up(void **state)
{
    struct fixtures *fixtures = calloc(1, sizeof(*fixtures));
    struct fixtures *versions = calloc(1, sizeof(*versions));
    const char *path = getenv("ROOST_ACCOUNTS");
    int fd =
        open(path != NULL ? path : "test/fixtures/accounts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    fixtures->root = vfs_posix_new(fd);
    versions->version = "";
    assert_int_equal(fixtures->root->list(fixtures->root, "", see_name, versions), ERR_OK);
    for (unsigned i = 0; i < versions->count; i++) {
        fixtures->version = versions->names[i];
        assert_int_equal(
            fixtures->root->list(fixtures->root, fixtures->version, see_name, fixtures), ERR_OK);
    }
    free(versions);
    *state = fixtures;
    return 0;
}

static int tear_down(void **state)
{
    struct fixtures *fixtures = *state;

    vfs_posix_free(fixtures->root);
    free(fixtures);
    return 0;
}

/* `expected` may be NULL. */
static struct vfs *load(struct fixtures *fixtures, const char *name, struct buf *expected)
{
    struct vfs *below;
    struct vfs *disk;

    assert_int_equal(vfs_posix_below(fixtures->root, name, &below), ERR_OK);
    disk = fixture_load(below);
    if (expected != NULL)
        fixture_read(below, FIXTURE_EXPECTED, expected);
    vfs_posix_free(below);
    return disk;
}

static void check_opened(struct vfs *disk, struct buf *expected)
{
    struct buf told = buf_make(1 << 26);
    struct desk desk;

    desk_init(&desk, disk);
    desk.now.us += INT64_C(86400) * 1000000;
    if (desk_open(&desk) != ERR_OK)
        fail_msg("%s", desk.why.text);
    fixture_describe(&desk, &told);
    ASSERT_BYTES(buf_bytes(&told), buf_bytes(expected));
    desk_close(&desk);
    buf_done(&told);
}

static void test_they_are_what_they_were(void **state)
{
    struct fixtures *fixtures = *state;
    struct buf expected = buf_make(1 << 26);

    assert_true(fixtures->count >= 12);
    for (unsigned i = 0; i < fixtures->count; i++) {
        struct vfs *disk = load(fixtures, fixtures->names[i], &expected);

        print_message("%s\n", fixtures->names[i]);
        assert_true(expected.len > 100);
        check_opened(disk, &expected);
        check_opened(disk, &expected); /* and are so the next time, with what this version wrote */
        mem_vfs_free(disk);
    }
    buf_done(&expected);
}

/* In each, mail can come and go. */
static void test_they_can_be_worked_in(void **state)
{
    struct fixtures *fixtures = *state;

    for (unsigned i = 0; i < fixtures->count; i++) {
        struct vfs *disk = load(fixtures, fixtures->names[i], NULL);
        struct desk desk;
        struct uid uid;

        desk_init(&desk, disk);
        desk.now.us += INT64_C(86400) * 1000000;
        assert_int_equal(desk_open(&desk), ERR_OK);
        assert_int_equal(desk_append(&desk, desk_mailbox(&desk, "INBOX"),
                                     BYTES("Subject: new\r\n\r\nmail\r\n"), 0, &uid),
                         ERR_OK);
        desk_close(&desk);
        mem_vfs_change_identity(disk, MEM_DIRECTORY); /* as copies, too */
        assert_int_equal(desk_open(&desk), ERR_OK);
        assert_true(desk.report.epoch);
        assert_int_equal(mailbox_uidnext(desk_mailbox(&desk, "INBOX")), uid.value + 1 + (1 << 20));
        desk_close(&desk);
        mem_vfs_free(disk);
    }
}

/* Changes a header's features, in both of its copies, and what stands behind its checksum. */
static void set_feature(struct vfs *disk, size_t at, unsigned bit)
{
    struct bytes file = mem_vfs_file(disk, LOG);
    struct buf changed = buf_make(1 << 24);

    buf_add(&changed, file);
    for (size_t copy = 0; copy <= SEGMENT_COPY_AT; copy += SEGMENT_COPY_AT) {
        uint8_t *header = changed.at + changed.start + copy;

        num_store_u64(header + at, num_load_u64(header + at) | UINT64_C(1) << bit);
        num_store_u32(header + HEADER_CRC_AT, crc32c(0, bytes_make(header, HEADER_CRC_AT)));
    }
    mem_vfs_put(disk, LOG, buf_bytes(&changed));
    buf_done(&changed);
}

static void test_unknown_features_are_refused(void **state)
{
    static const size_t places[] = { FEATURES_READ_AT, FEATURES_WRITE_AT };

    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            struct vfs *disk = load(*state, "0.1.0/plain", NULL);
            bool is_known = bit == 0 && places[i] == FEATURES_READ_AT; /* packed bodies */
            struct desk desk;

            set_feature(disk, places[i], bit);
            desk_init(&desk, disk);
            assert_int_equal(desk_open(&desk), is_known ? ERR_OK : ERR_UNSUPPORTED);
            if (is_known)
                desk_close(&desk);
            assert_int_equal(mem_vfs_open_files(disk), 0);
            mem_vfs_free(disk);
        }
    }
}

/* Adds a record of that type behind the last one. */
static void add_record(struct vfs *disk, uint8_t type, uint64_t number, struct bytes payload)
{
    struct bytes file = mem_vfs_file(disk, LOG);
    struct buf grown = buf_make(1 << 24);
    struct segment segment;
    struct record_header header = { .type = type, .length = payload.len, .number = number };
    struct record_key key;

    assert_int_equal(segment_header_decode(bytes_slice(file, 0, SEGMENT_HEADER_BYTES), &segment),
                     ERR_OK);
    key = record_key_make(segment.id);
    buf_add(&grown, file);
    record_header_encode(&grown, key, file.len, &header);
    record_payload_encode(&grown, key, grown.len, payload);
    while (grown.len % RECORD_ALIGN != 0)
        buf_add_byte(&grown, 0);
    mem_vfs_put(disk, LOG, buf_bytes(&grown));
    buf_done(&grown);
}

static void test_what_may_be_skipped(void **state)
{
    static const uint8_t change[] = { 1,    0, 0, /* IMAP, no session, no actor */
                                      0xff, 3, 0, 0, 0, 'a', 'b', 'c', /* an op of the future */
                                      0x20, 8, 0, 0, 0, 1,   6,   'f', 'u', 't', 'u', 'r', 'e' };
    struct buf before = buf_make(1 << 26);
    struct vfs *disk = load(*state, "0.1.0/plain", &before);
    struct desk desk;
    uint64_t number;

    desk_init(&desk, disk);
    assert_int_equal(desk_open(&desk), ERR_OK);
    number = account_change_number(desk.account).value + 1;
    desk_close(&desk);
    for (unsigned type = 128; type < 256; type++)
        add_record(disk, (uint8_t)type, type, BYTES("whatever it is"));
    add_record(disk, RECORD_CHANGE, number, bytes_make(change, sizeof(change)));
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_int_equal(desk.report.tail_bytes, 0);
    assert_int_equal(desk.report.records_damaged, 0);
    assert_int_equal(account_change_number(desk.account).value, number);
    assert_true(subscription_has(desk.account, BYTES("future")));
    desk_close(&desk);
    mem_vfs_free(disk);
    buf_done(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_they_are_what_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_they_can_be_worked_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_features_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_may_be_skipped, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
