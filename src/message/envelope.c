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

/* RFC 9051 s7.5.2: Sender and Reply-To that are missing or empty are those of From. */
static void print_addresses(struct buf *out, struct bytes value, struct bytes otherwise,
                            size_t *addresses_left)
{
    struct arena arena = arena_make(address_budget(value) + address_budget(otherwise));
    struct address_list list = address_parse(&arena, value, *addresses_left);

    if (list.count == 0 && otherwise.len > 0)
        list = address_parse(&arena, otherwise, *addresses_left);
    *addresses_left -= list.count < *addresses_left ? list.count : *addresses_left;
    address_print(out, &list);
    arena_done(&arena);
}

static void print_field(struct buf *out, enum envelope_field which, const struct bytes *values,
                        size_t *addresses_left)
{
    struct bytes from = values[FIELD_FROM];

    switch (which) {
    case FIELD_DATE:
    case FIELD_SUBJECT:
    case FIELD_IN_REPLY_TO:
    case FIELD_MESSAGE_ID:
    case FIELD_COUNT: print_text(out, values[which]); return;
    case FIELD_SENDER:
    case FIELD_REPLY_TO: print_addresses(out, values[which], from, addresses_left); return;
    case FIELD_FROM:
    case FIELD_TO:
    case FIELD_CC:
    case FIELD_BCC:
        print_addresses(out, values[which], (struct bytes){ 0 }, addresses_left);
        return;
    }
}

void envelope_print(struct buf *out, struct bytes header, size_t *addresses_left)
{
    struct bytes values[FIELD_COUNT] = { 0 };

    collect(header, values);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        buf_add_byte(out, i == 0 ? '(' : ' ');
        print_field(out, (enum envelope_field)i, values, addresses_left);
    }
    buf_add_byte(out, ')');
}
