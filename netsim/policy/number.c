/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of nodes and links in the programs: kept by name, given and reclaimed. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netsim/kernel/mark.h"
#include "netsim/policy/bits.h"
#include "netsim/policy/policy_parts.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

static bool link_is(const struct policy *p, uint32_t number, int node, const char *iface)
{
	const struct port_link *link = &p->links[number];

	return *link->iface && link->node == node &&
	       strncmp(link->iface, iface, sizeof(link->iface)) == 0;
}

void policy_read_names(struct policy *p, const struct model *fleet)
{
	for (int i = 1; i < policy_end(p); i++)
		p->names[i] = *p->control->names[i] ? p->control->names[i] : NULL;
	for (size_t i = 0; i < fleet->link_count; i++) {
		struct mark mark;
		int node = model_node_of_port(fleet, &fleet->links[i], &mark);
		uint32_t key = (uint32_t)fleet->links[i].ifindex, number;

		if (node >= 0 && bpf_map_lookup_elem(p->map[POLICY_PORTS], &key, &number) == 0 &&
		    number < PORT_LINKS &&
		    link_is(p, number, policy_node(p, fleet->nodes[node].name), mark.iface))
			p->link_numbers[i] = number;
	}
}

int policy_node(const struct policy *p, const char *name)
{
	for (int i = 0; i < PORT_NODES; i++)
		if (p->names[i] && strcmp(p->names[i], name) == 0)
			return i;
	return -1;
}

const char *policy_node_name(const struct policy *p, uint32_t number)
{
	return number < PORT_NODES ? p->names[number] : NULL;
}

uint16_t policy_link(const struct policy *p, size_t index)
{
	return (uint16_t)p->link_numbers[index];
}

uint16_t policy_link_node(const struct policy *p, uint16_t number)
{
	return p->links[number].node;
}

const struct port_link *policy_link_entry(const struct policy *p, uint16_t number)
{
	return &p->links[number % PORT_LINKS];
}

/* Adds a new node to the rest group of the partitions in force that have one. */
static void join_rest(struct policy *p, int number)
{
	const struct port_slot *slot = policy_slot(p);
	struct port_node *node = &p->nodes[(p->control->active & 1) * PORT_NODES + number];

	for (int i = 0; i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &slot->faults[i];
		struct port_bits others = fault->bits;
		int rest = -1;

		if (!policy_alive(fault) || fault->kind != PORT_FAULT_REST)
			continue;
		bits_each (bit, &fault->bits)
			rest = bit; /* the last one */
		bits_clear(&others, rest);
		bits_add(&node->cut, &others);
		bits_set(&node->member, rest);
	}
}

static struct port_bits bits_in_force(const struct policy *p)
{
	const struct port_slot *slot = policy_slot(p);
	struct port_bits bits = {0};

	for (int i = 0; i < PORT_FAULTS; i++)
		if (policy_alive(&slot->faults[i]))
			bits_add(&bits, &slot->faults[i].bits);
	return bits;
}

/* Frees the numbers of nodes that are gone and in no partition, and deletes their entries. */
static void reclaim_nodes(struct policy *p, const struct model *fleet)
{
	const struct port_node *nodes = policy_nodes(p);
	const struct port_bits bits = bits_in_force(p);

	for (int i = 1; i < policy_end(p); i++) {
		if (!p->names[i] || bits_meet(&nodes[i].member, &bits) ||
		    bits_meet(&nodes[i].cut, &bits) || model_find_node(fleet, p->names[i]) >= 0)
			continue;
		p->names[i] = NULL;
		*p->control->names[i] = 0;
		p->control->stale |= PORT_STALE_NODES;
	}
	policy_sweep(p);
}

static int free_number(const struct policy *p)
{
	for (int i = 1; i < policy_end(p); i++)
		if (!p->names[i])
			return i;
	return -1;
}

int policy_number_node(struct policy *p, const struct model *fleet, const char *name,
		       struct netsim_err *err)
{
	int number = policy_node(p, name);

	if (number >= 0)
		return number;
	number = free_number(p);
	if (number < 0) {
		reclaim_nodes(p, fleet);
		number = free_number(p);
	}
	if (number < 0)
		return err_set(err, NETSIM_ERR_KERNEL, -ENOSPC, NULL,
			       "eBPF programs support up to %d nodes per fleet", policy_end(p) - 1);
	for (int slot = 0; slot < 2; slot++)
		p->nodes[slot * PORT_NODES + number] = (struct port_node) {0};
	snprintf(p->control->names[number], PORT_NODE_NAME, "%s", name);
	p->names[number] = p->control->names[number];
	join_rest(p, number);
	policy_note_whole(p, &p->control->slot[p->control->active & 1],
			  p->nodes + (p->control->active & 1) * PORT_NODES);
	return number;
}

