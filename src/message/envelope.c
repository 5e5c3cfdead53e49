/* ENVELOPE. */
#include "message/envelope.h"

#include "base/arena.h"
#include "message/address.h"
#include "message/header.h"
#include "message/nstring.h"

/* In the order they are sent. */
enum envelope_field {
    FIELD_DATE,
    FIELD_SUBJECT,
    FIELD_FROM,
    FIELD_SENDER,
    FIELD_REPLY_TO,
    FIELD_TO,
    FIELD_CC,
    FIELD_BCC,
    FIELD_IN_REPLY_TO,
    FIELD_MESSAGE_ID,
    FIELD_COUNT,
};

static const struct bytes field_names[FIELD_COUNT] = {
    BYTES("Date"), BYTES("Subject"), BYTES("From"), BYTES("Sender"),      BYTES("Reply-To"),
    BYTES("To"),   BYTES("Cc"),      BYTES("Bcc"),  BYTES("In-Reply-To"), BYTES("Message-ID"),
};

/* The first value of each field; `at` stays NULL where there is none. */
static void collect(struct bytes header, struct bytes values[FIELD_COUNT])
{
    struct header_reader reader = header_reader_make(header);
    struct header_field field;

    while (header_next(&reader, &field)) {
        for (size_t i = 0; i < FIELD_COUNT; i++) {
            if (values[i].at == NULL && bytes_equal_nocase(field.name, field_names[i]))
                values[i] = field.value;
        }
    }
}

/* RFC 3516 s5 */
static void print_text(struct buf *out, struct bytes value)
{
    struct arena arena = arena_make(value.len + 64);
    nstring_print(out, header_unfold(&arena, value));
    arena_done(&arena);
}

/* Room for what address_parse takes: texts of five times the value, an address for each byte. */
static size_t address_budget(struct bytes value)
{
    return value.len * (5 + sizeof(struct address)) + 4096;
}

/* Prints the addresses of one value; answers how many. */
static size_t print_value(struct buf *out, struct bytes value, bool is_first,
                          size_t *addresses_left)
{
    struct arena arena = arena_make(address_budget(value));
    struct address_list list = address_parse(&arena, value, *addresses_left);

    *addresses_left -= list.count < *addresses_left ? list.count : *addresses_left;
    if (list.count > 0 && is_first)
        buf_add_byte(out, '(');
    address_print_entries(out, &list);
    arena_done(&arena);
    return list.count;
}

static void print_list_end(struct buf *out, size_t count)
{
    buf_add(out, count > 0 ? BYTES(")") : BYTES("NIL"));
}

/* RFC 9051 s7.5.2: Sender and Reply-To that are missing or empty are those of From. */
static void print_originator(struct buf *out, struct bytes value, struct bytes otherwise,
                             size_t *addresses_left)
{
    size_t count = print_value(out, value, true, addresses_left);
    if (count == 0)
        count = print_value(out, otherwise, true, addresses_left);
    print_list_end(out, count);
}

/* RFC 5322 s3.6 allows one field each; where there are more, all of them are recipients. */
static void print_recipients(struct buf *out, struct bytes header, struct bytes name,
                             size_t *addresses_left)
{
    struct header_reader reader = header_reader_make(header);
    struct header_field field;
    size_t count = 0;

    while (*addresses_left > 0 && header_next(&reader, &field)) {
        if (bytes_equal_nocase(field.name, name))
            count += print_value(out, field.value, count == 0, addresses_left);
    }
    print_list_end(out, count);
}

void envelope_print(struct buf *out, struct bytes header, size_t *addresses_left)
{
    struct bytes values[FIELD_COUNT] = { 0 };
    struct bytes none = { 0 };

    collect(header, values);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        buf_add_byte(out, i == 0 ? '(' : ' ');
        if (i == FIELD_FROM)
            print_originator(out, values[i], none, addresses_left);
        else if (i == FIELD_SENDER || i == FIELD_REPLY_TO)
            print_originator(out, values[i], values[FIELD_FROM], addresses_left);
        else if (i == FIELD_TO || i == FIELD_CC || i == FIELD_BCC)
            print_recipients(out, header, field_names[i], addresses_left);
        else
            print_text(out, values[i]);
    }
    buf_add_byte(out, ')');
}
