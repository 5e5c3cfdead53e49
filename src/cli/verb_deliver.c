/* roost deliver: a message from standard input to an account, by LMTP over the unix socket. For
 * MTAs that call a program: the exit codes of sysexits.h tell them what to do. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/ascii.h"
#include "cli/cli.h"
#include "cli/lmtp.h"

enum { READ_BYTES = 64 * 1024 };

/* Standard input as an order reads it. */
struct input {
    struct lmtp_order order;
    struct bytes kept; /* read but not given out yet */
    uint8_t space[READ_BYTES];
};

/* The line "From ..." that mbox files and some MTAs put in front belongs to no message. */
static void skip_from_line(struct input *input)
{
    if (bytes_starts_with(input->kept, BYTES("From ")))
        input->kept = bytes_from(input->kept, bytes_find_byte(input->kept, 0, '\n') + 1);
}

static void read_more(struct input *input)
{
    input->kept = bytes_make(input->space, fread(input->space, 1, READ_BYTES, stdin));
}

/* The beginning of a message. False: there is none, as behind a pipe that broke at once. */
static bool begin_input(struct input *input)
{
    read_more(input);
    if (input->kept.len == 0)
        return false;
    skip_from_line(input);
    return true;
}

static size_t read_input(struct lmtp_order *order, void *into, size_t len)
{
    struct input *input = CONTAINER_OF(order, struct input, order);
    struct bytes part;

    if (input->kept.len == 0)
        read_more(input);
    if (input->kept.len == 0 && ferror(stdin))
        order->read_failed = true;
    part = bytes_slice(input->kept, 0, len);
    if (part.len > 0)
        memcpy(into, part.at, part.len);
    input->kept = bytes_from(input->kept, part.len);
    return part.len;
}

/* What an address may not hold, so that it stays inside its angle brackets. */
static bool is_safe(const char *address)
{
    struct bytes text = bytes_from_string(address);

    for (size_t i = 0; i < text.len; i++)
        if (ascii_is_control(text.at[i]) || text.at[i] == '<' || text.at[i] == '>')
            return false;
    return true;
}

static const char *find_socket(const struct config *config)
{
    for (size_t i = 0; i < config->lmtp_listen.count; i++)
        if (config->lmtp_listen.at[i].is_unix)
            return config->lmtp_listen.at[i].path;
    return NULL;
}

/* Enhanced codes (RFC 3463 s3.2, s3.3, s3.4) say more than the three digits. */
static int exit_code_of(const struct lmtp_outcome *outcome)
{
    const char *enhanced = outcome->text.text[3] != '\0' ? outcome->text.text + 4 : "";

    if (outcome->code < 300)
        return EX_OK;
    if (outcome->code < 500)
        return EX_TEMPFAIL;
    if (strncmp(enhanced, "5.1.7", 5) == 0) /* the sender's address */
        return EX_DATAERR;
    if (strncmp(enhanced, "5.1.", 4) == 0)
        return EX_NOUSER;
    if (strncmp(enhanced, "5.3.4", 5) == 0 || strncmp(enhanced, "5.2.3", 5) == 0 ||
        strncmp(enhanced, "5.6.", 4) == 0)
        return EX_DATAERR;
    return outcome->code == 550 ? EX_NOUSER : EX_UNAVAILABLE;
}

static int deliver(const struct config *config, struct input *input)
{
    const char *path = find_socket(config);
    struct lmtp_outcome outcome = { 0 };
    struct note why = { "" };
    struct dialog dialog;
    enum err err;
    int code;

    if (path == NULL)
        return cli_complain(EX_TEMPFAIL, "lmtp.listen names no unix socket; add one, for example "
                                         "unix:${run}/lmtp");
    if (dialog_open_unix(&dialog, path, LMTP_TIMEOUT_MS, &why) != ERR_OK)
        return cli_complain(EX_TEMPFAIL, "%s; does the server run?", why.text);
    err = lmtp_deliver(&dialog, &input->order, &outcome, &why);
    dialog_done(&dialog);
    if (err != ERR_OK)
        return cli_complain(EX_TEMPFAIL, "not delivered: %s", why.text);
    code = exit_code_of(&outcome);
    return code == EX_OK ? EX_OK : cli_complain(code, "not delivered: %s", outcome.text.text);
}

static int check_words(const struct options *options, const char *mailbox, const char *from)
{
    if (options->words_count != 1)
        return cli_complain(EX_USAGE, "deliver takes one NAME");
    if (!is_safe(options->words[0]) || !is_safe(from) || !is_safe(mailbox))
        return cli_complain(EX_USAGE, "a name or address may not hold <, > or control characters");
    return CLI_GO_ON;
}

static int run(const struct verb *verb, struct arguments arguments)
{
    static struct input input;
    const char *mailbox = "";
    const char *from = "";
    const struct option own[] = { { .name = "--mailbox", .value = &mailbox },
                                  { .name = "--from", .value = &from } };
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, own, ARRAY_COUNT(own));

    if (code == CLI_GO_ON)
        code = check_words(&cli.options, mailbox, from);
    if (code == CLI_GO_ON) {
        code = cli_configure(&cli);
        if (code == EX_CONFIG)
            code = EX_TEMPFAIL; /* the mail waits until the configuration is right again */
    }
    if (code == CLI_GO_ON && !begin_input(&input))
        code = cli_complain(EX_TEMPFAIL, "not delivered: no message came on standard input");
    if (code == CLI_GO_ON) {
        input.order = (struct lmtp_order){ .sender = bytes_from_string(from),
                                           .recipient = bytes_from_string(cli.options.words[0]),
                                           .mailbox = bytes_from_string(mailbox),
                                           .read = read_input };
        code = deliver(&cli.config, &input);
    }
    cli_end(&cli);
    return code;
}

const struct verb verb_deliver = {
    .name = "deliver",
    .summary = "a message from standard input to an account",
    .help = "roost deliver NAME [--mailbox MAILBOX] [--from ADDRESS] < message\n\n"
            "Hands the message to the running server and returns when it is on the disk. The exit\n"
            "code is one of sysexits.h: 0 delivered, 67 no such account or mailbox, 75 try again\n"
            "later, 65 and 69 refused for good.\n\n"
            "  --mailbox MAILBOX   this one instead of INBOX; it must be there\n"
            "  --from ADDRESS      the envelope's sender; empty if not given\n\n"
            "  roost deliver ann --mailbox Archive < message.eml\n"
            "  postfix: mailbox_command = /usr/bin/roost deliver \"$USER\" --from \"$SENDER\"\n",
    .run = run,
};
