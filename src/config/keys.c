/* Every setting there is. A new one is a field in config.h and a row here. */
#include "config/keys.h"

#include "base/attributes.h"
#include "base/buf.h"
#include "config/config.h"
#include "config/value.h"

#define KB UINT64_C(1024)
#define MB (KB * 1024)
#define GB (MB * 1024)
#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* The offset of a member, after a look at its type. */
#define FIELD(member, kind) \
    .field = \
        offsetof(struct config, member) + \
        0 * sizeof( \
                char[__builtin_types_compatible_p(__typeof__(((struct config *)0)->member), kind) \
                         ? 1 \
                         : -1])
#define PATH(member) .type = CONFIG_PATH, FIELD(member, const char *)
#define BOOL(member) .type = CONFIG_BOOL, FIELD(member, bool), .max = 1
#define NUMBER(member) .type = CONFIG_NUMBER, FIELD(member, uint64_t)
#define SIZE(member) .type = CONFIG_SIZE, FIELD(member, uint64_t)
#define DURATION(member) .type = CONFIG_DURATION, FIELD(member, uint64_t)
#define CHOICE(member) .type = CONFIG_CHOICE, FIELD(member, unsigned)
#define LIST(member) .type = CONFIG_LIST, FIELD(member, struct config_list)
#define LISTEN(member) \
    .type = CONFIG_LISTEN, FIELD(member, struct config_listen), .max = LISTEN_ADDRESSES_MAX

