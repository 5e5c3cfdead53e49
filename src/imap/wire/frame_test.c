/* Every script is run whole, byte by byte, and in two pieces cut at every place. */
#include "imap/wire/frame.h"

#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/guard.h"

static const struct imap_frame_limits small = {
    .line_bytes_max = 40,
    .literal_bytes_max = 20,
    .command_bytes_max = 60,
};

enum policy { ACCEPT, DIVERT, REFUSE, ACCEPT_FITTING };

struct player {
    struct imap_framer framer;
    struct buf events; /* one line each */
    enum policy policy;
    bool lines; /* next_line instead of next */
    uint64_t diverted; /* bytes of a literal still to be taken from the input */
};

static void note_bytes(struct player *player, const char *what)
{
    struct bytes got = imap_framer_bytes(&player->framer);

    buf_add_string(&player->events, what);
    for (size_t i = 0; i < got.len; i++)
        if (got.at[i] == '\r')
            buf_add_string(&player->events, "\\r");
        else if (got.at[i] == '\n')
            buf_add_string(&player->events, "\\n");
        else
            buf_add_byte(&player->events, got.at[i]);
    buf_add_byte(&player->events, '\n');
}

static void on_literal(struct player *player)
{
    struct imap_literal literal = imap_framer_literal(&player->framer);

    note_bytes(player, "LITERAL ");
    buf_add_format(&player->events, "  %llu%s%s%s\n", (unsigned long long)literal.bytes,
                   literal.synchronising ? " sync" : "", literal.literal8 ? " literal8" : "",
                   literal.fits ? "" : " too large");
    if (player->policy == DIVERT) {
        imap_framer_divert(&player->framer);
        player->diverted = literal.bytes;
    } else if (player->policy == ACCEPT || (player->policy == ACCEPT_FITTING && literal.fits)) {
        imap_framer_accept(&player->framer);
    } else {
        imap_framer_refuse(&player->framer);
    }
}

/* False when the framer is stuck. */
static bool play_one(struct player *player, struct bytes *in)
{
    enum imap_frame found;

    if (player->diverted > 0) {
        size_t taken = in->len < player->diverted ? in->len : (size_t)player->diverted;

        *in = bytes_from(*in, taken);
        player->diverted -= taken;
        return true;
    }
    found = player->lines ? imap_framer_next_line(&player->framer, in, 10)
                          : imap_framer_next(&player->framer, in);
    switch (found) {
    case IMAP_FRAME_MORE: assert_int_equal(in->len, 0); return true;
    case IMAP_FRAME_DONE: note_bytes(player, "DONE "); return true;
    case IMAP_FRAME_LITERAL: on_literal(player); return true;
    case IMAP_FRAME_BAD: break;
    }
    buf_add_format(&player->events, "BAD %d\n", (int)imap_framer_trouble(&player->framer));
    return imap_framer_trouble(&player->framer) != IMAP_FRAME_LITERAL_TOO_LONG;
}

static bool play_chunk(struct player *player, struct bytes chunk)
{
    struct guard guard;
    struct bytes in = guard_copy(&guard, chunk);
    bool going = true;

    do
        going = play_one(player, &in);
    while (going && in.len > 0);
    guard_done(&guard);
    return going;
}

struct script {
    const char *input;
    enum policy policy;
    bool lines;
    const char *events;
};

/* In pieces: the first of `first` bytes, the others of `rest`. */
static void play(const struct script *script, size_t first, size_t rest)
{
    struct player player = { .policy = script->policy,
                             .lines = script->lines,
                             .events = buf_make(10000) };
    struct bytes input = bytes_from_string(script->input);
    size_t len = first;

    imap_framer_init(&player.framer, &small);
    while (input.len > 0) {
        if (!play_chunk(&player, bytes_slice(input, 0, len)))
            break;
        input = bytes_from(input, len);
        len = rest;
    }
    ASSERT_BYTES(buf_bytes(&player.events), bytes_from_string(script->events));
    buf_done(&player.events);
    imap_framer_done(&player.framer);
}

