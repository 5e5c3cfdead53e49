/* Messages, and what RFC 5322, RFC 2045 and RFC 9051 section 7.5.2 say of them, by hand. */
#include "model/samples.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUMBER "X-Number: #########\r\n"
#define FROM_ANN "((\"Ann\" NIL \"ann\" \"example.org\"))"

const char *const search_words[SEARCH_WORDS] = { "apple", "BERRY", "ann",    "bob@example.net",
                                                 "grüße", "zzz",   "PNGish", "inner",
                                                 "",      "carl" };

const char *const day_words[DAYS] = { "1-Feb-2020",  "15-Mar-2021", "29-Feb-2024",
                                      "31-Dec-2024", "1-Jan-2025",  "7-Jul-2026" };

struct sample samples[SAMPLES] = {
    {
        .text = "Date: Mon, 15 Mar 2021 10:00:00 +0000\r\nFrom: Ann <ann@example.org>\r\n"
                "To: bob@example.net\r\nSubject: Apple pie\r\n" NUMBER "\r\nOne berry.\r\n",
        .envelope = "(\"Mon, 15 Mar 2021 10:00:00 +0000\" \"Apple pie\" " FROM_ANN " " FROM_ANN
                    " " FROM_ANN " ((NIL NIL \"bob\" \"example.net\")) NIL NIL NIL NIL)",
        .body = "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 12 1)",
        .bodystructure = "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 12 1 NIL "
                         "NIL NIL NIL)",
        .subject = "Apple pie",
        .from = "Ann <ann@example.org>",
        .to = "bob@example.net",
        .cc = "",
        .words = "One berry.",
        .sent_seconds = 1615802400,
        .sort = { [SORT_SUBJECT] = "APPLE PIE",
                  [SORT_FROM] = "ANN",
                  [SORT_TO] = "BOB",
                  [SORT_CC] = "",
                  [SORT_DISPLAYFROM] = "ANN",
                  [SORT_DISPLAYTO] = "BOB@EXAMPLE.NET" },
        .sent_day = 1,
        .part_count = 1,
    },
    {
        .text = "Date: Thu, 29 Feb 2024 23:30:00 -0500\r\nFrom: Ann <ann@example.org>\r\n"
                "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nCc: carl@example.com\r\n" NUMBER
                "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                "Content-Transfer-Encoding: quoted-printable\r\n\r\nviele Gr=C3=BC=C3=9Fe\r\n"
                "apple=20tree\r\n",
        .envelope =
            "(\"Thu, 29 Feb 2024 23:30:00 -0500\" \"=?utf-8?q?Gr=C3=BC=C3=9Fe?=\" " FROM_ANN
            " " FROM_ANN " " FROM_ANN " NIL ((NIL NIL \"carl\" \"example.com\")) NIL NIL NIL)",
        .body = "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"QUOTED-PRINTABLE\" 37 2)",
        .bodystructure = "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"QUOTED-PRINTABLE\" "
                         "37 2 NIL NIL NIL NIL)",
        .subject = "Grüße",
        .from = "Ann <ann@example.org>",
        .to = "",
        .cc = "carl@example.com",
        .words = "viele Grüße\r\napple tree",
        .sent_seconds = 1709267400,
        .sort = { [SORT_SUBJECT] = "GRU\xcc\x88\xc3\x9f"
                                   "E",
                  [SORT_FROM] = "ANN",
                  [SORT_TO] = "",
                  [SORT_CC] = "CARL",
                  [SORT_DISPLAYFROM] = "ANN",
                  [SORT_DISPLAYTO] = "" },
        .sent_day = 2,
        .part_count = 1,
        .decoded = { "viele Gr\xc3\xbc\xc3\x9f"
                     "e\r\napple tree\r\n" },
    },
    {
        .text =
            "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: two parts\r\n" NUMBER
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=cut=\"\r\n\r\n"
            "--=cut=\r\nContent-Type: text/plain\r\n\r\nberry and apple\r\n"
            "--=cut=\r\nContent-Type: application/octet-stream; name=\"a.bin\"\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\nAAECAwQFBgcICQ==\r\n--=cut=--\r\n",
        .envelope = "(NIL \"two parts\" " FROM_ANN " " FROM_ANN " " FROM_ANN
                    " ((NIL NIL \"bob\" \"example.net\")) NIL NIL NIL NIL)",
        .body = "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 15 0)"
                "(\"APPLICATION\" \"OCTET-STREAM\" (\"NAME\" \"a.bin\") NIL NIL \"BASE64\" 16) "
                "\"MIXED\")",
        .bodystructure =
            "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 15 0 NIL NIL NIL NIL)"
            "(\"APPLICATION\" \"OCTET-STREAM\" (\"NAME\" \"a.bin\") NIL NIL \"BASE64\" 16 NIL NIL "
            "NIL NIL) \"MIXED\" (\"BOUNDARY\" \"=cut=\") NIL NIL NIL)",
        .subject = "two parts",
        .from = "Ann <ann@example.org>",
        .to = "bob@example.net",
        .cc = "",
        .words = "berry and apple",
        .sent_seconds = 0,
        .sort = { [SORT_SUBJECT] = "TWO PARTS",
                  [SORT_FROM] = "ANN",
                  [SORT_TO] = "BOB",
                  [SORT_CC] = "",
                  [SORT_DISPLAYFROM] = "ANN",
                  [SORT_DISPLAYTO] = "BOB@EXAMPLE.NET" },
        .sent_day = -1,
        .part_count = 2,
        .starts = { "Content-Type: text/plain\r\n", "Content-Type: application" },
        .ends = { "\r\n--=cut=\r\nContent-Type: app", "\r\n--=cut=--" },
        .decoded = { NULL, "\0\1\2\3\4\5\6\7\x08\x09" },
    },
    {
        .text = "Date: Wed, 1 Jan 2025 00:00:01 +0100\r\nFrom: Carl <carl@example.com>\r\n"
                "Subject: forwarded\r\n" NUMBER "MIME-Version: 1.0\r\n"
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee below\r\n--b\r\n"
                "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nPNGish\r\n\r\n--b--\r\n",
        .envelope = "(\"Wed, 1 Jan 2025 00:00:01 +0100\" \"forwarded\" ((\"Carl\" NIL \"carl\" "
                    "\"example.com\")) ((\"Carl\" NIL \"carl\" \"example.com\")) ((\"Carl\" NIL "
                    "\"carl\" \"example.com\")) NIL NIL NIL NIL NIL)",
        .body =
            "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 9 0)(\"MESSAGE\" "
            "\"RFC822\" NIL NIL NIL \"7BIT\" 26 (NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) "
            "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 8 1) 3) \"MIXED\")",
        .bodystructure =
            "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 9 0 NIL NIL NIL NIL)"
            "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 26 (NIL \"inner\" NIL NIL NIL NIL NIL "
            "NIL "
            "NIL NIL) (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 8 1 NIL NIL "
            "NIL NIL) 3 NIL NIL NIL NIL) \"MIXED\" (\"BOUNDARY\" \"b\") NIL NIL NIL)",
        .subject = "forwarded",
        .from = "Carl <carl@example.com>",
        .to = "",
        .cc = "",
        .words = "see below\r\nSubject: inner\r\nPNGish",
        .sent_seconds = 1735686001,
        .sort = { [SORT_SUBJECT] = "FORWARDED",
                  [SORT_FROM] = "CARL",
                  [SORT_TO] = "",
                  [SORT_CC] = "",
                  [SORT_DISPLAYFROM] = "CARL",
                  [SORT_DISPLAYTO] = "" },
        .sent_day = 4,
        .part_count = 3,
        .starts = { "\r\nsee below", "Content-Type: message/rfc822", "Subject: inner" },
        .ends = { "\r\n--b\r\nContent-Type: mess", "\r\n--b--", "\r\n--b--" },
        .nested = { false, false, true },
    },
    {
        .text = NUMBER "\r\n",
        .envelope = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)",
        .body = "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 0 0)",
        .bodystructure =
            "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 0 0 NIL NIL "
            "NIL NIL)",
        .subject = "",
        .from = "",
        .to = "",
        .cc = "",
        .words = "",
        .sent_seconds = 0,
        .sort = { [SORT_SUBJECT] = "",
                  [SORT_FROM] = "",
                  [SORT_TO] = "",
                  [SORT_CC] = "",
                  [SORT_DISPLAYFROM] = "",
                  [SORT_DISPLAYTO] = "" },
        .sent_day = -1,
        .part_count = 1,
    },
    /* The large one: samples_init repeats its last line. */
    {
        .text = "Subject: large zzz\r\n" NUMBER "\r\n",
        .envelope = "(NIL \"large zzz\" NIL NIL NIL NIL NIL NIL NIL NIL)",
        .body = "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 70000 1000)",
        .bodystructure =
            "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 70000 1000 "
            "NIL NIL NIL NIL)",
        .subject = "large zzz",
        .from = "",
        .to = "",
        .cc = "",
        .words = "a line of a long text",
        .sent_seconds = 0,
        .sort = { [SORT_SUBJECT] = "LARGE ZZZ",
                  [SORT_FROM] = "",
                  [SORT_TO] = "",
                  [SORT_CC] = "",
                  [SORT_DISPLAYFROM] = "",
                  [SORT_DISPLAYTO] = "" },
        .sent_day = -1,
        .part_count = 1,
    },
};

