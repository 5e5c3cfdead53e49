/* Two IMAP sessions of one account on a memory disk, and whatever a client may say. The first byte
 * chooses revision, cold caches and how the bytes come; \x01 in the input hands over to the other
 * session. Every step must come to an end, and nothing may be left behind. */
#include <stdlib.h>

#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "message/charset.h"

enum { PIECE = 7 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const messages[] = {
    "From: =?utf-8?q?=C3=A4?= <ann@example.org>\r\nSubject: one\r\nMessage-ID: "
    "<1@x>\r\n\r\ntext\r\n",
    "Subject: two\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: in\r\n\r\nhello\r\n--b\r\nContent-Transfer-Encoding: x-none\r\n\r\nx\r\n--b--\r\n",
    "",
    "Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    "\r\n<p>Gr=FCne=\r\n Birnen</p>\r\n",
};

static void fill(struct desk *desk)
{
    for (size_t i = 0; i < ARRAY_COUNT(messages); i++)
        if (desk_append(desk, desk_mailbox(desk, "INBOX"), bytes_from_string(messages[i]),
                        (uint16_t)(i * 5), NULL) != ERR_OK)
            abort();
}

static void run(struct imap_seat *seat, struct bytes text, bool in_pieces)
{
    while (text.len > 0 && seat->want != IMAP_WANT_CLOSE && seat->want != IMAP_WANT_HAND_BACK) {
        struct bytes piece = in_pieces ? bytes_slice(text, 0, PIECE) : text;

        text = bytes_from(text, piece.len);
        imap_seat_say(seat, piece);
        buf_clear(&seat->out);
        (void)imap_seat_finish(seat);
        buf_clear(&seat->unsent);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool charsets;
    struct imap_seat seats[2];
    struct vfs *vfs;
    struct desk desk;
    struct bytes rest;
    size_t turn = 0;

    if (size == 0)
        return 0;
    if (!charsets)
        (void)charset_open_all();
    charsets = true;
    vfs = mem_vfs_new(1);
    desk_init(&desk, vfs);
    if (desk_open(&desk) != ERR_OK)
        abort();
    fill(&desk);
    for (size_t i = 0; i < ARRAY_COUNT(seats); i++) {
        imap_seat_open(&seats[i], &desk);
        if ((data[0] & 1) != 0)
            (void)imap_seat_run(&seats[i], "e ENABLE IMAP4rev2");
        (void)imap_seat_run(&seats[i], "s SELECT INBOX");
    }
    for (rest = bytes_make(data + 1, size - 1); rest.len > 0; turn++) {
        size_t end = bytes_find_byte(rest, 0, 1);

        if ((data[0] & 2) != 0)
            mem_vfs_chill(vfs);
        run(&seats[turn % ARRAY_COUNT(seats)], bytes_slice(rest, 0, end), (data[0] & 4) != 0);
        rest = bytes_from(rest, end + 1);
    }
    for (size_t i = 0; i < ARRAY_COUNT(seats); i++)
        imap_seat_close(&seats[i]);
    desk_close(&desk);
    if (mem_vfs_open_files(vfs) != 0)
        abort();
    mem_vfs_free(vfs);
    return 0;
}
