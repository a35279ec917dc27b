/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/util/array.h"
#include "netsim/util/err.h"

struct planner {
	struct model *want;
	const struct model *have;
	struct plan *plan;
	int *have_node;		     /* index in want->nodes -> index in have->nodes, or -1 */
	const struct link **partner; /* index in want->links -> link of have to keep, or NULL */
	struct step spare;	     /* receives writes after memory ran out */
	bool failed;
};

void plan_done(struct plan *plan)
{
	free(plan->steps);
	*plan = (struct plan) {0};
}

static struct step *add(struct planner *p, enum step_kind kind, int node)
{
	struct step *step = array_push(p->plan->steps, p->plan->count);

	if (!step) {
		p->failed = true;
		return &p->spare;
	}
	step->kind = kind;
	step->place = node;
	return step;
}

static int have_node_of(const struct planner *p, int node)
{
	return node == MODEL_HOST ? MODEL_HOST : p->have_node[node];
}

static const struct link *find_counterpart(const struct planner *p, const struct link *want)
{
	int node = have_node_of(p, want->node);
	const struct link *have;

	if (want->node != MODEL_HOST && node < 0)
		return NULL;
	have = model_find_link(p->have, node, want->name);
	return have && MARK_IS_GROUP(have->group) ? have : NULL;
}

/* True for differences that cannot be changed on an existing link. */
static bool must_remake(const struct link *want, const struct link *have)
{
	if (want->kind != have->kind)
		return true;
	switch (want->kind) {
	case LINK_BOND:
		/*
		 * The kernel changes neither mode nor lacp_rate of a bond that is up, and does not
		 * take back an ad_actor_system.
		 */
		return want->bond.mode != have->bond.mode ||
		       bond_value_differs(&want->bond.values[BOND_LACP_RATE],
					  &have->bond.values[BOND_LACP_RATE]) ||
		       bond_address_remains(&want->bond, &have->bond);
	case LINK_VLAN:
		return want->vlan != have->vlan || want->vlan_qinq != have->vlan_qinq ||
		       strcmp(want->lower, have->lower) != 0;
	case LINK_TAP:
		return want->multi_queue != have->multi_queue ||
		       want->has_tap_owner != have->has_tap_owner ||
		       want->has_tap_group != have->has_tap_group ||
		       (want->has_tap_owner && want->tap_owner != have->tap_owner) ||
		       (want->has_tap_group && want->tap_group != have->tap_group);
	case LINK_OTHER:
	case LINK_BRIDGE:
	case LINK_VETH:
	case LINK_IFB:
	case LINK_HOLD:
	case LINK_OVS:
		break;
	}
	return false;
}

static const struct link *partner_of(const struct planner *p, const struct link *want)
{
	return p->partner[want - p->want->links];
}

/* True for a VLAN above a link that is recreated: it must be recreated too. */
static bool lower_is_remade(const struct planner *p, const struct link *want)
{
	const struct link *other = NULL;

	if (want->kind == LINK_VLAN)
		other = model_find_link(p->want, want->node, want->lower);
	return other && !partner_of(p, other);
}

/* Keeps both ends of a cable of a node, or between networks, or neither. */
static void match_cables(struct planner *p)
{
	for (size_t i = 0; i < p->want->link_count; i++) {
		struct link *inside = &p->want->links[i], *port;

		if (inside->kind != LINK_VETH || (inside->node == MODEL_HOST && !inside->cable))
			continue;
		port = model_find_link(p->want, MODEL_HOST, inside->peer);
		if (!port || (partner_of(p, inside) && partner_of(p, port)))
			continue;
		p->partner[i] = NULL;
		p->partner[port - p->want->links] = NULL;
	}
}

static void match_links(struct planner *p)
{
	bool changed = true;

	for (size_t i = 0; i < p->want->link_count; i++) {
		struct link *want = &p->want->links[i];
		const struct link *have = find_counterpart(p, want);

		if (have && have->kind == LINK_BOND && want->kind == LINK_BOND &&
		    want->bond.mode == have->bond.mode)
			bond_restore_initial(&want->bond, &have->bond);
		p->partner[i] = have && !must_remake(want, have) ? have : NULL;
	}
	match_cables(p);
	while (changed) {
		changed = false;
		for (size_t i = 0; i < p->want->link_count; i++)
			if (p->partner[i] && lower_is_remade(p, &p->want->links[i])) {
				p->partner[i] = NULL;
				changed = true;
			}
	}
}

