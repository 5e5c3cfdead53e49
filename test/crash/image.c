/* Images of accounts. */
#include "crash/image.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "message/summary.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 31;
}

/* Bodies that several rows share are read once. */
struct taking {
    struct desk *desk;
    struct image *image;
    uint32_t row_capacity;
    uint64_t bodies[64];
    uint32_t crcs[64];
    struct buf body;
};

/* Reads it, as a session does: the derived summary must agree with it. */
static uint32_t body_crc(struct taking *taking, const struct row *row)
{
    size_t slot = row->body.value % ARRAY_COUNT(taking->bodies);
    struct summary summary;
    enum err err;

    if (taking->bodies[slot] == row->body.value)
        return taking->crcs[slot];
    err = desk_read(taking->desk, row->body, &taking->body);
    if (err != ERR_OK || taking->body.len != row->size)
        crash_failed("body %" PRIu64 " of %" PRIu64 " bytes: %s, %zu bytes", row->body.value,
                     row->size, err_text(err), taking->body.len);
    if (body_summary(taking->desk->account, row->body, &taking->desk->waker, &summary) != ERR_OK)
        crash_failed("body %" PRIu64 " has no summary", row->body.value);
    taking->bodies[slot] = row->body.value;
    taking->crcs[slot] = crc32c(crc32c(0, buf_bytes(&taking->body)), summary.envelope);
    return taking->crcs[slot];
}

static uint32_t keyword_sum(const struct mailbox *mailbox, const struct keyword_set *set)
{
    uint32_t sum = 0;

    if ((set->word[0] | set->word[1]) == 0)
        return 0;
    for (uint32_t i = 0; i < mailbox_keyword_count(mailbox); i++)
        if ((set->word[i / 64] >> (i % 64) & 1) != 0)
            sum += crc32c(0, mailbox_keyword(mailbox, i)) << 8;
    return sum;
}

static void take_row(struct taking *taking, const struct mailbox *mailbox, const struct row *row,
                     struct image_row *out)
{
    uint64_t fixed = mix(row->body.value, row->thread.value);

    fixed = mix(fixed, (uint64_t)row->internal_date.seconds);
    fixed = mix(fixed, (uint64_t)row->internal_date.zone);
    fixed = mix(fixed, (uint64_t)row->save_date);
    fixed = mix(fixed, row->size);
    fixed = mix(fixed, body_crc(taking, row));
    *out = (struct image_row){
        .uid = row->uid.value,
        .flags = row->flags + keyword_sum(mailbox, &row->keywords),
        .modseq = row->modseq.value,
        .body = row->body.value,
        .fixed = fixed,
    };
    if (row->body.value > taking->image->body_max)
        taking->image->body_max = row->body.value;
}

static uint64_t vanished_hash(struct mailbox *mailbox)
{
    const struct uid_range everything = { 1, UINT32_MAX };
    struct arena arena = arena_make(1 << 20);
    struct uid_set set;
    uint64_t hash = 0;

    if (mailbox_vanished(mailbox, (struct modseq){ 0 }, (struct uid_set){ &everything, 1 }, &arena,
                         &set) != ERR_OK)
        crash_failed("no list of vanished UIDs");
    for (uint32_t i = 0; i < set.count; i++)
        hash = mix(mix(hash, set.ranges[i].first), set.ranges[i].last);
    arena_done(&arena);
    return hash;
}

static void take_mailbox(struct taking *taking, struct mailbox *mailbox, uint32_t first_row)
{
    struct image *image = taking->image;
    struct image_mailbox *mine = &image->mailboxes[image->count++];
    struct view *view = view_open(mailbox);

    *mine = (struct image_mailbox){
        .id = mailbox_id(mailbox).value,
        .uidvalidity = mailbox_uidvalidity(mailbox),
        .uidnext = mailbox_uidnext(mailbox),
        .highest = mailbox_highest_modseq(mailbox).value,
        .count = view_count(view),
        .hash = mix(crc32c(0, mailbox_name(mailbox)), mailbox_uses(mailbox)),
    };
    (void)snprintf(mine->name, sizeof(mine->name), "%.*s", BYTES_ARG(mailbox_name(mailbox)));
    mine->hash = mix(mine->hash, mailbox_recent_floor(mailbox));
    mine->vanished = vanished_hash(mailbox);
    for (uint32_t i = 0; i < mine->count; i++) {
        struct row row;

        view_row(view, (struct seqno){ i + 1 }, &row);
        take_row(taking, mailbox, &row, &image->rows[first_row + i]);
    }
    mine->rows = image->rows + first_row;
    view_close(view);
}

