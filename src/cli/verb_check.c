/* roost check: what would go wrong at a start, before it does. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "cli/control.h"
#include "daemon/gate/networks.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/files.h"
#include "sys/place.h"
#include "sys/process.h"
#include "sys/sandbox.h"
#include "sys/sockets.h"
#include "sys/tls.h"

enum {
    PEM_BYTES_MAX = 1024 * 1024,
    FREE_BYTES_WANTED = 1024 * 1024 * 1024,
    FREE_FILES_WANTED = 10000,
    FDS_WANTED = 65536,
    PATH_BYTES_MAX = 4096,
};

struct checking {
    const struct config *config;
    unsigned failed;
    unsigned warned;
};

enum verdict { FINE, WARN, FAIL };

static void tell(struct checking *checking, enum verdict verdict, const char *what,
                 const char *detail)
{
    static const char *const words[] = { "ok", "warn", "FAIL" };

    checking->failed += verdict == FAIL;
    checking->warned += verdict == WARN;
    (void)printf("%-5s %-12s %s\n", words[verdict], what, detail);
}

static void check_certificate(struct checking *checking)
{
    const struct config *config = checking->config;
    struct buf certificate = buf_make(PEM_BYTES_MAX);
    struct buf key = buf_make(PEM_BYTES_MAX);
    struct tls_context *context = NULL;
    struct note why = { "" };
    struct note reason = { "" };
    struct tls_settings settings;
    enum err err;

    if (config->tls_certificate[0] == '\0') {
        tell(checking, WARN, "certificate",
             "none is set: Roost makes one, and clients will ask whether to trust it");
        return;
    }
    err = file_read(config->tls_certificate, &certificate, &why);
    if (err == ERR_OK)
        err = file_read(config->tls_key, &key, &why);
    settings = (struct tls_settings){ .certificate_pem = buf_bytes(&certificate),
                                      .key_pem = buf_bytes(&key) };
    if (err == ERR_OK) {
        err = tls_context_new(&settings, &context, &reason);
        note_set(&why, "%s with %s: %s", config->tls_certificate, config->tls_key, reason.text);
    }
    tell(checking, err == ERR_OK ? FINE : FAIL, "certificate",
         err == ERR_OK ? config->tls_certificate : why.text);
    tls_context_free(context);
    buf_done(&certificate);
    if (key.at != NULL)
        explicit_bzero(key.at, key.capacity);
    buf_done(&key);
}

static void check_key_mode(struct checking *checking)
{
    struct place place;
    char line[PATH_BYTES_MAX];

    if (checking->config->tls_key[0] == '\0' ||
        place_look(checking->config->tls_key, &place, NULL) != ERR_OK || (place.mode & 07) == 0)
        return;
    (void)snprintf(line, sizeof(line), "%s can be read by everybody: chmod o= it",
                   checking->config->tls_key);
    tell(checking, WARN, "key", line);
}

static void check_disk(struct checking *checking, const struct place *place)
{
    char line[PATH_BYTES_MAX];

    (void)snprintf(line, sizeof(line), "%llu MB free",
                   (unsigned long long)(place->free_bytes >> 20));
    tell(checking, place->free_bytes < FREE_BYTES_WANTED ? WARN : FINE, "disk", line);
    if (place->free_files < FREE_FILES_WANTED)
        tell(checking, WARN, "disk", "few files (inodes) can still be made");
}

/* Where `path` is, or would be made: the nearest directory above that exists. */
static enum err look_upwards(const char *path, char nearest[PATH_BYTES_MAX], struct place *place)
{
    size_t len = strlen(path);

    if (len >= PATH_BYTES_MAX)
        return ERR_LIMIT;
    memcpy(nearest, path, len + 1);
    while (place_look(nearest, place, NULL) != ERR_OK) {
        char *slash = strrchr(nearest, '/');

        if (slash == NULL || strcmp(nearest, "/") == 0)
            return ERR_NOT_FOUND;
        slash[slash == nearest ? 1 : 0] = '\0';
    }
    return ERR_OK;
}

