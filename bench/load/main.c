/* Runs one workload against a server on 127.0.0.1 and prints a line of JSON.
 *
 *     load NAME --port N [--tls] [--user PREFIX] [--accounts N] [--password TEXT]
 *          [--connections N] [--operations N] [--messages N] [--block N] [--recipients N]
 *          [--size BYTES] [--seed N]
 *     load list
 *
 * "busy" is the share of one processor that this program took: near 1, it and not the server was
 * measured. Exit status 1, and the first complaint in "error": the figures are none. */
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
    uint64_t port, accounts, connections, operations, messages, block, recipients, size, seed;
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
        if (strcmp(name, "tls") == 0) {
            is_tls = true;
            continue;
        }
        if (++i == argc)
            stop("an option without a value");
        if (strcmp(name, "user") == 0)
            options->user = argv[i];
        else if (strcmp(name, "password") == 0)
            options->password = argv[i];
        else if (!take_number(&n, name, argv[i]))
            stop("an unknown option");
    }
    options->plan = (struct mail_plan){ .seed = n.seed, .size = n.size };
    options->port = (uint16_t)n.port;
    options->accounts = n.accounts;
    options->connections = n.connections;
    options->operations = n.operations;
    options->messages = n.messages;
    options->block = n.block < n.messages ? n.block : n.messages;
    options->recipients = n.recipients;
    if (is_tls)
        options->context = SSL_CTX_new(TLS_client_method());
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return (*left > *right) - (*left < *right);
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

static void print_result(const struct run_options *options, struct run_result *result)
{
    double seconds = (double)result->wall_ns / 1e9;
    double per_second = seconds > 0 ? 1 / seconds : 0;
    uint64_t p50 = 0;
    uint64_t p99 = 0;

    qsort(result->spans_ns, result->operations, sizeof(uint64_t), compare);
    if (result->operations > 0) {
        p50 = result->spans_ns[result->operations / 2];
        p99 = result->spans_ns[result->operations * 99 / 100];
    }
    printf("{\"workload\": \"%s\", \"connections\": %" PRIu64 ", \"tls\": %s, "
           "\"operations\": %" PRIu64 ", \"items\": %" PRIu64 ", \"errors\": %" PRIu64
           ", \"bytes\": %" PRIu64 ", ",
           options->workload->name, options->connections,
           options->context != NULL ? "true" : "false", result->operations, result->items,
           result->errors, result->bytes);
    printf("\"seconds\": %.6f, \"rate\": %.3f, \"items_rate\": %.3f, \"bytes_rate\": %.0f, "
           "\"p50_ms\": %.4f, \"p99_ms\": %.4f, \"busy\": %.3f, \"error\": ",
           seconds, (double)result->operations * per_second, (double)result->items * per_second,
           (double)result->bytes * per_second, (double)p50 / 1e6, (double)p99 / 1e6,
           result->busy_ns > 0 ? (double)result->cpu_ns / (double)result->busy_ns : 0);
    print_text(result->why);
    puts("}");
}

int main(int argc, char **argv)
{
    struct run_options options = { .user = "user", .password = "benchmark" };
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
    if ((options.workload->prepare != NULL || options.workload->verify != NULL) &&
        options.connections > 1)
        stop("this workload takes one connection");
    (void)signal(SIGPIPE, SIG_IGN);
    is_good = run_workload(&options, &result);
    print_result(&options, &result);
    free(result.spans_ns);
    SSL_CTX_free(options.context);
    return is_good ? 0 : 1;
}