static bool port_exists(const struct model *fleet, const char *name, uint32_t ifindex)
{
	(void)name;
	for (size_t i = 0; i < fleet->link_count; i++)
		if (link_is_port(&fleet->links[i]) && fleet->links[i].ifindex == (int)ifindex)
			return true;
	return false;
}

/* True if an address is that of a guest with this number or, for 0, the host's. */
static bool address_exists(const struct policy *p, const struct model *fleet,
			   const struct port_mac *key, uint32_t number)
{
	for (size_t i = 0; i < fleet->link_count; i++) {
		const struct link *link = &fleet->links[i];
		const struct mac *mac = number == POLICY_HOST ? &link->mac : &link->guest;

		if (link->ovs && (number == POLICY_HOST || link->has_guest) &&
		    (number == POLICY_HOST || p->link_numbers[i] == number) &&
		    memcmp(mac->b, key->b, sizeof(key->b)) == 0)
			return true;
	}
	return false;
}

static void forget_addresses(const struct policy *p, const struct model *fleet)
{
	int map = p->map[POLICY_OVS_MACS];
	struct port_mac key, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;
	uint32_t number;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (bpf_map_lookup_elem(map, &key, &number) == 0 &&
		    !address_exists(p, fleet, &key, number))
			bpf_map_delete_elem(map, &key);
	}
}

/* Removes the entries of ns_ports that are no longer valid: those of the host, or of ports. */
static void forget_entries(struct policy *p, bool hosts,
			   bool (*keep)(const struct model *, const char *fleet, uint32_t ifindex),
			   const struct model *model, const char *fleet)
{
	int map = p->map[POLICY_PORTS];
	uint32_t key, next, number;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (bpf_map_lookup_elem(map, &key, &number) == 0 &&
		    (number == POLICY_HOST) == hosts && !keep(model, fleet, key))
			bpf_map_delete_elem(map, &key);
	}
}

void policy_forget_ports(struct policy *p, const struct model *fleet)
{
	forget_entries(p, false, port_exists, fleet, fleet->fleet);
	forget_addresses(p, fleet);
}

/*
 * True for an interface that may belong to the host: no tap, or a port of another fleet. Of this
 * fleet, only open bridges: the host does not know by which port it got what it routes from there.
 */
static bool is_hosts(const struct link *link, const char *fleet)
{
	struct mark mark;

	if (state_is_ours(link, fleet))
		return (link->kind == LINK_BRIDGE || link->kind == LINK_VLAN) &&
		       mark_parse(link->alias, &mark) && !mark.closed;
	return link->kind != LINK_TAP || (mark_parse(link->alias, &mark) && mark.iface);
}

static bool host_has(const struct model *host, const char *fleet, uint32_t ifindex)
{
	for (size_t i = 0; i < host->link_count; i++)
		if (host->links[i].ifindex == (int)ifindex)
			return is_hosts(&host->links[i], fleet);
	return false;
}

static bool is_closed_and_routed(const struct model *fleet)
{
	struct mark mark;

	if (fleet->awaits_routed)
		return true;
	for (size_t i = 0; i < fleet->link_count; i++)
		if (fleet->links[i].routed && mark_parse(fleet->links[i].alias, &mark) &&
		    mark.closed)
			return true;
	return false;
}

int policy_know_host(struct policy *p, const struct state *st, const struct model *fleet,
		     struct netsim_err *err)
{
	uint32_t none = POLICY_HOST;

	if (!is_closed_and_routed(fleet))
		return 0;
	for (size_t i = 0; i < st->host->link_count; i++) {
		const struct link *link = &st->host->links[i];
		uint32_t key = (uint32_t)link->ifindex;

		/* Ports of this fleet keep their entries; a new one gets its entry later. */
		if (!is_hosts(link, fleet->fleet) ||
		    bpf_map_update_elem(p->map[POLICY_PORTS], &key, &none, BPF_NOEXIST) == 0 ||
		    errno == EEXIST)
			continue;
		return err_set(err, NETSIM_ERR_KERNEL, -errno, NULL,
			       "%s: cannot add the interface to the policy: %s", link->name,
			       strerror(errno));
	}
	forget_entries(p, true, host_has, st->host, fleet->fleet);
	return 0;
}

