/* Reading dialogues. */
#include "kit/script.h"

#include <stdio.h>

#include "base/ascii.h"
#include "base/buf.h"

#define ANY BYTES("<any>")

enum { SCRIPT_BYTES_MAX = 1 << 20 };

static bool read_file(const char *path, struct buf *into)
{
    FILE *file = fopen(path, "rb");
    char chunk[4096];
    size_t got;

    if (file == NULL)
        return false;
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_add(into, bytes_make(chunk, got));
    (void)fclose(file);
    return !into->overflowed;
}

/* "K: text" or "Kn: text" */
static bool step_parse(struct bytes line, struct script_step *step)
{
    size_t colon = bytes_find_byte(line, 0, ':');

    if (colon < 1 || colon > 2 || colon == line.len || !ascii_is_alpha(line.at[0]))
        return false;
    step->letter = (char)line.at[0];
    step->client = 1;
    if (colon == 2) {
        if (line.at[1] < '1' || line.at[1] > '9')
            return false;
        step->client = ascii_digit_value(line.at[1]);
    }
    step->text = bytes_from(line, colon + 1);
    if (bytes_starts_with(step->text, BYTES(" ")))
        step->text = bytes_from(step->text, 1);
    return true;
}

static size_t count_lines(struct bytes text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '\n';
    return count;
}

static bool parse_lines(struct script *script, struct bytes text, struct arena *arena)
{
    struct script_step *steps = ARENA_NEW_ARRAY(arena, struct script_step, count_lines(text));
    unsigned number = 1;

    if (steps == NULL)
        return false;
    script->steps = steps;
    for (size_t at = 0; at < text.len; number++) {
        size_t end = bytes_find_byte(text, at, '\n');
        struct bytes line = bytes_slice(text, at, end - at);

        at = end + 1;
        if (line.len == 0 || line.at[0] == '#')
            continue;
        steps[script->count].line = number;
        if (!step_parse(line, &steps[script->count])) {
            (void)fprintf(stderr, "%s:%u: not of the form \"C: text\"\n", script->path, number);
            return false;
        }
        script->count++;
    }
    return true;
}

bool script_load(struct script *script, const char *path, struct arena *arena)
{
    struct buf text = buf_make(SCRIPT_BYTES_MAX);
    struct bytes copy;
    bool good = read_file(path, &text);

    *script = (struct script){ .path = path };
    if (!good)
        (void)fprintf(stderr, "%s: cannot be read\n", path);
    copy = arena_copy(arena, buf_bytes(&text));
    buf_done(&text);
    return good && copy.at != NULL && parse_lines(script, copy, arena);
}

/* Behind the backslash. Answers how many bytes of the text it took, 0 when it is no escape. */
static size_t escape(struct bytes text, uint8_t *out_byte)
{
    if (text.len == 0)
        return 0;
    switch (text.at[0]) {
    case 'r': *out_byte = '\r'; return 1;
    case 'n': *out_byte = '\n'; return 1;
    case '0': *out_byte = 0; return 1;
    case '\\': *out_byte = '\\'; return 1;
    default: break;
    }
    if (text.at[0] != 'x' || text.len < 3 || ascii_hex_value(text.at[1]) < 0 ||
        ascii_hex_value(text.at[2]) < 0)
        return 0;
    *out_byte = (uint8_t)(ascii_hex_value(text.at[1]) * 16 + ascii_hex_value(text.at[2]));
    return 3;
}

struct bytes script_unescape(struct bytes text, struct arena *arena)
{
    uint8_t *at = arena_alloc(arena, text.len);
    size_t len = 0;

    for (size_t i = 0; at != NULL && i < text.len; i++) {
        size_t taken = 0;

        at[len] = text.at[i];
        if (text.at[i] == '\\') {
            taken = escape(bytes_from(text, i + 1), &at[len]);
            if (taken == 0)
                return bytes_make(NULL, 0);
        }
        i += taken;
        len++;
    }
    return bytes_make(at, len);
}

bool script_line_matches(struct bytes wanted, struct bytes line)
{
    for (;;) {
        size_t any = bytes_find(wanted, 0, ANY);
        struct bytes fixed = bytes_slice(wanted, 0, any);
        size_t next;

        if (any == wanted.len)
            return bytes_equal(wanted, line);
        if (!bytes_starts_with(line, fixed))
            return false;
        line = bytes_from(line, fixed.len);
        wanted = bytes_from(wanted, any + ANY.len);
        next = bytes_find(wanted, 0, ANY);
        if (next == wanted.len)
            return bytes_ends_with(line, wanted);
        fixed = bytes_slice(wanted, 0, next);
        any = bytes_find(line, 0, fixed);
        if (any == line.len && fixed.len > 0)
            return false;
        line = bytes_from(line, any);
    }
}
