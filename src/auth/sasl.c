/* libgsasl's server, its questions answered from the accounts database. */
#include "auth/sasl.h"

#include <gsasl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { MECHANISM_BYTES_MAX = 24, BASE64_BYTES_MAX = 128 };

struct sasl {
    struct sasl_options options;
    Gsasl *library;
};

struct sasl_exchange {
    struct sasl *sasl;
    Gsasl_session *session;
    struct mono now; /* of the step that runs */
    struct buf output;
    unsigned steps;
    bool scram;
    bool finished; /* all is verified: the client's empty answer is awaited */
    bool looked_up;
    bool found; /* an account that may log in */
    bool broken; /* the database failed */
    uint64_t fingerprint;
    size_t binding_len;
    uint8_t binding[SASL_BINDING_BYTES_MAX];
    struct account_name name; /* folded */
    struct accounts_record record;
    struct accounts_secret secret;
};

struct mechanism {
    struct bytes name;
    bool scram;
    bool plus;
};

static const struct mechanism *find_mechanism(struct bytes name)
{
    static const struct mechanism mechanisms[] = {
        { { (const uint8_t *)"PLAIN", 5 }, false, false },
        { { (const uint8_t *)"LOGIN", 5 }, false, false },
        { { (const uint8_t *)"SCRAM-SHA-256", 13 }, true, false },
        { { (const uint8_t *)"SCRAM-SHA-256-PLUS", 18 }, true, true },
    };

    for (size_t i = 0; i < ARRAY_COUNT(mechanisms); i++) {
        if (bytes_equal(mechanisms[i].name, name))
            return &mechanisms[i];
    }
    return NULL;
}

/* Reads the account behind the name the client gave, once an exchange. */
static void look_up(struct sasl_exchange *exchange)
{
    const char *given = gsasl_property_fast(exchange->session, GSASL_AUTHID);
    enum err err = ERR_NOT_FOUND;

    if (exchange->looked_up)
        return;
    exchange->looked_up = true;
    if (given != NULL && account_name_fold(bytes_from_string(given), &exchange->name))
        err = accounts_find(exchange->sasl->options.accounts, account_name_bytes(&exchange->name),
                            &exchange->record, &exchange->secret);
    exchange->broken = err != ERR_OK && err != ERR_NOT_FOUND;
    exchange->found = err == ERR_OK && !exchange->record.disabled;
}

/* Nobody acts for somebody else: an authorisation identity must be the same name again. */
static bool is_authorised(const struct sasl_exchange *exchange)
{
    const char *given = gsasl_property_fast(exchange->session, GSASL_AUTHZID);
    struct account_name folded;

    if (given == NULL || given[0] == '\0')
        return true;
    return account_name_fold(bytes_from_string(given), &folded) &&
           bytes_equal(account_name_bytes(&folded), account_name_bytes(&exchange->name));
}

static bool check_password(struct sasl_exchange *exchange, struct bytes password)
{
    const struct sasl_options *options = &exchange->sasl->options;
    const struct accounts_id *id = &exchange->record.id;
    const struct password_hash *hash = &exchange->secret.hash;

    if (!exchange->found) {
        password_verify_nobody(password, options->scheme);
        return false;
    }
    if (login_cache_holds(options->cache, id, hash, password, exchange->now))
        return true;
    if (!password_verify(password, hash))
        return false;
    login_cache_put(options->cache, id, hash, password, exchange->now);
    return true;
}

static int validate_simple(struct sasl_exchange *exchange)
{
    const char *password = gsasl_property_fast(exchange->session, GSASL_PASSWORD);
    struct bytes given = bytes_from_string(password);

    look_up(exchange);
    if (exchange->broken || given.len > SASL_MESSAGE_BYTES_MAX)
        return GSASL_AUTHENTICATION_ERROR;
    exchange->fingerprint = login_cache_fingerprint(exchange->sasl->options.cache,
                                                    account_name_bytes(&exchange->name), given);
    return check_password(exchange, given) && is_authorised(exchange) ? GSASL_OK
                                                                      : GSASL_AUTHENTICATION_ERROR;
}

static int set_base64(Gsasl_session *session, Gsasl_property property, const uint8_t *at,
                      size_t len)
{
    char text[BASE64_BYTES_MAX];

    EVP_EncodeBlock((unsigned char *)text, at, (int)len);
    return gsasl_property_set(session, property, text);
}

/* The account's keys, or false ones that look the same. */
static const struct scram_keys *scram_keys(struct sasl_exchange *exchange, struct scram_keys *fake)
{
    const struct sasl *sasl = exchange->sasl;

    look_up(exchange);
    if (exchange->found && exchange->secret.scram.iterations != 0)
        return &exchange->secret.scram;
    exchange->found = false;
    scram_keys_fake(account_name_bytes(&exchange->name),
                    accounts_fake_secret(sasl->options.accounts), sasl->options.scram_iterations,
                    fake);
    return fake;
}

/* RFC 5802 s5.1 */
static int give_scram(struct sasl_exchange *exchange, Gsasl_property property)
{
    struct scram_keys fake;
    const struct scram_keys *keys = scram_keys(exchange, &fake);
    char iterations[16];

    if (property == GSASL_SCRAM_SALT)
        return set_base64(exchange->session, property, keys->salt, SCRAM_SALT_BYTES);
    if (property == GSASL_SCRAM_STOREDKEY)
        return set_base64(exchange->session, property, keys->stored_key, SCRAM_KEY_BYTES);
    if (property == GSASL_SCRAM_SERVERKEY)
        return set_base64(exchange->session, property, keys->server_key, SCRAM_KEY_BYTES);
    (void)snprintf(iterations, sizeof(iterations), "%u", (unsigned)keys->iterations);
    return gsasl_property_set(exchange->session, property, iterations);
}

