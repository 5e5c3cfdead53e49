/* Reading a checkpoint: whole, or not at all. */
#include <string.h>

#include "base/crc.h"
#include "base/reader.h"
#include "store/alloc.h"
#include "store/apply.h"
#include "store/checkpoint.h"
#include "store/checkpoint_state.h"
#include "store/state.h"
#include "sys/vfs.h"

struct loading {
    struct checkpoint *checkpoint;
    struct state *state;
    struct vfs_file *rows;
    uint64_t rows_size;
    struct buf section; /* the bytes of the one at hand */
};

/* Ops of the state, sections after them. */
static bool apply_state(struct loading *loading, struct bytes ops)
{
    struct op_walk walk = { .ops = ops };
    struct op op;

    while (op_next(&walk, &op))
        apply_op(loading->state, &op, loading->state->change);
    return !walk.failed;
}

/* Bits without a keyword in the table would mean nothing. */
static bool fits_keywords(const struct mailbox *mailbox, const struct block *block)
{
    uint32_t known = mailbox->keywords.count;
    uint64_t low = column_bits(&block->columns[COLUMN_KEYWORDS_LOW], block->count);
    uint64_t high = column_bits(&block->columns[COLUMN_KEYWORDS_HIGH], block->count);

    if (known <= 64)
        return high == 0 && (known == 64 || low >> known == 0);
    return known == KEYWORDS_PER_MAILBOX_MAX || high >> (known - 64) == 0;
}

/* RFC 9051 s2.3.1.1 */
static bool add_block(struct loading *loading, struct checkpoint_section *section)
{
    struct mailbox *mailbox = state_find_id(loading->state, section->mailbox);
    struct block *block = section->block;

    if (mailbox == NULL || block_uid(block, 0) <= rows_last_uid(&mailbox->rows) ||
        block_uid(block, block->count - 1) >= mailbox->uidnext || !fits_keywords(mailbox, block))
        return false;
    rows_append_block(&mailbox->rows, block_hold(block));
    state_count_block(mailbox, block);
    return true;
}

/* What was decoded is held by `saved`, and by the state once it has been added. */
static bool apply_section(struct loading *loading, struct checkpoint_section *section,
                          struct bytes bytes)
{
    struct reader reader = reader_make(bytes);
    bool added;

    if (section->mailbox.value != 0)
        section->block = block_decode(&reader, section->count);
    else
        section->page = body_page_decode(&reader, section->count);
    if (section->block == NULL && section->page == NULL)
        return false;
    checkpoint_sections_take(&loading->checkpoint->saved, section);
    if (section->block != NULL)
        added = add_block(loading, section);
    else
        added = body_table_add_page(&loading->state->bodies, section->page);
    if (added && section->page != NULL)
        (void)body_page_hold(section->page);
    return added && reader_finish(&reader);
}

static bool load_section(struct loading *loading, struct reader *reader)
{
    struct checkpoint_section section = { .mailbox = { reader_u32(reader) } };
    uint8_t *raw;

    section.count = reader_u32(reader);
    section.offset = reader_u64(reader);
    section.length = reader_u32(reader);
    section.crc = reader_u32(reader);
    if (reader->failed || section.offset > loading->rows_size ||
        section.length > loading->rows_size - section.offset)
        return false;
    buf_clear(&loading->section);
    raw = buf_reserve(&loading->section, section.length);
    return raw != NULL &&
           vfs_read(loading->rows, section.offset, raw, section.length, 0) == ERR_OK &&
           checkpoint_section_crc(loading->checkpoint->generation, section.offset,
                                  bytes_make(raw, section.length)) == section.crc &&
           apply_section(loading, &section, bytes_make(raw, section.length));
}

enum { SECTION_BYTES = 24, BODY_SEGMENT_BYTES = 8 };

static bool load_body(struct loading *loading, const struct checkpoint_head *head,
                      struct bytes body)
{
    uint64_t lists = (uint64_t)head->sections * SECTION_BYTES +
                     (uint64_t)head->body_segments * BODY_SEGMENT_BYTES;
    struct reader reader;

    if (crc32c(0, body) != head->crc || lists > body.len ||
        !apply_state(loading, bytes_slice(body, 0, body.len - (size_t)lists)))
        return false;
    reader = reader_make(bytes_from(body, body.len - (size_t)lists));
    for (uint32_t i = 0; i < head->sections; i++)
        if (!load_section(loading, &reader))
            return false;
    for (uint32_t i = 0; i < head->body_segments; i++)
        state_add_body_segment(loading->state, reader_u64(&reader));
    loading->state->damaged = head->damaged;
    return reader_finish(&reader) &&
           body_table_messages(&loading->state->bodies) == loading->state->used_messages;
}

static bool load_rows_file(struct loading *loading, struct bytes body,
                           const struct checkpoint_head *head)
{
    struct checkpoint *checkpoint = loading->checkpoint;
    struct vfs *vfs = checkpoint->vfs;
    uint8_t want[CHECKPOINT_ROWS_HEAD_BYTES];
    uint8_t have[CHECKPOINT_ROWS_HEAD_BYTES];

    checkpoint->generation = head->generation;
    if (vfs->open(vfs, checkpoint_rows_path(head->generation), VFS_OPEN_READ, &checkpoint->rows) !=
        ERR_OK)
        return false;
    loading->rows = checkpoint->rows;
    if (loading->rows->calls->size(loading->rows, &loading->rows_size) != ERR_OK ||
        vfs_read(loading->rows, 0, have, sizeof(have), 0) != ERR_OK ||
        !load_body(loading, head, body))
        return false;
    checkpoint_rows_head_encode(&loading->state->id, head->generation, want);
    checkpoint->rows_end = loading->rows_size;
    return memcmp(want, have, sizeof(want)) == 0;
}

static bool load_file(struct loading *loading, struct vfs_file *file,
                      struct checkpoint_head *out_head)
{
    uint8_t raw[CHECKPOINT_HEAD_BYTES];
    uint64_t size;
    uint8_t *body;
    bool loaded;

    if (file->calls->size(file, &size) != ERR_OK ||
        vfs_read(file, 0, raw, sizeof(raw), 0) != ERR_OK ||
        !checkpoint_head_decode(raw, out_head) || size != sizeof(raw) + out_head->length)
        return false;
    body = store_alloc(1, out_head->length);
    loaded = vfs_read(file, sizeof(raw), body, out_head->length, 0) == ERR_OK &&
             load_rows_file(loading, bytes_make(body, out_head->length), out_head);
    free(body);
    return loaded;
}

struct checkpoint *checkpoint_load(struct vfs *vfs, struct state *state, struct log_mark *out_mark)
{
    struct checkpoint *checkpoint = store_alloc(1, sizeof(*checkpoint));
    struct loading loading = { .checkpoint = checkpoint,
                               .state = state,
                               .section = buf_make(CHECKPOINT_BYTES_MAX) };
    struct checkpoint_head head;
    struct vfs_file *file;
    bool loaded;

    checkpoint->vfs = vfs;
    if (vfs->open(vfs, checkpoint_path, VFS_OPEN_READ, &file) != ERR_OK)
        return checkpoint;
    loaded = load_file(&loading, file, &head);
    vfs_close(file);
    buf_done(&loading.section);
    if (!loaded) {
        checkpoint_forget(checkpoint);
        state_done(state);
        return checkpoint;
    }
    vfs_close(checkpoint->rows);
    checkpoint->rows = NULL;
    checkpoint_sections_sort(&checkpoint->saved);
    checkpoint->change = state->change;
    *out_mark = head.mark;
    return checkpoint;
}
