/* What an observer sees. */
#include "kit/observer.h"

#include <inttypes.h>
#include <string.h>

#include "base/crc.h"
#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "kit/state_dump.h"
#include "store/account_compact.h"
#include "store/account_state.h"

enum { DUMP_BYTES_MAX = 1 << 24 };

static void describe_rest(const struct mailbox *mailbox, const struct row *row,
                          char rest[SEEN_REST_BYTES])
{
    struct buf text = buf_make(SEEN_REST_BYTES - 1);
    uint64_t keywords = 0;

    buf_add_format(&text, "date %" PRId64 " %d saved %" PRId64 " size %" PRIu64,
                   row->internal_date.seconds, row->internal_date.zone, row->save_date, row->size);
    buf_add_format(&text, " thread %" PRIu64, row->thread.value);
    for (uint32_t i = 0; i < mailbox->keywords.count; i++)
        if (keyword_set_has(&row->keywords, i))
            keywords += crc32c(0, mailbox->keywords.names[i]); /* in any order */
    buf_add_format(&text, " keywords %" PRIu64, keywords);
    memset(rest, 0, SEEN_REST_BYTES);
    memcpy(rest, text.at, text.len);
    buf_done(&text);
}

void observer_look(const struct desk *desk, struct seen *out_seen)
{
    const struct state *state = &desk->account->state;
    const struct uid_range all = { 1, UINT32_MAX };

    out_seen->count = 0;
    for (size_t i = 0; i < state->mailbox_count; i++) {
        const struct mailbox *mailbox = state->by_id[i];
        struct rows_walk walk = rows_walk_make(&mailbox->rows, (struct uid_set){ &all, 1 });
        struct row row;

        while (rows_walk_next(&walk, &row)) {
            struct seen_row *mine = &out_seen->rows[out_seen->count++];

            assert_true(out_seen->count < SEEN_ROWS_MAX);
            memset(mine, 0, sizeof(*mine));
            mine->mailbox = mailbox->id.value;
            mine->uid = row.uid.value;
            mine->body = row.body.value;
            mine->flags = row.flags;
            describe_rest(mailbox, &row, mine->rest);
        }
    }
}

const struct seen_row *observer_find(const struct seen *seen, const struct seen_row *row)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->rows[i].mailbox == row->mailbox && seen->rows[i].uid == row->uid)
            return &seen->rows[i];
    return NULL;
}

void observer_read_all(struct desk *desk, const struct seen *seen)
{
    struct buf body = buf_make(1 << 16);

    for (size_t i = 0; i < seen->count; i++)
        assert_int_equal(desk_read(desk, (struct body_id){ seen->rows[i].body }, &body), ERR_OK);
    buf_done(&body);
}

void observer_find_lost(struct desk *desk, const struct lost_find_options *ask,
                        struct lost *out_lost)
{
    struct lost_find_options options = *ask;
    struct note why = { .text = "" };
    struct lost_find *find;
    bool done = false;

    options.vfs = desk->vfs;
    options.position = account_durable(desk->account);
    find = lost_find_new(&options);
    while (!done)
        if (lost_find_read(find, 500, &done, &why) != ERR_OK)
            fail_msg("%s", why.text);
    lost_find_take(find, out_lost);
    lost_find_free(find);
}

/* It is between two compactions, or has given one up. */
static void pause_compaction(struct desk *desk, struct account_pause *pause)
{
    while (!account_compact_pause(desk->account, pause)) {
        (void)desk_tick(desk);
        desk_settle(desk);
    }
}

struct undelete_counts observer_undelete(struct desk *desk, const struct lost_find_options *ask)
{
    struct origin origin = desk_origin(desk);
    struct undelete undelete;
    struct account_pause pause = { .waker = &desk->waker };
    struct lost lost;
    bool done = false;

    pause_compaction(desk, &pause);
    observer_find_lost(desk, ask, &lost);
    undelete_begin(&undelete, desk->account, &lost);
    while (!undelete_plan(&undelete))
        continue;
    while (!done)
        assert_int_equal(desk_finish(desk, act_undelete(&undelete, &origin, &done)), ERR_OK);
    assert_memory_equal(&undelete.planned, &undelete.done, sizeof(undelete.done));
    account_compact_resume(desk->account, &pause, true);
    undelete_done(&undelete);
    lost_done(&lost);
    desk_sync(desk);
    return undelete.done;
}

void observer_assert_nothing_left(struct desk *desk)
{
    const struct lost_find_options everything = { .position = 0 };
    struct modseq change = account_change_number(desk->account);
    struct undelete_counts none = { 0 };
    struct undelete_counts counts = observer_undelete(desk, &everything);

    assert_memory_equal(&counts, &none, sizeof(none));
    assert_int_equal(account_change_number(desk->account).value, change.value);
}

void observer_reopen(struct desk *desk)
{
    struct buf before = buf_make(DUMP_BYTES_MAX);
    struct buf after = buf_make(DUMP_BYTES_MAX);
    struct account_pause pause = { .waker = &desk->waker };

    /* A base that is finished but not taken up yet is taken up by the opening: bodies have moved.
     */
    pause_compaction(desk, &pause);
    account_compact_resume(desk->account, &pause, true);
    state_dump(&desk->account->state, &before);
    desk_close(desk);
    mem_vfs_remove(desk->vfs, "checkpoint");
    assert_int_equal(desk_open(desk), ERR_OK);
    state_dump(&desk->account->state, &after);
    ASSERT_BYTES(buf_bytes(&after), buf_bytes(&before));
    buf_done(&before);
    buf_done(&after);
}
