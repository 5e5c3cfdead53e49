/* What this machine gives to nobody: the floors that the figures of the servers stand beside.
 *
 *     floor DIRECTORY CERTIFICATE KEY
 *
 * Prints a line of JSON: appends of 10 KB with fdatasync a second, to one file and to 32 (a thread
 * each); bytes a second written to one file, a megabyte at a time, with one fdatasync at the end;
 * bytes a second through a loopback socket, and through the same with TLS, sender and receiver a
 * thread each in this process. Each takes SPAN_NS. */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/attributes.h"

enum {
    APPEND_BYTES = 10240,
    FILES_MAX = 32,
    PIECE_BYTES = 64 * 1024,
    WRITE_BYTES = 1024 * 1024,
    WRITE_BYTES_MAX = 512 * 1024 * 1024, /* the page cache takes them faster than the disk */
};
static const uint64_t SPAN_NS = 1000000000;

struct appender {
    pthread_t thread;
    char path[4096];
    uint64_t end_ns;
    uint64_t count;
};

struct sender {
    int fd;
    SSL_CTX *context; /* NULL: plain */
    uint64_t end_ns;
};

NORETURN static void stop(const char *what)
{
    (void)fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

static void *append(void *argument)
{
    static const char text[APPEND_BYTES] = "a message";
    struct appender *appender = argument;
    int fd = open(appender->path, O_CREAT | O_WRONLY | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        stop("cannot open a file");
    while (now_ns() < appender->end_ns) {
        if (write(fd, text, sizeof(text)) != (ssize_t)sizeof(text) || fdatasync(fd) < 0)
            stop("cannot write");
        appender->count++;
    }
    (void)close(fd);
    (void)unlink(appender->path);
    return NULL;
}

static double appends_per_second(const char *directory, unsigned files)
{
    static struct appender appenders[FILES_MAX];
    uint64_t start = now_ns();
    uint64_t count = 0;

    memset(appenders, 0, sizeof(appenders));
    for (unsigned i = 0; i < files; i++) {
        (void)snprintf(appenders[i].path, sizeof(appenders[i].path), "%s/floor-%u", directory, i);
        appenders[i].end_ns = start + SPAN_NS;
        if (pthread_create(&appenders[i].thread, NULL, append, &appenders[i]) != 0)
            stop("no thread");
    }
    for (unsigned i = 0; i < files; i++) {
        (void)pthread_join(appenders[i].thread, NULL);
        count += appenders[i].count;
    }
    return (double)count * 1e9 / (double)(now_ns() - start);
}

static double written_per_second(const char *directory)
{
    static const char piece[WRITE_BYTES] = "a megabyte";
    char path[4096];
    uint64_t start;
    uint64_t bytes = 0;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/floor-write", directory);
    fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        stop("cannot open a file");
    start = now_ns();
    while (now_ns() < start + SPAN_NS && bytes < WRITE_BYTES_MAX) {
        if (write(fd, piece, sizeof(piece)) != (ssize_t)sizeof(piece))
            stop("cannot write");
        bytes += sizeof(piece);
    }
    if (fdatasync(fd) < 0)
        stop("cannot write");
    bytes = (uint64_t)((double)bytes * 1e9 / (double)(now_ns() - start));
    (void)close(fd);
    (void)unlink(path);
    return (double)bytes;
}

static void *send_pieces(void *argument)
{
    static const char piece[PIECE_BYTES] = "a piece";
    struct sender *sender = argument;
    SSL *ssl = NULL;
    bool is_open = true;

    if (sender->context != NULL) {
        ssl = SSL_new(sender->context);
        SSL_set_fd(ssl, sender->fd);
        if (SSL_accept(ssl) != 1)
            stop("no handshake");
    }
    while (is_open && now_ns() < sender->end_ns)
        is_open = ssl != NULL ? SSL_write(ssl, piece, PIECE_BYTES) > 0
                              : send(sender->fd, piece, PIECE_BYTES, MSG_NOSIGNAL) > 0;
    SSL_free(ssl);
    (void)close(sender->fd);
    return NULL;
}

/* Two ends of a connection through loopback. */
static void connect_pair(int *out_receiver, int *out_sender)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *out_receiver = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, len) < 0 || listen(listener, 1) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) < 0 ||
        connect(*out_receiver, (struct sockaddr *)&address, len) < 0 ||
        (*out_sender = accept(listener, NULL, NULL)) < 0)
        stop("no loopback");
    (void)close(listener);
}

static double bytes_per_second(SSL_CTX *server)
{
    static char piece[4 * PIECE_BYTES];
    struct sender sender = { .context = server };
    SSL_CTX *context = server != NULL ? SSL_CTX_new(TLS_client_method()) : NULL;
    SSL *ssl = NULL;
    pthread_t thread;
    uint64_t start;
    uint64_t bytes = 0;
    ssize_t got;
    int fd;

    connect_pair(&fd, &sender.fd);
    start = now_ns();
    sender.end_ns = start + SPAN_NS;
    if (pthread_create(&thread, NULL, send_pieces, &sender) != 0)
        stop("no thread");
    if (context != NULL) {
        ssl = SSL_new(context);
        SSL_set_fd(ssl, fd);
        if (SSL_connect(ssl) != 1)
            stop("no handshake");
    }
    while ((got = ssl != NULL ? SSL_read(ssl, piece, sizeof(piece))
                              : recv(fd, piece, sizeof(piece), 0)) > 0)
        bytes += (uint64_t)got;
    (void)pthread_join(thread, NULL);
    SSL_free(ssl);
    SSL_CTX_free(context);
    (void)close(fd);
    return (double)bytes * 1e9 / (double)(now_ns() - start);
}

int main(int argc, char **argv)
{
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    double one;
    double many;

    if (argc != 4)
        stop("which directory, certificate and key?");
    if (SSL_CTX_use_certificate_file(server, argv[2], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(server, argv[3], SSL_FILETYPE_PEM) != 1)
        stop("cannot use the certificate");
    one = appends_per_second(argv[1], 1);
    many = appends_per_second(argv[1], FILES_MAX);
    printf("{\"appends_1\": %.0f, \"appends_32\": %.0f, \"write_bytes\": %.0f, "
           "\"socket_bytes\": %.0f, \"tls_bytes\": %.0f}\n",
           one, many, written_per_second(argv[1]), bytes_per_second(NULL),
           bytes_per_second(server));
    SSL_CTX_free(server);
    return 0;
}
