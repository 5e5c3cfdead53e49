/* Clients at random against a server over sockets, with the same model.
 *
 *     model_outside --port N --user NAME --password TEXT [--seed N] [--commands N] [--seconds N]
 *
 * The account is new and nobody else's. One client at a time has commands at work, alone or as a
 * pipeline, so the order is known; others sit in IDLE and must be told, or break off in the middle
 * of a command. A failure prints the seed and what was said last. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "model/clock.h"
#include "model/generate.h"
#include "model/mouth.h"
#include "model/samples.h"

enum {
    PEOPLE = 4,
    HEARD_MAX = 64 * 1024 * 1024,
    WAIT_MS = 60000,
    LOG_BYTES = 60000,
    FIRST_SAMPLE = 4,
};

struct options {
    uint16_t port;
    const char *user;
    const char *password;
    uint64_t seed;
    uint64_t commands;
    uint64_t seconds;
};

struct person {
    struct client client;
    struct mouth mouth;
    struct buf heard;
    int fd;
};

static struct {
    struct options options;
    struct world world;
    struct generator generator;
    struct person people[PEOPLE];
    struct buf log; /* what was said last */
    uint64_t commands;
    uint64_t responses;
    uint64_t by_verb[VERB_COUNT];
    uint64_t cuts;
} run;

NORETURN void model_fail(const char *format, ...)
{
    struct bytes log = buf_bytes(&run.log);
    va_list list;

    printf("%.*s", (int)log.len, (const char *)log.at);
    printf("# seed %llu: ", (unsigned long long)run.options.seed);
    va_start(list, format);
    (void)vprintf(format, list);
    va_end(list);
    printf("\n");
    (void)fflush(stdout);
    exit(1);
}

static void note(const struct person *person, char who, struct bytes text)
{
    if (run.log.len > LOG_BYTES)
        buf_consume(&run.log, run.log.len / 2);
    while (text.len > 0) {
        size_t end = bytes_find(text, 0, BYTES("\r\n"));

        buf_add_format(&run.log, "%c%u%s: %.*s\n", who, person->client.number,
                       end == text.len ? "-" : "", (int)(end > 300 ? 300 : end),
                       (const char *)text.at);
        text = bytes_from(text, end == text.len ? end : end + 2);
    }
}

static uint64_t below(uint64_t limit)
{
    return test_random_below(&run.generator.random, limit);
}

/* --- bytes --- */

static void hear(struct person *person)
{
    ssize_t got = recv(person->fd, buf_reserve(&person->heard, 65536), 65536, MSG_DONTWAIT);

    if (got == 0)
        model_fail("the server closes the connection");
    if (got > 0)
        buf_commit(&person->heard, (size_t)got);
}

static void read_heard(struct person *person)
{
    struct bytes heard = buf_bytes(&person->heard);
    size_t at = 0;

    for (size_t len; (len = reader_response_len(bytes_from(heard, at))) > 0; at += len) {
        note(person, 'S', bytes_slice(heard, at, len));
        client_read(&person->client, bytes_slice(heard, at, len - 2));
        mouth_hear(&person->mouth, &person->client);
        run.responses++;
    }
    buf_consume(&person->heard, at);
}

/* Says what may be said, hears what there is. */
static void turn(struct person *person, int wait_ms)
{
    struct bytes ready = mouth_ready(&person->mouth);
    struct pollfd poll_fd = { .fd = person->fd, .events = POLLIN };

    if (ready.len > 0)
        poll_fd.events |= POLLOUT;
    if (poll(&poll_fd, 1, wait_ms) == 0 && wait_ms > 0)
        model_fail("nothing comes for client %u", person->client.number);
    if ((poll_fd.revents & POLLOUT) != 0) {
        ssize_t sent = send(person->fd, ready.at, ready.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent > 0) {
            note(person, 'C', bytes_slice(ready, 0, (size_t)sent));
            mouth_take(&person->mouth, &person->client, (size_t)sent);
        }
    }
    if ((poll_fd.revents & (POLLIN | POLLHUP)) != 0)
        hear(person);
    read_heard(person);
}

static bool is_idle(const struct client *client)
{
    return client->pending_count > 0 && client->pending[0].command.verb == VERB_IDLE &&
           client->pending[0].continued;
}

