/* A place in /tmp with everything in it that a role could want. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/probe.h"
#include "sys/fd.h"

static const char *const directories[] = { "accounts", "auth", "tls", "spool" };
static const char *const files[] = { "accounts/mail", "auth/accounts.db", "tls/key" };

static bool complain(const char *what)
{
    (void)fprintf(stderr, "walls_probe: %s: %s\n", what, strerror(errno));
    return false;
}

static bool make_directories(struct scenery *scenery)
{
    (void)snprintf(scenery->place, sizeof(scenery->place), "/tmp/roost-probe-XXXXXX");
    if (mkdtemp(scenery->place) == NULL)
        return complain("/tmp");
    (void)chmod(scenery->place, 0777);
    scenery->place_fd = open(scenery->place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (scenery->place_fd < 0)
        return complain(scenery->place);
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        if (mkdirat(scenery->place_fd, directories[i], 0777) < 0 ||
            fchmodat(scenery->place_fd, directories[i], 0777, 0) < 0)
            return complain(directories[i]);
    }
    return true;
}

static bool make_file(const struct scenery *scenery, const char *name)
{
    FD_LOCAL int fd =
        openat(scenery->place_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0 || write(fd, "secret\n", 7) != 7 || fchmod(fd, 0666) < 0)
        return complain(name);
    return true;
}

static bool make_inbox(struct scenery *scenery)
{
    scenery->inbox.sun_family = AF_UNIX;
    (void)snprintf(scenery->inbox.sun_path, sizeof(scenery->inbox.sun_path), "%s/inbox",
                   scenery->place);
    scenery->inbox_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (scenery->inbox_fd < 0 ||
        bind(scenery->inbox_fd, (struct sockaddr *)&scenery->inbox, sizeof(scenery->inbox)) < 0 ||
        chmod(scenery->inbox.sun_path, 0777) < 0)
        return complain("a socket to be written to");
    return true;
}

static bool make_victim(struct scenery *scenery)
{
    scenery->victim = fork();
    if (scenery->victim == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        for (;;)
            (void)pause();
    }
    return scenery->victim > 0 || complain("fork");
}

static bool make_listener(struct scenery *scenery)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };

    scenery->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (scenery->listener < 0 ||
        bind(scenery->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(scenery->listener, 5) < 0)
        return complain("a listening socket");
    return true;
}

static bool make_pair(int type, int pair[2])
{
    fd_close(&pair[0]);
    fd_close(&pair[1]);
    return socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0 ||
           complain("socketpair");
}

bool scenery_make(struct scenery *out_scenery)
{
    *out_scenery = (struct scenery){ .place_fd = -1,
                                     .directory_fd = -1,
                                     .listener = -1,
                                     .fresh_tcp = -1,
                                     .fresh_unix = -1,
                                     .inbox_fd = -1,
                                     .stream = { -1, -1 },
                                     .channel = { -1, -1 } };
    return make_directories(out_scenery) && make_inbox(out_scenery) && make_victim(out_scenery) &&
           scenery_refresh(out_scenery);
}

bool scenery_refresh(struct scenery *scenery)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (!make_file(scenery, files[i]))
            return false;
    fd_close(&scenery->listener);
    fd_close(&scenery->fresh_tcp);
    fd_close(&scenery->fresh_unix);
    scenery->fresh_tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    scenery->fresh_unix = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (scenery->fresh_tcp < 0 || scenery->fresh_unix < 0)
        return complain("socket");
    return make_pair(SOCK_STREAM, scenery->stream) && make_pair(SOCK_SEQPACKET, scenery->channel) &&
           make_listener(scenery);
}

bool scenery_set_directory(struct scenery *scenery, const char *name)
{
    fd_close(&scenery->directory_fd);
    if (name == NULL)
        return true;
    scenery->directory_fd = openat(scenery->place_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return scenery->directory_fd >= 0 || complain(name);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void scenery_remove(struct scenery *scenery)
{
    if (scenery->victim > 0) {
        (void)kill(scenery->victim, SIGKILL);
        (void)waitpid(scenery->victim, NULL, 0);
    }
    if (scenery->place_fd >= 0)
        (void)nftw(scenery->place, remove_one, 10, FTW_DEPTH | FTW_PHYS);
    fd_close(&scenery->place_fd);
    fd_close(&scenery->directory_fd);
    fd_close(&scenery->listener);
    fd_close(&scenery->fresh_tcp);
    fd_close(&scenery->fresh_unix);
    fd_close(&scenery->inbox_fd);
    for (int i = 0; i < 2; i++) {
        fd_close(&scenery->stream[i]);
        fd_close(&scenery->channel[i]);
    }
}
