/* The dialogue player. */
#include "kit/imap_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "imap/session.h"
#include "kit/jobs.h"
#include "kit/mem_vfs.h"
#include "kit/script.h"
#include "search/texts.h"
#include "store/account.h"
#include "store/acting.h"

enum {
    SESSIONS = 9,
    TURNS_MAX = 100000,
    OUT_BYTES_MAX = 64 * 1024 * 1024,
    TEXTS_BYTES_MAX = 100 * 1000, /* of a few pages, so that some have to go */
};

static const struct account_id host_id = { { 7 } };

struct seat {
    struct imap_session *session;
    struct waker waker;
    struct buf unread;
    struct buf out;
    enum imap_want want;
};

struct host {
    struct vfs *vfs;
    struct jobs jobs;
    struct account *account;
    struct account_listener listener;
    struct search_texts *texts;
    struct imap_now now;
    struct seat seats[SESSIONS];
    struct imap_host_options options;
    uint64_t number;
    char *complaint;
    size_t complaint_len;
    unsigned line;
};

static void ignore_wake(struct waker *waker)
{
}

static void ignore_durable(struct account_listener *listener)
{
}

static void ignore_changed(struct account_listener *listener, struct mailbox *mailbox)
{
}

static void store_failed(struct account_listener *listener, const struct note *why)
{
    fprintf(stderr, "the store failed: %s\n", why->text);
    abort();
}

static bool fail(struct host *host, const char *what, const char *wanted, struct bytes got)
{
    snprintf(host->complaint, host->complaint_len, "line %u: %s\n  wanted: %s\n  got:    %.*s",
             host->line, what, wanted, got.len > 400 ? 400 : (int)got.len, (const char *)got.at);
    return false;
}

static void open_account(struct host *host)
{
    struct account_options options = {
        .vfs = host->vfs,
        .executor = &host->jobs.executor,
        .id = host_id,
        .create = true,
        .step_cost = host->options.step_cost,
        .refresh_cost = host->options.step_cost,
        .now = host->now.wall,
    };
    struct account_report report;
    struct note why = { { 0 } };

    if (account_open(&options, &host->account, &report, &why) != ERR_OK) {
        fprintf(stderr, "cannot open the account: %s\n", why.text);
        abort();
    }
    account_set_listener(host->account, &host->listener);
}

static void leave(struct seat *seat)
{
    imap_session_free(seat->session);
    buf_done(&seat->unread);
    buf_done(&seat->out);
    *seat = (struct seat){ 0 };
}

static void close_all(struct host *host)
{
    for (int i = 0; i < SESSIONS; i++)
        leave(&host->seats[i]);
    jobs_settle(&host->jobs);
    search_texts_forget(host->texts, &host_id);
    account_close(host->account, host->now.wall);
    host->account = NULL;
}

static void start_session(struct host *host, struct seat *seat)
{
    struct imap_session_options options = {
        .account = host->account,
        .user = BYTES("ann"),
        .number = ++host->number,
        .limits = &imap_session_limits_default,
        .waker = &seat->waker,
        .texts = host->texts,
    };
    struct bytes greeting;
    size_t used;

    seat->waker.wake = ignore_wake;
    seat->unread = buf_make(OUT_BYTES_MAX);
    seat->out = buf_make(OUT_BYTES_MAX);
    seat->session = imap_session_new(&options, BYTES("login"));
    if (imap_session_step(seat->session, bytes_make(NULL, 0), host->now, &used, &seat->out) !=
        IMAP_WANT_INPUT)
        abort();
    greeting = buf_bytes(&seat->out);
    buf_consume(&seat->out, bytes_find_byte(greeting, 0, '\n') + 1);
}

/* One step of one session; true when something came of it. The output limit is that of a host whose
 * client reads everything at once. */