static void sum_up(struct image *image, uint64_t subscriptions)
{
    image->content = image->whole = subscriptions;
    for (uint32_t i = 0; i < image->count; i++) {
        const struct image_mailbox *mailbox = &image->mailboxes[i];

        image->content = mix(image->content, mailbox->hash);
        image->content = mix(image->content, (uint64_t)mailbox->id << 32 | mailbox->uidvalidity);
        image->whole = mix(mix(image->whole, mailbox->highest), mailbox->uidnext);
        image->whole = mix(image->whole, mailbox->vanished);
        for (uint32_t j = 0; j < mailbox->count; j++) {
            const struct image_row *row = &mailbox->rows[j];

            image->content = mix(mix(image->content, row->uid), row->flags);
            image->content = mix(image->content, row->fixed);
            image->whole = mix(image->whole, row->modseq);
        }
    }
    image->whole = mix(mix(image->whole, image->content), image->change);
}

struct image *image_take(struct desk *desk)
{
    struct image *image = calloc(1, sizeof(*image));
    struct taking taking = { .desk = desk, .image = image, .body = buf_make(1 << 20) };
    uint32_t messages = (uint32_t)account_used_messages(desk->account);
    uint64_t subscriptions = 0;
    struct bytes name = BYTES("");
    struct mailbox *mailbox;
    uint32_t rows = 0;

    assert(image != NULL);
    image->holders = 1;
    image->change = account_change_number(desk->account).value;
    image->rows = calloc(messages + 1U, sizeof(*image->rows));
    image->mailboxes = calloc(mailbox_count(desk->account) + 1U, sizeof(*image->mailboxes));
    assert(image->rows != NULL && image->mailboxes != NULL);
    while ((mailbox = mailbox_next(desk->account, name)) != NULL) {
        struct mailbox_counts counts;

        mailbox_counts(mailbox, &counts);
        if (rows + counts.messages > messages)
            crash_failed("more messages than the account counts");
        take_mailbox(&taking, mailbox, rows);
        rows += counts.messages;
        name = mailbox_name(mailbox);
    }
    if (rows != messages)
        crash_failed("fewer messages than the account counts");
    for (name = BYTES(""); (name = subscription_next(desk->account, name)).len > 0;)
        subscriptions = mix(subscriptions, crc32c(0, name));
    sum_up(image, subscriptions);
    buf_done(&taking.body);
    return image;
}

struct image *image_hold(struct image *image)
{
    image->holders++;
    return image;
}

void image_drop(struct image *image)
{
    if (image == NULL || --image->holders > 0)
        return;
    free(image->rows);
    free(image->mailboxes);
    free(image);
}

void image_print(const struct image *image)
{
    printf("  change %" PRIu64 " content %016" PRIx64 "\n", image->change, image->content);
    for (uint32_t i = 0; i < image->count; i++) {
        const struct image_mailbox *mailbox = &image->mailboxes[i];

        printf("  %s: id %u validity %u next %u highest %" PRIu64 " rest %016" PRIx64 "\n",
               mailbox->name, mailbox->id, mailbox->uidvalidity, mailbox->uidnext, mailbox->highest,
               mailbox->hash);
        for (uint32_t j = 0; j < mailbox->count; j++)
            printf("    %u: flags %x modseq %" PRIu64 " body %" PRIu64 " rest %016" PRIx64 "\n",
                   mailbox->rows[j].uid, mailbox->rows[j].flags, mailbox->rows[j].modseq,
                   mailbox->rows[j].body, mailbox->rows[j].fixed);
    }
}

const struct image_mailbox *image_find(const struct image *image, uint32_t id)
{
    for (uint32_t i = 0; i < image->count; i++)
        if (image->mailboxes[i].id == id)
            return &image->mailboxes[i];
    return NULL;
}

static struct marks_mailbox *marks_of(struct marks *marks, uint32_t id)
{
    for (uint32_t i = 0; i < marks->count; i++)
        if (marks->mailboxes[i].id == id)
            return &marks->mailboxes[i];
    assert(marks->count < ARRAY_COUNT(marks->mailboxes));
    marks->mailboxes[marks->count] = (struct marks_mailbox){ .id = id };
    return &marks->mailboxes[marks->count++];
}

static void raise_to(uint64_t *mark, uint64_t value)
{
    *mark = *mark < value ? value : *mark;
}

static void raise_number(uint32_t *mark, uint32_t value)
{
    *mark = *mark < value ? value : *mark;
}

