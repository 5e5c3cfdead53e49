/* status and its answer (RFC 9051 s6.3.11, s7.3.4, s9). */
#include "imap/wire/status.h"

#include "imap/wire/atom.h"

/* RFC 7889 s3.2; RFC 8474 s4.3. */
static const struct {
    struct bytes name;
    uint32_t bit;
} att_names[] = {
    { BYTES("MESSAGES"), IMAP_STATUS_MESSAGES },
    { BYTES("RECENT"), IMAP_STATUS_RECENT },
    { BYTES("UIDNEXT"), IMAP_STATUS_UIDNEXT },
    { BYTES("UIDVALIDITY"), IMAP_STATUS_UIDVALIDITY },
    { BYTES("UNSEEN"), IMAP_STATUS_UNSEEN },
    { BYTES("DELETED"), IMAP_STATUS_DELETED },
    { BYTES("SIZE"), IMAP_STATUS_SIZE },
    { BYTES("HIGHESTMODSEQ"), IMAP_STATUS_HIGHESTMODSEQ },
    { BYTES("MAILBOXID"), IMAP_STATUS_MAILBOXID },
    { BYTES("APPENDLIMIT"), IMAP_STATUS_APPENDLIMIT },
};

static bool att_parse(struct cursor *cur, uint32_t *atts)
{
    for (size_t i = 0; i < ARRAY_COUNT(att_names); i++)
        if (imap_word_skip(cur, att_names[i].name)) {
            *atts |= att_names[i].bit;
            return true;
        }
    return cursor_fail(cur, "a status item such as MESSAGES");
}

bool imap_status_atts_parse(struct cursor *cur, uint32_t *out_atts)
{
    uint32_t atts = 0;

    if (!cursor_take(cur, '(', "\"(\""))
        return false;
    do {
        if (!att_parse(cur, &atts))
            return false;
    } while (cursor_skip(cur, ' '));
    if (!cursor_take(cur, ')', "a blank or \")\""))
        return false;
    *out_atts = atts;
    return true;
}

bool imap_status_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       const void **out_args)
{
    struct imap_status_args *args = ARENA_NEW(arena, struct imap_status_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !imap_mailbox_parse(cur, grammar, arena, &args->mailbox) ||
        !imap_space_parse(cur) || !imap_status_atts_parse(cur, &args->atts) || !imap_end_parse(cur))
        return false;
    *out_args = args;
    return true;
}

static uint64_t number_of(const struct imap_status_values *values, enum imap_status_att att)
{
    switch (att) {
    case IMAP_STATUS_MESSAGES: return values->messages;
    case IMAP_STATUS_RECENT: return values->recent;
    case IMAP_STATUS_UIDNEXT: return values->uidnext;
    case IMAP_STATUS_UIDVALIDITY: return values->uidvalidity;
    case IMAP_STATUS_UNSEEN: return values->unseen;
    case IMAP_STATUS_DELETED: return values->deleted;
    case IMAP_STATUS_SIZE: return values->size_bytes;
    case IMAP_STATUS_HIGHESTMODSEQ: return values->highestmodseq;
    case IMAP_STATUS_APPENDLIMIT: return values->appendlimit_bytes;
    case IMAP_STATUS_MAILBOXID: break;
    }
    return 0;
}

static void print_value(struct buf *out, const struct imap_status_values *values, uint32_t att)
{
    if (att != IMAP_STATUS_MAILBOXID) {
        buf_add_number(out, number_of(values, (enum imap_status_att)att));
        return;
    }
    buf_add_byte(out, '(');
    buf_add(out, values->mailboxid);
    buf_add_byte(out, ')');
}

void imap_status_response_print(struct buf *out, const struct imap_grammar *grammar,
                                struct bytes name, uint32_t atts,
                                const struct imap_status_values *values)
{
    bool first = true;

    buf_add_string(out, "* STATUS ");
    imap_mailbox_print(out, grammar, name);
    buf_add_string(out, " (");
    for (size_t i = 0; i < ARRAY_COUNT(att_names); i++) {
        if ((atts & att_names[i].bit) == 0)
            continue;
        if (!first)
            buf_add_byte(out, ' ');
        first = false;
        buf_add(out, att_names[i].name);
        buf_add_byte(out, ' ');
        print_value(out, values, att_names[i].bit);
    }
    buf_add_string(out, ")\r\n");
}
