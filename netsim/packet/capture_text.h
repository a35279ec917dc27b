/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet in words: names instead of addresses, and what it is. Pure. */
#ifndef NETSIM_CAPTURE_TEXT_H
#define NETSIM_CAPTURE_TEXT_H

#include "netsim/packet/capture_write.h"
#include "netsim/packet/packet.h"

/* The name or the address (in buf) of one end; "?" where it has none. */
const char *capture_text_end(const struct packet *packet, const uint8_t *address,
			     const struct capture_name *names, size_t count,
			     char buf[static UNIT_TEXT]);

/* "tcp 40212 > 2380 [P.]", "icmp echo request", "arp" */
void capture_text_what(const struct packet *packet, char *buf, size_t size);

#endif
