/* A borrowed run of bytes: pointer and length, may hold NUL, never freed through this.
 *
 * The one way text and data travel between functions. The memory belongs to somebody else (a buf,
 * an arena, a literal) and the callee may use it until it returns unless its contract says longer.
 */
#ifndef ROOST_BASE_BYTES_H
#define ROOST_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

struct bytes {
    const uint8_t *at;
    size_t len;
};

/* The bytes of a string literal, without its NUL. */
#define BYTES(literal) ((struct bytes){ (const uint8_t *)("" literal), sizeof(literal) - 1 })

/* For printf-like calls: printf("%.*s", BYTES_ARG(b)). At most INT_MAX bytes. */
#define BYTES_ARG(b) (int)(b).len, (const char *)((b).at == NULL ? (const uint8_t *)"" : (b).at)

static inline struct bytes bytes_make(const void *at, size_t len)
{
    return (struct bytes){ (const uint8_t *)at, len };
}

/* The bytes of a NUL-terminated string; NULL gives no bytes. For the border to libc only. */
struct bytes bytes_from_string(const char *string);

bool bytes_equal(struct bytes a, struct bytes b);

/* Equal when A-Z and a-z are held the same; other bytes must be identical. */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

/* Less than, equal to or greater than 0, by unsigned bytes, the shorter first. */
int bytes_compare(struct bytes a, struct bytes b);
int bytes_compare_nocase(struct bytes a, struct bytes b);

bool bytes_starts_with(struct bytes b, struct bytes prefix);
bool bytes_starts_with_nocase(struct bytes b, struct bytes prefix);
bool bytes_ends_with(struct bytes b, struct bytes suffix);

/* All from `offset` on; empty when past the end. */
static inline struct bytes bytes_from(struct bytes b, size_t offset)
{
    if (b.at == NULL)
        return b;
    if (offset > b.len)
        offset = b.len;
    return bytes_make(b.at + offset, b.len - offset);
}

/* `len` bytes from `offset`, both cut to what is there. */
static inline struct bytes bytes_slice(struct bytes b, size_t offset, size_t len)
{
    struct bytes rest = bytes_from(b, offset);

    return bytes_make(rest.at, len < rest.len ? len : rest.len);
}

/* Without blanks, CR and LF at both ends. */
struct bytes bytes_trim(struct bytes b);

/* Offset of the first `byte`, or of `needle`, at or after `from`; b.len when there is none. */
size_t bytes_find_byte(struct bytes b, size_t from, uint8_t byte);
size_t bytes_find(struct bytes b, size_t from, struct bytes needle);

/* Same time whatever the contents (the lengths are no secret). For tickets, proofs and MACs. */
bool bytes_equal_constant_time(struct bytes a, struct bytes b);

#endif
