/* A whole server of processes, with roles of the test's own: this binary is its own `roost`.
 *
 * The gate tells whoever connects which peers it has; control passes questions on; a shard is at
 * work for the accounts that it finds in data/accounts/mark<index>; auth logs what it is told of
 * them. */
#include "daemon/supervisor/supervisor.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/role/ask.h"
#include "daemon/role/role.h"
#include "daemon/supervisor/worker.h"
#include "ipc/marks.h"
#include "ipc/request_table.h"
#include "ipc/route.h"
#include "kit/assert_bytes.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/files.h"
#include "sys/listener.h"
#include "sys/process.h"
#include "sys/sandbox.h"
#include "sys/selfsigned.h"
#include "sys/sockets.h"

enum { TRIES_MAX = 500, TRY_US = 10000, NOBODY = 65534, TEXT_MAX = 8192 };

/* ---- the roles ---- */

static struct listener listeners[8];
static int listener_fds[8];
static size_t listener_count;
static struct role *the_role;
static struct role_ask asks[16];
static int ask_fds[16];
static size_t ask_count;

static void on_listener(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    listener_fds[listener_count++] = fd_take(fd);
}

static void say(int fd, const char *text, size_t len)
{
    (void)send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    fd_close(&fd);
}

static void tell_peers(int fd)
{
    char text[TEXT_MAX];
    int len = snprintf(text, sizeof(text), "pid=%d", (int)getpid());

    LIST_EACH (node, after, &the_role->peers) {
        struct role_peer *peer = CONTAINER_OF(node, struct role_peer, link);

        if (peer->connected)
            len += snprintf(text + len, sizeof(text) - (size_t)len, " %s%u",
                            ipc_role_name(peer->of), peer->index);
    }
    say(fd, text, (size_t)len);
}

static void on_answer(struct role_ask *ask, const struct ipc_message *answer, int *fd)
{
    struct bytes text = answer == NULL ? BYTES("nothing") : answer->text_answer.text;

    say(ask_fds[ask - asks], (const char *)text.at, text.len);
}

static void ask_supervisor(int fd)
{
    struct ipc_message message = { .type = IPC_STATUS };
    struct role_ask *ask = &asks[ask_count % ARRAY_COUNT(asks)];
    char verb = 'S';

    ask_fds[ask_count++ % ARRAY_COUNT(asks)] = fd;
    *ask = (struct role_ask){ .answered = on_answer };
    if (recv(fd, &verb, 1, 0) == 1 && verb == 'R')
        message.type = IPC_RELOAD;
    if (role_ask(&the_role->supervisor, ask, &message, NULL, 1000) != ERR_OK)
        say(fd, "not asked", 9);
}

/* Where the test says so: nonsense to auth. */
static void break_the_law(int fd)
{
    struct role_peer *auth = role_peer_find(the_role, IPC_ROLE_AUTH, 0);
    char verb = 0;

    if (recv(fd, &verb, 1, MSG_DONTWAIT) == 1 && verb == 'B' && auth != NULL)
        (void)!channel_send(&auth->channel, BYTES("?"), NULL, 0);
}

static void on_accepted(struct listener *listener, int fd, const struct address *peer)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };

    (void)poll(&wait, 1, 100);
    if (the_role->spec->role == IPC_ROLE_GATE) {
        break_the_law(fd);
        tell_peers(fd);
        return;
    }
    ask_supervisor(fd);
}

static void mark_accounts(const struct role *role)
{
    struct ipc_account_id id;
    char name[16];
    void *memory;
    FD_LOCAL int fd = -1;

    (void)snprintf(name, sizeof(name), "mark%u", role->start.index);
    fd = openat(role->directory_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fd_map(role->memory_fd, MARKS_BYTES, &memory) != ERR_OK)
        return;
    while (read(fd, id.raw, sizeof(id.raw)) == sizeof(id.raw))
        assert_int_not_equal(marks_enter(memory, &id), MARKS_NONE);
}

