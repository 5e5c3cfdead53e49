/* BODY and BODYSTRUCTURE, by walking the parts: no recursion. */
#include "message/bodystructure.h"

#include "message/envelope.h"
#include "message/nstring.h"

struct printer {
    struct buf *out;
    const struct message *message;
    bool is_extended;
    size_t *addresses_left;
};

/* body-fld-param. Text has a charset, and without one it is US-ASCII (RFC 2045 s5.2): clients have
 * always been shown that. One written as RFC 2231 s4 says is one. */
static void print_params(struct buf *out, const struct params *params, bool is_text)
{
    bool adds_charset = is_text && param_find(params, BYTES("charset")).at == NULL &&
                        param_find(params, BYTES("charset*")).at == NULL;

    if (params->count == 0 && !adds_charset) {
        buf_add(out, BYTES("NIL"));
        return;
    }
    buf_add_byte(out, '(');
    for (size_t i = 0; i < params->count; i++) {
        if (i > 0)
            buf_add_byte(out, ' ');
        nstring_print_string(out, params->at[i].name);
        buf_add_byte(out, ' ');
        nstring_print_string(out, params->at[i].value);
    }
    if (adds_charset) {
        if (params->count > 0)
            buf_add_byte(out, ' ');
        buf_add(out, BYTES("\"charset\" \"us-ascii\""));
    }
    buf_add_byte(out, ')');
}

/* body-fld-dsp SP body-fld-lang SP body-fld-loc. RFC 9051 s7.5.2. */
static void print_common_extension(struct buf *out, const struct message_part *part)
{
    if (part->disposition.at == NULL) {
        buf_add(out, BYTES(" NIL"));
    } else {
        buf_add(out, BYTES(" ("));
        nstring_print_string(out, part->disposition);
        buf_add_byte(out, ' ');
        print_params(out, &part->disposition_params, false);
        buf_add_byte(out, ')');
    }
    if (part->language_count == 0)
        buf_add(out, BYTES(" NIL"));
    for (size_t i = 0; i < part->language_count; i++) {
        buf_add(out, i == 0 ? BYTES(" (") : BYTES(" "));
        nstring_print_string(out, part->languages[i]);
    }
    if (part->language_count > 0)
        buf_add_byte(out, ')');
    buf_add_byte(out, ' ');
    nstring_print(out, part->location);
}

static bool is_text(const struct message_part *part)
{
    return message_part_is(part, BYTES("text"), BYTES(""));
}

/* media type SP body-fields: all single parts start so. RFC 3516 s6. */
static void print_fields(const struct printer *p, const struct message_part *part)
{
    buf_add_byte(p->out, '(');
    nstring_print_string(p->out, part->type);
    buf_add_byte(p->out, ' ');
    nstring_print_string(p->out, part->subtype);
    buf_add_byte(p->out, ' ');
    print_params(p->out, &part->params, is_text(part));
    buf_add_byte(p->out, ' ');
    nstring_print(p->out, part->id);
    buf_add_byte(p->out, ' ');
    nstring_print(p->out, part->description);
    buf_add_byte(p->out, ' ');
    nstring_print_string(p->out,
                         part->encoding_name.at == NULL ? BYTES("7bit") : part->encoding_name);
    buf_add_byte(p->out, ' ');
    buf_add_number(p->out, part->body_bytes);
}

/* [SP body-fld-lines] [SP body-ext-1part] ")". RFC 9051 s7.5.2, s9. */
static void print_single_end(const struct printer *p, const struct message_part *part)
{
    if (part->kind == MESSAGE_PART_MESSAGE || is_text(part)) {
        buf_add_byte(p->out, ' ');
        buf_add_number(p->out, part->body_lines);
    }
    if (p->is_extended) {
        buf_add_byte(p->out, ' ');
        nstring_print(p->out, part->md5);
        print_common_extension(p->out, part);
    }
    buf_add_byte(p->out, ')');
}

/* RFC 9051 s9 */
static void print_multipart_end(const struct printer *p, const struct message_part *part)
{
    buf_add_byte(p->out, ' ');
    nstring_print_string(p->out, part->subtype);
    if (p->is_extended) {
        buf_add_byte(p->out, ' ');
        print_params(p->out, &part->params, false);
        print_common_extension(p->out, part);
    }
    buf_add_byte(p->out, ')');
}

/* What comes before the children. */
static void print_start(const struct printer *p, const struct message_part *part)
{
    switch (part->kind) {
    case MESSAGE_PART_LEAF: print_fields(p, part); return;
    case MESSAGE_PART_MULTIPART: buf_add_byte(p->out, '('); return;
    case MESSAGE_PART_MESSAGE:
        print_fields(p, part);
        buf_add_byte(p->out, ' ');
        envelope_print(p->out, p->message->parts[part->first_child].header, p->addresses_left);
        buf_add_byte(p->out, ' ');
        return;
    }
}

static void print_end(const struct printer *p, const struct message_part *part)
{
    if (part->kind == MESSAGE_PART_MULTIPART)
        print_multipart_end(p, part);
    else
        print_single_end(p, part);
}

void bodystructure_print(struct buf *out, const struct message *message, bool is_extended,
                         size_t *addresses_left)
{
    const struct printer printer = { out, message, is_extended, addresses_left };
    uint32_t at = 0;

    for (;;) {
        const struct message_part *part = &message->parts[at];
        print_start(&printer, part);
        if (part->first_child != MESSAGE_PART_NONE) {
            at = part->first_child;
            continue;
        }
        print_end(&printer, part);
        while (part->next_sibling == MESSAGE_PART_NONE && part->parent != MESSAGE_PART_NONE) {
            part = &message->parts[part->parent];
            print_end(&printer, part);
        }
        if (part->next_sibling == MESSAGE_PART_NONE)
            return;
        at = part->next_sibling;
    }
}
