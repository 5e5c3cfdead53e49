/* select, examine and their parameters (RFC 9051 s6.3.2; RFC 4466 s2.1; RFC 7162 s7). */
#include "imap/wire/select.h"

#include "imap/wire/atom.h"
#include "imap/wire/number.h"

/* Numbers in a set that is written in ascending order; 0 for another one. RFC 7162 s3.2.5.2. */
static uint64_t ascending_size(const struct imap_seqset *set)
{
    uint64_t size = 0;
    uint32_t before = 0;

    for (uint32_t i = 0; i < set->count; i++) {
        const struct imap_range *range = &set->ranges[i];

        if (range->first <= before || range->last < range->first)
            return 0;
        size += (uint64_t)range->last - range->first + 1;
        before = range->last;
    }
    return size;
}

/* seq-match-data = "(" known-sequence-set SP known-uid-set ")"; both ascending, one UID for each
 * number (RFC 7162 s3.2.5.2). */
static bool match_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                        struct imap_select_args *args)
{
    return imap_seqset_parse_plain(cur, grammar, arena, &args->match_seqnos) &&
           imap_space_parse(cur) &&
           imap_seqset_parse_plain(cur, grammar, arena, &args->match_uids) &&
           (ascending_size(&args->match_seqnos) == ascending_size(&args->match_uids) ||
            cursor_fail(cur, "as many known UIDs as numbers, both ascending")) &&
           (ascending_size(&args->match_uids) > 0 ||
            cursor_fail(cur, "known numbers and UIDs in ascending order")) &&
           cursor_take(cur, ')', "\")\"");
}

/* SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")" */
static bool qresync_parse(struct cursor *cur, const struct imap_grammar *grammar,
                          struct arena *arena, struct imap_select_args *args)
{
    args->qresync = true;
    if (!imap_space_parse(cur) || !cursor_take(cur, '(', "\"(\"") ||
        !imap_nz_number_parse(cur, &args->uidvalidity) || !imap_space_parse(cur) ||
        !imap_nz_number64_parse(cur, &args->modseq))
        return false;
    if (cursor_peek(cur) == ' ' && cursor_peek_at(cur, 1) != '(') {
        cur->offset++;
        if (!imap_seqset_parse_plain(cur, grammar, arena, &args->known_uids))
            return false;
    }
    if (cursor_skip_word(cur, BYTES(" (")) && !match_parse(cur, grammar, arena, args))
        return false;
    return cursor_take(cur, ')', "\")\"");
}

static bool parameters_parse(struct cursor *cur, const struct imap_grammar *grammar,
                             struct arena *arena, struct imap_select_args *args)
{
    if (!cursor_skip_word(cur, BYTES(" (")))
        return true;
    do {
        if (!args->condstore && imap_word_skip(cur, BYTES("CONDSTORE")))
            args->condstore = true;
        else if (args->qresync || !imap_word_skip(cur, BYTES("QRESYNC")))
            return cursor_fail(cur, "CONDSTORE or QRESYNC");
        else if (!qresync_parse(cur, grammar, arena, args))
            return false;
    } while (cursor_skip(cur, ' '));
    return cursor_take(cur, ')', "a blank or \")\"");
}

bool imap_select_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       const void **out_args)
{
    struct imap_select_args *args = ARENA_NEW(arena, struct imap_select_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !imap_mailbox_parse(cur, grammar, arena, &args->mailbox) ||
        !parameters_parse(cur, grammar, arena, args) || !imap_end_parse(cur))
        return false;
    *out_args = args;
    return true;
}
