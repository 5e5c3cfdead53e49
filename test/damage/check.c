/* Comparing, field by field. */
#include "damage/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "message/summary.h"

enum { PIECES = 2 };

static bool same_name(struct bytes name, const char *mine)
{
    return bytes_equal(name, bytes_from_string(mine));
}

static uint64_t keyword_bits(struct model *model, const struct mailbox *mailbox,
                             const struct keyword_set *set)
{
    uint64_t bits = 0;

    for (uint32_t i = 0; i < mailbox_keyword_count(mailbox); i++)
        if ((set->word[i / 64] >> (i % 64) & 1) != 0)
            bits |= UINT64_C(1) << model_keyword(model, mailbox_keyword(mailbox, i));
    return bits;
}

static void check_row(struct check *check, const struct mailbox *mailbox, const struct row *row,
                      const struct row *mine)
{
    assert_int_equal(row->uid.value, mine->uid.value);
    assert_int_equal(row->flags, mine->flags);
    assert_int_equal(keyword_bits(check->model, mailbox, &row->keywords), mine->keywords.word[0]);
    assert_int_equal(row->modseq.value, mine->modseq.value);
    assert_int_equal(row->internal_date.seconds, mine->internal_date.seconds);
    assert_int_equal(row->internal_date.zone, mine->internal_date.zone);
    assert_int_equal(row->save_date, mine->save_date);
    assert_int_equal(row->size, mine->size);
    assert_int_equal(row->body.value, mine->body.value);
    assert_int_equal(row->thread.value, mine->thread.value);
}

static bool chunk_is_whole(const struct check *check, const struct scene_body *body, uint64_t index)
{
    uint64_t left = body->stored - index * RECORD_CHUNK_BYTES;
    uint64_t len = (left < RECORD_CHUNK_BYTES ? left : RECORD_CHUNK_BYTES) + RECORD_CRC_BYTES;

    return scene_is_whole(check->scene, check->disk, body->segment,
                          scene_stretch(check->scene, body->segment,
                                        body->frames_at + index * RECORD_FRAME_BYTES, len));
}

static bool header_is_whole(const struct check *check, const struct scene_body *body)
{
    return forecast_has_header(check->scene, check->disk, body->segment) &&
           scene_is_whole(
               check->scene, check->disk, body->segment,
               scene_stretch(check->scene, body->segment, body->header_at, RECORD_HEADER_BYTES));
}

/* Whether all that the piece touches is as it was; of a packed body, all of it. */
static bool piece_is_whole(const struct check *check, const struct scene_body *body,
                           struct body_piece piece)
{
    bool whole = piece.len == 0 || header_is_whole(check, body);

    if (body->packed)
        piece = (struct body_piece){ piece.body, 0, (size_t)body->stored };
    for (uint64_t i = piece.offset / RECORD_CHUNK_BYTES;
         whole && i * RECORD_CHUNK_BYTES < piece.offset + piece.len; i++)
        whole = chunk_is_whole(check, body, i);
    return whole;
}

static enum err read_piece(struct check *check, struct body_piece piece, uint8_t *into)
{
    enum err err;

    while ((err = body_read(check->desk->account, piece, into, &check->desk->waker)) == ERR_BUSY)
        desk_settle(check->desk);
    return err;
}

static void check_piece(struct check *check, const struct scene_body *body, uint64_t offset,
                        uint64_t len)
{
    static const uint8_t untouched = 0xa5;
    struct body_piece piece = { { body->id }, offset, (size_t)len };
    uint8_t *into = malloc(len + 1);
    enum err err;

    memset(into, untouched, len + 1);
    err = read_piece(check, piece, into);
    if (piece_is_whole(check, body, piece) || (body->packed && err == ERR_OK)) {
        assert_int_equal(err, ERR_OK);
        ASSERT_BYTES(bytes_make(into, (size_t)len),
                     bytes_slice(bytes_from(body->text, (size_t)offset), 0, (size_t)len));
    } else {
        assert_int_not_equal(err, ERR_OK);
        for (uint64_t i = 0; i < len; i++)
            assert_int_equal(into[i], untouched); /* nothing is given out */
    }
    assert_int_equal(into[len], untouched);
    free(into);
}

static void check_summary(struct check *check, const struct scene_body *body)
{
    struct summary summary;
    enum err err;

    while ((err = body_summary(check->desk->account, (struct body_id){ body->id },
                               &check->desk->waker, &summary)) == ERR_BUSY)
        desk_settle(check->desk);
    if (err != ERR_OK) {
        assert_false(piece_is_whole(check, body, (struct body_piece){ { 0 }, 0, body->text.len }));
        return;
    }
    if (body->envelope == 0)
        return;
    assert_int_equal(crc32c(0, summary.envelope), body->envelope);
    assert_int_equal(crc32c(0, summary.bodystructure), body->structure);
}

static void check_body(struct check *check, const struct row *row, struct place place)
{
    const struct scene_body *body = scene_body_find(check->scene, row->body.value, place.segment);

    assert_non_null(body);
    if (body->text.at == NULL) /* it was gone, and harm brought it back */
        return;
    assert_int_equal(body->text.len, row->size);
    assert_int_equal(place.offset, body->header_at);
    check_summary(check, body);
    check_piece(check, body, 0, body->text.len);
    for (uint64_t at = 0; body->text.len > RECORD_CHUNK_BYTES && at < body->text.len;
         at += RECORD_CHUNK_BYTES) {
        uint64_t left = body->text.len - at;

        check_piece(check, body, at, left < RECORD_CHUNK_BYTES ? left : RECORD_CHUNK_BYTES);
    }
    for (int i = 0; i < PIECES; i++) {
        uint64_t offset = test_random_below(check->random, body->text.len);

        check_piece(check, body, offset,
                    1 + test_random_below(check->random, body->text.len - offset));
    }
}

