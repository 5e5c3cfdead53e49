/* Making a checkpoint: begin, step, step ..., write, end. */
#include "store/checkpoint.h"

#include <assert.h>
#include <string.h>

#include "base/crc.h"
#include "store/alloc.h"
#include "store/checkpoint_state.h"
#include "store/state.h"
#include "sys/vfs.h"

enum {
    STEP_SECTIONS = 1, /* written in one step: up to half a millisecond each */
    PIECE_BYTES = 256 * 1024, /* handed to the device in one go */
    STEP_LOOKS = 2000, /* unchanged ones passed over in one step */
    ROWS_WASTE_BYTES = 1024 * 1024, /* a rows file may hold that much and twice what counts */
};

void checkpoint_sections_done(struct checkpoint_sections *sections)
{
    for (size_t i = 0; i < sections->count; i++) {
        block_release(sections->at[i].block);
        body_page_release(sections->at[i].page);
    }
    free(sections->at);
    *sections = (struct checkpoint_sections){ 0 };
}

void checkpoint_sections_take(struct checkpoint_sections *sections,
                              const struct checkpoint_section *section)
{
    sections->at =
        store_grow(sections->at, sections->count, &sections->capacity, sizeof(*sections->at));
    sections->at[sections->count++] = *section;
}

/* Of the block or page. */
static uintptr_t address(const struct checkpoint_section *section)
{
    return section->block != NULL ? (uintptr_t)section->block : (uintptr_t)section->page;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t left = address(a);
    uintptr_t right = address(b);

    return (left > right) - (left < right);
}

void checkpoint_sections_sort(struct checkpoint_sections *sections)
{
    if (sections->count > 1)
        qsort(sections->at, sections->count, sizeof(*sections->at), by_address);
}

void checkpoint_forget(struct checkpoint *checkpoint)
{
    checkpoint_sections_done(&checkpoint->saved);
    vfs_close(checkpoint->rows);
    checkpoint->rows = NULL;
    checkpoint->rows_end = 0;
    checkpoint->change.value = 0;
}

void checkpoint_free(struct checkpoint *checkpoint)
{
    if (checkpoint == NULL)
        return;
    checkpoint_forget(checkpoint);
    checkpoint_sections_done(&checkpoint->now);
    buf_done(&checkpoint->body);
    buf_done(&checkpoint->body_segments);
    free(checkpoint);
}

struct modseq checkpoint_change(const struct checkpoint *checkpoint)
{
    return checkpoint->change;
}

bool checkpoint_is_running(const struct checkpoint *checkpoint)
{
    return checkpoint->running;
}

/* A section of the complete checkpoint for as much of the same block or page: since it is held, one
 * that changed otherwise than by growing is another one by now. */
static const struct checkpoint_section *find_saved(const struct checkpoint *checkpoint,
                                                   const struct checkpoint_section *wanted)
{
    const struct checkpoint_section *found;

    if (checkpoint->saved.count == 0)
        return NULL;
    found =
        bsearch(wanted, checkpoint->saved.at, checkpoint->saved.count, sizeof(*wanted), by_address);
    return found != NULL && found->count == wanted->count ? found : NULL;
}

static enum err begin_rows_file(struct checkpoint *checkpoint, const struct account_id *account)
{
    uint8_t head[CHECKPOINT_ROWS_HEAD_BYTES];
    enum err err;

    vfs_close(checkpoint->rows);
    checkpoint->rows = NULL;
    checkpoint->has_new_rows = true;
    checkpoint->generation++;
    checkpoint_sections_done(&checkpoint->saved);
    err = checkpoint->vfs->open(checkpoint->vfs, checkpoint_rows_path(checkpoint->generation),
                                VFS_OPEN_WRITE | VFS_OPEN_CREATE, &checkpoint->rows);
    if (err != ERR_OK)
        return err;
    checkpoint_rows_head_encode(account, checkpoint->generation, head);
    err = checkpoint->rows->calls->truncate(checkpoint->rows, 0);
    if (err == ERR_OK)
        err = vfs_append(checkpoint->rows, bytes_make(head, sizeof(head)));
    checkpoint->rows_end = sizeof(head);
    return err;
}