static void check_directory(struct checking *checking, const char *what, const char *path,
                            bool with_disk)
{
    char nearest[PATH_BYTES_MAX];
    char line[2 * PATH_BYTES_MAX];
    struct place place;
    bool exists;

    if (look_upwards(path, nearest, &place) != ERR_OK) {
        tell(checking, FAIL, what, "the path leads nowhere");
        return;
    }
    exists = strcmp(nearest, path) == 0;
    if (!place.is_directory || !place_may(nearest, true)) {
        (void)snprintf(line, sizeof(line), "%s %s", nearest,
                       !place.is_directory ? "is not a directory"
                       : place.read_only   ? "is on a file system that is mounted read-only"
                                           : "cannot be written: start as its owner, or set "
                                             "another");
        tell(checking, FAIL, what, line);
        return;
    }
    (void)snprintf(line, sizeof(line), "%s%s", path, exists ? "" : " (will be made)");
    tell(checking, FINE, what, line);
    if (exists && (place.mode & 022) != 0)
        tell(checking, WARN, what, "others may write there: chmod go-w it");
    if (with_disk)
        check_disk(checking, &place);
}

/* What a restore has begun lies aside until it is whole. */
static void check_restore(struct checking *checking)
{
    char path[PATH_BYTES_MAX];
    char line[2 * PATH_BYTES_MAX];
    bool has_names = false;

    if ((size_t)snprintf(path, sizeof(path), "%s/accounts/restore", checking->config->data) >=
            sizeof(path) ||
        cli_look_into(path, &has_names, NULL) != ERR_OK || !has_names)
        return;
    (void)snprintf(line, sizeof(line), "one is under way or was not finished: run it again (%s)",
                   path);
    tell(checking, WARN, "restore", line);
}

static void check_walls(struct checking *checking)
{
    struct sandbox_report report = sandbox_available();
    bool required = checking->config->sandbox_required;
    char line[128];

    (void)snprintf(line, sizeof(line), "Landlock %s, seccomp %s",
                   report.landlock_abi > 0 ? "yes" : "NO", report.seccomp ? "yes" : "NO");
    if (report.landlock_abi > 0 && report.seccomp)
        tell(checking, FINE, "walls", line);
    else
        tell(checking, required ? FAIL : WARN, "walls", line);
}

static void check_limits(struct checking *checking)
{
    uint64_t limit = place_fd_limit();
    char line[128];

    (void)snprintf(line, sizeof(line), "%llu open files in each process at most%s",
                   (unsigned long long)limit,
                   limit < FDS_WANTED ? ": few for many clients; raise the hard limit" : "");
    tell(checking, limit < FDS_WANTED ? WARN : FINE, "limits", line);
}

static void check_users(struct checking *checking)
{
    static const char *const users[] = { "roost-tls", "roost-gate", "roost-auth", "roost-mail",
                                         "roost-control" };

    if (!process_is_root())
        return;
    for (size_t i = 0; i < ARRAY_COUNT(users); i++) {
        struct child_user user;
        struct note why = { "" };

        if (child_find_user(users[i], &user, &why) != ERR_OK)
            tell(checking, FAIL, "users", why.text);
    }
}

/* True when a server answers on the control socket: its ports are taken by right. */
static bool server_runs(const struct config *config)
{
    char path[CONTROL_PATH_BYTES];
    int fd;

    if (control_path(config, path, NULL) != ERR_OK)
        return false;
    if (socket_connect_unix(path, &fd, NULL) != ERR_OK)
        return false;
    fd_close(&fd);
    return true;
}

static void check_tcp(struct checking *checking, const char *what,
                      const struct listen_address *address)
{
    int fds[SOCKET_FDS_MAX];
    size_t count = 0;
    struct note why = { "" };
    char line[512];

    if (socket_listen_tcp(address->host, address->port, fds, &count, &why) != ERR_OK) {
        tell(checking, FAIL, what, why.text);
        return;
    }
    for (size_t i = 0; i < count; i++)
        fd_close(&fds[i]);
    (void)snprintf(line, sizeof(line), "%s port %u", address->host, address->port);
    tell(checking, FINE, what, line);
}

/* What stands in the way of a socket of that owner there. */
static enum err check_socket(const struct listen_address *address, struct note *why)
{
    struct socket_owner owner;
    struct note reason;
    struct place place;
    enum err err = socket_owner_find(address->user, address->group, &owner, why);

    if (err == ERR_OK && place_look(address->path, &place, &reason) == ERR_OK && !place.is_socket)
        err = note_fail(why, ERR_EXISTS, "%s is there and is not a socket", address->path);
    return err;
}

