/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Namespaces made ahead by threads of their own: the kernel takes about as long
 * for one as for all that goes into it, and does both at once on two processors.
 */
#ifndef NETSIM_MAKER_H
#define NETSIM_MAKER_H

#include <stddef.h>

#include "netsim/kernel/rtnl.h"

struct maker;

/* Begins to make count namespaces. */
int maker_start(size_t count, struct maker **ret, struct netsim_err *err);
/* The next one, with a socket in it: both are the caller's. It may have to wait. */
int maker_next(struct maker *maker, int *ret_fd, struct rt **ret_rt, struct netsim_err *err);
/* Ends the threads; namespaces that nobody took vanish. NULL: nothing. */
void maker_stop(struct maker *maker);

#endif
