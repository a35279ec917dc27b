/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and sets whether a network namespace forwards packets. */
#ifndef NETSIM_FORWARDING_H
#define NETSIM_FORWARDING_H

#include <stdbool.h>
#include <stdint.h>

#include "netsim/util/err.h"

/*
 * Returns whether packets of a family, AF_INET or AF_INET6, that arrive at a device are forwarded.
 * For IPv4 the kernel has a setting per device, for IPv6 one for all.
 */
bool forwarding_is_on(uint8_t family, const char *device);

/* Of all interfaces of a network namespace. */
struct forwarding {
	bool ipv4, ipv6;
	bool lacks_ipv6; /* the kernel has none, or it is switched off */
};

/* For netns_within(), in the namespace: reads into a struct forwarding. */
int forwarding_read_here(void *forwarding, struct netsim_err *err);
/* The same: switches both families on or off, as a bool says; -errno if the kernel refuses. */
int forwarding_set_here(void *on, struct netsim_err *err);
/* Whether that would change anything. */
bool forwarding_differs(bool on, const struct forwarding *have);

#endif
