/* What the acts share. */
#include "store/act_parts.h"

#include "store/account_state.h"
#include "store/mailbox.h"

static bool has_name(const struct bytes *list, uint32_t count, struct bytes name)
{
    for (uint32_t i = 0; i < count; i++)
        if (bytes_equal_nocase(list[i], name))
            return true;
    return false;
}

static bool has_room(const struct mailbox *mailbox, const struct keyword_table *fresh)
{
    return fresh == NULL || fresh->count == 0 ||
           mailbox->keywords.count + fresh->count <= mailbox_account(mailbox)->keywords_max;
}

enum err act_keywords(const struct mailbox *mailbox, const struct flag_names *names,
                      struct keyword_table *fresh, struct arena *arena,
                      struct op_flag_names *out_names)
{
    uint32_t room = names->keyword_count < KEYWORDS_PER_MAILBOX_MAX ? names->keyword_count
                                                                    : KEYWORDS_PER_MAILBOX_MAX;
    struct bytes *list = ARENA_NEW_ARRAY(arena, struct bytes, room);
    uint32_t count = 0;

    if (list == NULL)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < names->keyword_count; i++) {
        struct bytes name = names->keywords[i];
        bool is_known = keyword_table_find(&mailbox->keywords, name) >= 0;

        if ((!is_known && fresh == NULL) || has_name(list, count, name))
            continue;
        if (count == KEYWORDS_PER_MAILBOX_MAX || (!is_known && keyword_table_add(fresh, name) < 0))
            return ERR_LIMIT;
        list[count++] = name;
    }
    if (!has_room(mailbox, fresh))
        return ERR_LIMIT;
    *out_names = (struct op_flag_names){ .flags = names->flags & FLAGS_ALL,
                                         .keywords = { .list = list, .count = count } };
    return ERR_OK;
}
