/* The model of an account: world.h. */
#include "model/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/names.h"
#include "model/samples.h"

static struct box *add_box(struct world *world, const char *name, uint8_t use)
{
    struct box *box = &world->boxes[world->box_count++];

    assert(world->box_count < BOXES_MAX);
    *box = (struct box){ .name = name, .use = use, .uidnext = 1, .recent_floor = 1 };
    box->rows = calloc(BOX_ROWS_MAX, sizeof(*box->rows));
    assert(box->rows != NULL);
    return box;
}

/* RFC 6154 section 2; bits as in special_uses: Archive, Drafts, Flagged, Junk, Sent, Trash. */
uint8_t world_usual_use(const char *name)
{
    static const struct {
        const char *name;
        uint8_t use;
    } usual[] = { { "Archive", 1 << 0 },
                  { "Drafts", 1 << 1 },
                  { "Junk", 1 << 3 },
                  { "Sent", 1 << 4 },
                  { "Trash", 1 << 5 } };

    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        if (strcmp(name, usual[i].name) == 0)
            return usual[i].use;
    return 0;
}

bool world_has_use(const struct world *world, uint8_t uses)
{
    for (unsigned i = 0; i < world->box_count; i++)
        if (!world->boxes[i].deleted && (world->boxes[i].use & uses) != 0)
            return true;
    return false;
}

void world_init(struct world *world, uint64_t change)
{
    static const char *const usual[] = { "INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash" };

    memset(world, 0, sizeof(*world));
    world->change = change;
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        (void)add_box(world, usual[i], world_usual_use(usual[i]));
    for (unsigned i = 0; i < world->box_count; i++)
        world_subscribe(world, world->boxes[i].name, true);
}

void world_done(struct world *world)
{
    for (unsigned i = 0; i < world->box_count; i++)
        free(world->boxes[i].rows);
    world->box_count = 0;
}

struct box *world_find(struct world *world, const char *name)
{
    for (unsigned i = 0; i < world->box_count; i++)
        if (!world->boxes[i].deleted && strcmp(world->boxes[i].name, name) == 0)
            return &world->boxes[i];
    return NULL;
}

struct box *world_by_uidvalidity(struct world *world, uint32_t uidvalidity)
{
    for (unsigned i = 0; i < world->box_count; i++)
        if (world->boxes[i].uidvalidity == uidvalidity)
            return &world->boxes[i];
    return NULL;
}

bool world_is_subscribed(const struct world *world, const char *name)
{
    for (unsigned i = 0; i < world->subscription_count; i++)
        if (strcmp(world->subscriptions[i], name) == 0)
            return true;
    return false;
}

void world_subscribe(struct world *world, const char *name, bool subscribed)
{
    if (world_is_subscribed(world, name) == subscribed)
        return;
    if (subscribed) {
        assert(world->subscription_count < SUBSCRIPTIONS_MAX);
        world->subscriptions[world->subscription_count++] = name;
        return;
    }
    for (unsigned i = 0; i < world->subscription_count; i++)
        if (strcmp(world->subscriptions[i], name) == 0)
            world->subscriptions[i] = world->subscriptions[--world->subscription_count];
}

static const char *keep_name(struct world *world, const char *text, size_t len)
{
    char *name = world->names[world->name_count++ % (BOXES_MAX * 4)];

    assert(len < sizeof(world->names[0]) && world->name_count < BOXES_MAX * 4);
    memcpy(name, text, len);
    name[len] = '\0';
    return name;
}

/* RFC 9051 section 6.3.4: the server creates the superior names that are needed. */
static void create_above(struct world *world, const char *name)
{
    for (const char *at = strchr(name, '/'); at != NULL; at = strchr(at + 1, '/')) {
        const char *level = keep_name(world, name, (size_t)(at - name));

        if (world_find(world, level) == NULL)
            (void)add_box(world, level, 0);
    }
}

struct box *world_create(struct world *world, const char *name, uint8_t use)
{
    create_above(world, name);
    return add_box(world, name, use);
}

/* RFC 9051 section 6.3.6: INBOX itself stays, empty, and what is below it stays too. */
static void rename_inbox(struct world *world, struct box *inbox, const char *to)
{
    struct box *box = add_box(world, to, 0);

    for (uint32_t i = 0; i < inbox->row_count; i++) {
        struct row_model *row = &inbox->rows[i];

        if (row->expunged != 0)
            continue;
        (void)box_add(world, box, row, row_now(row)->flags);
        box_expunge(world, inbox, row);
    }
}

