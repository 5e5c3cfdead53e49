/* Several sessions at random on one account, each mirrored by a client that believes only what it
 * is told (RFC 9051 sections 5.5 and 7).
 *
 * The clients send commands, alone or in pipelines, in pieces; sessions are stepped in any order
 * with cold caches and jobs that take their time. After every step the answers are read the way a
 * careful client reads them, and after a NOOP the client must believe exactly what is true.
 *
 * The seed is printed; ROOST_SEED runs one seed, ROOST_ROUNDS says how long. */
#include "imap/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/cursor.h"
#include "base/num.h"
#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "kit/random.h"
#include "message/charset.h"

enum {
    CLIENTS = 3,
    BOXES = 3,
    MESSAGES_MAX = 4000, /* that one client believes in, and UIDs of one mailbox */
    INCARNATIONS_MAX = 400, /* of mailboxes */
    PENDING_MAX = 4,
    ROUNDS = 6000,
    RECENT = 1 << 15,
    UNKNOWN = 1 << 16, /* flags that the client was not told */
};

static const char *const box_names[BOXES] = { "INBOX", "Archive", "Extra" };
static const char *const flag_words[] = { "\\Seen",  "\\Answered", "\\Flagged", "\\Deleted",
                                          "\\Draft", "k1",         "k2",        "k3" };

struct believed {
    uint32_t uid; /* 0: not told */
    uint32_t flags; /* bits as in flag_words, RECENT, UNKNOWN */
};

/* A command that was sent and not answered. */
struct pending {
    unsigned tag;
    const char *verb; /* "FETCH"; of UID forms "UID" */
    bool silent; /* STORE: the client is not told what it did */
    int box; /* SELECT: which */
};

struct client {
    struct imap_seat seat;
    int number;
    bool rev2;
    struct buf later; /* said, but still on its way */
    struct pending pending[PENDING_MAX];
    int pending_count;
    unsigned next_tag;
    bool idle; /* IDLE was answered with "+" */
    bool asked_idle;
    /* what it believes */
    struct mailbox *selected; /* held */
    bool read_only;
    unsigned life; /* which selection this is */
    uint32_t uidvalidity;
    uint32_t count;
    struct believed messages[MESSAGES_MAX];
};

/* What may never change about a mailbox, by its UIDVALIDITY. */
struct incarnation {
    uint32_t uidvalidity;
    uint32_t uid_max; /* ever seen in it */
    uint32_t body[MESSAGES_MAX]; /* by UID: number in the text; 0: not seen */
    unsigned recent[MESSAGES_MAX]; /* by UID: the selection in which it is \Recent; 0: none */
};

struct world {
    struct vfs *vfs;
    struct desk desk;
    struct test_random random;
    uint64_t seed;
    unsigned round;
    unsigned lives;
    uint32_t bodies; /* made so far */
    struct client clients[CLIENTS];
    struct incarnation *incarnations;
    size_t incarnation_count;
};

static struct world world;

#define CHECK(condition, client, line) \
    do { \
        if (!(condition)) \
            fail_msg("seed %llu, round %u, client %d: %s, at: %.*s", \
                     (unsigned long long)world.seed, world.round, (client)->number, #condition, \
                     (int)(line).len, (const char *)(line).at); \
    } while (false)

static uint64_t below(uint64_t limit)
{
    return test_random_below(&world.random, limit);
}

static struct incarnation *incarnation_of(uint32_t uidvalidity)
{
    for (size_t i = 0; i < world.incarnation_count; i++)
        if (world.incarnations[i].uidvalidity == uidvalidity)
            return &world.incarnations[i];
    assert_true(world.incarnation_count < INCARNATIONS_MAX);
    world.incarnations[world.incarnation_count].uidvalidity = uidvalidity;
    return &world.incarnations[world.incarnation_count++];
}

/* --- what a client makes of its answers --- */

