/* Dot-unstuffing by pieces as long as the input allows. */
#include "smtp/content.h"

/* Where the run of content that starts at in[0], which is not a dot at the start of a line, ends:
 * before a dot at the start of a line, or at the end. */
static size_t run(struct smtp_content *content, struct bytes in)
{
    enum smtp_content_place place = content->place;
    size_t at = 0;

    while (at < in.len) {
        uint8_t c = in.at[at];

        if (place == SMTP_CONTENT_LINE_START && c == '.')
            break;
        if (place == SMTP_CONTENT_CR && c == '\n')
            place = SMTP_CONTENT_LINE_START;
        else
            place = c == '\r' ? SMTP_CONTENT_CR : SMTP_CONTENT_IN_LINE;
        at++;
        if (place == SMTP_CONTENT_IN_LINE)
            at = bytes_find_byte(in, at, '\r');
    }
    content->place = place;
    return at;
}

size_t smtp_content_step(struct smtp_content *content, struct bytes in, struct bytes *out_piece,
                         bool *out_end)
{
    size_t taken;

    *out_end = false;
    *out_piece = (struct bytes){ NULL, 0 };
    if (in.len == 0)
        return 0;
    if (content->place == SMTP_CONTENT_LINE_START && in.at[0] == '.') {
        content->place = SMTP_CONTENT_DOT;
        return 1;
    }
    if (content->place == SMTP_CONTENT_DOT && in.at[0] == '\r') {
        content->place = SMTP_CONTENT_DOT_CR;
        return 1;
    }
    if (content->place == SMTP_CONTENT_DOT_CR) {
        content->place = SMTP_CONTENT_CR;
        if (in.at[0] == '\n') {
            *out_end = true;
            content->place = SMTP_CONTENT_LINE_START;
            return 1;
        }
        /* The dot was a doubled one after all (or should have been); its CR is content. */
        *out_piece = BYTES("\r");
        return 0;
    }
    if (content->place == SMTP_CONTENT_DOT)
        content->place = SMTP_CONTENT_IN_LINE;
    taken = run(content, in);
    *out_piece = bytes_slice(in, 0, taken);
    return taken;
}
