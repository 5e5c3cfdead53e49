/* Tagged answers, and the capabilities that go with some. */
#ifndef ROOST_IMAP_ANSWER_H
#define ROOST_IMAP_ANSWER_H

struct buf;
struct imap_run;
struct imap_session;

/* Sends the answer set with imap_answer. */
void imap_answer_send(struct imap_session *session, struct imap_run *run);

/* The answer to the LOGIN or AUTHENTICATE that brought the session here, once. */
void imap_answer_login(struct imap_session *session);

/* "IMAP4rev2 IMAP4rev1 ...", what is announced after the login (RFC 9051 section 7.2.2). */
void imap_capabilities_print(struct buf *out, const struct imap_session *session);

#endif
