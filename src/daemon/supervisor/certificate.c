/* Reading, trying and making the pair. */
#include "daemon/supervisor/certificate.h"

#include <string.h>

#include "base/log.h"
#include "daemon/supervisor/layout.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/process.h"
#include "sys/selfsigned.h"
#include "sys/tls.h"

enum { SELF_MADE_DAYS = 3650 };

static enum err try_pair(const struct selfsigned *pair, struct note *why)
{
    const struct tls_settings settings = { .certificate_pem = buf_bytes(&pair->certificate_pem),
                                           .key_pem = buf_bytes(&pair->key_pem) };
    struct tls_context *context = NULL;
    enum err err = tls_context_new(&settings, &context, why);

    tls_context_free(context);
    return err;
}

static enum err read_pair(const char *certificate_path, const char *key_path,
                          struct selfsigned *pair, struct note *why)
{
    struct note reason = { "" };
    enum err err = file_read(certificate_path, &pair->certificate_pem, why);

    if (err == ERR_OK)
        err = file_read(key_path, &pair->key_pem, why);
    if (err != ERR_OK)
        return err;
    err = try_pair(pair, &reason);
    if (err != ERR_OK)
        note_set(why, "%s with %s: %s", certificate_path, key_path, reason.text);
    return err;
}

static enum err make_pair(const char *certificate_path, const char *key_path,
                          struct selfsigned *pair, struct note *why)
{
    char host_name[PROCESS_HOST_NAME_MAX];
    enum err err;

    process_host_name(host_name);
    buf_clear(&pair->certificate_pem);
    buf_clear(&pair->key_pem);
    err = selfsigned_make(host_name, clock_wall(), SELF_MADE_DAYS, pair, why);
    if (err == ERR_INVALID) /* the machine has no name that a certificate could carry */
        err = selfsigned_make("localhost", clock_wall(), SELF_MADE_DAYS, pair, why);
    if (err == ERR_OK)
        err = file_write(key_path, buf_bytes(&pair->key_pem), 0600, why);
    if (err == ERR_OK)
        err = file_write(certificate_path, buf_bytes(&pair->certificate_pem), 0644, why);
    if (err == ERR_OK)
        log_event(LOG_LEVEL_INFO, "certificate-made", "path", certificate_path);
    return err;
}

static enum err self_made(const struct config *config, struct selfsigned *pair, struct note *why)
{
    char certificate_path[LAYOUT_PATH_BYTES_MAX];
    char key_path[LAYOUT_PATH_BYTES_MAX];
    enum err err = layout_tls_path(config, "self-made.crt", certificate_path, why);

    if (err == ERR_OK)
        err = layout_tls_path(config, "self-made.key", key_path, why);
    if (err != ERR_OK)
        return err;
    if (read_pair(certificate_path, key_path, pair, NULL) == ERR_OK)
        return ERR_OK;
    return make_pair(certificate_path, key_path, pair, why);
}

void certificate_forget(struct buf *secret)
{
    if (secret->at != NULL)
        explicit_bzero(secret->at, secret->capacity);
    buf_done(secret);
}

enum err certificate_load(const struct config *config, struct buf *out_pem, struct note *why)
{
    struct selfsigned pair = { buf_make(SUPERVISOR_PEM_BYTES_MAX / 2),
                               buf_make(SUPERVISOR_PEM_BYTES_MAX / 4) };
    enum err err;

    if (config->tls_certificate[0] == '\0')
        err = self_made(config, &pair, why);
    else
        err = read_pair(config->tls_certificate, config->tls_key, &pair, why);
    if (err == ERR_OK) {
        buf_add(out_pem, buf_bytes(&pair.certificate_pem));
        buf_add_byte(out_pem, '\n');
        buf_add(out_pem, buf_bytes(&pair.key_pem));
    }
    if (pair.key_pem.at != NULL)
        explicit_bzero(pair.key_pem.at, pair.key_pem.capacity);
    buf_done(&pair.certificate_pem);
    buf_done(&pair.key_pem);
    return err;
}
