/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time of arrival that the kernel gives to messages. */
#ifndef NETSIM_TIMESTAMP_H
#define NETSIM_TIMESTAMP_H

#include <stdint.h>
#include <sys/socket.h>

/* ns of CLOCK_REALTIME, from a socket with SO_TIMESTAMPNS; without a timestamp the current time. */
int64_t timestamp_of(struct msghdr *message);

#endif
