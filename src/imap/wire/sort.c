/* sort (RFC 5256 s5). */
#include "imap/wire/sort.h"

#include "base/attributes.h"
#include "imap/wire/atom.h"

/* RFC 5256 s3; RFC 5957 s4. */
static const struct bytes key_names[IMAP_SORT_KEYS] = {
    [IMAP_SORT_ARRIVAL] = BYTES("ARRIVAL"),
    [IMAP_SORT_CC] = BYTES("CC"),
    [IMAP_SORT_DATE] = BYTES("DATE"),
    [IMAP_SORT_DISPLAYFROM] = BYTES("DISPLAYFROM"),
    [IMAP_SORT_DISPLAYTO] = BYTES("DISPLAYTO"),
    [IMAP_SORT_FROM] = BYTES("FROM"),
    [IMAP_SORT_SIZE] = BYTES("SIZE"),
    [IMAP_SORT_SUBJECT] = BYTES("SUBJECT"),
    [IMAP_SORT_TO] = BYTES("TO"),
};

static bool key_parse(struct cursor *cur, enum imap_sort_key *out_key)
{
    for (unsigned i = 0; i < IMAP_SORT_KEYS; i++)
        if (imap_word_skip(cur, key_names[i])) {
            *out_key = (enum imap_sort_key)i;
            return true;
        }
    return cursor_fail(cur, "ARRIVAL, CC, DATE, DISPLAYFROM, DISPLAYTO, FROM, SIZE, SUBJECT or TO");
}

static bool is_there(const struct imap_sort_args *args, enum imap_sort_key key)
{
    for (uint32_t i = 0; i < args->count; i++)
        if (args->criteria[i].key == key)
            return true;
    return false;
}

/* ["REVERSE" SP] sort-key */
static bool criterion_parse(struct cursor *cur, struct imap_sort_args *args)
{
    struct imap_sort_criterion criterion = { .reverse = imap_word_skip(cur, BYTES("REVERSE")) };

    if (criterion.reverse && !imap_space_parse(cur))
        return false;
    if (!key_parse(cur, &criterion.key))
        return false;
    if (!is_there(args, criterion.key))
        args->criteria[args->count++] = criterion;
    return true;
}

/* "(" sort-criterion *(SP sort-criterion) ")" */
static bool criteria_parse(struct cursor *cur, struct imap_sort_args *args)
{
    bool ended;

    if (!cursor_take(cur, '(', "\"(\" and what to sort by"))
        return false;
    if (cursor_peek(cur) == ')')
        return cursor_fail(cur, "something to sort by");
    for (bool first = true; imap_list_next(cur, first, &ended); first = false)
        if (!criterion_parse(cur, args))
            return false;
    return ended;
}

bool imap_sort_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                     const void **out_args)
{
    struct imap_sort_args *args = ARENA_NEW(arena, struct imap_sort_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_search_returns_parse(cur, &args->search) || !imap_space_parse(cur) ||
        !criteria_parse(cur, args) || !imap_space_parse(cur) ||
        !imap_search_criteria_parse(cur, grammar, arena, &args->search))
        return false;
    *out_args = args;
    return true;
}