static void check_unix(struct checking *checking, const char *what,
                       const struct listen_address *address)
{
    struct note why;
    char directory[PATH_BYTES_MAX];
    char line[2 * PATH_BYTES_MAX];
    size_t len = strlen(address->path);
    struct place place;

    while (len > 1 && address->path[len - 1] != '/')
        len--;
    (void)snprintf(directory, sizeof(directory), "%.*s", (int)(len > 1 ? len - 1 : 1),
                   address->path);
    /* Its own directories Roost makes itself. */
    if (strcmp(directory, checking->config->run) != 0 &&
        strcmp(directory, checking->config->data) != 0 &&
        (place_look(directory, &place, NULL) != ERR_OK || !place.is_directory)) {
        (void)snprintf(line, sizeof(line), "unix:%s: there is no directory %s: make it first",
                       address->path, directory);
        tell(checking, FAIL, what, line);
        return;
    }
    if (check_socket(address, &why) != ERR_OK) {
        tell(checking, FAIL, what, why.text);
        return;
    }
    (void)snprintf(line, sizeof(line), "unix:%s", address->path);
    tell(checking, FINE, what, line);
}

static void check_listen(struct checking *checking, const char *what,
                         const struct config_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++)
        if (listen->at[i].is_unix)
            check_unix(checking, what, &listen->at[i]);
        else
            check_tcp(checking, what, &listen->at[i]);
    if (listen->count == 0)
        tell(checking, FINE, what, "off");
}

static void check_ports(struct checking *checking)
{
    const struct config *config = checking->config;

    if (server_runs(config)) {
        tell(checking, FINE, "listen", "a server runs and has its addresses");
        return;
    }
    check_listen(checking, "imap.listen", &config->imap_listen);
    check_listen(checking, "imaps.listen", &config->imaps_listen);
    check_listen(checking, "lmtp.listen", &config->lmtp_listen);
    check_listen(checking, "metrics.listen", &config->metrics_listen);
}

static void check_proxies(struct checking *checking)
{
    const struct config_list *list = &checking->config->gate_proxy_from;
    char line[PATH_BYTES_MAX];

    for (size_t i = 0; i < list->count; i++) {
        struct networks networks = { .count = 0 };

        if (networks_add(&networks, list->at[i]))
            continue;
        (void)snprintf(line, sizeof(line),
                       "%.*s is no network: expected an address, an address with the length of a "
                       "prefix and no bits behind it (192.0.2.0/24), or unix",
                       BYTES_ARG(bytes_slice(list->at[i], 0, 100)));
        tell(checking, FAIL, "gate.proxy_from", line);
    }
}

static void check_mechanisms(struct checking *checking)
{
    if (checking->config->auth_mechanisms.count == 0)
        tell(checking, WARN, "auth.mechanisms", "is empty: nobody can log in");
}

static int run(const struct verb *verb, struct arguments arguments)
{
    struct cli cli = { 0 };
    struct checking checking = { .config = &cli.config };
    int code = cli_begin(&cli, verb, arguments, NULL, 0);

    if (code == CLI_GO_ON && cli.options.words_count > 0)
        code = cli_complain(EX_USAGE, "check takes no \"%s\"", cli.options.words[0]);
    if (code == CLI_GO_ON)
        code = cli_configure(&cli);
    if (code == CLI_GO_ON) {
        tell(&checking, FINE, "settings",
             cli.settings.file != NULL ? cli.settings.file : "no file, defaults");
        check_directory(&checking, "data", cli.config.data, true);
        check_directory(&checking, "run", cli.config.run, false);
        check_restore(&checking);
        check_users(&checking);
        check_certificate(&checking);
        check_key_mode(&checking);
        check_ports(&checking);
        check_proxies(&checking);
        check_mechanisms(&checking);
        check_walls(&checking);
        check_limits(&checking);
        (void)printf("%u failed, %u to look at\n", checking.failed, checking.warned);
        code = checking.failed > 0 ? EX_CONFIG : EX_OK;
    }
    cli_end(&cli);
    return code;
}

const struct verb verb_check = {
    .name = "check",
    .summary = "what would go wrong at a start",
    .help = "roost check\n\n"
            "Looks at the settings, directories, users, certificate, addresses, walls, limits and\n"
            "disk as a start would, and changes nothing. Exit code 78 when a start would fail.\n\n"
            "  roost check --config new.conf\n",
    .run = run,
};
