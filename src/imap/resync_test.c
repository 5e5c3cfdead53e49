/* A client that goes away and comes back, at random, against what is true (RFC 7162).
 *
 * It knows UIDs, flags and HIGHESTMODSEQ as it was told, by the rules of section 6, and nothing
 * else; it is cut off at any moment. Meanwhile others change the mailbox. When it comes back by
 * QRESYNC, or by UID FETCH with CHANGEDSINCE and VANISHED, it must believe exactly what is true.
 *
 * The seed is printed; ROOST_SEED runs one seed, ROOST_ROUNDS says how long. RFC 7162
 * sections 3.2, 3.2.10.2. */
#include "imap/resync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/cursor.h"
#include "imap/news.h"
#include "imap/selected.h"
#include "imap/state.h"
#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "kit/random.h"
#include "store/uid_set.h"

enum { UIDS_MAX = 4000, FLAGS_BYTES = 80, ROUNDS = 400, SEEDS = 4 };

/* By UID; an empty text: not there, or not known. */
struct believed {
    char flags[UIDS_MAX][FLAGS_BYTES];
    uint64_t modseq; /* HIGHESTMODSEQ */
    uint64_t code; /* HIGHESTMODSEQ code since the last tagged answer; 0: none */
    uint64_t seen; /* highest MODSEQ since then */
    uint32_t uid_last; /* the highest UID ever told */
    uint32_t uid_asked; /* up to this one it has asked for all */
};

struct world {
    struct desk desk;
    struct imap_seat client;
    struct imap_seat other;
    struct believed *known;
    struct believed *truth;
    struct test_random random;
    unsigned long long seed;
    unsigned round;
    uint32_t appended;
};

static uint64_t below(struct world *world, uint64_t limit)
{
    return test_random_below(&world->random, limit);
}

static uint64_t take_number(struct bytes text)
{
    return strtoull((const char *)text.at, NULL, 10);
}

static struct bytes after(struct bytes line, const char *word)
{
    size_t at = bytes_find(line, 0, bytes_from_string(word));

    return at == line.len ? bytes_make(NULL, 0) : bytes_from(line, at + strlen(word));
}

static void copy_flags(char into[FLAGS_BYTES], struct bytes line)
{
    struct bytes flags = after(line, "FLAGS ");

    flags = bytes_slice(flags, 0, bytes_find_byte(flags, 0, ')') + 1);
    (void)snprintf(into, FLAGS_BYTES, "%.*s", BYTES_ARG(flags));
}

static void learn_fetch(struct believed *known, struct bytes line)
{
    struct bytes uid_text = after(line, "UID ");
    struct bytes modseq_text = after(line, "MODSEQ (");
    uint32_t uid = uid_text.len > 0 ? (uint32_t)take_number(uid_text) : 0;
    uint64_t modseq = modseq_text.len > 0 ? take_number(modseq_text) : 0;

    assert_true(uid > 0 && uid < UIDS_MAX);
    if (uid > known->uid_last)
        known->uid_last = uid;
    if (modseq > known->seen)
        known->seen = modseq;
    if (after(line, "FLAGS ").len > 0)
        copy_flags(known->flags[uid], line);
}

/* With `shown` every UID must be one that the client has. */
static void learn_vanished(struct world *world, struct bytes set, bool shown)
{
    const char *at = (const char *)set.at;

    for (bool more = true; more;) {
        char *end;
        unsigned long first = strtoul(at, &end, 10);
        unsigned long last = *end == ':' ? strtoul(end + 1, &end, 10) : first;

        for (unsigned long uid = first; uid <= last && uid < UIDS_MAX; uid++) {
            if (shown && world->known->flags[uid][0] == '\0' && uid <= world->known->uid_last)
                fail_msg("seed %llu, round %u: UID %lu vanished twice", world->seed, world->round,
                         uid);
            world->known->flags[uid][0] = '\0';
        }
        more = *end == ',';
        at = end + 1;
    }
}

/* Section 6: a code rules; else the highest MODSEQ that was told counts from the tagged answer on.
 */
static void learn_tagged(struct believed *known)
{
    if (known->code != 0)
        known->modseq = known->code;
    else if (known->seen > known->modseq)
        known->modseq = known->seen;
    known->code = known->seen = 0;
}

static void learn_line(struct world *world, struct bytes line)
{
    struct bytes code = after(line, "[HIGHESTMODSEQ ");
    struct bytes earlier = after(line, "* VANISHED (EARLIER) ");
    struct bytes vanished = after(line, "* VANISHED ");

    assert_true(after(line, " EXPUNGE").len == 0 || after(line, " OK ").len > 0);
    if (code.len > 0)
        world->known->code = take_number(code);
    if (earlier.len > 0)
        learn_vanished(world, earlier, false);
    else if (vanished.len > 0)
        learn_vanished(world, vanished, true);
    else if (after(line, " FETCH (").len > 0)
        learn_fetch(world->known, line);
    if (!bytes_starts_with(line, BYTES("* ")))
        learn_tagged(world->known);
}

