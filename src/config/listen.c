/* Listen addresses. */
#include "config/listen.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"

static bool complain(const char **out_expected, const char *what)
{
    *out_expected = what;
    return false;
}

static bool is_host_byte(uint8_t c)
{
    return ascii_is_alnum(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
}

static bool is_host(struct bytes host, bool bracketed)
{
    if (!bracketed && bytes_equal(host, BYTES("*")))
        return true;
    for (size_t i = 0; i < host.len; i++)
        if (!is_host_byte(host.at[i]) || (host.at[i] == ':' && !bracketed))
            return false;
    return host.len > 0 && host.len <= LISTEN_HOST_BYTES_MAX;
}

static size_t last_colon(struct bytes text)
{
    size_t at = text.len;

    while (at > 0 && text.at[at - 1] != ':')
        at--;
    return at == 0 ? text.len : at - 1;
}

static bool parse_tcp(struct bytes text, struct arena *arena, struct listen_address *address,
                      const char **out_expected)
{
    size_t colon = last_colon(text);
    struct bytes host = bytes_slice(text, 0, colon);
    bool bracketed = bytes_starts_with(host, BYTES("[")) && bytes_ends_with(host, BYTES("]"));
    uint64_t port;

    if (bytes_find_byte(text, 0, ',') < text.len)
        return complain(out_expected, "several addresses parted by blanks, not by commas");
    if (colon == text.len || !num_parse(bytes_from(text, colon + 1), UINT16_MAX, &port))
        return complain(out_expected, "a port (0 to 65535) after the last colon");
    if (bracketed)
        host = bytes_slice(host, 1, host.len - 2);
    if (!is_host(host, bracketed))
        return complain(out_expected, "an address, a name or * before the port "
                                      "(IPv6 in brackets: [::1]:143)");
    address->host = (const char *)arena_copy(arena, host).at;
    address->port = (uint16_t)port;
    return address->host != NULL || complain(out_expected, "fewer addresses");
}

static bool parse_mode(struct bytes text, uint32_t *out_mode)
{
    uint32_t mode = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '7' || mode > 0777 / 8)
            return false;
        mode = mode * 8 + ascii_digit_value(text.at[i]);
    }
    if (text.len == 0)
        return false;
    *out_mode = mode;
    return true;
}

static bool parse_option(struct bytes option, struct arena *arena, struct listen_address *address,
                         const char **out_expected)
{
    size_t equals = bytes_find_byte(option, 0, '=');
    struct bytes name = bytes_slice(option, 0, equals);
    struct bytes value = bytes_from(option, equals + 1);
    const char **owner;

    if (bytes_equal(name, BYTES("mode")))
        return parse_mode(value, &address->mode) ||
               complain(out_expected, "mode=0600 to 0777, in octal digits");
    if (bytes_equal(name, BYTES("user")))
        owner = &address->user;
    else if (bytes_equal(name, BYTES("group")))
        owner = &address->group;
    else
        return complain(out_expected, "mode=, user= or group= after the comma");
    if (value.len == 0)
        return complain(out_expected, "a name after user= or group=");
    *owner = (const char *)arena_copy(arena, value).at;
    return *owner != NULL || complain(out_expected, "fewer addresses");
}

static bool parse_unix(struct bytes text, struct arena *arena, struct listen_address *address,
                       const char **out_expected)
{
    size_t at = bytes_find_byte(text, 0, ',');
    struct bytes path = bytes_slice(text, 0, at);

    if (!bytes_starts_with(path, BYTES("/")))
        return complain(out_expected, "a path that begins with / after unix:");
    if (path.len > LISTEN_PATH_BYTES_MAX)
        return complain(out_expected, "a path of at most 107 bytes (the kernel's limit)");
    while (at < text.len) {
        size_t end = bytes_find_byte(text, at + 1, ',');

        if (!parse_option(bytes_slice(text, at + 1, end - at - 1), arena, address, out_expected))
            return false;
        at = end;
    }
    address->is_unix = true;
    address->path = (const char *)arena_copy(arena, path).at;
    return address->path != NULL || complain(out_expected, "fewer addresses");
}

bool listen_address_parse(struct bytes text, struct arena *arena,
                          struct listen_address *out_address, const char **out_expected)
{
    struct listen_address address = { .mode = LISTEN_MODE_STANDARD };
    struct bytes scheme = BYTES("unix:");

    if (bytes_starts_with(text, scheme)) {
        if (!parse_unix(bytes_from(text, scheme.len), arena, &address, out_expected))
            return false;
    } else if (!parse_tcp(text, arena, &address, out_expected)) {
        return false;
    }
    *out_address = address;
    return true;
}

bool listen_address_clashes(const struct listen_address *a, const struct listen_address *b)
{
    if (a->is_unix || b->is_unix)
        return a->is_unix && b->is_unix && strcmp(a->path, b->path) == 0;
    if (a->port != b->port || a->port == 0)
        return false;
    return strcmp(a->host, "*") == 0 || strcmp(b->host, "*") == 0 ||
           bytes_equal_nocase(bytes_from_string(a->host), bytes_from_string(b->host));
}
