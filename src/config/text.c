/* The configuration file: sections, assignments, continued lines, comments. */
#include <string.h>

#include "base/ascii.h"
#include "config/settings.h"

/* A walk over the lines. An assignment is kept until it is sure that no further line belongs to
 * it. */
struct text {
    struct config_settings *settings;
    const char *file;
    unsigned line;
    struct bytes section;
    const struct config_key *key; /* of the assignment that may go on; NULL: none */
    unsigned key_line;
    struct buf value; /* of that one, so far */
    struct note *why;
};

/* The key of that name, in the section of this line. */
static const struct config_key *find_key(const struct text *text, struct bytes name)
{
    char whole[NEAREST_BYTES_MAX];
    size_t len = text->section.len + 1 + name.len;

    if (text->section.len == 0 || bytes_find_byte(name, 0, '.') < name.len)
        return config_key_find(name);
    if (len > sizeof(whole))
        return NULL;
    memcpy(whole, text->section.at, text->section.len);
    whole[text->section.len] = '.';
    if (name.len > 0)
        memcpy(whole + text->section.len + 1, name.at, name.len);
    return config_key_find(bytes_make(whole, len));
}

static enum err refuse_key(const struct text *text, struct bytes name)
{
    bool whole = text->section.len == 0 || bytes_find_byte(name, 0, '.') < name.len;
    char full[2 * NEAREST_BYTES_MAX];
    struct buf out = buf_make(sizeof(full));
    const char *nearest;

    if (!whole) {
        buf_add(&out, bytes_slice(text->section, 0, NEAREST_BYTES_MAX / 2));
        buf_add_byte(&out, '.');
    }
    buf_add(&out, bytes_slice(name, 0, NEAREST_BYTES_MAX / 2));
    nearest = config_key_nearest(buf_bytes(&out));
    if (nearest == NULL && !whole && config_key_find(name) != NULL)
        note_set(text->why, "%s:%u: \"%.*s\" belongs above the first [section]", text->file,
                 text->line, BYTES_ARG(name));
    else if (nearest == NULL)
        note_set(text->why, "%s:%u: no setting \"%.*s\"; `roost config` lists them all", text->file,
                 text->line, BYTES_ARG(buf_bytes(&out)));
    else
        note_set(text->why, "%s:%u: no setting \"%.*s\"; did you mean %s?", text->file, text->line,
                 BYTES_ARG(buf_bytes(&out)), nearest);
    buf_done(&out);
    return ERR_INVALID;
}

/* Stores the assignment that has ended. */
static enum err finish_assignment(struct text *text)
{
    struct config_setting *setting;

    if (text->key == NULL)
        return ERR_OK;
    setting = &text->settings->at[text->key - config_keys];
    if (setting->origin == CONFIG_ORIGIN_FILE)
        return note_fail(text->why, ERR_INVALID, "%s:%u: %s is set a second time, first on line %u",
                         text->file, text->key_line, text->key->name, setting->line);
    setting->text = arena_copy(&text->settings->arena, buf_bytes(&text->value));
    if (text->value.overflowed || setting->text.at == NULL)
        return note_fail(text->why, ERR_LIMIT, "%s:%u: the value of %s is too long", text->file,
                         text->key_line, text->key->name);
    setting->origin = CONFIG_ORIGIN_FILE;
    setting->line = text->key_line;
    text->key = NULL;
    return ERR_OK;
}

static enum err read_section(struct text *text, struct bytes line)
{
    struct bytes name = bytes_trim(bytes_slice(line, 1, line.len - 2));
    struct nearest nearest = nearest_make(name);

    if (!bytes_ends_with(line, BYTES("]")))
        return note_fail(text->why, ERR_INVALID, "%s:%u: ] is missing at the end of the section",
                         text->file, text->line);
    for (size_t i = 0; i < config_sections_count; i++) {
        if (bytes_equal(name, bytes_from_string(config_sections[i]))) {
            text->section = name;
            return ERR_OK;
        }
        nearest_offer(&nearest, config_sections[i]);
    }
    if (nearest.name != NULL)
        return note_fail(text->why, ERR_INVALID, "%s:%u: no section [%.*s]; did you mean [%s]?",
                         text->file, text->line, BYTES_ARG(name), nearest.name);
    return note_fail(text->why, ERR_INVALID,
                     "%s:%u: no section [%.*s]; `roost config` lists all "
                     "settings",
                     text->file, text->line, BYTES_ARG(name));
}

