/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats plans as text. */
#include <stdio.h>
#include <string.h>

#include "netsim/fleet/plan.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"

static const char *kind_word(enum link_kind kind)
{
	switch (kind) {
	case LINK_BRIDGE:
		return "bridge";
	case LINK_VETH:
	case LINK_HOLD:
		return "veth";
	case LINK_TAP:
		return "tap";
	case LINK_BOND:
		return "bond";
	case LINK_VLAN:
		return "vlan";
	case LINK_IFB:
		return "ifb";
	case LINK_OVS:
	case LINK_OTHER:
		break;
	}
	return "link";
}

/* "n100-1 eth1" in a node; on the host "n3x-lan", or "n100-1/eth1 (tap-n100-1)" for a port. */
static void describe_place(const struct step *step, const struct model *want, char *buf,
			   size_t size)
{
	const struct link *link = step->want ? step->want : step->have;
	char text[MARK_TEXT];
	const char *called = mark_call(link->alias, link->name, text);

	if (step->place != MODEL_HOST)
		snprintf(buf, size, "%s %s", want->nodes[step->place].name, link->name);
	else if (called != link->name)
		snprintf(buf, size, "%s (%s)", called, link->name);
	else
		snprintf(buf, size, "%s", link->name);
}

static void describe_new(const struct link *link, char *buf, size_t size)
{
	int used = snprintf(buf, size, "%s", kind_word(link->kind));

	if (used < 0 || (size_t)used >= size)
		return;
	buf += used;
	size -= (size_t)used;
	if (link->kind == LINK_VLAN)
		snprintf(buf, size, " %u on %s", link->vlan, link->lower);
	else if (link->cable)
		snprintf(buf, size, " on %s to %s, mtu %u", link->master, link->peer, link->mtu);
	else if (link->kind == LINK_VETH)
		snprintf(buf, size, " to port %s, mtu %u", link->peer, link->mtu);
	else if (*link->master)
		snprintf(buf, size, " on %s, mtu %u", link->master, link->mtu);
	else
		snprintf(buf, size, ", mtu %u", link->mtu);
}

static const struct {
	unsigned bit;
	const char *word;
} changes[] = {
	{LINK_SET_MTU, "mtu"},
	{LINK_SET_MAC, "mac"},
	{LINK_SET_MASTER, "master"},
	{LINK_SET_UP, "up"},
	{LINK_SET_ALIAS, "alias"},
	{LINK_SET_GROUP, "group"},
	{LINK_SET_VLAN_AWARE, "vlan filtering"},
	{LINK_SET_STP, "stp"},
	{LINK_SET_BOND, NULL},
	{LINK_SET_VLANS, "vlans"},
	{LINK_SET_PRIMARY, "primary"},
	{LINK_SET_PRIO, "prio"},
};

/* Appends an item of a list to text. */
static void add_item(char *buf, size_t size, const char *item)
{
	size_t used = strlen(buf);

	snprintf(buf + used, size - used, "%s%s", used ? ", " : "", item);
}

static void describe_bond(const struct bond_options *want, const struct bond_options *have,
			  char *buf, size_t size)
{
	for (unsigned i = 0; i < BOND_OPTIONS; i++)
		if (bond_value_differs(&want->values[i], &have->values[i]))
			add_item(buf, size, bond_option_info[i].name);
	if (bond_targets_differ(&want->arp_targets, &have->arp_targets))
		add_item(buf, size, "arp_ip_target");
	if (bond_targets_differ(&want->ns_targets, &have->ns_targets))
		add_item(buf, size, "ns_ip6_target");
	if (bond_system_differs(want, have))
		add_item(buf, size, "ad_actor_system");
}

static void describe_changes(const struct step *step, char *buf, size_t size)
{
	char mtu[64];

	*buf = 0;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (!(step->what & changes[i].bit))
			continue;
		if (changes[i].bit == LINK_SET_BOND) {
			describe_bond(&step->want->bond, &step->have->bond, buf, size);
			continue;
		}
		snprintf(mtu, sizeof(mtu), "mtu %u -> %u", step->have->mtu, step->want->mtu);
		add_item(buf, size, changes[i].bit == LINK_SET_MTU ? mtu : changes[i].word);
	}
}

/* The other end of a veth, with which it was made. */
static bool is_port_of_new_veth(const struct step *step)
{
	return step->kind == STEP_ADD_LINK && step->place == MODEL_HOST &&
	       step->want->kind == LINK_VETH && step->want->cable != 1;
}

size_t plan_count(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		count += !is_port_of_new_veth(&plan->steps[i]);
	return count;
}

void step_describe(const struct step *step, const struct model *want, char *buf, size_t size)
{
	char place[128] = "", text[256], ip[UNIT_TEXT], via[UNIT_TEXT];

	*buf = 0;
	if (!step->node)
		describe_place(step, want, place, sizeof(place));
	switch (step->kind) {
	case STEP_DEL_ROUTE:
	case STEP_ADD_ROUTE:
		snprintf(buf, size, "%c %s: route %s%s%s", step->kind == STEP_ADD_ROUTE ? '+' : '-',
			 place,
			 step->route->to.plen ? unit_format_ip(&step->route->to, ip) : "default",
			 step->route->via.family ? " via " : "",
			 step->route->via.family ? unit_format_address(&step->route->via, via) :
						   "");
		break;
	case STEP_DEL_ADDR:
	case STEP_ADD_ADDR:
		snprintf(buf, size, "%c %s: address %s", step->kind == STEP_ADD_ADDR ? '+' : '-',
			 place, unit_format_ip(&step->addr->ip, ip));
		break;
	case STEP_DEL_LINK:
		snprintf(buf, size, "- %s: %s", place, kind_word(step->have->kind));
		break;
	case STEP_ADD_NODE:
		snprintf(buf, size, "+ node %s (namespace %s)", step->node->name,
			 step->node->netns);
		break;
	case STEP_DEL_NODE:
		snprintf(buf, size, "- node %s (namespace %s)", step->node->name,
			 step->node->netns);
		break;
	case STEP_SET_NODE:
		snprintf(buf, size, "~ node %s: forwarding %s", step->node->name,
			 step->node->forwarding.ipv4 ? "on" : "off");
		break;
	case STEP_ADD_LINK:
		if (is_port_of_new_veth(step))
			break;
		describe_new(step->want, text, sizeof(text));
		snprintf(buf, size, "+ %s: %s", place, text);
		break;
	case STEP_SET_LINK:
		describe_changes(step, text, sizeof(text));
		snprintf(buf, size, "~ %s: %s", place, text);
		break;
	}
}
