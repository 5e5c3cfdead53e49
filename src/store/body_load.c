/* Jobs that wait for the disk. */
#include "store/body_load.h"

#include <assert.h>

#include "message/parser.h"
#include "message/summary.h"
#include "store/account_state.h"
#include "store/alloc.h"
#include "store/body.h"

enum { LOADS_KEPT_MAX = 256 }; /* done, and never asked for again: their sessions have gone */

struct body_load *body_load_find(struct account *account, enum body_load_kind kind,
                                 struct body_id body, struct waker *waker)
{
    LIST_EACH (node, after, &account->loads) {
        struct body_load *load = CONTAINER_OF(node, struct body_load, link);

        if (load->kind == kind && load->body.value == body.value && load->waker == waker)
            return load;
    }
    return NULL;
}

void body_load_free(struct body_load *load)
{
    assert(load->done);
    list_remove(&load->link);
    load->account->load_count--;
    buf_done(&load->summary);
    free(load);
}

void body_load_free_all(struct account *account)
{
    LIST_EACH (node, after, &account->loads)
        body_load_free(CONTAINER_OF(node, struct body_load, link));
}

bool body_load_is_of(const struct body_load *load, const struct body_entry *entry)
{
    return load->place.segment == entry->place.segment && load->place.offset == entry->place.offset;
}

static void load_chunks(struct body_load *load, uint8_t *frame)
{
    struct log_source source;
    struct bytes chunk;

    load->err = log_source_load(load->vfs, load->account_id, load->place, load->body, &source);
    for (uint64_t i = 0; load->err == ERR_OK && i < load->chunk_count; i++)
        load->err = log_source_fetch(load->vfs, &source, load->chunk_first + i, frame, &chunk);
}

static void load_parse(struct body_load *load, uint8_t *frame)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct message_limits limits = MESSAGE_LIMITS_DEFAULT;
    struct message_parser *parser = message_parser_new(&arena, &limits);
    struct log_source source = { 0 };
    struct bytes chunk;

    load->err = log_source_load(load->vfs, load->account_id, load->place, load->body, &source);
    for (uint64_t at = 0; load->err == ERR_OK && at < source.length; at += BODY_CHUNK_BYTES) {
        load->err = log_source_fetch(load->vfs, &source, at / BODY_CHUNK_BYTES, frame, &chunk);
        if (load->err == ERR_OK)
            message_parser_feed(parser, chunk);
    }
    if (load->err == ERR_OK)
        summary_encode(message_parser_finish(parser), &load->summary);
    arena_done(&arena);
}

static void run(struct job *job)
{
    struct body_load *load = CONTAINER_OF(job, struct body_load, job);
    uint8_t *frame = store_alloc(1, RECORD_FRAME_BYTES);

    switch (load->kind) {
    case LOAD_CHUNKS: load_chunks(load, frame); break;
    case LOAD_INDEX: load->index = summary_index_read(load->vfs, &load->account_id); break;
    case LOAD_SUMMARY: summary_file_warm(load->vfs, load->summary_place); break;
    case LOAD_PARSE: load_parse(load, frame); break;
    }
    free(frame);
}

static void finish(struct body_load *load)
{
    load->done = true;
    if (load->waker == NULL)
        body_load_free(load);
    else
        load->waker->wake(load->waker);
}

static void finish_index(struct account *account)
{
    LIST_EACH (node, after, &account->loads) {
        struct body_load *load = CONTAINER_OF(node, struct body_load, link);

        if (load->kind == LOAD_INDEX && !load->done)
            finish(load);
    }
}

static void done(struct job *job)
{
    struct body_load *load = CONTAINER_OF(job, struct body_load, job);
    struct account *account = load->account;

    account->jobs--;
    if (load->kind != LOAD_INDEX) {
        finish(load);
        return;
    }
    summary_file_adopt(account->summaries, &load->index);
    finish_index(account);
}

/* One job reads the index for all that wait. */
static bool is_index_coming(const struct account *account)
{
    LIST_EACH (node, after, &account->loads) {
        const struct body_load *load = CONTAINER_OF(node, struct body_load, link);

        if (load->kind == LOAD_INDEX && !load->done)
            return true;
    }
    return false;
}

static void drop_forgotten(struct account *account)
{
    LIST_EACH (node, after, &account->loads) {
        struct body_load *load = CONTAINER_OF(node, struct body_load, link);

        if (account->load_count < LOADS_KEPT_MAX)
            return;
        if (load->done)
            body_load_free(load);
    }
}

void body_load_start(struct account *account, const struct body_load *with)
{
    struct body_load *load = store_alloc(1, sizeof(*load));
    bool follows = with->kind == LOAD_INDEX && is_index_coming(account);

    drop_forgotten(account);
    *load = *with;
    load->account = account;
    load->vfs = account->vfs;
    load->account_id = account->state.id;
    load->summary = buf_make(SUMMARY_BYTES_MAX);
    load->job = (struct job){ .run = run, .done = done };
    list_push_back(&account->loads, &load->link);
    account->load_count++;
    if (follows)
        return;
    account->jobs++;
    account->executor->submit(account->executor, &load->job);
}

void body_waker_forget(struct account *account, struct waker *waker)
{
    LIST_EACH (node, after, &account->loads) {
        struct body_load *load = CONTAINER_OF(node, struct body_load, link);

        if (load->waker != waker)
            continue;
        load->waker = NULL;
        if (load->done)
            body_load_free(load);
    }
}
