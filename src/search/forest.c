/* Link-cut trees over an array of parents. */
#include "search/forest.h"

#include <assert.h>

#include "store/alloc.h"

/* So far it is cheaper to walk: steps for each node, and for none. */
enum { WALKED_MAX = 16, WALKED_FREE = 1024 };

enum stage {
    BEGIN, /* of each call; the others are of those that are repeated */
    RAISE_NODE,
    DESCEND,
    RAISE_ROOT,
    RAISE_PARENT,
};

static struct search_node *node_at(const struct search_forest *forest, uint32_t node)
{
    return search_forest_node(forest, node);
}

void search_forest_init(struct search_forest *forest)
{
    *forest = (struct search_forest){ 0 };
    (void)search_forest_add(forest);
}

uint32_t search_forest_add(struct search_forest *forest)
{
    uint32_t chunk = forest->count / SEARCH_FOREST_CHUNK;

    assert(forest->count < SEARCH_FOREST_MAX);
    if (forest->chunks[chunk] == NULL)
        forest->chunks[chunk] = store_alloc(SEARCH_FOREST_CHUNK, sizeof(struct search_node));
    return forest->count++;
}

void search_forest_free_chunk(struct search_forest *forest)
{
    uint32_t chunk = (forest->count - 1) / SEARCH_FOREST_CHUNK;

    free(forest->chunks[chunk]);
    forest->chunks[chunk] = NULL;
    forest->count = chunk * SEARCH_FOREST_CHUNK;
}

/* Has it nothing above it in its splay tree? */
static bool is_top(const struct search_forest *forest, uint32_t node)
{
    uint32_t up = node_at(forest, node)->path.up;
    const struct search_node *above = node_at(forest, up);

    return up == 0 || (above->path.left != node && above->path.right != node);
}

static void rotate(struct search_forest *forest, uint32_t node)
{
    struct search_node *here = node_at(forest, node);
    uint32_t up = here->path.up;
    struct search_node *above = node_at(forest, up);
    struct search_node *over = node_at(forest, above->path.up);
    bool is_below_top = is_top(forest, up);
    uint32_t inner;

    if (above->path.left == node) {
        inner = here->path.right;
        above->path.left = inner;
        here->path.right = up;
    } else {
        inner = here->path.left;
        above->path.right = inner;
        here->path.left = up;
    }
    if (inner != 0)
        node_at(forest, inner)->path.up = up;
    here->path.up = above->path.up;
    above->path.up = node;
    if (is_below_top)
        return;
    if (over->path.left == up)
        over->path.left = node;
    else
        over->path.right = node;
}

/* Lifts a node that is not on top by one level or two. */
static void splay(struct search_forest *forest, uint32_t node)
{
    uint32_t up = node_at(forest, node)->path.up;

    if (!is_top(forest, up)) {
        const struct search_node *above = node_at(forest, up);
        const struct search_node *over = node_at(forest, above->path.up);
        bool is_straight = (above->path.left == node) == (over->path.left == up);

        rotate(forest, is_straight ? up : node);
    }
    rotate(forest, node);
}

/* Makes the way from the root down to `node` one path, with `node` on top of its splay tree and
 * nothing to the right. */
static bool raise_node(struct search_forest *forest, uint32_t node, unsigned *work)
{
    if (forest->access.target == 0) {
        forest->access.target = node;
        forest->access.at = node;
        forest->access.below = 0;
    }
    assert(forest->access.target == node);
    for (; *work > 0; (*work)--) {
        uint32_t at = forest->access.at;

        if (at == 0 && is_top(forest, node)) {
            forest->access.target = 0;
            return true;
        }
        if (at == 0 || !is_top(forest, at)) {
            splay(forest, at == 0 ? node : at);
            continue;
        }
        node_at(forest, at)->path.right = forest->access.below;
        forest->access.below = at;
        forest->access.at = node_at(forest, at)->path.up;
    }
    return false;
}

/* Node by node. False: out of work, or it has become too dear (is_deep). */
static bool walk_up(struct search_forest *forest, unsigned *work)
{
    while (node_at(forest, forest->at)->parent != 0) {
        if (*work == 0)
            return false;
        (*work)--;
        forest->at = node_at(forest, forest->at)->parent;
        if (++forest->walked > WALKED_FREE + (uint64_t)WALKED_MAX * forest->count) {
            forest->is_deep = true;
            return false;
        }
    }
    return true;
}

static bool find_root(struct search_forest *forest, uint32_t node, unsigned *work)
{
    if (forest->stage == RAISE_NODE) {
        if (!raise_node(forest, node, work))
            return false;
        forest->stage = DESCEND;
        forest->at = node;
    }
    if (forest->stage == DESCEND) {
        for (; node_at(forest, forest->at)->path.left != 0; (*work)--) {
            if (*work == 0)
                return false;
            forest->at = node_at(forest, forest->at)->path.left;
        }
        forest->stage = RAISE_ROOT;
    }
    return raise_node(forest, forest->at, work);
}

bool search_forest_root(struct search_forest *forest, uint32_t node, unsigned *work,
                        uint32_t *out_root)
{
    bool is_found = false;

    if (forest->stage == BEGIN) {
        forest->stage = RAISE_NODE;
        forest->at = node;
    }
    if (!forest->is_deep)
        is_found = walk_up(forest, work);
    if (forest->is_deep)
        is_found = find_root(forest, node, work);
    if (!is_found)
        return false;
    forest->stage = BEGIN;
    *out_root = forest->at;
    return true;
}

/* Splay trees of one node are what `up` and no more says: before paths are kept, all are. */
bool search_forest_link(struct search_forest *forest, uint32_t node, uint32_t parent,
                        unsigned *work)
{
    struct search_node *here = node_at(forest, node);

    assert(here->parent == 0);
    if (forest->is_deep) {
        if (forest->stage == BEGIN)
            forest->stage = RAISE_NODE;
        if (forest->stage == RAISE_NODE && raise_node(forest, node, work))
            forest->stage = RAISE_PARENT;
        if (forest->stage == RAISE_NODE || !raise_node(forest, parent, work))
            return false;
        forest->stage = BEGIN;
        assert(here->path.up == 0 && here->path.left == 0);
    }
    here->parent = parent;
    here->path.up = parent;
    return true;
}

bool search_forest_cut(struct search_forest *forest, uint32_t node, unsigned *work)
{
    struct search_node *here = node_at(forest, node);

    assert(here->parent != 0);
    if (forest->is_deep) {
        if (!raise_node(forest, node, work))
            return false;
        node_at(forest, here->path.left)->path.up = 0;
        here->path.left = 0;
    }
    here->path.up = 0;
    here->parent = 0;
    return true;
}
