/* Reading the configuration, at the start and again. */
#include "daemon/supervisor/settings.h"

#include "config/keys.h"

static void keep_what_needs_a_restart(struct config_settings *settings,
                                      const struct config_settings *old, const char **out_kept)
{
    for (size_t i = 0; i < config_keys_count; i++) {
        struct bytes text = old->at[i].text;

        if (config_keys[i].apply == CONFIG_RELOAD || bytes_equal(text, settings->at[i].text))
            continue;
        if (*out_kept == NULL)
            *out_kept = config_keys[i].name;
        settings->at[i] = old->at[i];
        settings->at[i].text = arena_copy(&settings->arena, text);
    }
}

enum err reading_make(const struct config_request *request, const struct config_settings *old,
                      struct reading *out_reading, const char **out_kept, struct note *why)
{
    struct reading reading = { .text = buf_make(CONFIG_TEXT_BYTES_MAX) };
    enum err err;

    *out_kept = NULL;
    config_settings_init(&reading.settings);
    err = config_load(request, &reading.settings, why);
    if (err == ERR_OK && old != NULL)
        keep_what_needs_a_restart(&reading.settings, old, out_kept);
    if (err == ERR_OK)
        err = config_make(&reading.settings, &reading.config, why);
    if (err == ERR_OK) {
        config_settings_print(&reading.settings, &reading.text);
        if (reading.text.overflowed)
            err = note_fail(why, ERR_LIMIT, "the configuration is too long");
    }
    if (err != ERR_OK) {
        reading_done(&reading);
        return err;
    }
    *out_reading = reading;
    return ERR_OK;
}

void reading_done(struct reading *reading)
{
    config_settings_done(&reading->settings);
    config_done(&reading->config);
    buf_done(&reading->text);
}

void reading_use(struct reading *reading, struct supervisor *supervisor)
{
    config_settings_done(&supervisor->settings);
    config_done(&supervisor->config);
    buf_done(&supervisor->config_text);
    supervisor->settings = reading->settings;
    supervisor->config = reading->config;
    supervisor->config_text = reading->text;
}
