/* roost config: every setting, its value, where that came from, and what it is for. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "config/value.h"
#include "sys/terminal.h"

enum { LINE_BYTES_MAX = 256 };

/* The words of `text` as comment lines of at most `columns`. */
static void print_wrapped(const char *text, unsigned columns)
{
    struct bytes rest = bytes_from_string(text);
    struct bytes word = config_word_take(&rest);
    size_t used = 0;

    for (; word.len > 0; word = config_word_take(&rest)) {
        if (used > 0 && used + 1 + word.len > columns) {
            (void)putchar('\n');
            used = 0;
        }
        used += (size_t)printf(used == 0 ? "# %.*s" : " %.*s", BYTES_ARG(word));
    }
    (void)putchar('\n');
}

static void explain(const struct config_settings *settings, size_t index, unsigned columns)
{
    const struct config_key *key = &config_keys[index];
    struct buf line = buf_make(LINE_BYTES_MAX);

    print_wrapped(key->help, columns);
    buf_add_string(&line, "Takes ");
    config_key_wanted_print(key, NULL, &line);
    buf_add_format(&line, "; for example %s.", key->example);
    if (key->standard != NULL)
        buf_add_format(&line, " Default: %s.", key->standard[0] == '\0' ? "empty" : key->standard);
    buf_add_string(&line, key->apply == CONFIG_RELOAD ? " A reload applies it."
                                                      : " A restart applies it.");
    buf_add_byte(&line, '\0');
    if (!line.overflowed)
        print_wrapped((const char *)buf_bytes(&line).at, columns);
    buf_clear(&line);
    config_setting_origin_print(settings, index, &line);
    (void)printf("# Value from: %.*s\n%s = %.*s\n\n", BYTES_ARG(buf_bytes(&line)), key->name,
                 BYTES_ARG(settings->at[index].text));
    buf_done(&line);
}

static void print_short(const struct config_settings *settings, size_t index)
{
    struct buf origin = buf_make(LINE_BYTES_MAX);

    config_setting_origin_print(settings, index, &origin);
    (void)printf("%s = %.*s   # %.*s\n", config_keys[index].name,
                 BYTES_ARG(settings->at[index].text), BYTES_ARG(buf_bytes(&origin)));
    buf_done(&origin);
}

/* `word` is a key, or what several begin with ("imap"). */
static bool is_wanted(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->words_count; i++) {
        size_t len = strlen(options->words[i]);

        if (strncmp(name, options->words[i], len) == 0 && (name[len] == '\0' || name[len] == '.'))
            return true;
    }
    return options->words_count == 0;
}

static int refuse_word(const char *word)
{
    const char *nearest = config_key_nearest(bytes_from_string(word));

    if (nearest != NULL)
        return cli_complain(EX_USAGE, "no setting \"%s\"; did you mean %s?", word, nearest);
    return cli_complain(EX_USAGE, "no setting \"%s\"; `roost config --short` lists them", word);
}

static int check_words(const struct options *options)
{
    for (size_t i = 0; i < options->words_count; i++) {
        struct options one = { .words = { options->words[i] }, .words_count = 1 };
        bool found = false;

        for (size_t k = 0; k < config_keys_count; k++)
            found = found || is_wanted(&one, config_keys[k].name);
        if (!found)
            return refuse_word(options->words[i]);
    }
    return CLI_GO_ON;
}

static int run(const struct verb *verb, struct arguments arguments)
{
    bool is_short = false;
    const struct option own[] = { { .name = "--short", .flag = &is_short } };
    struct cli cli = { 0 };
    unsigned columns = terminal_columns();
    int code = cli_begin(&cli, verb, arguments, own, ARRAY_COUNT(own));

    if (code == CLI_GO_ON)
        code = check_words(&cli.options);
    if (code == CLI_GO_ON)
        code = cli_configure(&cli);
    for (size_t i = 0; code == CLI_GO_ON && i < config_keys_count; i++) {
        if (!is_wanted(&cli.options, config_keys[i].name))
            continue;
        if (is_short)
            print_short(&cli.settings, i);
        else
            explain(&cli.settings, i, columns < 100 ? columns : 100);
    }
    cli_end(&cli);
    return code == CLI_GO_ON ? EX_OK : code;
}

const struct verb verb_config = {
    .name = "config",
    .summary = "every setting: what it is for, its value, where that came from",
    .help = "roost config [--short] [SETTING or SECTION ...]\n\n"
            "Explains the settings. What it prints can be used as a configuration file.\n\n"
            "  --short   one line for each\n\n"
            "  roost config imap\n"
            "  roost config > roost.conf\n",
    .run = run,
};
