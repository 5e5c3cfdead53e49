/* Converting special uses. */
#include "imap/special_use.h"

#include "imap/wire/list.h"
#include "store/types.h"

static const struct use_pair {
    uint32_t wire;
    unsigned store;
} use_pairs[] = {
    { IMAP_ATTRIBUTE_ALL, USE_ALL },         { IMAP_ATTRIBUTE_ARCHIVE, USE_ARCHIVE },
    { IMAP_ATTRIBUTE_DRAFTS, USE_DRAFTS },   { IMAP_ATTRIBUTE_FLAGGED, USE_FLAGGED },
    { IMAP_ATTRIBUTE_JUNK, USE_JUNK },       { IMAP_ATTRIBUTE_SENT, USE_SENT },
    { IMAP_ATTRIBUTE_TRASH, USE_TRASH },     { IMAP_ATTRIBUTE_IMPORTANT, USE_IMPORTANT },
    { IMAP_ATTRIBUTE_MEMOS, USE_MEMOS },     { IMAP_ATTRIBUTE_SCHEDULED, USE_SCHEDULED },
    { IMAP_ATTRIBUTE_SNOOZED, USE_SNOOZED },
};

unsigned imap_special_use_to_store(uint32_t attributes)
{
    unsigned uses = 0;

    for (size_t i = 0; i < ARRAY_COUNT(use_pairs); i++)
        if ((attributes & use_pairs[i].wire) != 0)
            uses |= use_pairs[i].store;
    return uses;
}

uint32_t imap_special_use_from_store(unsigned uses)
{
    uint32_t attributes = 0;

    for (size_t i = 0; i < ARRAY_COUNT(use_pairs); i++)
        if ((uses & use_pairs[i].store) != 0)
            attributes |= use_pairs[i].wire;
    return attributes;
}
