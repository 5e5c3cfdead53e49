/* Names of accounts: rules, folding, and the names behind an address. */
#include "auth/name.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/ascii.h"
#include "base/utf8.h"

static bool is_ascii_plain(struct bytes text)
{
    return utf8_is_ascii(text) && bytes_find_byte(text, 0, 0) == text.len;
}

static void copy_lower(struct bytes text, struct account_name *out)
{
    out->len = (uint8_t)text.len;
    for (size_t i = 0; i < text.len; i++)
        out->at[i] = (uint8_t)ascii_lower(text.at[i]);
}

/* NFC, with case folding when `fold`. The input is valid UTF-8 without NUL. RFC 5802 s5.1. */
static bool normalise(struct bytes text, bool fold, struct account_name *out)
{
    int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | (fold ? UTF8PROC_CASEFOLD : 0);
    utf8proc_uint8_t *mapped = NULL;
    utf8proc_ssize_t len =
        utf8proc_map(text.at, (utf8proc_ssize_t)text.len, &mapped, (utf8proc_option_t)options);
    bool fits = len > 0 && len <= ACCOUNT_NAME_BYTES_MAX;

    if (fits) {
        out->len = (uint8_t)len;
        memcpy(out->at, mapped, (size_t)len);
    }
    free(mapped);
    return fits;
}

bool account_name_fold(struct bytes text, struct account_name *out_key)
{
    if (text.len == 0 || text.len > ACCOUNT_NAME_BYTES_MAX)
        return false;
    if (is_ascii_plain(text)) {
        copy_lower(text, out_key);
        return true;
    }
    if (!utf8_is_valid(text) || bytes_find_byte(text, 0, 0) != text.len)
        return false;
    return normalise(text, true, out_key);
}

/* Letters, marks, numbers, punctuation and symbols may stand in a name; the rest cannot be seen or
 * has no meaning yet. */
static bool is_visible(uint32_t code_point)
{
    static const utf8proc_category_t invisible[] = {
        UTF8PROC_CATEGORY_CN, UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CF, UTF8PROC_CATEGORY_CS,
        UTF8PROC_CATEGORY_CO, UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZL, UTF8PROC_CATEGORY_ZP,
    };
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code_point);

    for (size_t i = 0; i < ARRAY_COUNT(invisible); i++) {
        if (category == invisible[i])
            return false;
    }
    return true;
}

static bool is_one_of(const char *set, uint32_t code_point)
{
    return code_point > 0 && code_point < 128 && strchr(set, (int)code_point) != NULL;
}

static enum err check_characters(struct bytes text, struct note *why)
{
    for (size_t i = 0; i < text.len;) {
        uint32_t code_point = 0;
        size_t taken = utf8_decode(bytes_from(text, i), &code_point);

        if (taken == 0)
            return note_fail(why, ERR_INVALID, "account name is not valid UTF-8");
        if (!is_visible(code_point))
            return note_fail(why, ERR_INVALID,
                             "account name holds a blank or invisible character (U+%04X)",
                             (unsigned)code_point);
        if (is_one_of("/\\\"*%<>()[],;:", code_point))
            return note_fail(why, ERR_INVALID, "account name must not hold '%c'", (int)code_point);
        if (code_point == '+')
            return note_fail(why, ERR_INVALID,
                             "account name must not hold '+': it starts the tag of an address");
        i += taken;
    }
    return ERR_OK;
}

enum err account_name_check(struct bytes text, struct account_name *out_name, struct note *why)
{
    struct account_name name = { 0 };
    struct account_name key;
    enum err err;
    size_t at;

