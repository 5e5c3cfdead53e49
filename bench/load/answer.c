/* Lines with literals. */
#include "load/answer.h"

#include "base/ascii.h"

bool answer_number(struct bytes answer, size_t *at, uint64_t *out_number)
{
    uint64_t number = 0;
    size_t end = *at;

    for (; end < answer.len && ascii_is_digit(answer.at[end]); end++)
        number = number * 10 + (uint64_t)(answer.at[end] - '0');
    if (end == *at)
        return false;
    *at = end;
    *out_number = number;
    return true;
}

/* `line` is a line with its LF; does it announce a literal? */
static bool announces(struct bytes line, uint64_t *out_len)
{
    size_t at = line.len;

    if (!bytes_ends_with(line, BYTES("}\r\n")))
        return false;
    for (at -= 3; at > 0 && ascii_is_digit(line.at[at - 1]); at--) {
    }
    return at > 0 && line.at[at - 1] == '{' && answer_number(line, &at, out_len);
}

bool answer_next(struct answer_scan *scan, struct bytes have, struct bytes *out_answer)
{
    while (scan->from < have.len) {
        size_t end = bytes_find_byte(have, scan->from, '\n');
        uint64_t literal;

        if (end == have.len) {
            scan->from = end;
            return false;
        }
        if (!announces(bytes_slice(have, scan->line, end + 1 - scan->line), &literal)) {
            *out_answer = bytes_slice(have, 0, end + 1);
            *scan = (struct answer_scan){ 0, 0 };
            return true;
        }
        scan->line = scan->from = end + 1 + literal;
    }
    return false;
}

bool answer_literal(struct bytes answer, struct bytes *out_literal)
{
    size_t end = bytes_find_byte(answer, 0, '\n');
    uint64_t len;

    if (end == answer.len || !announces(bytes_slice(answer, 0, end + 1), &len) ||
        len > answer.len - end - 1)
        return false;
    *out_literal = bytes_slice(answer, end + 1, len);
    return true;
}