static enum err prepare(struct role *role, struct sandbox_profile *out_profile, struct note *why)
{
    static const struct sandbox_set *const sets[] = { &sandbox_base, &sandbox_sockets,
                                                      &sandbox_listeners, NULL };
    struct bytes config = buf_bytes(&role->config);

    the_role = role;
    out_profile->sets = sets;
    if (role->spec->role == IPC_ROLE_MAIL)
        mark_accounts(role);
    if (role->spec->role == IPC_ROLE_AUTH &&
        bytes_find(config, 0, BYTES("refuse.example")) < config.len)
        return note_fail(why, ERR_INVALID, "as the test has asked");
    return ERR_OK;
}

static enum err begin(struct role *role, struct note *why)
{
    for (size_t i = 0; i < listener_count; i++)
        listener_init(&listeners[i], role->loop, listener_fds[i], on_accepted);
    return ERR_OK;
}

static void on_place(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct log_line line;
    char hex[IPC_ID_TEXT_BYTES];

    ipc_id_print(message->place.account_id.raw, hex);
    log_begin(&line, LOG_LEVEL_INFO, "heard");
    log_string(&line, "of", hex);
    log_number(&line, "at", message->place.shard);
    log_end(&line);
}

static void on_ignored(struct role_peer *from, const struct ipc_message *message, int *fd)
{
}

static int run_role(const char *name)
{
    static const struct role_handler handlers[] = { { IPC_LISTENER, on_listener },
                                                    { IPC_PLACE, on_place },
                                                    { IPC_CERTIFICATE, on_ignored },
                                                    { IPC_TLS_TICKETS, on_ignored } };
    struct role_spec spec = { .handlers = handlers,
                              .handler_count = ARRAY_COUNT(handlers),
                              .prepare = prepare,
                              .begin = begin };

    for (int role = 0; role < IPC_ROLE_COUNT; role++)
        if (strcmp(name, ipc_role_name((enum ipc_role)role)) == 0)
            spec.role = (enum ipc_role)role;
    return role_main(&spec, NULL);
}

/* ---- the test ---- */

struct scene {
    char path[64];
    pid_t server;
    int manager; /* the service manager's end */
};

static char text[TEXT_MAX];

static void pause_a_moment(void)
{
    (void)usleep(TRY_US);
}

static const char *path_of(const struct scene *scene, const char *name)
{
    static char path[4][160];
    static unsigned next;

    next = (next + 1) % 4;
    (void)snprintf(path[next], sizeof(path[next]), "%s/%s", scene->path, name);
    return path[next];
}