    if (text.len == 0)
        return note_fail(why, ERR_INVALID, "account name is empty");
    if (text.len > ACCOUNT_NAME_BYTES_MAX)
        return note_fail(why, ERR_INVALID, "account name is longer than %d bytes",
                         ACCOUNT_NAME_BYTES_MAX);
    err = check_characters(text, why);
    if (err != ERR_OK)
        return err;
    if (is_one_of("-.~#@", text.at[0]))
        return note_fail(why, ERR_INVALID, "account name must not start with '%c'", text.at[0]);
    if (is_one_of(".@", text.at[text.len - 1]))
        return note_fail(why, ERR_INVALID, "account name must not end with '%c'",
                         text.at[text.len - 1]);
    at = bytes_find_byte(text, 0, '@');
    if (at < text.len && bytes_find_byte(text, at + 1, '@') < text.len)
        return note_fail(why, ERR_INVALID, "account name holds more than one '@'");
    if (!normalise(text, false, &name) || !account_name_fold(account_name_bytes(&name), &key))
        return note_fail(why, ERR_INVALID, "account name is longer than %d bytes when normalised",
                         ACCOUNT_NAME_BYTES_MAX);
    *out_name = name;
    return ERR_OK;
}

/* The local part without quotes and backslashes (RFC 5321 section 4.1.2: they are syntax, not
 * content). False when `out` would overflow or the quoting is broken. */
static bool unquote(struct bytes local, struct account_name *out)
{
    out->len = 0;
    if (local.len < 2 || local.at[0] != '"') {
        if (local.len > ACCOUNT_NAME_BYTES_MAX)
            return false;
        if (local.len > 0)
            memcpy(out->at, local.at, local.len);
        out->len = (uint8_t)local.len;
        return true;
    }
    if (local.at[local.len - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < local.len; i++) {
        if (local.at[i] == '\\')
            i++;
        if (i + 1 >= local.len || out->len == ACCOUNT_NAME_BYTES_MAX)
            return false;
        out->at[out->len++] = local.at[i];
    }
    return true;
}

static bool is_our_domain(struct bytes domain, const struct bytes *domains, size_t domain_count)
{
    struct account_name want;
    struct account_name ours;

    if (!account_name_fold(domain, &want))
        return false;
    for (size_t i = 0; i < domain_count; i++) {
        if (account_name_fold(domains[i], &ours) &&
            bytes_equal(account_name_bytes(&want), account_name_bytes(&ours)))
            return true;
    }
    return false;
}

static void add_key(struct bytes text, struct recipient_names *names)
{
    if (account_name_fold(text, &names->key[names->count]))
        names->count++;
}

/* Offset of the '@' in front of the domain: the last one, because a quoted local part may hold
 * others. The length when there is none. */
static size_t find_domain(struct bytes address)
{
    for (size_t i = address.len; i > 0; i--) {
        if (address.at[i - 1] == '@')
            return i - 1;
        if (address.at[i - 1] == '"')
            break;
    }
    return address.len;
}

void recipient_names(struct bytes address, const struct bytes *domains, size_t domain_count,
                     struct recipient_names *out_names)
{
    size_t at = find_domain(address);
    struct bytes domain = bytes_from(address, at == address.len ? at : at + 1);
    struct account_name local;
    struct account_name whole = { 0 };
    struct bytes plain;

    out_names->count = 0;
    if (!unquote(bytes_slice(address, 0, at), &local))
        return;
    plain = account_name_bytes(&local);
    plain = bytes_slice(plain, 0, bytes_find_byte(plain, 0, '+'));
    if (plain.len == 0 || (at < address.len && domain.len == 0))
        return;
    if (at == address.len) {
        add_key(plain, out_names);
        return;
    }
    if (plain.len + 1 + domain.len <= ACCOUNT_NAME_BYTES_MAX) {
        memcpy(whole.at, plain.at, plain.len);
        whole.at[plain.len] = '@';
        memcpy(whole.at + plain.len + 1, domain.at, domain.len);
        whole.len = (uint8_t)(plain.len + 1 + domain.len);
        add_key(account_name_bytes(&whole), out_names);
    }
    if (is_our_domain(domain, domains, domain_count))
        add_key(plain, out_names);
}