void marks_add(struct marks *marks, const struct image *image)
{
    raise_to(&marks->change, image->change);
    raise_to(&marks->body, image->body_max);
    for (uint32_t i = 0; i < image->count; i++) {
        const struct image_mailbox *mailbox = &image->mailboxes[i];
        struct marks_mailbox *mine = marks_of(marks, mailbox->id);

        raise_number(&marks->uidvalidity, mailbox->uidvalidity);
        raise_number(&marks->mailbox, mailbox->id);
        raise_number(&mine->uidnext, mailbox->uidnext);
        raise_to(&mine->highest, mailbox->highest);
        mine->uidvalidity = mailbox->uidvalidity;
    }
}

void marks_check(const struct marks *marks, const struct image *now)
{
    if (now->change < marks->change)
        crash_failed("the change number went back from %" PRIu64 " to %" PRIu64, marks->change,
                     now->change);
    for (uint32_t i = 0; i < marks->count; i++) {
        const struct marks_mailbox *then = &marks->mailboxes[i];
        const struct image_mailbox *mailbox = image_find(now, then->id);

        if (mailbox == NULL)
            continue;
        if (mailbox->uidvalidity != then->uidvalidity)
            crash_failed("%s: mailbox id %u given twice", mailbox->name, then->id);
        if (mailbox->uidnext < then->uidnext)
            crash_failed("%s: UIDNEXT went back from %u to %u", mailbox->name, then->uidnext,
                         mailbox->uidnext);
        if (mailbox->highest < then->highest)
            crash_failed("%s: HIGHESTMODSEQ went back from %" PRIu64 " to %" PRIu64, mailbox->name,
                         then->highest, mailbox->highest);
    }
}

static bool set_has(const struct uid_set *set, uint32_t uid)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (uid >= set->ranges[i].first && uid <= set->ranges[i].last)
            return true;
    return false;
}

static const struct image_row *row_find(const struct image_mailbox *mailbox, uint32_t uid)
{
    for (uint32_t i = 0; i < mailbox->count; i++)
        if (mailbox->rows[i].uid == uid)
            return &mailbox->rows[i];
    return NULL;
}

/* What the client had: it keeps what it is not told of. */
static void client_had(const struct image_mailbox *then, const struct image_mailbox *now,
                       const struct uid_set *vanished)
{
    for (uint32_t i = 0; i < then->count; i++) {
        const struct image_row *had = &then->rows[i];
        const struct image_row *row = row_find(now, had->uid);

        if (row == NULL && !set_has(vanished, had->uid))
            crash_failed("%s: UID %u is gone, and no client hears of it", now->name, had->uid);
        if (row == NULL)
            continue;
        if (row->fixed != had->fixed)
            crash_failed("%s: UID %u is another message", now->name, had->uid);
        if (row->flags != had->flags && row->modseq <= then->highest)
            crash_failed("%s: UID %u has other flags, and no client hears of it", now->name,
                         had->uid);
    }
}

static void client_hears(const struct image_mailbox *then, const struct image_mailbox *now,
                         const struct uid_set *vanished)
{
    for (uint32_t i = 0; i < now->count; i++) {
        const struct image_row *row = &now->rows[i];

        if (set_has(vanished, row->uid))
            crash_failed("%s: UID %u is said to have vanished", now->name, row->uid);
        if (row->modseq <= then->highest && row_find(then, row->uid) == NULL)
            crash_failed("%s: UID %u came, and no client hears of it", now->name, row->uid);
        if (row->uid < then->uidnext && row_find(then, row->uid) == NULL)
            crash_failed("%s: UID %u came below an UIDNEXT", now->name, row->uid);
    }
}

void client_check(const struct image *then, const struct image *now, struct desk *desk)
{
    const struct uid_range everything = { 1, UINT32_MAX };

    for (uint32_t i = 0; i < then->count; i++) {
        const struct image_mailbox *old = &then->mailboxes[i];
        const struct image_mailbox *mailbox = image_find(now, old->id);
        struct arena arena = arena_make(1 << 20);
        struct uid_set vanished;

        if (mailbox == NULL ||
            (mailbox->highest == old->highest && mailbox->count == old->count &&
             memcmp(mailbox->rows, old->rows, old->count * sizeof(*old->rows)) == 0))
            continue;
        if (mailbox_vanished(mailbox_find_id(desk->account, (struct mailbox_id){ old->id }),
                             (struct modseq){ old->highest }, (struct uid_set){ &everything, 1 },
                             &arena, &vanished) != ERR_OK)
            crash_failed("no list of vanished UIDs");
        client_had(old, mailbox, &vanished);
        client_hears(old, mailbox, &vanished);
        arena_done(&arena);
    }
}
