/* Counts, sums, bytes. */
#include "load/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
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

    mail_write_id(check->plan, mail_origin(check->plan, number), id);
    if (!holds(answer, id))
        complain(check, "not the Message-ID of this message", answer);
}

static void check_bytes(struct check *check, struct bytes answer, uint64_t number)
{
    const struct mail_sum *sum;
    struct bytes literal;

    number = mail_origin(check->plan, number);
    if (number == 0 || number > check->want.sums_count || !answer_literal(answer, &literal)) {
        complain(check, "no bytes of a message", answer);
        return;
    }
    sum = &check->want.sums[number - 1];
    check->bytes += literal.len;
    if (literal.len != sum->len || crc32c(0, literal) != sum->crc)
        complain(check, "not the bytes of this message", answer);
}

static bool is_in_order(const struct check *check, uint64_t number)
{
    uint64_t before_s = mail_sent_s(check->plan, mail_origin(check->plan, check->last));
    uint64_t sent_s = mail_sent_s(check->plan, mail_origin(check->plan, number));

    return check->last == 0 || before_s < sent_s || (before_s == sent_s && check->last < number);
}

static void take_listed(struct check *check, struct bytes answer, uint64_t number)
{
    if (check->want.by_date && !is_in_order(check, number))
        complain(check, "not in the order of the Dates", answer);
    check->last = number;
    check->count++;
    check->sum += number;
}

/* What follows "* SEARCH", "* SORT" or "* THREAD": numbers, and of THREAD parentheses. */
static void count_listed(struct check *check, struct bytes answer, size_t at)
{
    unsigned depth = 0;
    uint64_t number;

    while (at < answer.len) {
        if (answer_number(answer, &at, &number)) {
            take_listed(check, answer, number);
            continue;
        }
        if (answer.at[at] == '(')
            check->groups += depth++ == 0;
        else if (answer.at[at] == ')')
            depth--;
        else if (answer.at[at] != ' ')
            break;
        at++;
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
    if ((want->message != 0 && number != want->message) ||
        (want->is_shared && want->holds != NULL && !holds(answer, want->holds)))
        return;
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
    if (check->count < want->count || (check->count > want->count && !want->is_shared))
        complain(check, text, answer);
    if (check->groups != want->groups)
        complain(check, "not the threads that there are", answer);
    if (want->sum != 0 && check->sum != want->sum)
        complain(check, "other messages than those that were meant", answer);
}

/* "* SEARCH ..." and its like, when that is what is counted; where the numbers begin. */
static bool is_list(const struct check *check, struct bytes answer, size_t *out_at)
{
    static const char *const words[] = { "SEARCH", "SORT", "THREAD" };

    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcmp(check->want.word, words[i]) != 0 ||
            !bytes_starts_with_nocase(bytes_from(answer, 2), bytes_from_string(words[i])))
            continue;
        *out_at = 2 + strlen(words[i]);
        return true;
    }
    return false;
}

bool check_answer(struct check *check, struct bytes answer, const char *tag)
{
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
    else if (is_list(check, answer, &at))
        count_listed(check, answer, at);
    else if (answer_number(answer, &at, &number) && at < answer.len)
        count_numbered(check, answer, at, number);
    return false;
}
