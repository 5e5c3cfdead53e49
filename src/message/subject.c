/* Base subjects, by the steps of RFC 5256 s2.1 and the grammar of its s5. */
#include "message/subject.h"

#include "base/ascii.h"
#include "message/encoded_word.h"

/* Step 1: encoded-words decoded, all runs of white space one space. */
static void normalize(struct bytes value, struct buf *out)
{
    struct buf decoded = buf_make(value.len * 4 + 16);
    bool was_space = false;

    encoded_word_decode(value, &decoded);
    struct bytes text = buf_bytes(&decoded);
    for (size_t i = 0; i < text.len; i++) {
        bool is_space = ascii_is_blank(text.at[i]) || text.at[i] == '\r' || text.at[i] == '\n';
        if (!is_space)
            buf_add_byte(out, text.at[i]);
        else if (!was_space)
            buf_add_byte(out, ' ');
        was_space = is_space;
    }
    buf_done(&decoded);
}

/* Step 2: subj-trailer = "(fwd)" / WSP */
static struct bytes cut_trailers(struct bytes text, bool *is_reply)
{
    for (;;) {
        if (text.len > 0 && ascii_is_blank(text.at[text.len - 1])) {
            text.len--;
        } else if (text.len >= 5 &&
                   bytes_equal_nocase(bytes_from(text, text.len - 5), BYTES("(fwd)"))) {
            text.len -= 5;
            *is_reply = true;
        } else {
            return text;
        }
    }
}

static struct bytes skip_blanks(struct bytes text)
{
    while (text.len > 0 && ascii_is_blank(text.at[0]))
        text = bytes_from(text, 1);
    return text;
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP, BLOBCHAR anything but "[" and "]". What follows it, or `text`
 * itself when there is none. */
static struct bytes after_blob(struct bytes text)
{
    if (!bytes_starts_with(text, BYTES("[")))
        return text;
    for (size_t i = 1; i < text.len && text.at[i] != '['; i++) {
        if (text.at[i] == ']')
            return skip_blanks(bytes_from(text, i + 1));
    }
    return text;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static struct bytes after_refwd(struct bytes text)
{
    struct bytes rest = text;

    if (bytes_starts_with_nocase(text, BYTES("fwd")))
        rest = bytes_from(text, 3);
    else if (bytes_starts_with_nocase(text, BYTES("re")) ||
             bytes_starts_with_nocase(text, BYTES("fw")))
        rest = bytes_from(text, 2);
    else
        return text;
    rest = after_blob(skip_blanks(rest));
    return bytes_starts_with(rest, BYTES(":")) ? bytes_from(rest, 1) : text;
}

/* Step 3: subj-leader = (*subj-blob subj-refwd) / WSP. One pass over the blobs: where they end
 * without a mark, they are no leader. */
static struct bytes cut_leaders(struct bytes text, bool *is_reply)
{
    for (;;) {
        struct bytes rest = skip_blanks(text);
        struct bytes mark = rest;
        for (struct bytes next = after_blob(mark); next.len < mark.len; next = after_blob(mark))
            mark = next;
        struct bytes after = after_refwd(mark);
        if (after.len == mark.len)
            return rest;
        *is_reply = true;
        text = after;
    }
}

/* Steps 3 to 5. After step 3 what is left has no leader, so blobs can go one by one as long as
 * something stays. */
static struct bytes cut_front(struct bytes text, bool *is_reply)
{
    text = cut_leaders(text, is_reply);
    for (struct bytes next = after_blob(text); next.len < text.len && next.len > 0;
         next = after_blob(text))
        text = next;
    return text;
}

bool subject_base(struct bytes value, struct buf *out)
{
    struct buf normal = buf_make(value.len * 4 + 16);
    bool is_reply = false;

    normalize(value, &normal);
    struct bytes text = buf_bytes(&normal);
    for (;;) {
        text = cut_front(cut_trailers(text, &is_reply), &is_reply);
        /* Step 6: subj-fwd = "[fwd:" subject "]" */
        if (!bytes_starts_with_nocase(text, BYTES("[fwd:")) || !bytes_ends_with(text, BYTES("]")))
            break;
        text = bytes_slice(text, 5, text.len - 6);
        is_reply = true;
    }
    buf_add(out, text);
    buf_done(&normal);
    return is_reply;
}
