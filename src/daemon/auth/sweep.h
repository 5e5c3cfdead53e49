/* The mail of removed accounts: told to their shards until each has answered that it is gone.
 *
 * What is left to do is in the accounts database, so neither our death nor a shard's loses it. One
 * account at a time; again after a minute for what could not be done. */
#ifndef ROOST_DAEMON_AUTH_SWEEP_H
#define ROOST_DAEMON_AUTH_SWEEP_H

struct auth_state;

/* Once, before the others. */
void sweep_init(struct auth_state *state);

/* Looks through all removed accounts from now on; call it when there is a chance that something can
 * be done: at the start, after a removal, when a shard has come. */
void sweep_start(struct auth_state *state);

void sweep_done(struct auth_state *state);

#endif
