/* An account with many messages, written by the test, and a session that has selected them: for
 * commands that take many steps. */
#ifndef ROOST_TEST_KIT_IMAP_BENCH_H
#define ROOST_TEST_KIT_IMAP_BENCH_H

#include "base/buf.h"
#include "kit/imap_seat.h"

enum { IMAP_BENCH_TEXTS_BYTES = 1 << 24 };

struct imap_bench {
    struct vfs *vfs;
    struct desk desk;
    struct imap_seat seat;
    struct search_texts *texts; /* of its searches */
};

/* Appends message `number`, from 1 on, to what is empty. */
typedef void imap_bench_write(uint32_t number, struct buf *out);

/* With so many messages in INBOX, a multiple of 500, all of them durable. */
void imap_bench_open(struct imap_bench *bench, uint32_t messages, imap_bench_write *write);
void imap_bench_close(struct imap_bench *bench); /* at any time; nothing is left of the session */

/* Says the line, with CRLF, takes so many steps, all jobs run after each second one, and puts
 * another session in the place of this one, which ends as it stands. `out_said` is what it has
 * said. */
void imap_bench_end_after(struct imap_bench *bench, const char *line, unsigned steps,
                          struct buf *out_said);

/* Drops what searches have kept of the account. */
void imap_bench_forget(struct imap_bench *bench);

/* Closes the account, flips a bit where the disk has `text`, takes away the summaries, and opens it
 * again. */
void imap_bench_damage(struct imap_bench *bench, const char *text);

#endif