/* RFC 7677 s3 */
const struct config_key config_keys[] = {
    { .name = "data",
      PATH(data),
      .min = 1,
      .help = "The directory that holds accounts and mail. By default /var/lib/roost when started "
              "as root, else roost in $XDG_DATA_HOME (~/.local/share).",
      .example = "/srv/mail" },
    { .name = "run",
      PATH(run),
      .min = 1,
      .help = "The directory for sockets, made at start. By default /run/roost when started as "
              "root, else roost in $XDG_RUNTIME_DIR, else run in the data directory.",
      .example = "/run/roost" },
    { .name = "domains",
      LIST(domains),
      .standard = "localhost",
      .max = 1000,
      .help = "Domains whose mail is for the accounts here: ann@DOMAIN is delivered to the account "
              "ann, unless there is an account named ann@DOMAIN.",
      .example = "example.org example.net" },

    { .name = "imap.listen",
      LISTEN(imap_listen),
      .standard = "127.0.0.1:1143 [::1]:1143",
      .help = "Where IMAP is served, with STARTTLS. Passwords are taken without TLS from loopback "
              "only. Empty: nowhere.",
      .example = "*:143 unix:${run}/imap,mode=0600" },
    { .name = "imaps.listen",
      LISTEN(imaps_listen),
      .standard = "127.0.0.1:1993 [::1]:1993",
      .help = "Where IMAP is served with TLS from the first byte. Empty: nowhere.",
      .example = "*:993" },
    { .name = "imap.line_bytes_max",
      SIZE(imap_line_bytes_max),
      .standard = "64K",
      .min = 8 * KB,
      .max = MB,
      .help = "Most bytes in one line of an IMAP command, its literals not counted.",
      .example = "64K" },
    { .name = "imap.literal_bytes_max",
      SIZE(imap_literal_bytes_max),
      .standard = "1M",
      .min = 64 * KB,
      .max = 64 * MB,
      .help = "Most bytes in one literal of any command but APPEND, for which "
              "mail.message_bytes_max counts.",
      .example = "1M" },
    { .name = "imap.command_bytes_max",
      SIZE(imap_command_bytes_max),
      .standard = "2M",
      .min = 256 * KB,
      .max = 128 * MB,
      .help = "Most bytes in one command, lines and literals together, but for the messages of "
              "APPEND. Not below either of these.",
      .example = "2M" },
    { .name = "imap.ranges_max",
      NUMBER(imap_ranges_max),
      .standard = "20000",
      .min = 1000,
      .max = 1000000,
      .help = "Most ranges in one set of sequence numbers or UIDs.",
      .example = "20000" },
    { .name = "imap.fetch_items_max",
      NUMBER(imap_fetch_items_max),
      .standard = "100",
      .min = 20,
      .max = 10000,
      .help = "Most data items in one FETCH.",
      .example = "100" },
    { .name = "imap.header_fields_max",
      NUMBER(imap_header_fields_max),
      .standard = "200",
      .min = 50,
      .max = 10000,
      .help = "Most header fields in one section of a FETCH.",
      .example = "200" },
    { .name = "imap.search_keys_max",
      NUMBER(imap_search_keys_max),
      .standard = "1000",
      .min = 100,
      .max = 100000,
      .help = "Most keys in one SEARCH.",
      .example = "1000" },
    { .name = "imap.search_depth_max",
      NUMBER(imap_search_depth_max),
      .standard = "64",
      .min = 8,
      .max = 100,
      .help = "Most levels of NOT, OR and parentheses inside each other in one SEARCH.",
      .example = "64" },
    { .name = "imap.list_patterns_max",
      NUMBER(imap_list_patterns_max),
      .standard = "100",
      .min = 10,
      .max = 1000,
      .help = "Most patterns in one LIST.",
      .example = "100" },
    { .name = "imap.append_messages_max",
      NUMBER(imap_append_messages_max),
      .standard = "10000",
      .min = 100,
      .max = 100000,
      .help = "Most messages in one APPEND.",
      .example = "10000" },
    { .name = "imap.append_small_bytes_max",
      SIZE(imap_append_small_bytes_max),
      .standard = "16M",
      .min = MB,
      .max = 32 * MB,
      .help = "Most bytes of messages of up to 64K in one APPEND: they wait in memory for its end. "
              "Larger messages do not count.",
      .example = "16M" },
    { .name = "imap.bad_commands_max",
      NUMBER(imap_bad_commands_max),
      .standard = "20",
      .min = 5,
      .max = 1000,
      .help = "A client that sends so many commands in a row that are not understood is "
              "disconnected.",
      .example = "20" },
    { .name = "imap.unauthenticate",
      BOOL(imap_unauthenticate),
      .standard = "yes",
      .help = "May a client log out and keep its connection for another login (UNAUTHENTICATE)? It "
              "is for programs that serve many users.",
      .example = "no" },
    { .name = "imap.idle_timeout",
      DURATION(imap_idle_timeout_ms),
      .standard = "30m",
      .min = 30 * MINUTE,
      .max = 7 * DAY,
      .help =
          "A session that is silent for longer is ended. The protocol wants 30 minutes at least.",
      .example = "45m" },

    { .name = "lmtp.listen",
      LISTEN(lmtp_listen),
      .standard = "127.0.0.1:1024 unix:${run}/lmtp",
      .help = "Where mail is taken in by LMTP. `roost deliver` uses the first unix socket of it. "
              "Empty: nowhere.",
      .example = "unix:/var/spool/postfix/private/roost,mode=0660,user=postfix" },
    { .name = "lmtp.recipients_max",
      NUMBER(lmtp_recipients_max),
      .standard = "1000",
      .min = 100,
      .max = 100000,
      .help = "Most recipients of one message in one transaction.",
      .example = "1000" },
    { .name = "lmtp.timeout",
      DURATION(lmtp_timeout_ms),
      .standard = "5m",
      .min = 10 * SECOND,
      .max = HOUR,
      .help = "A sender that is silent for longer is disconnected.",
      .example = "5m" },

    { .name = "gate.processes",
      NUMBER(gate_processes),
      .standard = "0",
      .max = 64,
      .help =
          "Processes that talk to clients before their login and take mail in. 0: Roost chooses "
          "by the number of processors.",
      .example = "2" },
    { .name = "gate.login_timeout",
      DURATION(gate_login_timeout_ms),
      .standard = "1m",
      .min = SECOND,
      .max = HOUR,
      .help =
          "A client that has not logged in by then is disconnected. TLS handshakes, and what the "
          "server itself needs, do not count.",
      .example = "1m" },
    { .name = "gate.connections_max",
      NUMBER(gate_connections_max),
      .standard = "4096",
      .min = 16,
      .max = 1000000,
      .help =
          "Most connections that are not logged in, in each gate process; those that bring mail "
          "are counted apart.",
      .example = "4096" },
    { .name = "gate.connections_per_address_max",
      NUMBER(gate_connections_per_address_max),
      .standard = "256",
      .min = 1,
      .max = 1000000,
      .help = "Most of them from one address; loopback is not limited.",
      .example = "256" },
    { .name = "gate.proxy_from",
      LIST(gate_proxy_from),
      .standard = "",
      .max = 64,
      .help = "Networks of proxies whose connections begin with a PROXY v2 header, which tells the "
              "client's address; unix stands for all unix sockets. Others must not send one.",
      .example = "192.0.2.7 2001:db8::/64" },

    { .name = "tls.certificate",
      PATH(tls_certificate),
      .apply = CONFIG_RELOAD,
      .standard = "",
      .help = "PEM file with the certificate and its chain. Without one, Roost makes a certificate "
              "for itself, which clients will ask about.",
      .example = "/etc/letsencrypt/live/mail.example.org/fullchain.pem" },
    { .name = "tls.key",
      PATH(tls_key),
      .apply = CONFIG_RELOAD,
      .standard = "",
      .help = "PEM file with the private key of the certificate.",
      .example = "/etc/letsencrypt/live/mail.example.org/privkey.pem" },
    { .name = "tls.processes",
      NUMBER(tls_processes),
      .standard = "0",
      .max = 64,
      .help = "Processes that do TLS. 0: Roost chooses by the number of processors.",
      .example = "2" },
    { .name = "tls.version_min",
      CHOICE(tls_version_min),
      .standard = "1.2",
      .choices = "1.2 1.3",
      .help = "The oldest version of TLS that is spoken.",
      .example = "1.3" },
    { .name = "tls.handshake_timeout",
      DURATION(tls_handshake_timeout_ms),
      .standard = "30s",
      .min = SECOND,
      .max = 10 * MINUTE,
      .help = "A handshake that takes longer is given up.",
      .example = "30s" },

    { .name = "auth.mechanisms",
      LIST(auth_mechanisms),
      .standard = "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
      .max = 16,
      .choices = "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
      .help =
          "SASL mechanisms on offer; LOGIN is the command of that name. Keys for SCRAM are stored "
          "only while one of its two stands here.",
      .example = "PLAIN LOGIN SCRAM-SHA-256" },
    { .name = "auth.password_hash",
      CHOICE(auth_password_hash),
      .standard = "yescrypt",
      .choices = "yescrypt argon2id",
      .help = "How new passwords are stored. Older ones stay valid as they are.",
      .example = "argon2id" },
    { .name = "auth.scram_iterations",
      NUMBER(auth_scram_iterations),
      .standard = "100000",
      .min = 100000,
      .max = 10000000,
      .help = "Iterations of the SCRAM keys of new passwords. More is slower for clients, and for "
              "who steals the keys.",
      .example = "200000" },
    { .name = "auth.cache",
      DURATION(auth_cache_ms),
      .standard = "10m",
      .max = DAY,
      .help =
          "How long a verified login is remembered, so that clients that reconnect need no slow "
          "hash. Forgotten when the password changes. 0: not at all.",
      .example = "10m" },
    { .name = "auth.failure_delay",
      DURATION(auth_failure_delay_ms),
      .standard = "1s",
      .max = MINUTE,
      .help = "How long a first failed login waits for its answer; doubled with each further "
              "failure for the same account or from the same address.",
      .example = "2s" },
    { .name = "auth.failure_delay_max",
      DURATION(auth_failure_delay_max_ms),
      .standard = "15s",
      .max = 10 * MINUTE,
      .help = "The longest that a failed login waits for its answer.",
      .example = "15s" },
    { .name = "auth.workers",
      NUMBER(auth_workers),
      .standard = "0",
      .max = 64,
      .help = "Threads that compute password hashes. 0: Roost chooses by the number of processors.",
      .example = "2" },

    { .name = "mail.shards",
      NUMBER(mail_shards),
      .standard = "0",
      .max = 1024,
      .help =
          "Processes that own accounts and serve their sessions. 0: one for each processor. May "
          "be changed at any time; no file moves.",
      .example = "4" },
    { .name = "mail.durability",
      CHOICE(mail_durability),
      .standard = "normal",
      .choices = "normal strict",
      .help = "normal: a change of flags is on the disk within a second, all else before it is "
              "acknowledged. strict: flags too wait for the disk.",
      .example = "strict" },
    { .name = "mail.compression",
      CHOICE(mail_compression),
      .standard = "none",
      .choices = "none zstd",
      .help = "How messages that come in are stored. zstd: compressed, where that saves a tenth or "
              "more: about half of the disk, for reading that takes two to three times the "
              "processor. May be changed at any time: what is there is read either way.",
      .example = "zstd" },
    { .name = "mail.expunged_days",
      NUMBER(mail_expunged_days),
      .standard = "30",
      .max = 3650,
      .help = "How many days what was expunged or deleted can be brought back. 0: it is forgotten "
              "as soon as its space is worth having.",
      .example = "90" },
    { .name = "mail.expunged_bytes_max",
      SIZE(mail_expunged_bytes_max),
      .standard = "10G",
      .max = UINT64_C(1) << 60,
      .help = "But no more than about so many bytes of it in one account: the oldest is forgotten "
              "first. 0: no limit.",
      .example = "2G" },
    { .name = "mail.workers",
      NUMBER(mail_workers),
      .standard = "16",
      .min = 1,
      .max = 64,
      .help = "Threads of each mail process that wait for the disk: so many accounts can be synced "
              "at once.",
      .example = "16" },
    { .name = "mail.message_bytes_max",
      SIZE(mail_message_bytes_max),
      .standard = "50M",
      .min = 64 * KB,
      .max = 2 * GB - 1,
      .help = "Largest message that is taken in, by LMTP or APPEND.",
      .example = "100M" },
    { .name = "mail.keywords_max",
      NUMBER(mail_keywords_max),
      .standard = "60",
      .min = 10,
      .max = 128,
      .help = "Most different keywords (flags that clients invent) in one mailbox, of at most 128 "
              "bytes each. Messages that are copied there bring theirs, up to 128 in all.",
      .example = "60" },
    { .name = "mail.mailboxes_max",
      NUMBER(mail_mailboxes_max),
      .standard = "10000",
      .min = 10,
      .max = 1000000,
      .help = "Most mailboxes in one account.",
      .example = "10000" },
    { .name = "mail.name_bytes_max",
      NUMBER(mail_name_bytes_max),
      .standard = "1000",
      .min = 200,
      .max = 1000,
      .help = "Most bytes in the name of a mailbox that a client makes, as UTF-8.",
      .example = "1000" },
    { .name = "mail.name_level_bytes_max",
      NUMBER(mail_name_level_bytes_max),
      .standard = "255",
      .min = 50,
      .max = 1000,
      .help = "Most bytes between two / of such a name.",
      .example = "255" },
    { .name = "mail.name_levels_max",
      NUMBER(mail_name_levels_max),
      .standard = "64",
      .min = 5,
      .max = 64,
      .help = "Most levels of such a name.",
      .example = "64" },
    { .name = "mail.quota",
      SIZE(mail_quota_bytes),
      .standard = "0",
      .max = UINT64_C(1) << 60,
      .help = "Most bytes of mail in one account. 0: no limit.",
      .example = "5G" },
    { .name = "mail.sessions_per_account_max",
      NUMBER(mail_sessions_per_account_max),
      .standard = "100",
      .min = 1,
      .max = 100000,
      .help = "Most sessions that one account may have at the same time.",
      .example = "50" },

    { .name = "metrics.listen",
      LISTEN(metrics_listen),
      .standard = "",
      .help =
          "Where counters are served for Prometheus and the like, as http://ADDRESS/metrics, to "
          "anybody who can connect. Empty: nowhere.",
      .example = "127.0.0.1:9154" },

    { .name = "sandbox.required",
      BOOL(sandbox_required),
      .standard = "yes",
      .help = "Refuse to start where the kernel lacks one of the walls (Landlock, seccomp). no: go "
              "on with those it has.",
      .example = "no" },
    { .name = "log.level",
      CHOICE(log_level),
      .standard = "info",
      .choices = "error warning info debug",
      .apply = CONFIG_RELOAD,
      .help = "The least weighty events that are still logged.",
      .example = "debug" },
};

