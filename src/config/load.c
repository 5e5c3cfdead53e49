/* Reading the file and putting the parts together. */
#include "config/load.h"

#include "sys/files.h"

static enum err read_file(const struct config_request *request, struct config_settings *settings,
                          struct note *why)
{
    const char *file = request->file != NULL ? request->file : CONFIG_FILE_STANDARD;
    struct buf text = buf_make(CONFIG_TEXT_BYTES_MAX);
    enum err err = file_read(file, &text, why);

    if (err == ERR_NOT_FOUND && request->file == NULL) {
        buf_done(&text);
        return ERR_OK;
    }
    if (err == ERR_OK)
        err = config_settings_read(settings, buf_bytes(&text), file, why);
    buf_done(&text);
    return err;
}

enum err config_load(const struct config_request *request, struct config_settings *settings,
                     struct note *why)
{
    enum err err = read_file(request, settings, why);

    for (size_t i = 0; err == ERR_OK && i < request->assignments_count; i++)
        err = config_settings_assign(settings, bytes_from_string(request->assignments[i]),
                                     request->directory, why);
    return err == ERR_OK ? config_settings_complete(settings, &request->place, why) : err;
}
