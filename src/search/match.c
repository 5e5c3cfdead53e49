/* Evaluation with three truths: what the cheap facts cannot decide stays unknown, and only then are
 * dearer facts fetched. */
#include "search/match.h"

#include "base/buf.h"
#include "base/num.h"
#include "message/header.h"
#include "message/text.h"
#include "search/rows.h"
#include "search/texts.h"
#include "store/block.h"
#include "store/body.h"

enum truth {
    IS_FALSE,
    IS_TRUE,
    IS_UNKNOWN,
};

enum { HEADER_BYTES_MAX = 256 * 1024, DAY_SECONDS = 86400 };

/* What is known of the message so far; NULL and false: not fetched. */
struct facts {
    const struct search_program *program;
    struct buf *text; /* room for what is looked at */
    struct search_rows rows; /* that of the message alone */
    struct body_id body;
    const struct summary *summary;
    bool has_header; /* `header` holds the whole header, for fields the summary keeps not */
    struct bytes header;
    bool has_found;
    uint64_t found; /* of the texts */
};

static enum truth truth_of(bool is_true)
{
    return is_true ? IS_TRUE : IS_FALSE;
}

static int64_t day_of(int64_t seconds)
{
    return seconds >= 0 ? seconds / DAY_SECONDS : -((-seconds + DAY_SECONDS - 1) / DAY_SECONDS);
}

static bool is_in(struct bytes text, const struct search_key *key)
{
    return key->text.len == 0 || bytes_find(text, 0, key->text) < text.len;
}

/* Value by value. */
static bool field_holds(const struct facts *facts, struct bytes block, const struct search_key *key)
{
    struct header_reader reader = header_reader_make(block);
    struct header_field field;
    bool found = false;

    while (!found && header_next_named(&reader, key->field, &field)) {
        buf_clear(facts->text);
        text_header(field.value, true, facts->text);
        found = is_in(buf_bytes(facts->text), key);
    }
    return found;
}

/* The text of the field as search/texts.h has it. False: it is too long. */
static bool make_text(struct bytes block, struct bytes name, struct buf *out)
{
    struct header_reader reader = header_reader_make(block);
    struct header_field field;

    buf_clear(out);
    while (header_next_named(&reader, name, &field)) {
        text_header(field.value, true, out);
        buf_add_byte(out, 0);
    }
    return !out->overflowed;
}

/* Out of the summary; what was made ready for that serves later searches. */
static enum truth match_kept(const struct facts *facts, const struct search_key *key)
{
    const struct search_context *context = &facts->program->context;
    const struct search_field field = { context->account, key->field };
    struct bytes text;

    if (!key->is_plain || !make_text(facts->summary->fields, key->field, facts->text))
        return truth_of(field_holds(facts, facts->summary->fields, key));
    text = buf_bytes(facts->text);
    if (context->texts != NULL)
        search_texts_add(context->texts, &field, facts->body, text);
    return truth_of(text.len > 0 && is_in(text, key));
}

static enum truth match_field(const struct facts *facts, const struct search_key *key)
{
    if (facts->summary == NULL)
        return IS_UNKNOWN;
    if (key->is_kept && facts->summary->has_all_fields)
        return match_kept(facts, key);
    return facts->has_header ? truth_of(field_holds(facts, facts->header, key)) : IS_UNKNOWN;
}

static enum truth match_sent(const struct facts *facts, const struct search_key *key)
{
    const struct search_context *context = &facts->program->context;
    const struct search_field field = { context->account, SEARCH_SENT_DAY };
    const struct summary *summary = facts->summary;
    uint8_t raw[8];
    struct bytes text;

    if (summary == NULL)
        return IS_UNKNOWN;
    num_store_u64(raw, (uint64_t)day_of(summary->sent_seconds + summary->sent_zone_minutes * 60));
    text = bytes_make(raw, summary->has_sent ? sizeof(raw) : 0);
    if (context->texts != NULL)
        search_texts_add(context->texts, &field, facts->body, text);
    return truth_of(search_rows_sent(key, text));
}

static enum truth match_leaf(const struct facts *facts, const struct search_key *key)
{
    uint64_t word;

    if (search_rows_key(facts->program, key, &facts->rows, &word))
        return truth_of(word != 0);
    if (key->type == IMAP_SEARCH_SENTDATE)
        return match_sent(facts, key);
    if (key->type != IMAP_SEARCH_BODY && key->type != IMAP_SEARCH_TEXT)
        return match_field(facts, key);
    return facts->has_found ? truth_of((facts->found >> key->text_index & 1) != 0) : IS_UNKNOWN;
}