static uint32_t take_number(struct cursor *cur)
{
    uint64_t number = 0;
    size_t digits = 0;
    struct bytes rest = cursor_rest(cur);

    while (digits < rest.len && rest.at[digits] >= '0' && rest.at[digits] <= '9')
        digits++;
    if (digits == 0 || !num_parse(bytes_slice(rest, 0, digits), UINT32_MAX, &number))
        return 0;
    cur->offset += digits;
    return (uint32_t)number;
}

static struct bytes after(struct bytes line, const char *word)
{
    size_t at = bytes_find(line, 0, bytes_from_string(word));

    return at == line.len ? bytes_make(NULL, 0) : bytes_from(line, at + strlen(word));
}

static uint32_t flags_of(struct bytes list)
{
    uint32_t flags = 0;

    list = bytes_slice(list, 0, bytes_find_byte(list, 0, ')'));
    while (list.len > 0) {
        size_t end = bytes_find_byte(list, 0, ' ');
        struct bytes word = bytes_slice(list, 0, end);

        for (size_t i = 0; i < ARRAY_COUNT(flag_words); i++)
            if (bytes_equal_nocase(word, bytes_from_string(flag_words[i])))
                flags |= 1u << i;
        if (bytes_equal(word, BYTES("\\Recent")))
            flags |= RECENT;
        list = bytes_from(list, end + 1);
    }
    return flags;
}

/* UIDs ascend, and no UID is that of two messages. */
static void learn_uid(struct client *client, uint32_t seqno, uint32_t uid, struct bytes line)
{
    struct believed *message = &client->messages[seqno - 1];
    struct incarnation *incarnation = incarnation_of(client->uidvalidity);

    CHECK(message->uid == 0 || message->uid == uid, client, line);
    CHECK(uid < MESSAGES_MAX, client, line);
    message->uid = uid;
    for (uint32_t i = seqno - 1; i > 0; i--)
        if (client->messages[i - 1].uid != 0) {
            CHECK(client->messages[i - 1].uid < uid, client, line);
            break;
        }
    for (uint32_t i = seqno; i < client->count; i++)
        if (client->messages[i].uid != 0) {
            CHECK(client->messages[i].uid > uid, client, line);
            break;
        }
    if (uid > incarnation->uid_max)
        incarnation->uid_max = uid;
}

static void learn_flags(struct client *client, struct believed *message, uint32_t flags,
                        struct bytes line)
{
    unsigned *owner;

    message->flags = flags;
    CHECK(!client->rev2 || (flags & RECENT) == 0, client, line);
    /* In a mailbox that is no more nothing is written down, so nobody can be the first. */
    if (message->uid == 0 || client->read_only || mailbox_is_deleted(client->selected))
        return;
    owner = &incarnation_of(client->uidvalidity)->recent[message->uid];
    if ((flags & RECENT) != 0) {
        CHECK(*owner == 0 || *owner == client->life, client, line);
        *owner = client->life;
    }
}

static void learn_body(struct client *client, uint32_t uid, struct bytes text, struct bytes line)
{
    struct cursor cur = cursor_make(after(text, "number "));
    uint32_t *known = &incarnation_of(client->uidvalidity)->body[uid];
    uint32_t number = take_number(&cur);

    CHECK(number != 0 && (*known == 0 || *known == number), client, line);
    *known = number;
}

static void read_fetch(struct client *client, uint32_t seqno, struct bytes line)
{
    struct bytes uid = after(line, "UID ");
    struct bytes flags = after(line, "FLAGS (");
    struct bytes body = after(line, "BODY[] ");
    struct cursor cur = cursor_make(uid);

    CHECK(seqno >= 1 && seqno <= client->count, client, line);
    if (uid.len > 0)
        learn_uid(client, seqno, take_number(&cur), line);
    if (flags.len > 0)
        learn_flags(client, &client->messages[seqno - 1], flags_of(flags), line);
    if (body.len > 0 && client->messages[seqno - 1].uid != 0)
        learn_body(client, client->messages[seqno - 1].uid, body, line);
}

