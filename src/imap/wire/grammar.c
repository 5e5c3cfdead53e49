/* The limits every session has unless the configuration says otherwise. */
#include "imap/wire/grammar.h"

const struct imap_grammar_limits imap_grammar_limits_default = {
    .ranges_max = 10000,
    .search_depth_max = 32,
    .search_keys_max = 1000,
    .keywords_max = 100,
    .keyword_bytes_max = 255,
    .fetch_atts_max = 250,
    .section_parts_max = 100,
    .header_fields_max = 250,
    .patterns_max = 50,
    .mailbox_bytes_max = 1000,
    .mailbox_component_bytes_max = 255,
    .mailbox_depth_max = 32,
    .enable_max = 50,
    .id_pairs_max = 30,
    .id_value_bytes_max = 1024,
};