static void finish(struct person *person)
{
    while (person->client.pending_count > 0 && !is_idle(&person->client))
        turn(person, WAIT_MS);
}

/* --- connections --- */

/* Before the model looks on: lines that are not the test's business. */
static void ask(struct person *person, const char *line, const char *until)
{
    char text[600];
    size_t len = 0;

    if (line != NULL && send(person->fd, line, strlen(line), MSG_NOSIGNAL) < 0)
        model_fail("the server is not there");
    text[0] = '\0';
    while (strstr(text, until) == NULL) {
        ssize_t got = recv(person->fd, text + len, sizeof(text) - 1 - len, 0);

        if (got <= 0)
            model_fail("%s is not answered", until);
        len += (size_t)got;
        text[len] = '\0';
    }
    buf_clear(&run.log);
    buf_add_string(&run.log, text);
}

static void enter(struct person *person, unsigned number)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(run.options.port) };
    char line[200];

    memset(&person->client, 0, sizeof(person->client));
    person->client.number = number;
    person->client.world = &run.world;
    mouth_init(&person->mouth);
    person->heard = buf_make(HEARD_MAX);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    person->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(person->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        model_fail("nobody listens on port %u", run.options.port);
    (void)snprintf(line, sizeof(line), "l LOGIN \"%s\" \"%s\"\r\n", run.options.user,
                   run.options.password);
    ask(person, NULL, "\r\n");
    ask(person, line, "l OK ");
}

static void leave(struct person *person)
{
    (void)close(person->fd);
    mouth_done(&person->mouth);
    buf_done(&person->heard);
}

/* The first message tells where the count of changes stands. */
static void begin(void)
{
    static const char append[] = "a APPEND INBOX {23+}\r\nX-Number: 000000001\r\n\r\n\r\n";
    static const struct row_model first = { .sample = FIRST_SAMPLE, .number = 1 };
    struct person *person = &run.people[0];
    struct bytes said;
    struct reader reader;

    enter(person, 1);
    ask(person, append, "a OK ");
    ask(person, "b STATUS INBOX (HIGHESTMODSEQ)\r\n", "b OK ");
    said = buf_bytes(&run.log);
    reader = (struct reader){ said, bytes_find(said, 0, BYTES("SEQ ")) + 4 };
    world_init(&run.world, reader_number(&reader));
    (void)box_add(&run.world, world_find(&run.world, "INBOX"), &first, 0);
    leave(person);
    run.generator.numbers = 1;
    for (unsigned i = 0; i < PEOPLE; i++)
        enter(&run.people[i], i + 1);
}

/* --- what they do --- */

static bool may_say_more(const struct client *client)
{
    const struct pending *last = &client->pending[client->pending_count - 1];

    return client->pending_count < PENDING_MAX && last->command.verb != VERB_IDLE &&
           last->command.verb != VERB_ENABLE && last->command.verb != VERB_LOGOUT &&
           last->command.verb != VERB_UNAUTHENTICATE;
}

static bool anyone_is_idle(void)
{
    for (unsigned i = 0; i < PEOPLE; i++)
        if (is_idle(&run.people[i].client))
            return true;
    return false;
}

/* Of two in IDLE nobody knows which one hears first, and has the \Recent. */
static void say(struct person *person)
{
    struct model_command command;

    do {
        model_generate(&run.generator, &person->client, person->client.pending_count > 0, &command);
    } while (command.verb == VERB_IDLE && anyone_is_idle());
    mouth_say(&person->mouth, &person->client, &command);
    run.commands++;
    run.by_verb[command.verb]++;
}

/* All that the server still says, until it has noticed that nothing more comes: it may have told of
 * new messages, which are not recent for anybody else then. */
static void hear_out(struct person *person)
{
    struct pollfd poll_fd = { .fd = person->fd, .events = POLLIN };
    ssize_t got;

    (void)shutdown(person->fd, SHUT_WR);
    do {
        uint8_t piece[4096];

        if (poll(&poll_fd, 1, WAIT_MS) != 1)
            model_fail("the server does not end client %u", person->client.number);
        got = recv(person->fd, piece, sizeof(piece), 0);
        if (got > 0)
            buf_add(&person->heard, bytes_make(piece, (size_t)got));
    } while (got > 0);
    read_heard(person);
}

