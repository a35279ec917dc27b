// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/packet/capture_text.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

const char *capture_text_end(const struct packet *packet, const uint8_t *address,
			     const struct address_name *names, size_t count,
			     char buf[static UNIT_TEXT])
{
	struct ip ip = {.family = packet->version == 6 ? AF_INET6 : AF_INET};
	size_t bytes = packet->version == 6 ? 16 : 4;

	if (!address)
		return "?";
	memcpy(ip.b, address, bytes);
	for (size_t i = 0; i < count; i++)
		if (names[i].ip.family == ip.family && memcmp(names[i].ip.b, ip.b, bytes) == 0)
			return names[i].name;
	return unit_format_address(&ip, buf);
}

/* Flags in tcpdump's notation: " [S.]". */
static void add_flags(uint8_t flags, char *text)
{
	static const struct {
		uint8_t flag;
		char letter;
	} letters[] = {
		{PACKET_FIN, 'F'}, {PACKET_SYN, 'S'}, {PACKET_RST, 'R'},
		{PACKET_PSH, 'P'}, {PACKET_ACK, '.'},
	};

	*text++ = ' ';
	*text++ = '[';
	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
		if (flags & letters[i].flag)
			*text++ = letters[i].letter;
	*text++ = ']';
	*text = 0;
}

static const char *icmp_of(const struct packet *packet)
{
	static const struct {
		uint8_t version, type;
		const char *text;
	} types[] = {
		{4, 0, " echo reply"},
		{4, 3, " unreachable"},
		{4, 8, " echo request"},
		{4, 11, " time exceeded"},
		{6, 1, " unreachable"},
		{6, 2, " packet too big"},
		{6, 3, " time exceeded"},
		{6, 128, " echo request"},
		{6, 129, " echo reply"},
		{6, 133, " router solicitation"},
		{6, 134, " router advertisement"},
		{6, 135, " neighbour solicitation"},
		{6, 136, " neighbour advertisement"},
		{6, 143, " multicast listener report"},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].version == packet->version && types[i].type == packet->icmp_type)
			return types[i].text;
	return "";
}

void capture_text_what(const struct packet *packet, char *buf, size_t size)
{
	char flags[12] = "";

	if (!packet->version && packet->ethertype == ETHERTYPE_ARP)
		snprintf(buf, size, "arp");
	else if (!packet->version)
		snprintf(buf, size, "ethertype 0x%04x", packet->ethertype);
	else if (packet->has_ports && packet->protocol == IPPROTO_TCP) {
		if (packet->has_tcp)
			add_flags(packet->tcp_flags, flags);
		snprintf(buf, size, "tcp %u > %u%s", packet->source_port, packet->destination_port,
			 flags);
	} else if (packet->has_ports && packet->protocol == IPPROTO_UDP)
		snprintf(buf, size, "udp %u > %u%s", packet->source_port, packet->destination_port,
			 packet->inner ? " vxlan" : "");
	else if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6)
		snprintf(buf, size, "icmp%s%s", packet->version == 6 ? "6" : "", icmp_of(packet));
	else
		snprintf(buf, size, "ipv%u protocol %u%s", packet->version, packet->protocol,
			 packet->fragment ? " fragment" : "");
}