static enum err read_assignment(struct text *text, struct bytes line)
{
    size_t equals = bytes_find_byte(line, 0, '=');
    struct bytes name = bytes_trim(bytes_slice(line, 0, equals));

    if (equals == line.len || name.len == 0)
        return note_fail(text->why, ERR_INVALID,
                         "%s:%u: \"%.*s\" is neither key = value nor "
                         "[section]",
                         text->file, text->line, BYTES_ARG(bytes_slice(line, 0, 80)));
    text->key = find_key(text, name);
    if (text->key == NULL)
        return refuse_key(text, name);
    text->key_line = text->line;
    buf_clear(&text->value);
    buf_add(&text->value, bytes_trim(bytes_from(line, equals + 1)));
    return ERR_OK;
}

/* Without the comment: `#` or `;` at the start or after a blank. */
static struct bytes without_comment(struct bytes line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((line.at[i] == '#' || line.at[i] == ';') && (i == 0 || ascii_is_blank(line.at[i - 1])))
            return bytes_slice(line, 0, i);
    return line;
}

static bool has_control_byte(struct bytes line)
{
    for (size_t i = 0; i < line.len; i++)
        if (ascii_is_control(line.at[i]) && line.at[i] != '\t')
            return true;
    return false;
}

/* An indented line goes on with the one before it, unless it names a setting itself. */
static bool goes_on(const struct text *text, struct bytes line, struct bytes content)
{
    size_t equals = bytes_find_byte(content, 0, '=');

    if (text->key == NULL || !ascii_is_blank(line.at[0]))
        return false;
    return equals == content.len ||
           find_key(text, bytes_trim(bytes_slice(content, 0, equals))) == NULL;
}

static enum err read_line(struct text *text, struct bytes line)
{
    struct bytes content = bytes_trim(without_comment(line));
    enum err err;

    if (bytes_trim(line).len > 0 && content.len == 0)
        return ERR_OK; /* a comment alone ends nothing */
    if (has_control_byte(content))
        return note_fail(text->why, ERR_INVALID, "%s:%u: a control character", text->file,
                         text->line);
    if (content.len > 0 && goes_on(text, line, content)) {
        buf_add_byte(&text->value, ' ');
        buf_add(&text->value, content);
        return ERR_OK;
    }
    err = finish_assignment(text);
    if (err != ERR_OK || content.len == 0)
        return err;
    return content.at[0] == '[' ? read_section(text, content) : read_assignment(text, content);
}

static struct bytes line_take(struct bytes *rest)
{
    size_t end = bytes_find_byte(*rest, 0, '\n');
    struct bytes line = bytes_slice(*rest, 0, end);

    *rest = bytes_from(*rest, end + 1);
    return bytes_ends_with(line, BYTES("\r")) ? bytes_slice(line, 0, line.len - 1) : line;
}

enum err config_settings_read(struct config_settings *settings, struct bytes text, const char *file,
                              struct note *why)
{
    struct text reading = {
        .settings = settings,
        .file = file,
        .value = buf_make(CONFIG_VALUE_BYTES_MAX),
        .why = why,
    };
    enum err err = ERR_OK;

    if (text.len > CONFIG_TEXT_BYTES_MAX)
        return note_fail(why, ERR_LIMIT, "%s: larger than 1 MB", file);
    settings->file = file;
    while (err == ERR_OK && text.len > 0) {
        reading.line++;
        err = read_line(&reading, line_take(&text));
    }
    if (err == ERR_OK)
        err = finish_assignment(&reading);
    buf_done(&reading.value);
    return err;
}

enum err config_settings_read_canonical(struct config_settings *settings, struct bytes text,
                                        struct note *why)
{
    if (text.len > CONFIG_TEXT_BYTES_MAX)
        return note_fail(why, ERR_LIMIT, "the configuration is larger than 1 MB");
    while (text.len > 0) {
        struct bytes line = line_take(&text);
        size_t equals = bytes_find(line, 0, BYTES(" = "));
        const struct config_key *key = config_key_find(bytes_slice(line, 0, equals));
        struct config_setting *setting;

        if (key == NULL || equals == line.len)
            return note_fail(why, ERR_INVALID, "\"%.*s\" is no canonical setting",
                             BYTES_ARG(bytes_slice(line, 0, 80)));
        setting = &settings->at[key - config_keys];
        setting->text = arena_copy(&settings->arena, bytes_from(line, equals + 3));
        setting->origin = CONFIG_ORIGIN_SET;
        setting->is_canonical = true;
        if (setting->text.at == NULL)
            return note_fail(why, ERR_LIMIT, "the configuration is too long");
    }
    return ERR_OK;
}
