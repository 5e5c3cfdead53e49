/* A host for IMAP sessions in a test: one account on a memory disk, some sessions, no sockets.
 *
 * Plays a dialogue from a text file against them. Lines:
 *     # remark
 *     C: a1 SELECT INBOX       session 1 sends this line with CRLF; `C2:` is session 2, up to 9
 *     S: a1 OK ...             the next line of session 1's output is this; `S2:` likewise
 *     C-: 12345                sends the text without CRLF
 *     c: a1 NOOP\r\n           the same with the escapes of script.h
 *     S*: lines                any number of lines up to one that fits
 *     cold                     the page cache forgets everything: reads must wait for jobs
 *     time 60000               so many milliseconds go by, then all sessions run
 *     closed 2                 session 2 has ended; if it speaks again it is a new one
 *     gone 2                   the client of session 2 hangs up; what it has not read is lost
 *     back 2                   session 2 is given back to the gate, likewise
 *     reopen                   the server stops in order and starts again; all sessions are new
 * In an expected line "..." stands for any text. After each sent line all sessions run until they
 * are quiet and all jobs are through; at the end nothing may be left unread but by `S*:`. */
#ifndef ROOST_TEST_KIT_IMAP_HOST_H
#define ROOST_TEST_KIT_IMAP_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct imap_host_options {
    size_t chunk; /* bytes that a session is fed at a time */
    uint32_t step_cost; /* of acts, and of moving views: account_options */
    bool always_cold; /* the page cache forgets everything before each step */
};

/* Plays the file. False with a complaint that names the line in `complaint`. */
bool imap_host_play(const char *path, const struct imap_host_options *options, char *complaint,
                    size_t complaint_len);

#endif
