/* cmocka's missing assertion: two runs of bytes are the same. */
#ifndef ROOST_TEST_KIT_ASSERT_BYTES_H
#define ROOST_TEST_KIT_ASSERT_BYTES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

/* Shows both sides as text when they differ. */
#define ASSERT_BYTES(got, want) assert_bytes_at((got), (want), __FILE__, __LINE__)

static inline void assert_bytes_at(struct bytes got, struct bytes want, const char *file, int line)
{
    if (bytes_equal(got, want))
        return;
    print_error("got  %zu bytes: \"%.*s\"\nwant %zu bytes: \"%.*s\"\n", got.len, BYTES_ARG(got),
                want.len, BYTES_ARG(want));
    _fail(file, line);
}

#endif
