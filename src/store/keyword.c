/* The keyword table: short, so it is searched from end to end. */
#include "store/keyword.h"

#include <string.h>

#include "store/alloc.h"

void keyword_table_done(struct keyword_table *table)
{
    for (uint32_t i = 0; i < table->count; i++)
        free((void *)(uintptr_t)table->names[i].at);
    free(table->names);
    *table = (struct keyword_table){ 0 };
}

int keyword_table_find(const struct keyword_table *table, struct bytes name)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (bytes_equal_nocase(table->names[i], name))
            return (int)i;
    return -1;
}

int keyword_table_add(struct keyword_table *table, struct bytes name)
{
    int found = keyword_table_find(table, name);
    uint8_t *copy;

    if (found >= 0)
        return found;
    if (table->count == KEYWORDS_PER_MAILBOX_MAX || name.len == 0 || name.len > KEYWORD_BYTES_MAX)
        return -1;
    copy = store_alloc(1, name.len);
    memcpy(copy, name.at, name.len);
    table->names = store_realloc(table->names, table->count + 1, sizeof(*table->names));
    table->names[table->count] = bytes_make(copy, name.len);
    return (int)table->count++;
}

bool keyword_set_equal(const struct keyword_set *a, const struct keyword_set *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}