enum { TEXT_MAX = 80000, LARGE_LINES = 1000, LARGE_LINE = 70 };

static char text_now[TEXT_MAX];
static char fields_now[1000];

static void make_large(struct sample *sample)
{
    static char large[TEXT_MAX];
    size_t len = strlen(sample->text);

    memcpy(large, sample->text, len);
    for (int i = 0; i < LARGE_LINES; i++) {
        char line[LARGE_LINE + 1];

        (void)snprintf(line, sizeof(line), "a line of a long text %046d\r\n", i);
        memcpy(large + len, line, LARGE_LINE);
        len += LARGE_LINE;
    }
    large[len] = '\0';
    sample->text = large;
}

static size_t find(const struct sample *sample, const char *word)
{
    const char *at = strstr(sample->text, word);

    assert(at != NULL);
    return (size_t)(at - sample->text);
}

static void find_part(struct sample *sample, unsigned index)
{
    struct sample_part *part = &sample->parts[index];

    part->mime_at = part->at = sample->header_len;
    part->end = sample->len;
    if (sample->starts[index] != NULL) {
        part->mime_at = find(sample, sample->starts[index]);
        part->at = (size_t)(strstr(sample->text + part->mime_at, "\r\n") - sample->text);
        if (part->at == part->mime_at)
            part->at += 2; /* no header at all */
        else
            part->at =
                (size_t)(strstr(sample->text + part->mime_at, "\r\n\r\n") - sample->text) + 4;
        part->end = find(sample, sample->ends[index]);
    }
    part->decoded = sample->decoded[index];
    if (part->decoded != NULL)
        part->decoded_len = part->decoded[0] == '\0' ? 10 : strlen(part->decoded);
}

