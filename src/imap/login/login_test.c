/* Runs the dialogues of test/script/login, each one whole and byte by byte. Beyond the letters of
 * kit/script.h:
 *
 * - W: INPUT | START mechanism data | CONTINUE data | CANCEL | STARTTLS | HANDOFF tag unread |
 *   CLOSE: what the session wants now; data with escapes
 * - D: ms: the deadline is so far away; "none" while the host is awaited
 * - A: CHALLENGE data | SUCCESS data | FAILED | ... | TLS | TLS binding | NOHANDOFF: what the host
 *   answers
 * - B: text: the server ends
 *
 * Options: tls starttls plaintext noplain nologin scram binding resumed, and whole: not byte by
 * byte. */
#include "imap/login/login.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "kit/assert_bytes.h"
#include "kit/guard.h"
#include "kit/script.h"

static const char *script_folder;

struct runner {
    const struct script *script;
    const struct script_step *step;
    struct arena arena;
    struct imap_login_options options;
    struct imap_login *login; /* NULL until the options are known */
    bool byte_by_byte;
    bool whole_only;
    struct mono now;
    struct buf in; /* offered, not used */
    struct buf unsent; /* of the client */
    struct buf out;
    enum imap_login_want want;
};

static void broken(const struct runner *runner, const char *what)
{
    fail_msg("%s:%u: %s%s; output \"%.*s\"", runner->script->path, runner->step->line, what,
             runner->byte_by_byte ? " (byte by byte)" : "", BYTES_ARG(buf_bytes(&runner->out)));
}

static void step_once(struct runner *runner)
{
    struct guard guard;
    struct bytes in = guard_copy(&guard, buf_bytes(&runner->in));
    size_t used = 0;

    runner->want = imap_login_step(runner->login, in, runner->now, &used, &runner->out);
    assert_true(used <= in.len);
    buf_consume(&runner->in, used);
    guard_done(&guard);
}

/* All that the client has sent, as far as the session wants it. */
static void feed(struct runner *runner)
{
    if (runner->login == NULL) {
        runner->login = imap_login_new(&runner->options, runner->now);
        step_once(runner);
    }
    while (runner->byte_by_byte && runner->want == IMAP_LOGIN_INPUT && runner->unsent.len > 0) {
        buf_add(&runner->in, bytes_slice(buf_bytes(&runner->unsent), 0, 1));
        buf_consume(&runner->unsent, 1);
        step_once(runner);
    }
    if (buf_is_empty(&runner->unsent))
        return;
    buf_add(&runner->in, buf_bytes(&runner->unsent));
    buf_clear(&runner->unsent);
    if (runner->want == IMAP_LOGIN_INPUT)
        step_once(runner);
}

static struct bytes unescaped(struct runner *runner, struct bytes text)
{
    struct bytes value = script_unescape(text, &runner->arena);

    if (value.at == NULL)
        broken(runner, "bad escape");
    return value;
}

static void expect_line(struct runner *runner)
{
    struct bytes out = buf_bytes(&runner->out);
    size_t end = bytes_find(out, 0, BYTES("\r\n"));

    if (end == out.len)
        broken(runner, "no line came");
    if (!script_line_matches(runner->step->text, bytes_slice(out, 0, end)))
        broken(runner, "another line came");
    buf_consume(&runner->out, end + 2);
}

static void expect_silence(struct runner *runner)
{
    if (!buf_is_empty(&runner->out))
        broken(runner, "more came");
}

/* The first word; *rest is what follows its blank. */
static struct bytes first_word(struct bytes text, struct bytes *rest)
{
    size_t end = bytes_find_byte(text, 0, ' ');

    *rest = bytes_from(text, end + 1);
    return bytes_slice(text, 0, end);
}

static void expect_request(struct runner *runner, enum imap_login_request_kind kind,
                           struct bytes rest)
{
    struct imap_login_request request = imap_login_request(runner->login);

    if (runner->want != IMAP_LOGIN_AUTH || request.kind != kind)
        broken(runner, "another request");
    if (kind == IMAP_LOGIN_CANCEL) {
        step_once(runner);
        return;
    }
    assert_int_equal(request.has_data, kind == IMAP_LOGIN_START);
    if (kind == IMAP_LOGIN_START)
        ASSERT_BYTES(request.mechanism, first_word(rest, &rest));
    ASSERT_BYTES(request.data, unescaped(runner, rest));
}