static void name_below(const struct box *below, size_t from_len, const char *to,
                       char name[NAME_BYTES_MAX * 2])
{
    size_t len = strlen(to);

    memcpy(name, to, len);
    memcpy(name + len, below->name + from_len, strlen(below->name + from_len) + 1);
}

bool world_has_room(struct world *world, const struct box *box, const char *to)
{
    bool inbox = strcmp(box->name, "INBOX") == 0;

    if (world_find(world, to) != NULL)
        return false;
    for (unsigned i = 0; i < world->box_count && !inbox; i++) {
        const struct box *below = &world->boxes[i];
        char name[NAME_BYTES_MAX * 2];

        if (below->deleted || !model_name_is_below(below->name, box->name))
            continue;
        name_below(below, strlen(box->name), to, name);
        if (world_find(world, name) != NULL)
            return false;
    }
    return true;
}

void world_rename(struct world *world, struct box *box, const char *to)
{
    const char *from = box->name;
    size_t len = strlen(from);

    create_above(world, to);
    if (strcmp(from, "INBOX") == 0) {
        rename_inbox(world, box, to);
        return;
    }
    for (unsigned i = 0; i < world->box_count; i++) {
        struct box *below = &world->boxes[i];
        char name[NAME_BYTES_MAX * 2];

        if (below->deleted || !model_name_is_below(below->name, from))
            continue;
        name_below(below, len, to, name);
        below->name = keep_name(world, name, strlen(name));
    }
    box->name = to;
}

void world_delete(struct world *world, struct box *box)
{
    box->deleted = true;
    box->use = 0;
}

static void add_version(struct row_model *row, uint64_t modseq, uint16_t flags)
{
    row->versions[row->version_count++ % VERSIONS_MAX] = (struct version){ modseq, flags };
}

const struct version *row_now(const struct row_model *row)
{
    return &row->versions[(row->version_count - 1) % VERSIONS_MAX];
}

const struct version *row_version(const struct row_model *row, uint64_t modseq)
{
    unsigned kept = row->version_count < VERSIONS_MAX ? row->version_count : VERSIONS_MAX;

    for (unsigned i = 0; i < kept; i++)
        if (row->versions[i].modseq == modseq)
            return &row->versions[i];
    return NULL;
}

struct row_model *box_add(struct world *world, struct box *box, const struct row_model *like,
                          uint16_t flags)
{
    struct row_model *row = &box->rows[box->row_count++];

    assert(box->row_count < BOX_ROWS_MAX);
    *row = (struct row_model){
        .uid = box->uidnext++, .sample = like->sample, .day = like->day, .number = like->number
    };
    memcpy(row->email_id, like->email_id, ID_BYTES_MAX);
    memcpy(row->thread_id, like->thread_id, ID_BYTES_MAX);
    add_version(row, world->change, flags);
    box->keywords |= flags & (uint16_t)~MARK_SYSTEM;
    box->alive++;
    box->highest = world->change;
    return row;
}

void box_expunge(struct world *world, struct box *box, struct row_model *row)
{
    row->expunged = world->change;
    box->alive--;
    box->highest = world->change;
}

bool box_set_flags(struct world *world, struct box *box, struct row_model *row, uint16_t flags)
{
    if (row_now(row)->flags == flags)
        return false;
    add_version(row, world->change, flags);
    box->keywords |= flags & (uint16_t)~MARK_SYSTEM;
    box->highest = world->change;
    return true;
}

struct row_model *box_row(struct box *box, uint32_t uid)
{
    /* Every UID below UIDNEXT is that of a row, in this order. */
    return uid == 0 || uid > box->row_count ? NULL : &box->rows[uid - 1];
}

uint32_t box_count(const struct box *box, uint16_t flag, bool wanted)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < box->row_count; i++)
        if (box->rows[i].expunged == 0 && ((row_now(&box->rows[i])->flags & flag) != 0) == wanted)
            count++;
    return count;
}

uint64_t box_bytes(const struct box *box)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < box->row_count; i++)
        if (box->rows[i].expunged == 0)
            bytes += samples[box->rows[i].sample].len;
    return bytes;
}

uint32_t box_recent(const struct box *box)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < box->row_count; i++)
        count += box->rows[i].expunged == 0 && box->rows[i].uid >= box->recent_floor;
    return count;
}