/*
 * Frees the numbers of links that have no port, and deletes the conditions that are kept
 * for them: otherwise they would hold for the next link with that number.
 */
static void reclaim_links(struct policy *p, const struct model *fleet, bool *used)
{
	memset(used, 0, PORT_LINKS * sizeof(*used));
	for (size_t i = 0; i < fleet->link_count; i++)
		used[p->link_numbers[i]] = true;
	for (uint32_t i = 1; i < PORT_LINKS; i++)
		if (*p->links[i].iface && !used[i]) {
			p->links[i] = (struct port_link) {0};
			p->control->stale |= PORT_STALE_NODES;
		}
	policy_sweep(p);
}

/* Returns the number of a link by its name, 0: none; *ret_free is a free number, 0: none. */
static uint32_t find_link(const struct policy *p, int node, const char *iface, uint32_t *ret_free)
{
	*ret_free = 0;
	for (uint32_t i = 1; i < PORT_LINKS; i++) {
		if (link_is(p, i, node, iface))
			return i;
		if (!*p->links[i].iface && !*ret_free)
			*ret_free = i;
	}
	return 0;
}

static int number_link(struct policy *p, const struct model *fleet, int node, const char *iface,
		       uint32_t *ret, struct netsim_err *err)
{
	auto_free bool *used = NULL;
	uint32_t next;

	*ret = find_link(p, node, iface, &next);
	if (*ret)
		return 0;
	if (!next) {
		used = calloc(PORT_LINKS, sizeof(*used));
		if (!used)
			return err_oom(err);
		reclaim_links(p, fleet, used);
		(void)find_link(p, node, iface, &next);
	}
	if (!next)
		return err_set(err, NETSIM_ERR_KERNEL, -ENOSPC, NULL,
			       "eBPF programs support up to %d ports per fleet", PORT_LINKS - 1);
	p->links[next] = (struct port_link) {.node = (uint16_t)node};
	snprintf(p->links[next].iface, sizeof(p->links[next].iface), "%s", iface);
	*ret = next;
	return 0;
}

/* From now on, the programs know the node of the port. */
static int publish_link(struct policy *p, const struct model *fleet, size_t i,
			struct netsim_err *err)
{
	uint32_t key = (uint32_t)fleet->links[i].ifindex;

	struct port_mac mac = policy_mac_key(&fleet->links[i].guest);

	p->withheld[i] = false;
	if (bpf_map_update_elem(p->map[POLICY_PORTS], &key, &p->link_numbers[i], BPF_ANY) == 0 &&
	    (!fleet->links[i].has_guest ||
	     bpf_map_update_elem(p->map[POLICY_OVS_MACS], &mac, &p->link_numbers[i], BPF_ANY) == 0))
		return 0;
	return err_set(err, NETSIM_ERR_KERNEL, -errno, NULL,
		       "%s: cannot add the port to the policy: %s", fleet->links[i].name,
		       strerror(errno));
}

