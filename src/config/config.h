/* Every setting, checked and typed. Made once at start, const and shared from then on.
 *
 * The names are those of keys.c with `_` for `.`; times are in milliseconds, sizes in bytes. What
 * each one means stands in keys.c, beside its default and its limits. */
#ifndef ROOST_CONFIG_CONFIG_H
#define ROOST_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"
#include "config/listen.h"

enum config_durability { CONFIG_DURABILITY_NORMAL, CONFIG_DURABILITY_STRICT };
enum config_compression { CONFIG_COMPRESSION_NONE, CONFIG_COMPRESSION_ZSTD };
enum config_password_hash { CONFIG_HASH_YESCRYPT, CONFIG_HASH_ARGON2ID };
enum config_tls_version { CONFIG_TLS_1_2, CONFIG_TLS_1_3 };

/* Items are followed by a NUL that their length does not count. */
struct config_list {
    struct bytes *at;
    size_t count;
};

struct config_listen {
    struct listen_address *at;
    size_t count;
};

struct config {
    struct arena arena; /* owns everything below */

    const char *data;
    const char *run;
    struct config_list domains;

    struct config_listen imap_listen;
    struct config_listen imaps_listen;
    uint64_t imap_line_bytes_max;
    uint64_t imap_literal_bytes_max;
    uint64_t imap_command_bytes_max;
    uint64_t imap_ranges_max;
    uint64_t imap_fetch_items_max;
    uint64_t imap_header_fields_max;
    uint64_t imap_search_keys_max;
    uint64_t imap_search_depth_max;
    uint64_t imap_list_patterns_max;
    uint64_t imap_append_messages_max;
    uint64_t imap_append_small_bytes_max;
    uint64_t imap_bad_commands_max;
    bool imap_unauthenticate;
    uint64_t imap_idle_timeout_ms;

    struct config_listen lmtp_listen;
    uint64_t lmtp_recipients_max;
    uint64_t lmtp_timeout_ms;

    uint64_t gate_processes; /* 0: choose */
    uint64_t gate_login_timeout_ms;
    uint64_t gate_connections_max;
    uint64_t gate_connections_per_address_max;
    struct config_list gate_proxy_from; /* networks as text */

    const char *tls_certificate; /* "": made by the server itself */
    const char *tls_key;
    uint64_t tls_processes; /* 0: choose */
    unsigned tls_version_min; /* enum config_tls_version */
    uint64_t tls_handshake_timeout_ms;

    struct config_list auth_mechanisms; /* as written; compare without case */
    unsigned auth_password_hash; /* enum config_password_hash */
    uint64_t auth_scram_iterations;
    uint64_t auth_cache_ms; /* 0: off */
    uint64_t auth_failure_delay_ms;
    uint64_t auth_failure_delay_max_ms;
    uint64_t auth_workers; /* 0: choose */

    uint64_t mail_shards; /* 0: choose */
    unsigned mail_durability; /* enum config_durability */
    unsigned mail_compression; /* enum config_compression */
    uint64_t mail_expunged_days;
    uint64_t mail_expunged_bytes_max; /* 0: no limit */
    uint64_t mail_workers;
    uint64_t mail_message_bytes_max;
    uint64_t mail_keywords_max;
    uint64_t mail_mailboxes_max;
    uint64_t mail_name_bytes_max;
    uint64_t mail_name_level_bytes_max;
    uint64_t mail_name_levels_max;
    uint64_t mail_quota_bytes; /* 0: none */
    uint64_t mail_sessions_per_account_max;

    struct config_listen metrics_listen;

    bool sandbox_required;
    unsigned log_level; /* enum log_level */
};

/* From the canonical text that config_settings_print (settings.h) wrote: how a role learns its
 * configuration. Keys that are missing have their defaults. ERR_INVALID with a note. */
MUST_USE enum err config_parse(struct bytes text, struct config *out_config, struct note *why);

/* Frees all of it. Harmless on a zeroed struct. */
void config_done(struct config *config);

#endif
