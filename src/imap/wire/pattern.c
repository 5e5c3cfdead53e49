/* Wildcards, matched by walking all places in the pattern at once: a set of places instead of
 * backtracking, so the time is bounded by pattern length times name length. */
#include "imap/wire/pattern.h"

#include <string.h>

#include "base/ascii.h"
#include "imap/wire/mailbox.h"

#define INBOX BYTES("INBOX")

struct places {
    struct bytes pattern;
    uint8_t at[IMAP_PATTERN_BYTES_MAX + 1]; /* 1: the name so far may have led here */
};

static bool is_wildcard(int c)
{
    return c == '*' || c == '%';
}

/* A wildcard may stand for nothing at all. */
static void pass_wildcards(struct places *places)
{
    for (size_t i = 0; i < places->pattern.len; i++)
        if (places->at[i] && is_wildcard(places->pattern.at[i]))
            places->at[i + 1] = 1;
}

static bool places_init(struct places *places, struct bytes pattern)
{
    if (pattern.len > IMAP_PATTERN_BYTES_MAX)
        return false;
    places->pattern = pattern;
    memset(places->at, 0, pattern.len + 1);
    places->at[0] = 1;
    pass_wildcards(places);
    return true;
}

/* From the end to the front, so that each place is read before it is written. */
static void places_step(struct places *places, int c, bool nocase)
{
    for (size_t i = places->pattern.len + 1; i-- > 0;) {
        int wanted = i < places->pattern.len ? places->pattern.at[i] : CURSOR_END;
        bool stays = wanted == '*' || (wanted == '%' && c != IMAP_DELIMITER);
        bool equal = wanted == c || (nocase && ascii_upper(wanted) == ascii_upper(c));

        if (places->at[i] && equal && !is_wildcard(wanted))
            places->at[i + 1] = 1;
        places->at[i] = places->at[i] && stays;
    }
    pass_wildcards(places);
}

static void places_walk(struct places *places, struct bytes name)
{
    bool inbox = bytes_starts_with(name, INBOX) &&
                 (name.len == INBOX.len || name.at[INBOX.len] == IMAP_DELIMITER);

    for (size_t i = 0; i < name.len; i++)
        places_step(places, name.at[i], inbox && i < INBOX.len);
}

/* RFC 5258 s3 */
bool imap_pattern_matches(struct bytes pattern, struct bytes name)
{
    struct places places;

    if (!places_init(&places, pattern))
        return false;
    places_walk(&places, name);
    return places.at[pattern.len] == 1;
}

bool imap_pattern_may_match_below(struct bytes pattern, struct bytes parent)
{
    struct places places;

    if (!places_init(&places, pattern))
        return false;
    places_walk(&places, parent);
    places_step(&places, IMAP_DELIMITER, false);
    return memchr(places.at, 1, pattern.len) != NULL;
}