static void read_expunge(struct client *client, uint32_t seqno, struct bytes line)
{
    const char *verb = client->pending_count > 0 ? client->pending[0].verb : "";

    CHECK(seqno >= 1 && seqno <= client->count, client, line);
    CHECK(client->pending_count > 0, client, line);
    CHECK(strcmp(verb, "FETCH") != 0 && strcmp(verb, "STORE") != 0 && strcmp(verb, "SEARCH") != 0,
          client, line);
    memmove(&client->messages[seqno - 1], &client->messages[seqno],
            (client->count - seqno) * sizeof(client->messages[0]));
    client->count--;
}

static void read_exists(struct client *client, uint32_t count, struct bytes line)
{
    CHECK(count >= client->count && count < MESSAGES_MAX, client, line);
    for (; client->count < count; client->count++)
        client->messages[client->count] = (struct believed){ 0, UNKNOWN };
}

/* SEARCH FLAGGED: exactly those that the client believes to be flagged. */
static void read_search(struct client *client, struct bytes line)
{
    bool hit[MESSAGES_MAX] = { false };
    struct cursor cur = cursor_make(after(line, "SEARCH"));

    while (cursor_skip(&cur, ' ')) {
        uint32_t seqno = take_number(&cur);

        CHECK(seqno >= 1 && seqno <= client->count && !hit[seqno - 1], client, line);
        hit[seqno - 1] = true;
    }
    for (uint32_t i = 0; i < client->count; i++)
        if ((client->messages[i].flags & UNKNOWN) == 0)
            CHECK(((client->messages[i].flags & 4) != 0) == hit[i], client, line);
}

static void read_untagged(struct client *client, struct bytes line)
{
    struct cursor cur = cursor_make(bytes_from(line, 2));
    uint32_t number = take_number(&cur);
    struct bytes rest = cursor_rest(&cur);

    if (bytes_equal(rest, BYTES(" EXISTS")))
        read_exists(client, number, line);
    else if (bytes_equal(rest, BYTES(" EXPUNGE")))
        read_expunge(client, number, line);
    else if (bytes_starts_with(rest, BYTES(" FETCH (")))
        read_fetch(client, number, line);
    else if (bytes_equal(rest, BYTES(" RECENT")))
        CHECK(!client->rev2 && number <= client->count, client, line);
    else if (bytes_starts_with(rest, BYTES("SEARCH")))
        read_search(client, line);
    else if (bytes_starts_with(rest, BYTES("OK [UIDVALIDITY "))) {
        cur = cursor_make(after(line, "UIDVALIDITY "));
        client->uidvalidity = take_number(&cur);
    }
    CHECK(!bytes_starts_with(rest, BYTES("BYE")), client, line);
}

/* "1,3:5": how many, and the lowest. */
static uint32_t read_set(struct cursor *cur, uint32_t *out_first)
{
    uint32_t count = 0;

    *out_first = UINT32_MAX;
    do {
        uint32_t first = take_number(cur);
        uint32_t last = cursor_skip(cur, ':') ? take_number(cur) : first;

        count += last - first + 1;
        if (first < *out_first)
            *out_first = first;
    } while (cursor_skip(cur, ','));
    return count;
}

/* APPENDUID and COPYUID: UIDs that nobody has seen yet. */
static void read_new_uids(struct client *client, struct bytes line)
{
    bool copy = after(line, "[COPYUID ").len > 0;
    struct cursor cur = cursor_make(after(line, copy ? "[COPYUID " : "[APPENDUID "));
    uint32_t first;
    uint32_t count = 0;
    uint32_t new_count;
    struct incarnation *incarnation;

    if (cursor_at_end(&cur))
        return;
    incarnation = incarnation_of(take_number(&cur));
    CHECK(cursor_skip(&cur, ' '), client, line);
    if (copy) {
        count = read_set(&cur, &first);
        CHECK(cursor_skip(&cur, ' '), client, line);
    }
    new_count = read_set(&cur, &first);
    CHECK(!copy || count == new_count, client, line);
    CHECK(first > incarnation->uid_max, client, line);
    incarnation->uid_max = first + new_count - 1;
}

