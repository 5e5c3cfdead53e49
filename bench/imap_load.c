/* One IMAP client that goes round NOOP, FETCH of a message, STORE of a flag and APPEND, one command
 * at a time, until its standard input ends; then it tells how long each answer took.
 *
 *     imap_load PORT USER PASSWORD PAUSE_US
 *
 * On 127.0.0.1, in INBOX, which has messages with UIDs 10, 20, ... 500. Between two commands it
 * rests for PAUSE_US. Prints "ready" when it has begun, and at the end a line for each command: its
 * name, when it was sent (microseconds of CLOCK_MONOTONIC), how long it took (nanoseconds). It is
 * in C because what is measured takes less time than a script needs to notice. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    ANSWER_BYTES_MAX = 256 * 1024,
    COMMAND_BYTES_MAX = 4096,
    MESSAGE_BYTES = 2000,
    UIDS = 50,
    SAMPLES_MAX = 4 * 1000 * 1000,
};

enum kind { NOOP, FETCH, STORE, APPEND, KINDS };
static const char *const names[KINDS] = { "NOOP", "FETCH", "STORE", "APPEND" };

struct sample {
    uint8_t kind;
    uint64_t begun_us;
    uint64_t span_ns;
};

struct client {
    int fd;
    unsigned number; /* of the command */
    char answer[ANSWER_BYTES_MAX];
    char command[COMMAND_BYTES_MAX];
    struct sample *samples;
    size_t count;
};

static void fail(const char *what)
{
    fprintf(stderr, "imap_load: %s\n", what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

static int connect_to(const char *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        fail("cannot connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

/* The last whole line among `have` bytes. */
static char *last_line(struct client *client, size_t have)
{
    char *before = have > 1 ? memrchr(client->answer, '\n', have - 1) : NULL;

    return before == NULL ? client->answer : before + 1;
}

/* Reads until a line that begins with `tag` has come; it must say OK. */
static void wait_for(struct client *client, const char *tag)
{
    size_t tag_len = strlen(tag);
    size_t have = 0;

    for (;;) {
        ssize_t got = recv(client->fd, client->answer + have, ANSWER_BYTES_MAX - have - 1, 0);
        char *line;

        if (got <= 0)
            fail("the server has gone");
        have += (size_t)got;
        client->answer[have] = '\0';
        line = last_line(client, have);
        if (client->answer[have - 1] == '\n' && strncmp(line, tag, tag_len) == 0) {
            if (strncmp(line + tag_len, " OK", 3) != 0)
                fail(line);
            return;
        }
        if (have > ANSWER_BYTES_MAX / 2) { /* news of many messages: of no interest */
            have -= (size_t)(line - client->answer);
            memmove(client->answer, line, have);
        }
    }
}

static void ask(struct client *client, const char *command)
{
    char tag[16];
    int len;

    (void)snprintf(tag, sizeof(tag), "t%u", ++client->number);
    len = snprintf(client->command, COMMAND_BYTES_MAX, "%s %s\r\n", tag, command);
    if (len >= COMMAND_BYTES_MAX || send(client->fd, client->command, (size_t)len, 0) != len)
        fail("cannot send");
    wait_for(client, tag);
}

static void write_command(enum kind kind, unsigned round, char command[COMMAND_BYTES_MAX])
{
    unsigned uid = 10 * (1 + round % UIDS);

    switch (kind) {
    case NOOP: (void)snprintf(command, COMMAND_BYTES_MAX, "NOOP"); break;
    case FETCH: (void)snprintf(command, COMMAND_BYTES_MAX, "UID FETCH %u BODY.PEEK[]", uid); break;
    case STORE:
        (void)snprintf(command, COMMAND_BYTES_MAX, "UID STORE %u %sFLAGS (\\Seen)", uid,
                       round / UIDS % 2 == 0 ? "+" : "-");
        break;
    case APPEND:
        (void)snprintf(command, COMMAND_BYTES_MAX, "APPEND INBOX {%d+}\r\n%0*u", MESSAGE_BYTES,
                       MESSAGE_BYTES, round);
        memcpy(strchr(command, '\n') + 1, "Subject: load\r\n\r\n", 17);
        break;
    case KINDS: break;
    }
}

static void measure(struct client *client, enum kind kind, unsigned round)
{
    char command[COMMAND_BYTES_MAX];
    uint64_t begun;

    write_command(kind, round, command);
    begun = now_ns();
    ask(client, command);
    if (client->count < SAMPLES_MAX)
        client->samples[client->count++] =
            (struct sample){ (uint8_t)kind, begun / 1000, now_ns() - begun };
}

/* The pause; false when the input has ended. */
static bool rest(long pause_us)
{
    struct timespec pause = { 0, pause_us * 1000 };
    struct pollfd input = { .fd = 0, .events = POLLIN };

    return ppoll(&input, 1, &pause, NULL) == 0;
}

int main(int argc, char **argv)
{
    static struct client client;
    char login[256];
    bool more = true;

    if (argc != 5)
        fail("PORT USER PASSWORD PAUSE_US");
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    client.samples = malloc(SAMPLES_MAX * sizeof(*client.samples));
    if (client.samples == NULL)
        fail("no memory");
    client.fd = connect_to(argv[1]);
    (void)snprintf(login, sizeof(login), "LOGIN %s %s", argv[2], argv[3]);
    ask(&client, login);
    ask(&client, "SELECT INBOX");
    printf("ready\n");
    fflush(stdout);
    for (unsigned round = 0; more; round++) {
        for (enum kind kind = 0; kind < KINDS && more; kind++) {
            measure(&client, kind, round);
            more = rest(strtol(argv[4], NULL, 10));
        }
    }
    for (size_t i = 0; i < client.count; i++)
        printf("%s %llu %llu\n", names[client.samples[i].kind],
               (unsigned long long)client.samples[i].begun_us,
               (unsigned long long)client.samples[i].span_ns);
    return 0;
}
