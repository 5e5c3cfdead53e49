/* Attempts from inside a role's walls, and the place in which they are made. */
#ifndef ROOST_TEST_PROBE_PROBE_H
#define ROOST_TEST_PROBE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

/* Roles as bits. */
enum {
    TLS = 1,
    AUTH = 2,
    MAIL = 4,
    GATE = 8,
    CONTROL = 16,
    NOBODY = 0,
    ALL = TLS | AUTH | MAIL | GATE | CONTROL,
    WITH_FILES = AUTH | MAIL,
};

enum {
    /* Landlock, or the kernel, may refuse it to a role that may make such a call elsewhere;
     * without this flag a role that may not must be killed for trying. */
    REFUSABLE = 1,
    /* This machine may forbid it to everybody: need not succeed without walls. */
    RARE = 2,
};

enum { PLACE_BYTES_MAX = 64 };

/* Below `place`, as below `data`: accounts/mail, auth/accounts.db, tls/key, spool/. Everything is
 * open to everybody: only walls can say no. */
struct scenery {
    char place[PLACE_BYTES_MAX];
    int place_fd;
    int directory_fd; /* the role's own; -1: none */
    pid_t victim; /* a process of the same user that sleeps and may be traced */
    int listener; /* TCP, on loopback */
    int fresh_tcp; /* neither bound nor connected */
    int fresh_unix; /* the same, a datagram socket */
    struct sockaddr_un inbox; /* where somebody hears datagrams */
    int inbox_fd;
    int stream[2]; /* connected pairs of unix sockets */
    int channel[2];
};

/* Answers 0 when it could be done, else an errno. Runs in a process of its own. */
typedef int attempt_fn(const struct scenery *scenery);

struct attempt {
    const char *name;
    attempt_fn *act;
    unsigned allowed; /* to these roles */
    unsigned flags;
};

/* Each ended by one without a name. */
extern const struct attempt file_attempts[];
extern const struct attempt socket_attempts[];
extern const struct attempt process_attempts[];

/* Makes it; false, with a complaint on standard error, when that fails. */
bool scenery_make(struct scenery *out_scenery);
/* Files as they were at first, and new sockets. */
bool scenery_refresh(struct scenery *scenery);
/* Opens `name` below the place as the role's directory; NULL: none. */
bool scenery_set_directory(struct scenery *scenery, const char *name);
void scenery_remove(struct scenery *scenery);

#endif
