/* SEARCH BODY, whose pass reads a text in pieces, finds what a look at the whole text finds.
 *
 * Byte 0 chooses encoding, HTML and cold caches; then comes the key, up to \x01, then the text. The
 * text has the key across the border of two pieces: byte 1 says how much of it on this side. */
#include <stdlib.h>

#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "message/charset.h"
#include "message/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHOICES = 2, BORDER = 16 * 1024, OUT_MAX = 8 * 1024 * 1024, KEY_MAX = 200 };

static const char *const encodings[] = { "8bit", "quoted-printable", "base64", "x-none" };

struct question {
    struct text_options options;
    bool is_cold;
    struct bytes key;
    struct buf body;
};

static void ask(struct question *question, const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_make(data + CHOICES, size - CHOICES);
    size_t end = bytes_find_byte(rest, 0, 1);

    question->options = (struct text_options){
        .encoding = transfer_parse(bytes_from_string(encodings[data[0] & 3])),
        .charset = BYTES("utf-8"),
        .is_html = data[0] >> 2 & 1,
        .is_folded = true,
    };
    question->is_cold = data[0] >> 3 & 1;
    question->key = bytes_slice(bytes_slice(rest, 0, end), 0, KEY_MAX);
    for (size_t i = data[1] % (question->key.len + 1); i < BORDER; i++)
        buf_add_byte(&question->body, 'A');
    buf_add(&question->body, question->key);
    buf_add(&question->body, bytes_from(rest, end + 1));
}

static bool is_in_whole(const struct question *question)
{
    struct text_reader *reader = text_reader_new(&question->options);
    struct buf text = buf_make(OUT_MAX), key = buf_make(OUT_MAX);
    bool is_in;

    text_reader_feed(reader, buf_bytes(&question->body), &text);
    text_reader_finish(reader, &text);
    text_reader_free(reader);
    text_search_key(question->key, &key);
    is_in = key.len == 0 || bytes_find(buf_bytes(&text), 0, buf_bytes(&key)) < text.len;
    buf_done(&text);
    buf_done(&key);
    return is_in;
}

static void append(struct desk *desk, const struct question *question, const char *encoding)
{
    struct buf message = buf_make(OUT_MAX);

    buf_add_format(&message,
                   "Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n",
                   question->options.is_html ? "html" : "plain", encoding);
    buf_add(&message, buf_bytes(&question->body));
    if (desk_append(desk, desk_mailbox(desk, "INBOX"), buf_bytes(&message), 0, NULL) != ERR_OK)
        abort();
    buf_done(&message);
}

/* False when the session did not take the question (a key that is no UTF-8). */
static bool search(struct desk *desk, const struct question *question, bool *out_found)
{
    struct imap_seat seat;
    struct buf line = buf_make(OUT_MAX);
    struct bytes answer;
    bool is_taken;

    imap_seat_open(&seat, desk);
    (void)imap_seat_run(&seat, "s SELECT INBOX");
    buf_add_format(&line, "f SEARCH CHARSET UTF-8 BODY {%zu+}\r\n", question->key.len);
    buf_add(&line, question->key);
    buf_add(&line, BYTES("\r\n"));
    buf_clear(&seat.out);
    imap_seat_say(&seat, buf_bytes(&line));
    answer = imap_seat_finish(&seat);
    is_taken = bytes_find(answer, 0, BYTES("f OK")) < answer.len;
    *out_found = bytes_starts_with(answer, BYTES("* SEARCH 1"));
    imap_seat_close(&seat);
    buf_done(&line);
    return is_taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    struct question question = { .body = buf_make(OUT_MAX) };
    struct vfs *vfs;
    struct desk desk;
    bool is_found;

    if (size < CHOICES)
        return 0;
    if (!is_ready)
        (void)charset_open_all();
    is_ready = true;
    ask(&question, data, size);
    vfs = mem_vfs_new(1);
    desk_init(&desk, vfs);
    if (desk_open(&desk) != ERR_OK)
        abort();
    append(&desk, &question, encodings[data[0] & 3]);
    if (question.is_cold)
        mem_vfs_chill(vfs);
    if (search(&desk, &question, &is_found) && is_found != is_in_whole(&question))
        abort();
    desk_close(&desk);
    mem_vfs_free(vfs);
    buf_done(&question.body);
    return 0;
}
