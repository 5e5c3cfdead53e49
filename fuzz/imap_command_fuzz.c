/* One frame through the grammar: tag, name, and the arguments as the name wants them. Every parser
 * must end at the end or leave a complaint. The first byte chooses what is enabled. */
#include <stdlib.h>

#include "imap/wire/append.h"
#include "imap/wire/copy.h"
#include "imap/wire/create.h"
#include "imap/wire/enable.h"
#include "imap/wire/fetch.h"
#include "imap/wire/list.h"
#include "imap/wire/login.h"
#include "imap/wire/search.h"
#include "imap/wire/select.h"
#include "imap/wire/sort.h"
#include "imap/wire/status.h"
#include "imap/wire/store.h"
#include "imap/wire/thread.h"

static const struct {
    struct bytes name;
    imap_args_parser *parser;
} parsers[] = {
    { BYTES("NOOP"), imap_no_args_parse },
    { BYTES("FETCH"), imap_fetch_parse },
    { BYTES("STORE"), imap_store_parse },
    { BYTES("SEARCH"), imap_search_parse },
    { BYTES("SORT"), imap_sort_parse },
    { BYTES("THREAD"), imap_thread_parse },
    { BYTES("SELECT"), imap_select_parse },
    { BYTES("LIST"), imap_list_parse },
    { BYTES("LSUB"), imap_lsub_parse },
    { BYTES("STATUS"), imap_status_parse },
    { BYTES("COPY"), imap_copy_parse },
    { BYTES("EXPUNGE"), imap_uid_expunge_parse },
    { BYTES("CREATE"), imap_create_parse },
    { BYTES("RENAME"), imap_rename_parse },
    { BYTES("DELETE"), imap_mailbox_args_parse },
    { BYTES("LOGIN"), imap_login_parse },
    { BYTES("AUTHENTICATE"), imap_authenticate_parse },
    { BYTES("ENABLE"), imap_enable_parse },
    { BYTES("ID"), imap_id_parse },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void append(struct cursor cur, const struct imap_grammar *grammar, struct arena *arena)
{
    struct imap_append_args args;
    bool ended;

    (void)imap_append_names_mailbox(&cur);
    if (!imap_append_parse(&cur, grammar, arena, &args) && cur.expected == NULL)
        abort();
    args.message.utf8 = grammar->rev2;
    cur.offset = 0;
    if (!imap_append_next_parse(&cur, grammar, arena, &args.message, &ended) &&
        cur.expected == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make(1 << 20);
    struct imap_grammar grammar = imap_grammar_make();
    struct imap_command command;
    struct cursor cur;

    if (size == 0)
        return 0;
    grammar.rev2 = data[0] & 1;
    cur = cursor_make(bytes_make(data + 1, size - 1));
    if (!imap_command_parse(&cur, &command))
        return 0;
    append(cur, &grammar, &arena);
    for (size_t i = 0; i < ARRAY_COUNT(parsers); i++) {
        struct cursor at = cur;
        const void *args = NULL;
        bool good;

        if (!bytes_equal_nocase(command.name, parsers[i].name))
            continue;
        good = parsers[i].parser(&at, &grammar, &arena, &args);
        if (good ? !cursor_at_end(&at) : (at.expected == NULL || args != NULL))
            abort();
    }
    arena_done(&arena);
    return 0;
}
