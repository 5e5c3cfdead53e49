/* Counts, sums, bytes. */
#include "load/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc.h"
#include "base/num.h"
#include "load/answer.h"

enum { SHOWN_BYTES_MAX = 80 };

void check_begin(struct check *check, const struct mail_plan *plan, struct check_want want)
{
    memset(check, 0, sizeof(*check));
    check->plan = plan;
    check->want = want;
}

static void complain(struct check *check, const char *what, struct bytes answer)
{
    int len = (int)(answer.len < SHOWN_BYTES_MAX ? answer.len : SHOWN_BYTES_MAX);

    if (!check->is_wrong)
        (void)snprintf(check->why, sizeof(check->why), "%.100s: %.*s", what, len,
                       (const char *)answer.at);
    check->is_wrong = true;
}

static bool holds(struct bytes answer, const char *text)
{
    return memmem(answer.at, answer.len, text, strlen(text)) != NULL;
}

static void check_id(struct check *check, struct bytes answer, uint64_t number)
{
    char id[MAIL_ID_BYTES];

    mail_write_id(check->plan, number, id);
    if (!holds(answer, id))
        complain(check, "not the Message-ID of this message", answer);
}

static void check_bytes(struct check *check, struct bytes answer, uint64_t number)
{
    const struct mail_sum *sum;
    struct bytes literal;

    if (number == 0 || number > check->want.sums_count || !answer_literal(answer, &literal)) {
        complain(check, "no bytes of a message", answer);
        return;
    }
    sum = &check->want.sums[number - 1];
    check->bytes += literal.len;
    if (literal.len != sum->len || crc32c(0, literal) != sum->crc)
        complain(check, "not the bytes of this message", answer);
}

/* `numbers` is what follows "* SEARCH". */
static void count_hits(struct check *check, struct bytes answer, size_t at)
{
    uint64_t number;

    while (at < answer.len && answer.at[at] == ' ') {
        at++;
        if (!answer_number(answer, &at, &number))
            break;
        check->count++;
        check->sum += number;
    }
}

/* An untagged answer that begins with a number: "* 5 FETCH (...)". */
static void count_numbered(struct check *check, struct bytes answer, size_t at, uint64_t number)
{
    const struct check_want *want = &check->want;

    if (!bytes_starts_with_nocase(bytes_from(answer, at + 1), bytes_from_string(want->word)))
        return;
    if (strcmp(want->word, "EXISTS") == 0) {
        check->count = number;
        return;
    }
    check->count++;
    check->sum += number;
    if (want->holds != NULL && !holds(answer, want->holds))
        complain(check, "something is missing", answer);
    if (want->own_id)
        check_id(check, answer, number);
    if (want->sums != NULL)
        check_bytes(check, answer, number);
}

static void check_end(struct check *check, struct bytes answer, size_t at)
{
    const struct check_want *want = &check->want;
    char text[CHECK_WHY_BYTES];

    if (!bytes_starts_with_nocase(bytes_from(answer, at), BYTES("OK")))
        complain(check, "refused", answer);
    if (want->ok_holds != NULL && !holds(answer, want->ok_holds))
        complain(check, "something is missing in the OK", answer);
    if (want->word == NULL)
        return;
    (void)snprintf(text, sizeof(text), "%" PRIu64 " %s instead of %" PRIu64, check->count,
                   want->word, want->count);
    if (check->count != want->count)
        complain(check, text, answer);
    if (want->sum != 0 && check->sum != want->sum)
        complain(check, "other messages than those that were meant", answer);
}

bool check_answer(struct check *check, struct bytes answer, const char *tag)
{
    struct bytes search = BYTES("* SEARCH");
    size_t tag_len = strlen(tag);
    uint64_t number;
    size_t at = 2;

    if (bytes_starts_with(answer, bytes_from_string(tag)) && answer.len > tag_len &&
        answer.at[tag_len] == ' ') {
        check_end(check, answer, tag_len + 1);
        return true;
    }
    if (!bytes_starts_with(answer, BYTES("* ")))
        complain(check, "neither untagged nor of this command", answer);
    else if (check->want.word == NULL)
        return false;
    else if (strcmp(check->want.word, "SEARCH") == 0 && bytes_starts_with_nocase(answer, search))
        count_hits(check, answer, search.len);
    else if (answer_number(answer, &at, &number) && at < answer.len)
        count_numbered(check, answer, at, number);
    return false;
}
