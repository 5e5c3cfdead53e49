/* Bytes that nobody can guess, from the kernel. Works inside every sandbox. */
#ifndef ROOST_SYS_ENTROPY_H
#define ROOST_SYS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* Fills all of it, or aborts: a server without entropy must not go on. Any thread. */
void entropy_fill(void *into, size_t len);

uint64_t entropy_u64(void);

#endif
