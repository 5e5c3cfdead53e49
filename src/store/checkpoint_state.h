/* What a checkpoint in the making is; private to the files that write and read it. */
#ifndef ROOST_STORE_CHECKPOINT_STATE_H
#define ROOST_STORE_CHECKPOINT_STATE_H

#include "store/checkpoint.h"
#include "store/checkpoint_format.h"

struct vfs_file;

struct checkpoint_sections {
    struct checkpoint_section *at;
    size_t count;
    size_t capacity;
};

struct checkpoint {
    struct vfs *vfs; /* borrowed */
    uint64_t generation; /* of the rows file */
    uint64_t rows_end; /* its size; 0: the next checkpoint begins a new file */
    struct vfs_file *rows; /* open while one is being made */
    struct modseq change; /* of the one that is complete */
    struct checkpoint_sections saved; /* of the one that is complete; by address */

    bool running;
    bool has_new_rows; /* the one being made has begun the rows file */
    enum err err; /* of the one being made */
    struct checkpoint_sections now; /* of the one being made; by mailbox and place */
    size_t next; /* the next of `now` to be looked at */
    struct checkpoint_head head;
    struct modseq head_change;
    struct buf body; /* what follows the head */
    struct buf body_segments; /* its last part */
};

void checkpoint_sections_done(struct checkpoint_sections *sections);

/* Takes over a reference to the block or page. */
void checkpoint_sections_take(struct checkpoint_sections *sections,
                              const struct checkpoint_section *section);

/* For finding by address. */
void checkpoint_sections_sort(struct checkpoint_sections *sections);

#endif
