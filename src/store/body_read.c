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
    uint8_t *frame; /* LOG_WHOLE_BYTES */
    unsigned flags; /* 0 once a job has fetched what was missing */
    uint64_t offset; /* what is wanted: `len` bytes from there */
    size_t len;
    uint8_t *into;
    size_t got;
};

static void take(struct reading *reading, struct bytes bytes)
{
    bytes = bytes_slice(bytes, 0, reading->len - reading->got);
    if (bytes.len > 0)
        memcpy(reading->into + reading->got, bytes.at, bytes.len);
    reading->got += bytes.len;
}

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
static enum err read_chunk(struct reading *reading, uint64_t index)
{
    struct bytes chunk;
    enum err err =
        log_source_read(reading->account->log, &reading->source,
                        (struct log_chunk){ index, reading->flags }, reading->frame, &chunk);
    uint64_t start = index * BODY_CHUNK_BYTES;

    if (err != ERR_OK)
        return err;
    take(reading,
         bytes_from(chunk, reading->offset > start ? (size_t)(reading->offset - start) : 0));
    return ERR_OK;
}

static enum err read_chunks(struct reading *reading)
{
    const struct body_entry *entry = reading->entry;
    uint64_t end = reading->offset + reading->len;
    enum err err = log_source(reading->account->log, entry->place, entry->id, reading->flags,
                              &reading->source);

    if (err == ERR_OK && reading->source.length != entry->size)
        return ERR_CORRUPT;
    for (uint64_t i = reading->offset / BODY_CHUNK_BYTES;
         err == ERR_OK && i * BODY_CHUNK_BYTES < end; i++)
        err = read_chunk(reading, i);
    return err;
}

static enum err read_range(struct reading *reading)
{
    const struct log_body_place which = { reading->entry->id, reading->entry->place,
                                          reading->entry->size };
    struct bytes body;
    enum err err =
        log_read_whole(reading->account->log, &which, reading->flags, reading->frame, &body);

    reading->got = 0;
    if (err == ERR_INVALID)
        err = read_chunks(reading);
    else if (err == ERR_OK)
        take(reading, bytes_from(body, (size_t)reading->offset));
    return err == ERR_OK && reading->got != reading->len ? ERR_CORRUPT : err;
}

/* What a job fetched for this waiter is no longer needed. */
static void forget_load(struct account *account, struct body_id body, struct waker *waker)
{
    struct body_load *load =
        account->load_count == 0 ? NULL : body_load_find(account, LOAD_CHUNKS, body, waker);

    if (load != NULL && load->done)
        body_load_free(load);
}

static enum err read_or_wait(struct reading *reading, struct waker *waker)
{
    uint64_t first = reading->offset / BODY_CHUNK_BYTES;
    uint64_t last = (reading->offset + reading->len - 1) / BODY_CHUNK_BYTES;
    enum err err = read_range(reading);

    if (err != ERR_BUSY) {
        forget_load(reading->account, reading->entry->id, waker);
        return err;
    }
    err = wait_for_chunks(reading->account, reading->entry, first, last - first + 1, waker);
    if (err != ERR_OK)
        return err;
    reading->flags = 0;
    return read_range(reading);
}

static enum err find_entry(struct account *account, struct body_id body,
                           struct body_entry *out_entry)
{
    if (account->failed)
        return ERR_CLOSED;
    return body_table_find(&account->state.bodies, body, out_entry) ? ERR_OK : ERR_NOT_FOUND;
}

/* There is such a body: a segment that is missing is damage. But of one that no message has any
 * more, which only a view remembers, the bytes may be forgotten. */
static enum err for_known_body(const struct body_entry *entry, enum err err)
{
    return err == ERR_NOT_FOUND && entry->messages > 0 ? ERR_CORRUPT : err;
}

/* One chunk is checked before a byte of it is copied; of several a later one may not hold. */
static enum err read_all_or_nothing(struct reading *reading, struct waker *waker)
{
    bool is_one = reading->entry->size <= BODY_CHUNK_BYTES;
    uint8_t *into = reading->into;
    enum err err;

    reading->frame = store_realloc(NULL, 1, LOG_WHOLE_BYTES);
    if (!is_one)
        reading->into = store_realloc(NULL, 1, reading->len);
    err = read_or_wait(reading, waker);
    free(reading->frame);
    if (is_one)
        return err;
    if (err == ERR_OK)
        memcpy(into, reading->into, reading->len);
    free(reading->into);
    return err;
}

enum err body_read(struct account *account, struct body_piece piece, void *into,
                   struct waker *waker)
{
    struct body_entry entry;
    struct reading reading = { .account = account,
                               .entry = &entry,
                               .flags = VFS_READ_NOWAIT,
                               .offset = piece.offset,
                               .len = piece.len,
                               .into = into };
    enum err err = find_entry(account, piece.body, &entry);

    if (err != ERR_OK)
        return err;
    if (piece.offset > entry.size || piece.len > entry.size - piece.offset)
        return ERR_INVALID;
    if (piece.len == 0)
        return ERR_OK;
    return for_known_body(&entry, read_all_or_nothing(&reading, waker));
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
                               .frame = store_realloc(NULL, 1, LOG_WHOLE_BYTES),
                               .flags = VFS_READ_NOWAIT,
                               .len = entry->size,
                               .into = store_realloc(NULL, 1, entry->size + 1) };
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    enum err err = read_range(&reading);

    free(reading.frame);
    if (err == ERR_OK) {
        buf_clear(&account->summary);
        summary_encode(message_parse(&arena, bytes_make(reading.into, reading.len)),
                       &account->summary);
    }
    free(reading.into);
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
        return for_known_body(&entry, err);
    if (summary_file_waiting(account->summaries) >= SUMMARY_FLUSH_BYTES)
        (void)summary_file_flush(account->summaries, log_durable(account->log));
    return summary_decode(buf_bytes(&account->summary), out_summary) ? ERR_OK : ERR_CORRUPT;
}