static bool step(struct host *host, struct seat *seat)
{
    struct buf out = buf_make(OUT_BYTES_MAX);
    struct bytes in = bytes_slice(buf_bytes(&seat->unread), 0, host->options.chunk);
    enum imap_want want;
    size_t used;
    bool moved;

    if (seat->session == NULL || seat->want == IMAP_WANT_CLOSE || seat->want == IMAP_WANT_HAND_BACK)
        return false;
    if (host->options.always_cold)
        mem_vfs_chill(host->vfs);
    want = imap_session_step(seat->session, in, host->now, &used, &out);
    moved = used > 0 || out.len > 0 || want == IMAP_WANT_TURN;
    buf_consume(&seat->unread, used);
    buf_add(&seat->out, buf_bytes(&out));
    buf_done(&out);
    seat->want = want;
    return moved;
}

static bool run_until_quiet(struct host *host)
{
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        bool moved = false;

        for (int i = 0; i < SESSIONS; i++)
            moved |= step(host, &host->seats[i]);
        account_sync(host->account);
        moved |= account_is_acting(host->account);
        (void)account_step(host->account);
        if (!list_is_empty(&host->jobs.waiting) || !list_is_empty(&host->jobs.finished))
            moved = true;
        jobs_settle(&host->jobs);
        if (!moved)
            return true;
    }
    return fail(host, "the sessions never come to rest", "", BYTES(""));
}

/* "..." in `pattern` stands for any text. */
static bool fits(struct bytes pattern, struct bytes text)
{
    size_t gap = bytes_find(pattern, 0, BYTES("..."));
    struct bytes rest;

    if (gap == pattern.len)
        return bytes_equal(pattern, text);
    if (!bytes_starts_with(text, bytes_slice(pattern, 0, gap)))
        return false;
    rest = bytes_from(pattern, gap + 3);
    for (size_t at = gap; at <= text.len; at++)
        if (fits(rest, bytes_from(text, at)))
            return true;
    return false;
}

static bool next_line(struct seat *seat, struct bytes *out_line)
{
    struct bytes held = buf_bytes(&seat->out);
    size_t end = bytes_find(held, 0, BYTES("\r\n"));

    *out_line = bytes_slice(held, 0, end);
    return end < held.len;
}

static bool expect(struct host *host, struct seat *seat, struct bytes wanted, bool skip)
{
    struct bytes line;

    while (next_line(seat, &line)) {
        bool hit = fits(wanted, line);

        if (!hit && !skip)
            return fail(host, "another answer", (const char *)wanted.at, line);
        buf_consume(&seat->out, line.len + 2);
        if (hit)
            return true;
    }
    return fail(host, "no such answer", (const char *)wanted.at, buf_bytes(&seat->out));
}

static bool send_text(struct host *host, struct seat *seat, struct bytes text, bool whole_line)
{
    if (seat->session == NULL)
        start_session(host, seat);
    buf_add(&seat->unread, text);
    if (whole_line)
        buf_add(&seat->unread, BYTES("\r\n"));
    return run_until_quiet(host);
}

/* "c: a1 SEARCH SUBJECT {1+}\r\n\xe4\r\n" */
static bool send_escaped(struct host *host, struct seat *seat, struct bytes text)
{
    struct arena arena = arena_make(1 << 16);
    struct bytes plain = script_unescape(text, &arena);
    bool good = plain.at != NULL ? send_text(host, seat, plain, false)
                                 : fail(host, "not an escape", (const char *)text.at, BYTES(""));

    arena_done(&arena);
    return good;
}

static void reopen(struct host *host)
{
    close_all(host);
    host->now.wall.us += 1000000;
    open_account(host);
}

/* The session of that digit; the first one where there is none. */
static struct seat *seat_of(struct host *host, char digit)
{
    return &host->seats[digit >= '1' && digit <= '0' + SESSIONS ? digit - '1' : 0];
}

