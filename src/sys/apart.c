/* Forking a child for one thing. */
#include "sys/apart.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/process.h"

/* A child never works on behind the back of a parent that was killed: somebody may have begun the
 * same again. */
static void end_with(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        process_end_now(1);
}

enum err apart_start(struct apart *apart, void (*work)(void *context, int fd), void *context,
                     struct note *why)
{
    int pair[2];
    enum err err = fd_pair_stream(pair);
    pid_t parent = getpid();
    pid_t pid;

    if (err != ERR_OK)
        return note_fail(why, err, "cannot make a pair of sockets: %s", err_text(err));
    pid = fork();
    if (pid == 0) {
        end_with(parent);
        fd_close(&pair[0]);
        work(context, pair[1]);
        process_end_now(0);
    }
    fd_close(&pair[1]);
    if (pid < 0) {
        fd_close(&pair[0]);
        return note_fail(why, fd_err(errno), "cannot make a process: %s", fd_errno_text(errno));
    }
    *apart = (struct apart){ .fd = pair[0], .pid = pid };
    return ERR_OK;
}

void apart_done(struct apart *apart)
{
    fd_close(&apart->fd);
    while (apart->pid > 0 && waitpid(apart->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    apart->pid = 0;
}
