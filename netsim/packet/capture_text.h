/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Describes a packet in one line, with names for addresses. Pure. */
#ifndef NETSIM_CAPTURE_TEXT_H
#define NETSIM_CAPTURE_TEXT_H

#include "netsim/packet/capture_write.h"
#include "netsim/packet/packet.h"

/* The name of an address, or the address itself (in buf); "?" if the packet has none. */
const char *capture_text_end(const struct packet *packet, const uint8_t *address,
			     const struct address_name *names, size_t count,
			     char buf[static UNIT_TEXT]);

/* Writes the kind of packet: "tcp 40212 > 2380 [P.]", "icmp echo request", "arp". */
void capture_text_what(const struct packet *packet, char *buf, size_t size);

#endif
