/* Compiler attributes by the names this house uses. Nothing else may spell __attribute__ out. */
#ifndef ROOST_BASE_ATTRIBUTES_H
#define ROOST_BASE_ATTRIBUTES_H

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define NORETURN __attribute__((noreturn))
#define CLEANUP(function) __attribute__((cleanup(function)))
#define MAYBE_UNUSED __attribute__((unused))
#define NO_INLINE __attribute__((noinline))
#define FOR_PROCESSOR(feature) __attribute__((target(feature)))

/* The struct of type `type` whose member `member` is at `pointer`. */
#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