static int open_manager(struct scene *scene)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", scene->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(chmod(address.sun_path, 0777), 0);
    (void)setenv("NOTIFY_SOCKET", address.sun_path, 1);
    return fd;
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    memcpy(scene->path, "/tmp/roost-supervisor-XXXXXX", 29);
    assert_non_null(mkdtemp(scene->path));
    if (geteuid() == 0)
        assert_int_equal(chown(scene->path, NOBODY, NOBODY), 0);
    scene->manager = open_manager(scene);
    *state = scene;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    return remove(path);
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    if (scene->server > 0) {
        (void)kill(scene->server, SIGKILL);
        (void)waitpid(scene->server, NULL, 0);
    }
    fd_close(&scene->manager);
    while (wait(NULL) > 0) /* orphans come to us */
        continue;
    assert_int_equal(nftw(scene->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(scene);
    return 0;
}

static NORETURN void run_server(const struct scene *scene, const char *more, int passed_fd)
{
    char sets[6][160];
    const char *assignments[6];
    struct config_request request = { .assignments = assignments, .directory = "/" };
    struct supervisor_options options = { .request = &request };
    int log_fd = open(path_of(scene, "log"), O_WRONLY | O_CREAT | O_APPEND, 0666);

    (void)dup2(log_fd, STDERR_FILENO);
    if (geteuid() == 0 && process_become(NOBODY, NOBODY, NULL) != ERR_OK)
        _exit(1);
    if (passed_fd >= 0) {
        (void)dup2(passed_fd, 3);
        (void)snprintf(sets[0], sizeof(sets[0]), "%d", (int)getpid());
        (void)setenv("LISTEN_PID", sets[0], 1);
        (void)setenv("LISTEN_FDS", "1", 1);
        (void)setenv("LISTEN_FDNAMES", "lmtp", 1);
    }
    (void)snprintf(sets[0], sizeof(sets[0]), "data=%s/data", scene->path);
    (void)snprintf(sets[1], sizeof(sets[1]), "run=%s/run", scene->path);
    (void)snprintf(sets[2], sizeof(sets[2]), "imap.listen=unix:%s/imap", scene->path);
    (void)snprintf(sets[3], sizeof(sets[3]), "imaps.listen=");
    (void)snprintf(sets[4], sizeof(sets[4]), "lmtp.listen=");
    (void)snprintf(sets[5], sizeof(sets[5]), "%s", more);
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++)
        assignments[i] = sets[i];
    request.assignments_count = ARRAY_COUNT(sets);
    if (access(path_of(scene, "conf"), F_OK) == 0)
        request.file = path_of(scene, "conf");
    (void)setenv("TZ", "UTC", 1);
    if (child_open_self(&options.exe_fd, NULL) != ERR_OK)
        _exit(1);
    _exit(supervisor_main(&options));
}

static void launch(struct scene *scene, const char *more, int passed_fd)
{
    scene->server = fork();
    if (scene->server == 0)
        run_server(scene, more, passed_fd);
}

