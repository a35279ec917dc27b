/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that leave the signals of the process to its other threads. */
#ifndef NETSIM_MASKED_H
#define NETSIM_MASKED_H

#include <pthread.h>

/* As pthread_create(), with all signals blocked. Returns 0 or a negative errno. */
int masked_create(pthread_t *ret, void *(*fn)(void *arg), void *arg);

#endif
