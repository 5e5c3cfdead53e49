/* Made-up mail, from a number and a seed. */
#include "load/mail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/crc.h"

enum {
    MESSAGE_BYTES_MAX = 256 * 1024 * 1024,
    WORDS_A_LINE = 10,
    WORD_BYTES = 16,
    LINE_BYTES_MAX = WORDS_A_LINE * WORD_BYTES + 8,
    QUARTERS_MAX = 16, /* of the plan's size: what the largest messages have */
};

#define WORD(word) \
    { \
        word, sizeof(word) \
    }

/* All are written as WORD_BYTES: what is behind the word is written over. `len` is with the blank
 * behind it. */
static const struct {
    char text[WORD_BYTES];
    uint8_t len;
} words[] = {
    WORD("meeting"),   WORD("about"),  WORD("the"),    WORD("river"),   WORD("and"),
    WORD("its"),       WORD("bridge"), WORD("which"),  WORD("should"),  WORD("be"),
    WORD("painted"),   WORD("before"), WORD("winter"), WORD("comes"),   WORD("because"),
    WORD("otherwise"), WORD("rust"),   WORD("will"),   WORD("eat"),     WORD("every"),
    WORD("bolt"),      WORD("of"),     WORD("it"),     WORD("as"),      WORD("we"),
    WORD("have"),      WORD("seen"),   WORD("in"),     WORD("other"),   WORD("places"),
    WORD("please"),    WORD("send"),   WORD("your"),   WORD("figures"), WORD("until"),
    WORD("Friday"),    WORD("at"),     WORD("noon"),   WORD("with"),    WORD("kind"),
    WORD("regards"),   WORD("from"),   WORD("all"),    WORD("who"),     WORD("work"),
    WORD("on"),        WORD("this"),   WORD("matter"), WORD("here"),    WORD("too"),
    WORD("lantern"),   WORD("copper"), WORD("window"), WORD("garden"),  WORD("letter"),
    WORD("number"),    WORD("quiet"),  WORD("paper"),  WORD("seven"),   WORD("north"),
    WORD("cargo"),     WORD("table"),  WORD("amber"),  WORD("stone"),
};

static const struct {
    uint64_t every;
    uint64_t rest;
} plants[MAIL_PLANTS] = {
    [MAIL_PLANT_FLAG] = { 10, 0 }, [MAIL_PLANT_FROM] = { 97, 3 },  [MAIL_PLANT_SUBJECT] = { 89, 5 },
    [MAIL_PLANT_BODY] = { 83, 7 }, [MAIL_PLANT_DATE] = { 101, 9 },
};

