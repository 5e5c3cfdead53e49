/* Converting and printing flags. */
#include "imap/flags.h"

#include "store/mailbox.h"

static const struct flag_pair {
    uint32_t wire;
    uint16_t store;
} flag_pairs[] = {
    { IMAP_FLAG_ANSWERED, FLAG_ANSWERED }, { IMAP_FLAG_FLAGGED, FLAG_FLAGGED },
    { IMAP_FLAG_DELETED, FLAG_DELETED },   { IMAP_FLAG_SEEN, FLAG_SEEN },
    { IMAP_FLAG_DRAFT, FLAG_DRAFT },
};

uint16_t imap_flags_to_store(uint32_t system)
{
    uint16_t flags = 0;

    for (size_t i = 0; i < ARRAY_COUNT(flag_pairs); i++)
        if ((system & flag_pairs[i].wire) != 0)
            flags = (uint16_t)(flags | flag_pairs[i].store);
    return flags;
}

uint32_t imap_flags_from_store(uint16_t flags)
{
    uint32_t system = 0;

    for (size_t i = 0; i < ARRAY_COUNT(flag_pairs); i++)
        if ((flags & flag_pairs[i].store) != 0)
            system |= flag_pairs[i].wire;
    return system;
}

struct flag_names imap_flag_names(const struct imap_flags *flags)
{
    return (struct flag_names){
        .flags = imap_flags_to_store(flags->system),
        .keywords = flags->keywords,
        .keyword_count = flags->keyword_count,
    };
}

/* Bits of names that the mailbox does not have are passed over. */
static void print_keywords(struct buf *out, const struct mailbox *mailbox,
                           const struct keyword_set *keywords, bool first)
{
    uint32_t count = mailbox_keyword_count(mailbox);

    for (uint32_t i = 0; i < ARRAY_COUNT(keywords->word); i++)
        for (uint64_t word = keywords->word[i]; word != 0; word &= word - 1) {
            uint32_t keyword = 64 * i + (uint32_t)__builtin_ctzll(word);

            if (keyword >= count)
                return;
            if (!first)
                buf_add_byte(out, ' ');
            buf_add(out, mailbox_keyword(mailbox, keyword));
            first = false;
        }
}

void imap_flags_print(struct buf *out, uint32_t system, const struct mailbox *mailbox,
                      const struct keyword_set *keywords)
{
    buf_add_byte(out, '(');
    imap_system_flags_print(out, system);
    print_keywords(out, mailbox, keywords, system == 0);
    buf_add_byte(out, ')');
}
