/* thread (RFC 5256 s5). */
#ifndef ROOST_IMAP_WIRE_THREAD_H
#define ROOST_IMAP_WIRE_THREAD_H

#include "imap/wire/command.h"
#include "imap/wire/search.h"

enum imap_thread_algorithm {
    IMAP_THREAD_ORDEREDSUBJECT,
    IMAP_THREAD_REFERENCES,
};

struct imap_thread_args {
    struct imap_search_args search; /* with a charset, always, and no RETURN */
    enum imap_thread_algorithm algorithm;
};

/* THREAD and UID THREAD. */
imap_args_parser imap_thread_parse;

#endif
