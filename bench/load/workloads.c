/* The table. */
#include "load/workloads.h"

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"

/* The header fields that Thunderbird asks for. */
#define FIELDS \
    "From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups " \
    "In-Reply-To Content-Type Reply-To"
#define REFILL "SELECT INBOX\nCOPY %b Pile\nSELECT Pile"

static const struct workload workloads[] = {
    { .name = "append", .kind = WORKLOAD_APPEND, .messages_each = 1, .ok_holds = "[APPENDUID " },
    { .name = "fill", .kind = WORKLOAD_APPEND, .messages_each = 100, .ok_holds = "[APPENDUID " },
    { .name = "lmtp", .kind = WORKLOAD_LMTP },
    { .name = "login", .kind = WORKLOAD_LOGIN, .word = "EXISTS", .amount = AMOUNT_ALL },
    { .name = "select", .command = "SELECT INBOX", .word = "EXISTS", .amount = AMOUNT_ALL },
    { .name = "fetch-flags",
      .select = "INBOX",
      .command = "FETCH %a (UID FLAGS)",
      .word = "FETCH",
      .amount = AMOUNT_ALL,
      .holds = "FLAGS (" },
    { .name = "fetch-list",
      .select = "INBOX",
      .command = "FETCH %a (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
      .word = "FETCH",
      .amount = AMOUNT_ALL,
      .holds = "BODYSTRUCTURE (",
      .own_id = true },
    { .name = "fetch-headers",
      .select = "INBOX",
      .command = "FETCH %a (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (" FIELDS ")])",
      .word = "FETCH",
      .amount = AMOUNT_ALL,
      .holds = "Subject: ",
      .own_id = true },
    { .name = "fetch-bodies",
      .select = "INBOX",
      .command = "FETCH %a (BODY.PEEK[])",
      .word = "FETCH",
      .amount = AMOUNT_ALL,
      .own_bytes = true },
    { .name = "store-one",
      .select = "INBOX",
      .command = "STORE %o %sFLAGS (\\Answered)",
      .word = "FETCH",
      .amount = AMOUNT_ONE,
      .holds = "FLAGS (" },
    /* Cyrus tells the flags in spite of .SILENT: not the answers but what was done is checked. */
    { .name = "store-silent",
      .select = "INBOX",
      .command = "STORE %b %sFLAGS.SILENT (\\Draft)",
      .verify = "SEARCH DRAFT" },
    { .name = "store-block",
      .select = "INBOX",
      .command = "STORE %b %sFLAGS (\\Draft)",
      .word = "FETCH",
      .amount = AMOUNT_BLOCK,
      .holds = "FLAGS (" },
    { .name = "search-flags",
      .select = "INBOX",
      .command = "SEARCH FLAGGED",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_FLAG },
    { .name = "search-from",
      .select = "INBOX",
      .command = "SEARCH FROM \"planted@example.net\"",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_FROM },
    { .name = "search-subject",
      .select = "INBOX",
      .command = "SEARCH SUBJECT \"harvest report\"",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_SUBJECT },
    { .name = "search-body",
      .select = "INBOX",
      .command = "SEARCH BODY \"quicksilverword\"",
      .word = "SEARCH",
      .amount = AMOUNT_HITS,
      .plant = MAIL_PLANT_BODY },
    { .name = "copy",
      .setup = "CREATE Copies",
      .select = "INBOX",
      .command = "COPY %b Copies",
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
