/* Names of errors, and notes. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

const char *err_text(enum err err)
{
    switch (err) {
    case ERR_OK: return "ok";
    case ERR_IO: return "input/output error";
    case ERR_NO_SPACE: return "no space";
    case ERR_NOT_FOUND: return "not found";
    case ERR_EXISTS: return "exists already";
    case ERR_LIMIT: return "limit reached";
    case ERR_OVER_QUOTA: return "over quota";
    case ERR_CORRUPT: return "corrupt";
    case ERR_DENIED: return "denied";
    case ERR_CONFLICT: return "conflict";
    case ERR_BUSY: return "busy";
    case ERR_UNSUPPORTED: return "unsupported";
    case ERR_INVALID: return "invalid";
    case ERR_CLOSED: return "closed";
    }
    return "unknown error";
}

void note_set(struct note *note, const char *format, ...)
{
    va_list args;

    if (note == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(note->text, sizeof(note->text), format, args);
    va_end(args);
}

enum err note_fail(struct note *note, enum err err, const char *format, ...)
{
    va_list args;

    if (note == NULL)
        return err;
    va_start(args, format);
    (void)vsnprintf(note->text, sizeof(note->text), format, args);
    va_end(args);
    return err;
}
