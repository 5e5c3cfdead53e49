/* The table. */
#include "load/workloads.h"

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"

/* The header fields that Thunderbird asks for. */
#define FIELDS \
    "From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups " \
    "In-Reply-To Content-Type Reply-To"
#define REFILL "SELECT %m\nCOPY %b Pile\nSELECT Pile"

static const struct workload workloads[] = {
    { .name = "append", .kind = WORKLOAD_APPEND, .messages_each = 1, .ok_holds = "[APPENDUID " },
    { .name = "fill", .kind = WORKLOAD_APPEND, .messages_each = 100, .ok_holds = "[APPENDUID " },
    { .name = "fill-each",
      .kind = WORKLOAD_APPEND,
      .messages_each = 100,
      .ok_holds = "[APPENDUID ",
      .is_even = true },
    { .name = "lmtp", .kind = WORKLOAD_LMTP },
    { .name = "mix", .kind = WORKLOAD_MIX, .select = "%m", .own_bytes = true },
    { .name = "hear", .kind = WORKLOAD_HEAR, .select = "%m", .messages_each = 1 },
    { .name = "noop", .select = "%m", .command = "NOOP", .pause_us = 1000 },
    { .name = "login", .kind = WORKLOAD_LOGIN, .word = "EXISTS", .amount = AMOUNT_ALL },
    { .name = "select", .command = "SELECT %m", .word = "EXISTS", .amount = AMOUNT_ALL },
    { .name = "fetch-flags",
      .select = "%m",
      .command = "FETCH %a (UID FLAGS)",
      .word = "FETCH",
      .amount = AMOUNT_ALL,
      .holds = "FLAGS (" },
    { .name = "fetch-list",
      .select = "%m",
      .command = "FETCH %a (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
      .word = "FETCH",
      .amount = AMOUNT_ALL,
      .holds = "BODYSTRUCTURE (",
      .own_id = true },
    { .name = "fetch-headers",
      .select = "%m",
      .command = "FETCH %a (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (" FIELDS ")])",
      .word = "FETCH",
      .amount = AMOUNT_ALL,
      .holds = "Subject: ",
      .own_id = true },
    { .name = "fetch-bodies",
      .select = "%m",
      .command = "FETCH %a (BODY.PEEK[])",
      .word = "FETCH",
      .amount = AMOUNT_ALL,
      .own_bytes = true },
    { .name = "store-one",
      .select = "%m",
      .command = "STORE %o %sFLAGS (\\Answered)",
      .word = "FETCH",
      .amount = AMOUNT_ONE,
      .holds = "FLAGS (" },
    /* Cyrus tells the flags in spite of .SILENT: not the answers but what was done is checked. */
    { .name = "store-silent",
      .select = "%m",
      .command = "STORE %b %sFLAGS.SILENT (\\Draft)",
      .verify = "SEARCH DRAFT" },
    { .name = "store-block",
      .select = "%m",
      .command = "STORE %b %sFLAGS (\\Draft)",
      .word = "FETCH",
      .amount = AMOUNT_BLOCK,
      .holds = "FLAGS (" },
    { .name = "search-flags",
      .select = "%m",
      .command = "SEARCH FLAGGED",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_FLAG },
    { .name = "search-date",
      .select = "%m",
      .command = "SEARCH BEFORE 1-Jan-2021",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_DATE },
    { .name = "search-size",
      .select = "%m",
      .command = "SEARCH LARGER %l",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_LARGE },
    { .name = "search-from",
      .select = "%m",
      .command = "SEARCH FROM \"planted@example.net\"",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_FROM },
    { .name = "search-subject",
      .select = "%m",
      .command = "SEARCH SUBJECT \"harvest report\"",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_SUBJECT },
    { .name = "search-id",
      .select = "%m",
      .command = "SEARCH HEADER Message-ID \"%i\"",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_ID },
    { .name = "search-text",
      .select = "%m",
      .command = "SEARCH TEXT \"quicksilverword\"",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_BODY },
    { .name = "sort",
      .select = "%m",
      .command = "SORT (DATE) US-ASCII ALL",
      .word = "SORT",
      .amount = AMOUNT_ALL,
      .by_date = true },
    { .name = "thread",
      .select = "%m",
      .command = "THREAD REFERENCES US-ASCII ALL",
      .word = "THREAD",
      .amount = AMOUNT_ALL,
      .by_thread = true },
    { .name = "search-body",
      .select = "%m",
      .command = "SEARCH BODY \"quicksilverword\"",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_BODY },
    { .name = "copy",
      .setup = "CREATE Copies",
      .select = "%m",
      .command = "COPY %b Copies",
      .ok_holds = "[COPYUID " },
    { .name = "copy-all",
      .setup = "CREATE Million",
      .select = "%m",
      .command = "COPY %a Million",
      .ok_holds = "[COPYUID " },
    { .name = "move",
      .setup = "CREATE Pile\nCREATE Moved",
      .prepare = REFILL,
      .command = "MOVE %b Moved",
      .word = "EXPUNGE",
      .amount = AMOUNT_BLOCK },
    { .name = "expunge",
      .setup = "CREATE Pile",
      .prepare = REFILL "\nSTORE %b +FLAGS.SILENT (\\Deleted)",
      .command = "EXPUNGE",
      .word = "EXPUNGE",
      .amount = AMOUNT_BLOCK },
};

/* What a client does that is looked at and left open. A mailbox that others change as well tells of
 * that in between. */
static const struct workload mix[] = {
    { .weight = 30,
      .command = "FETCH %p (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
      .word = "FETCH",
      .amount = AMOUNT_PAGE,
      .holds = "BODYSTRUCTURE (",
      .is_shared = true,
      .own_id = true },
    { .weight = 25,
      .command = "FETCH %o (UID BODY.PEEK[])",
      .word = "FETCH",
      .amount = AMOUNT_ONE,
      .holds = "BODY[] {",
      .is_shared = true,
      .own_bytes = true },
    { .weight = 15,
      .command = "STORE %o %sFLAGS (\\Seen)",
      .word = "FETCH",
      .amount = AMOUNT_ONE,
      .holds = "FLAGS (",
      .is_shared = true },
    { .weight = 15, .command = "NOOP" },
    { .weight = 10,
      .command = "SEARCH %a FLAGGED",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_FLAG },
    { .weight = 5, .kind = WORKLOAD_APPEND, .messages_each = 1, .ok_holds = "[APPENDUID " },
};

const struct workload *workload_of_mix(uint64_t operation)
{
    /* Near numbers give far values: no two connections go through the parts in step. */
    uint64_t draw = (operation + 1) * 0x9e3779b97f4a7c15u >> 32;
    uint64_t left = draw % 100;
    size_t i = 0;

    while (i + 1 < ARRAY_COUNT(mix) && left >= mix[i].weight)
        left -= mix[i++].weight;
    return &mix[i];
}

const struct workload *workload_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(workloads); i++) {
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    }
    return NULL;
}

void workload_list(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(workloads); i++)
        puts(workloads[i].name);
}
