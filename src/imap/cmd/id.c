/* ID (RFC 2971): says what we are; what the client is tells its log line. */
#include "base/log.h"
#include "imap/cmd/runners.h"
#include "imap/wire/enable.h"

static void log_client(const struct imap_session *session, const struct imap_id_args *args)
{
    struct log_line line;

    log_begin(&line, LOG_LEVEL_INFO, "client-id");
    log_number(&line, "session", (int64_t)session->number);
    for (uint32_t i = 0; i < args->count; i++)
        if (bytes_equal_nocase(args->pairs[i].field, BYTES("name")))
            log_bytes(&line, "name", args->pairs[i].value);
        else if (bytes_equal_nocase(args->pairs[i].field, BYTES("version")))
            log_bytes(&line, "version", args->pairs[i].value);
    log_end(&line);
}

/* RFC 2971 s3 */
enum imap_progress imap_id_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_id_args *args = run->args;

    if (args->count > 0)
        log_client(session, args);
    buf_add(session->out, BYTES("* ID (\"name\" \"Roost\" \"version\" \"" ROOST_VERSION "\")\r\n"));
    return imap_answer(run, IMAP_OK, NULL, "ID done");
}
