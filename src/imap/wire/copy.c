/* copy, move, uid-expunge (RFC 9051 s6.4.7 to s6.4.9, s9). */
#include "imap/wire/copy.h"

#include "imap/wire/atom.h"

bool imap_copy_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                     const void **out_args)
{
    struct imap_copy_args *args = ARENA_NEW(arena, struct imap_copy_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !imap_seqset_parse(cur, grammar, arena, &args->set) ||
        !imap_space_parse(cur) || !imap_mailbox_parse(cur, grammar, arena, &args->mailbox) ||
        !imap_end_parse(cur))
        return false;
    *out_args = args;
    return true;
}

bool imap_uid_expunge_parse(struct cursor *cur, const struct imap_grammar *grammar,
                            struct arena *arena, const void **out_args)
{
    struct imap_expunge_args *args = ARENA_NEW(arena, struct imap_expunge_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !imap_seqset_parse(cur, grammar, arena, &args->set) ||
        !imap_end_parse(cur))
        return false;
    *out_args = args;
    return true;
}
