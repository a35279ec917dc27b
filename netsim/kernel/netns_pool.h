/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pool of new network namespaces, created ahead by threads: creating one takes the
 * kernel about as long as filling it, and two processors can do both at once.
 */
#ifndef NETSIM_NETNS_POOL_H
#define NETSIM_NETNS_POOL_H

#include <stddef.h>

#include "netsim/kernel/rtnl.h"

struct netns_pool;

/* Starts creating count namespaces. */
int netns_pool_start(size_t count, struct netns_pool **ret, struct netsim_err *err);
/* Takes the next namespace and a socket in it, both owned by the caller. May block. */
int netns_pool_next(struct netns_pool *maker, int *ret_fd, struct rtnl **ret_rt,
		    struct netsim_err *err);
/* Stops the threads; namespaces not taken disappear. NULL is allowed. */
void netns_pool_stop(struct netns_pool *maker);

#endif