static int want_node_of(const struct planner *p, int have_node)
{
	for (size_t i = 0; have_node != MODEL_HOST && i < p->want->node_count; i++)
		if (p->have_node[i] == have_node)
			return (int)i;
	return MODEL_HOST;
}

static bool is_partner(const struct planner *p, const struct link *have)
{
	for (size_t i = 0; i < p->want->link_count; i++)
		if (p->partner[i] == have)
			return true;
	return false;
}

/* A leased address is the business of the node's DHCP client: neither wanted nor stale. */
static bool has_addr(const struct link *link, const struct model_addr *addr)
{
	if (addr->leased)
		return true;
	for (size_t i = 0; link && i < link->addr_count; i++)
		if (ip_equal(&link->addrs[i].ip, &addr->ip))
			return true;
	return false;
}

static bool has_route(const struct link *link, const struct model_route *route)
{
	for (size_t i = 0; link && i < link->route_count; i++)
		if (ip_equal(&link->routes[i].to, &route->to) &&
		    ip_equal(&link->routes[i].via, &route->via))
			return true;
	return false;
}

static void plan_stale_parts(struct planner *p)
{
	for (size_t i = 0; i < p->want->link_count; i++) {
		struct link *want = &p->want->links[i];
		const struct link *have = p->partner[i];

		for (size_t a = 0; have && a < have->route_count; a++)
			if (!has_route(want, &have->routes[a])) {
				struct step *step = add(p, STEP_DEL_ROUTE, want->node);

				step->want = want;
				step->have = have;
				step->route = &have->routes[a];
			}
		for (size_t a = 0; have && a < have->addr_count; a++)
			if (!has_addr(want, &have->addrs[a])) {
				struct step *step = add(p, STEP_DEL_ADDR, want->node);

				step->want = want;
				step->have = have;
				step->addr = &have->addrs[a];
			}
	}
}

static bool has_mark_of(const struct link *links, size_t count, const struct link *ifb, bool made)
{
	size_t length = ifb->alias ? strcspn(ifb->alias, " ") : 0;

	for (size_t i = 0; length && i < count; i++) {
		const struct link *port = &links[i];

		if ((link_is_port(port) || port->kind == LINK_BRIDGE) && port->alias &&
		    (made || !MARK_IS_GROUP(port->group)) && strcspn(port->alias, " ") == length &&
		    memcmp(port->alias, ifb->alias, length) == 0)
			return true;
	}
	return false;
}

/*
 * True if the IFB's port or bridge, which has the same mark, is wanted, or attached: then the
 * IFB stays.
 */
static bool is_needed_ifb(const struct planner *p, const struct link *ifb)
{
	return has_mark_of(p->want->links, p->want->link_count, ifb, true) ||
	       has_mark_of(p->have->links, p->have->link_count, ifb, false);
}

/* Removes links of the fleet that are not wanted; those in a removed node vanish with it. */
static void plan_stale_links(struct planner *p)
{
	for (size_t i = 0; i < p->have->link_count; i++) {
		const struct link *have = &p->have->links[i];
		int node = want_node_of(p, have->node);

		if (!MARK_IS_GROUP(have->group) || is_partner(p, have))
			continue;
		if (have->kind == LINK_HOLD || (have->kind == LINK_IFB && is_needed_ifb(p, have)))
			continue;
		if (have->node != MODEL_HOST && node == MODEL_HOST)
			continue;
		add(p, STEP_DEL_LINK, node)->have = have;
	}
}

static bool same_bond(const struct bond_options *want, const struct bond_options *have)
{
	for (size_t i = 0; i < BOND_OPTIONS; i++)
		if (bond_value_differs(&want->values[i], &have->values[i]))
			return false;
	return !bond_targets_differ(&want->arp_targets, &have->arp_targets) &&
	       !bond_targets_differ(&want->ns_targets, &have->ns_targets) &&
	       !bond_system_differs(want, have);
}

