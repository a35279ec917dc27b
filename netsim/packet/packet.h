/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one captured frame says about itself: links, tags, addresses, ports, and what
 * TCP needs. Lengths come from the headers, so that a capture cut off by a snap length
 * counts what was on the wire; nothing is ever read past what was captured.
 */
#ifndef NETSIM_PACKET_H
#define NETSIM_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#define PACKET_SACKS 4

enum packet_link {
	PACKET_UNKNOWN, /* a kind of link that is not read */
	PACKET_ETHERNET,
	PACKET_COOKED,	/* Linux, of the device "any" */
	PACKET_COOKED2, /* its second version */
	PACKET_RAW,	/* IPv4 or IPv6 by their first half byte */
};

enum packet_tcp_flag {
	PACKET_FIN = 0x01,
	PACKET_SYN = 0x02,
	PACKET_RST = 0x04,
	PACKET_PSH = 0x08,
	PACKET_ACK = 0x10,
};

/* Which way a packet went where it was captured. */
enum packet_seen {
	PACKET_UNSEEN,	  /* not known */
	PACKET_SENT,	  /* by the node of the view */
	PACKET_DELIVERED, /* to it */
};

/* The views of cooked captures, which have the number of an interface and no name. */
#define PACKET_VIEW_COOKED 0x8000

/* What a frame has, from the link upwards; what is not there is zero. */
struct packet {
	uint32_t length;	   /* of the frame on the wire */
	uint16_t view;		   /* whose cable it was captured at; 0: there is only one place */
	uint8_t seen;		   /* enum packet_seen */
	uint8_t hops;		   /* that IP lets it make from here */
	uint16_t ethertype;	   /* behind the tags; 0: a length, or unknown */
	uint16_t vlan, vlan_inner; /* 0: untagged */

	uint8_t version;  /* 4, 6, or 0 for what is not IP */
	uint8_t protocol; /* of IP, behind the extension headers */
	bool fragment;	  /* a later one: it has no ports */
	bool has_ports;	  /* TCP and UDP; of ICMP's echo the identifier is both */
	bool has_tcp;	  /* the fields of TCP are filled */
	uint8_t icmp_type;
	uint16_t source_port, destination_port;
	/* 4 or 16 bytes in the frame, of ARP those that it asks about; NULL: none */
	const uint8_t *source, *destination;
	uint32_t payload; /* bytes behind the headers of TCP, UDP, ICMP or IP */

	/* As they stand in the frame: of Ethernet the addresses, destination first, or NULL; */
	const uint8_t *mac;
	/* and what is behind the tags, without padding where IP tells its length. */
	const uint8_t *network;
	uint32_t network_captured, network_length;
	const uint8_t *transport; /* the header of TCP, UDP or ICMP; NULL: none */

	uint32_t seq, ack;
	uint16_t window; /* as it stands there, not scaled */
	uint8_t tcp_flags;
	bool has_scale, has_stamps;
	uint8_t scale;
	uint8_t sack_count;
	uint16_t mss; /* 0: none */
	uint32_t stamp, stamp_echo;
	struct packet_sack {
		uint32_t from, to;
	} sacks[PACKET_SACKS];

	/* VXLAN: the frame inside, for packet_inner(). */
	const uint8_t *inner;
	uint32_t inner_captured, inner_length;
	uint32_t vni;
};

/* The kind of link for a LINKTYPE_ number of a capture file. */
enum packet_link packet_link_of(uint32_t linktype);

/* captured bytes at data are of a frame that had length bytes. Always fills *ret. */
void packet_decode(enum packet_link link, const uint8_t *data, uint32_t captured, uint32_t length,
		   struct packet *ret);

/* The frame inside a VXLAN packet; false where there is none. */
bool packet_inner(const struct packet *outer, struct packet *ret);

#endif
