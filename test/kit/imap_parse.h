/* Runs one parser of imap/wire over text that ends at a guard page, and keeps what it needs. */
#ifndef ROOST_TEST_KIT_IMAP_PARSE_H
#define ROOST_TEST_KIT_IMAP_PARSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "imap/wire/command.h"
#include "imap/wire/grammar.h"
#include "kit/assert_bytes.h"
#include "kit/guard.h"

struct parse {
    struct guard guard;
    struct arena arena;
    struct imap_grammar grammar;
    struct cursor cur;
};

/* A zeroed grammar stands for imap_grammar_make(). End with parse_done. */
static inline void parse_init(struct parse *parse, struct imap_grammar grammar, struct bytes text)
{
    *parse = (struct parse){ .arena = arena_make(1 << 20), .grammar = grammar };
    if (parse->grammar.limits == NULL)
        parse->grammar.limits = &imap_grammar_limits_default;
    parse->cur = cursor_make(guard_copy(&parse->guard, text));
}

static inline void parse_done(struct parse *parse)
{
    arena_done(&parse->arena);
    guard_done(&parse->guard);
}

/* The args, or NULL; a refusal must bear a complaint and leave out_args alone. */
static inline const void *parse_args(struct parse *parse, imap_args_parser *parser)
{
    static const char untouched[] = "untouched";
    const void *args = untouched;

    if (parser(&parse->cur, &parse->grammar, &parse->arena, &args)) {
        assert_true(cursor_at_end(&parse->cur));
        return args;
    }
    assert_ptr_equal(args, untouched);
    assert_non_null(parse->cur.expected);
    assert_true(parse->cur.failed_at <= parse->cur.in.len);
    return NULL;
}

/* What stands behind a command, and what its args say, as the test prints them. */
struct parse_row {
    const char *text;
    const char *dumped; /* NULL: refused */
};

typedef void parse_dump_fn(struct buf *out, const void *args);

static inline void assert_parse_row(const struct parse_row *row, imap_args_parser *parser,
                                    parse_dump_fn *dump)
{
    struct buf out = buf_make(1000);
    struct parse parse;
    const void *args;

    parse_init(&parse, imap_grammar_make(), bytes_from_string(row->text));
    args = parse_args(&parse, parser);
    if ((args != NULL) != (row->dumped != NULL))
        fail_msg("%s", row->text);
    if (args != NULL) {
        dump(&out, args);
        ASSERT_BYTES(buf_bytes(&out), bytes_from_string(row->dumped));
    }
    buf_done(&out);
    parse_done(&parse);
}

#endif