static const struct script scripts[] = {
    { "a NOOP\r\n", ACCEPT, false, "DONE a NOOP\n" },
    { "a NOOP\nb NOOP\r\n\r\n", ACCEPT, false, "DONE a NOOP\nDONE b NOOP\nDONE \n" },
    { "a\rb\r\n", ACCEPT, false, "DONE a\\rb\n" },
    { "a\r\r\n", ACCEPT, false, "DONE a\\r\n" },
    { "a LOGIN {3}\r\nj\ne {2+}\npw\r\nb X\r\n", ACCEPT, false,
      "LITERAL a LOGIN {3}\\r\\n\n  3 sync\n"
      "LITERAL a LOGIN {3}\\r\\nj\\ne {2+}\\r\\n\n  2\n"
      "DONE a LOGIN {3}\\r\\nj\\ne {2+}\\r\\npw\nDONE b X\n" },
    { "a X {0}\r\n\r\nb Y ~{0+}\r\n z\r\n", ACCEPT, false,
      "LITERAL a X {0}\\r\\n\n  0 sync\nDONE a X {0}\\r\\n\n"
      "LITERAL b Y ~{0+}\\r\\n\n  0 literal8\nDONE b Y ~{0+}\\r\\n z\n" },
    { "a APPEND x {12}\r\nb NOOP\r\nc NOOP\r\n", REFUSE, false,
      "LITERAL a APPEND x {12}\\r\\n\n  12 sync\nDONE b NOOP\nDONE c NOOP\n" },
    /* Refused, and the client does not wait: the bytes look like a command and are none. */
    { "a APPEND x {8+}\r\nb NOOP\r\n {4+}\r\nc X\n {9}\r\nd NOOP\r\n", REFUSE, false,
      "LITERAL a APPEND x {8+}\\r\\n\n  8\nDONE d NOOP\n" },
    { "a APPEND x {8+}\r\nb NOOP\r\n {0+}\r\n\r\nd NOOP\r\n", REFUSE, false,
      "LITERAL a APPEND x {8+}\\r\\n\n  8\nDONE d NOOP\n" },
    { "a APPEND x {30}\r\nb NOOP\r\n {9}\r\n0123456789012345678 (\\Seen) ~{4+}\r\nabcd\r\nz Z\r\n",
      DIVERT, false,
      "LITERAL a APPEND x {30}\\r\\n\n  30 sync too large\n"
      "LITERAL 678 (\\Seen) ~{4+}\\r\\n\n  4 literal8\nDONE \nDONE z Z\n" },
    /* Limits: a line of 40 is good, one of 41 is not; the rest of its command is skipped. */
    { "a 34567890123456789012345678901234567890\r\nb\r\n", ACCEPT, false,
      "DONE a 34567890123456789012345678901234567890\nDONE b\n" },
    { "a 345678901234567890123456789012345678901\r\nb\r\n", ACCEPT, false, "BAD 0\nDONE b\n" },
    { "a 345678901234567890123456789012345678901 {3+}\r\nxyz\r\nb\r\n", ACCEPT, false,
      "BAD 0\nDONE b\n" },
    { "a 345678901234567890123456789012345678901 {3}\r\nb\r\n", ACCEPT, false, "BAD 0\nDONE b\n" },
    { "a {20}\r\n01234567890123456789 12345678901234567890123456789\r\nb\r\n", ACCEPT_FITTING,
      false,
      "LITERAL a {20}\\r\\n\n  20 sync\n"
      "DONE a {20}\\r\\n01234567890123456789 12345678901234567890123456789\nDONE b\n" },
    { "a {20}\r\n01234567890123456789 1234567890123456789012345678901234\r\nb\r\n", ACCEPT_FITTING,
      false, "LITERAL a {20}\\r\\n\n  20 sync\nBAD 1\nDONE b\n" },
    { "a {21}\r\nb\r\n", ACCEPT_FITTING, false,
      "LITERAL a {21}\\r\\n\n  21 sync too large\nDONE b\n" },
    { "a 8901234567890123456789012345678 {20}\r\nb\r\n", ACCEPT_FITTING, false,
      "LITERAL a 8901234567890123456789012345678 {20}\\r\\n\n  20 sync\n" },
    { "a 89012345678901234567890123456789 {20}\r\nb\r\n", ACCEPT_FITTING, false,
      "LITERAL a 89012345678901234567890123456789 {20}\\r\\n\n  20 sync too large\nDONE b\n" },
    /* Not announcements. */
    { "a {}\r\na {+}\r\na {x}\r\na 5}\r\na {5} \r\na \"{5}\"\r\n", ACCEPT, false,
      "DONE a {}\nDONE a {+}\nDONE a {x}\nDONE a 5}\nDONE a {5} \nDONE a \"{5}\"\n" },
    { "a {9223372036854775807}\r\nb\r\n", REFUSE, false,
      "LITERAL a {9223372036854775807}\\r\\n\n  9223372036854775807 sync too large\nDONE b\n" },
    { "a {9223372036854775808}\r\nb\r\n", REFUSE, false, "DONE a {9223372036854775808}\nDONE b\n" },
    { "a {9223372036854775808+}\r\nb\r\n", REFUSE, false, "BAD 2\n" },
    { "a {1+}\r\nx {9223372036854775808+}\r\nb\r\n", REFUSE, false,
      "LITERAL a {1+}\\r\\n\n  1\nBAD 2\n" },
    /* Lines without meaning of braces, and with a limit of their own. */
    { "x {5}\r\nDONE\n", ACCEPT, true, "DONE x {5}\nDONE DONE\n" },
    { "0123456789\r\n01234567890\r\nx\r\n", ACCEPT, true, "DONE 0123456789\nBAD 0\nDONE x\n" },
};

