/* Visitors of the page. */
#include "daemon/control/page.h"

#include <stdlib.h>

#include "base/log.h"
#include "daemon/control/http.h"
#include "daemon/control/metrics.h"
#include "daemon/control/scrape.h"
#include "sys/fd.h"
#include "sys/listener.h"
#include "sys/stream.h"

enum { READ_BYTES = 4 * 1024, ANSWER_HEAD_BYTES = 512 };

struct page_listener {
    struct page *page;
    struct listener listener;
    int fd; /* until page_begin; then -1 */
};

struct page {
    struct role *role;
    struct page_listener listeners[PAGE_LISTENERS_MAX];
    size_t listener_count;
    bool begun;
    struct list visitors;
    size_t visitor_count;
    struct scrape scrape;
};

enum visit { VISIT_READING, VISIT_WAITING, VISIT_CLOSING };

struct visitor {
    struct list link;
    struct page *page;
    struct stream stream;
    struct loop_timer timer; /* the end of the visit, whatever it is at */
    struct buf in;
    enum visit visit;
    bool head_only;
    bool input_ended;
    bool drained;
};

static const struct stream_limits stream_limits = {
    .out_low = 0,
    .out_high = 64 * 1024,
    .out_max = SCRAPE_BYTES_MAX + ANSWER_HEAD_BYTES,
};

static void pause_listeners(struct page *page, bool pause)
{
    for (size_t i = 0; page->begun && i < page->listener_count; i++)
        if (pause)
            listener_pause(&page->listeners[i].listener);
        else
            listener_resume(&page->listeners[i].listener);
}

static void visitor_free(struct visitor *visitor)
{
    struct page *page = visitor->page;

    stream_done(&visitor->stream);
    loop_timer_done(&visitor->timer);
    buf_done(&visitor->in);
    list_remove(&visitor->link);
    free(visitor);
    if (page->visitor_count-- == PAGE_VISITORS_MAX)
        pause_listeners(page, false);
}

/* What still comes in is read and dropped: to close over it would reset the connection. */
static void answer(struct visitor *visitor, const char *status, const char *type, struct bytes body)
{
    const struct http_answer answer = { status, type, body, visitor->head_only };

    buf_done(&visitor->in);
    visitor->visit = VISIT_CLOSING;
    http_answer_print(stream_out(&visitor->stream), &answer);
    stream_flush(&visitor->stream);
    stream_shutdown(&visitor->stream);
    if (!visitor->input_ended)
        stream_read_start(&visitor->stream);
}

static void answer_text(struct visitor *visitor, const char *status, struct bytes text)
{
    answer(visitor, status, "text/plain; charset=utf-8", text);
}

static void on_page(struct scrape *scrape, const struct buf *text)
{
    struct page *page = CONTAINER_OF(scrape, struct page, scrape);

    LIST_EACH (node, after, &page->visitors) {
        struct visitor *visitor = CONTAINER_OF(node, struct visitor, link);

        if (visitor->visit != VISIT_WAITING)
            continue;
        if (text->overflowed)
            answer_text(visitor, "500 Internal Server Error", BYTES("the page is too long\n"));
        else
            answer(visitor, "200 OK", METRICS_TYPE, buf_bytes(text));
    }
}

static void serve(struct visitor *visitor, const struct http_request *request)
{
    bool is_get = bytes_equal(request->method, BYTES("GET"));

    visitor->head_only = bytes_equal(request->method, BYTES("HEAD"));
    if (!bytes_equal(request->path, BYTES("/metrics")) || !(is_get || visitor->head_only)) {
        answer_text(visitor, "404 Not Found", BYTES("there is only GET /metrics\n"));
        return;
    }
    visitor->visit = VISIT_WAITING;
    stream_read_stop(&visitor->stream);
    scrape_start(&visitor->page->scrape);
}

static struct visitor *visitor_of(struct stream *stream)
{
    return CONTAINER_OF(stream, struct visitor, stream);
}

