/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One lock per fleet, below /run/netsim, so that writers take turns.
 */
#ifndef NETSIM_LOCK_H
#define NETSIM_LOCK_H

#include "netsim/util/err.h"

/* Waits for the fleet's lock; *ret_fd holds it until it is closed. */
int lock_take(const char *fleet, int *ret_fd, struct netsim_err *err);
/* Removes the lock's file; the caller holds the lock and closes it after. */
void lock_remove(const char *fleet);

/* The directory of these files, which is made where it is not there yet. */
#define LOCK_DIR "/run/netsim"
int lock_make_dir(struct netsim_err *err);

#endif
