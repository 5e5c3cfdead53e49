/* Names of mailboxes. */
#include "store/name.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "store/mailbox.h"
#include "store/types.h"

static bool level_is_valid(struct bytes level, bool first)
{
    if (level.len == 0)
        return false;
    return !first || !bytes_equal_nocase(level, BYTES("INBOX")) ||
           bytes_equal(level, BYTES("INBOX"));
}

bool name_is_valid(struct bytes name)
{
    size_t levels = 0;

    if (name.len > MAILBOX_NAME_BYTES_MAX || !utf8_is_valid(name))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (ascii_is_control(name.at[i]))
            return false;
    for (size_t at = 0, end; at <= name.len; at = end + 1, levels++) {
        end = bytes_find_byte(name, at, '/');
        if (!level_is_valid(bytes_slice(name, at, end - at), at == 0))
            return false;
    }
    return levels <= MAILBOX_LEVELS_MAX;
}

bool name_is_below(struct bytes name, struct bytes above)
{
    return name.len > above.len && name.at[above.len] == '/' && bytes_starts_with(name, above);
}

unsigned name_usual_use(struct bytes name)
{
    static const struct {
        struct bytes name;
        enum special_use use;
    } usual[] = {
        { BYTES("Drafts"), USE_DRAFTS },   { BYTES("Sent"), USE_SENT },
        { BYTES("Junk"), USE_JUNK },       { BYTES("Trash"), USE_TRASH },
        { BYTES("Archive"), USE_ARCHIVE },
    };

    for (size_t i = 0; i < ARRAY_COUNT(usual); i++)
        if (bytes_equal(name, usual[i].name))
            return usual[i].use;
    return 0;
}