/* A next value of splitmix64: even near seeds give far values. */
static uint64_t mix(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15u;

    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static uint64_t first_draw(const struct mail_plan *plan, uint64_t number, uint64_t *out_state)
{
    *out_state = plan->seed * 1000003 + number;
    return mix(out_state);
}

uint64_t mail_origin(const struct mail_plan *plan, uint64_t sequence)
{
    return plan->period == 0 || sequence == 0 ? sequence : (sequence - 1) % plan->period + 1;
}

static unsigned quarters_of(uint64_t draw)
{
    static const unsigned quarters[] = { 1, 2, 3, 4, 4, 4, 4, 5, 6, 8, QUARTERS_MAX };

    return quarters[(draw >> 32) % ARRAY_COUNT(quarters)];
}

bool mail_is_planted(const struct mail_plan *plan, enum mail_plant plant, uint64_t number)
{
    uint64_t state;

    if (plant == MAIL_PLANT_ID)
        return number == MAIL_SOUGHT;
    if (plant == MAIL_PLANT_LARGE)
        return quarters_of(first_draw(plan, number, &state)) == QUARTERS_MAX;
    return number % plants[plant].every == plants[plant].rest;
}

uint64_t mail_planted_count(const struct mail_plan *plan, enum mail_plant plant, uint64_t count,
                            uint64_t *out_sum)
{
    uint64_t found = 0;
    uint64_t sum = 0;

    for (uint64_t sequence = 1; sequence <= count; sequence++) {
        if (mail_is_planted(plan, plant, mail_origin(plan, sequence))) {
            found++;
            sum += sequence;
        }
    }
    *out_sum = sum;
    return found;
}

uint64_t mail_large_bytes(const struct mail_plan *plan)
{
    return plan->size * 3;
}

struct moment {
    unsigned day, hour, minute, second;
};

static struct moment moment_of(uint64_t number, uint64_t draw)
{
    draw >>= 8;
    return (struct moment){ (unsigned)(number % 7 + 1), (unsigned)(draw % 24),
                            (unsigned)(draw % 60), (unsigned)(draw % 59) };
}

uint64_t mail_sent_s(const struct mail_plan *plan, uint64_t number)
{
    uint64_t state;
    struct moment at = moment_of(number, first_draw(plan, number, &state));

    return ((at.day * 24 + at.hour) * 60 + at.minute) * 60 + at.second;
}

void mail_write_id(const struct mail_plan *plan, uint64_t number, char id[MAIL_ID_BYTES])
{
    (void)snprintf(id, MAIL_ID_BYTES, "bench-%" PRIu64 ".%" PRIu64 "@example.net", number,
                   plan->seed);
}

static void write_header(const struct mail_plan *plan, uint64_t number, uint64_t first,
                         struct buf *out)
{
    struct moment at = moment_of(number, first);
    uint64_t draw = first >> 8;
    char id[MAIL_ID_BYTES];

    mail_write_id(plan, number, id);
    if (mail_is_planted(plan, MAIL_PLANT_FROM, number))
        buf_add_string(out, "From: Planted Sender <planted@example.net>\r\n");
    else
        buf_add_format(out, "From: Sender %u <sender%u@example.net>\r\n", (unsigned)(draw % 500),
                       (unsigned)(draw % 500));
    buf_add_format(out, "To: Reader <reader@example.org>, Other %u <other%u@example.org>\r\n",
                   (unsigned)(draw % 50), (unsigned)(draw % 50));
    buf_add_format(out, "Subject: %s %" PRIu64 " %s\r\n",
                   mail_is_planted(plan, MAIL_PLANT_SUBJECT, number) ? "harvest report"
                                                                     : "words about",
                   number, words[draw % 64].text);
    buf_add_format(out, "Date: %s, %02u Mar 2024 %02u:%02u:%02u +0000\r\n",
                   (const char *[]){ "Fri", "Sat", "Sun", "Mon", "Tue", "Wed", "Thu" }[number % 7],
                   at.day, at.hour, at.minute, at.second);
    buf_add_format(out, "Message-ID: <%s>\r\n", id);
    if (number % MAIL_ANSWER_EVERY == 0) {
        mail_write_id(plan, number - 1, id);
        buf_add_format(out, "In-Reply-To: <%s>\r\nReferences: <%s>\r\n", id, id);
    }
    buf_add_string(out, "MIME-Version: 1.0\r\n");
}

/* Lines of words until `end` bytes are held. */
static void write_text(uint64_t *state, size_t end, struct buf *out)
{
    while (out->len < end) {
        uint64_t draw = mix(state);
        uint8_t *line = buf_reserve(out, LINE_BYTES_MAX);
        uint8_t *at = line;

        if (line == NULL)
            return;
        for (unsigned i = 0; i < WORDS_A_LINE; i++, draw >>= 6) {
            memcpy(at, words[draw % 64].text, WORD_BYTES);
            at += words[draw % 64].len;
            at[-1] = ' ';
        }
        memcpy(at, "so\r\n", 4);
        buf_commit(out, (size_t)(at - line) + 4);
    }
}

void mail_write(const struct mail_plan *plan, uint64_t number, struct buf *out)
{
    uint64_t state;
    uint64_t draw = first_draw(plan, number, &state);
    size_t start = out->len;
    size_t end = start + plan->size * quarters_of(draw) / 4;
    bool parts = number % 3 == 0;

    write_header(plan, number, draw, out);
    if (parts) {
        buf_add_string(out, "Content-Type: multipart/mixed; boundary=\"seam\"\r\n\r\n--seam\r\n");
        buf_add_string(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
        write_text(&state, start + (end - start) / 2, out);
        buf_add_string(out, "--seam\r\nContent-Type: text/x-notes; name=notes.txt\r\n"
                            "Content-Disposition: attachment; filename=notes.txt\r\n\r\n");
    } else {
        buf_add_string(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
    }
    write_text(&state, end, out);
    if (mail_is_planted(plan, MAIL_PLANT_BODY, number))
        buf_add_string(out, "a quicksilverword to be found\r\n");
    if (parts)
        buf_add_string(out, "--seam--\r\n");
}

struct mail_sum *mail_sums_new(const struct mail_plan *plan, uint64_t count)
{
    struct mail_sum *sums = calloc(count, sizeof(*sums));
    struct buf text = buf_make(MESSAGE_BYTES_MAX);

    if (sums == NULL)
        abort();
    for (uint64_t i = 0; i < count; i++) {
        buf_clear(&text);
        mail_write(plan, i + 1, &text);
        sums[i].crc = crc32c(0, buf_bytes(&text));
        sums[i].len = (uint32_t)text.len;
    }
    buf_done(&text);
    return sums;
}