static void test_scripts(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++) {
        size_t len = bytes_from_string(scripts[i].input).len;

        play(&scripts[i], 1, 1);
        for (size_t cut = 1; cut <= len; cut++)
            play(&scripts[i], cut, len);
    }
}

static void test_divert_goes_on_behind_the_literal(void **state MAYBE_UNUSED)
{
    struct imap_framer framer;
    struct bytes in = BYTES("a APPEND x {5}\r\nhello\r\nb NOOP\r\n");

    imap_framer_init(&framer, &small);
    assert_true(imap_framer_is_idle(&framer));
    assert_int_equal(imap_framer_next(&framer, &in), IMAP_FRAME_LITERAL);
    ASSERT_BYTES(in, BYTES("hello\r\nb NOOP\r\n"));
    imap_framer_divert(&framer);
    assert_false(imap_framer_is_idle(&framer));
    in = bytes_from(in, 5);
    assert_int_equal(imap_framer_next(&framer, &in), IMAP_FRAME_DONE);
    assert_int_equal(imap_framer_bytes(&framer).len, 0);
    assert_true(imap_framer_is_idle(&framer));
    assert_int_equal(imap_framer_next(&framer, &in), IMAP_FRAME_DONE);
    ASSERT_BYTES(imap_framer_bytes(&framer), BYTES("b NOOP"));
    imap_framer_done(&framer);
}

static void test_idle_framer_holds_no_memory(void **state MAYBE_UNUSED)
{
    struct imap_framer framer;
    struct bytes in = BYTES("a NOOP\r\nb");

    imap_framer_init(&framer, &small);
    assert_int_equal(imap_framer_next(&framer, &in), IMAP_FRAME_DONE);
    imap_framer_trim(&framer);
    assert_null(framer.frame.at);
    assert_int_equal(imap_framer_next(&framer, &in), IMAP_FRAME_MORE);
    assert_false(imap_framer_is_idle(&framer));
    imap_framer_done(&framer);
    assert_null(framer.frame.at);
}

static void test_bad_keeps_the_tag(void **state MAYBE_UNUSED)
{
    struct imap_framer framer;
    struct bytes in = BYTES("tag1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");

    imap_framer_init(&framer, &small);
    assert_int_equal(imap_framer_next(&framer, &in), IMAP_FRAME_BAD);
    assert_int_equal(imap_framer_trouble(&framer), IMAP_FRAME_LINE_TOO_LONG);
    assert_true(bytes_starts_with(imap_framer_bytes(&framer), BYTES("tag1 aaa")));
    imap_framer_done(&framer);
}

static void test_long_lines_are_skipped_in_little_memory(void **state MAYBE_UNUSED)
{
    struct imap_framer framer;
    uint8_t flood[1000];

    memset(flood, 'x', sizeof(flood));
    imap_framer_init(&framer, &small);
    for (int i = 0; i < 1000; i++) {
        struct bytes in = bytes_make(flood, sizeof(flood));
        enum imap_frame found = imap_framer_next(&framer, &in);

        assert_true(found == (i == 0 ? IMAP_FRAME_BAD : IMAP_FRAME_MORE));
        assert_true(framer.frame.capacity <= 512);
    }
    imap_framer_done(&framer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_divert_goes_on_behind_the_literal),
        cmocka_unit_test(test_idle_framer_holds_no_memory),
        cmocka_unit_test(test_bad_keeps_the_tag),
        cmocka_unit_test(test_long_lines_are_skipped_in_little_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
