/* Mailbox names: decoding, normal form, what is refused, printing (RFC 9051 s5.1). */
#include "imap/wire/mailbox.h"

#include <utf8proc.h>

#include "base/utf8.h"
#include "imap/wire/astring.h"
#include "imap/wire/atom.h"
#include "imap/wire/utf7.h"

#define INBOX BYTES("INBOX")

static bool is_control(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) || code_point == 0x2028 ||
           code_point == 0x2029;
}

/* U+FDD0 to U+FDEF, and the last two of each plane. */
static bool is_noncharacter(uint32_t code_point)
{
    return (code_point >= 0xfdd0 && code_point <= 0xfdef) || (code_point & 0xfffe) == 0xfffe;
}

static enum imap_name_refusal check_characters(struct bytes name)
{
    if (bytes_starts_with(name, BYTES("\xef\xbb\xbf")))
        return IMAP_NAME_BOM;
    while (name.len > 0) {
        uint32_t code_point;
        size_t taken = utf8_decode(name, &code_point);

        if (taken == 0 || is_noncharacter(code_point))
            return IMAP_NAME_BAD_UTF8;
        if (is_control(code_point))
            return IMAP_NAME_CONTROL;
        if (code_point == '%' || code_point == '*')
            return IMAP_NAME_WILDCARD;
        name = bytes_from(name, taken);
    }
    return IMAP_NAME_OK;
}

static enum imap_name_refusal check_components(struct bytes name,
                                               const struct imap_grammar_limits *limits)
{
    size_t start = 0;

    for (uint32_t depth = 1; start <= name.len; depth++) {
        size_t end = bytes_find_byte(name, start, IMAP_DELIMITER);
        struct bytes component = bytes_slice(name, start, end - start);

        if (component.len == 0)
            return IMAP_NAME_EMPTY_COMPONENT;
        if (bytes_equal(component, BYTES(".")) || bytes_equal(component, BYTES("..")))
            return IMAP_NAME_DOTS;
        if (component.len > limits->mailbox_component_bytes_max)
            return IMAP_NAME_LEVEL_TOO_LONG;
        if (depth > limits->mailbox_depth_max)
            return IMAP_NAME_TOO_DEEP;
        start = end + 1;
    }
    return IMAP_NAME_OK;
}

static enum imap_name_refusal check_name(struct bytes name,
                                         const struct imap_grammar_limits *limits)
{
    if (name.len == 0)
        return IMAP_NAME_EMPTY;
    if (name.len > limits->mailbox_bytes_max)
        return IMAP_NAME_TOO_LONG;
    if (name.at[0] == '#')
        return IMAP_NAME_NAMESPACE;
    return check_components(name, limits);
}

/* RFC 9051 s6.3.4 */
bool imap_mailbox_normalise(struct bytes text, struct arena *arena, struct bytes *out_text)
{
    const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    utf8proc_ssize_t len = (utf8proc_ssize_t)text.len;
    utf8proc_ssize_t count = utf8proc_decompose(text.at, len, NULL, 0, options);
    utf8proc_int32_t *code_points;

    if (utf8_is_ascii(text) || count < 0) {
        *out_text = text;
        return true;
    }
    /* reencode writes the UTF-8 and a NUL over the code points. */
    code_points = ARENA_NEW_ARRAY(arena, utf8proc_int32_t, (size_t)count + 1);
    if (code_points == NULL)
        return false;
    (void)utf8proc_decompose(text.at, len, code_points, count, options);
    len = utf8proc_reencode(code_points, count, options);
    *out_text = len < 0 ? text : bytes_make(code_points, (size_t)len);
    return true;
}

static bool is_inbox_first(struct bytes name)
{
    return bytes_starts_with_nocase(name, INBOX) &&
           (name.len == INBOX.len || name.at[INBOX.len] == IMAP_DELIMITER);
}

/* INBOX in upper case, as the whole name or its first component. RFC 9051 s9. */
static bool canonical_inbox(struct bytes *name, struct arena *arena)
{
    struct bytes copy;

    if (!is_inbox_first(*name) || bytes_starts_with(*name, INBOX))
        return true;
    if (name->len == INBOX.len) {
        *name = INBOX;
        return true;
    }
    copy.at = arena_alloc(arena, name->len);
    if (copy.at == NULL)
        return false;
    for (size_t i = 0; i < name->len; i++)
        ((uint8_t *)(uintptr_t)copy.at)[i] = i < INBOX.len ? INBOX.at[i] : name->at[i];
    copy.len = name->len;
    *name = copy;
    return true;
}

/* RFC 9051 s6.3.4 */
bool imap_mailbox_from_utf8(struct bytes name, const struct imap_grammar_limits *limits,
                            struct arena *arena, struct imap_mailbox *out_mailbox)
{
    struct imap_mailbox mailbox = { .name = name, .given = name };

