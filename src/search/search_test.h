/* What the tests of this room share: an account with some messages, and programs as a client writes
 * them. */
#ifndef ROOST_SEARCH_SEARCH_TEST_H
#define ROOST_SEARCH_SEARCH_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "imap/wire/search.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "message/charset.h"
#include "search/match.h"

struct search_bench {
    struct vfs *vfs;
    struct desk desk;
    struct arena arena; /* of the program at hand */
    struct view *view;
    struct search_context context; /* to be changed before a program is compiled */
};

static inline void search_bench_open(struct search_bench *bench)
{
    *bench = (struct search_bench){ .vfs = mem_vfs_new(1), .arena = arena_make(1 << 20) };
    desk_init(&bench->desk, bench->vfs);
    assert_int_equal(desk_open(&bench->desk), ERR_OK);
}

static inline void search_bench_add(struct search_bench *bench, const char *text, uint16_t flags)
{
    assert_int_equal(desk_append(&bench->desk, desk_mailbox(&bench->desk, "INBOX"),
                                 bytes_from_string(text), flags, NULL),
                     ERR_OK);
}

/* After the last message. */
static inline void search_bench_view(struct search_bench *bench)
{
    bench->view = view_open(desk_mailbox(&bench->desk, "INBOX"));
    bench->context = (struct search_context){ .view = bench->view,
                                              .now_seconds = wall_seconds(bench->desk.now) };
}

static inline void search_bench_close(struct search_bench *bench)
{
    view_close(bench->view);
    arena_done(&bench->arena);
    desk_close(&bench->desk);
    assert_int_equal(mem_vfs_open_files(bench->vfs), 0);
    mem_vfs_free(bench->vfs);
}

/* What stands behind SEARCH, " SUBJECT x", compiled; the program before it is gone. */
static inline enum err search_bench_compile(struct search_bench *bench, const char *text,
                                            struct search_program **out_program)
{
    struct imap_grammar grammar = imap_grammar_make();
    struct cursor cur = cursor_make(bytes_from_string(text));
    const void *args;

    arena_done(&bench->arena);
    if (!imap_search_parse(&cur, &grammar, &bench->arena, &args))
        fail_msg("%s: expected %s", text, cur.expected);
    return search_compile(args, &bench->context, &bench->arena, out_program);
}

/* Asks it of one message, as often as it takes; `waits` and `steps` count ERR_BUSY and ERR_LIMIT.
 */
struct search_effort {
    unsigned waits;
    unsigned steps;
};

static inline enum err search_bench_ask(struct search_bench *bench, struct search_match *match,
                                        uint32_t seqno, bool *out_matches,
                                        struct search_effort *effort)
{
    enum err err;

    for (;;) {
        err = search_match_message(match, (struct seqno){ seqno }, out_matches);
        if (err != ERR_BUSY && err != ERR_LIMIT)
            return err;
        effort->waits += err == ERR_BUSY;
        effort->steps += err == ERR_LIMIT;
        desk_settle(&bench->desk);
        if (err == ERR_LIMIT)
            search_match_begin_step(match);
    }
}

static inline struct search_match search_bench_match(struct search_bench *bench,
                                                     const struct search_program *program)
{
    struct search_match match = { .program = program,
                                  .source = { bench->desk.account, &bench->desk.waker, 0 } };

    search_match_begin_step(&match);
    return match;
}

/* The numbers of the messages that match, "1 3"; in `out`. */
static inline void search_bench_run(struct search_bench *bench, const char *text, char out[100])
{
    struct search_effort effort = { 0 };
    struct search_program *program;
    struct search_match match;
    size_t len = 0;

    assert_int_equal(search_bench_compile(bench, text, &program), ERR_OK);
    match = search_bench_match(bench, program);
    out[0] = '\0';
    for (uint32_t seqno = 1; seqno <= view_count(bench->view); seqno++) {
        bool matches;

        assert_int_equal(search_bench_ask(bench, &match, seqno, &matches, &effort), ERR_OK);
        if (matches)
            len += (size_t)snprintf(out + len, 100 - len, len == 0 ? "%u" : " %u", seqno);
    }
    search_match_done(&match);
}

#endif
