/* Bodies and summaries on their way out. */
#include <string.h>

#include "message/parser.h"
#include "message/summary.h"
#include "store/account_state.h"
#include "store/alloc.h"
#include "store/body.h"
#include "store/body_load.h"
#include "sys/vfs.h"

enum {
    PARSE_AT_ONCE_BYTES_MAX = 128 * 1024, /* larger bodies are parsed in a job */
    READ_AHEAD_CHUNKS = 8,
};

/* One call: what it reads and how far it got. */
struct reading {
    struct account *account;
    const struct body_entry *entry;
    struct log_source source;
    uint8_t *frame;
    unsigned flags; /* 0 once a job has fetched what was missing */
};

/* ERR_BUSY: a job is on its way, or has been started. ERR_OK: read on without NOWAIT. */
static enum err wait_for_chunks(struct account *account, const struct body_entry *entry,
                                uint64_t first, uint64_t count, struct waker *waker)
{
    struct body_load *load = body_load_find(account, LOAD_CHUNKS, entry->id, waker);
    uint64_t chunks = (entry->size + BODY_CHUNK_BYTES - 1) / BODY_CHUNK_BYTES;
    struct body_load with = { .kind = LOAD_CHUNKS,
                              .body = entry->id,
                              .place = entry->place,
                              .waker = waker,
                              .chunk_first = first,
                              .chunk_count = count + READ_AHEAD_CHUNKS };
    enum err err = ERR_OK;

    if (load != NULL && !load->done)
        return ERR_BUSY;
    if (load != NULL && !body_load_is_of(load, entry)) {
        body_load_free(load);
        load = NULL;
    }
    if (load != NULL && load->chunk_first <= first &&
        load->chunk_first + load->chunk_count >= first + count) {
        err = load->err;
        body_load_free(load);
        return err;
    }
    if (load != NULL)
        body_load_free(load);
    if (with.chunk_count > chunks - first)
        with.chunk_count = chunks - first;
    body_load_start(account, &with);
    return ERR_BUSY;
}

/* Copies what is wanted of one chunk. */
static enum err read_chunk(struct reading *reading, uint64_t index, uint64_t offset,
                           struct buf *into)
{
    struct bytes chunk;
    enum err err =
        log_source_read(reading->account->log, &reading->source,
                        (struct log_chunk){ index, reading->flags }, reading->frame, &chunk);
    uint64_t start = index * BODY_CHUNK_BYTES;

    if (err != ERR_OK)
        return err;
    chunk = bytes_from(chunk, offset > start ? (size_t)(offset - start) : 0);
    buf_add(into, bytes_slice(chunk, 0, into->max - into->len));
    return ERR_OK;
}

static enum err read_range(struct reading *reading, uint64_t offset, struct buf *into)
{
    uint64_t end = offset + into->max;
    enum err err = log_source(reading->account->log, reading->entry->place, reading->entry->id,
                              reading->flags, &reading->source);

    if (err == ERR_OK && reading->source.length != reading->entry->size)
        return ERR_CORRUPT;
    for (uint64_t i = offset / BODY_CHUNK_BYTES; err == ERR_OK && i * BODY_CHUNK_BYTES < end; i++)
        err = read_chunk(reading, i, offset, into);
    return err;
}

/* What a job fetched for this waiter is no longer needed. */
static void forget_load(struct account *account, struct body_id body, struct waker *waker)
{
    struct body_load *load =
        account->load_count == 0 ? NULL : body_load_find(account, LOAD_CHUNKS, body, waker);

    if (load != NULL && load->done)
        body_load_free(load);
}

static enum err read_or_wait(struct reading *reading, uint64_t offset, struct buf *into,
                             struct waker *waker)
{
    uint64_t first = offset / BODY_CHUNK_BYTES;
    uint64_t last = (offset + into->max - 1) / BODY_CHUNK_BYTES;
    enum err err = read_range(reading, offset, into);

    if (err != ERR_BUSY) {
        forget_load(reading->account, reading->entry->id, waker);
        return err;
    }
    err = wait_for_chunks(reading->account, reading->entry, first, last - first + 1, waker);
    if (err != ERR_OK)
        return err;
    reading->flags = 0;
    buf_clear(into);
    return read_range(reading, offset, into);
}

static enum err find_entry(struct account *account, struct body_id body,
                           struct body_entry *out_entry)
{
    if (account->failed)
        return ERR_CLOSED;
    return body_table_find(&account->state.bodies, body, out_entry) ? ERR_OK : ERR_NOT_FOUND;
}

/* Reads into a fresh buf of exactly that many bytes. */
static enum err read_bytes(struct account *account, const struct body_entry *entry, uint64_t offset,
                           struct buf *into, struct waker *waker)
{
    struct reading reading = { .account = account,
                               .entry = entry,
                               .frame = store_realloc(NULL, 1, RECORD_FRAME_BYTES),
                               .flags = VFS_READ_NOWAIT };
    enum err err = read_or_wait(&reading, offset, into, waker);

    free(reading.frame);
    return err == ERR_OK && into->len != into->max ? ERR_CORRUPT : err;
}

/* There is such a body: a segment that is missing is damage. */
static enum err for_known_body(enum err err)
{
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

enum err body_read(struct account *account, struct body_piece piece, void *into,
                   struct waker *waker)
{
    struct body_entry entry;
    struct buf bytes = buf_make(piece.len);
    enum err err = find_entry(account, piece.body, &entry);

