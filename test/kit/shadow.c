/* Random acts on an account and on its shadow. */
#include "kit/shadow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"

static const char *const keyword_names[SHADOW_KEYWORDS] = { "$Forwarded", "$Junk", "red", "blue",
                                                            "Green" };
static const char *const levels[] = { "a", "b", "Work", "\xc3\xa9t\xc3\xa9" };

static uint32_t below(struct shadow *shadow, uint32_t limit)
{
    return (uint32_t)test_random_below(&shadow->random, limit);
}

static struct shadow_mailbox *find(struct shadow *shadow, const char *name)
{
    for (size_t i = 0; i < SHADOW_MAILBOXES_MAX; i++)
        if (strcmp(shadow->mailboxes[i].name, name) == 0)
            return &shadow->mailboxes[i];
    return NULL;
}

static struct shadow_mailbox *add(struct shadow *shadow, const char *name)
{
    struct shadow_mailbox *mailbox = find(shadow, "");

    assert_non_null(mailbox);
    mailbox->uidnext = 1;
    mailbox->recent_floor = 1;
    mailbox->count = 0;
    (void)snprintf(mailbox->name, sizeof(mailbox->name), "%s", name);
    return mailbox;
}

void shadow_init(struct shadow *shadow, uint64_t seed)
{
    static const char *const usual[] = { "INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive" };

    memset(shadow, 0, sizeof(*shadow));
    shadow->random.state = seed;
    for (size_t i = 0; i < ARRAY_COUNT(usual); i++)
        (void)add(shadow, usual[i]);
}

static struct shadow_mailbox *any_mailbox(struct shadow *shadow)
{
    for (;;) {
        struct shadow_mailbox *mailbox = &shadow->mailboxes[below(shadow, SHADOW_MAILBOXES_MAX)];

        if (mailbox->name[0] != '\0')
            return mailbox;
    }
}

static void any_name(struct shadow *shadow, char name[SHADOW_NAME_BYTES])
{
    uint32_t depth = 1 + below(shadow, 3);

    name[0] = '\0';
    for (uint32_t i = 0; i < depth; i++) {
        size_t len = strlen(name);

        (void)snprintf(name + len, SHADOW_NAME_BYTES - len, "%s%s", i == 0 ? "" : "/",
                       levels[below(shadow, ARRAY_COUNT(levels))]);
    }
}

static void make_text(uint32_t seed, bool large, struct buf *out)
{
    buf_clear(out);
    buf_add_format(out,
                   "From: %u@example.org\r\nSubject: number %u\r\nMessage-ID: <%u@example.org>\r\n"
                   "In-Reply-To: <%u@example.org>\r\n\r\n",
                   seed, seed, seed, seed / 2);
    for (uint32_t i = 0; i < (large ? 2000 : seed % 40); i++)
        buf_add_format(out, "line %u of a body that has the number %u\r\n", i, seed);
}

/* A seed tells whether the text is large, so that checking can make it again. */
static bool is_large(uint32_t seed)
{
    return seed % 16 == 15;
}

static uint16_t any_flags(struct shadow *shadow)
{
    return (uint16_t)below(shadow, FLAGS_ALL + 1);
}

/* Up to two keywords, and the bits that they are. */
static uint32_t any_keywords(struct shadow *shadow, struct bytes names[2], uint16_t *out_bits)
{
    uint32_t count = below(shadow, 3);

    *out_bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = below(shadow, SHADOW_KEYWORDS);

        names[i] = bytes_from_string(keyword_names[which]);
        *out_bits = (uint16_t)(*out_bits | 1u << which);
    }
    return count;
}

static void append(struct shadow *shadow, struct desk *desk)
{
    struct shadow_mailbox *mine = any_mailbox(shadow);
    struct mailbox *mailbox = desk_mailbox(desk, mine->name);
    struct append_item items[3] = { 0 };
    struct bytes names[3][2];
    uint32_t count = 1 + below(shadow, 3);
    struct buf text = buf_make(1 << 20);
    struct origin origin;
    struct uid first;

    if (mine->count + count > SHADOW_ROWS_MAX)
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct shadow_row *row = &mine->rows[mine->count + i];

        while (is_large(shadow->texts) && !shadow->with_large)
            shadow->texts++;
        *row = (struct shadow_row){ mine->uidnext + i, any_flags(shadow), 0, shadow->texts++ };
        items[i].flags = (struct flag_names){ row->flags, names[i],
                                              any_keywords(shadow, names[i], &row->keywords) };
        make_text(row->text, is_large(row->text), &text);
        assert_int_equal(desk_body(desk, buf_bytes(&text), &items[i].body), ERR_OK);
    }
    origin = desk_origin(desk);
    assert_int_equal(desk_finish(desk, act_append(mailbox, &origin, items, count, &first)), ERR_OK);
    assert_int_equal(first.value, mine->uidnext);
    mine->uidnext += count;
    mine->count += count;
    buf_done(&text);
}