static void expect_want(struct runner *runner)
{
    static const struct {
        struct bytes name;
        enum imap_login_want want;
        int request; /* -1: none */
    } wants[] = {
        { BYTES("INPUT"), IMAP_LOGIN_INPUT, -1 },
        { BYTES("START"), IMAP_LOGIN_AUTH, IMAP_LOGIN_START },
        { BYTES("CONTINUE"), IMAP_LOGIN_AUTH, IMAP_LOGIN_CONTINUE },
        { BYTES("CANCEL"), IMAP_LOGIN_AUTH, IMAP_LOGIN_CANCEL },
        { BYTES("STARTTLS"), IMAP_LOGIN_STARTTLS, -1 },
        { BYTES("HANDOFF"), IMAP_LOGIN_HANDOFF, -1 },
        { BYTES("CLOSE"), IMAP_LOGIN_CLOSE, -1 },
    };
    struct bytes rest;
    struct bytes word = first_word(runner->step->text, &rest);
    size_t i = 0;

    while (i < ARRAY_COUNT(wants) && !bytes_equal(wants[i].name, word))
        i++;
    if (i == ARRAY_COUNT(wants) || runner->want != wants[i].want)
        broken(runner, "another want");
    if (wants[i].request >= 0)
        expect_request(runner, (enum imap_login_request_kind)wants[i].request, rest);
    if (wants[i].want == IMAP_LOGIN_HANDOFF) {
        ASSERT_BYTES(imap_login_tag(runner->login), first_word(rest, &rest));
        ASSERT_BYTES(buf_bytes(&runner->in), unescaped(runner, rest));
    }
}

static void answer(struct runner *runner)
{
    static const struct bytes verdicts[] = {
        [IMAP_LOGIN_CHALLENGE] = BYTES("CHALLENGE"),
        [IMAP_LOGIN_SUCCESS] = BYTES("SUCCESS"),
        [IMAP_LOGIN_FAILED] = BYTES("FAILED"),
        [IMAP_LOGIN_NOT_AUTHORIZED] = BYTES("NOT_AUTHORIZED"),
        [IMAP_LOGIN_EXPIRED] = BYTES("EXPIRED"),
        [IMAP_LOGIN_DISABLED] = BYTES("DISABLED"),
        [IMAP_LOGIN_UNAVAILABLE] = BYTES("UNAVAILABLE"),
        [IMAP_LOGIN_TOO_MANY] = BYTES("TOO_MANY"),
    };
    struct bytes rest;
    struct bytes word = first_word(runner->step->text, &rest);
    bool known = false;

    for (size_t i = 0; i < ARRAY_COUNT(verdicts); i++)
        if (bytes_equal(verdicts[i], word)) {
            imap_login_answer(runner->login, (enum imap_login_verdict)i, unescaped(runner, rest));
            known = true;
        }
    if (bytes_equal(word, BYTES("TLS"))) {
        imap_login_tls_started(runner->login, bytes_equal(rest, BYTES("binding")));
        known = true;
    }
    if (bytes_equal(word, BYTES("NOHANDOFF"))) {
        imap_login_handoff_failed(runner->login);
        known = true;
    }
    if (!known)
        broken(runner, "no such answer");
    step_once(runner);
}

static void set_option(struct runner *runner)
{
    const struct {
        struct bytes name;
        bool *set;
        bool to;
    } options[] = {
        { BYTES("tls"), &runner->options.tls, true },
        { BYTES("starttls"), &runner->options.starttls, true },
        { BYTES("plaintext"), &runner->options.plaintext, true },
        { BYTES("noplain"), &runner->options.plain, false },
        { BYTES("nologin"), &runner->options.login, false },
        { BYTES("scram"), &runner->options.scram, true },
        { BYTES("scram"), &runner->options.scram_plus, true },
        { BYTES("binding"), &runner->options.channel_binding, true },
        { BYTES("resumed"), &runner->options.resumed, true },
        { BYTES("whole"), &runner->whole_only, true },
    };
    bool known = false;

    for (size_t i = 0; i < ARRAY_COUNT(options); i++)
        if (bytes_equal(options[i].name, runner->step->text)) {
            *options[i].set = options[i].to;
            known = true;
        }
    if (!known)
        broken(runner, "no such option");
}

static void pass_time(struct runner *runner)
{
    uint64_t ms;

    assert_true(num_parse(runner->step->text, INT32_MAX, &ms));
    runner->now.ms += (int64_t)ms;
    if (runner->want != IMAP_LOGIN_CLOSE)
        step_once(runner);
}

static void expect_deadline(struct runner *runner)
{
    int64_t left = imap_login_deadline(runner->login).ms - runner->now.ms;
    uint64_t ms;

    if (bytes_equal(runner->step->text, BYTES("none"))) {
        assert_true(imap_login_deadline(runner->login).ms == INT64_MAX);
        return;
    }
    assert_true(num_parse(runner->step->text, INT32_MAX, &ms));
    if (left != (int64_t)ms)
        broken(runner, "another deadline");
}

static void end_server(struct runner *runner)
{
    /* The session keeps the pointer; the script's memory has no NUL behind the text. */
    imap_login_bye(runner->login, (const char *)arena_copy(&runner->arena, runner->step->text).at);
    step_once(runner);
}

