/* The command line. */
#include "cli/options.h"

#include <string.h>

#include "base/bytes.h"
#include "config/nearest.h"

enum { COMMON_OPTIONS = 3 };

/* Where we are in the arguments, and where values go. */
struct parsing {
    struct arguments arguments;
    int next;
    const struct option *own;
    size_t own_count;
    struct options *options;
    const char *set; /* the value of the --set just read */
    struct note *why;
};

static enum err refuse_option(const struct parsing *parsing, struct bytes name)
{
    struct nearest nearest = nearest_make(name);

    nearest_offer(&nearest, "--config");
    nearest_offer(&nearest, "--set");
    nearest_offer(&nearest, "--help");
    for (size_t i = 0; i < parsing->own_count; i++)
        nearest_offer(&nearest, parsing->own[i].name);
    if (nearest.name != NULL)
        return note_fail(parsing->why, ERR_INVALID, "no option %.*s; did you mean %s?",
                         BYTES_ARG(name), nearest.name);
    return note_fail(parsing->why, ERR_INVALID, "no option %.*s; --help lists them",
                     BYTES_ARG(name));
}

static enum err take_value(struct parsing *parsing, const struct option *option,
                           const char *attached)
{
    if (option->flag != NULL) {
        if (attached != NULL)
            return note_fail(parsing->why, ERR_INVALID, "%s takes no value", option->name);
        *option->flag = true;
        return ERR_OK;
    }
    if (attached == NULL && parsing->next == parsing->arguments.count)
        return note_fail(parsing->why, ERR_INVALID, "%s wants a value", option->name);
    *option->value = attached != NULL ? attached : parsing->arguments.at[parsing->next++];
    return ERR_OK;
}

static enum err keep_set(struct parsing *parsing)
{
    struct options *options = parsing->options;

    if (parsing->set == NULL)
        return ERR_OK;
    if (options->sets_count == OPTIONS_SETS_MAX)
        return note_fail(parsing->why, ERR_INVALID, "at most %d --set", OPTIONS_SETS_MAX);
    options->sets[options->sets_count++] = parsing->set;
    parsing->set = NULL;
    return ERR_OK;
}

static enum err take_option(struct parsing *parsing, const char *argument)
{
    const struct option common[COMMON_OPTIONS] = {
        { .name = "--config", .value = &parsing->options->file },
        { .name = "--set", .value = &parsing->set },
        { .name = "--help", .flag = &parsing->options->help },
    };
    const char *equals = strchr(argument, '=');
    size_t len = equals == NULL ? strlen(argument) : (size_t)(equals - argument);
    struct bytes name = bytes_make(argument, len);

    for (size_t i = 0; i < COMMON_OPTIONS + parsing->own_count; i++) {
        const struct option *option =
            i < COMMON_OPTIONS ? &common[i] : &parsing->own[i - COMMON_OPTIONS];

        if (!bytes_equal(name, bytes_from_string(option->name)))
            continue;
        if (take_value(parsing, option, equals == NULL ? NULL : equals + 1) != ERR_OK)
            return ERR_INVALID;
        return keep_set(parsing);
    }
    return refuse_option(parsing, name);
}

static enum err take_word(struct parsing *parsing, const char *word)
{
    struct options *options = parsing->options;

    if (options->words_count == OPTIONS_WORDS_MAX)
        return note_fail(parsing->why, ERR_INVALID, "\"%s\" is one word too many", word);
    options->words[options->words_count++] = word;
    return ERR_OK;
}

enum err options_parse(struct arguments arguments, const struct option *own, size_t own_count,
                       struct options *out_options, struct note *why)
{
    struct options options = { 0 };
    struct parsing parsing = {
        .arguments = arguments, .own = own, .own_count = own_count, .options = &options, .why = why
    };
    bool words_only = false;

    while (parsing.next < arguments.count) {
        const char *argument = arguments.at[parsing.next++];
        enum err err = ERR_OK;

        if (words_only || argument[0] != '-' || argument[1] == '\0')
            err = take_word(&parsing, argument);
        else if (strcmp(argument, "--") == 0)
            words_only = true;
        else
            err = take_option(&parsing, strcmp(argument, "-h") == 0 ? "--help" : argument);
        if (err != ERR_OK)
            return err;
    }
    *out_options = options;
    return ERR_OK;
}
