/* What a body on its way in is made of; for the writer and for act_append. */
#ifndef ROOST_STORE_BODY_WRITER_STATE_H
#define ROOST_STORE_BODY_WRITER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/job.h"
#include "store/body.h"
#include "store/log_body.h"

struct message_parser;

struct body_writer {
    struct account *account;
    struct waker *waker; /* borrowed */
    uint64_t bytes_max;
    uint64_t size; /* bytes taken */
    struct buf filling; /* all of a small body; of a large one what no job has yet */
    enum record_encoding encoding; /* of `filling`, once a small body is finished */
    bool finished;
    bool is_late; /* finished, and its summary is still to be made of `filling` */
    struct buf summary; /* encoded, once finished and not late */

    /* Of a large body; what a running job uses is left alone meanwhile. */
    struct log_body *large; /* owned; NULL for a small body */
    struct body_id id;
    struct buf writing;
    struct arena arena;
    struct message_parser *parser; /* in the arena */
    struct job job;
    bool running;
    bool finishing; /* the running job is the last one */
    bool abandoned;
    enum err err; /* the first that a job met */
};

/* The body is in a change: frees the writer, keeps what it has written. */
void body_writer_consume(struct body_writer *writer);

#endif
