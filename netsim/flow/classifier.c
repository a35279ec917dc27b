// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Classifies packets: a bitmap of classes per protocol, port, ethertype, VLAN and address; the
 * lowest bit left is the first matching class of the file. Matches bpf/classify.h.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/flow/flow.h"
#include "netsim/util/array.h"

#define VLANS	   4096
#define ETHERTYPES (CLASSES_MAX * 4)

struct flow_classifier {
	unsigned count;
	uint64_t any;		/* classes that match every packet of their VLAN */
	uint64_t protocol[256]; /* of IP */
	uint64_t any_vlan;
	uint64_t vlan[VLANS];
	uint64_t tcp[65536], udp[65536];
	uint64_t any_from, any_to; /* classes that match any port of this end */
	uint64_t from[65536], to[65536];
	uint64_t any_address;
	struct {
		uint64_t bit;
		struct ip prefix;
	} * addresses;
	size_t address_count;
	struct {
		uint64_t bits;
		uint16_t ethertype;
	} ethertypes[ETHERTYPES];
	unsigned ethertype_count;
};

static void add_ethertype(struct flow_classifier *c, uint16_t ethertype, uint64_t bit)
{
	unsigned i = 0;

	while (i < c->ethertype_count && c->ethertypes[i].ethertype != ethertype)
		i++;
	if (i == ETHERTYPES)
		return;
	if (i == c->ethertype_count)
		c->ethertypes[c->ethertype_count++].ethertype = ethertype;
	c->ethertypes[i].bits |= bit;
}

static void add_match(struct flow_classifier *c, const struct class_match *match, uint64_t bit)
{
	uint64_t *ports = match->protocol == IPPROTO_TCP ? c->tcp : c->udp;

	if (match->ethertype)
		add_ethertype(c, match->ethertype, bit);
	else if (!match->port_first)
		c->protocol[match->protocol] |= bit;
	else
		for (unsigned port = match->port_first; port <= match->port_last; port++)
			ports[port] |= bit;
}

static void add_ports(const struct port_list *ports, uint64_t bit, uint64_t *any, uint64_t *of_port)
{
	*any |= ports->count ? 0 : bit;
	for (size_t i = 0; i < ports->count; i++)
		for (unsigned port = ports->list[i].first; port <= ports->list[i].last; port++)
			of_port[port] |= bit;
}

static bool add_addresses(struct flow_classifier *c, const struct class *class, uint64_t bit)
{
	c->any_address |= class->address_count ? 0 : bit;
	for (size_t i = 0; i < class->address_count; i++) {
		if (!array_push(c->addresses, c->address_count))
			return false;
		c->addresses[c->address_count - 1].bit = bit;
		c->addresses[c->address_count - 1].prefix = class->addresses[i];
	}
	return true;
}

void flow_classifier_free(struct flow_classifier *c)
{
	if (c)
		free(c->addresses);
	free(c);
}

struct flow_classifier *flow_classifier_new(const struct class_set *classes)
{
	struct flow_classifier *c = calloc(1, sizeof(*c));

	if (!c || !classes)
		return c;
	c->count = (unsigned)classes->count;
	for (size_t i = 0; i < classes->count; i++) {
		const struct class *class = &classes->list[i];
		uint64_t bit = 1ULL << i;

		if (class->vlan)
			c->vlan[class->vlan % VLANS] |= bit;
		else
			c->any_vlan |= bit;
		if (!class->match_count)
			c->any |= bit;
		for (size_t n = 0; n < class->match_count; n++)
			add_match(c, &class->matches[n], bit);
		add_ports(&class->from, bit, &c->any_from, c->from);
		add_ports(&class->to, bit, &c->any_to, c->to);
		if (!add_addresses(c, class, bit)) {
			flow_classifier_free(c);
			return NULL;
		}
	}
	return c;
}

static uint64_t classes_of_address(const struct flow_classifier *c, const struct packet *packet,
				   const uint8_t *address)
{
	struct ip ip = {.family = packet->version == 4 ? AF_INET : AF_INET6};
	uint64_t bits = 0;

	if (!packet->version || !address)
		return 0;
	memcpy(ip.b, address, ip.family == AF_INET ? 4 : 16);
	for (size_t i = 0; i < c->address_count; i++)
		if (ip_in_prefix(&ip, &c->addresses[i].prefix))
			bits |= c->addresses[i].bit;
	return bits;
}

unsigned flow_classify(const struct flow_classifier *c, const struct packet *packet)
{
	uint64_t fits = c->any, from = c->any_from, to = c->any_to;

	if (packet->version)
		fits |= c->protocol[packet->protocol];
	for (unsigned i = 0; i < c->ethertype_count; i++)
		if (c->ethertypes[i].ethertype == packet->ethertype)
			fits |= c->ethertypes[i].bits;
	if (packet->has_ports &&
	    (packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP)) {
		from |= c->from[packet->source_port];
		to |= c->to[packet->destination_port];
	}
	if (packet->has_ports && packet->protocol == IPPROTO_TCP)
		fits |= c->tcp[packet->source_port] | c->tcp[packet->destination_port];
	if (packet->has_ports && packet->protocol == IPPROTO_UDP)
		fits |= c->udp[packet->source_port] | c->udp[packet->destination_port];
	fits &= c->any_vlan | (packet->vlan ? c->vlan[packet->vlan % VLANS] : 0);
	fits &= from & to;
	if (fits & ~c->any_address)
		fits &= c->any_address | classes_of_address(c, packet, packet->source) |
			classes_of_address(c, packet, packet->destination);
	return fits ? (unsigned)__builtin_ctzll(fits) : c->count;
}