/* RFC 5802 sections 5.1, 6 */
static int answer(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
    struct sasl_exchange *exchange = gsasl_session_hook_get(session);

    (void)library;
    if (property == GSASL_VALIDATE_SIMPLE)
        return validate_simple(exchange);
    if (property == GSASL_CB_TLS_EXPORTER && exchange->binding_len > 0)
        return set_base64(session, property, exchange->binding, exchange->binding_len);
    if (exchange->scram && (property == GSASL_SCRAM_ITER || property == GSASL_SCRAM_SALT ||
                            property == GSASL_SCRAM_STOREDKEY || property == GSASL_SCRAM_SERVERKEY))
        return give_scram(exchange, property);
    return GSASL_NO_CALLBACK;
}

struct sasl *sasl_new(const struct sasl_options *options)
{
    struct sasl *sasl = calloc(1, sizeof(*sasl));

    if (sasl == NULL || gsasl_init(&sasl->library) != GSASL_OK)
        abort();
    sasl->options = *options;
    gsasl_callback_set(sasl->library, answer);
    return sasl;
}

void sasl_free(struct sasl *sasl)
{
    if (sasl == NULL)
        return;
    gsasl_done(sasl->library);
    free(sasl);
}

static bool is_allowed(const struct sasl *sasl, const struct mechanism *mechanism,
                       const struct sasl_client *client)
{
    if (mechanism->plus && client->channel_binding.len == 0)
        return false;
    if (mechanism->scram)
        return sasl->options.scram_iterations != 0;
    return client->tls || client->loopback;
}

struct sasl_exchange *sasl_exchange_new(struct sasl *sasl, struct bytes mechanism,
                                        const struct sasl_client *client)
{
    const struct mechanism *found = find_mechanism(mechanism);
    char name[MECHANISM_BYTES_MAX] = { 0 };
    struct sasl_exchange *exchange;

    if (found == NULL || client->channel_binding.len > SASL_BINDING_BYTES_MAX ||
        !is_allowed(sasl, found, client))
        return NULL;
    exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL)
        abort();
    memcpy(name, mechanism.at, mechanism.len);
    if (gsasl_server_start(sasl->library, name, &exchange->session) != GSASL_OK)
        abort();
    exchange->sasl = sasl;
    exchange->scram = found->scram;
    exchange->output = buf_make(SASL_MESSAGE_BYTES_MAX);
    exchange->binding_len = client->channel_binding.len;
    if (exchange->binding_len > 0)
        memcpy(exchange->binding, client->channel_binding.at, exchange->binding_len);
    gsasl_session_hook_set(exchange->session, exchange);
    return exchange;
}

void sasl_exchange_free(struct sasl_exchange *exchange)
{
    if (exchange == NULL)
        return;
    if (exchange->session != NULL)
        gsasl_finish(exchange->session);
    buf_done(&exchange->output);
    OPENSSL_cleanse(exchange, sizeof(*exchange));
    free(exchange);
}

/* RFC 4616 s2; RFC 5802 s5. */
static enum sasl_outcome settle(struct sasl_exchange *exchange, int result)
{
    switch (result) {
    case GSASL_NEEDS_MORE: return SASL_CHALLENGE;
    case GSASL_OK: break;
    case GSASL_AUTHENTICATION_ERROR: return exchange->broken ? SASL_UNAVAILABLE : SASL_DENIED;
    case GSASL_MALLOC_ERROR: abort();
    default: return exchange->broken ? SASL_UNAVAILABLE : SASL_INVALID;
    }
    if (exchange->broken)
        return SASL_UNAVAILABLE;
    if (!exchange->found || !is_authorised(exchange))
        return SASL_DENIED;
    if (buf_is_empty(&exchange->output))
        return SASL_SUCCESS;
    exchange->finished = true;
    return SASL_CHALLENGE;
}

enum sasl_outcome sasl_exchange_step(struct sasl_exchange *exchange, struct bytes in,
                                     struct mono now)
{
    char *out = NULL;
    size_t out_len = 0;
    int result;

    exchange->now = now;
    buf_clear(&exchange->output);
    if (exchange->finished)
        return in.len == 0 ? SASL_SUCCESS : SASL_INVALID;
    if (in.len > SASL_MESSAGE_BYTES_MAX || ++exchange->steps > SASL_STEPS_MAX)
        return SASL_INVALID;
    result = gsasl_step(exchange->session, (const char *)in.at, in.len, &out, &out_len);
    if (result == GSASL_OK || result == GSASL_NEEDS_MORE)
        buf_add(&exchange->output, bytes_make(out, out_len));
    free(out);
    return exchange->output.overflowed ? SASL_INVALID : settle(exchange, result);
}

struct bytes sasl_exchange_output(const struct sasl_exchange *exchange)
{
    return buf_bytes(&exchange->output);
}

const struct accounts_record *sasl_exchange_record(const struct sasl_exchange *exchange)
{
    return &exchange->record;
}

struct bytes sasl_exchange_name(const struct sasl_exchange *exchange)
{
    return account_name_bytes(&exchange->name);
}

uint64_t sasl_exchange_fingerprint(const struct sasl_exchange *exchange)
{
    return exchange->fingerprint;
}
