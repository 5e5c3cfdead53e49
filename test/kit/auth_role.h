/* An auth process in the hands of a test that plays gate 3, shard 0 and control. One account at
 * first: anna, whose password is pencil. */
#ifndef ROOST_TEST_KIT_AUTH_ROLE_H
#define ROOST_TEST_KIT_AUTH_ROLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/auth/auth_role.h"
#include "kit/fake_peer.h"

extern const char auth_config[];

struct auth_fixture {
    char directory[64];
    struct loop *loop;
    struct role role;
    struct auth_state *auth;
    int supervisor;
    int gate;
    int mail;
    int control;
    uint64_t request;
    struct fake_mail heard;
    struct ipc_ticket ticket;
};

/* An auth process over f->directory with gate 3 (start 7), shard 0 (start 9) and control. */
void auth_start(struct auth_fixture *f, const char *config);
void auth_end(struct auth_fixture *f);

/* cmocka's: a directory of its own, auth_config, and anna. */
int auth_set_up(void **state);
int auth_tear_down(void **state);

/* The next message on that channel, which must be of that type. Valid until the next one. */
struct ipc_message *auth_hear(struct auth_fixture *f, int channel, enum ipc_type type);

/* Control's requests about an account, and the answer to the last one. */
void auth_control_ask(struct auth_fixture *f, enum ipc_type type, const char *name,
                      const char *password);
struct ipc_account_answer *auth_control_hear(struct auth_fixture *f, enum ipc_result result);
void auth_add(struct auth_fixture *f, const char *name);
bool auth_text_holds(struct bytes text, const char *part);

/* A login over IMAP and TLS from 192.0.2.1, with a new request number; `initial` may be none. */
struct ipc_message auth_login(struct auth_fixture *f, const char *mechanism, struct bytes initial);
void auth_say_login(struct auth_fixture *f, const char *mechanism, struct bytes initial);
struct ipc_auth_result *auth_hear_result(struct auth_fixture *f, enum ipc_result result);

/* The shard hears of a ticket for anna, kept in f->ticket, and answers. */
void auth_shard_answers(struct auth_fixture *f, uint8_t service, enum ipc_result result);

/* The shard hears of a ticket for a delivery to anna, kept in f->ticket. */
void auth_shard_hears(struct auth_fixture *f);

#define AUTH_TEST(name) cmocka_unit_test_setup_teardown(name, auth_set_up, auth_tear_down)

#endif
