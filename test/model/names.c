/* The names, the patterns, and what matches (RFC 9051 section 6.3.9). */
#include "model/names.h"

#include <string.h>
#include <strings.h>

#include "base/attributes.h"

const struct model_name model_names[NAMES] = {
    { "INBOX" },
    { "Sent" },
    { "Drafts" },
    { "Archive" },
    { "Junk" },
    { "Trash" },
    { "inBox" },
    { "a" },
    { "a/b" },
    { "a/b/c" },
    { "a/b/c/d" },
    { "ab" },
    { "b/c" },
    { "b/c/d" },
    { "INBOX/x" },
    { "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
    { "Entw\xc3\xbcrfe/\xe5\x8f\xb0", "Entw&APw-rfe/&U,A-" },
    { "x y" },
    { "x & y", "x &- y" },
    { "z/" },
    { "q\"uote" },
    { "inbox/y" },
    /* refused */
    { "a//b" },
    { "/a" },
    { "a/*" },
    { "50%" },
    { "" },
    { "a\tb" },
    { "\xc2\x85"
      "x",
      "&AIU-x" },
    { "//" },
};

const struct model_name model_patterns[PATTERNS] = {
    { "*" },
    { "%" },
    { "a*" },
    { "a%" },
    { "%/%" },
    { "a/%" },
    { "a/*" },
    { "*c" },
    { "inbox" },
    { "INBOX%" },
    { "*/c*" },
    { "%/b" },
    { "Sent" },
    { "b/%" },
    { "" },
    { "x *" },
    { "Entw\xc3\xbc*", "Entw&APw-*" },
    { "%b%" },
    { "nothing" },
    { "in*x" },
};

const char *const model_references[REFERENCES] = { "", "a/", "b/" };

const char *model_name_canonical(unsigned index)
{
    const char *name = model_names[index].utf8;

    if (strcasecmp(name, "INBOX") == 0)
        return "INBOX";
    if (strncasecmp(name, "INBOX/", 6) == 0)
        return name[6] == 'y' ? "INBOX/y" : "INBOX/x";
    return strcmp(name, "z/") == 0 ? "z" : name;
}

/* `no_case` letters of the name may be written in any case. */
static bool matches(const char *pattern, const char *name, size_t no_case)
{
    for (; *pattern != '\0' && *pattern != '*' && *pattern != '%'; pattern++, name++) {
        if (*name == '\0' || (no_case > 0 ? strncasecmp(pattern, name, 1) != 0 : *pattern != *name))
            return false;
        no_case -= no_case > 0;
    }
    if (*pattern == '\0')
        return *name == '\0';
    for (;; name++) {
        if (matches(pattern + 1, name, no_case))
            return true;
        if (*name == '\0' || (*pattern == '%' && *name == '/'))
            return false;
        no_case -= no_case > 0;
    }
}

bool model_pattern_matches(const char *pattern, const char *name)
{
    bool inbox = strncmp(name, "INBOX", 5) == 0 && (name[5] == '\0' || name[5] == '/');

    return matches(pattern, name, inbox ? 5 : 0);
}

bool model_name_is_below(const char *name, const char *parent)
{
    size_t len = strlen(parent);

    return strncmp(name, parent, len) == 0 && name[len] == '/';
}

/* Level by level: RENAME puts them together anew. */
static const struct model_name levels[] = {
    { "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
    { "\xe5\x8f\xb0", "&U,A-" },
    { "x & y", "x &- y" },
};

static bool add_level(struct bytes level, char out[NAME_BYTES_MAX])
{
    size_t at = strlen(out);

    for (unsigned i = 0; i < ARRAY_COUNT(levels); i++)
        if (bytes_equal(level, bytes_from_string(levels[i].utf7)))
            level = bytes_from_string(levels[i].utf8);
    if (bytes_find_byte(level, 0, '&') != level.len && !bytes_equal(level, BYTES("x & y")))
        return false;
    memcpy(out + at, level.at, level.len);
    out[at + level.len] = '\0';
    return true;
}

bool model_name_decode(struct bytes given, bool rev2, char out[NAME_BYTES_MAX])
{
    if (given.len >= NAME_BYTES_MAX)
        return false;
    out[0] = '\0';
    if (rev2) {
        memcpy(out, given.at, given.len);
        out[given.len] = '\0';
        return true;
    }
    for (;;) {
        size_t end = bytes_find_byte(given, 0, '/');

        if (!add_level(bytes_slice(given, 0, end), out))
            return false;
        if (end >= given.len)
            return true;
        memcpy(out + strlen(out), "/", 2);
        given = bytes_from(given, end + 1);
    }
}
