/* The generator's checks can fail: each promise of check.h is broken once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "load/answer.h"
#include "load/check.h"

enum { MESSAGES = 200, TEXT_BYTES_MAX = 16 * 1024 * 1024 };

static const struct mail_plan plan = { .seed = 1, .size = 2000 };

/* Feeds `text` byte by byte as answers to the command "t1"; true when they were as wanted. */
static bool is_accepted(struct check_want want, struct bytes text)
{
    struct answer_scan scan = { 0, 0 };
    struct bytes have = bytes_slice(text, 0, 0);
    struct bytes answer;
    struct check check;
    bool over = false;

    check_begin(&check, &plan, want);
    while (have.at + have.len < text.at + text.len) {
        assert_false(over);
        have.len++;
        if (!answer_next(&scan, have, &answer))
            continue;
        over = check_answer(&check, answer, "t1");
        have = bytes_make(have.at + have.len, 0);
    }
    assert_true(over);
    assert_true(check.is_wrong == (check.why[0] != '\0'));
    return !check.is_wrong;
}

static bool is_accepted_text(struct check_want want, const char *text)
{
    return is_accepted(want, bytes_from_string(text));
}

static void test_counts(void **state)
{
    struct check_want want = { .word = "FETCH", .count = 2, .sum = 3, .holds = "FLAGS (" };

    (void)state;
    assert_true(is_accepted_text(
        want, "* 1 FETCH (FLAGS ())\r\n* OK still here\r\n* 2 FETCH (FLAGS ())\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* 1 FETCH (FLAGS ())\r\nt1 OK\r\n"));
    assert_false(
        is_accepted_text(want, "* 1 FETCH (FLAGS ())\r\n* 3 FETCH (FLAGS ())\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* 1 FETCH (UID 1)\r\n* 2 FETCH (FLAGS ())\r\nt1 OK\r\n"));
    assert_false(
        is_accepted_text(want, "* 1 FETCH (FLAGS ())\r\n* 2 FETCH (FLAGS ())\r\nt1 NO\r\n"));
    assert_false(is_accepted_text(
        want, "* 1 FETCH (FLAGS ())\r\nt2 OK\r\n* 2 FETCH (FLAGS ())\r\nt1 OK\r\n"));
}