/* "closed 2", "back 2": the session has come to that end, and has said nothing unexpected. */
static bool end_session(struct host *host, const char *number, enum imap_want want)
{
    struct seat *seat = seat_of(host, number[0]);

    if (seat->session == NULL || seat->want != want)
        return fail(host, "the session has not ended so", "", BYTES(""));
    if (seat->out.len > 0)
        return fail(host, "more was said than expected", "", buf_bytes(&seat->out));
    leave(seat);
    return true;
}

/* "gone 2": the client closes its connection; what it has not read is lost. */
static bool hang_up(struct host *host, const char *number)
{
    struct seat *seat = seat_of(host, number[0]);

    if (seat->session == NULL)
        return fail(host, "no such session", "", BYTES(""));
    leave(seat);
    return run_until_quiet(host);
}

static bool pass_time(struct host *host, const char *text)
{
    uint64_t ms = 0;

    if (!num_parse(bytes_from_string(text), INT64_MAX / 1000, &ms))
        return fail(host, "not a time", text, BYTES(""));
    host->now.mono.ms += (int64_t)ms;
    host->now.wall.us += (int64_t)ms * 1000;
    return run_until_quiet(host);
}

/* "C2-: text": kind, seat, mark, text. False: no such line. */
static bool play_line(struct host *host, char *line)
{
    char *text = strstr(line, ": ");
    size_t head = strcspn(line, ":");
    struct seat *seat = seat_of(host, line[1]);
    char mark = head > 0 ? line[head - 1] : '\0';
    struct bytes rest = bytes_from_string(text == NULL ? "" : text + 2);

    if (line[0] == 'C')
        return send_text(host, seat, rest, mark != '-');
    if (line[0] == 'c' && text == line + head && head < 3)
        return send_escaped(host, seat, rest);
    if (line[0] == 'S')
        return expect(host, seat, rest, mark == '*');
    if (strncmp(line, "time ", 5) == 0)
        return pass_time(host, line + 5);
    if (strncmp(line, "closed ", 7) == 0)
        return end_session(host, line + 7, IMAP_WANT_CLOSE);
    if (strncmp(line, "back ", 5) == 0)
        return end_session(host, line + 5, IMAP_WANT_HAND_BACK);
    if (strncmp(line, "gone ", 5) == 0)
        return hang_up(host, line + 5);
    if (strcmp(line, "cold") == 0) {
        mem_vfs_chill(host->vfs);
        return true;
    }
    if (strcmp(line, "reopen") == 0) {
        reopen(host);
        return true;
    }
    return fail(host, "not a line of a dialogue", line, BYTES(""));
}

static bool play_file(struct host *host, FILE *file)
{
    char line[8192];

    while (fgets(line, sizeof(line), file) != NULL) {
        host->line++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (!play_line(host, line))
            return false;
    }
    for (int i = 0; i < SESSIONS; i++)
        if (host->seats[i].out.len > 0)
            return fail(host, "more was said than expected", "", buf_bytes(&host->seats[i].out));
    return true;
}

bool imap_host_play(const char *path, const struct imap_host_options *options, char *complaint,
                    size_t complaint_len)
{
    struct host host = { .options = *options,
                         .complaint = complaint,
                         .complaint_len = complaint_len };
    FILE *file = fopen(path, "r");
    bool good;

    if (file == NULL) {
        snprintf(complaint, complaint_len, "cannot open it");
        return false;
    }
    host.now = (struct imap_now){ { 1000 }, { INT64_C(1700000000000000) } };
    host.listener = (struct account_listener){ ignore_durable, ignore_changed, store_failed };
    host.vfs = mem_vfs_new(1);
    host.texts = search_texts_new(TEXTS_BYTES_MAX);
    jobs_init(&host.jobs);
    open_account(&host);
    good = play_file(&host, file);
    fclose(file);
    close_all(&host);
    if (good && mem_vfs_open_files(host.vfs) != 0)
        good = fail(&host, "files were left open", "", BYTES(""));
    mem_vfs_free(host.vfs);
    search_texts_free(host.texts);
    return good;
}
