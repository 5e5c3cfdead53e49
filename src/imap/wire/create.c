/* create with USE, and rename (RFC 9051 s6.3.4, s6.3.6; RFC 6154 s3). */
#include "imap/wire/create.h"

#include "imap/wire/atom.h"
#include "imap/wire/list.h"

static bool use_parse(struct cursor *cur, struct imap_create_args *args)
{
    size_t start = cur->offset;
    struct bytes name;
    uint32_t bit;

    if (!cursor_take(cur, '\\', "a special-use attribute such as \\Sent") ||
        !imap_atom_parse(cur, &name))
        return false;
    bit = imap_list_attribute_find(bytes_slice(cur->in, start, cur->offset - start));
    args->special_use |= bit & IMAP_ATTRIBUTE_SPECIAL_USE;
    args->unknown_use = args->unknown_use || (bit & IMAP_ATTRIBUTE_SPECIAL_USE) == 0;
    return true;
}

/* [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"] */
static bool parameters_parse(struct cursor *cur, struct imap_create_args *args)
{
    bool ended;

    if (!cursor_skip_word(cur, BYTES(" (")))
        return true;
    if (!imap_word_skip(cur, BYTES("USE")))
        return cursor_fail(cur, "USE");
    if (!imap_space_parse(cur) || !cursor_take(cur, '(', "\"(\""))
        return false;
    for (bool first = true; imap_list_next(cur, first, &ended); first = false)
        if (!use_parse(cur, args))
            return false;
    return ended && cursor_take(cur, ')', "\")\"");
}

bool imap_create_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       const void **out_args)
{
    struct imap_create_args *args = ARENA_NEW(arena, struct imap_create_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !imap_mailbox_parse(cur, grammar, arena, &args->mailbox) ||
        !parameters_parse(cur, args) || !imap_end_parse(cur))
        return false;
    *out_args = args;
    return true;
}

bool imap_rename_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       const void **out_args)
{
    struct imap_rename_args *args = ARENA_NEW(arena, struct imap_rename_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !imap_mailbox_parse(cur, grammar, arena, &args->from) ||
        !imap_space_parse(cur) || !imap_mailbox_parse(cur, grammar, arena, &args->to) ||
        !imap_end_parse(cur))
        return false;
    *out_args = args;
    return true;
}
