/* Texts under names that no field has, one for each value. */
#include "search/values.h"

#include <assert.h>
#include <string.h>

#include "message/summary.h"
#include "search/texts.h"
#include "store/body.h"
#include "store/thread_table.h"

enum { MADE_BYTES_MAX = 16 + SUMMARY_KEY_BYTES_MAX + 8 * (SUMMARY_REFERENCES_MAX + 1) };

/* No field has a blank in its name. */
static const struct bytes names[SEARCH_VALUES] = {
    [SEARCH_VALUE_SENT] = BYTES("sent seconds"),
    [SEARCH_VALUE_SUBJECT] = BYTES("base subject"),
    [SEARCH_VALUE_FROM] = BYTES("from mailbox"),
    [SEARCH_VALUE_TO] = BYTES("to mailbox"),
    [SEARCH_VALUE_CC] = BYTES("cc mailbox"),
    [SEARCH_VALUE_DISPLAY_FROM] = BYTES("from display"),
    [SEARCH_VALUE_DISPLAY_TO] = BYTES("to display"),
    [SEARCH_VALUE_IDS] = BYTES("thread ids"),
};

static bool is_wanted(const struct search_values *values, unsigned value)
{
    return (values->wanted >> value & 1) != 0;
}

void search_values_begin_step(struct search_values *values)
{
    values->source.bytes_left = SEARCH_BYTES_STEP;
    values->has_pages = false;
    values->made.max = MADE_BYTES_MAX;
}

void search_values_done(struct search_values *values)
{
    buf_done(&values->made);
}

static void find_pages(struct search_values *values, struct body_id body)
{
    for (unsigned i = 0; i < SEARCH_VALUES; i++) {
        const struct search_field field = { values->account, names[i] };

        values->pages[i] = is_wanted(values, i) && values->texts != NULL
                               ? search_texts_page(values->texts, &field, body)
                               : NULL;
    }
    values->has_pages = true;
    values->page_number = search_page_of(body.value);
}

/* False: some are not in memory. */
static bool get_kept(struct search_values *values, struct body_id body, struct bytes *out)
{
    if (!values->has_pages || values->page_number != search_page_of(body.value))
        find_pages(values, body);
    for (uint32_t left = values->wanted; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);

        if (values->pages[i] == NULL || !search_page_text(values->pages[i], body, &out[i]))
            return false;
    }
    return true;
}

uint64_t search_values_hash(const struct search_values *values, struct bytes text)
{
    uint64_t hash = thread_hash(&values->account, text);

    return hash == 0 ? 1 : hash;
}

static void put_id(struct search_values *values, struct bytes id)
{
    buf_put_u64(&values->made, search_values_hash(values, id));
}

static void put_ids(struct search_values *values, const struct summary *summary)
{
    struct bytes reference;
    size_t position = 0;

    if (summary->message_id.len == 0)
        buf_put_u64(&values->made, 0);
    else
        put_id(values, summary->message_id);
    while (summary_reference_next(summary, &position, &reference))
        put_id(values, reference);
}

/* Those that no summary has as they are, one behind the other. */
static void make(struct search_values *values, const struct summary *summary, struct bytes *out)
{
    struct buf *made = &values->made;
    size_t subject_at;
    size_t ids_at;

    buf_clear(made);
    if (summary->has_sent)
        buf_put_u64(made, (uint64_t)summary->sent_seconds);
    subject_at = made->len;
    buf_put_u8(made, summary->is_reply);
    buf_add(made, summary->subject);
    ids_at = made->len;
    if (is_wanted(values, SEARCH_VALUE_IDS))
        put_ids(values, summary);
    assert(!made->overflowed);
    out[SEARCH_VALUE_SENT] = bytes_slice(buf_bytes(made), 0, subject_at);
    out[SEARCH_VALUE_SUBJECT] = bytes_slice(buf_bytes(made), subject_at, ids_at - subject_at);
    out[SEARCH_VALUE_IDS] = bytes_from(buf_bytes(made), ids_at);
}

static void take_summary(struct search_values *values, struct body_id body,
                         const struct summary *summary, struct bytes *out)
{
    make(values, summary, out);
    out[SEARCH_VALUE_FROM] = summary->from_mailbox;
    out[SEARCH_VALUE_TO] = summary->to_mailbox;
    out[SEARCH_VALUE_CC] = summary->cc_mailbox;
    out[SEARCH_VALUE_DISPLAY_FROM] = summary->from_display;
    out[SEARCH_VALUE_DISPLAY_TO] = summary->to_display;
    for (unsigned i = 0; i < SEARCH_VALUES; i++) {
        const struct search_field field = { values->account, names[i] };

        if (!is_wanted(values, i))
            out[i] = BYTES("");
        else if (values->texts != NULL)
            search_texts_add(values->texts, &field, body, out[i]);
    }
    values->has_pages = false; /* what was added may have moved or dropped them */
}

enum err search_values_get(struct search_values *values, struct body_id body,
                           struct bytes out_values[SEARCH_VALUES])
{
    struct bytes found[SEARCH_VALUES] = { 0 };
    struct summary summary;
    enum err err = ERR_OK;

    if (!get_kept(values, body, found)) {
        if (values->source.bytes_left == 0)
            return ERR_LIMIT;
        err = body_summary(values->source.account, body, values->source.waker, &summary);
        if (err == ERR_BUSY)
            return err;
        search_source_spend(&values->source, SEARCH_SUMMARY_COST);
        if (err == ERR_OK)
            take_summary(values, body, &summary, found);
        else
            memset(found, 0, sizeof(found));
    }
    memcpy(out_values, found, sizeof(found));
    return err;
}
