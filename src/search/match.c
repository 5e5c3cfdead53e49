/* Evaluation with three truths: what the cheap facts cannot decide stays unknown, and only then are
 * dearer facts fetched. */
#include "search/match.h"

#include <stdio.h>

#include "base/buf.h"
#include "message/header.h"
#include "message/text.h"
#include "store/body.h"
#include "store/uid_set.h"

enum truth {
    IS_FALSE,
    IS_TRUE,
    IS_UNKNOWN,
};

enum { HEADER_BYTES_MAX = 256 * 1024, DAY_SECONDS = 86400 };

/* What is known of the message so far; NULL and false: not fetched. */
struct facts {
    const struct search_program *program;
    struct seqno seqno;
    const struct row *row;
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

static enum truth compare_day(const struct search_key *key, int64_t day)
{
    switch (key->when) {
    case IMAP_SEARCH_BEFORE: return truth_of(day < key->number);
    case IMAP_SEARCH_ON: return truth_of(day == key->number);
    case IMAP_SEARCH_SINCE: return truth_of(day >= key->number);
    }
    return IS_FALSE;
}

static enum truth match_flag(const struct facts *facts, const struct search_key *key)
{
    bool is_set = key->flags != 0
                      ? (facts->row->flags & key->flags) != 0
                      : uid_set_has(facts->program->context.recent, facts->row->uid.value);

    return truth_of(is_set == key->wanted);
}

static enum truth match_keyword(const struct facts *facts, const struct search_key *key)
{
    bool is_set = key->keyword >= 0 &&
                  (facts->row->keywords.word[key->keyword / 64] >> key->keyword % 64 & 1) != 0;

    return truth_of(is_set == key->wanted);
}

static enum truth match_id(const struct search_key *key, char kind, uint64_t value)
{
    char id[18];

    (void)snprintf(id, sizeof(id), "%c%016llx", kind, (unsigned long long)value);
    return truth_of(bytes_equal(key->text, bytes_make(id, 17)));
}

static bool field_holds(struct bytes block, const struct search_key *key)
{
    struct header_reader reader = header_reader_make(block);
    struct buf text = buf_make(HEADER_BYTES_MAX);
    struct header_field field;
    bool found = false;

    while (!found && header_next(&reader, &field)) {
        if (!bytes_equal_nocase(field.name, key->field))
            continue;
        buf_clear(&text);
        text_header(field.value, true, &text);
        found = key->text.len == 0 || bytes_find(buf_bytes(&text), 0, key->text) < text.len;
    }
    buf_done(&text);
    return found;
}

static enum truth match_field(const struct facts *facts, const struct search_key *key)
{
    if (facts->summary == NULL)
        return IS_UNKNOWN;
    if (summary_keeps_field(key->field) && facts->summary->has_all_fields)
        return truth_of(field_holds(facts->summary->fields, key));
    return facts->has_header ? truth_of(field_holds(facts->header, key)) : IS_UNKNOWN;
}

static enum truth match_sent(const struct facts *facts, const struct search_key *key)
{
    const struct summary *summary = facts->summary;

    if (summary == NULL)
        return IS_UNKNOWN;
    if (!summary->has_sent)
        return IS_FALSE;
    return compare_day(key, day_of(summary->sent_seconds + summary->sent_zone_minutes * 60));
}

static enum truth match_leaf(const struct facts *facts, const struct search_key *key)
{
    const struct row *row = facts->row;
    const struct search_context *context = &facts->program->context;

    switch (key->type) {
    case IMAP_SEARCH_SEQUENCE: return truth_of(uid_set_has(key->uids, facts->seqno.value));
    case IMAP_SEARCH_UID: return truth_of(uid_set_has(key->uids, row->uid.value));
    case IMAP_SEARCH_FLAG: return match_flag(facts, key);
    case IMAP_SEARCH_KEYWORD: return match_keyword(facts, key);
    case IMAP_SEARCH_BCC:
    case IMAP_SEARCH_CC:
    case IMAP_SEARCH_FROM:
    case IMAP_SEARCH_TO:
    case IMAP_SEARCH_SUBJECT:
    case IMAP_SEARCH_HEADER: return match_field(facts, key);
    case IMAP_SEARCH_BODY:
    case IMAP_SEARCH_TEXT:
        return facts->has_found ? truth_of((facts->found >> key->text_index & 1) != 0) : IS_UNKNOWN;
    case IMAP_SEARCH_INTERNALDATE:
        return compare_day(key, day_of(row->internal_date.seconds + row->internal_date.zone * 60));
    case IMAP_SEARCH_SENTDATE: return match_sent(facts, key);
    case IMAP_SEARCH_SAVEDATE: return compare_day(key, day_of(row->save_date));
    case IMAP_SEARCH_SAVEDATE_SUPPORTED: return IS_TRUE;
    case IMAP_SEARCH_LARGER: return truth_of(row->size > (uint64_t)key->number);
    case IMAP_SEARCH_SMALLER: return truth_of(row->size < (uint64_t)key->number);
    case IMAP_SEARCH_OLDER:
        return truth_of(row->internal_date.seconds <= context->now_seconds - key->number);
    case IMAP_SEARCH_YOUNGER:
        return truth_of(row->internal_date.seconds >= context->now_seconds - key->number);
    case IMAP_SEARCH_MODSEQ: return truth_of(row->modseq.value >= (uint64_t)key->number);
    case IMAP_SEARCH_EMAILID: return match_id(key, 'e', row->body.value);
    case IMAP_SEARCH_THREADID: return match_id(key, 't', row->thread.value);
    case IMAP_SEARCH_AND:
    case IMAP_SEARCH_OR:
    case IMAP_SEARCH_NOT: break;
    }
    return IS_FALSE;
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
    struct body_piece piece = { facts->row->body, 0, (size_t)len };
    enum err err = body_read(match->source.account, piece, at, match->source.waker);

    if (err == ERR_OK) {
        search_source_spend(&match->source, (size_t)len);
        buf_commit(&header, (size_t)len);
        facts->has_header = true;
        facts->header = buf_bytes(&header);
        /* The read may have taken the summary's memory. */
        err = body_summary(match->source.account, facts->row->body, match->source.waker, summary);
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
    enum err err =
        body_summary(match->source.account, facts->row->body, match->source.waker, &summary);

    if (err != ERR_OK)
        return err;
    search_source_spend(&match->source, SEARCH_SUMMARY_COST);
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
}

enum err search_match_message(struct search_match *match, struct seqno seqno, const struct row *row,
                              bool *out_matches)
{
    struct facts facts = { .program = match->program, .seqno = seqno, .row = row };
    enum truth truth = match_key(&facts, match->program->root);
    enum err err = ERR_OK;

    if (truth == IS_UNKNOWN && match->source.bytes_left == 0)
        return ERR_LIMIT;
    if (truth == IS_UNKNOWN && !match->scan.active)
        err = match_with_summary(match, &facts, &truth);
    if (err == ERR_OK && truth == IS_UNKNOWN) {
        err = search_scan_step(&match->scan, match->program, &match->source, row->body);
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
}