static void test_exists_and_ok(void **state)
{
    struct check_want exists = { .word = "EXISTS", .count = 7 };
    struct check_want uid = { .ok_holds = "[APPENDUID " };

    (void)state;
    assert_true(is_accepted_text(exists, "* 7 EXISTS\r\n* 0 RECENT\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(exists, "* 8 EXISTS\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(exists, "t1 OK\r\n"));
    assert_true(is_accepted_text(uid, "t1 OK [APPENDUID 1 2] done\r\n"));
    assert_false(is_accepted_text(uid, "t1 OK done\r\n"));
    assert_false(is_accepted_text(uid, "t1 BAD what\r\n"));
}

static void test_hits(void **state)
{
    struct check_want want = { .word = "SEARCH" };

    (void)state;
    want.count = mail_planted_count(&plan, MAIL_PLANT_BODY, MESSAGES, &want.sum);
    assert_true(want.count == 3 && want.sum == 7 + 90 + 173);
    assert_true(is_accepted_text(want, "* SEARCH 7 90 173\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* SEARCH 7 173\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* SEARCH 7 90 91 173\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* SEARCH 7 90 174\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* SEARCH\r\nt1 OK\r\n"));
}

static void add_numbers(struct buf *out, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_add_format(out, " %" PRIu64, numbers[i]);
}

static int by_date(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    uint64_t left_s = mail_sent_s(&plan, left);
    uint64_t right_s = mail_sent_s(&plan, right);

    return left_s != right_s ? (left_s > right_s) - (left_s < right_s)
                             : (left > right) - (left < right);
}

static bool is_sorted(const uint64_t *numbers)
{
    struct check_want want = { .word = "SORT", .count = MESSAGES, .by_date = true };
    struct buf text = buf_make(TEXT_BYTES_MAX);
    bool good;

    buf_add_string(&text, "* SORT");
    add_numbers(&text, numbers, MESSAGES);
    buf_add_string(&text, "\r\nt1 OK\r\n");
    good = is_accepted(want, buf_bytes(&text));
    buf_done(&text);
    return good;
}

/* Two that have changed places anywhere are seen. */
static void test_order(void **state)
{
    uint64_t numbers[MESSAGES];

    (void)state;
    for (uint64_t i = 0; i < MESSAGES; i++)
        numbers[i] = i + 1;
    assert_false(is_sorted(numbers));
    qsort(numbers, MESSAGES, sizeof(numbers[0]), by_date);
    assert_true(is_sorted(numbers));
    for (size_t i = 0; i + 1 < MESSAGES; i++) {
        uint64_t kept = numbers[i];

        numbers[i] = numbers[i + 1];
        numbers[i + 1] = kept;
        assert_false(is_sorted(numbers));
        numbers[i + 1] = numbers[i];
        numbers[i] = kept;
    }
}

static void test_threads(void **state)
{
    struct check_want want = { .word = "THREAD", .count = 5, .sum = 15, .groups = 4 };

    (void)state;
    assert_true(is_accepted_text(want, "* THREAD (1)(2)(3 4)(5)\r\nt1 OK\r\n"));
    assert_true(is_accepted_text(want, "* THREAD (1)(2)((3)(4))(5)\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* THREAD (1)(2)(3)(4)(5)\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* THREAD (1)(2)(3 4)\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* THREAD (1)(2 3)(3)(5)\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* SEARCH 1 2 3 4 5\r\nt1 OK\r\n"));
}

/* Where others work too, what they did is passed over; what was asked for must come. */
static void test_shared(void **state)
{
    struct check_want want = {
        .word = "FETCH", .count = 1, .message = 2, .holds = "UID", .is_shared = true
    };

    (void)state;
    assert_true(is_accepted_text(want, "* 3 FETCH (FLAGS ())\r\n* 2 FETCH (UID 2)\r\n"
                                       "* 2 FETCH (FLAGS ())\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* 3 FETCH (UID 3)\r\nt1 OK\r\n"));
    assert_false(is_accepted_text(want, "* 2 FETCH (FLAGS ())\r\nt1 OK\r\n"));
}

static void write_bodies(struct buf *out)
{
    struct buf text = buf_make(TEXT_BYTES_MAX);

    buf_clear(out);
    for (uint64_t number = 1; number <= MESSAGES; number++) {
        buf_clear(&text);
        mail_write(&plan, number, &text);
        buf_add_format(out, "* %u FETCH (BODY[] {%zu}\r\n", (unsigned)number, text.len);
        buf_add(out, buf_bytes(&text));
        buf_add_string(out, ")\r\n");
    }
    buf_add_string(out, "t1 OK\r\n");
    buf_done(&text);
}

/* A single other byte, wherever it is, in a message of which the length is right. */
static void test_bytes(void **state)
{
    struct check_want want = { .word = "FETCH", .count = MESSAGES, .sums_count = MESSAGES };
    struct mail_sum *sums = mail_sums_new(&plan, MESSAGES);
    struct buf text = buf_make(TEXT_BYTES_MAX);
    uint8_t *place;

    (void)state;
    want.sums = sums;
    write_bodies(&text);
    assert_true(is_accepted(want, buf_bytes(&text)));
    place = memmem(text.at, text.len, "quicksilverword", 15);
    assert_non_null(place);
    place[3] ^= 1;
    assert_false(is_accepted(want, buf_bytes(&text)));
    place[3] ^= 1;
    assert_true(is_accepted(want, buf_bytes(&text)));
    sums[MESSAGES - 1].len++;
    assert_false(is_accepted(want, buf_bytes(&text)));
    sums[MESSAGES - 1].len--;
    want.sums_count--;
    assert_false(is_accepted(want, buf_bytes(&text)));
    buf_done(&text);
    free(sums);
}

static void test_ids(void **state)
{
    struct check_want want = { .word = "FETCH", .count = 1, .own_id = true };
    char id[MAIL_ID_BYTES];
    char text[200];

    (void)state;
    mail_write_id(&plan, 5, id);
    (void)snprintf(text, sizeof(text), "* 5 FETCH (X \"<%s>\")\r\nt1 OK\r\n", id);
    assert_true(is_accepted_text(want, text));
    text[2] = '6';
    assert_false(is_accepted_text(want, text));
}

/* A mailbox of copies: the fourth message is the first again. */
static void test_copies(void **state)
{
    struct mail_plan copies = { .seed = 1, .size = 2000, .period = 3 };
    uint64_t sum;

    (void)state;
    assert_int_equal(mail_origin(&copies, 3), 3);
    assert_int_equal(mail_origin(&copies, 4), 1);
    assert_int_equal(mail_origin(&plan, 4), 4);
    copies.period = 10;
    assert_int_equal(mail_planted_count(&copies, MAIL_PLANT_BODY, 30, &sum), 3);
    assert_int_equal(sum, 7 + 17 + 27);
}

static void test_large(void **state)
{
    struct buf text = buf_make(TEXT_BYTES_MAX);
    unsigned large = 0;

    (void)state;
    for (uint64_t number = 1; number <= MESSAGES; number++) {
        buf_clear(&text);
        mail_write(&plan, number, &text);
        assert_true(mail_is_planted(&plan, MAIL_PLANT_LARGE, number) ==
                    (text.len > mail_large_bytes(&plan)));
        large += text.len > mail_large_bytes(&plan);
    }
    assert_in_range(large, 1, MESSAGES / 2);
    buf_done(&text);
}

/* The words that are searched for stand where they are planted, and nowhere else. */
static void test_plants(void **state)
{
    static const char *const texts[MAIL_PLANTS] = {
        [MAIL_PLANT_FROM] = "planted@example.net",
        [MAIL_PLANT_SUBJECT] = "harvest report",
        [MAIL_PLANT_BODY] = "quicksilverword",
    };
    struct buf text = buf_make(TEXT_BYTES_MAX);

    (void)state;
    for (uint64_t number = 1; number <= MESSAGES; number++) {
        buf_clear(&text);
        mail_write(&plan, number, &text);
        assert_null(memmem(text.at, text.len, "\r\n.", 3));
        for (enum mail_plant plant = 0; plant < MAIL_PLANTS; plant++) {
            if (texts[plant] == NULL)
                continue;
            assert_true(mail_is_planted(&plan, plant, number) ==
                        (memmem(text.at, text.len, texts[plant], strlen(texts[plant])) != NULL));
        }
    }
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts), cmocka_unit_test(test_exists_and_ok),
        cmocka_unit_test(test_hits),   cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_ids),    cmocka_unit_test(test_plants),
        cmocka_unit_test(test_order),  cmocka_unit_test(test_threads),
        cmocka_unit_test(test_shared), cmocka_unit_test(test_copies),
        cmocka_unit_test(test_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