/* Opens the rows file again. False when it is not as it was left. */
static bool continue_rows_file(struct checkpoint *checkpoint)
{
    const char *path = checkpoint_rows_path(checkpoint->generation);
    uint64_t size;

    if (checkpoint->vfs->open(checkpoint->vfs, path, VFS_OPEN_WRITE, &checkpoint->rows) != ERR_OK)
        return false;
    return checkpoint->rows->calls->size(checkpoint->rows, &size) == ERR_OK &&
           size == checkpoint->rows_end;
}

static uint64_t saved_bytes(const struct checkpoint *checkpoint)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < checkpoint->saved.count; i++)
        bytes += checkpoint->saved.at[i].length;
    return bytes;
}

static void add_sections(struct checkpoint_sections *sections, const struct state *state)
{
    for (size_t i = 0; i < state->bodies.page_count; i++) {
        struct body_page *page = state->bodies.pages[i].page;

        checkpoint_sections_take(
            sections,
            &(struct checkpoint_section){ .page = body_page_hold(page), .count = page->count });
    }
    for (size_t i = 0; i < state->mailbox_count; i++) {
        const struct mailbox *mailbox = state->by_id[i];
        struct block **blocks = mailbox->rows.blocks;

        for (size_t j = 0; j < mailbox->rows.block_count; j++)
            checkpoint_sections_take(sections,
                                     &(struct checkpoint_section){ .mailbox = mailbox->id,
                                                                   .block = block_hold(blocks[j]),
                                                                   .count = blocks[j]->count });
    }
}

void checkpoint_begin(struct checkpoint *checkpoint, const struct state *state,
                      const struct log_mark *mark)
{
    assert(!checkpoint->running);
    checkpoint->running = true;
    checkpoint->has_new_rows = false;
    checkpoint->err = ERR_OK;
    checkpoint->next = 0;
    checkpoint->head_change = state->change;
    checkpoint->head = (struct checkpoint_head){ .mark = *mark };
    add_sections(&checkpoint->now, state);
    checkpoint->body = buf_make(CHECKPOINT_BYTES_MAX);
    checkpoint_state_encode(&checkpoint->body, state, mark->position);
    checkpoint->head.damaged = state->damaged;
    checkpoint->head.body_segments = (uint32_t)state->body_segment_count;
    checkpoint->body_segments = buf_make(CHECKPOINT_BYTES_MAX);
    for (size_t i = 0; i < state->body_segment_count; i++)
        buf_put_u64(&checkpoint->body_segments, state->body_segments[i]);
    if (checkpoint->rows_end == 0 ||
        checkpoint->rows_end > 2 * saved_bytes(checkpoint) + ROWS_WASTE_BYTES ||
        !continue_rows_file(checkpoint))
        checkpoint->err = begin_rows_file(checkpoint, &state->id);
}

static void write_section(struct checkpoint *checkpoint, struct checkpoint_section *section)
{
    struct buf bytes = buf_make(CHECKPOINT_BYTES_MAX);

    if (section->block != NULL)
        block_encode(&bytes, section->block, section->count);
    else
        body_page_encode(&bytes, section->page, section->count);
    section->offset = checkpoint->rows_end;
    section->length = (uint32_t)bytes.len;
    section->crc =
        checkpoint_section_crc(checkpoint->generation, section->offset, buf_bytes(&bytes));
    checkpoint->err = vfs_append(checkpoint->rows, buf_bytes(&bytes));
    checkpoint->rows_end += bytes.len;
    buf_done(&bytes);
}