static bool same_vlans(const struct link *a, const struct link *b)
{
	if (a->vlan_count != b->vlan_count)
		return false;
	for (size_t i = 0; i < a->vlan_count; i++)
		if (a->vlans[i].id != b->vlans[i].id ||
		    a->vlans[i].untagged != b->vlans[i].untagged)
			return false;
	return true;
}

/* Bond members get the bond's MAC address. A tap has none: the guest's is not known. */
static bool wrong_mac(const struct link *want, const struct link *have)
{
	return want->has_mac && !(want->node != MODEL_HOST && *want->master) &&
	       memcmp(want->mac.b, have->mac.b, sizeof(want->mac.b)) != 0;
}

/* A port in a bond on the host has that as its master, and that one has the bridge. */
static bool wrong_master(const struct planner *p, const struct link *want, const struct link *have)
{
	const char *name = *want->lag ? want->lag : want->master;
	const struct link *master = model_find_link(p->want, want->node, name);

	if (*name && master && !partner_of(p, master))
		return true;
	return strcmp(want->lag, have->lag) != 0 ||
	       (!*want->lag && strcmp(want->master, have->master) != 0);
}

/* True for a link that is a port of a bridge, which has VLANs there. */
static bool is_in_bridge(const struct link *link)
{
	return link_is_lag(link) || (link_is_port(link) && !*link->lag);
}

/*
 * True for a link whose VLANs are compared: a port, and a bridge itself. A bridge that has not
 * filtered VLANs yet is in VLAN 1.
 */
static bool has_vlans(const struct link *want, const struct link *have, bool joins)
{
	if (want->kind == LINK_BRIDGE)
		return want->vlan_aware && (have->vlan_aware || want->vlan_count > 1);
	return is_in_bridge(want) && (want->vlan_count || joins);
}

static unsigned differences(const struct planner *p, const struct link *want,
			    const struct link *have)
{
	unsigned what = 0;

	if (want->mtu != have->mtu)
		what |= LINK_SET_MTU;
	if (wrong_mac(want, have))
		what |= LINK_SET_MAC;
	if (wrong_master(p, want, have))
		what |= LINK_SET_MASTER;
	/* A bond that it joins anew begins with 0. */
	if ((want->has_prio || have->has_prio) &&
	    want->prio != (what & LINK_SET_MASTER ? 0 : have->prio))
		what |= LINK_SET_PRIO;
	if (!have->up)
		what |= LINK_SET_UP;
	if (want->node == MODEL_HOST && strcmp(want->alias, have->alias ? have->alias : "") != 0)
		what |= LINK_SET_ALIAS;
	if (want->group != have->group)
		what |= LINK_SET_GROUP;
	if (want->kind == LINK_BRIDGE && want->vlan_aware != have->vlan_aware)
		what |= LINK_SET_VLAN_AWARE;
	if (want->kind == LINK_BRIDGE && want->stp != have->stp)
		what |= LINK_SET_STP;
	if (want->kind == LINK_BOND && !same_bond(&want->bond, &have->bond))
		what |= LINK_SET_BOND;
	if (want->kind == LINK_BOND && want->bond.has_primary &&
	    strcmp(want->bond.primary, have->bond.primary) != 0)
		what |= LINK_SET_PRIMARY;
	if (has_vlans(want, have, what & LINK_SET_MASTER) && !same_vlans(want, have))
		what |= LINK_SET_VLANS;
	return what;
}

static void plan_new_parts(struct planner *p, struct link *want, const struct link *have)
{
	for (size_t a = 0; a < want->addr_count; a++)
		if (!has_addr(have, &want->addrs[a])) {
			struct step *step = add(p, STEP_ADD_ADDR, want->node);

			step->want = want;
			step->have = have;
			step->addr = &want->addrs[a];
		}
	for (size_t a = 0; a < want->route_count; a++)
		if (!has_route(have, &want->routes[a])) {
			struct step *step = add(p, STEP_ADD_ROUTE, want->node);

			step->want = want;
			step->have = have;
			step->route = &want->routes[a];
		}
}