    /* A name that is far too long is not worth normalising. */
    if (name.len / 4 > limits->mailbox_bytes_max)
        mailbox.refusal = IMAP_NAME_TOO_LONG;
    else
        mailbox.refusal = check_characters(name);
    if (mailbox.refusal == IMAP_NAME_OK) {
        struct bytes canonical;

        if (!imap_mailbox_normalise(name, arena, &canonical) || !canonical_inbox(&canonical, arena))
            return false;
        mailbox.delimiter_at_end = bytes_ends_with(canonical, BYTES("/"));
        canonical.len -= mailbox.delimiter_at_end;
        mailbox.given.len -= mailbox.delimiter_at_end;
        mailbox.refusal = check_name(canonical, limits);
        if (mailbox.refusal == IMAP_NAME_OK)
            mailbox.name = canonical;
    }
    *out_mailbox = mailbox;
    return true;
}

/* RFC 9051 sA, sA.1; RFC 3501 s5.1. */
bool imap_mailbox_to_utf8(struct bytes raw, const struct imap_grammar *grammar, struct arena *arena,
                          struct bytes *out_name, enum imap_name_refusal *out_refusal)
{
    struct buf decoded = buf_make(raw.len * 2);
    bool good;

    *out_refusal = IMAP_NAME_OK;
    *out_name = raw;
    if (imap_grammar_is_utf8(grammar))
        return true;
    if (!utf8_is_ascii(raw))
        *out_refusal = IMAP_NAME_EIGHT_BIT;
    if (!utf8_is_ascii(raw) || bytes_find_byte(raw, 0, '&') == raw.len)
        return true;
    good = imap_utf7_decode(&decoded, raw);
    if (good)
        *out_name = arena_copy(arena, buf_bytes(&decoded));
    else
        *out_refusal = IMAP_NAME_BAD_UTF7;
    buf_done(&decoded);
    return out_name->at != NULL;
}

bool imap_mailbox_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                        struct imap_mailbox *out_mailbox)
{
    struct imap_mailbox mailbox = { .refusal = IMAP_NAME_OK };
    struct bytes raw;
    struct bytes name;

    if (!imap_astring_parse(cur, arena, &raw))
        return false;
    if (!imap_mailbox_to_utf8(raw, grammar, arena, &name, &mailbox.refusal))
        return imap_too_large(cur);
    if (mailbox.refusal == IMAP_NAME_OK &&
        !imap_mailbox_from_utf8(name, grammar->limits, arena, &mailbox))
        return imap_too_large(cur);
    if (mailbox.refusal != IMAP_NAME_OK)
        mailbox.name = mailbox.given = raw;
    *out_mailbox = mailbox;
    return true;
}

bool imap_mailbox_args_parse(struct cursor *cur, const struct imap_grammar *grammar,
                             struct arena *arena, const void **out_args)
{
    struct imap_mailbox_args *args = ARENA_NEW(arena, struct imap_mailbox_args);

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !imap_mailbox_parse(cur, grammar, arena, &args->mailbox) ||
        !imap_end_parse(cur))
        return false;
    *out_args = args;
    return true;
}

const char *imap_name_refusal_text(enum imap_name_refusal refusal)
{
    switch (refusal) {
    case IMAP_NAME_OK: return "Mailbox name is good";
    case IMAP_NAME_EMPTY: return "Mailbox name is empty";
    case IMAP_NAME_TOO_LONG: return "Mailbox name is too long";
    case IMAP_NAME_LEVEL_TOO_LONG: return "Mailbox name has a level that is too long";
    case IMAP_NAME_TOO_DEEP: return "Mailbox name has too many levels";
    case IMAP_NAME_EMPTY_COMPONENT: return "Mailbox name has an empty level";
    case IMAP_NAME_DOTS: return "Mailbox name has a level \".\" or \"..\"";
    case IMAP_NAME_CONTROL: return "Mailbox name holds a control character";
    case IMAP_NAME_BOM: return "Mailbox name begins with a byte order mark";
    case IMAP_NAME_WILDCARD: return "Mailbox name holds a wildcard, % or *";
    case IMAP_NAME_NAMESPACE: return "Mailbox name begins with #, but there is no such namespace";
    case IMAP_NAME_BAD_UTF7: return "Mailbox name is not valid modified UTF-7";
    case IMAP_NAME_EIGHT_BIT:
        return "Mailbox name is 8-bit: enable IMAP4rev2 or write it in modified UTF-7";
    case IMAP_NAME_BAD_UTF8: return "Mailbox name is not valid UTF-8";
    }
    return "Mailbox name is not good";
}

/* RFC 9051 s7.3.1, sA, sA.1 */
void imap_mailbox_print(struct buf *out, const struct imap_grammar *grammar, struct bytes name)
{
    struct buf encoded = buf_make(name.len * 4 + 2);

    if (imap_grammar_is_utf8(grammar) ||
        (utf8_is_ascii(name) && bytes_find_byte(name, 0, '&') == name.len)) {
        imap_astring_print(out, name);
        return;
    }
    imap_utf7_encode(&encoded, name);
    imap_astring_print(out, buf_bytes(&encoded));
    buf_done(&encoded);
}
