/* The copy of an account that nobody has used: a manifest without segments. */
#include <string.h>

#include "backup/backup.h"
#include "backup/manifest.h"
#include "sys/vfs.h"

/* A log that is not in the manifest is what a run left that was interrupted. */
static enum err check_no_log(struct vfs *to)
{
    bool has_log = false;
    enum err err = vfs_has_names(to, "log", &has_log);

    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    return err == ERR_OK && has_log ? ERR_CONFLICT : err;
}

enum err backup_account_unused(struct vfs *to, struct account_id account, struct wall now)
{
    struct manifest before = { .entries = NULL };
    struct manifest manifest = { .account = account, .when = now };
    enum err err = check_no_log(to);
    bool says_so = false;
    bool has_mail;

    if (err != ERR_OK)
        return err;
    err = manifest_load(to, &before);
    has_mail = before.count > 0;
    says_so = err == ERR_OK && memcmp(&before.account, &account, sizeof(account)) == 0;
    manifest_done(&before);
    if (err != ERR_OK && err != ERR_NOT_FOUND && err != ERR_CORRUPT)
        return err;
    if (has_mail)
        return ERR_CONFLICT;
    return says_so ? ERR_OK : manifest_store(to, &manifest);
}

enum err backup_is_unused(struct vfs *from, bool *out_is)
{
    struct manifest manifest;
    enum err err = manifest_load(from, &manifest);

    if (err != ERR_OK)
        return err;
    *out_is = manifest.count == 0;
    manifest_done(&manifest);
    return ERR_OK;
}
