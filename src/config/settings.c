/* Settings: where they come from, their defaults, and their canonical text. */
#include "config/settings.h"

#include <assert.h>
#include <string.h>

enum { SETTINGS_BYTES_MAX = 4 * 1024 * 1024 };

void config_settings_init(struct config_settings *settings)
{
    memset(settings, 0, sizeof(*settings));
    settings->arena = arena_make(SETTINGS_BYTES_MAX);
}

void config_settings_done(struct config_settings *settings)
{
    arena_done(&settings->arena);
}

static enum err too_long(struct note *why)
{
    return note_fail(why, ERR_LIMIT, "the configuration is too long");
}

static enum err refuse_unknown(struct bytes name, struct note *why)
{
    const char *nearest = config_key_nearest(name);

    if (nearest != NULL)
        return note_fail(why, ERR_INVALID, "--set: no setting \"%.*s\"; did you mean %s?",
                         BYTES_ARG(name), nearest);
    return note_fail(why, ERR_INVALID, "--set: no setting \"%.*s\"; `roost config` lists them all",
                     BYTES_ARG(name));
}

enum err config_settings_assign(struct config_settings *settings, struct bytes assignment,
                                const char *directory, struct note *why)
{
    size_t equals = bytes_find_byte(assignment, 0, '=');
    struct bytes name = bytes_trim(bytes_slice(assignment, 0, equals));
    struct bytes value = bytes_trim(bytes_from(assignment, equals + 1));
    const struct config_key *key = config_key_find(name);
    struct config_setting *setting;

    if (equals == assignment.len)
        return note_fail(why, ERR_INVALID, "--set %.*s: write KEY=VALUE", BYTES_ARG(assignment));
    if (key == NULL)
        return refuse_unknown(name, why);
    setting = &settings->at[key - config_keys];
    if (key->type == CONFIG_PATH && value.len > 0 && value.at[0] != '/' && value.at[0] != '$')
        setting->text = bytes_from_string(
            arena_format(&settings->arena, "%s/%.*s", directory, BYTES_ARG(value)));
    else
        setting->text = arena_copy(&settings->arena, value);
    if (setting->text.at == NULL)
        return too_long(why);
    setting->origin = CONFIG_ORIGIN_SET;
    return ERR_OK;
}

static const char *standard_data(struct arena *arena, const struct config_place *place)
{
    if (place->is_root)
        return "/var/lib/roost";
    if (place->data_home != NULL && place->data_home[0] == '/')
        return arena_format(arena, "%s/roost", place->data_home);
    if (place->home != NULL && place->home[0] == '/')
        return arena_format(arena, "%s/.local/share/roost", place->home);
    return "";
}

static const char *standard_run(struct arena *arena, const struct config_place *place)
{
    if (place->is_root)
        return "/run/roost";
    if (place->runtime_dir != NULL && place->runtime_dir[0] == '/')
        return arena_format(arena, "%s/roost", place->runtime_dir);
    return "${data}/run";
}

static struct bytes standard_text(struct arena *arena, const struct config_key *key,
                                  const struct config_place *place)
{
    if (key->standard != NULL)
        return bytes_from_string(key->standard);
    return bytes_from_string(key->field == offsetof(struct config, data)
                                 ? standard_data(arena, place)
                                 : standard_run(arena, place));
}

static struct config_setting *named(struct config_settings *settings, const char *name)
{
    const struct config_key *key = config_key_find(bytes_from_string(name));

    assert(key != NULL);
    return &settings->at[key - config_keys];
}

struct mark {
    const char *text;
    const char *name;
};

/* The mark that `text` begins with and that stands for a setting before number `index` of the
 * table: so data refers to nothing, run to data, the rest to both. NULL: none. */
static const struct mark *mark_at(struct bytes text, size_t index)
{
    static const struct mark marks[] = { { "${data}", "data" }, { "${run}", "run" } };

    for (size_t i = 0; i < ARRAY_COUNT(marks) && i < index; i++)
        if (bytes_starts_with(text, bytes_from_string(marks[i].text)))
            return &marks[i];
    return NULL;
}

/* The text with its marks replaced; other dollars stay as they are. */
static enum err expand(struct config_settings *settings, size_t index, struct note *why)
{
    struct config_setting *setting = &settings->at[index];
    struct buf out = buf_make(CONFIG_VALUE_BYTES_MAX);
    struct bytes rest = setting->text;
    enum err err = ERR_OK;

    while (rest.len > 0) {
        const struct mark *mark = mark_at(rest, index);

        if (mark == NULL)
            buf_add_byte(&out, rest.at[0]);
        else
            buf_add(&out, named(settings, mark->name)->text);
        rest = bytes_from(rest, mark == NULL ? 1 : strlen(mark->text));
    }
    setting->text = arena_copy(&settings->arena, buf_bytes(&out));
    if (out.overflowed || setting->text.at == NULL)
        err = too_long(why);
    buf_done(&out);
    return err;
}

static bool has_marks(const struct config_key *key, const struct config_setting *setting)
{
    return !setting->is_canonical && setting->text.len > 0 &&
           (key->type == CONFIG_PATH || key->type == CONFIG_LISTEN);
}

enum err config_settings_complete(struct config_settings *settings,
                                  const struct config_place *place, struct note *why)
{
    /* data comes first in the table and run second: what they stand for is known in time. */
    for (size_t i = 0; i < config_keys_count; i++) {
        struct config_setting *setting = &settings->at[i];

        if (setting->origin == CONFIG_ORIGIN_DEFAULT)
            setting->text = standard_text(&settings->arena, &config_keys[i], place);
        if (has_marks(&config_keys[i], setting) && expand(settings, i, why) != ERR_OK)
            return ERR_LIMIT;
    }
    return ERR_OK;
}

void config_settings_print(const struct config_settings *settings, struct buf *out)
{
    for (size_t i = 0; i < config_keys_count; i++) {
        buf_add_format(out, "%s = ", config_keys[i].name);
        buf_add(out, settings->at[i].text);
        buf_add_byte(out, '\n');
    }
}

void config_setting_origin_print(const struct config_settings *settings, size_t index,
                                 struct buf *out)
{
    const struct config_setting *setting = &settings->at[index];

    switch (setting->origin) {
    case CONFIG_ORIGIN_DEFAULT: buf_add_string(out, "default"); break;
    case CONFIG_ORIGIN_SET: buf_add_string(out, "--set"); break;
    case CONFIG_ORIGIN_FILE: buf_add_format(out, "%s:%u", settings->file, setting->line); break;
    }
}
