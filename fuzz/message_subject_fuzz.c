/* Base subjects (RFC 5256 section 2.1) are valid UTF-8 and have no base below them; identifiers
 * come one after the other to an end. */
#include <stdlib.h>

#include "base/utf8.h"
#include "message/charset.h"
#include "message/message_id.h"
#include "message/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    struct buf out = buf_make(1 << 20);
    struct cursor cur = cursor_make(bytes_make(data, size));

    if (!is_ready)
        (void)charset_open_all();
    is_ready = true;
    (void)subject_base(cur.in, &out);
    if (!utf8_is_valid(buf_bytes(&out)))
        abort();
    buf_clear(&out);
    for (size_t before = 0; message_id_next(&cur, &out); before = cur.offset)
        if (cur.offset <= before)
            abort();
    buf_done(&out);
    return 0;
}
