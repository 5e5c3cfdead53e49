/* A host for IMAP sessions in a test: one account on a memory disk, some sessions, no sockets.
 *
 * Plays a dialogue from a text file against them. Lines:
 *     # remark
 *     C: a1 SELECT INBOX       session 1 sends this line with CRLF; `C2:` is session 2, up to 4
 *     S: a1 OK ...             the next line of session 1's output is this; `S2:` likewise
 *     C-: 12345                sends the text without CRLF
 *     S*: lines                any number of lines up to one that fits
 *     cold                     the page cache forgets everything: reads must wait for jobs
 *     reopen                   the server stops in order and starts again; all sessions are new
 * In an expected line "..." stands for any text. After each sent line all sessions run until they
 * are quiet and all jobs are through; at the end nothing may be left unread but by `S*:`. */
#ifndef ROOST_TEST_KIT_IMAP_HOST_H
#define ROOST_TEST_KIT_IMAP_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* Plays the file; `chunk` is how many bytes a session is fed at a time. False with a complaint that
 * names the line in `complaint`. */
bool imap_host_play(const char *path, size_t chunk, char *complaint, size_t complaint_len);

#endif
