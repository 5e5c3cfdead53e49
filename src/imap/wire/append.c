/* append, message by message (RFC 9051 s6.3.12; RFC 3502; RFC 6855 s4). */
#include "imap/wire/append.h"

#include "imap/wire/astring.h"
#include "imap/wire/atom.h"

static bool ends_here(struct cursor *cur)
{
    return cursor_at_end(cur) || cursor_fail(cur, "nothing behind the literal's announcement");
}

/* literal / literal8 / "UTF8" SP "(" literal8 ")", as far as the announcement goes. */
static bool message_literal_parse(struct cursor *cur, struct imap_append_message *message)
{
    struct imap_announcement announced;

    message->utf8 = cursor_skip_word(cur, BYTES("UTF8 ("));
    if (message->utf8 && cursor_peek(cur) != '~')
        return cursor_fail(cur, "a literal8");
    if (!imap_announcement_parse(cur, &announced))
        return false;
    message->bytes = announced.bytes;
    message->synchronising = announced.synchronising;
    message->literal8 = announced.literal8;
    return ends_here(cur);
}

/* [SP flag-list] [SP date-time] SP literal */
static bool message_parse(struct cursor *cur, const struct imap_grammar *grammar,
                          struct arena *arena, struct imap_append_message *out_message)
{
    struct imap_append_message message = { .has_date = false };

    if (!imap_space_parse(cur))
        return false;
    if (cursor_peek(cur) == '(') {
        if (!imap_flag_list_parse(cur, grammar, arena, &message.flags) || !imap_space_parse(cur))
            return false;
    }
    if (cursor_peek(cur) == '"') {
        message.has_date = true;
        if (!imap_date_time_parse(cur, &message.date) || !imap_space_parse(cur))
            return false;
    }
    if (!message_literal_parse(cur, &message))
        return false;
    *out_message = message;
    return true;
}

bool imap_append_names_mailbox(const struct cursor *cur)
{
    struct cursor at = *cur;
    struct imap_announcement announced;

    return cursor_skip(&at, ' ') && imap_announcement_parse(&at, &announced) && cursor_at_end(&at);
}

bool imap_append_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       struct imap_append_args *out_args)
{
    struct imap_append_args args;

    if (!imap_space_parse(cur) || !imap_mailbox_parse(cur, grammar, arena, &args.mailbox) ||
        !message_parse(cur, grammar, arena, &args.message))
        return false;
    *out_args = args;
    return true;
}

bool imap_append_next_parse(struct cursor *cur, const struct imap_grammar *grammar,
                            struct arena *arena, struct imap_append_message *message,
                            bool *out_ended)
{
    if (message->utf8 && !cursor_take(cur, ')', "\")\""))
        return false;
    if (cursor_at_end(cur)) {
        *out_ended = true;
        return true;
    }
    if (!message_parse(cur, grammar, arena, message))
        return false;
    *out_ended = false;
    return true;
}
