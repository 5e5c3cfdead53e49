/* The fields of a block put together are the block; HEADER.FIELDS and HEADER.FIELDS.NOT share it
 * between them; unfolded values are one line. */
#include <stdlib.h>
#include <string.h>

#include "message/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct bytes names[] = { BYTES("To"), BYTES("Subject"), BYTES("x") };

static void must_be_one_line(struct bytes value)
{
    if (value.at == NULL || memchr(value.at, '\n', value.len) != NULL)
        abort();
}

/* What the fields take of the block. */
static size_t walk(struct bytes block, struct arena *arena)
{
    struct header_reader reader = header_reader_make(block);
    struct header_field field;
    size_t together = 0;

    while (header_next(&reader, &field)) {
        if (field.raw.at != block.at + together || field.raw.len == 0)
            abort();
        together += field.raw.len;
        must_be_one_line(header_unfold(arena, field.value));
        must_be_one_line(header_flatten(arena, field.value));
    }
    if (reader.offset != together)
        abort();
    return together;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make(4 * size + 1024 * 1024);
    struct buf in = buf_make(size + 2), out = buf_make(size + 2);
    struct bytes block = bytes_make(data, size);
    size_t fields = walk(block, &arena);
    size_t end;

    header_filter(block, names, ARRAY_COUNT(names), false, &in);
    header_filter(block, names, ARRAY_COUNT(names), true, &out);
    end = in.len + out.len - fields; /* both have the empty line, if there is one */
    if (in.overflowed || out.overflowed || end > 4 || end % 2 != 0)
        abort();
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct header_field field;

        if (header_find(buf_bytes(&out), names[i], &field) ||
            header_find(block, names[i], &field) != header_find(buf_bytes(&in), names[i], &field))
            abort();
    }
    buf_done(&in);
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
