/* The runners of all commands, one file each in this folder, for the verb table. */
#ifndef ROOST_IMAP_CMD_RUNNERS_H
#define ROOST_IMAP_CMD_RUNNERS_H

#include "imap/state.h"

imap_runner imap_append_run;
imap_runner imap_capability_run;
imap_runner imap_close_run;
imap_runner imap_copy_run;
imap_runner imap_create_run;
imap_runner imap_delete_run;
imap_runner imap_enable_run;
imap_runner imap_examine_run;
imap_runner imap_expunge_run;
imap_runner imap_fetch_run;
imap_runner imap_id_run;
imap_runner imap_idle_run;
imap_runner imap_list_run;
imap_runner imap_logout_run;
imap_runner imap_lsub_run;
imap_runner imap_move_run;
imap_runner imap_namespace_run;
imap_runner imap_noop_run;
imap_runner imap_rename_run;
imap_runner imap_search_run;
imap_runner imap_select_run;
imap_runner imap_sort_run;
imap_runner imap_status_run;
imap_runner imap_store_run;
imap_runner imap_subscribe_run;
imap_runner imap_thread_run;
imap_runner imap_unauthenticate_run;
imap_runner imap_uid_expunge_run;
imap_runner imap_unselect_run;
imap_runner imap_unsubscribe_run;

#endif