static int number_links(struct policy *p, const struct model *fleet, struct netsim_err *err)
{
	for (size_t i = 0; i < fleet->link_count; i++) {
		struct mark mark;
		int node = model_node_of_port(fleet, &fleet->links[i], &mark);
		int r;

		if (node < 0 || p->link_numbers[i])
			continue;
		r = number_link(p, fleet, policy_node(p, fleet->nodes[node].name), mark.iface,
				&p->link_numbers[i], err);
		if (r < 0)
			return r;
		if (p->withhold && mark.attached)
			p->withheld[i] = true;
		else
			r = publish_link(p, fleet, i, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void policy_withhold(struct policy *p, bool on)
{
	p->withhold = on;
}

int policy_publish(struct policy *p, const struct model *fleet, struct netsim_err *err)
{
	int r = 0;

	p->withhold = false;
	for (size_t i = 0; r == 0 && i < fleet->link_count; i++)
		if (p->withheld[i])
			r = publish_link(p, fleet, i, err);
	if (r == 0)
		r = policy_number(p, fleet, err);
	policy_forget_ports(p, fleet);
	policy_charge_ports(p, fleet);
	return r;
}

/* Lets a port of a closed network drop frames from ports that no node has. */
static void close_port(struct policy *p, const struct model *fleet, const struct link *port,
		       uint32_t number, bool knows_host)
{
	const struct link *bridge = model_find_link(fleet, MODEL_HOST, port->master);
	struct mark mark;

	p->links[number].ovs = port->userspace ? PORT_OVS_USERSPACE :
			       port->ovs       ? PORT_OVS_KERNEL :
						 PORT_OVS_NONE;
	p->links[number].routed = port->routed;
	p->links[number].cable = port->cable != 0;
	p->links[number].knows_host = knows_host;
	if (port->routed)
		p->links[number].closed = mark_parse(port->alias, &mark) && mark.closed;
	if (!bridge)
		return;
	p->links[number].closed = mark_parse(bridge->alias, &mark) && mark.closed;
	memcpy(p->links[number].bridge, bridge->mac.b, sizeof(bridge->mac.b));
}

int policy_note_home(struct policy *p, const struct mac *mac, int node, struct netsim_err *err)
{
	static const struct mac none;
	struct port_mac key = policy_mac_key(mac);
	uint16_t home = (uint16_t)node;

	if (node < 0 || memcmp(mac, &none, sizeof(none)) == 0 ||
	    bpf_map_update_elem(p->map[POLICY_HOMES], &key, &home, BPF_ANY) == 0)
		return 0;
	return err_set(err, NETSIM_ERR_KERNEL, -errno, NULL,
		       "cannot add an address of %s to the policy: %s", policy_node_name(p, home),
		       strerror(errno));
}

/* Open vSwitch does not show which frames are the host's: they have one of these addresses. */
static void know_host(const struct policy *p, const struct link *link)
{
	struct port_mac key = policy_mac_key(&link->mac);
	uint32_t host = POLICY_HOST;

	/* A guest may have the address of its tap. */
	if (link->ovs)
		(void)bpf_map_update_elem(p->map[POLICY_OVS_MACS], &key, &host, BPF_NOEXIST);
}

static bool in_same_lag(const struct link *a, const struct link *b)
{
	return *a->lag && strcmp(a->lag, b->lag) == 0;
}

/* The number of a port or, of ports in one bond, that of the first. */
static uint16_t bundle_of(const struct policy *p, const struct model *fleet, size_t port)
{
	for (size_t i = 0; *fleet->links[port].lag && i < port; i++)
		if (p->link_numbers[i] && in_same_lag(&fleet->links[i], &fleet->links[port]))
			return (uint16_t)p->link_numbers[i];
	return (uint16_t)p->link_numbers[port];
}

/* True for a port whose copy of what a port floods can be charged: not that in a cable. */
static bool can_charge(const struct policy *p, const struct model *fleet, size_t from, size_t to,
		       bool far)
{
	const struct link *a = &fleet->links[from], *b = &fleet->links[to];

	if (to == from || a->routed || b->routed || b->cable || !p->link_numbers[to] ||
	    in_same_lag(a, b))
		return false;
	return far ? model_are_joined(fleet, a->master, b->master) :
		     strcmp(a->master, b->master) == 0;
}

/* The first of those ports of the bridge or, if there is none, behind its cables. */
static size_t find_charged(const struct policy *p, const struct model *fleet, size_t from)
{
	size_t to = 0;

	while (to < fleet->link_count && !can_charge(p, fleet, from, to, false))
		to++;
	if (to < fleet->link_count || !model_has_cables(fleet))
		return to;
	for (to = 0; to < fleet->link_count && !can_charge(p, fleet, from, to, true);)
		to++;
	return to;
}

/*
 * Chooses the destination port whose copy of a flooded frame is charged to the
 * uplink: the first other port of the bridge. All other copies are free.
 */
void policy_charge_ports(struct policy *p, const struct model *fleet)
{
	bool knows_host = is_closed_and_routed(fleet);

	for (size_t i = 0; i < fleet->link_count; i++) {
		const struct link *link = &fleet->links[i];
		size_t other;

		know_host(p, link);
		if (!p->link_numbers[i])
			continue;
		close_port(p, fleet, link, p->link_numbers[i], knows_host);
		other = find_charged(p, fleet, i);
		p->links[p->link_numbers[i]].bundle = bundle_of(p, fleet, i);
		p->links[p->link_numbers[i]].charge_at =
			other < fleet->link_count ? bundle_of(p, fleet, other) : 0;
	}
}

int policy_number(struct policy *p, const struct model *fleet, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < fleet->node_count; i++)
		r = policy_number_node(p, fleet, fleet->nodes[i].name, err);
	return r < 0 ? r : number_links(p, fleet, err);
}