    if (err != ERR_OK)
        return err;
    if (piece.offset > entry.size || piece.len > entry.size - piece.offset)
        return ERR_INVALID;
    if (piece.len == 0)
        return ERR_OK;
    err = read_bytes(account, &entry, piece.offset, &bytes, waker);
    if (err == ERR_OK)
        memcpy(into, buf_bytes(&bytes).at, piece.len);
    buf_done(&bytes);
    return for_known_body(err);
}

/* Nearly always there is none at all. */
static struct body_load *find_load(struct account *account, enum body_load_kind kind,
                                   struct body_id body, struct waker *waker)
{
    return account->load_count == 0 ? NULL : body_load_find(account, kind, body, waker);
}

/* True while the index of summaries is read: only it could tell whether there is one. */
static bool waits_for_index(struct account *account, struct body_id body, struct waker *waker)
{
    const struct body_id none = { 0 };
    struct body_load *load = find_load(account, LOAD_INDEX, none, waker);

    if (load != NULL && load->done) {
        body_load_free(load);
        load = NULL;
    }
    if (!summary_file_lacks_index(account->summaries, body))
        return false;
    if (load == NULL)
        body_load_start(account, &(struct body_load){ .kind = LOAD_INDEX, .waker = waker });
    return true;
}

/* Brings it into the page cache. ERR_NOT_FOUND: it is nowhere. */
static enum err load_summary(struct account *account, struct body_id body, struct waker *waker)
{
    struct body_load with = { .kind = LOAD_SUMMARY, .body = body, .waker = waker };

    if (!summary_file_place(account->summaries, body, &with.summary_place))
        return ERR_NOT_FOUND;
    body_load_start(account, &with);
    return ERR_BUSY;
}

/* From the derived file. ERR_NOT_FOUND: it must be made anew. */
static enum err summary_from_file(struct account *account, struct body_id body, struct waker *waker,
                                  struct summary *out_summary)
{
    struct body_load *load = find_load(account, LOAD_SUMMARY, body, waker);
    unsigned flags = VFS_READ_NOWAIT;
    struct bytes encoded;
    enum err err;

    if (waits_for_index(account, body, waker))
        return ERR_BUSY;
    if (load != NULL && !load->done)
        return ERR_BUSY;
    if (load != NULL) {
        body_load_free(load);
        flags = 0;
    }
    err = summary_file_get(account->summaries, body, flags, &encoded);
    if (err == ERR_BUSY)
        return load_summary(account, body, waker);
    if (err == ERR_OK && !summary_decode(encoded, out_summary))
        return ERR_NOT_FOUND;
    return err;
}

/* Parses a small body at once. ERR_BUSY: its bytes are not at hand. */
static enum err parse_now(struct account *account, const struct body_entry *entry)
{
    struct reading reading = { .account = account,
                               .entry = entry,
                               .frame = store_realloc(NULL, 1, RECORD_FRAME_BYTES),
                               .flags = VFS_READ_NOWAIT };
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct buf bytes = buf_make(entry->size);
    enum err err = read_range(&reading, 0, &bytes);

    free(reading.frame);
    if (err == ERR_OK) {
        buf_clear(&account->summary);
        summary_encode(message_parse(&arena, buf_bytes(&bytes)), &account->summary);
    }
    buf_done(&bytes);
    arena_done(&arena);
    return err;
}

/* Makes the summary anew into account->summary and keeps it. */
static enum err make_summary(struct account *account, const struct body_entry *entry,
                             struct waker *waker)
{
    struct body_load *load = body_load_find(account, LOAD_PARSE, entry->id, waker);
    struct body_load with = {
        .kind = LOAD_PARSE, .body = entry->id, .place = entry->place, .waker = waker
    };
    enum err err = ERR_BUSY;

    if (load != NULL && !load->done)
        return ERR_BUSY;
    if (load != NULL && load->err != ERR_OK && !body_load_is_of(load, entry)) {
        body_load_free(load);
        load = NULL;
    }
    if (load != NULL) {
        err = load->err;
        buf_clear(&account->summary);
        buf_add(&account->summary, buf_bytes(&load->summary));
        body_load_free(load);
    } else if (entry->size <= PARSE_AT_ONCE_BYTES_MAX) {
        err = parse_now(account, entry);
    }
    if (load == NULL && err == ERR_BUSY)
        body_load_start(account, &with);
    if (err == ERR_OK)
        summary_file_put(account->summaries, entry->id, buf_bytes(&account->summary),
                         log_tip(account->log));
    return err;
}

enum err body_summary(struct account *account, struct body_id body, struct waker *waker,
                      struct summary *out_summary)
{
    struct body_entry entry;
    enum err err =
        account->failed ? ERR_CLOSED : summary_from_file(account, body, waker, out_summary);

    if (err != ERR_NOT_FOUND)
        return err;
    err = find_entry(account, body, &entry);
    if (err != ERR_OK)
        return err;
    err = make_summary(account, &entry, waker);
    if (err != ERR_OK)
        return for_known_body(err);
    summary_file_flush(account->summaries, log_durable(account->log));
    return summary_decode(buf_bytes(&account->summary), out_summary) ? ERR_OK : ERR_CORRUPT;
}
