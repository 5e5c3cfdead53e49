/* sequence-set (RFC 9051 s9). */
#include "imap/wire/seqset.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "imap/wire/atom.h"
#include "imap/wire/number.h"

static bool number_or_star(struct cursor *cur, bool star_allowed, uint32_t *out_number)
{
    if (star_allowed && cursor_skip(cur, '*')) {
        *out_number = IMAP_STAR;
        return true;
    }
    return imap_nz_number_parse(cur, out_number);
}

static bool range_parse(struct cursor *cur, bool star_allowed, struct imap_range *out_range)
{
    struct imap_range range;

    if (!number_or_star(cur, star_allowed, &range.first))
        return false;
    range.last = range.first;
    if (cursor_skip(cur, ':') && !number_or_star(cur, star_allowed, &range.last))
        return false;
    *out_range = range;
    return true;
}

static bool belongs_to_set(int c)
{
    return ascii_is_digit(c) || c == '*' || c == ':' || c == ',';
}

/* One range more than there are commas ahead. */
static size_t count_ranges(const struct cursor *cur)
{
    size_t count = 1;

    for (size_t ahead = 0; belongs_to_set(cursor_peek_at(cur, ahead)); ahead++)
        count += cursor_peek_at(cur, ahead) == ',';
    return count;
}

static bool ranges_parse(struct cursor *cur, const struct imap_grammar *grammar, bool star_allowed,
                         struct arena *arena, struct imap_seqset *out_set)
{
    size_t count = count_ranges(cur);
    struct imap_range *ranges;

    if (count > grammar->limits->ranges_max)
        return cursor_exceed(cur, grammar->limits->ranges_max, "ranges in one set");
    ranges = ARENA_NEW_ARRAY(arena, struct imap_range, count);
    if (ranges == NULL)
        return imap_too_large(cur);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && !cursor_take(cur, ',', "\",\""))
            return false;
        if (!range_parse(cur, star_allowed, &ranges[i]))
            return false;
    }
    *out_set = (struct imap_seqset){ .ranges = ranges, .count = (uint32_t)count };
    return true;
}

bool imap_seqset_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       struct imap_seqset *out_set)
{
    if (cursor_skip(cur, '$')) {
        *out_set = (struct imap_seqset){ .saved = true };
        return true;
    }
    return ranges_parse(cur, grammar, true, arena, out_set);
}

bool imap_seqset_parse_plain(struct cursor *cur, const struct imap_grammar *grammar,
                             struct arena *arena, struct imap_seqset *out_set)
{
    return ranges_parse(cur, grammar, false, arena, out_set);
}

static int compare_ranges(const void *a, const void *b)
{
    const struct imap_range *left = a;
    const struct imap_range *right = b;

    return (left->first > right->first) - (left->first < right->first);
}

static struct imap_range resolve_range(struct imap_range range, uint32_t star)
{
    uint32_t first = range.first == IMAP_STAR ? star : range.first;
    uint32_t last = range.last == IMAP_STAR ? star : range.last;

    if (first == 0)
        first = last;
    if (last == 0)
        last = first;
    return first <= last ? (struct imap_range){ first, last } : (struct imap_range){ last, first };
}

/* `ranges` ascending by first; joins those that touch, in place. RFC 7162 s3.1.3. */
static uint32_t join_ranges(struct imap_range *ranges, uint32_t count)
{
    uint32_t joined = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct imap_range *before = joined > 0 ? &ranges[joined - 1] : NULL;

        if (before == NULL || ranges[i].first - 1 > before->last)
            ranges[joined++] = ranges[i];
        else if (ranges[i].last > before->last)
            before->last = ranges[i].last;
    }
    return joined;
}

bool imap_seqset_resolve(const struct imap_seqset *set, uint32_t star, struct arena *arena,
                         struct imap_seqset *out_set)
{
    struct imap_range *ranges = ARENA_NEW_ARRAY(arena, struct imap_range, set->count);
    uint32_t count = 0;

    if (ranges == NULL)
        return false;
    for (uint32_t i = 0; i < set->count; i++) {
        struct imap_range range = resolve_range(set->ranges[i], star);

        if (range.first > 0)
            ranges[count++] = range;
    }
    qsort(ranges, count, sizeof(*ranges), compare_ranges);
    *out_set = (struct imap_seqset){ .ranges = ranges, .count = join_ranges(ranges, count) };
    return true;
}

bool imap_seqset_contains(const struct imap_seqset *resolved, uint32_t number)
{
    uint32_t low = 0;
    uint32_t high = resolved->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (number > resolved->ranges[middle].last)
            low = middle + 1;
        else if (number < resolved->ranges[middle].first)
            high = middle;
        else
            return true;
    }
    return false;
}

uint64_t imap_seqset_size(const struct imap_seqset *resolved)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < resolved->count; i++)
        size += (uint64_t)resolved->ranges[i].last - resolved->ranges[i].first + 1;
    return size;
}

static void print_number(struct buf *out, uint32_t number)
{
    if (number == IMAP_STAR)
        buf_add_byte(out, '*');
    else
        buf_add_number(out, number);
}

/* RFC 9051 s7.1 */
static void print_range(struct buf *out, struct imap_range range, bool comma)
{
    if (comma)
        buf_add_byte(out, ',');
    print_number(out, range.first);
    if (range.first == range.last)
        return;
    buf_add_byte(out, ':');
    print_number(out, range.last);
}

void imap_seqset_print(struct buf *out, const struct imap_seqset *set)
{
    if (set->saved)
        buf_add_byte(out, '$');
    for (uint32_t i = 0; i < set->count; i++)
        print_range(out, set->ranges[i], i > 0);
}

void imap_seqset_printer_end(struct imap_seqset_printer *printer)
{
    if (printer->first == 0)
        return;
    print_range(printer->out, (struct imap_range){ printer->first, printer->last },
                printer->printed);
    printer->printed = true;
    printer->first = 0;
}

/* RFC 9051 s7.3.4 */
void imap_seqset_printer_add_range(struct imap_seqset_printer *printer, uint32_t first,
                                   uint32_t last)
{
    if (printer->first > 0 && first == printer->last + 1) {
        printer->last = last;
        return;
    }
    imap_seqset_printer_end(printer);
    printer->first = first;
    printer->last = last;
}

void imap_seqset_printer_add(struct imap_seqset_printer *printer, uint32_t number)
{
    imap_seqset_printer_add_range(printer, number, number);
}
