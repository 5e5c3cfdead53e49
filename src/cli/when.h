/* Points in time as a person types them: a date with or without a time of day, or how long ago. */
#ifndef ROOST_CLI_WHEN_H
#define ROOST_CLI_WHEN_H

#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"

/* "2026-11-20", "2026-11-20 14:30", "2026-11-20T14:30:05", each of the last two with "Z",
 * "+02:00" or "+0200" behind it, else in the local zone; "14:30", "14:30:05": of today; "90s",
 * "30m", "2h", "3d", "1w": before `now`. Seconds since 1970, not negative. ERR_INVALID with a note
 * that says what would be right; the future is refused, too. */
MUST_USE enum err when_parse(const char *text, int64_t now, int64_t *out_seconds, struct note *why);

enum { WHEN_BYTES_MAX = 32 };

/* "2026-11-20 14:30:05+0100", in the local zone: when_parse reads it. */
void when_print(int64_t seconds, char out_text[WHEN_BYTES_MAX]);

#endif
