/* The table of roles. */
#include "cli/roles.h"

#include <string.h>
#include <sysexits.h>

#include "base/attributes.h"
#include "cli/cli.h"
#include "daemon/auth/auth_role.h"
#include "daemon/control/control.h"
#include "daemon/gate/gate.h"
#include "daemon/mail/mail.h"
#include "daemon/tls/sandbox.h"
#include "daemon/tls/tls_role.h"
#include "sys/process.h"

static void tls_profile(int directory_fd, struct sandbox_profile *out_profile)
{
    out_profile->sets = tls_sandbox_sets;
}

const struct cli_role cli_roles[] = {
    { "tls", "handshakes and relays; holds the keys", NULL, tls_role_main, tls_profile },
    { "auth", "passwords, accounts, who is who", "auth", auth_role_main, auth_role_profile },
    { "mail", "sessions after the login, delivery, the store", "accounts", mail_main,
      mail_profile },
    { "gate", "clients before their login, and mail on its way in", "spool", gate_main,
      gate_profile },
    { "control", "the administrator's socket", NULL, control_main, control_profile },
};

const size_t cli_roles_count = ARRAY_COUNT(cli_roles);

const struct cli_role *cli_role_find(const char *name)
{
    for (size_t i = 0; i < cli_roles_count; i++)
        if (strcmp(cli_roles[i].name, name) == 0)
            return &cli_roles[i];
    return NULL;
}

int cli_role_run(const char *name)
{
    const struct cli_role *role = cli_role_find(name);

    if (role == NULL)
        return cli_complain(EX_USAGE, "no role \"%s\"", name);
    process_end_now(role->run());
}