static void forget_selected(struct client *client)
{
    if (client->selected != NULL)
        mailbox_release(client->selected);
    client->selected = NULL;
    client->count = 0;
}

static void forget_flags(struct client *client)
{
    for (uint32_t i = 0; i < client->count; i++)
        client->messages[i].flags |= UNKNOWN;
}

static bool is_pending(const struct client *client, const char *verb)
{
    return client->pending_count > 0 && strcmp(client->pending[0].verb, verb) == 0;
}

/* After NOOP: what the client believes is the truth. */
static void compare(struct client *client, struct bytes line)
{
    struct view *view;

    if (client->selected == NULL || mailbox_is_deleted(client->selected))
        return;
    view = view_open(client->selected);
    CHECK(view_count(view) == client->count, client, line);
    for (uint32_t i = 0; i < client->count; i++) {
        const struct believed *message = &client->messages[i];
        struct row row;
        uint32_t flags = 0;

        view_row(view, (struct seqno){ i + 1 }, &row);
        CHECK(message->uid == 0 || message->uid == row.uid.value, client, line);
        for (unsigned bit = 0; bit < 5; bit++)
            flags |= ((uint32_t)row.flags >> bit & 1u) << bit;
        for (size_t bit = 5; bit < ARRAY_COUNT(flag_words); bit++) {
            int index = mailbox_keyword_find(client->selected, bytes_from_string(flag_words[bit]));

            if (index >= 0 && (row.keywords.word[index / 64] >> index % 64 & 1) != 0)
                flags |= 1u << bit;
        }
        CHECK((message->flags & UNKNOWN) != 0 || (message->flags & ~(uint32_t)RECENT) == flags,
              client, line);
    }
    view_close(view);
}

static void read_tagged(struct client *client, struct bytes line)
{
    struct pending *pending = &client->pending[0];
    bool ok = bytes_find(line, 0, BYTES(" OK ")) < 8;
    bool bad = bytes_find(line, 0, BYTES(" BAD ")) < 8;
    struct cursor cur = cursor_make(line);

    CHECK(client->pending_count > 0 && cursor_skip(&cur, 't'), client, line);
    CHECK(take_number(&cur) == pending->tag, client, line);
    CHECK(!bad || strcmp(pending->verb, "BAD") == 0, client, line);
    read_new_uids(client, line);
    if (pending->silent)
        forget_flags(client);
    if ((ok && is_pending(client, "CLOSE")) || (!ok && is_pending(client, "SELECT")))
        forget_selected(client);
    if (is_pending(client, "IDLE"))
        client->idle = client->asked_idle = false;
    if (is_pending(client, "NOOP") && client->pending_count == 1 && client->later.len == 0)
        compare(client, line);
    client->pending_count--;
    memmove(pending, pending + 1, (size_t)client->pending_count * sizeof(*pending));
}

/* One response, its literals in it; nothing when it is not all there yet. */
static struct bytes take_response(struct bytes out)
{
    size_t at = 0;

    for (;;) {
        size_t end = bytes_find(out, at, BYTES("\r\n"));
        struct bytes line = bytes_slice(out, at, end - at);
        size_t brace = line.len;
        struct cursor cur;

        if (end >= out.len)
            return bytes_make(NULL, 0);
        while (brace > 0 && line.at[brace - 1] != '{')
            brace--;
        if (brace == 0 || line.at[line.len - 1] != '}')
            return bytes_slice(out, 0, end);
        cur = cursor_make(bytes_from(line, brace));
        at = end + 2 + take_number(&cur);
    }
}

static void begin_select(struct client *client)
{
    const struct pending *pending = &client->pending[0];

    forget_selected(client);
    client->selected = desk_mailbox(&world.desk, box_names[pending->box]);
    client->read_only = pending->silent;
    client->life = ++world.lives;
    if (client->selected != NULL)
        mailbox_hold(client->selected);
}

