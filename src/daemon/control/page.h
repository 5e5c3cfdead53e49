/* The page of metrics on the web: GET /metrics, one request a connection, for anybody who can
 * reach metrics.listen. Bounded: visitors, bytes of a request, time of a visit. */
#ifndef ROOST_DAEMON_CONTROL_PAGE_H
#define ROOST_DAEMON_CONTROL_PAGE_H

#include "daemon/role/role.h"

enum {
    PAGE_VISITORS_MAX = 16, /* more wait in the kernel */
    PAGE_VISIT_MS = 10 * 1000, /* from the first byte to the last */
    PAGE_LISTENERS_MAX = 64,
};

struct page;

struct page *page_new(struct role *role);
void page_free(struct page *page); /* NULL is allowed */

/* Takes `fd`, a listening socket; visitors are let in from page_begin on. */
void page_add_listener(struct page *page, int *fd);
void page_begin(struct page *page);

#endif
