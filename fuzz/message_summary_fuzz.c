/* Damaged summaries are refused or answer within their bounds. What the input says is a summary
 * itself, or, behind a zero byte, what becomes of a good one: places (two bytes, little-endian) and
 * the byte that stands there. */
#include <stdlib.h>
#include <string.h>

#include "message/parser.h"
#include "message/summary.h"

enum { EDIT_BYTES = 3, OUT_MAX = 1024 * 1024 };

static const char sample[] =
    "From: Ann <ann@example.org>\r\nTo: b@example.org, c@example.org\r\nSubject: "
    "=?utf-8?q?=C3=A4?=\r\n"
    "Message-ID: <1@x>\r\nReferences: <2@x> <3@x>\r\nDate: Mon, 2 Nov 2020 10:00:00 +0100\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
    "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nhello\r\n--b\r\n"
    "Content-Type: image/png; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(struct bytes encoded)
{
    static const uint32_t numbers[] = { 1, 1, 1 };
    static const struct bytes names[] = { BYTES("To"), BYTES("Subject") };
    struct buf out = buf_make(OUT_MAX);
    struct summary_part part;
    struct summary summary;
    struct bytes id;

    if (!summary_decode(encoded, &summary))
        return;
    for (size_t position = 0; summary_part_next(&summary, &position, &part);) {
        if (part.body_offset > summary.message_bytes ||
            part.body_bytes > summary.message_bytes - part.body_offset)
            abort();
    }
    for (size_t position = 0; summary_reference_next(&summary, &position, &id);)
        buf_add(&out, id);
    for (size_t count = 0; count <= ARRAY_COUNT(numbers); count++)
        (void)!summary_part_find(&summary, numbers, count, &part);
    (void)!summary_header_fields(&summary, names, ARRAY_COUNT(names), &out);
    buf_done(&out);
}

static void look_at_edited(struct bytes edits)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct buf good = buf_make(SUMMARY_BYTES_MAX);

    summary_encode(message_parse(&arena, bytes_make(sample, sizeof(sample) - 1)), &good);
    for (; edits.len >= EDIT_BYTES; edits = bytes_from(edits, EDIT_BYTES)) {
        size_t place = (size_t)(edits.at[0] | edits.at[1] << 8) % good.len;

        good.at[good.start + place] = edits.at[2];
    }
    look_at(buf_bytes(&good));
    buf_done(&good);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_make(data, size);

    if (size > 0 && data[0] == 0)
        look_at_edited(bytes_from(input, 1));
    else
        look_at(input);
    return 0;
}
