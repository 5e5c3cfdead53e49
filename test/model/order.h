/* What SORT sorts by (RFC 5256 section 3, RFC 5957). */
#ifndef ROOST_TEST_MODEL_ORDER_H
#define ROOST_TEST_MODEL_ORDER_H

#include <stdbool.h>
#include <stdint.h>

enum { CRITERIA_MAX = 3 };

enum model_sort {
    SORT_ARRIVAL,
    SORT_DATE,
    SORT_SIZE,
    SORT_SUBJECT, /* from here on they are texts */
    SORT_FROM,
    SORT_TO,
    SORT_CC,
    SORT_DISPLAYFROM,
    SORT_DISPLAYTO,
    SORT_KEYS,
};

struct model_criterion {
    uint8_t key; /* enum model_sort */
    bool reverse;
};

struct model_order {
    uint8_t count; /* 0: of SEARCH */
    struct model_criterion by[CRITERIA_MAX];
};

#endif
