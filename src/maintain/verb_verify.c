/* verify: reads every record of the account's log and says what does not hold.
 *
 * Lines: {"damage":{"segment":"log/0000000000000004.log","offset":8192,"length":112,
 * "kind":"change","number":7,"time":1700000000}} for each finding, in the order of the segments;
 * `number` and `time` only where the record tells. Progress counts bytes. Result: {"bytes",
 * "segments", "records", "messages" (bodies among the records), "damaged" (findings)}. */
#include "maintain/verb.h"

#include <stdlib.h>

#include "store/account.h"
#include "store/segment.h"
#include "store/verify.h"

enum {
    PIECE_BYTES = 8 * 1024 * 1024, /* one job */
    LINES_PER_STEP = 50,
};

struct state {
    struct verify *verify;
    enum err err;
    struct note why;
    bool has_read; /* at least one piece */
    size_t told; /* findings */
};

static enum err begin(struct maintain *act, const json_t *arguments, struct note *why)
{
    struct state *state = maintain_alloc(sizeof(*state));

    (void)arguments;
    (void)why;
    state->verify = verify_new(act->vfs, account_durable(act->account));
    act->state = state;
    return ERR_OK;
}

static void read_piece(void *context)
{
    struct state *state = context;

    state->has_read = true;
    state->err = verify_read(state->verify, PIECE_BYTES, &state->why);
}

static void tell(struct buf *out, const struct verify_finding *finding)
{
    char path[SEGMENT_PATH_BYTES];
    json_t *damage;

    segment_path(finding->segment, path);
    damage =
        json_pack("{s:s, s:I, s:I, s:s}", "segment", path, "offset", (json_int_t)finding->offset,
                  "length", (json_int_t)finding->length, "kind", verify_kind_text(finding->kind));
    if (finding->number != 0)
        (void)json_object_set_new(damage, "number", json_integer((json_int_t)finding->number));
    if (finding->when.us != 0)
        (void)json_object_set_new(damage, "time",
                                  json_integer((json_int_t)wall_seconds(finding->when)));
    maintain_put(out, json_pack("{s:o}", "damage", damage));
}

static enum maintain_want sum_up(struct maintain *act, struct buf *out)
{
    struct state *state = act->state;
    struct verify_counts counts = verify_counts(state->verify);

    return maintain_succeed(
        act, out,
        json_pack("{s:I, s:I, s:I, s:I, s:I}", "bytes", (json_int_t)counts.bytes, "segments",
                  (json_int_t)counts.segments, "records", (json_int_t)counts.records, "messages",
                  (json_int_t)counts.bodies, "damaged", (json_int_t)counts.findings));
}

static enum maintain_want step(struct maintain *act, struct buf *out)
{
    struct state *state = act->state;
    struct verify_counts counts = verify_counts(state->verify);
    const struct verify_finding *findings;
    size_t count;

    if (state->err != ERR_OK)
        return maintain_fail(act, state->err, "%s", state->why.text);
    if (!verify_is_done(state->verify)) {
        if (state->has_read)
            maintain_progress(out, counts.bytes, counts.bytes_total);
        maintain_run(act, read_piece);
        return MAINTAIN_WAIT;
    }
    findings = verify_findings(state->verify, &count);
    for (int i = 0; i < LINES_PER_STEP && state->told < count; i++)
        tell(out, &findings[state->told++]);
    return state->told < count ? MAINTAIN_AGAIN : sum_up(act, out);
}

static void end(struct maintain *act)
{
    struct state *state = act->state;

    verify_free(state->verify);
    free(state);
}

const struct maintain_verb maintain_verb_verify = {
    .name = "verify",
    .begin = begin,
    .step = step,
    .end = end,
};
