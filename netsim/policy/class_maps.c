/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Class files -> the classification tables in the eBPF maps. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "netsim/policy/policy_parts.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

static const struct port_class_rules *rules_in_force(const struct policy *p)
{
	const struct port_slot *slot = policy_slot(p);

	return &p->class_rules[slot->classes & 1];
}

const char *policy_class_in(const struct policy *p, const struct port_slot *slot, uint32_t class)
{
	const struct port_class_rules *rules = &p->class_rules[slot->classes & 1];
	const char *name = class < PORT_CLASSES ? rules->name[class] : "";

	return class == 0 ? CLASS_OTHER : *name ? name : NULL;
}

const char *policy_class_name(const struct policy *p, uint32_t class)
{
	return policy_class_in(p, policy_slot(p), class);
}

bool policy_has_classes(const struct policy *p)
{
	return *p->class_rules[0].name[1] || *p->class_rules[1].name[1];
}

static void add_end_ports(const struct port_list *list, uint64_t bit, bool from,
			  struct port_class_port *ports)
{
	for (size_t i = 0; i < list->count; i++)
		for (uint32_t port = list->list[i].first; port <= list->list[i].last; port++)
			*(from ? &ports[port].from : &ports[port].to) |= bit;
}

static void add_ports(const struct class_match *match, uint64_t bit, struct port_class_port *ports)
{
	for (uint32_t port = match->port_first; port <= match->port_last; port++) {
		ports[port].tcp |= match->protocol == IPPROTO_TCP ? bit : 0;
		ports[port].udp |= match->protocol == IPPROTO_UDP ? bit : 0;
	}
}

static void add_ethertype(uint16_t type, uint64_t bit, struct port_class_rules *rules)
{
	uint16_t wire = htons(type);

	for (int i = 0; i < PORT_ETHERTYPES; i++)
		if (!rules->ethertype[i] || rules->ethertype[i] == wire) {
			rules->ethertype[i] = wire;
			rules->ethertype_class[i] |= bit;
			return;
		}
}

static void add_class(const struct class *class, uint64_t bit, struct port_class_rules *rules,
		      struct port_class_port *ports)
{
	if (class->vlan)
		rules->vlan[class->vlan % 4096] |= bit;
	else
		rules->any_vlan |= bit;
	rules->any |= class->match_count ? 0 : bit;
	rules->any_from |= class->from.count ? 0 : bit;
	rules->any_to |= class->to.count ? 0 : bit;
	rules->any_address |= class->address_count ? 0 : bit;
	add_end_ports(&class->from, bit, true, ports);
	add_end_ports(&class->to, bit, false, ports);
	for (size_t i = 0; i < class->match_count; i++) {
		const struct class_match *match = &class->matches[i];

		if (match->ethertype)
			add_ethertype(match->ethertype, bit, rules);
		else if (match->port_first)
			add_ports(match, bit, ports);
		else
			rules->protocol[match->protocol] |= bit;
	}
}

/* Deletes the prefixes of a generation. */
static void forget_addresses(const struct policy *p, uint32_t generation)
{
	int map = p->map[POLICY_CLASS_ADDRESSES];
	struct port_class_address key, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (key.generation == generation)
			bpf_map_delete_elem(map, &key);
	}
}

/* A look-up finds the longest prefix only, so that each has the classes of those around it. */
static uint64_t classes_around(const struct class_set *set, const struct ip *prefix)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < set->count && i < CLASSES_MAX; i++)
		for (size_t k = 0; k < set->list[i].address_count; k++)
			if (class_ip_covers(&set->list[i].addresses[k], prefix))
				bits |= 1ULL << i;
	return bits;
}

static int put_addresses(const struct policy *p, uint32_t generation, const struct class_set *set,
			 struct netsim_err *err)
{
	int map = p->map[POLICY_CLASS_ADDRESSES];

	forget_addresses(p, generation);
	for (size_t i = 0; i < set->count && i < CLASSES_MAX; i++)
		for (size_t k = 0; k < set->list[i].address_count; k++) {
			const struct ip *prefix = &set->list[i].addresses[k];
			struct port_class_address key = {.generation = (uint8_t)generation};
			uint64_t bits = classes_around(set, prefix);

			key.plen = 8 + policy_ipv6_form(prefix, key.b);
			if (bpf_map_update_elem(map, &key, &bits, BPF_ANY) < 0)
				return err_errno(err, -errno, NULL,
						 "cannot add an address of the class %s",
						 set->list[i].name);
		}
	return 0;
}

/* Deletes counters of classes: their numbers now stand for other classes. */
static void forget_traffic(struct policy *p)
{
	int map = p->map[POLICY_TRAFFIC];
	struct port_key key, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (key.class)
			bpf_map_delete_elem(map, &key);
	}
}

static bool names(const struct policy *p, const struct port_slot *slot, uint32_t class,
		  uint16_t ethertype)
{
	const struct port_class_rules *rules = &p->class_rules[slot->classes & 1];

	for (int i = 0; class && i < PORT_ETHERTYPES; i++)
		if (rules->ethertype[i] == htons(ethertype))
			return rules->ethertype_class[i] >> (class - 1) & 1;
	return false;
}

bool policy_class_names_arp(const struct policy *p, const struct port_slot *slot, uint32_t class)
{
	return names(p, slot, class, ETH_P_ARP);
}

bool policy_class_names_lacp(const struct policy *p, const struct port_slot *slot, uint32_t class)
{
	return names(p, slot, class, ETH_P_SLOW);
}

int policy_put_classes(struct policy *p, struct policy_change *change, const struct class_set *set,
		       struct netsim_err *err)
{
	uint32_t next = 1 - (policy_slot(p)->classes & 1);
	struct port_class_port *ports = p->class_ports + next * 65536;
	struct port_class_rules *rules = &p->class_rules[next];
	int r = put_addresses(p, next, set, err);

	if (r < 0)
		return r;
	memset(ports, 0, 65536 * sizeof(*ports));
	*rules = (struct port_class_rules) {0};
	for (size_t i = 0; i < set->count && i < CLASSES_MAX; i++) {
		snprintf(rules->name[i + 1], PORT_CLASS_NAME, "%s", set->list[i].name);
		add_class(&set->list[i], 1ULL << i, rules, ports);
	}
	if (memcmp(rules->name, rules_in_force(p)->name, sizeof(rules->name)) != 0)
		forget_traffic(p);
	change->slot->classes = (uint8_t)next;
	return 0;
}
