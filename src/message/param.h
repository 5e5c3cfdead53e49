/* The parameters of MIME fields (RFC 2045 s5.1) with RFC 2231 continuations, and the fields that
 * have them.
 *
 * The list is what BODYSTRUCTURE shows: pieces name*0, name*1 ... are joined under `name`, or, when
 * a piece is percent-encoded, under `name*` with the value in the form charset'language'%XX;
 * nothing is decoded, since the client knows best what it can show. param_text decodes. */
#ifndef ROOST_MESSAGE_PARAM_H
#define ROOST_MESSAGE_PARAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

enum { PARAM_COUNT_MAX = 100 }; /* of one field, pieces counted; the rest is ignored */

struct param {
    struct bytes name;
    struct bytes value;
};

struct params {
    struct param *at;
    size_t count;
};

/* Content-Type (RFC 2045 s5.1): type "/" subtype and parameters, in the arena. False, outputs
 * untouched, when there is no type and subtype to be seen or the arena is over budget. */
MUST_USE bool param_parse_type(struct arena *arena, struct bytes value, struct bytes *out_type,
                               struct bytes *out_subtype, struct params *out_params);

/* Content-Disposition (RFC 2183): one token and parameters. The token may be missing, it is empty
 * then, where there is a parameter. False as above when there is neither. */
MUST_USE bool param_parse_disposition(struct arena *arena, struct bytes value,
                                      struct bytes *out_disposition, struct params *out_params);

/* The value of that name, as listed; `at` is NULL when there is none. */
struct bytes param_find(const struct params *params, struct bytes name);

/* Same for a machine: where only `name*` is listed, its value decoded, in the arena. */
struct bytes param_value(struct arena *arena, const struct params *params, struct bytes name);

/* Appends the value of `name` as UTF-8: `name*` percent-decoded from its charset, else `name` with
 * any encoded-words decoded (common, though RFC 2047 s5 forbids them). False when there is none. */
MUST_USE bool param_text(const struct params *params, struct bytes name, struct buf *out);

#endif
