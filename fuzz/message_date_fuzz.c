/* A date that can be read prints as one that reads back the same. */
#include <stdlib.h>

#include "message/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = buf_make(100);
    struct date date, again;

    if (!date_parse(bytes_make(data, size), &date))
        return 0;
    date_print(&out, date);
    if (!date_parse(buf_bytes(&out), &again) || again.seconds != date.seconds)
        abort();
    buf_done(&out);
    return 0;
}
