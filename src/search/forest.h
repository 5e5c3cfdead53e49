/* Trees that are being put together: nodes get a parent and lose it again, and it is asked which
 * tree a node is in, so that no link closes a loop.
 *
 * All in bounded steps, whatever the shape. Who asks is told by a walk up, as long as walks have
 * been short; then paths are kept as splay trees (Sleator and Tarjan, "A data structure for
 * dynamic trees", 1983), and an answer costs the logarithm of what there is, over many of them.
 *
 * `work` is what a call may still do (search/work.h). A call that answers false has used it up:
 * call again with the same arguments and more work, and do nothing else with the forest before. */
#ifndef ROOST_SEARCH_FOREST_H
#define ROOST_SEARCH_FOREST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"

enum {
    SEARCH_FOREST_CHUNK = 32768, /* nodes */
    SEARCH_FOREST_CHUNKS = 193,
    SEARCH_FOREST_MAX = SEARCH_FOREST_CHUNK * SEARCH_FOREST_CHUNKS, /* nodes, number 0 included */
};

struct search_node {
    uint32_t parent; /* 0: none */
    uint32_t message : 31; /* the caller's: its place among messages, from 1; 0: a dummy */
    uint32_t is_reply : 1; /* the caller's */
    union {
        struct {
            uint32_t up; /* in its splay tree, or from there to the path above */
            uint32_t left; /* nearer to the root */
            uint32_t right;
        } path;
        struct { /* the caller's, when nothing is to be linked any more */
            uint32_t mark;
            uint32_t last; /* child; 0: it has none */
            uint32_t next; /* sibling; behind the last comes the first */
        } list;
    };
};

struct search_forest {
    uint32_t count; /* nodes; number 0 is nobody */
    bool is_deep; /* paths are kept */
    uint64_t walked; /* upwards, node by node */
    /* the call that is to be repeated */
    unsigned stage;
    uint32_t at;
    struct {
        uint32_t target; /* 0: none */
        uint32_t at;
        uint32_t below;
    } access;
    struct search_node *chunks[SEARCH_FOREST_CHUNKS];
};

static inline struct search_node *search_forest_node(const struct search_forest *forest,
                                                     uint32_t node)
{
    return &forest->chunks[node / SEARCH_FOREST_CHUNK][node % SEARCH_FOREST_CHUNK];
}

/* Number 0 is there from the start; all of it is zeroed. */
void search_forest_init(struct search_forest *forest);

/* A new node, zeroed. There are less than SEARCH_FOREST_MAX. Out of memory aborts. */
uint32_t search_forest_add(struct search_forest *forest);

/* The root of the tree that a node is in; itself when it has no parent. */
MUST_USE bool search_forest_root(struct search_forest *forest, uint32_t node, unsigned *work,
                                 uint32_t *out_root);

/* Gives `node`, which has no parent and is not the root of that one's tree, a parent. */
MUST_USE bool search_forest_link(struct search_forest *forest, uint32_t node, uint32_t parent,
                                 unsigned *work);

/* Takes its parent from `node`, which has one. */
MUST_USE bool search_forest_cut(struct search_forest *forest, uint32_t node, unsigned *work);

/* Frees the nodes of one chunk, those that were added last: until `count` is 0. The forest is of no
 * further use. */
void search_forest_free_chunk(struct search_forest *forest);

#endif