static void learn(struct world *world, struct bytes text)
{
    while (text.len > 0) {
        size_t end = bytes_find(text, 0, BYTES("\r\n"));
        struct bytes line = bytes_slice(text, 0, end);

        /* By number an empty mailbox has nothing to fetch. */
        if (after(line, " BAD ").len > 0 && !bytes_starts_with(line, BYTES("f ")))
            fail_msg("seed %llu: %.*s", world->seed, BYTES_ARG(line));
        learn_line(world, line);
        text = bytes_from(text, end + 2);
    }
}

static void PRINTF_LIKE(2, 3) client_runs(struct world *world, const char *format, ...)
{
    char line[400];
    va_list list;

    va_start(list, format);
    (void)vsnprintf(line, sizeof(line), format, list);
    va_end(list);
    learn(world, imap_seat_run(&world->client, line));
}

/* One random change by the seat; what it is told goes to `learn_it`. */
static void change(struct world *world, bool by_client)
{
    static const char *const flags[] = { "\\Seen", "\\Flagged", "\\Deleted", "red", "blue" };
    struct imap_seat *seat = by_client ? &world->client : &world->other;
    unsigned first = 1 + (unsigned)below(world, world->appended + 1);
    unsigned last = first + (unsigned)below(world, 5);
    char line[200];
    struct bytes said;

    switch (below(world, 8)) {
    case 0:
    case 1:
        world->appended++;
        (void)snprintf(line, sizeof(line), "x APPEND INBOX (%s) {3+}\r\nabc",
                       flags[below(world, 2)]);
        break;
    case 2: (void)snprintf(line, sizeof(line), "x EXPUNGE"); break;
    case 3: (void)snprintf(line, sizeof(line), "x UID MOVE %u Archive", first); break;
    default:
        (void)snprintf(line, sizeof(line), "x UID STORE %u:%u %cFLAGS%s (%s)", first, last,
                       below(world, 3) == 0 ? '-' : '+', below(world, 2) == 0 ? ".SILENT" : "",
                       flags[below(world, ARRAY_COUNT(flags))]);
    }
    said = imap_seat_run(seat, line);
    if (!by_client)
        return;
    learn(world, said);
    /* A .SILENT change is the client's own: the new flags are known to it, here by asking. */
    client_runs(world, "y UID FETCH %u:%u (FLAGS)", first, last);
}

/* What it does while it has the mailbox selected, last of all perhaps something by number: then
 * expunges of others wait when it is cut off. */
static void stay(struct world *world)
{
    for (uint64_t n = below(world, 6); n > 0; n--) {
        change(world, below(world, 2) == 0);
        if (below(world, 2) == 0)
            client_runs(world, "n NOOP");
    }
    if (below(world, 2) == 0)
        client_runs(world, "f FETCH 1:* (UID FLAGS MODSEQ)");
    if (below(world, 2) == 0)
        client_runs(world, "n NOOP");
}

/* Numbers and UIDs of what it believes to be there: some of them, ascending. */
static void sample(struct world *world, char *into, size_t size)
{
    char seqnos[200] = "";
    char uids[200] = "";
    uint32_t seqno = 0;

    for (uint32_t uid = 1; uid < UIDS_MAX; uid++) {
        size_t left = strlen(seqnos);

        if (world->known->flags[uid][0] == '\0')
            continue;
        seqno++;
        if (left > 150 || strlen(uids) > 150 || below(world, 5) != 0)
            continue;
        (void)snprintf(seqnos + left, sizeof(seqnos) - left, "%s%u", left > 0 ? "," : "", seqno);
        left = strlen(uids);
        (void)snprintf(uids + left, sizeof(uids) - left, "%s%u", left > 0 ? "," : "", uid);
    }
    if (seqnos[0] == '\0')
        into[0] = '\0';
    else
        (void)snprintf(into, size, " (%s %s)", seqnos, uids);
}

static void come_back(struct world *world)
{
    char match[500] = "";

    imap_seat_open(&world->client, &world->desk);
    client_runs(world, "e ENABLE QRESYNC IMAP4rev2");
    world->known->code = world->known->seen = 0;
    if (below(world, 2) == 0)
        sample(world, match, sizeof(match));
    if (world->known->modseq == 0 || below(world, 3) == 0) {
        uint64_t since = world->known->modseq == 0 ? 1 : world->known->modseq;

        client_runs(world, "s SELECT INBOX");
        client_runs(world, "v UID FETCH 1:%u (FLAGS) (CHANGEDSINCE %llu VANISHED)",
                    world->known->uid_last + 1, (unsigned long long)since);
    } else {
        client_runs(world, "s SELECT INBOX (QRESYNC (1700000000 %llu%s))",
                    (unsigned long long)world->known->modseq, match);
    }
    client_runs(world, "w UID FETCH %u:* (FLAGS)", world->known->uid_asked + 1);
    world->known->uid_asked = world->known->uid_last;
}

