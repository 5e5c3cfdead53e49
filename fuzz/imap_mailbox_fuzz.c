/* Mailbox names: modified UTF-7 that decodes is what its decoding encodes to, and a name that is
 * accepted is canonical: printed and read again it is the same. */
#include <stdlib.h>

#include "imap/wire/mailbox.h"
#include "imap/wire/utf7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void utf7_there_and_back(struct bytes text)
{
    struct buf decoded = buf_make(text.len * 2 + 1);
    struct buf encoded = buf_make(text.len * 8 + 1);

    if (imap_utf7_decode(&decoded, text)) {
        imap_utf7_encode(&encoded, buf_bytes(&decoded));
        if (decoded.overflowed || !bytes_equal(buf_bytes(&encoded), text))
            abort();
    }
    buf_done(&decoded);
    buf_done(&encoded);
}

static void name_there_and_back(struct bytes name, const struct imap_grammar *grammar)
{
    struct arena arena = arena_make(1 << 20);
    struct buf printed = buf_make(1 << 20);
    struct imap_mailbox first;
    struct imap_mailbox again;

    if (imap_mailbox_from_utf8(name, grammar->limits, &arena, &first) &&
        first.refusal == IMAP_NAME_OK) {
        struct cursor cur;

        imap_mailbox_print(&printed, grammar, first.name);
        cur = cursor_make(buf_bytes(&printed));
        if (!imap_mailbox_parse(&cur, grammar, &arena, &again) || !cursor_at_end(&cur) ||
            again.refusal != IMAP_NAME_OK || again.delimiter_at_end ||
            !bytes_equal(first.name, again.name))
            abort();
    }
    buf_done(&printed);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct imap_grammar grammar = imap_grammar_make();
    struct bytes input = bytes_make(data, size);

    utf7_there_and_back(input);
    name_there_and_back(input, &grammar);
    grammar.rev2 = true;
    name_there_and_back(input, &grammar);
    return 0;
}