/* What the socket says to `verb`, in `text`; false when nothing listens. */
static bool ask(const char *path, const char *verb)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    FD_LOCAL int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = { 2, 0 };
    size_t len = 0;
    ssize_t got;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return false;
    (void)send(fd, verb, strlen(verb), MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    while (len < sizeof(text) - 1 && (got = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    return len > 0;
}

static void show_log(const struct scene *scene)
{
    struct buf log = buf_make(1000000);

    if (file_read(path_of(scene, "log"), &log, NULL) == ERR_OK)
        print_error("%.*s\n", BYTES_ARG(buf_bytes(&log)));
    buf_done(&log);
}

/* Until the answer holds all of the words, and none that begins with '!'. */
static void await(const struct scene *scene, const char *name, const char *verb,
                  const char *const *words)
{
    bool all = false;

    for (int i = 0; i < TRIES_MAX && !all; i++) {
        all = ask(path_of(scene, name), verb);
        for (size_t w = 0; all && words[w] != NULL; w++)
            all = words[w][0] == '!' ? strstr(text, words[w] + 1) == NULL
                                     : strstr(text, words[w]) != NULL;
        if (!all)
            pause_a_moment();
    }
    if (all)
        return;
    show_log(scene);
    fail_msg("%s never said what it should: %s", name, text);
}

static const char *const all_peers[] = { " auth0", " mail0", " mail1", " tls0", NULL };
static const char *const all_ready[] = { "\"processes\":[", "!starting", "!down", NULL };

static void start(struct scene *scene, const char *more)
{
    launch(scene, more, -1);
    await(scene, "imap", "", all_peers);
    await(scene, "run/control.sock", "S", all_ready);
}

static int exit_code_of(struct scene *scene)
{
    int status = -1;

    for (int i = 0; i < TRIES_MAX; i++) {
        if (waitpid(scene->server, &status, WNOHANG) == scene->server) {
            scene->server = 0;
            return child_exit_code(status);
        }
        pause_a_moment();
    }
    show_log(scene);
    fail_msg("the server did not end");
    return -1;
}

static const char *const two_shards = "mail.shards=2";

static void assert_mode(const char *path, unsigned mode)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
}

static void assert_manager_hears(const struct scene *scene, const char *want)
{
    char got[200] = "";

    assert_true(recv(scene->manager, got, sizeof(got) - 1, 0) > 0);
    assert_memory_equal(got, want, strlen(want));
}

static void test_a_whole_life(void **state)
{
    struct scene *scene = *state;

    start(scene, two_shards);
    assert_manager_hears(scene, "READY=1");
    assert_mode(path_of(scene, "data"), 0700);
    assert_mode(path_of(scene, "run"), 0755); /* an MTA's LMTP client must get to its socket */
    assert_mode(path_of(scene, "data/auth"), 0700);
    assert_mode(path_of(scene, "data/spool"), 0700);
    assert_mode(path_of(scene, "data/accounts"), 0700);
    assert_mode(path_of(scene, "data/tls/self-made.key"), 0600);
    assert_mode(path_of(scene, "run/control.sock"), 0600);
    assert_int_equal(kill(scene->server, SIGTERM), 0);
    assert_int_equal(exit_code_of(scene), 0);
    assert_manager_hears(scene, "STOPPING=1");
    assert_int_equal(access(path_of(scene, "imap"), F_OK), -1);
    assert_int_equal(access(path_of(scene, "run/control.sock"), F_OK), -1);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no process is left */
}

/* The pid of that process in the status that was asked for last. */
static pid_t pid_of_index(const char *role, unsigned index)
{
    char key[64];
    const char *at;
    uint64_t pid = 0;
    size_t len = 0;

    (void)snprintf(key, sizeof(key), "{\"role\":\"%s\",\"index\":%u,\"pid\":", role, index);
    at = strstr(text, key);
    assert_non_null(at);
    at += strlen(key);
    while (at[len] >= '0' && at[len] <= '9')
        len++;
    for (size_t i = 0; i < len; i++)
        pid = pid * 10 + (uint64_t)(at[i] - '0');
    return (pid_t)pid;
}

static pid_t pid_of(const char *role)
{
    return pid_of_index(role, 0);
}

static void test_each_role_is_replaced(void **state)
{
    static const char *const roles[] = { "auth", "control", "tls", "mail", "gate" };
    struct scene *scene = *state;

    start(scene, two_shards);
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
        struct mono before;
        char pid_text[32];
        const char *gone[] = { "\"processes\":[", "!starting", "!down", pid_text, NULL };

        await(scene, "run/control.sock", "S", all_ready);
        (void)snprintf(pid_text, sizeof(pid_text), "!\"pid\":%d,", (int)pid_of(roles[i]));
        before = clock_mono();
        assert_int_equal(kill(pid_of(roles[i]), SIGKILL), 0);
        await(scene, "run/control.sock", "S", gone);
        await(scene, "imap", "", all_peers);
        assert_true(clock_mono().ms - before.ms < 1000);
    }
    await(scene, "run/control.sock", "S", all_ready);
    assert_non_null(strstr(text, "\"restarts\":1}"));
}

/* That process dies of the signal, and the next in its place is ready. */
static void end_by(const struct scene *scene, const char *role, unsigned index, int number)
{
    char pid_text[32];
    const char *gone[] = { "\"processes\":[", "!starting", "!down", pid_text, NULL };

    await(scene, "run/control.sock", "S", all_ready);
    (void)snprintf(pid_text, sizeof(pid_text), "!\"pid\":%d,", (int)pid_of_index(role, index));
    assert_int_equal(kill(pid_of_index(role, index), number), 0);
    await(scene, "run/control.sock", "S", gone);
}

/* Two accounts: the rule sends the first to shard 1 of two, the second to shard 0. */
#define FIRST_ID "\1aaaaaaaaaaaaaaa"
#define FIRST_HEX "01616161616161616161616161616161"
#define SECOND_ID "\2bbbbbbbbbbbbbbb"
#define SECOND_HEX "02626262626262626262626262626262"

