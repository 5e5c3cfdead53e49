/* A sequence set that parses prints and parses again to itself; resolved, it is ascending and
 * disjoint and has exactly the numbers that its ranges say. The first byte is `*`. */
#include <stdlib.h>

#include "imap/wire/seqset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PROBES = 300 };

static uint32_t number(uint32_t written, uint32_t star)
{
    return written == IMAP_STAR ? star : written;
}

static bool says(const struct imap_seqset *set, uint32_t star, uint32_t wanted)
{
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t a = number(set->ranges[i].first, star), b = number(set->ranges[i].last, star);

        if ((a <= wanted && wanted <= b) || (b <= wanted && wanted <= a))
            return true;
    }
    return false;
}

static void check_resolved(const struct imap_seqset *set, uint32_t star, struct arena *arena)
{
    struct imap_seqset resolved;

    if (!imap_seqset_resolve(set, star, arena, &resolved))
        abort();
    for (uint32_t i = 0; i < resolved.count; i++)
        if (resolved.ranges[i].first > resolved.ranges[i].last ||
            (i > 0 && resolved.ranges[i].first <= resolved.ranges[i - 1].last + 1))
            abort();
    for (uint32_t probe = 1; probe < PROBES; probe++)
        if (imap_seqset_contains(&resolved, probe) != says(set, star, probe))
            abort();
}

static void check_printed(const struct imap_seqset *set, const struct imap_grammar *grammar,
                          struct arena *arena)
{
    struct buf out = buf_make(1 << 20);
    struct imap_seqset again;
    struct cursor cur;

    imap_seqset_print(&out, set);
    cur = cursor_make(buf_bytes(&out));
    if (!imap_seqset_parse(&cur, grammar, arena, &again) || !cursor_at_end(&cur) ||
        again.count != set->count)
        abort();
    for (uint32_t i = 0; i < set->count; i++)
        if (again.ranges[i].first != set->ranges[i].first ||
            again.ranges[i].last != set->ranges[i].last)
            abort();
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make(1 << 20);
    struct imap_grammar grammar = imap_grammar_make();
    struct cursor cur = cursor_make(bytes_from(bytes_make(data, size), 1));
    struct imap_seqset set;

    if (!imap_seqset_parse(&cur, &grammar, &arena, &set)) {
        if (cur.expected == NULL)
            abort();
    } else if (!set.saved) {
        check_printed(&set, &grammar, &arena);
        check_resolved(&set, 1U + data[0], &arena);
    }
    arena_done(&arena);
    return 0;
}
