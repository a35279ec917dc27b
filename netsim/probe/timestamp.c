/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/probe/timestamp.h"

#include <string.h>
#include <time.h>

#include "netsim/util/clock.h"

int64_t timestamp_of(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct timespec at;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&at, CMSG_DATA(c), sizeof(at));
		return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
	}
	return clock_ns(CLOCK_REALTIME);
}