/* What shard `index` will be at once it has been started again. */
static void write_marks(const struct scene *scene, unsigned index, struct bytes ids)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "data/accounts/mark%u", index);
    assert_int_equal(file_write(path_of(scene, name), ids, 0644, NULL), ERR_OK);
    end_by(scene, "mail", index, SIGKILL);
}

static size_t count_in_log(const struct scene *scene, const char *part)
{
    struct buf log = buf_make(1000000);
    struct bytes needle = bytes_from_string(part);
    size_t count = 0;
    size_t at = 0;

    assert_int_equal(file_read(path_of(scene, "log"), &log, NULL), ERR_OK);
    while ((at = bytes_find(buf_bytes(&log), at, needle)) < log.len) {
        count++;
        at += needle.len;
    }
    buf_done(&log);
    return count;
}

static void assert_said(const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in %s", part, text);
}

static void test_crashes_set_an_account_apart(void **state)
{
    static const char *const two_and_one[] = {
        " auth0", " mail0", " mail1", " mail2", " tls0", NULL
    };
    struct scene *scene = *state;

    start(scene, two_shards);
    end_by(scene, "mail", 1, SIGABRT); /* at nobody's work */
    write_marks(scene, 1, BYTES(FIRST_ID));
    end_by(scene, "mail", 1, SIGKILL); /* no crash */
    end_by(scene, "mail", 1, SIGTERM); /* nor this */
    write_marks(scene, 1, BYTES(""));
    end_by(scene, "mail", 1, SIGABRT); /* its predecessor was at something, it was not */
    assert_said("\"crashed_accounts\":[]}");
    write_marks(scene, 1, BYTES(FIRST_ID));
    end_by(scene, "mail", 1, SIGABRT);
    assert_said("\"crashed_accounts\":[{\"account_id\":\"" FIRST_HEX
                "\",\"crashes\":1,\"set_apart\":false,\"shard\":1}]}");
    assert_int_equal(count_in_log(scene, "event=heard"), 0);
    end_by(scene, "mail", 1, SIGABRT);
    assert_said("\"crashes\":2,\"set_apart\":true,\"shard\":2}]}");
    await(scene, "imap", "", two_and_one);
    assert_int_equal(count_in_log(scene, "event=heard of=" FIRST_HEX " at=2"), 1);
    end_by(scene, "auth", 0, SIGKILL);
    assert_int_equal(count_in_log(scene, "event=heard of=" FIRST_HEX " at=2"), 2);
    await(scene, "imap", "", two_and_one);
    end_by(scene, "mail", 2, SIGKILL);
    await(scene, "imap", "", two_and_one);
}

static void test_crashes_of_those_set_apart(void **state)
{
    struct scene *scene = *state;
    pid_t others[2];

    start(scene, two_shards);
    write_marks(scene, 0, BYTES(FIRST_ID SECOND_ID)); /* the first is not its own to blame */
    end_by(scene, "mail", 0, SIGSYS);
    end_by(scene, "mail", 0, SIGABRT);
    assert_said("\"crashed_accounts\":[{\"account_id\":\"" SECOND_HEX
                "\",\"crashes\":2,\"set_apart\":true,\"shard\":2}]}");
    assert_int_equal(count_in_log(scene, "event=mark-refused"), 2);
    others[0] = pid_of_index("mail", 0);
    others[1] = pid_of_index("mail", 1);
    write_marks(scene, 2, BYTES(SECOND_ID));
    for (unsigned i = 0; i < 4; i++)
        end_by(scene, "mail", 2, SIGABRT);
    assert_said("\"crashes\":6,\"set_apart\":true,\"shard\":2}]}");
    assert_int_equal(pid_of_index("mail", 0), others[0]);
    assert_int_equal(pid_of_index("mail", 1), others[1]);
    assert_null(strstr(text, "\"role\":\"mail\",\"index\":3"));
    /* Each death is followed by twice the wait of the one before, the first of which was a kill. */
    assert_int_equal(count_in_log(scene, "index=2 status=\"signal 6 (ABRT)\" wait_ms=800"), 1);
    assert_int_equal(kill(scene->server, SIGTERM), 0);
    assert_int_equal(exit_code_of(scene), 0);
}