/* The session has just stepped: SELECT has looked up its mailbox by now, if it is the first to be
 * answered in this output. */
static void read_output(struct client *client)
{
    for (;;) {
        struct bytes line = take_response(buf_bytes(&client->seat.out));

        if (line.len == 0)
            return;
        if (is_pending(client, "SELECT") && bytes_starts_with(line, BYTES("* FLAGS")))
            begin_select(client);
        if (line.at[0] == '+')
            client->idle = client->asked_idle;
        else if (line.at[0] == '*')
            read_untagged(client, line);
        else
            read_tagged(client, line);
        buf_consume(&client->seat.out, line.len + 2);
    }
}

/* --- what a client says --- */

static void say(struct client *client, const char *verb, bool silent, int box, struct bytes text)
{
    char tag[20];

    assert_true(client->pending_count < PENDING_MAX);
    client->pending[client->pending_count++] =
        (struct pending){ .tag = ++client->next_tag, .verb = verb, .silent = silent, .box = box };
    snprintf(tag, sizeof(tag), "t%u ", client->next_tag);
    buf_add_string(&client->later, tag);
    buf_add(&client->later, text);
    buf_add(&client->later, BYTES("\r\n"));
}

static void say_plain(struct client *client, const char *verb, const char *text)
{
    say(client, verb, false, 0, bytes_from_string(text));
}

static void add_flags(struct buf *text)
{
    size_t first = below(ARRAY_COUNT(flag_words));

    buf_add_byte(text, '(');
    for (size_t i = 0; i < below(3); i++) {
        if (i > 0)
            buf_add_byte(text, ' ');
        buf_add_string(text, flag_words[(first + i * 3) % ARRAY_COUNT(flag_words)]);
    }
    buf_add_byte(text, ')');
}

/* Sequence numbers that the client believes in, so that none is BAD while its news are late. */
static void add_set(struct client *client, struct buf *text, bool uid)
{
    uint64_t limit = uid ? incarnation_of(client->uidvalidity)->uid_max + 2 : client->count;
    uint64_t first = 1 + below(limit);

    if (below(4) == 0) {
        buf_add_string(text, "1:*");
        return;
    }
    buf_add_number(text, first);
    if (below(2) == 0)
        buf_add_format(text, ":%u", (unsigned)(1 + below(limit)));
    if (below(3) == 0)
        buf_add_format(text, ",%u", (unsigned)(1 + below(limit)));
}

static void say_append(struct client *client)
{
    struct buf text = buf_make(4096);
    int count = 1 + (int)below(3);

    buf_add_format(&text, "APPEND %s", box_names[below(BOXES)]);
    for (int i = 0; i < count; i++) {
        char message[60];
        int len =
            snprintf(message, sizeof(message), "Subject: x\r\n\r\nnumber %u\r\n", ++world.bodies);

        buf_add_byte(&text, ' ');
        add_flags(&text);
        buf_add_format(&text, " {%d+}\r\n%s", len, message);
    }
    say(client, "APPEND", false, 0, buf_bytes(&text));
    buf_done(&text);
}

static void say_store(struct client *client, bool uid)
{
    static const char *const modes[] = { "FLAGS", "+FLAGS", "-FLAGS" };
    struct buf text = buf_make(4096);
    bool silent = below(3) == 0;

    buf_add_string(&text, uid ? "UID STORE " : "STORE ");
    add_set(client, &text, uid);
    buf_add_format(&text, " %s%s ", modes[below(3)], silent ? ".SILENT" : "");
    add_flags(&text);
    /* By UID what is gone is passed over in silence, so nothing is known of it. */
    say(client, uid ? "UID" : "STORE", silent, 0, buf_bytes(&text));
    buf_done(&text);
}

