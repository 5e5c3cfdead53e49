/* thread (RFC 5256 s5). */
#include "imap/wire/thread.h"

#include "base/attributes.h"
#include "imap/wire/atom.h"

/* thread-alg: those that are announced. */
static bool algorithm_parse(struct cursor *cur, enum imap_thread_algorithm *out_algorithm)
{
    if (imap_word_skip(cur, BYTES("ORDEREDSUBJECT")))
        *out_algorithm = IMAP_THREAD_ORDEREDSUBJECT;
    else if (imap_word_skip(cur, BYTES("REFERENCES")))
        *out_algorithm = IMAP_THREAD_REFERENCES;
    else
        return cursor_fail(cur, "ORDEREDSUBJECT or REFERENCES");
    return true;
}

bool imap_thread_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       const void **out_args)
{
    struct imap_thread_args *args = ARENA_NEW(arena, struct imap_thread_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !algorithm_parse(cur, &args->algorithm) ||
        !imap_space_parse(cur) || !imap_search_criteria_parse(cur, grammar, arena, &args->search))
        return false;
    *out_args = args;
    return true;
}