static struct uid_range any_range(struct shadow *shadow, const struct shadow_mailbox *mine)
{
    uint32_t first = 1 + below(shadow, mine->uidnext);

    return (struct uid_range){ first, first + below(shadow, 6) };
}

static bool in(const struct shadow_row *row, struct uid_range range)
{
    return row->uid >= range.first && row->uid <= range.last;
}

static void flags(struct shadow *shadow, struct desk *desk)
{
    struct shadow_mailbox *mine = any_mailbox(shadow);
    struct uid_range range = any_range(shadow, mine);
    struct bytes names[2];
    struct arena arena = arena_make(1 << 20);
    struct origin origin = desk_origin(desk);
    struct flag_result result;
    bool changes = false;
    uint16_t bits;
    struct flag_act act = { .uids = { &range, 1 },
                            .mode = (enum flag_mode)below(shadow, 3),
                            .unchanged_since = UINT64_MAX };

    act.flags.flags = any_flags(shadow);
    act.flags.keyword_count = any_keywords(shadow, names, &bits);
    act.flags.keywords = names;
    for (uint32_t i = 0; i < mine->count; i++) {
        struct shadow_row *row = &mine->rows[i];
        struct shadow_row before = *row;

        if (!in(row, range))
            continue;
        if (act.mode == FLAGS_REPLACE) {
            row->flags = act.flags.flags;
            row->keywords = bits;
        } else if (act.mode == FLAGS_ADD) {
            row->flags |= act.flags.flags;
            row->keywords |= bits;
        } else {
            row->flags = (uint16_t)(row->flags & ~act.flags.flags);
            row->keywords = (uint16_t)(row->keywords & ~bits);
        }
        changes = changes || before.flags != row->flags || before.keywords != row->keywords;
    }
    assert_int_equal(desk_finish(desk, act_flags(desk_mailbox(desk, mine->name), &origin, &act,
                                                 &arena, &result)),
                     ERR_OK);
    assert_int_equal(result.modseq.value != 0, changes);
    arena_done(&arena);
}

/* Takes the rows out that `range` holds and, with a mode, that it wants. */
static uint32_t take_out(struct shadow_mailbox *mine, struct uid_range range, bool deleted_only)
{
    uint32_t kept = 0;
    uint32_t count = mine->count;

    for (uint32_t i = 0; i < count; i++)
        if (!in(&mine->rows[i], range) ||
            (deleted_only && (mine->rows[i].flags & FLAG_DELETED) == 0))
            mine->rows[kept++] = mine->rows[i];
    mine->count = kept;
    return count - kept;
}

static void expunge(struct shadow *shadow, struct desk *desk)
{
    struct shadow_mailbox *mine = any_mailbox(shadow);
    struct uid_range range = any_range(shadow, mine);
    bool deleted_only = below(shadow, 2) == 0;
    struct origin origin = desk_origin(desk);
    uint32_t count;

    assert_int_equal(
        desk_finish(desk, act_expunge(desk_mailbox(desk, mine->name), &origin,
                                      (struct uid_set){ &range, 1 }, deleted_only, &count)),
        ERR_OK);
    assert_int_equal(count, take_out(mine, range, deleted_only));
}

static void copy(struct shadow *shadow, struct desk *desk)
{
    struct shadow_mailbox *from = any_mailbox(shadow);
    struct shadow_mailbox *to = any_mailbox(shadow);
    struct uid_range range = any_range(shadow, from);
    struct arena arena = arena_make(1 << 20);
    struct origin origin = desk_origin(desk);
    struct copy_act act = { .to = desk_mailbox(desk, to->name), .move = below(shadow, 2) == 0 };
    uint32_t uidnext = to->uidnext;
    uint32_t count = from->count;
    struct copy_result result;

    if (to->count + 8 > SHADOW_ROWS_MAX)
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (!in(&from->rows[i], range) ||
            from->rows[i].uid >= uidnext + (from == to ? 0 : UINT32_MAX / 2))
            continue;
        to->rows[to->count] = from->rows[i];
        to->rows[to->count++].uid = to->uidnext++;
    }
    if (act.move && from == to && range.last >= uidnext)
        range.last = uidnext - 1;
    act.uids = (struct uid_set){ &range, range.last >= range.first ? 1 : 0 };
    assert_int_equal(
        desk_finish(desk, act_copy(desk_mailbox(desk, from->name), &origin, &act, &arena, &result)),
        ERR_OK);
    assert_int_equal(result.first.value, uidnext);
    if (act.move && range.last >= range.first)
        (void)take_out(from, range, false);
    arena_done(&arena);
}

