/* Tag and name of a command, and its end (RFC 9051 s9). */
#include "imap/wire/command.h"

#include "base/ascii.h"
#include "imap/wire/atom.h"

bool imap_tag_parse(struct cursor *cur, struct bytes *out_tag)
{
    size_t start = cur->offset;
    struct bytes tag = cursor_take_while(cur, imap_is_tag_char);

    if (tag.len > 0 && tag.len <= IMAP_TAG_BYTES_MAX) {
        *out_tag = tag;
        return true;
    }
    cur->offset = start;
    return cursor_fail(cur, tag.len == 0 ? "a tag" : "a shorter tag");
}

static bool name_parse(struct cursor *cur, struct bytes *out_name)
{
    size_t start = cur->offset;
    struct bytes name = cursor_take_while(cur, imap_is_atom_char);

    if (name.len > 0 && name.len <= IMAP_COMMAND_NAME_BYTES_MAX) {
        *out_name = name;
        return true;
    }
    cur->offset = start;
    return cursor_fail(cur, "a command");
}

bool imap_command_parse(struct cursor *cur, struct imap_command *out_command)
{
    struct imap_command command = { .uid = false };

    out_command->tag = bytes_make(NULL, 0);
    if (!imap_tag_parse(cur, &command.tag))
        return false;
    out_command->tag = command.tag;
    if (!cursor_take(cur, ' ', "a blank and a command") || !name_parse(cur, &command.name))
        return false;
    if (bytes_equal_nocase(command.name, BYTES("UID"))) {
        command.uid = true;
        if (!cursor_take(cur, ' ', "a blank and a command") || !name_parse(cur, &command.name))
            return false;
    }
    *out_command = command;
    return true;
}

bool imap_end_parse(struct cursor *cur)
{
    struct cursor at = *cur;

    (void)cursor_take_while(&at, ascii_is_blank);
    if (!cursor_at_end(&at))
        return cursor_fail(cur, "the end of the command");
    cur->offset = at.offset;
    return true;
}

bool imap_no_args_parse(struct cursor *cur, const struct imap_grammar *grammar MAYBE_UNUSED,
                        struct arena *arena MAYBE_UNUSED, const void **out_args)
{
    if (!imap_end_parse(cur))
        return false;
    *out_args = NULL;
    return true;
}

bool imap_done_parse(struct cursor *cur)
{
    if (!imap_word_skip(cur, BYTES("DONE")))
        return cursor_fail(cur, "DONE");
    return imap_end_parse(cur);
}