static void say_transfer(struct client *client, const char *verb, bool uid)
{
    struct buf text = buf_make(4096);

    buf_add_format(&text, "%s%s ", uid ? "UID " : "", verb);
    /* Not all of them: copies of copies would fill the world. */
    buf_add_number(
        &text, 1 + below(uid ? incarnation_of(client->uidvalidity)->uid_max + 1 : client->count));
    buf_add_format(&text, " %s", box_names[below(BOXES)]);
    say(client, "COPY", false, 0, buf_bytes(&text));
    buf_done(&text);
}

static void say_fetch(struct client *client, bool uid)
{
    static const char *const items[] = { "(UID FLAGS)", "(UID BODY.PEEK[])", "(UID BODY[])",
                                         "(FLAGS UID BODY[])", "(UID ENVELOPE)" };
    struct buf text = buf_make(4096);

    buf_add_string(&text, uid ? "UID FETCH " : "FETCH ");
    add_set(client, &text, uid);
    buf_add_byte(&text, ' ');
    buf_add_string(&text, items[below(ARRAY_COUNT(items))]);
    say(client, uid ? "UID" : "FETCH", false, 0, buf_bytes(&text));
    buf_done(&text);
}

static void say_uid_expunge(struct client *client)
{
    struct buf text = buf_make(100);

    buf_add_string(&text, "UID EXPUNGE ");
    add_set(client, &text, true);
    say(client, "EXPUNGE", false, 0, buf_bytes(&text));
    buf_done(&text);
}

static void say_select(struct client *client)
{
    struct buf text = buf_make(100);
    bool examine = below(6) == 0;
    int box = (int)below(BOXES);

    buf_add_format(&text, "%s %s", examine ? "EXAMINE" : "SELECT", box_names[box]);
    say(client, "SELECT", examine, box, buf_bytes(&text));
    buf_done(&text);
}

static void say_anywhere(struct client *client)
{
    switch (below(8)) {
    case 0: say_plain(client, "NOOP", "NOOP"); break;
    case 1: say_plain(client, "STATUS", "STATUS Archive (MESSAGES UNSEEN)"); break;
    case 2: say_plain(client, "LIST", "LIST \"\" *"); break;
    case 3:
        if (below(4) == 0)
            say_plain(client, "DELETE", "DELETE Extra");
        break;
    case 4: say_plain(client, "CREATE", "CREATE Extra"); break;
    default: say_append(client); break;
    }
}

/* Sequence numbers change their meaning with every EXPUNGE, so a client does not send one behind a
 * command that may bring one (RFC 9051 section 5.5). */
static void say_selected(struct client *client, bool seqnos_hold)
{
    bool uid = !seqnos_hold || client->count == 0 || below(2) == 0;

    switch (below(14)) {
    case 0: say_select(client); break;
    case 1:
    case 2:
    case 3: say_fetch(client, uid); break;
    case 4:
    case 5:
    case 6: say_store(client, uid); break;
    case 7: say_transfer(client, below(2) == 0 ? "COPY" : "MOVE", uid); break;
    case 8: say_plain(client, "EXPUNGE", "EXPUNGE"); break;
    case 9: say_uid_expunge(client); break;
    case 10:
        if (seqnos_hold && !client->rev2)
            say_plain(client, "SEARCH", "SEARCH FLAGGED");
        break;
    case 11:
        if (below(4) == 0)
            say_plain(client, "CLOSE", below(2) == 0 ? "CLOSE" : "UNSELECT");
        break;
    case 12:
        client->asked_idle = true;
        say_plain(client, "IDLE", "IDLE");
        break;
    default: say_anywhere(client); break;
    }
}

static void say_something(struct client *client)
{
    bool seqnos_hold = true;

    if (client->asked_idle) {
        if (client->idle && client->later.len == 0 && below(3) == 0)
            buf_add(&client->later, BYTES("DONE\r\n"));
        return;
    }
    while (client->pending_count < PENDING_MAX && !client->asked_idle) {
        int before = client->pending_count;

        if (before > 0 && (strcmp(client->pending[before - 1].verb, "SELECT") == 0 ||
                           strcmp(client->pending[before - 1].verb, "CLOSE") == 0 || below(2) == 0))
            return;
        seqnos_hold = true;
        for (int i = 0; i < before; i++)
            if (strcmp(client->pending[i].verb, "FETCH") != 0 &&
                strcmp(client->pending[i].verb, "STORE") != 0)
                seqnos_hold = false;
        if (client->selected == NULL)
            below(2) == 0 ? say_select(client) : say_anywhere(client);
        else
            say_selected(client, seqnos_hold);
    }
}

