/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decodes one captured frame: link, tags, addresses, ports, and the TCP header. Lengths
 * come from the headers, so that a truncated capture counts the bytes on the wire; nothing
 * is read beyond the captured bytes.
 */
#ifndef NETSIM_PACKET_H
#define NETSIM_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#define PACKET_SACKS 4

enum packet_link {
	PACKET_UNKNOWN, /* unsupported */
	PACKET_ETHERNET,
	PACKET_COOKED,	 /* Linux cooked capture (SLL), of the device "any" */
	PACKET_COOKED2,	 /* SLL version 2 */
	PACKET_RAW,	 /* IPv4 or IPv6, by the version in the first byte */
	PACKET_LOOPBACK, /* address family in four bytes of either order, of BSD and macOS */
	PACKET_PPP,	 /* protocol number, with or without address and control */
	PACKET_HDLC,	 /* of Cisco: address, control, ethertype */
};

enum packet_tcp_flag {
	PACKET_FIN = 0x01,
	PACKET_SYN = 0x02,
	PACKET_RST = 0x04,
	PACKET_PSH = 0x08,
	PACKET_ACK = 0x10,
};

/* The direction of a packet where it was captured. */
enum packet_seen {
	PACKET_UNSEEN,	  /* unknown */
	PACKET_SENT,	  /* by the node of the view */
	PACKET_DELIVERED, /* to it */
};

/* Flag of views of cooked captures, which have an interface index but no name. */
#define PACKET_VIEW_COOKED 0x8000

/* The fields of a frame, from the link upwards; absent ones are zero. */
struct packet {
	uint32_t length;	   /* of the frame on the wire */
	uint16_t view;		   /* the vantage point; 0: only one */
	uint8_t seen;		   /* enum packet_seen */
	bool cooked;		   /* SLL version 1, of the device "any": gives no interface */
	uint8_t hops;		   /* TTL or hop limit left */
	uint16_t ethertype;	   /* after the tags; 0: a length, or unknown */
	uint16_t vlan, vlan_inner; /* 0: untagged */

	uint8_t version;  /* 4, 6, or 0 if not IP */
	uint8_t protocol; /* of IP, after the extension headers */
	bool fragment;	  /* not the first fragment: it has no ports */
	bool has_ports;	  /* TCP and UDP; for ICMP echo, the identifier is both */
	bool has_tcp;	  /* the TCP fields are valid */
	uint8_t icmp_type;
	uint16_t source_port, destination_port;
	/* 4 or 16 bytes in the frame; for ARP the sender and target; NULL: none. */
	const uint8_t *source, *destination;
	uint32_t payload; /* bytes after the headers of TCP, UDP, ICMP or IP */

	/* The Ethernet addresses in the frame, destination first; NULL: none. */
	const uint8_t *mac;
	/* The network layer after the tags, without padding where a header gives the length. */
	const uint8_t *network;
	uint32_t network_captured, network_length;
	const uint8_t *transport; /* the header of TCP, UDP or ICMP; NULL: none */

	uint32_t seq, ack;
	uint16_t window; /* unscaled */
	uint8_t tcp_flags;
	bool has_scale, has_stamps;
	uint8_t scale;
	uint8_t sack_count;
	uint16_t mss; /* 0: none */
	uint32_t stamp, stamp_echo;
	struct packet_sack {
		uint32_t from, to;
	} sacks[PACKET_SACKS];

	/* VXLAN: the encapsulated frame, for packet_inner(). */
	const uint8_t *inner;
	uint32_t inner_captured, inner_length;
	uint32_t vni;
};

/* Maps a LINKTYPE_ number of a capture file. */
enum packet_link packet_link_of(uint32_t linktype);

/*
 * Decodes "captured" bytes at data of a frame of "length" bytes. Always fills *ret, which
 * points into data.
 */
void packet_decode(enum packet_link link, const uint8_t *data, uint32_t captured, uint32_t length,
		   struct packet *ret);

/* Decodes the frame encapsulated in a VXLAN packet; false if there is none. */
bool packet_inner(const struct packet *outer, struct packet *ret);

#endif
