/* Pages from the system, the last one without any right. */
#include "kit/guard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct bytes guard_copy(struct guard *guard, struct bytes bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t readable = (bytes.len + page - 1) / page * page;
    uint8_t *at;

    guard->map_bytes = readable + page;
    guard->map =
        mmap(NULL, guard->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guard->map == MAP_FAILED || mprotect(guard->map + readable, page, PROT_NONE) != 0)
        abort();
    at = guard->map + readable - bytes.len;
    if (bytes.len > 0)
        memcpy(at, bytes.at, bytes.len);
    return bytes_make(at, bytes.len);
}

void guard_done(struct guard *guard)
{
    if (guard->map != NULL)
        munmap(guard->map, guard->map_bytes);
    *guard = (struct guard){ .map = NULL };
}
