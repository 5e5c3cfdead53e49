/* From settings to a struct config: each text read by the type of its key, within its limits. */
#include <string.h>

#include "base/num.h"
#include "config/settings.h"
#include "config/value.h"

enum { CONFIG_BYTES_MAX = 4 * 1024 * 1024, PLACE_BYTES_MAX = 256 };

/* One value on its way into its field. */
struct making {
    const struct config_key *key;
    struct bytes text;
    struct arena *arena;
    void *field;
    const char *expected; /* what a good value would have been; NULL: the type says it */
};

static bool expect(struct making *making, const char *what)
{
    making->expected = what;
    return false;
}

static bool within_limits(struct making *making, uint64_t value)
{
    if (value >= making->key->min && value <= making->key->max) {
        *(uint64_t *)making->field = value;
        return true;
    }
    return false;
}

static bool make_path(struct making *making)
{
    struct bytes copy;

    if (making->text.len == 0 ? making->key->min > 0 : making->text.at[0] != '/')
        return false;
    if (bytes_find_byte(making->text, 0, '\0') < making->text.len)
        return false;
    copy = arena_copy(making->arena, making->text);
    *(const char **)making->field = (const char *)copy.at;
    return copy.at != NULL;
}

static bool is_choice(const struct config_key *key, struct bytes word)
{
    unsigned index;

    return key->choices == NULL || config_choice_parse(word, key->choices, &index);
}

static size_t count_words(struct bytes text)
{
    size_t count = 0;

    while (config_word_take(&text).len > 0)
        count++;
    return count;
}

static bool make_list(struct making *making)
{
    struct bytes rest = making->text;
    struct config_list list = { .count = count_words(rest) };

    if (list.count > making->key->max)
        return expect(making, "fewer of them");
    list.at = ARENA_NEW_ARRAY(making->arena, struct bytes, list.count);
    for (size_t i = 0; i < list.count && list.at != NULL; i++) {
        struct bytes word = config_word_take(&rest);

        if (bytes_find_byte(word, 0, ',') < word.len)
            return expect(making, "words parted by blanks, not by commas");
        if (!is_choice(making->key, word))
            return false;
        list.at[i] = arena_copy(making->arena, word);
        if (list.at[i].at == NULL)
            return false;
    }
    *(struct config_list *)making->field = list;
    return list.at != NULL;
}

static bool make_listen(struct making *making)
{
    struct bytes rest = making->text;
    struct config_listen listen = { .count = count_words(rest) };

    if (listen.count > making->key->max)
        return expect(making, "at most 16 addresses");
    listen.at = ARENA_NEW_ARRAY(making->arena, struct listen_address, listen.count);
    for (size_t i = 0; i < listen.count && listen.at != NULL; i++)
        if (!listen_address_parse(config_word_take(&rest), making->arena, &listen.at[i],
                                  &making->expected))
            return false;
    *(struct config_listen *)making->field = listen;
    return listen.at != NULL;
}

static bool make_value(struct making *making)
{
    uint64_t number;

    switch (making->key->type) {
    case CONFIG_PATH: return make_path(making);
    case CONFIG_BOOL: return config_bool_parse(making->text, making->field);
    case CONFIG_NUMBER:
        return num_parse(making->text, UINT64_MAX, &number) && within_limits(making, number);
    case CONFIG_SIZE:
        return config_size_parse(making->text, &number) && within_limits(making, number);
    case CONFIG_DURATION:
        return config_duration_parse(making->text, &number) && within_limits(making, number);
    case CONFIG_CHOICE:
        return config_choice_parse(making->text, making->key->choices, making->field);
    case CONFIG_LIST: return make_list(making);
    case CONFIG_LISTEN: return make_listen(making);
    }
    return false;
}

