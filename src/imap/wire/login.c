/* login, authenticate and the lines of a SASL exchange (RFC 9051 s6.2.2, s6.2.3; RFC 4959). */
#include "imap/wire/login.h"

#include "imap/wire/astring.h"
#include "imap/wire/atom.h"
#include "imap/wire/base64.h"

bool imap_login_parse(struct cursor *cur, const struct imap_grammar *grammar MAYBE_UNUSED,
                      struct arena *arena, const void **out_args)
{
    struct imap_login_args *args = ARENA_NEW(arena, struct imap_login_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !imap_astring_parse(cur, arena, &args->user) ||
        !imap_space_parse(cur) || !imap_astring_parse(cur, arena, &args->password) ||
        !imap_end_parse(cur))
        return false;
    *out_args = args;
    return true;
}

/* [SP (base64 / "=")]. RFC 4959 s3. */
static bool initial_parse(struct cursor *cur, struct arena *arena,
                          struct imap_authenticate_args *args)
{
    if (cursor_peek(cur) != ' ' || cursor_peek_at(cur, 1) == CURSOR_END)
        return true;
    cur->offset++;
    args->has_initial = true;
    if (cursor_skip(cur, '='))
        return true;
    return imap_base64_parse(cur, arena, &args->initial) &&
           (args->initial.len > 0 || cursor_fail(cur, "base64 or \"=\""));
}

bool imap_authenticate_parse(struct cursor *cur, const struct imap_grammar *grammar MAYBE_UNUSED,
                             struct arena *arena, const void **out_args)
{
    struct imap_authenticate_args *args = ARENA_NEW(arena, struct imap_authenticate_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !imap_atom_parse(cur, &args->mechanism) ||
        !initial_parse(cur, arena, args) || !imap_end_parse(cur))
        return false;
    *out_args = args;
    return true;
}

bool imap_sasl_line_parse(struct cursor *cur, struct arena *arena, struct bytes *out_data,
                          bool *out_cancelled)
{
    struct bytes data = { .at = NULL };
    bool cancelled = cursor_skip(cur, '*');

    if (!cancelled && !imap_base64_parse(cur, arena, &data))
        return false;
    if (!imap_end_parse(cur))
        return false;
    *out_data = data;
    *out_cancelled = cancelled;
    return true;
}