static void create_parents(struct shadow *shadow, const char *name)
{
    char level[SHADOW_NAME_BYTES];

    for (size_t i = 0; name[i] != '\0'; i++) {
        level[i] = '\0';
        if (name[i] == '/' && find(shadow, level) == NULL)
            (void)add(shadow, level);
        level[i] = name[i];
    }
}

static bool has_room(const struct shadow *shadow)
{
    uint32_t count = 0;

    for (size_t i = 0; i < SHADOW_MAILBOXES_MAX; i++)
        count += shadow->mailboxes[i].name[0] != '\0';
    return count + 4 < SHADOW_MAILBOXES_MAX;
}

static void create(struct shadow *shadow, struct desk *desk)
{
    struct origin origin = desk_origin(desk);
    char name[SHADOW_NAME_BYTES];
    struct mailbox *made;
    enum err err;

    any_name(shadow, name);
    if (!has_room(shadow))
        return;
    err = act_mailbox_create(desk->account, &origin, bytes_from_string(name), 0, &made);
    assert_int_equal(err, find(shadow, name) != NULL ? ERR_EXISTS : ERR_OK);
    if (err != ERR_OK)
        return;
    create_parents(shadow, name);
    (void)add(shadow, name);
}

static void delete_one(struct shadow *shadow, struct desk *desk)
{
    struct shadow_mailbox *mine = any_mailbox(shadow);
    struct origin origin = desk_origin(desk);
    bool is_inbox = strcmp(mine->name, "INBOX") == 0;

    assert_int_equal(desk_finish(desk, act_mailbox_delete(desk->account, &origin,
                                                          desk_mailbox(desk, mine->name))),
                     is_inbox ? ERR_DENIED : ERR_OK);
    if (!is_inbox)
        mine->name[0] = '\0';
}

static bool is_below(const char *name, const char *above)
{
    size_t len = strlen(above);

    return strncmp(name, above, len) == 0 && name[len] == '/';
}

/* True when a name that the rename would give is taken, or too long for the shadow. */
static bool collides(struct shadow *shadow, const char *old, const char *new_name)
{
    char name[2 * SHADOW_NAME_BYTES];

    for (size_t i = 0; i < SHADOW_MAILBOXES_MAX; i++) {
        const char *each = shadow->mailboxes[i].name;

        if (strcmp(each, old) != 0 && !is_below(each, old))
            continue;
        (void)snprintf(name, sizeof(name), "%s%s", new_name, each + strlen(old));
        if (find(shadow, name) != NULL)
            return true;
    }
    return false;
}

static void rename_rows(struct shadow *shadow, const char *old, const char *new_name)
{
    char name[2 * SHADOW_NAME_BYTES];

    for (size_t i = 0; i < SHADOW_MAILBOXES_MAX; i++) {
        struct shadow_mailbox *each = &shadow->mailboxes[i];

        if (strcmp(each->name, old) != 0 && !is_below(each->name, old))
            continue;
        (void)snprintf(name, sizeof(name), "%s%s", new_name, each->name + strlen(old));
        memcpy(each->name, name, SHADOW_NAME_BYTES);
    }
}

static void rename_inbox(struct shadow *shadow, const char *name)
{
    struct shadow_mailbox *inbox = find(shadow, "INBOX");
    struct shadow_mailbox *made = add(shadow, name);

    for (uint32_t i = 0; i < inbox->count; i++) {
        made->rows[i] = inbox->rows[i];
        made->rows[i].uid = made->uidnext++;
    }
    made->count = inbox->count;
    inbox->count = 0;
}

