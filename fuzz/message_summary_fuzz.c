/* Damaged summaries are refused or answer within their bounds. */
#include <stdlib.h>

#include "message/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t numbers[] = { 1, 1, 1 };
    static const struct bytes names[] = { BYTES("To"), BYTES("Subject") };
    struct buf out = buf_make(1024 * 1024);
    struct summary_part part;
    struct summary summary;
    struct bytes id;

    if (!summary_decode(bytes_make(data, size), &summary))
        return 0;
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
    return 0;
}
