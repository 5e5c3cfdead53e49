/* A round of questions. */
#include "daemon/control/scrape.h"

#include <stdlib.h>

#include "daemon/control/metrics.h"
#include "daemon/role/ask.h"

struct question {
    struct role_ask ask;
    struct scrape *scrape;
    enum ipc_role role;
    uint16_t index;
    json_t *answer; /* NULL: none, or none that makes sense */
};

static void free_questions(struct scrape *scrape)
{
    for (size_t i = 0; i < scrape->count; i++) {
        role_ask_drop(&scrape->questions[i].ask);
        json_decref(scrape->questions[i].answer);
    }
    free(scrape->questions);
    scrape->questions = NULL;
    scrape->count = 0;
}

/* The supervisor's answer is the first, our own the second. */
static void print(const struct scrape *scrape, struct buf *out)
{
    size_t count = scrape->count - 1;
    struct metrics_process *processes = calloc(count, sizeof(*processes));

    if (processes == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        const struct question *question = &scrape->questions[i + 1];

        processes[i] =
            (struct metrics_process){ question->role, question->index, question->answer };
    }
    metrics_print(out, scrape->questions[0].answer, processes, count);
    free(processes);
}

static void on_finish(struct loop_task *task)
{
    struct scrape *scrape = CONTAINER_OF(task, struct scrape, finish);
    struct buf page = buf_make(SCRAPE_BYTES_MAX);

    print(scrape, &page);
    free_questions(scrape);
    scrape->done(scrape, &page);
    buf_done(&page);
}

static void settle(struct scrape *scrape)
{
    if (scrape->waiting == 0)
        loop_defer(scrape->role->loop, &scrape->finish);
}

static void on_answer(struct role_ask *ask, const struct ipc_message *answer, int *fd)
{
    struct question *question = CONTAINER_OF(ask, struct question, ask);

    if (answer != NULL && answer->text_answer.result == IPC_OK)
        question->answer = metrics_parse(answer->text_answer.text);
    question->scrape->waiting--;
    settle(question->scrape);
}

static struct question *add_question(struct scrape *scrape, enum ipc_role role, uint16_t index)
{
    struct question *question = &scrape->questions[scrape->count++];

    *question = (struct question){ .scrape = scrape, .role = role, .index = index };
    return question;
}

static void ask(struct question *question, struct role_peer *peer)
{
    struct ipc_message message = { .type =
                                       peer->of == IPC_ROLE_SUPERVISOR ? IPC_STATUS : IPC_STATS };

    question->ask.answered = on_answer;
    if (role_ask(peer, &question->ask, &message, NULL, SCRAPE_MS) == ERR_OK)
        question->scrape->waiting++;
}

void scrape_start(struct scrape *scrape)
{
    struct role *role = scrape->role;
    size_t most = 2; /* the supervisor and control */

    if (scrape->questions != NULL)
        return;
    LIST_EACH (node, after, &role->peers)
        most++;
    scrape->questions = calloc(most, sizeof(*scrape->questions));
    if (scrape->questions == NULL)
        abort();
    scrape->finish.run = on_finish;
    scrape->waiting = 0;
    ask(add_question(scrape, IPC_ROLE_SUPERVISOR, 0), &role->supervisor);
    add_question(scrape, IPC_ROLE_CONTROL, role->start.index)->answer = json_object();
    LIST_EACH (node, after, &role->peers) {
        struct role_peer *peer = CONTAINER_OF(node, struct role_peer, link);

        ask(add_question(scrape, peer->of, peer->index), peer);
    }
    settle(scrape);
}

void scrape_drop(struct scrape *scrape)
{
    if (scrape->questions == NULL)
        return;
    loop_undefer(&scrape->finish);
    free_questions(scrape);
}
