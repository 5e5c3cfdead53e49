/* An account on a test disk. */
#include "kit/desk.h"
#include "store/acting.h"

#include <string.h>

#include "base/attributes.h"
#include "message/summary.h"

static void on_wake(struct waker *waker)
{
    CONTAINER_OF(waker, struct desk, waker)->wakes++;
}

void desk_init(struct desk *desk, struct vfs *vfs)
{
    *desk = (struct desk){ .vfs = vfs, .now = { INT64_C(1700000000) * 1000000 } };
    jobs_init(&desk->jobs);
    desk->waker.wake = on_wake;
    desk->options = (struct account_options){
        .vfs = vfs,
        .executor = &desk->jobs.executor,
        .id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
        .create = true,
    };
}

enum err desk_open(struct desk *desk)
{
    desk->options.now = desk->now;
    desk->why.text[0] = '\0';
    return account_open(&desk->options, &desk->account, &desk->report, &desk->why);
}

void desk_settle(struct desk *desk)
{
    while (desk->account != NULL && account_step(desk->account))
        continue;
    jobs_settle(&desk->jobs);
}

enum err desk_finish(struct desk *desk, enum err err)
{
    struct act *act = err == ERR_BUSY ? act_take(desk->account) : NULL;

    while (account_step(desk->account))
        continue;
    return act == NULL ? err : act_end(act);
}

void desk_close(struct desk *desk)
{
    desk_settle(desk);
    account_close(desk->account, desk->now);
    desk->account = NULL;
}

void desk_sync(struct desk *desk)
{
    account_sync(desk->account);
    desk_settle(desk);
}

struct mono desk_tick(struct desk *desk)
{
    desk->mono.ms += 100;
    return account_tick(desk->account, desk->mono, desk->now);
}

struct origin desk_origin(struct desk *desk)
{
    desk->now.us += 1000000;
    return (struct origin){
        .protocol = PROTOCOL_IMAP, .session = 7, .actor = BYTES("tester"), .now = desk->now
    };
}

struct mailbox *desk_mailbox(struct desk *desk, const char *name)
{
    return mailbox_find(desk->account, bytes_from_string(name));
}

enum err desk_body(struct desk *desk, struct bytes text, struct body_writer **out_writer)
{
    struct body_writer *writer;
    size_t taken;
    enum err err = body_writer_open(desk->account, text.len, &desk->waker, &writer);

    if (err != ERR_OK)
        return err;
    while (err == ERR_OK && text.len > 0) {
        err = body_writer_add(writer, text, &taken);
        if (err == ERR_OK)
            text = bytes_from(text, taken);
        if (err == ERR_BUSY) {
            desk_settle(desk);
            err = ERR_OK;
        }
    }
    while (err == ERR_OK && (err = body_writer_finish(writer)) == ERR_BUSY) {
        desk_settle(desk);
        err = ERR_OK;
    }
    if (err != ERR_OK)
        body_writer_free(writer);
    else
        *out_writer = writer;
    return err;
}

enum err desk_append(struct desk *desk, struct mailbox *mailbox, struct bytes text, uint16_t flags,
                     struct uid *out_uid)
{
    struct origin origin = desk_origin(desk);
    struct append_item item = { .flags = { .flags = flags },
                                .internal_date = { wall_seconds(desk->now), 60 } };
    struct uid uid;
    enum err err = desk_body(desk, text, &item.body);

    if (err != ERR_OK)
        return err;
    err = act_append(mailbox, &origin, &item, 1, &uid);
    if (err != ERR_OK)
        body_writer_free(item.body);
    else if (out_uid != NULL)
        *out_uid = uid;
    return err;
}

enum err desk_flags(struct desk *desk, struct mailbox *mailbox, struct desk_store store,
                    struct modseq *out_modseq)
{
    struct origin origin = desk_origin(desk);
    struct arena arena = arena_make(1 << 24);
    struct flag_act act = { .uids = { &store.uids, 1 },
                            .mode = store.mode,
                            .flags = { store.flags, &store.keyword, store.keyword.len > 0 },
                            .unchanged_since = UINT64_MAX };
    struct flag_result result;
    enum err err = desk_finish(desk, act_flags(mailbox, &origin, &act, &arena, &result));

    arena_done(&arena);
    if (err == ERR_OK && out_modseq != NULL)
        *out_modseq = result.modseq;
    return err;
}

enum err desk_read(struct desk *desk, struct body_id body, struct buf *out)
{
    struct summary summary;
    enum err err = ERR_BUSY;
    uint64_t size;

    while ((err = body_summary(desk->account, body, &desk->waker, &summary)) == ERR_BUSY)
        desk_settle(desk);
    if (err != ERR_OK)
        return err;
    size = summary.message_bytes;
    buf_clear(out);
    if (buf_reserve(out, size) == NULL)
        return ERR_LIMIT;
    do {
        err = body_read(desk->account, (struct body_piece){ body, 0, size }, buf_reserve(out, size),
                        &desk->waker);
        if (err == ERR_BUSY)
            desk_settle(desk);
    } while (err == ERR_BUSY);
    if (err == ERR_OK)
        buf_commit(out, size);
    return err;
}
