/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Class files -> the classification tables in the eBPF maps. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "netsim/policy/policy_parts.h"
#include "netsim/util/auto.h"

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
	if (!class->match_count)
		rules->any |= bit;
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

void policy_put_classes(struct policy *p, struct policy_change *change, const struct class_set *set)
{
	uint32_t next = 1 - (policy_slot(p)->classes & 1);
	struct port_class_port *ports = p->class_ports + next * 65536;
	struct port_class_rules *rules = &p->class_rules[next];

	memset(ports, 0, 65536 * sizeof(*ports));
	*rules = (struct port_class_rules) {0};
	for (size_t i = 0; i < set->count && i < CLASSES_MAX; i++) {
		snprintf(rules->name[i + 1], PORT_CLASS_NAME, "%s", set->list[i].name);
		add_class(&set->list[i], 1ULL << i, rules, ports);
	}
	if (memcmp(rules->name, rules_in_force(p)->name, sizeof(rules->name)) != 0)
		forget_traffic(p);
	change->slot->classes = (uint8_t)next;
}
