/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading clocks. */
#ifndef NETSIM_CLOCK_H
#define NETSIM_CLOCK_H

#include <stdint.h>
#include <time.h>

/* In nanoseconds: since 1970 for CLOCK_REALTIME; monotonic for CLOCK_MONOTONIC. */
static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