static void compare(struct world *world)
{
    struct bytes text;

    memset(world->truth, 0, sizeof(*world->truth));
    (void)imap_seat_run(&world->other, "n NOOP");
    text = imap_seat_run(&world->other, "t UID FETCH 1:* (FLAGS)");
    while (text.len > 0) {
        size_t end = bytes_find(text, 0, BYTES("\r\n"));

        if (bytes_starts_with(text, BYTES("* ")))
            learn_fetch(world->truth, bytes_slice(text, 0, end));
        text = bytes_from(text, end + 2);
    }
    for (uint32_t uid = 1; uid < UIDS_MAX; uid++)
        if (strcmp(world->known->flags[uid], world->truth->flags[uid]) != 0)
            fail_msg("seed %llu, round %u: UID %u is \"%s\", believed to be \"%s\"", world->seed,
                     world->round, uid, world->truth->flags[uid], world->known->flags[uid]);
}

static void go_away(struct world *world)
{
    imap_seat_close(&world->client);
    for (uint64_t n = below(world, 6); n > 0; n--)
        change(world, false);
}

static void run_seed(unsigned long long seed, unsigned rounds)
{
    struct vfs *vfs = mem_vfs_new(seed);
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    print_message("seed %llu\n", seed);
    world->seed = seed;
    world->random.state = seed;
    world->known = calloc(1, sizeof(*world->known));
    world->truth = calloc(1, sizeof(*world->truth));
    desk_init(&world->desk, vfs);
    assert_int_equal(desk_open(&world->desk), ERR_OK);
    imap_seat_open(&world->other, &world->desk);
    (void)imap_seat_run(&world->other, "e ENABLE IMAP4rev2"); /* no \Recent in what is compared */
    (void)imap_seat_run(&world->other, "s SELECT INBOX");
    for (world->round = 0; world->round < rounds && world->appended < UIDS_MAX - 100;
         world->round++) {
        come_back(world);
        compare(world);
        stay(world);
        go_away(world);
    }
    imap_seat_close(&world->other);
    desk_close(&world->desk);
    mem_vfs_free(vfs);
    free(world->known);
    free(world->truth);
    free(world);
}

static void test_resynchronisation(void **state MAYBE_UNUSED)
{
    const char *seed = getenv("ROOST_SEED");
    const char *rounds_text = getenv("ROOST_ROUNDS");
    unsigned rounds = rounds_text != NULL ? (unsigned)strtoul(rounds_text, NULL, 10) : ROUNDS;

    for (unsigned long long n = 1; seed == NULL && n <= SEEDS; n++)
        run_seed(n, rounds);
    if (seed != NULL)
        run_seed(strtoull(seed, NULL, 10), rounds);
}

/* One step of a line behind so much other output; true when the line is whole. */
typedef bool step_fn(struct imap_session *session, void *line);

static bool step_earlier(struct imap_session *session, void *line)
{
    return imap_vanished_print(session, line);
}

static bool step_news(struct imap_session *session, void *line)
{
    struct imap_selected *selected = line;

    session->selected = selected;
    session->qresync = true;
    imap_news_tell(session);
    return selected->news.phase != IMAP_NEWS_EXPUNGED;
}

static void line_is_whole(size_t before, step_fn *step, void *line, struct bytes expected)
{
    struct buf out = buf_make(2 * IMAP_OUTPUT_STEP);
    struct imap_session session = { .out = &out };

    (void)buf_reserve(&out, before);
    buf_commit(&out, before);
    while (!step(&session, line))
        session.out_before = out.len; /* the next one */
    assert_true(bytes_equal(bytes_from(buf_bytes(&out), before), expected));
    buf_done(&out);
}

/* A step may end at any byte of a line of VANISHED: what it begins with is said once. */
static void test_lines_in_steps(void **state MAYBE_UNUSED)
{
    static const struct uid_range ranges[] = { { 3, 5 }, { 9, 9 } };
    static const struct uid uids[] = { { 3 }, { 4 }, { 5 }, { 9 } };
    struct uid_set set = { ranges, ARRAY_COUNT(ranges) };

    for (size_t left = 0; left < 40; left++) {
        struct imap_vanished vanished = { .uids = set };
        struct imap_selected selected = { .news = { .phase = IMAP_NEWS_EXPUNGED } };

        selected.news.changes.expunged_uids = uids;
        selected.news.changes.expunged_count = ARRAY_COUNT(uids);
        line_is_whole(IMAP_OUTPUT_STEP - left, step_earlier, &vanished,
                      BYTES("* VANISHED (EARLIER) 3:5,9\r\n"));
        line_is_whole(IMAP_OUTPUT_STEP - left, step_news, &selected, BYTES("* VANISHED 3:5,9\r\n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resynchronisation),
        cmocka_unit_test(test_lines_in_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