static void on_input(struct stream *stream, struct bytes in)
{
    struct visitor *visitor = visitor_of(stream);
    struct http_request request;

    if (visitor->visit != VISIT_READING)
        return;
    buf_add(&visitor->in, in);
    switch (http_request_parse(buf_bytes(&visitor->in), &request)) {
    case HTTP_MORE: return;
    case HTTP_DONE: serve(visitor, &request); return;
    case HTTP_BAD: break;
    }
    answer_text(visitor, "400 Bad Request", BYTES("this is no request of HTTP/1\n"));
}

static void leave_if_over(struct visitor *visitor)
{
    if (visitor->input_ended && (visitor->drained || visitor->visit == VISIT_READING))
        visitor_free(visitor);
}

static void on_input_end(struct stream *stream)
{
    visitor_of(stream)->input_ended = true;
    leave_if_over(visitor_of(stream));
}

static void on_drained(struct stream *stream)
{
    visitor_of(stream)->drained = stream->shut_down;
    leave_if_over(visitor_of(stream));
}

static void on_broken(struct stream *stream)
{
    visitor_free(visitor_of(stream));
}

static const struct stream_ops visitor_stream_ops = {
    .input = on_input,
    .input_end = on_input_end,
    .drained = on_drained,
    .broken = on_broken,
};

static void on_timer(struct loop_timer *timer)
{
    visitor_free(CONTAINER_OF(timer, struct visitor, timer));
}

static void on_accepted(struct listener *listener, int fd, const struct address *peer)
{
    struct page *page = CONTAINER_OF(listener, struct page_listener, listener)->page;
    struct visitor *visitor = calloc(1, sizeof(*visitor));

    (void)peer;
    if (visitor == NULL)
        abort();
    visitor->page = page;
    visitor->in = buf_make(HTTP_HEAD_BYTES_MAX + READ_BYTES);
    stream_init(&visitor->stream, page->role->loop, fd, &visitor_stream_ops, stream_limits);
    visitor->stream.read_max = READ_BYTES;
    loop_timer_init(&visitor->timer, page->role->loop, on_timer);
    loop_timer_set_in(&visitor->timer, PAGE_VISIT_MS);
    list_push_back(&page->visitors, &visitor->link);
    stream_read_start(&visitor->stream);
    if (++page->visitor_count == PAGE_VISITORS_MAX)
        pause_listeners(page, true);
}

struct page *page_new(struct role *role)
{
    struct page *page = calloc(1, sizeof(*page));

    if (page == NULL)
        abort();
    page->role = role;
    page->scrape = (struct scrape){ .role = role, .done = on_page };
    list_init(&page->visitors);
    return page;
}

void page_free(struct page *page)
{
    if (page == NULL)
        return;
    scrape_drop(&page->scrape);
    while (!list_is_empty(&page->visitors))
        visitor_free(CONTAINER_OF(list_first(&page->visitors), struct visitor, link));
    for (size_t i = 0; i < page->listener_count; i++) {
        listener_done(&page->listeners[i].listener);
        fd_close(&page->listeners[i].fd);
    }
    free(page);
}

static void listen_now(struct page_listener *listener)
{
    listener_init(&listener->listener, listener->page->role->loop, fd_take(&listener->fd),
                  on_accepted);
    if (listener->page->visitor_count >= PAGE_VISITORS_MAX)
        listener_pause(&listener->listener);
}

void page_add_listener(struct page *page, int *fd)
{
    struct page_listener *listener;

    if (page->listener_count == PAGE_LISTENERS_MAX) {
        log_event(LOG_LEVEL_ERROR, "listener-refused", "why", "too many for metrics");
        return;
    }
    listener = &page->listeners[page->listener_count++];
    *listener = (struct page_listener){ .page = page, .fd = fd_take(fd) };
    if (page->begun)
        listen_now(listener);
}

void page_begin(struct page *page)
{
    page->begun = true;
    for (size_t i = 0; i < page->listener_count; i++)
        listen_now(&page->listeners[i]);
}
