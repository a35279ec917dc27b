/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One lock file per fleet in /run/netsim, which serializes writers. */
#ifndef NETSIM_LOCK_H
#define NETSIM_LOCK_H

#include <stdbool.h>

#include "netsim/util/err.h"

/* Waits for a fleet's lock. Closing *ret_fd releases it. */
int lock_take(const char *fleet, int *ret_fd, struct netsim_err *err);
/* Waits until no other process has a fleet's lock, or for a signal; true if one had it. */
bool lock_wait(const char *fleet);
/* Removes the lock file. The caller holds the lock, and closes it afterwards. */
void lock_remove(const char *fleet);

/*
 * Takes the lock of a fleet's run, a separate lock, without waiting: -EBUSY with err while a run
 * is in progress. lock_end_run() removes the file, and closes *ret_fd.
 */
int lock_begin_run(const char *fleet, int *ret_fd, struct netsim_err *err);
void lock_end_run(const char *fleet, int fd);
/* -EBUSY with err while a run of the fleet is in progress in another process. */
int lock_check_run(const char *fleet, struct netsim_err *err);

/* The directory of the files; lock_make_dir() creates it if it is missing. */
#define LOCK_DIR "/run/netsim"
int lock_make_dir(struct netsim_err *err);

#endif
