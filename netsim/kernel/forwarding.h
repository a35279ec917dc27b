/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads whether this network namespace forwards packets. */
#ifndef NETSIM_FORWARDING_H
#define NETSIM_FORWARDING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Returns whether packets of a family, AF_INET or AF_INET6, that arrive at a device are forwarded.
 * For IPv4 the kernel has a setting per device, for IPv6 one for all.
 */
bool forwarding_is_on(uint8_t family, const char *device);

#endif