static bool is_alive(pid_t pid)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    return kill(pid, 0) == 0;
}

static void test_who_breaks_the_law_is_replaced(void **state)
{
    struct scene *scene = *state;
    char before[32];

    start(scene, two_shards);
    await(scene, "imap", "", all_peers);
    (void)snprintf(before, sizeof(before), "!%.*s ", (int)strcspn(text, " "), text); /* pid=N */
    (void)ask(path_of(scene, "imap"), "B"); /* its end may come before its answer */
    await(scene, "imap", "",
          (const char *const[]){ before, " auth0", " mail0", " mail1", " tls0", NULL });
    assert_int_equal(kill(scene->server, SIGTERM), 0);
    assert_int_equal(exit_code_of(scene), 0);
}

static void test_roles_follow_the_supervisor(void **state)
{
    static const char *const roles[] = { "auth", "control", "tls", "mail", "gate" };
    struct scene *scene = *state;
    pid_t pids[ARRAY_COUNT(roles)];
    struct mono before;

    start(scene, two_shards);
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++)
        pids[i] = pid_of(roles[i]);
    before = clock_mono();
    assert_int_equal(kill(scene->server, SIGKILL), 0);
    assert_int_equal(exit_code_of(scene), -1);
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++)
        while (is_alive(pids[i]) && clock_mono().ms - before.ms < 1000)
            (void)usleep(1000);
    assert_true(clock_mono().ms - before.ms < 400); /* 200, and what a busy machine adds */
    start(scene, two_shards); /* the sockets that were left behind are no hindrance */
}

static void write_pair(const struct scene *scene)
{
    struct selfsigned pair = { buf_make(10000), buf_make(10000) };

    assert_int_equal(selfsigned_make("a.example", clock_wall(), 1, &pair, NULL), ERR_OK);
    assert_int_equal(
        file_write(path_of(scene, "crt"), buf_bytes(&pair.certificate_pem), 0644, NULL), ERR_OK);
    assert_int_equal(file_write(path_of(scene, "key"), buf_bytes(&pair.key_pem), 0644, NULL),
                     ERR_OK);
    buf_done(&pair.certificate_pem);
    buf_done(&pair.key_pem);
}

static void write_config(const struct scene *scene, const char *more)
{
    struct buf config = buf_make(1000);

    buf_add_format(&config, "tls.certificate = %s\ntls.key = %s\n%s\n", path_of(scene, "crt"),
                   path_of(scene, "key"), more);
    assert_int_equal(file_write(path_of(scene, "conf"), buf_bytes(&config), 0644, NULL), ERR_OK);
    buf_done(&config);
}

static void test_reload(void **state)
{
    static const char *const good[] = { "were read again", "!restart", NULL };
    static const char *const bad_pair[] = { "the certificate is not usable", NULL };
    static const char *const bad_file[] = { "conf:3", NULL };
    static const char *const kept[] = { "needs a restart: domains", NULL };
    struct scene *scene = *state;

    write_pair(scene);
    write_config(scene, "");
    start(scene, two_shards);
    assert_manager_hears(scene, "READY=1");
    write_pair(scene);
    await(scene, "run/control.sock", "R", good);
    assert_manager_hears(scene, "RELOADING=1\nMONOTONIC_USEC=");
    assert_manager_hears(scene, "READY=1");
    assert_int_equal(file_write(path_of(scene, "crt"), BYTES("x"), 0644, NULL), ERR_OK);
    await(scene, "run/control.sock", "R", bad_pair);
    write_pair(scene);
    write_config(scene, "domian = x");
    await(scene, "run/control.sock", "R", bad_file);
    write_config(scene, "domains = other.example");
    await(scene, "run/control.sock", "R", kept);
    while (recv(scene->manager, text, sizeof(text), MSG_DONTWAIT) > 0)
        continue;
    assert_int_equal(kill(scene->server, SIGHUP), 0);
    assert_manager_hears(scene, "RELOADING=1\nMONOTONIC_USEC=");
    assert_manager_hears(scene, "READY=1");
    await(scene, "run/control.sock", "S", all_ready);
    assert_null(strstr(text, "\"restarts\":1")); /* nobody was bothered */
}

