/* store (RFC 9051 s6.4.6, s9). */
#include "imap/wire/store.h"

#include "imap/wire/atom.h"
#include "imap/wire/number.h"

/* [SP "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")"] (RFC 7162 s3.1.3) */
static bool modifiers_parse(struct cursor *cur, struct imap_store_args *args)
{
    if (!cursor_skip_word(cur, BYTES(" (")))
        return true;
    if (!imap_word_skip(cur, BYTES("UNCHANGEDSINCE")))
        return cursor_fail(cur, "UNCHANGEDSINCE");
    args->has_unchanged_since = true;
    return imap_space_parse(cur) && imap_number64_parse(cur, &args->unchanged_since) &&
           cursor_take(cur, ')', "\")\"");
}

static bool act_parse(struct cursor *cur, struct imap_store_args *args)
{
    args->act = IMAP_STORE_REPLACE;
    if (cursor_skip(cur, '+'))
        args->act = IMAP_STORE_ADD;
    else if (cursor_skip(cur, '-'))
        args->act = IMAP_STORE_REMOVE;
    args->silent = imap_word_skip(cur, BYTES("FLAGS.SILENT"));
    return args->silent || imap_word_skip(cur, BYTES("FLAGS")) ||
           cursor_fail(cur, "FLAGS, +FLAGS or -FLAGS, or one of these with .SILENT");
}

bool imap_store_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                      const void **out_args)
{
    struct imap_store_args *args = ARENA_NEW(arena, struct imap_store_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !imap_seqset_parse(cur, grammar, arena, &args->set) ||
        !modifiers_parse(cur, args) || !imap_space_parse(cur) || !act_parse(cur, args) ||
        !imap_space_parse(cur) || !imap_flags_parse(cur, grammar, arena, &args->flags) ||
        !imap_end_parse(cur))
        return false;
    *out_args = args;
    return true;
}