static void run_step(struct runner *runner)
{
    switch (runner->step->letter) {
    case 'O': set_option(runner); return;
    case 'C':
        buf_add(&runner->unsent, runner->step->text);
        buf_add_string(&runner->unsent, "\r\n");
        return;
    case 'c': buf_add(&runner->unsent, unescaped(runner, runner->step->text)); return;
    default: break;
    }
    feed(runner);
    if (runner->step->letter == 'S') {
        expect_line(runner);
        return;
    }
    expect_silence(runner);
    switch (runner->step->letter) {
    case 'W': expect_want(runner); break;
    case 'A': answer(runner); break;
    case 'D': expect_deadline(runner); break;
    case 'T': pass_time(runner); break;
    case 'B': end_server(runner); break;
    default: broken(runner, "no such letter");
    }
}

static void run_script(const struct script *script, bool byte_by_byte)
{
    struct runner runner = {
        .script = script,
        .byte_by_byte = byte_by_byte,
        .arena = arena_make(1 << 20),
        .options = { .plain = true, .login = true, .timeout_ms = 60000 },
        .now = { 1000000 },
        .in = buf_make(1 << 20),
        .unsent = buf_make(1 << 20),
        .out = buf_make(IMAP_LOGIN_OUTPUT_BYTES),
    };

    for (size_t i = 0; i < script->count; i++) {
        runner.step = &script->steps[i];
        if (byte_by_byte && runner.whole_only)
            break;
        run_step(&runner);
    }
    if (!byte_by_byte || !runner.whole_only)
        expect_silence(&runner);
    assert_false(runner.out.overflowed);
    imap_login_free(runner.login);
    buf_done(&runner.in);
    buf_done(&runner.unsent);
    buf_done(&runner.out);
    arena_done(&runner.arena);
}

static void test_scripts(void **state MAYBE_UNUSED)
{
    DIR *folder = opendir(script_folder);
    struct dirent *entry;
    int count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        struct arena arena = arena_make(1 << 22);
        struct script script;
        char path[1024];

        if (!bytes_ends_with(bytes_from_string(entry->d_name), BYTES(".txt")))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", script_folder, entry->d_name);
        assert_true(script_load(&script, path, &arena));
        run_script(&script, false);
        run_script(&script, true);
        count++;
        arena_done(&arena);
    }
    (void)closedir(folder);
    print_message("%d dialogues\n", count);
    assert_true(count > 0);
}

/* A stranger who does nothing but ask gets no more than the promised output. */
static void test_output_is_bounded(void **state MAYBE_UNUSED)
{
    struct imap_login_options options = {
        .plain = true, .login = true, .scram = true, .starttls = true, .timeout_ms = 60000
    };
    struct mono now = { 0 };
    struct imap_login *login = imap_login_new(&options, now);
    struct buf out = buf_make(IMAP_LOGIN_OUTPUT_BYTES);
    enum imap_login_want want = IMAP_LOGIN_INPUT;
    int commands = 0;

    while (want == IMAP_LOGIN_INPUT && commands < 1000) {
        size_t used;

        want = imap_login_step(login,
                               BYTES("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"
                                     "gggg CAPABILITY\r\n"),
                               now, &used, &out);
        commands++;
    }
    assert_int_equal(want, IMAP_LOGIN_CLOSE);
    assert_int_equal(commands, IMAP_LOGIN_COMMANDS_MAX + 1);
    assert_false(out.overflowed);
    buf_done(&out);
    imap_login_free(login);
}

static void test_literals_are_bounded(void **state MAYBE_UNUSED)
{
    struct imap_login_options options = {
        .plaintext = true, .plain = true, .login = true, .timeout_ms = 60000
    };
    struct imap_login *login = imap_login_new(&options, (struct mono){ 0 });
    struct buf out = buf_make(IMAP_LOGIN_OUTPUT_BYTES);
    enum imap_login_want want;
    size_t used;
    int literals = 0;

    want = imap_login_step(login, BYTES("a LOGIN {0}\r\n"), (struct mono){ 0 }, &used, &out);
    while (want == IMAP_LOGIN_INPUT && literals < 1000) {
        want = imap_login_step(login, BYTES(" {0}\r\n"), (struct mono){ 0 }, &used, &out);
        literals++;
    }
    assert_int_equal(want, IMAP_LOGIN_CLOSE);
    assert_int_equal(literals, IMAP_LOGIN_LITERALS_MAX);
    buf_done(&out);
    imap_login_free(login);
}

static void test_free_takes_null(void **state MAYBE_UNUSED)
{
    imap_login_free(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_output_is_bounded),
        cmocka_unit_test(test_literals_are_bounded),
        cmocka_unit_test(test_free_takes_null),
    };

    script_folder = argc > 1 ? argv[1] : "test/script/login";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