const size_t config_keys_count = ARRAY_COUNT(config_keys);

const char *const config_sections[] = { "imap", "imaps", "lmtp",    "gate",    "tls",
                                        "auth", "mail",  "metrics", "sandbox", "log" };
const size_t config_sections_count = ARRAY_COUNT(config_sections);

_Static_assert(ARRAY_COUNT(config_keys) <= CONFIG_KEYS_MAX, "few settings");

const struct config_key *config_key_find(struct bytes name)
{
    for (size_t i = 0; i < config_keys_count; i++)
        if (bytes_equal(name, bytes_from_string(config_keys[i].name)))
            return &config_keys[i];
    return NULL;
}

/* "listen" alone, or "timeout", is near no whole name, but may be the end of just one. */
static const char *only_key_that_ends_in(struct bytes name)
{
    const char *found = NULL;

    for (size_t i = 0; i < config_keys_count; i++) {
        struct bytes key = bytes_from_string(config_keys[i].name);

        if (!bytes_ends_with(key, name) || key.at[key.len - name.len - 1] != '.')
            continue;
        if (found != NULL)
            return NULL;
        found = config_keys[i].name;
    }
    return found;
}

const char *config_key_nearest(struct bytes name)
{
    struct nearest nearest = nearest_make(name);

    for (size_t i = 0; i < config_keys_count; i++)
        nearest_offer(&nearest, config_keys[i].name);
    return nearest.name != NULL ? nearest.name : only_key_that_ends_in(name);
}