void samples_init(void)
{
    make_large(&samples[SAMPLES - 1]);
    for (unsigned i = 0; i < SAMPLES; i++) {
        struct sample *sample = &samples[i];

        sample->len = strlen(sample->text);
        sample->header_len = find(sample, "\r\n\r\n") + 4;
        sample->number_at = find(sample, "#########");
        for (unsigned n = 0; n < sample->part_count; n++)
            find_part(sample, n);
    }
}

struct bytes sample_text(unsigned index, uint32_t number)
{
    const struct sample *sample = &samples[index];
    char digits[NUMBER_DIGITS + 1];

    memcpy(text_now, sample->text, sample->len);
    (void)snprintf(digits, sizeof(digits), "%09u", (unsigned)(number % 1000000000));
    memcpy(text_now + sample->number_at, digits, NUMBER_DIGITS);
    return bytes_make(text_now, sample->len);
}

/* The header lines with (or without) Subject and X-Number, and the empty line. */
static struct bytes fields_of(struct bytes header, bool wanted)
{
    size_t len = 0;

    for (size_t at = 0; at < header.len;) {
        size_t end = bytes_find(header, at, BYTES("\r\n")) + 2;
        struct bytes line = bytes_slice(header, at, end - at);
        bool named = bytes_starts_with(line, BYTES("Subject:")) ||
                     bytes_starts_with(line, BYTES("X-Number:"));

        if (line.len == 2 || named == wanted) {
            memcpy(fields_now + len, line.at, line.len);
            len += line.len;
        }
        at = end;
    }
    return bytes_make(fields_now, len);
}

