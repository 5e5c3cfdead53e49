/* FETCH items that are metadata. */
#include "imap/fetch.h"

#include "imap/selected.h"
#include "imap/state.h"
#include "imap/wire/date.h"
#include "message/nstring.h"

bool imap_fetch_is_section(const struct imap_fetch_att *att)
{
    switch (att->kind) {
    case IMAP_FETCH_BODY_SECTION:
    case IMAP_FETCH_RFC822:
    case IMAP_FETCH_RFC822_HEADER:
    case IMAP_FETCH_RFC822_TEXT:
    case IMAP_FETCH_BINARY:
    case IMAP_FETCH_BINARY_SIZE: return true;
    case IMAP_FETCH_UID:
    case IMAP_FETCH_FLAGS:
    case IMAP_FETCH_INTERNALDATE:
    case IMAP_FETCH_RFC822_SIZE:
    case IMAP_FETCH_ENVELOPE:
    case IMAP_FETCH_BODY:
    case IMAP_FETCH_BODYSTRUCTURE:
    case IMAP_FETCH_MODSEQ:
    case IMAP_FETCH_EMAILID:
    case IMAP_FETCH_THREADID:
    case IMAP_FETCH_SAVEDATE:
    case IMAP_FETCH_PREVIEW: break;
    }
    return false;
}

bool imap_fetch_needs_summary(const struct imap_fetch_att *att)
{
    return att->kind == IMAP_FETCH_ENVELOPE || att->kind == IMAP_FETCH_BODY ||
           att->kind == IMAP_FETCH_BODYSTRUCTURE || att->kind == IMAP_FETCH_PREVIEW;
}

static void print_date(struct buf *out, int64_t seconds, int16_t zone)
{
    struct imap_date_time date = imap_date_time_from_wall((struct wall){ seconds * 1000000 }, zone);

    imap_date_time_print(out, &date);
}

/* RFC 8474 section 5: "(" id ")", letters and digits only. */
static void print_id(struct buf *out, char kind, uint64_t value)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t text[] = "(e0123456789abcdef)";

    text[1] = (uint8_t)kind;
    for (size_t i = sizeof(text) - 3; i > 1; i--, value >>= 4)
        text[i] = (uint8_t)digits[value & 0xf];
    buf_add(out, bytes_make(text, sizeof(text) - 1));
}

/* RFC 9051 s2.3.4; RFC 8474 s5.1, s5.2; RFC 8970 s3.2, s3.3. */
static void print_value(struct buf *out, const struct imap_fetch_att *att, const struct row *row,
                        const struct summary *summary)
{
    switch (att->kind) {
    case IMAP_FETCH_UID: buf_add_number(out, row->uid.value); return;
    case IMAP_FETCH_INTERNALDATE:
        print_date(out, row->internal_date.seconds, row->internal_date.zone);
        return;
    case IMAP_FETCH_RFC822_SIZE: buf_add_number(out, row->size); return;
    case IMAP_FETCH_ENVELOPE: buf_add(out, summary->envelope); return;
    case IMAP_FETCH_BODY: buf_add(out, summary->body); return;
    case IMAP_FETCH_BODYSTRUCTURE: buf_add(out, summary->bodystructure); return;
    case IMAP_FETCH_MODSEQ:
        buf_add_byte(out, '(');
        buf_add_number(out, row->modseq.value);
        buf_add_byte(out, ')');
        return;
    case IMAP_FETCH_EMAILID: print_id(out, 'e', row->body.value); return;
    case IMAP_FETCH_THREADID: print_id(out, 't', row->thread.value); return;
    case IMAP_FETCH_SAVEDATE: print_date(out, row->save_date, 0); return;
    case IMAP_FETCH_PREVIEW: nstring_print_string(out, summary->preview); return;
    case IMAP_FETCH_FLAGS:
    case IMAP_FETCH_BODY_SECTION:
    case IMAP_FETCH_RFC822:
    case IMAP_FETCH_RFC822_HEADER:
    case IMAP_FETCH_RFC822_TEXT:
    case IMAP_FETCH_BINARY:
    case IMAP_FETCH_BINARY_SIZE: break;
    }
}

void imap_fetch_print_item(struct imap_session *session, const struct imap_fetch_att *att,
                           const struct row *row, const struct summary *summary)
{
    if (att->kind == IMAP_FETCH_FLAGS) {
        imap_selected_print_flags(session, row);
        return;
    }
    buf_add(session->out, att->name);
    buf_add_byte(session->out, ' ');
    print_value(session->out, att, row, summary);
}