static void check_mailbox(struct check *check, const struct model_mailbox *mine)
{
    struct mailbox *mailbox =
        mailbox_find_id(check->desk->account, (struct mailbox_id){ mine->id });
    struct view *view;

    assert_non_null(mailbox);
    assert_true(same_name(mailbox_name(mailbox), mine->name));
    assert_int_equal(mailbox_uidvalidity(mailbox), mine->uidvalidity);
    assert_int_equal(mailbox_uidnext(mailbox), mine->uidnext);
    assert_int_equal(mailbox_uses(mailbox), mine->uses);
    assert_int_equal(mailbox_recent_floor(mailbox), mine->recent_floor);
    assert_int_equal(mailbox_highest_modseq(mailbox).value, mine->highest);
    view = view_open(mailbox);
    assert_int_equal(view_count(view), mine->count);
    for (uint32_t i = 0; i < mine->count; i++) {
        struct row row;

        view_row(view, (struct seqno){ i + 1 }, &row);
        check_row(check, mailbox, &row, &mine->rows[i].row);
        check_body(check, &row, mine->rows[i].place);
    }
    view_close(view);
}

/* What opening makes where there was no INBOX any more. */
static void check_beginning(struct check *check)
{
    struct mailbox *inbox = desk_mailbox(check->desk, "INBOX");
    struct mailbox_counts counts;

    assert_non_null(inbox);
    assert_in_range(mailbox_id(inbox).value, check->model->mailbox_next, UINT32_MAX);
    assert_in_range(mailbox_uidvalidity(inbox), check->model->uidvalidity_last + 1, UINT32_MAX);
    mailbox_counts(inbox, &counts);
    assert_int_equal(counts.messages, 0);
}

void check_account(struct check *check)
{
    struct bytes name = BYTES("");
    uint32_t subscribed = 0;

    for (uint32_t i = 0; i < check->model->mailbox_count; i++)
        check_mailbox(check, &check->model->mailboxes[i]);
    if (check->beginning) {
        check_beginning(check);
        return;
    }
    assert_int_equal(mailbox_count(check->desk->account), check->model->mailbox_count);
    assert_int_equal(account_change_number(check->desk->account).value, check->model->change);
    while ((name = subscription_next(check->desk->account, name)).len > 0)
        subscribed++;
    for (uint32_t i = 0; i < MODEL_SUBSCRIPTIONS_MAX; i++) {
        const char *mine = check->model->subscriptions[i];

        if (mine[0] == '\0')
            continue;
        assert_true(subscription_has(check->desk->account, bytes_from_string(mine)));
        subscribed--;
    }
    assert_int_equal(subscribed, 0);
}

static bool in_set(const struct uid_set *set, uint32_t uid)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (uid >= set->ranges[i].first && uid <= set->ranges[i].last)
            return true;
    return false;
}

/* A client with QRESYNC that knew all of the mailbox asks for what is new. */
static void check_client(const struct model_mailbox *before, uint64_t change,
                         struct mailbox *mailbox)
{
    struct uid_range known = { 1, before->uidnext };
    struct arena arena = arena_make(1 << 22);
    struct view *view = view_open(mailbox);
    struct uid_set vanished;

    assert_int_equal(mailbox_vanished(mailbox, (struct modseq){ change },
                                      (struct uid_set){ &known, 1 }, &arena, &vanished),
                     ERR_OK);
    assert_true(mailbox_uidnext(mailbox) >= before->uidnext);
    assert_true(mailbox_highest_modseq(mailbox).value > change);
    for (uint32_t i = 0; i < before->count; i++) {
        const struct row *was = &before->rows[i].row;
        struct row row;

        if (!view_row_now(view, was->uid, &row)) {
            assert_true(in_set(&vanished, was->uid.value));
            continue;
        }
        assert_false(in_set(&vanished, was->uid.value));
        assert_int_equal(row.body.value, was->body.value); /* the same message */
        assert_true(row.modseq.value > change);
    }
    view_close(view);
    arena_done(&arena);
}

void check_clients(struct check *check, struct model *before)
{
    struct origin origin = { .protocol = PROTOCOL_IMAP, .now = check->scene->now };
    struct mailbox *made;

    for (uint32_t i = 0; i < before->mailbox_count; i++) {
        const struct model_mailbox *mine = &before->mailboxes[i];
        struct mailbox *mailbox =
            mailbox_find_id(check->desk->account, (struct mailbox_id){ mine->id });

        if (mailbox != NULL && mailbox_uidvalidity(mailbox) == mine->uidvalidity)
            check_client(mine, before->change, mailbox);
    }
    assert_int_equal(
        act_mailbox_create(check->desk->account, &origin, BYTES("Made later"), 0, &made), ERR_OK);
    assert_true(mailbox_uidvalidity(made) > before->uidvalidity_last);
    assert_true(mailbox_id(made).value >= before->mailbox_next);
}

void check_bodies(struct check *check)
{
    for (uint32_t i = 0; i < check->model->mailbox_count; i++) {
        const struct model_mailbox *mine = &check->model->mailboxes[i];

        for (uint32_t j = 0; j < mine->count; j++)
            check_body(check, &mine->rows[j].row, mine->rows[j].place);
    }
}