/* The part with that number of the command; NULL: there is none. */
static const struct sample_part *part_of(const struct sample *sample, unsigned number)
{
    for (unsigned i = 0; i < sample->part_count; i++)
        if ((sample->nested[i] ? 3 : i + 1) == number)
            return &sample->parts[i];
    return NULL;
}

bool sample_section(unsigned index, uint32_t number, const struct model_section *section,
                    struct bytes *out)
{
    const struct sample *sample = &samples[index];
    struct bytes text = sample_text(index, number);
    const struct sample_part *part = part_of(sample, section->number);

    if (section->number == 0) {
        struct bytes header = bytes_slice(text, 0, sample->header_len);

        switch ((enum model_part)section->part) {
        case PART_HEADER: *out = header; break;
        case PART_TEXT: *out = bytes_from(text, sample->header_len); break;
        case PART_FIELDS: *out = fields_of(header, true); break;
        case PART_FIELDS_NOT: *out = fields_of(header, false); break;
        case PART_MIME:
        case PART_WHOLE: *out = text; break;
        }
        return true;
    }
    if (part == NULL)
        return false;
    if (section->part == PART_MIME) {
        *out = bytes_slice(text, part->mime_at, part->at - part->mime_at);
        if (sample->starts[0] == NULL || section->number == 3)
            *out = section->number == 3 ? bytes_slice(text, part->mime_at, part->at - part->mime_at)
                                        : bytes_slice(text, 0, sample->header_len);
        return true;
    }
    *out = bytes_slice(text, part->at, part->end - part->at);
    if (section->kind != 0 && part->decoded != NULL)
        *out = bytes_make(part->decoded, part->decoded_len);
    return true;
}

/* Letters of ASCII in any case; the others as they are. */
static bool contains(const char *text, const char *word)
{
    size_t len = strlen(word);

    if (len == 0)
        return true;
    for (; *text != '\0'; text++)
        if (strncasecmp(text, word, len) == 0)
            return true;
    return false;
}

bool sample_has_word(unsigned index, enum model_key_type key, unsigned word_index)
{
    const struct sample *sample = &samples[index];
    const char *word = search_words[word_index];
    const char *field = NULL;

    switch ((int)key) {
    case KEY_HEADER:
    case KEY_SUBJECT: field = sample->subject; break;
    case KEY_FROM: field = sample->from; break;
    case KEY_TO: field = sample->to; break;
    case KEY_CC: field = sample->cc; break;
    case KEY_BODY: return contains(sample->words, word);
    case KEY_TEXT:
        return contains(sample->words, word) || contains(sample->subject, word) ||
               contains(sample->from, word) || contains(sample->to, word) ||
               contains(sample->cc, word);
    default: assert(false);
    }
    /* An empty string finds the field, whatever it says: here they are never empty when there. */
    return word[0] == '\0' ? field[0] != '\0' : contains(field, word);
}
