/* The configuration file and the canonical text: what is taken comes back the same. */
#include <stdlib.h>

#include "config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct config_place place = { .home = "/h" };
    struct config_settings settings;
    struct config config;
    struct config again;
    struct note why;
    struct buf text = buf_make(CONFIG_TEXT_BYTES_MAX);

    config_settings_init(&settings);
    if (config_settings_read(&settings, bytes_make(data, size), "f", &why) == ERR_OK &&
        config_settings_complete(&settings, &place, &why) == ERR_OK &&
        config_make(&settings, &config, &why) == ERR_OK) {
        config_settings_print(&settings, &text);
        if (config_parse(buf_bytes(&text), &again, &why) != ERR_OK)
            abort();
        config_done(&again);
        config_done(&config);
    }
    buf_done(&text);
    config_settings_done(&settings);
    return 0;
}
