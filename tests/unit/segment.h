/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The segments of one TCP connection, as packets. */
#ifndef TESTS_UNIT_SEGMENT_H
#define TESTS_UNIT_SEGMENT_H

#include <string.h>

#include "netsim/packet/packet.h"

/* A segment of one side; without flags, an acknowledgement. */
struct segment {
	uint32_t seq, ack;
	uint8_t flags;
	uint32_t data; /* bytes */
	uint8_t hops;  /* TTL; 0: 64 */
};

#define SERVER_PORT 2380

/* The bytes by which copies are found; those of the last 16 packets stay valid. */
static inline const uint8_t *segment_bytes(bool server, struct segment s)
{
	static uint8_t ring[16][40];
	static unsigned next;
	uint8_t *at = ring[next++ % 16];
	const uint32_t fields[] = {server, s.seq, s.ack, s.flags, s.data};

	memset(at, 0, sizeof(ring[0]));
	at[0] = 0x45;
	memcpy(at + 20, fields, sizeof(fields));
	return at;
}

/* From the client (10.0.0.1:40000) or the server (10.0.0.2:2380). */
static inline struct packet segment_packet(bool server, struct segment s)
{
	static const uint8_t addresses[2][4] = {{10, 0, 0, 1}, {10, 0, 0, 2}};

	return (struct packet) {.length = 54 + s.data,
				.network = segment_bytes(server, s),
				.network_captured = 40,
				.network_length = 40 + s.data,
				.ethertype = 0x0800,
				.version = 4,
				.protocol = 6,
				.has_ports = true,
				.has_tcp = true,
				.source = addresses[server],
				.destination = addresses[!server],
				.source_port = server ? SERVER_PORT : 40000,
				.destination_port = server ? 40000 : SERVER_PORT,
				.seq = s.seq,
				.ack = s.ack,
				.tcp_flags = s.flags ? s.flags : PACKET_ACK,
				.payload = s.data,
				.window = 500,
				.hops = s.hops ? s.hops : 64};
}
#define FROM_CLIENT(...) segment_packet(false, (struct segment) {__VA_ARGS__})
#define FROM_SERVER(...) segment_packet(true, (struct segment) {__VA_ARGS__})

#endif
