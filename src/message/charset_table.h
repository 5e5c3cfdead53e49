/* The fixed list of charsets; for charset.c only. */
#ifndef ROOST_MESSAGE_CHARSET_TABLE_H
#define ROOST_MESSAGE_CHARSET_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum charset_kind {
    CHARSET_UNLABELLED, /* UTF-8 where valid, else windows-1252 */
    CHARSET_UTF8,
    CHARSET_ASCII,
    CHARSET_WINDOWS_1252,
    CHARSET_ICONV,
    CHARSET_ICONV_BYTES, /* iconv, one byte at a time */
};

struct charset {
    enum charset_kind kind;
    const char *iconv_name; /* NULL: converted without iconv */
    const char *names; /* parted by one space, the preferred MIME name first */
};

enum { CHARSET_ROWS_MAX = 64 };

extern const struct charset charset_rows[];
extern const size_t charset_row_count; /* at most CHARSET_ROWS_MAX */
extern const struct charset charset_unlabelled_row;

/* Code points of 0x80 to 0x9F. */
extern const uint16_t charset_windows_1252[32];

#endif
