/* LIST patterns against a plain recursive matcher, and the promise of may_match_below. The input is
 * "pattern LF name". */
#include <stdlib.h>

#include "imap/wire/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAIVE_BYTES_MAX = 24 };

static bool naive(struct bytes pattern, struct bytes name)
{
    if (pattern.len == 0)
        return name.len == 0;
    if (pattern.at[0] == '*' || pattern.at[0] == '%')
        return naive(bytes_from(pattern, 1), name) ||
               (name.len > 0 && (pattern.at[0] == '*' || name.at[0] != '/') &&
                naive(pattern, bytes_from(name, 1)));
    return name.len > 0 && pattern.at[0] == name.at[0] &&
           naive(bytes_from(pattern, 1), bytes_from(name, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_make(data, size);
    size_t lf = bytes_find_byte(input, 0, '\n');
    struct bytes pattern = bytes_slice(input, 0, lf);
    struct bytes name = bytes_from(input, lf + 1);
    bool matches = imap_pattern_matches(pattern, name);

    if (input.len <= NAIVE_BYTES_MAX && !bytes_starts_with(name, BYTES("INBOX")) &&
        matches != naive(pattern, name))
        abort();
    for (size_t at = bytes_find_byte(name, 0, '/'); matches && at + 1 < name.len;
         at = bytes_find_byte(name, at + 1, '/'))
        if (!bytes_starts_with(name, BYTES("INBOX")) &&
            !imap_pattern_may_match_below(pattern, bytes_slice(name, 0, at)))
            abort();
    return 0;
}
