/* The bytes of a checkpoint; private to the files that write and read it. */
#ifndef ROOST_STORE_CHECKPOINT_FORMAT_H
#define ROOST_STORE_CHECKPOINT_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "store/block.h"
#include "store/body_table.h"
#include "store/log.h"
#include "store/types.h"

struct state;

enum {
    CHECKPOINT_HEAD_BYTES = 88,
    CHECKPOINT_ROWS_HEAD_BYTES = 32,
};

#define CHECKPOINT_BYTES_MAX ((size_t)512 * 1024 * 1024)

static const char checkpoint_path[] = "checkpoint";
static const char checkpoint_new_path[] = "checkpoint.new";

/* Two names for the rows, for the file of an even and of an odd generation. */
static inline const char *checkpoint_rows_path(uint64_t generation)
{
    return generation % 2 == 0 ? "checkpoint.rows.0" : "checkpoint.rows.1";
}

/* One block of rows, or page of bodies, and the section of the rows file that holds it. */
struct checkpoint_section {
    struct mailbox_id mailbox; /* 0: a page of bodies */
    struct block *block; /* held; or NULL */
    struct body_page *page; /* held; or NULL */
    uint32_t count; /* rows or bodies of it */
    uint32_t length; /* bytes of the section */
    uint32_t crc;
    uint64_t offset; /* 0: not written yet */
};

struct checkpoint_head {
    struct log_mark mark;
    uint64_t generation; /* of the rows file */
    uint64_t length; /* of what follows the head */
    uint32_t sections; /* in it, behind the ops */
    uint32_t body_segments; /* at its end */
    bool damaged; /* as in struct state */
    uint32_t crc; /* of what follows the head */
};

void checkpoint_head_encode(const struct checkpoint_head *head, uint8_t raw[CHECKPOINT_HEAD_BYTES]);
MUST_USE bool checkpoint_head_decode(const uint8_t raw[CHECKPOINT_HEAD_BYTES],
                                     struct checkpoint_head *out_head);

void checkpoint_rows_head_encode(const struct account_id *account, uint64_t generation,
                                 uint8_t raw[CHECKPOINT_ROWS_HEAD_BYTES]);

/* All of the state but its rows and bodies, as ops. */
void checkpoint_state_encode(struct buf *buf, const struct state *state, uint64_t position);

void checkpoint_section_encode(struct buf *buf, const struct checkpoint_section *section);

/* A section's checksum, bound to its place. */
uint32_t checkpoint_section_crc(uint64_t generation, uint64_t offset, struct bytes bytes);

#endif
