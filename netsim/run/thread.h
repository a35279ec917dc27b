/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that live in the network namespace of a node. */
#ifndef NETSIM_RUN_THREAD_H
#define NETSIM_RUN_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "netsim/util/err.h"

/*
 * Runs fn(arg) in a new thread in a node's network namespace (NULL: that of the caller). Returns
 * once the thread has entered the namespace; a failure to enter it is an error of this call.
 * Signals are blocked in the thread. The caller joins it.
 */
int thread_start(const char *netns, void (*fn)(void *arg), void *arg, pthread_t *ret,
		 struct netsim_err *err);

/*
 * Gives the calling thread the lowest real-time priority, so that it wakes on time on a busy
 * machine; processes that it starts do not inherit it. False: not permitted.
 */
bool thread_make_realtime(void);

#endif