/* Half a command, and the connection breaks: nothing happens. */
static void break_off(struct person *person)
{
    unsigned number = person->client.number;
    struct bytes ready;

    say(person);
    ready = mouth_ready(&person->mouth);
    ready = bytes_slice(ready, 0, below(ready.len > 2 ? ready.len - 2 : 1));
    note(person, 'C', ready);
    if (send(person->fd, ready.at, ready.len, MSG_NOSIGNAL) < 0)
        model_fail("the server is not there");
    hear_out(person);
    leave(person);
    enter(person, number);
    run.cuts++;
}

static void end_idle(struct person *person)
{
    buf_add(&person->mouth.unsent, BYTES("DONE\r\n"));
    while (is_idle(&person->client))
        turn(person, WAIT_MS);
}

/* Those in IDLE are told by themselves (RFC 9051 section 6.3.13). */
static void tell_idle(void)
{
    for (unsigned i = 0; i < PEOPLE; i++) {
        struct person *person = &run.people[i];

        while (is_idle(&person->client) && !client_is_told(&person->client, true))
            turn(person, WAIT_MS);
    }
}

static void act(void)
{
    struct person *person = &run.people[below(PEOPLE)];
    unsigned count = below(6) == 0 ? 1 + (unsigned)below(4) : 1;

    if (is_idle(&person->client)) {
        if (below(4) != 0)
            return;
        end_idle(person);
    } else if (below(60) == 0) {
        break_off(person);
    }
    say(person);
    /* Who is in IDLE hears of each command by itself, so one after the other is said. */
    while (--count > 0 && may_say_more(&person->client) && !anyone_is_idle())
        say(person);
    finish(person);
    if (person->client.ended) {
        leave(person);
        enter(person, (unsigned)(person - run.people) + 1);
    }
    tell_idle();
}

static bool is_worn_out(void)
{
    if (run.world.box_count > BOXES_MAX - 60 || run.world.name_count > BOXES_MAX * 3)
        return true;
    for (unsigned i = 0; i < run.world.box_count; i++)
        if (run.world.boxes[i].row_count > BOX_ROWS_MAX - 150)
            return true;
    return false;
}

static void set_clock(void)
{
    time_t now = time(NULL);
    struct tm day;

    (void)gmtime_r(&now, &day);
    model_clock = (struct model_clock){
        .seconds = now, .day = (day.tm_year + 1900) * 10000 + (day.tm_mon + 1) * 100 + day.tm_mday
    };
}

static bool read_options(struct options *options, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];

        if (strcmp(argv[i], "--port") == 0)
            options->port = (uint16_t)strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--user") == 0)
            options->user = value;
        else if (strcmp(argv[i], "--password") == 0)
            options->password = value;
        else if (strcmp(argv[i], "--seed") == 0)
            options->seed = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--commands") == 0)
            options->commands = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            options->seconds = strtoull(value, NULL, 10);
        else
            return false;
    }
    return options->port != 0 && options->user != NULL && options->password != NULL;
}

int main(int argc, char **argv)
{
    time_t start = time(NULL);

    run.options = (struct options){ .seed = 1, .commands = 5000, .seconds = UINT64_MAX };
    run.log = buf_make(1 << 24);
    if (!read_options(&run.options, argc, argv)) {
        fprintf(stderr, "usage: model_outside --port N --user NAME --password TEXT [--seed N] "
                        "[--commands N] [--seconds N]\n");
        return 64;
    }
    samples_init();
    set_clock();
    run.generator.random.state = run.options.seed;
    begin();
    while (run.commands < run.options.commands && !is_worn_out() &&
           (uint64_t)(time(NULL) - start) < run.options.seconds)
        act();
    printf("%llu commands, %llu responses checked, cut off %llu\n",
           (unsigned long long)run.commands, (unsigned long long)run.responses,
           (unsigned long long)run.cuts);
    for (unsigned i = 0; i < VERB_COUNT; i++)
        printf("%s%s %llu", i == 0 ? "" : ", ", verb_words[i], (unsigned long long)run.by_verb[i]);
    printf("\n");
    for (unsigned i = 0; i < PEOPLE; i++)
        leave(&run.people[i]);
    return 0;
}