static void test_a_passed_socket(void **state)
{
    const struct socket_owner owner = { .mode = 0666, .uid = (uid_t)-1, .gid = (gid_t)-1 };
    struct scene *scene = *state;
    int fd = -1;

    assert_int_equal(socket_listen_unix(path_of(scene, "lmtp"), &owner, &fd, NULL), ERR_OK);
    launch(scene, two_shards, fd);
    fd_close(&fd);
    await(scene, "lmtp", "", all_peers);
    assert_int_equal(kill(scene->server, SIGTERM), 0);
    assert_int_equal(exit_code_of(scene), 0);
    assert_int_equal(access(path_of(scene, "lmtp"), F_OK), 0); /* not ours to remove */
}

static void test_waits_grow_with_failures(void **state)
{
    static const struct {
        unsigned failures;
        bool was_ready;
        int64_t wait_ms;
    } rows[] = {
        { 0, true, 0 },      { 1, true, 50 },
        { 2, true, 100 },    { 4, true, 400 },
        { 5, true, 400 },    { 1, false, 50 },
        { 5, false, 800 },   { 8, false, 6400 },
        { 9, false, 10000 }, { 4000000000U, false, 10000 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(worker_wait_ms(rows[i].failures, rows[i].was_ready), rows[i].wait_ms);
}

static void test_who_dies_young(void **state)
{
    static const struct {
        bool was_ready;
        bool apart;
        int64_t age_ms;
        bool young;
    } rows[] = {
        { false, false, 100000, true }, { true, false, 999, true },   { true, false, 1000, false },
        { true, true, 59999, true },    { true, true, 60000, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct worker worker = { .was_ready = rows[i].was_ready,
                                       .apart = rows[i].apart,
                                       .ready_at = { 5 } };

        assert_int_equal(worker_is_young(&worker, (struct mono){ 5 + rows[i].age_ms }),
                         rows[i].young);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *more;
        int exit_code;
    } rows[] = {
        { "domains=refuse.example", EX_CONFIG },
        { "domian=x", EX_CONFIG },
        { "tls.certificate=/nonexistent", EX_CONFIG },
        { "data=/proc/nowhere", EX_CANTCREAT },
        { "lmtp.listen=unix:/tmp/x,user=roost-nobody", EX_UNAVAILABLE },
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int code;

        launch(scene, rows[i].more, -1);
        code = exit_code_of(scene);
        if (code != rows[i].exit_code) {
            show_log(scene);
            fail_msg("%s: exit %d", rows[i].more, code);
        }
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_whole_life),
        CASE(test_each_role_is_replaced),
        CASE(test_crashes_set_an_account_apart),
        CASE(test_crashes_of_those_set_apart),
        CASE(test_who_breaks_the_law_is_replaced),
        CASE(test_roles_follow_the_supervisor),
        CASE(test_reload),
        CASE(test_a_passed_socket),
        CASE(test_refusals),
        cmocka_unit_test(test_waits_grow_with_failures),
        cmocka_unit_test(test_who_dies_young),
    };

    if (argc == 3 && strcmp(argv[1], "--role") == 0)
        _exit(run_role(argv[2])); /* without the search for leaks: a role leaves all to its end */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