/* --- the world --- */

static void open_client(struct client *client, int number)
{
    client->number = number;
    client->later = buf_make(1 << 20);
    imap_seat_open(&client->seat, &world.desk);
    client->rev2 = number == CLIENTS - 1;
    if (client->rev2)
        (void)imap_seat_run(&client->seat, "e ENABLE IMAP4rev2");
    buf_clear(&client->seat.out);
}

static void turn(struct client *client)
{
    size_t some = client->later.len == 0 ? 0 : 1 + below(client->later.len);

    if (below(3) == 0)
        some = client->later.len;
    imap_seat_say(&client->seat, bytes_slice(buf_bytes(&client->later), 0, some));
    buf_consume(&client->later, some);
    client->seat.now.wall.us += 1000;
    (void)imap_seat_step(&client->seat);
    read_output(client);
}

static void work(void)
{
    if (below(3) == 0)
        (void)jobs_run(&world.desk.jobs);
    if (below(3) == 0)
        (void)jobs_deliver(&world.desk.jobs);
    if (below(50) == 0)
        mem_vfs_chill(world.vfs);
    if (below(20) == 0)
        account_sync(world.desk.account);
}

/* Everybody ends what was begun and asks a last time. */
static void settle(struct client *client)
{
    for (int i = 0; i < 1000 && (client->pending_count > 0 || client->later.len > 0); i++) {
        if (client->idle && client->later.len == 0)
            buf_add(&client->later, BYTES("DONE\r\n"));
        turn(client);
        desk_settle(&world.desk);
    }
    assert_int_equal(client->pending_count, 0);
}

static void play(uint64_t seed, unsigned rounds)
{
    world = (struct world){ .random = { seed }, .seed = seed };
    world.incarnations = calloc(INCARNATIONS_MAX, sizeof(*world.incarnations));
    assert_non_null(world.incarnations);
    world.vfs = mem_vfs_new(seed);
    desk_init(&world.desk, world.vfs);
    assert_int_equal(desk_open(&world.desk), ERR_OK);
    for (int i = 0; i < CLIENTS; i++)
        open_client(&world.clients[i], i);
    for (world.round = 0; world.round < rounds; world.round++) {
        struct client *client = &world.clients[below(CLIENTS)];

        say_something(client);
        turn(client);
        work();
    }
    for (int i = 0; i < CLIENTS; i++)
        settle(&world.clients[i]);
    for (int i = 0; i < CLIENTS; i++) {
        say_plain(&world.clients[i], "NOOP", "NOOP");
        settle(&world.clients[i]);
        forget_selected(&world.clients[i]);
        imap_seat_close(&world.clients[i].seat);
        buf_done(&world.clients[i].later);
    }
    desk_close(&world.desk);
    assert_int_equal(mem_vfs_open_files(world.vfs), 0);
    mem_vfs_free(world.vfs);
    free(world.incarnations);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t value;

    return text != NULL && num_parse(bytes_from_string(text), UINT64_MAX, &value) ? value
                                                                                  : otherwise;
}

static void test_random_sessions(void **state)
{
    uint64_t seed = setting("ROOST_SEED", 0);
    uint64_t first = seed == 0 ? 1 : seed;
    uint64_t last = seed == 0 ? 8 : seed;

    for (uint64_t i = first; i <= last; i++) {
        printf("seed %llu\n", (unsigned long long)i);
        play(i, (unsigned)setting("ROOST_ROUNDS", ROUNDS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_sessions) };
    int failed;

    (void)charset_open_all();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    charset_close_all();
    return failed;
}