bool checkpoint_step(struct checkpoint *checkpoint)
{
    assert(checkpoint->running);
    for (int written = 0, looks = 0;
         written < STEP_SECTIONS && looks < STEP_LOOKS && checkpoint->err == ERR_OK &&
         checkpoint->next < checkpoint->now.count;
         looks++) {
        struct checkpoint_section *section = &checkpoint->now.at[checkpoint->next++];
        const struct checkpoint_section *saved = find_saved(checkpoint, section);

        if (saved != NULL) {
            section->offset = saved->offset;
            section->length = saved->length;
            section->crc = saved->crc;
            continue;
        }
        write_section(checkpoint, section);
        written++;
    }
    return checkpoint->err != ERR_OK || checkpoint->next == checkpoint->now.count;
}

static enum err replace_file(struct checkpoint *checkpoint)
{
    struct vfs *vfs = checkpoint->vfs;
    uint8_t head[CHECKPOINT_HEAD_BYTES];
    struct vfs_file *file;
    enum err err = vfs->open(vfs, checkpoint_new_path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file);

    if (err != ERR_OK)
        return err;
    checkpoint_head_encode(&checkpoint->head, head);
    err = file->calls->truncate(file, 0);
    if (err == ERR_OK)
        err = vfs_append(file, bytes_make(head, sizeof(head)));
    if (err == ERR_OK)
        err = vfs_append(file, buf_bytes(&checkpoint->body));
    if (err == ERR_OK)
        err = vfs_sync(file);
    vfs_close(file);
    return err == ERR_OK ? vfs->rename(vfs, checkpoint_new_path, checkpoint_path) : err;
}

/* Nobody needs it any more. To free what it takes may take long, and would be done on the owner's
 * thread when its name is used again. */
static void empty_old_rows(struct checkpoint *checkpoint)
{
    struct vfs *vfs = checkpoint->vfs;
    struct vfs_file *file;

    if (vfs->open(vfs, checkpoint_rows_path(checkpoint->generation + 1), VFS_OPEN_WRITE, &file) !=
        ERR_OK)
        return;
    (void)file->calls->truncate(file, 0);
    vfs_close(file);
}

/* Piece by piece, so that others who sync beside it wait for little. */
static enum err sync_rows(struct checkpoint *checkpoint)
{
    for (uint64_t at = 0; at < checkpoint->rows_end; at += PIECE_BYTES)
        vfs_hint(checkpoint->rows, at, PIECE_BYTES, VFS_HINT_WRITE);
    return vfs_sync(checkpoint->rows);
}

void checkpoint_write(struct checkpoint *checkpoint)
{
    assert(checkpoint->running);
    if (checkpoint->err != ERR_OK)
        return;
    for (size_t i = 0; i < checkpoint->now.count; i++)
        checkpoint_section_encode(&checkpoint->body, &checkpoint->now.at[i]);
    buf_add(&checkpoint->body, buf_bytes(&checkpoint->body_segments));
    checkpoint->head.generation = checkpoint->generation;
    checkpoint->head.sections = (uint32_t)checkpoint->now.count;
    checkpoint->head.length = checkpoint->body.len;
    checkpoint->head.crc = crc32c(0, buf_bytes(&checkpoint->body));
    checkpoint->err = checkpoint->body.overflowed ? ERR_LIMIT : sync_rows(checkpoint);
    if (checkpoint->err == ERR_OK)
        checkpoint->err = replace_file(checkpoint);
    if (checkpoint->err == ERR_OK && checkpoint->has_new_rows)
        empty_old_rows(checkpoint);
}

void checkpoint_end(struct checkpoint *checkpoint)
{
    assert(checkpoint->running);
    checkpoint->running = false;
    buf_done(&checkpoint->body);
    buf_done(&checkpoint->body_segments);
    if (checkpoint->err != ERR_OK) {
        checkpoint_sections_done(&checkpoint->now);
        checkpoint_forget(checkpoint);
        return;
    }
    vfs_close(checkpoint->rows);
    checkpoint->rows = NULL;
    checkpoint_sections_done(&checkpoint->saved);
    checkpoint->saved = checkpoint->now;
    checkpoint->now = (struct checkpoint_sections){ 0 };
    checkpoint_sections_sort(&checkpoint->saved);
    checkpoint->change = checkpoint->head_change;
}
