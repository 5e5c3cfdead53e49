/* Edit distance (optimal string alignment) over three rows of the table. */
#include "config/nearest.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/ascii.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same(struct bytes a, size_t i, struct bytes b, size_t j)
{
    return ascii_lower(a.at[i]) == ascii_lower(b.at[j]);
}

size_t nearest_distance(struct bytes a, struct bytes b)
{
    size_t rows[3][NEAREST_BYTES_MAX + 1];

    assert(a.len <= NEAREST_BYTES_MAX && b.len <= NEAREST_BYTES_MAX);
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            row[j] =
                least(least(row[j - 1], above[j]) + 1, above[j - 1] + !same(a, i - 1, b, j - 1));
            if (i > 1 && j > 1 && same(a, i - 1, b, j - 2) && same(a, i - 2, b, j - 1))
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    struct bytes name = bytes_from_string(candidate);
    size_t distance;

    if (name.len > NEAREST_BYTES_MAX || nearest->word.len > NEAREST_BYTES_MAX)
        return;
    distance = nearest_distance(nearest->word, name);
    if (distance > 1 + name.len / 4 || distance >= name.len)
        return;
    if (nearest->name == NULL || distance < nearest->distance) {
        nearest->name = candidate;
        nearest->distance = distance;
    }
}