/* Recurses no deeper than the grammar's limits allowed. */
static enum truth match_key(const struct facts *facts, const struct search_key *key)
{
    enum truth deciding = key->type == IMAP_SEARCH_AND ? IS_FALSE : IS_TRUE;
    enum truth result = key->type == IMAP_SEARCH_AND ? IS_TRUE : IS_FALSE;

    if (key->type == IMAP_SEARCH_NOT) {
        enum truth inner = match_key(facts, key->children);

        return inner == IS_UNKNOWN ? IS_UNKNOWN : truth_of(inner == IS_FALSE);
    }
    if (key->type != IMAP_SEARCH_AND && key->type != IMAP_SEARCH_OR)
        return match_leaf(facts, key);
    for (const struct search_key *child = key->children; child != NULL; child = child->next) {
        enum truth truth = match_key(facts, child);

        if (truth == deciding)
            return deciding;
        if (truth == IS_UNKNOWN)
            result = IS_UNKNOWN;
    }
    return result;
}

/* Fields that the summary does not keep: the header itself, as far as HEADER_BYTES_MAX. */
static enum err match_with_header(struct search_match *match, struct facts *facts,
                                  struct summary *summary, enum truth *out_truth)
{
    struct buf header = buf_make(HEADER_BYTES_MAX);
    uint64_t len =
        summary->header_bytes < HEADER_BYTES_MAX ? summary->header_bytes : HEADER_BYTES_MAX;
    uint8_t *at = buf_reserve(&header, (size_t)len);
    struct body_piece piece = { facts->body, 0, (size_t)len };
    enum err err = body_read(match->source.account, piece, at, match->source.waker);

    if (err == ERR_OK) {
        search_source_spend(&match->source, (size_t)len);
        buf_commit(&header, (size_t)len);
        facts->has_header = true;
        facts->header = buf_bytes(&header);
        /* The read may have taken the summary's memory. */
        err = body_summary(match->source.account, facts->body, match->source.waker, summary);
    }
    if (err == ERR_OK)
        *out_truth = match_key(facts, match->program->root);
    facts->has_header = false;
    buf_done(&header);
    return err;
}

static enum err match_with_summary(struct search_match *match, struct facts *facts,
                                   enum truth *out_truth)
{
    struct summary summary;
    enum err err = body_summary(match->source.account, facts->body, match->source.waker, &summary);

    if (err != ERR_OK)
        return err;
    search_source_spend(&match->source,
                        SEARCH_SUMMARY_COST + SEARCH_KEY_COST * (size_t)match->program->row_cost);
    facts->summary = &summary;
    *out_truth = match_key(facts, match->program->root);
    if (*out_truth == IS_UNKNOWN)
        err = match_with_header(match, facts, &summary, out_truth);
    facts->summary = NULL;
    return err;
}

void search_match_begin_step(struct search_match *match)
{
    match->source.bytes_left = SEARCH_BYTES_STEP;
    match->text.max = HEADER_BYTES_MAX;
}

/* The row of that message alone. */
static struct search_rows row_of(const struct search_program *program, struct seqno seqno)
{
    struct search_rows rows = { view_run(program->context.view, seqno), seqno };

    rows.run.end = rows.run.at + 1;
    return rows;
}

enum err search_match_message(struct search_match *match, struct seqno seqno, bool *out_matches)
{
    struct facts facts = { .program = match->program,
                           .text = &match->text,
                           .rows = row_of(match->program, seqno) };
    enum truth truth = match_key(&facts, match->program->root);
    enum err err = ERR_OK;

    facts.body.value = block_get(facts.rows.run.block, COLUMN_BODY, facts.rows.run.at);
    if (truth == IS_UNKNOWN && match->source.bytes_left == 0)
        return ERR_LIMIT;
    if (truth == IS_UNKNOWN && !match->scan.active)
        err = match_with_summary(match, &facts, &truth);
    if (err == ERR_OK && truth == IS_UNKNOWN) {
        err = search_scan_step(&match->scan, match->program, &match->source, facts.body);
        facts.has_found = true;
        facts.found = match->scan.found;
        if (err == ERR_OK)
            err = match_with_summary(match, &facts, &truth);
    }
    if (err == ERR_BUSY || err == ERR_LIMIT)
        return err;
    search_scan_end_message(&match->scan);
    if (err == ERR_OK)
        *out_matches = truth == IS_TRUE;
    return err;
}

void search_match_done(struct search_match *match)
{
    search_scan_done(&match->scan);
    buf_done(&match->text);
}
