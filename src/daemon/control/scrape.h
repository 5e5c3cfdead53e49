/* Asks every process what it counts, and makes the page of it. One round at a time: who asks while
 * one is running shares its page. */
#ifndef ROOST_DAEMON_CONTROL_SCRAPE_H
#define ROOST_DAEMON_CONTROL_SCRAPE_H

#include <stdbool.h>

#include "base/buf.h"
#include "daemon/role/role.h"

enum {
    SCRAPE_MS = 1000, /* who has not answered by then is left out */
    SCRAPE_BYTES_MAX = 4 * 1024 * 1024,
};

struct question;

struct scrape {
    struct role *role;
    /* The page is there; not called from within scrape_start. */
    void (*done)(struct scrape *scrape, const struct buf *page);
    struct question *questions; /* NULL while none is running */
    size_t count;
    size_t waiting; /* that have no answer yet */
    struct loop_task finish;
};

/* Nothing when a round is running. */
void scrape_start(struct scrape *scrape);

/* Gives up a round that is running. Harmless on a zeroed one. */
void scrape_drop(struct scrape *scrape);

#endif
