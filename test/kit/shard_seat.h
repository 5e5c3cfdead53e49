/* A shard in the hands of a test: auth announces, a gate hands over, clients talk, mail comes in.
 * The store is the real one, in a directory that goes away with the test; its jobs run when told.
 */
#ifndef ROOST_TEST_KIT_SHARD_SEAT_H
#define ROOST_TEST_KIT_SHARD_SEAT_H

#include "daemon/mail/mail.h"
#include "daemon/mail/place.h"
#include "daemon/mail/shard.h"
#include "ipc/marks.h"
#include "kit/fake_peer.h"
#include "kit/jobs.h"

enum { GATE_INCARNATION = 30, SHARD_INCARNATION = 1, TEXT_BYTES_MAX = 1 << 20 };

#define MESSAGE BYTES("Subject: hi\r\n\r\nthere\r\n")

struct fixture {
    struct loop *loop;
    struct role role;
    struct shard *shard;
    struct jobs jobs;
    struct executor executor; /* looks at the marks, then passes on to `jobs` */
    void *memory; /* the marks */
    char marked[64]; /* for each job, whose work had submitted it; '-' for none */
    int supervisor;
    int auth;
    int gate;
    char path[64];
    uint8_t next_ticket;
    struct fake_mail mail;
    char text[TEXT_BYTES_MAX]; /* what the last client heard */
};

void seat_start_shard(struct fixture *f);
/* Turns and jobs, until nothing is left but waiting for somebody. */
void seat_settle(struct fixture *f);
void seat_stop_shard(struct fixture *f);
int seat_set_up(void **state);
int seat_tear_down(void **state);
/* Account ids are one byte, sixteen times. */
struct ipc_ticket seat_announce(struct fixture *f, uint8_t account, uint8_t service);
/* Hands a connection over; answers the client's end and what the shard said. */
int seat_hand_over(struct fixture *f, struct ipc_ticket ticket, struct bytes unread,
                   enum ipc_result *out_result);
/* What has come for a client by now. */
const char *seat_hear(struct fixture *f, int client);
bool seat_is_closed(int client);
int seat_log_in(struct fixture *f, uint8_t account);
void seat_say(int client, const char *text);
/* Says it and waits until all is done; answers what was said back. */
const char *seat_ask(struct fixture *f, int client, const char *text);
void seat_deliver(struct fixture *f, struct ipc_ticket ticket, struct bytes mailbox,
                  struct bytes message);
enum ipc_result seat_hear_delivered(struct fixture *f);

#endif
