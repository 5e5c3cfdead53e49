/* The arena: a chain of blocks, each twice as large as the one before up to a ceiling. */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_FIRST_BYTES = 512,
    ARENA_BLOCK_BYTES_MAX = 64 * 1024,
    ARENA_ALIGN = _Alignof(max_align_t),
};

struct arena_block {
    struct arena_block *older;
    size_t capacity;
    _Alignas(max_align_t) uint8_t space[];
};

void arena_done(struct arena *arena)
{
    struct arena_block *block = arena->blocks;

    while (block != NULL) {
        struct arena_block *older = block->older;

        free(block);
        block = older;
    }
    *arena = arena_make(arena->budget);
}

/* It gets a block of its own, from calloc: zeros that the system gives are not written again, and a
 * large array costs what is used of it, when it is used. */
static bool is_large(size_t len)
{
    return len > ARENA_BLOCK_BYTES_MAX;
}

static void add_block(struct arena *arena, size_t needed)
{
    size_t capacity = arena->blocks == NULL ? ARENA_FIRST_BYTES : arena->blocks->capacity * 2;
    struct arena_block *block;

    if (capacity > ARENA_BLOCK_BYTES_MAX)
        capacity = ARENA_BLOCK_BYTES_MAX;
    if (capacity < needed)
        capacity = needed;
    if (capacity > SIZE_MAX - sizeof(*block))
        abort();
    block =
        is_large(needed) ? calloc(1, sizeof(*block) + capacity) : malloc(sizeof(*block) + capacity);
    if (block == NULL)
        abort();
    block->older = arena->blocks;
    block->capacity = capacity;
    arena->blocks = block;
    arena->used = 0;
}

void *arena_alloc(struct arena *arena, size_t len)
{
    size_t rounded = (len + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    void *at;

    assert(arena->spent <= arena->budget);
    if (rounded < len || rounded > arena->budget - arena->spent)
        return NULL;
    if (arena->blocks == NULL || rounded > arena->blocks->capacity - arena->used)
        add_block(arena, rounded);
    at = arena->blocks->space + arena->used;
    arena->used += rounded;
    arena->spent += rounded;
    return is_large(rounded) ? at : memset(at, 0, len);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t len;

    if (__builtin_mul_overflow(count, size, &len))
        return NULL;
    return arena_alloc(arena, len);
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes)
{
    uint8_t *at = bytes.len == SIZE_MAX ? NULL : arena_alloc(arena, bytes.len + 1);

    if (at != NULL && bytes.len > 0)
        memcpy(at, bytes.at, bytes.len);
    return bytes_make(at, at == NULL ? 0 : bytes.len);
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    int len;
    char *at;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    at = arena_alloc(arena, (size_t)len + 1);
    if (at != NULL)
        (void)vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    return at;
}
