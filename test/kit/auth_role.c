/* Starting an auth process for a test, and talking to it. */
#include "kit/auth_role.h"

const char auth_config[] =
    "data = /tmp/nowhere\nrun = /tmp/nowhere\ndomains = example.org\nauth.failure_delay = 0s\n"
    "auth.workers = 2\nmail.quota = 1M\n";

void auth_start(struct auth_fixture *f, const char *config)
{
    struct ipc_message directory = { .type = IPC_DIRECTORY };
    int pair[2];

    f->loop = loop_new();
    f->auth = auth_state_new();
    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    f->supervisor = pair[1];
    role_init(&f->role, &auth_role_spec, f->auth, f->loop, pair[0]);
    fake_say(f->supervisor, &directory, open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    fake_start(f->loop, f->supervisor, IPC_ROLE_AUTH, bytes_from_string(config));
    f->gate = fake_join(f->supervisor, IPC_ROLE_GATE, 3, 7);
    f->mail = fake_join(f->supervisor, IPC_ROLE_MAIL, 0, 9);
    f->control = fake_join(f->supervisor, IPC_ROLE_CONTROL, 0, 11);
    fake_settle(f->loop);
}

void auth_end(struct auth_fixture *f)
{
    auth_state_free(f->auth);
    role_done(&f->role);
    fd_close(&f->supervisor);
    fd_close(&f->gate);
    fd_close(&f->mail);
    fd_close(&f->control);
    loop_free(f->loop);
}

struct ipc_message *auth_hear(struct auth_fixture *f, int channel, enum ipc_type type)
{
    fake_hear(f->loop, channel, &f->heard);
    assert_int_equal(f->heard.got.type, type);
    assert_int_equal(f->heard.fd, -1);
    return &f->heard.got;
}

void auth_control_ask(struct auth_fixture *f, enum ipc_type type, const char *name,
                      const char *password)
{
    struct ipc_message message = { type,
                                   { .account = { .request = ++f->request,
                                                  .name = bytes_from_string(name),
                                                  .password = bytes_from_string(password) } } };

    fake_say(f->control, &message, -1);
}

struct ipc_account_answer *auth_control_hear(struct auth_fixture *f, enum ipc_result result)
{
    struct ipc_account_answer *answer =
        &auth_hear(f, f->control, IPC_ACCOUNT_ANSWER)->account_answer;

    assert_int_equal(answer->result, result);
    assert_int_equal(answer->request, f->request);
    return answer;
}

bool auth_text_holds(struct bytes text, const char *part)
{
    struct bytes needle = bytes_from_string(part);

    return bytes_find(text, 0, needle) < text.len;
}

void auth_add(struct auth_fixture *f, const char *name)
{
    struct ipc_account_answer *answer;

    auth_control_ask(f, IPC_ACCOUNT_ADD, name, "pencil");
    answer = auth_control_hear(f, IPC_OK);
    assert_true(auth_text_holds(answer->text, name));
    assert_true(auth_text_holds(answer->text, "\"scram\":true"));
    assert_false(auth_text_holds(answer->text, "pencil"));
}

int auth_set_up(void **state)
{
    struct auth_fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->directory, sizeof(f->directory), "/tmp/roost-auth-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    auth_start(f, auth_config);
    auth_add(f, "anna");
    *state = f;
    return 0;
}

int auth_tear_down(void **state)
{
    struct auth_fixture *f = *state;
    char path[96];

    auth_end(f);
    (void)snprintf(path, sizeof(path), "%s/accounts.db", f->directory);
    (void)unlink(path);
    (void)rmdir(f->directory);
    free(f);
    return 0;
}

struct ipc_message auth_login(struct auth_fixture *f, const char *mechanism, struct bytes initial)
{
    struct ipc_message message = { IPC_AUTH_START,
                                   { .auth_start = { .request = ++f->request,
                                                     .service = IPC_SERVICE_IMAP,
                                                     .client = { .session = 5,
                                                                 .address = BYTES("192.0.2.1:4711"),
                                                                 .tls = true },
                                                     .mechanism = bytes_from_string(mechanism),
                                                     .has_initial = initial.at != NULL,
                                                     .initial = initial } } };

    return message;
}

void auth_say_login(struct auth_fixture *f, const char *mechanism, struct bytes initial)
{
    struct ipc_message message = auth_login(f, mechanism, initial);

    fake_say(f->gate, &message, -1);
}

struct ipc_auth_result *auth_hear_result(struct auth_fixture *f, enum ipc_result result)
{
    struct ipc_auth_result *answer = &auth_hear(f, f->gate, IPC_AUTH_RESULT)->auth_result;

    assert_int_equal(answer->result, result);
    assert_int_equal(answer->request, f->request);
    return answer;
}

/* A ticket for anna is as it should be; answers its request number. */
static uint64_t keep_ticket(struct auth_fixture *f, const struct ipc_ticket_announce *ticket,
                            uint8_t service)
{
    assert_int_equal(ticket->gate, 3);
    assert_int_equal(ticket->gate_incarnation, 7);
    assert_int_equal(ticket->mail_incarnation, 9);
    assert_int_equal(ticket->service, service);
    assert_int_equal(ticket->quota_bytes, 1024 * 1024);
    ASSERT_BYTES(ticket->account, BYTES("anna"));
    f->ticket = ticket->ticket;
    return ticket->request;
}

void auth_shard_answers(struct auth_fixture *f, uint8_t service, enum ipc_result result)
{
    struct ipc_message answer = { IPC_TICKET_ANSWER, { .answer = { .result = (uint8_t)result } } };

    answer.answer.request =
        keep_ticket(f, &auth_hear(f, f->mail, IPC_TICKET)->ticket_announce, service);
    fake_say(f->mail, &answer, -1);
}

void auth_shard_hears(struct auth_fixture *f)
{
    struct ipc_message *message = auth_hear(f, f->mail, IPC_DELIVERY_TICKET);

    (void)keep_ticket(f, &message->ticket_announce, IPC_SERVICE_LMTP);
}