static void plan_link(struct planner *p, struct link *want)
{
	const struct link *have = partner_of(p, want);
	unsigned what = have ? differences(p, want, have) : 0;
	struct step *step;

	/* A link of another program, in the state before: it is neither added nor changed. */
	if (!MARK_IS_GROUP(want->group))
		return;
	want->ifindex = have ? have->ifindex : 0;
	if (!have) {
		add(p, STEP_ADD_LINK, want->node)->want = want;
	} else if (what) {
		step = add(p, STEP_SET_LINK, want->node);
		step->want = want;
		step->have = have;
		step->what = what;
	}
}

/*
 * Adds bridges, taps, bonds and cables between networks first, then the host's VLANs, new nodes,
 * their links, and the ports of these.
 */
static void plan_links(struct planner *p)
{
	for (size_t i = 0; i < p->want->link_count; i++)
		if (p->want->links[i].kind == LINK_BRIDGE || p->want->links[i].kind == LINK_TAP ||
		    link_is_lag(&p->want->links[i]) || p->want->links[i].cable)
			plan_link(p, &p->want->links[i]);
	for (size_t i = 0; i < p->want->link_count; i++)
		if (p->want->links[i].node == MODEL_HOST && p->want->links[i].kind == LINK_VLAN)
			plan_link(p, &p->want->links[i]);
	for (size_t i = 0; i < p->want->node_count; i++)
		if (p->want->nodes[i].netns && p->have_node[i] < 0)
			add(p, STEP_ADD_NODE, (int)i)->node = &p->want->nodes[i];
	for (size_t i = 0; i < p->want->link_count; i++)
		if (p->want->links[i].node != MODEL_HOST)
			plan_link(p, &p->want->links[i]);
	for (size_t i = 0; i < p->want->link_count; i++)
		if (p->want->links[i].node == MODEL_HOST && p->want->links[i].kind == LINK_VETH &&
		    !p->want->links[i].cable)
			plan_link(p, &p->want->links[i]);
	for (size_t i = 0; i < p->want->link_count; i++)
		plan_new_parts(p, &p->want->links[i], p->partner[i]);
}

static void plan_forwarding(struct planner *p)
{
	for (size_t i = 0; i < p->want->node_count; i++) {
		const struct model_node *want = &p->want->nodes[i];
		int have = p->have_node[i];

		if (want->netns && want->has_forwarding &&
		    (have < 0 ||
		     forwarding_differs(want->forwarding.ipv4, &p->have->nodes[have].forwarding)))
			add(p, STEP_SET_NODE, (int)i)->node = want;
	}
}

static void plan_stale_nodes(struct planner *p)
{
	for (size_t i = 0; i < p->have->node_count; i++) {
		const struct model_node *node = &p->have->nodes[i];

		if (node->netns && want_node_of(p, (int)i) == MODEL_HOST)
			add(p, STEP_DEL_NODE, (int)i)->node = node;
	}
}

static int planner_init(struct planner *p, struct netsim_err *err)
{
	p->have_node = calloc(p->want->node_count + 1, sizeof(*p->have_node));
	p->partner = calloc(p->want->link_count + 1, sizeof(*p->partner));
	if (!p->have_node || !p->partner)
		return err_oom(err);
	for (size_t i = 0; i < p->want->node_count; i++) {
		int have = model_find_node(p->have, p->want->nodes[i].name);
		bool usable = have >= 0 && p->want->nodes[i].netns && p->have->nodes[have].netns;

		p->have_node[i] = usable ? have : -1;
	}
	return 0;
}

int plan_make(struct model *want, const struct model *have, struct plan *ret,
	      struct netsim_err *err)
{
	struct plan plan = {0};
	struct planner p = {.want = want, .have = have, .plan = &plan};
	int r = planner_init(&p, err);

	if (r == 0) {
		match_links(&p);
		plan_stale_parts(&p);
		plan_stale_links(&p);
		plan_links(&p);
		plan_forwarding(&p);
		plan_stale_nodes(&p);
		r = p.failed ? err_oom(err) : 0;
	}
	free(p.have_node);
	free(p.partner);
	if (r < 0)
		plan_done(&plan);
	else
		*ret = plan;
	return r;
}