const char *config_type_text(enum config_type type)
{
    switch (type) {
    case CONFIG_PATH: return "a path that begins with /";
    case CONFIG_BOOL: return "yes or no";
    case CONFIG_NUMBER: return "a number";
    case CONFIG_SIZE: return "a size such as 512K, 10M or 2G";
    case CONFIG_DURATION: return "a duration such as 30s, 10m, 2h or 7d";
    case CONFIG_CHOICE: return "one of the words";
    case CONFIG_LIST: return "words with blanks between";
    case CONFIG_LISTEN: return "addresses such as 127.0.0.1:143, [::1]:143 or unix:/path";
    }
    return "a value";
}

typedef void range_printer(uint64_t value, struct buf *out);

static range_printer *range_printer_of(enum config_type type)
{
    if (type == CONFIG_NUMBER)
        return config_number_print;
    if (type == CONFIG_SIZE)
        return config_size_print;
    return type == CONFIG_DURATION ? config_duration_print : NULL;
}

static void print_choices(const struct config_key *key, struct buf *out)
{
    struct bytes rest = bytes_from_string(key->choices);
    struct bytes word = config_word_take(&rest);

    buf_add_string(out, key->type == CONFIG_LIST ? "words of " : "one of ");
    for (bool first = true; word.len > 0; word = config_word_take(&rest), first = false) {
        if (!first)
            buf_add(out, BYTES(", "));
        buf_add(out, word);
    }
}

void config_key_wanted_print(const struct config_key *key, const char *otherwise, struct buf *out)
{
    range_printer *print = range_printer_of(key->type);

    if (otherwise == NULL && key->choices != NULL) {
        print_choices(key, out);
        return;
    }
    if (print == NULL) {
        buf_add_string(out, otherwise != NULL ? otherwise : config_type_text(key->type));
        return;
    }
    buf_add_format(out, "%s, from ", config_type_text(key->type));
    print(key->min, out);
    buf_add_string(out, " to ");
    print(key->max, out);
}
