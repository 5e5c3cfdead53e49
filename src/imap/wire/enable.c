/* enable (RFC 9051 s6.3.1) and id (RFC 2971). */
#include "imap/wire/enable.h"

#include "imap/wire/astring.h"
#include "imap/wire/atom.h"

bool imap_enable_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       const void **out_args)
{
    struct imap_enable_args *args = ARENA_NEW(arena, struct imap_enable_args);
    struct bytes *capabilities = ARENA_NEW_ARRAY(arena, struct bytes, grammar->limits->enable_max);

    if (args == NULL || capabilities == NULL)
        return imap_too_large(cur);
    do {
        if (args->count == grammar->limits->enable_max)
            return cursor_exceed(cur, args->count, "capabilities in one ENABLE");
        if (!imap_space_parse(cur) || !imap_atom_parse(cur, &capabilities[args->count]))
            return false;
        args->count++;
    } while (cursor_peek(cur) == ' ' && imap_is_atom_char(cursor_peek_at(cur, 1)));
    if (!imap_end_parse(cur))
        return false;
    args->capabilities = capabilities;
    *out_args = args;
    return true;
}

/* string SP nstring. RFC 2971 s3.3. */
static bool pair_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       struct imap_id_pair *pair)
{
    if (!imap_string_parse(cur, arena, &pair->field) || !imap_space_parse(cur) ||
        !imap_nstring_parse(cur, arena, &pair->value))
        return false;
    return pair->value.len <= grammar->limits->id_value_bytes_max ||
           cursor_exceed(cur, grammar->limits->id_value_bytes_max, "bytes in a value of ID");
}

/* RFC 2971 s3.3 */
static bool pairs_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                        struct imap_id_args *args)
{
    struct imap_id_pair *pairs =
        ARENA_NEW_ARRAY(arena, struct imap_id_pair, grammar->limits->id_pairs_max);
    bool ended;

    if (pairs == NULL)
        return imap_too_large(cur);
    for (bool first = true; imap_list_next(cur, first, &ended); first = false) {
        if (args->count == grammar->limits->id_pairs_max)
            return cursor_exceed(cur, args->count, "fields in one ID");
        if (!pair_parse(cur, grammar, arena, &pairs[args->count]))
            return false;
        args->count++;
    }
    args->pairs = pairs;
    return ended;
}

bool imap_id_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                   const void **out_args)
{
    struct imap_id_args *args = ARENA_NEW(arena, struct imap_id_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur))
        return false;
    if (!imap_word_skip(cur, BYTES("NIL")) &&
        (!cursor_take(cur, '(', "NIL or \"(\"") || !pairs_parse(cur, grammar, arena, args)))
        return false;
    if (!imap_end_parse(cur))
        return false;
    *out_args = args;
    return true;
}
