/* The string forms of IMAP (RFC 9051 s4.3). */
#include "message/nstring.h"

#include <string.h>

enum quoting { QUOTE_PLAIN, QUOTE_ESCAPED, QUOTE_IMPOSSIBLE };

/* QUOTED-CHAR is any TEXT-CHAR, so control characters but NUL, CR and LF may stand in quotes. Some
 * clients choke on them all the same; a literal is always right. */
static enum quoting how_to_quote(struct bytes text)
{
    enum quoting quoting = QUOTE_PLAIN;

    if (text.len > NSTRING_QUOTED_MAX)
        return QUOTE_IMPOSSIBLE;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if ((c < ' ' && c != '\t') || c >= 127)
            return QUOTE_IMPOSSIBLE;
        if (c == '"' || c == '\\')
            quoting = QUOTE_ESCAPED;
    }
    return quoting;
}

static void print_escaped(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"' || text.at[i] == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, text.at[i]);
    }
}

static void add_without_nul(struct buf *out, struct bytes text)
{
    while (text.len > 0) {
        size_t run = bytes_find_byte(text, 0, 0);
        buf_add(out, bytes_slice(text, 0, run));
        if (run < text.len)
            buf_add_byte(out, 0x80);
        text = bytes_from(text, run + 1);
    }
}

/* RFC 7888 s3 */
void nstring_print_pieces(struct buf *out, const struct bytes *pieces, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += pieces[i].len;
    buf_add_byte(out, '{');
    buf_add_number(out, len);
    buf_add(out, BYTES("}\r\n"));
    for (size_t i = 0; i < count; i++)
        add_without_nul(out, pieces[i]);
}

void nstring_print_literal(struct buf *out, struct bytes text)
{
    nstring_print_pieces(out, &text, 1);
}

void nstring_print_string(struct buf *out, struct bytes text)
{
    enum quoting quoting = how_to_quote(text);

    if (quoting == QUOTE_IMPOSSIBLE) {
        nstring_print_literal(out, text);
        return;
    }
    buf_add_byte(out, '"');
    if (quoting == QUOTE_PLAIN)
        buf_add(out, text);
    else
        print_escaped(out, text);
    buf_add_byte(out, '"');
}

void nstring_print(struct buf *out, struct bytes text)
{
    if (text.at == NULL)
        buf_add(out, BYTES("NIL"));
    else
        nstring_print_string(out, text);
}