static void rename_one(struct shadow *shadow, struct desk *desk)
{
    struct shadow_mailbox *mine = any_mailbox(shadow);
    struct origin origin = desk_origin(desk);
    char old[SHADOW_NAME_BYTES];
    char name[SHADOW_NAME_BYTES];
    enum err expected = ERR_OK;
    enum err err;

    any_name(shadow, name);
    memcpy(old, mine->name, sizeof(old));
    if (!has_room(shadow) || strlen(name) + strlen(old) >= SHADOW_NAME_BYTES)
        return;
    if (strcmp(old, "INBOX") == 0 && below(shadow, 4) != 0)
        return;
    if (find(shadow, name) != NULL)
        expected = ERR_EXISTS;
    else if (strcmp(old, "INBOX") != 0 && is_below(name, old))
        expected = ERR_INVALID;
    else if (strcmp(old, "INBOX") != 0 && collides(shadow, old, name))
        expected = ERR_EXISTS;
    err = desk_finish(desk, act_mailbox_rename(desk->account, &origin, desk_mailbox(desk, old),
                                               bytes_from_string(name)));
    assert_int_equal(err, expected);
    if (err != ERR_OK)
        return;
    create_parents(shadow, name);
    if (strcmp(old, "INBOX") == 0)
        rename_inbox(shadow, name);
    else
        rename_rows(shadow, old, name);
}

static void claim_recent(struct shadow *shadow, struct desk *desk)
{
    struct shadow_mailbox *mine = any_mailbox(shadow);
    struct origin origin = desk_origin(desk);
    bool has_recent = mine->count > 0 && mine->rows[mine->count - 1].uid >= mine->recent_floor;
    uint32_t floor;

    assert_int_equal(
        act_recent_claim(desk->account, &origin, desk_mailbox(desk, mine->name), &floor), ERR_OK);
    assert_int_equal(floor, mine->recent_floor);
    if (has_recent)
        mine->recent_floor = mine->uidnext;
}

static void subscribe(struct shadow *shadow, struct desk *desk)
{
    struct origin origin = desk_origin(desk);
    char name[SHADOW_NAME_BYTES];
    bool on = below(shadow, 2) == 0;

    any_name(shadow, name);
    assert_int_equal(act_subscribe(desk->account, &origin, bytes_from_string(name), on), ERR_OK);
    assert_int_equal(subscription_has(desk->account, bytes_from_string(name)), on);
}

void shadow_act(struct shadow *shadow, struct desk *desk)
{
    static void (*const acts[])(struct shadow * shadow, struct desk * desk) = {
        append, append, append, append,     flags,      flags,        flags,     expunge,
        copy,   copy,   create, delete_one, rename_one, claim_recent, subscribe,
    };

    acts[below(shadow, ARRAY_COUNT(acts))](shadow, desk);
}

static uint16_t keyword_bits(const struct mailbox *mailbox, const struct keyword_set *set)
{
    uint16_t bits = 0;

    for (uint32_t i = 0; i < SHADOW_KEYWORDS; i++) {
        int index = mailbox_keyword_find(mailbox, bytes_from_string(keyword_names[i]));

        if (index >= 0 && (set->word[index / 64] >> (index % 64) & 1) != 0)
            bits = (uint16_t)(bits | 1u << i);
    }
    return bits;
}

static void check_row(struct desk *desk, const struct mailbox *mailbox, const struct row *row,
                      const struct shadow_row *mine)
{
    struct buf want = buf_make(1 << 20);
    struct buf have = buf_make(1 << 20);

    assert_int_equal(row->uid.value, mine->uid);
    assert_int_equal(row->flags, mine->flags);
    assert_int_equal(keyword_bits(mailbox, &row->keywords), mine->keywords);
    make_text(mine->text, is_large(mine->text), &want);
    assert_int_equal(desk_read(desk, row->body, &have), ERR_OK);
    ASSERT_BYTES(buf_bytes(&have), buf_bytes(&want));
    buf_done(&want);
    buf_done(&have);
}

void shadow_check(const struct shadow *shadow, struct desk *desk)
{
    uint32_t count = 0;

    for (size_t i = 0; i < SHADOW_MAILBOXES_MAX; i++) {
        const struct shadow_mailbox *mine = &shadow->mailboxes[i];
        struct mailbox *mailbox;
        struct view *view;

        if (mine->name[0] == '\0')
            continue;
        count++;
        mailbox = desk_mailbox(desk, mine->name);
        assert_non_null(mailbox);
        assert_int_equal(mailbox_uidnext(mailbox), mine->uidnext);
        assert_int_equal(mailbox_recent_floor(mailbox), mine->recent_floor);
        view = view_open(mailbox);
        assert_int_equal(view_count(view), mine->count);
        for (uint32_t j = 0; j < mine->count; j++) {
            struct row row;

            view_row(view, (struct seqno){ j + 1 }, &row);
            check_row(desk, mailbox, &row, &mine->rows[j]);
        }
        view_close(view);
    }
    assert_int_equal(mailbox_count(desk->account), count);
}
