/* The records of a segment, gone through without the code under test. */
#include "kit/verify_model.h"

#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "store/record.h"
#include "store/segment.h"

/* The model: what a flip at `at` of an undamaged segment should be found as. */

static enum verify_kind kind_of(const struct record_header *header)
{
    return header->type == RECORD_BODY   ? VERIFY_BODY
           : header->type == RECORD_BASE ? VERIFY_BASE
                                         : VERIFY_CHANGE;
}

/* In the record whose header stands at `offset`; what lies between records is nobody's. */
static bool expect_in_record(uint64_t at, uint64_t offset, const struct record_header *header,
                             struct verify_finding *out)
{
    uint64_t end = offset + RECORD_HEADER_BYTES + record_framed_bytes(header->length);

    *out = (struct verify_finding){ .offset = offset, .length = record_bytes(header->length) };
    if (at < offset + RECORD_HEADER_BYTES) {
        out->kind = VERIFY_STRETCH;
        return true;
    }
    out->kind = kind_of(header);
    return at < end;
}

static bool expect_in_body(struct bytes file, uint64_t at, struct record_key key,
                           struct verify_finding *out)
{
    uint64_t offset = file.len - RECORD_HEADER_BYTES;
    struct record_header header;

    assert_true(record_header_decode(bytes_from(file, offset), key, offset, &header));
    *out = (struct verify_finding){ .kind = at >= offset ? VERIFY_STRETCH : VERIFY_BODY,
                                    .offset = SEGMENT_BODY_AT,
                                    .length = file.len - SEGMENT_BODY_AT };
    return at >= offset || at < SEGMENT_BODY_AT + record_framed_bytes(header.length);
}

bool verify_model_expect(struct bytes file, uint64_t number, uint64_t at,
                         struct verify_finding *out)
{
    uint64_t offset = SEGMENT_RECORDS_AT;
    struct record_header header;
    struct segment segment;
    struct record_key key;
    bool is_body = segment_kind(number) == SEGMENT_BODY;

    assert_int_equal(segment_header_decode(bytes_slice(file, 0, SEGMENT_HEADER_BYTES), &segment),
                     ERR_OK);
    key = record_key_make(segment.id);
    if (at < SEGMENT_HEADER_BYTES) {
        *out = (struct verify_finding){ .kind = is_body ? VERIFY_SEGMENT : VERIFY_COPY,
                                        .length = is_body ? file.len : SEGMENT_HEADER_BYTES };
        return true;
    }
    if (is_body)
        return expect_in_body(file, at, key, out);
    if (at >= SEGMENT_COPY_AT && at < SEGMENT_COPY_AT + SEGMENT_HEADER_BYTES) {
        *out = (struct verify_finding){ .kind = VERIFY_COPY,
                                        .offset = SEGMENT_COPY_AT,
                                        .length = SEGMENT_HEADER_BYTES };
        return true;
    }
    while (at >= offset && record_header_decode(bytes_slice(file, offset, RECORD_HEADER_BYTES), key,
                                                offset, &header)) {
        if (at < offset + record_bytes(header.length))
            return expect_in_record(at, offset, &header, out);
        offset += record_bytes(header.length);
    }
    return false;
}

void verify_model_list(struct vfs *vfs, struct verify_files *out)
{
    const char *path;

    *out = (struct verify_files){ .count = 0 };
    for (unsigned i = 0; (path = mem_vfs_path(vfs, i)) != NULL; i++) {
        struct bytes name = bytes_from_string(path);

        if (!bytes_starts_with(name, BYTES("log/")) ||
            !segment_name_parse(bytes_from(name, 4), &out->number[out->count]))
            continue;
        assert_true(out->count < FILES_MAX);
        out->path[out->count++] = path;
    }
    assert_true(out->count > 1);
}
