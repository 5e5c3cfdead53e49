/* The table of commands: RFC 9051 section 6, RFC 3501 section 6, and the extensions announced. */
#include "imap/cmd/runners.h"
#include "imap/state.h"
#include "imap/wire/append.h"
#include "imap/wire/copy.h"
#include "imap/wire/create.h"
#include "imap/wire/enable.h"
#include "imap/wire/fetch.h"
#include "imap/wire/list.h"
#include "imap/wire/mailbox.h"
#include "imap/wire/search.h"
#include "imap/wire/select.h"
#include "imap/wire/sort.h"
#include "imap/wire/status.h"
#include "imap/wire/store.h"
#include "imap/wire/thread.h"

enum {
    ANY = IMAP_IN_ANY,
    SELECTED = IMAP_IN_SELECTED,
    BEFORE_LOGIN = 0,
    SEQNOS = IMAP_KEEPS_SEQNOS,
    QUIET = IMAP_TELLS_ITSELF,
    UID = IMAP_FORM_UID,
    MANY = IMAP_CHANGES_MANY,
};

/* An APPEND that ended and announced no message: all that is left is to say what is missing. */
static bool append_refuse(struct cursor *cur, const struct imap_grammar *grammar,
                          struct arena *arena, const void **out_args)
{
    struct imap_append_args args;

    *out_args = NULL;
    return imap_append_parse(cur, grammar, arena, &args) && cursor_fail(cur, "a message literal");
}

/* clang-format off */
static const struct imap_verb imap_verbs[] = {
    /* name             states        traits        wire/ parse               cmd/ run */
    { "APPEND",         ANY,          IMAP_STREAMS, append_refuse,            imap_append_run },
    { "AUTHENTICATE",   BEFORE_LOGIN, 0,            imap_no_args_parse,       NULL },
    { "CAPABILITY",     ANY,          0,            imap_no_args_parse,       imap_capability_run },
    { "CHECK",          SELECTED,     0,            imap_no_args_parse,       imap_noop_run },
    { "CLOSE",          SELECTED,     QUIET,        imap_no_args_parse,       imap_close_run },
    { "COPY",           SELECTED,     MANY,         imap_copy_parse,          imap_copy_run },
    { "COPY",           SELECTED,     UID,          imap_copy_parse,          imap_copy_run },
    { "CREATE",         ANY,          0,            imap_create_parse,        imap_create_run },
    { "DELETE",         ANY,          0,            imap_mailbox_args_parse,  imap_delete_run },
    { "ENABLE",         ANY,          0,            imap_enable_parse,        imap_enable_run },
    { "EXAMINE",        ANY,          QUIET,        imap_select_parse,        imap_examine_run },
    { "EXPUNGE",        SELECTED,     MANY,         imap_no_args_parse,       imap_expunge_run },
    { "EXPUNGE",        SELECTED,     UID,          imap_uid_expunge_parse, imap_uid_expunge_run },
    { "FETCH",          SELECTED,     SEQNOS,       imap_fetch_parse,         imap_fetch_run },
    { "FETCH",          SELECTED,     UID,          imap_fetch_parse,         imap_fetch_run },
    { "ID",             ANY,          0,            imap_id_parse,            imap_id_run },
    { "IDLE",           ANY,          0,            imap_no_args_parse,       imap_idle_run },
    { "LIST",           ANY,          0,            imap_list_parse,          imap_list_run },
    { "LOGIN",          BEFORE_LOGIN, 0,            imap_no_args_parse,       NULL },
    { "LOGOUT",         ANY,          QUIET,        imap_no_args_parse,       imap_logout_run },
    { "LSUB",           ANY,          0,            imap_lsub_parse,          imap_lsub_run },
    { "MOVE",           SELECTED,     MANY,         imap_copy_parse,          imap_move_run },
    { "MOVE",           SELECTED,     UID,          imap_copy_parse,          imap_move_run },
    { "NAMESPACE",      ANY,          0,            imap_no_args_parse,       imap_namespace_run },
    { "NOOP",           ANY,          0,            imap_no_args_parse,       imap_noop_run },
    { "RENAME",         ANY,          0,            imap_rename_parse,        imap_rename_run },
    { "SEARCH",         SELECTED,     SEQNOS,       imap_search_parse,        imap_search_run },
    { "SEARCH",         SELECTED,     UID,          imap_search_parse,        imap_search_run },
    { "SELECT",         ANY,          QUIET,        imap_select_parse,        imap_select_run },
    { "SORT",           SELECTED,     SEQNOS,       imap_sort_parse,          imap_sort_run },
    { "SORT",           SELECTED,     UID,          imap_sort_parse,          imap_sort_run },
    { "STARTTLS",       BEFORE_LOGIN, 0,            imap_no_args_parse,       NULL },
    { "STATUS",         ANY,          0,            imap_status_parse,        imap_status_run },
    { "STORE",          SELECTED,     SEQNOS,       imap_store_parse,         imap_store_run },
    { "STORE",          SELECTED,     UID,          imap_store_parse,         imap_store_run },
    { "SUBSCRIBE",      ANY,          0,            imap_mailbox_args_parse,  imap_subscribe_run },
    { "THREAD",         SELECTED,     SEQNOS,       imap_thread_parse,        imap_thread_run },
    { "THREAD",         SELECTED,     UID,          imap_thread_parse,        imap_thread_run },
    { "UNAUTHENTICATE", ANY,          QUIET,        imap_no_args_parse, imap_unauthenticate_run },
    { "UNSELECT",       SELECTED,     QUIET,        imap_no_args_parse,       imap_unselect_run },
    { "UNSUBSCRIBE",    ANY,          0,            imap_mailbox_args_parse, imap_unsubscribe_run },
};
/* clang-format on */

/* RFC 9051 s9 */
const struct imap_verb *imap_verb_find(struct bytes name, bool uid)
{
    for (size_t i = 0; i < ARRAY_COUNT(imap_verbs); i++) {
        const struct imap_verb *verb = &imap_verbs[i];

        if (((verb->traits & IMAP_FORM_UID) != 0) == uid &&
            bytes_equal_nocase(bytes_from_string(verb->name), name))
            return verb;
    }
    return NULL;
}
