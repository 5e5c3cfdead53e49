/* Runs one workload against a server on 127.0.0.1 and prints a line of JSON.
 *
 *     load NAME --port N [--tls] [--user PREFIX] [--accounts N] [--password TEXT]
 *          [--connections N] [--operations N] [--least_ms N | --until_told] [--mailbox NAME]
 *          [--messages N] [--period N] [--block N] [--recipients N] [--size BYTES] [--seed N]
 *     load list
 *
 * run.h says what each means. "busy" is the share of one processor that this program took: near 1,
 * it and not the server was measured. Exit status 1, and the first complaint in "error": the
 * figures are none. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "load/run.h"

enum { MESSAGES_MAX = 10 * 1000 * 1000 };

struct numbers {
    uint64_t port, accounts, connections, operations, least_ms, messages, period, block, recipients;
    uint64_t size, seed;
};

static const struct {
    const char *name;
    size_t offset;
    uint64_t standard;
    uint64_t max;
} number_options[] = {
    { "port", offsetof(struct numbers, port), 0, UINT16_MAX },
    { "accounts", offsetof(struct numbers, accounts), 1, 100000 },
    { "connections", offsetof(struct numbers, connections), 1, 10000 },
    { "operations", offsetof(struct numbers, operations), 10, 100000000 },
    { "least_ms", offsetof(struct numbers, least_ms), 0, 3600000 },
    { "period", offsetof(struct numbers, period), 0, MESSAGES_MAX },
    { "messages", offsetof(struct numbers, messages), 1000, MESSAGES_MAX },
    { "block", offsetof(struct numbers, block), 100, MESSAGES_MAX },
    { "recipients", offsetof(struct numbers, recipients), 1, 100 },
    { "size", offsetof(struct numbers, size), 10240, 1024 * 1024 },
    { "seed", offsetof(struct numbers, seed), 1, UINT32_MAX },
};

NORETURN static void stop(const char *why)
{
    (void)fprintf(stderr, "load: %s\n", why);
    exit(64);
}

static bool take_number(struct numbers *numbers, const char *name, const char *text)
{
    for (size_t i = 0; i < ARRAY_COUNT(number_options); i++) {
        char *end;
        uint64_t value;

        if (strcmp(number_options[i].name, name) != 0)
            continue;
        value = strtoull(text, &end, 10);
        if (*text == '-' || end == text || *end != '\0' || value == 0 ||
            value > number_options[i].max)
            stop("a number is missing, or too large");
        *(uint64_t *)(void *)((char *)numbers + number_options[i].offset) = value;
        return true;
    }
    return false;
}

static void read_options(int argc, char **argv, struct run_options *options)
{
    struct numbers n;
    bool is_tls = false;

    for (size_t i = 0; i < ARRAY_COUNT(number_options); i++)
        *(uint64_t *)(void *)((char *)&n + number_options[i].offset) = number_options[i].standard;
    for (int i = 2; i < argc; i++) {
        const char *name = argv[i] + 2;

        if (strncmp(argv[i], "--", 2) != 0)
            stop("options begin with --");
        if (strcmp(name, "tls") == 0 || strcmp(name, "until_told") == 0) {
            *(name[0] == 't' ? &is_tls : &options->until_told) = true;
            continue;
        }
        if (++i == argc)
            stop("an option without a value");
        if (strcmp(name, "user") == 0)
            options->user = argv[i];
        else if (strcmp(name, "password") == 0)
            options->password = argv[i];
        else if (strcmp(name, "mailbox") == 0)
            options->mailbox = argv[i];
        else if (!take_number(&n, name, argv[i]))
            stop("an unknown option");
    }
    options->plan = (struct mail_plan){ .seed = n.seed, .size = n.size, .period = n.period };
    options->port = (uint16_t)n.port;
    options->accounts = n.accounts;
    options->connections = n.connections;
    options->operations = n.operations;
    options->least_ms = n.least_ms;
    options->messages = n.messages;
    options->block = n.block < n.messages ? n.block : n.messages;
    options->recipients = n.recipients;
    if (is_tls)
        options->context = SSL_CTX_new(TLS_client_method());
}

/* The text in JSON's quotes; what is not printable becomes a question mark. */
static void print_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            putchar('\\');
        putchar(c < ' ' || c > '~' ? '?' : c);
    }
    putchar('"');
}

static double ms_of(struct spans *spans, unsigned part)
{
    return (double)spans_percentile(spans, part) / 1e6;
}

static void print_result(const struct run_options *options, struct run_result *result)
{
    double seconds = (double)result->wall_ns / 1e9;
    double per_second = seconds > 0 ? 1 / seconds : 0;

    printf("{\"workload\": \"%s\", \"connections\": %" PRIu64 ", \"tls\": %s, "
           "\"operations\": %" PRIu64 ", \"items\": %" PRIu64 ", \"added\": %" PRIu64
           ", \"errors\": %" PRIu64 ", \"bytes\": %" PRIu64 ", ",
           options->workload->name, options->connections,
           options->context != NULL ? "true" : "false", result->operations, result->items,
           result->added, result->errors, result->bytes);
    printf("\"seconds\": %.6f, \"rate\": %.3f, \"items_rate\": %.3f, \"bytes_rate\": %.0f, "
           "\"p50_ms\": %.4f, \"p99_ms\": %.4f, \"busy\": %.3f, ",
           seconds, (double)result->operations * per_second, (double)result->items * per_second,
           (double)result->bytes * per_second, ms_of(&result->spans, 50), ms_of(&result->spans, 99),
           result->busy_ns > 0 ? (double)result->cpu_ns / (double)result->busy_ns : 0);
    if (result->heard.count > 0)
        printf("\"own_ms\": %.4f, \"heard_ms\": %.4f, \"beside_ms\": %.4f, ",
               ms_of(&result->own, 50), ms_of(&result->heard, 50), ms_of(&result->beside, 50));
    printf("\"error\": ");
    print_text(result->why);
    puts("}");
}

int main(int argc, char **argv)
{
    struct run_options options = { .user = "user", .password = "benchmark", .mailbox = "INBOX" };
    struct run_result result;
    bool is_good;

    if (argc > 1 && strcmp(argv[1], "list") == 0) {
        workload_list();
        return 0;
    }
    if (argc < 2 || (options.workload = workload_find(argv[1])) == NULL)
        stop("which workload? `load list` names them");
    read_options(argc, argv, &options);
    if (options.port == 0)
        stop("which --port?");
    if ((options.workload->prepare != NULL || options.workload->verify != NULL ||
         options.workload->pause_us > 0) &&
        options.connections > 1)
        stop("this workload takes one connection");
    if (options.workload->kind == WORKLOAD_HEAR && options.connections < 2)
        stop("somebody must hear: this workload takes two connections or more");
    (void)signal(SIGPIPE, SIG_IGN);
    is_good = run_workload(&options, &result);
    print_result(&options, &result);
    run_result_done(&result);
    SSL_CTX_free(options.context);
    return is_good ? 0 : 1;
}
