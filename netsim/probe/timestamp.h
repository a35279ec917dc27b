/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the kernel's receive timestamps. */
#ifndef NETSIM_TIMESTAMP_H
#define NETSIM_TIMESTAMP_H

#include <stdint.h>
#include <sys/socket.h>

/*
 * Returns the receive timestamp of a message from a socket with SO_TIMESTAMPNS, in ns of
 * CLOCK_REALTIME; the current time if it has none.
 */
int64_t timestamp_of(struct msghdr *message);

#endif