static enum err refuse(const struct config_settings *settings, size_t index,
                       const struct making *making, struct note *why)
{
    struct buf place = buf_make(PLACE_BYTES_MAX);
    struct buf wanted = buf_make(PLACE_BYTES_MAX);

    config_setting_origin_print(settings, index, &place);
    config_key_wanted_print(making->key, making->expected, &wanted);
    note_set(why, "%.*s: %s = %.*s: expected %.*s; for example %s", BYTES_ARG(buf_bytes(&place)),
             making->key->name, BYTES_ARG(bytes_slice(making->text, 0, 100)),
             BYTES_ARG(buf_bytes(&wanted)), making->key->example);
    buf_done(&wanted);
    buf_done(&place);
    return ERR_INVALID;
}

/* Which setting a listen address stands in. */
struct listener {
    const char *key;
    const struct listen_address *address;
};

static enum err refuse_clash(const struct listener *a, const struct listener *b, struct note *why)
{
    if (a->address->is_unix)
        return note_fail(why, ERR_INVALID, "%s and %s both have unix:%s: only one can listen there",
                         a->key, b->key, a->address->path);
    return note_fail(why, ERR_INVALID,
                     "%s and %s both have port %u of the same address: only one can listen there",
                     a->key, b->key, a->address->port);
}

static enum err check_addresses(const struct config *config, struct note *why)
{
    const struct {
        const char *key;
        const struct config_listen *listen;
    } settings[] = {
        { "imap.listen", &config->imap_listen },
        { "imaps.listen", &config->imaps_listen },
        { "lmtp.listen", &config->lmtp_listen },
        { "metrics.listen", &config->metrics_listen },
    };
    struct listener seen[ARRAY_COUNT(settings) * LISTEN_ADDRESSES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_COUNT(settings); i++) {
        for (size_t j = 0; j < settings[i].listen->count; j++)
            seen[count++] = (struct listener){ settings[i].key, &settings[i].listen->at[j] };
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++)
            if (listen_address_clashes(seen[i].address, seen[j].address))
                return refuse_clash(&seen[i], &seen[j], why);
    }
    return ERR_OK;
}

static enum err check_together(const struct config *config, struct note *why)
{
    bool certificate = config->tls_certificate[0] != '\0';
    bool key = config->tls_key[0] != '\0';

    if (certificate != key)
        return note_fail(why, ERR_INVALID, "%s is set but %s is not: set both or neither",
                         certificate ? "tls.certificate" : "tls.key",
                         certificate ? "tls.key" : "tls.certificate");
    if (config->auth_failure_delay_ms > config->auth_failure_delay_max_ms)
        return note_fail(why, ERR_INVALID, "auth.failure_delay is above auth.failure_delay_max");
    if (config->imap_command_bytes_max < config->imap_literal_bytes_max ||
        config->imap_command_bytes_max < config->imap_line_bytes_max)
        return note_fail(why, ERR_INVALID, "imap.command_bytes_max is below %s",
                         config->imap_command_bytes_max < config->imap_literal_bytes_max
                             ? "imap.literal_bytes_max"
                             : "imap.line_bytes_max");
    return check_addresses(config, why);
}

enum err config_make(const struct config_settings *settings, struct config *out_config,
                     struct note *why)
{
    struct config config = { .arena = arena_make(CONFIG_BYTES_MAX) };
    enum err err;

    for (size_t i = 0; i < config_keys_count; i++) {
        struct making making = {
            .key = &config_keys[i],
            .text = settings->at[i].text,
            .arena = &config.arena,
            .field = (char *)&config + config_keys[i].field,
        };

        if (!make_value(&making)) {
            err = refuse(settings, i, &making, why);
            config_done(&config);
            return err;
        }
    }
    err = check_together(&config, why);
    if (err == ERR_OK)
        *out_config = config;
    else
        config_done(&config);
    return err;
}

enum err config_parse(struct bytes text, struct config *out_config, struct note *why)
{
    static const struct config_place nowhere = { .is_root = true };
    struct config_settings settings;
    enum err err;

    config_settings_init(&settings);
    err = config_settings_read_canonical(&settings, text, why);
    if (err == ERR_OK)
        err = config_settings_complete(&settings, &nowhere, why);
    if (err == ERR_OK)
        err = config_make(&settings, out_config, why);
    config_settings_done(&settings);
    return err;
}

void config_done(struct config *config)
{
    arena_done(&config->arena);
    memset(config, 0, sizeof(*config));
}
