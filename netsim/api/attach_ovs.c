/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/attach_ovs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/kernel/qdisc.h"
#include "netsim/util/arena.h"
#include "netsim/util/err.h"

int attach_ovs_read(const struct state *st, const struct topo *topo, struct ovs *ret,
		    struct netsim_err *err)
{
	bool needed = false;
	int r;

	*ret = (struct ovs) {0};
	for (size_t i = 0; i < topo->network_count; i++) {
		const struct link *bridge =
			model_find_link(st->host, MODEL_HOST, topo->networks[i].bridge);

		needed |= topo->networks[i].attached &&
			  (!bridge || bridge->kind != LINK_BRIDGE || bridge->ovs);
	}
	if (!needed)
		return 0;
	r = ovs_read(ret, err);
	if (r == 0 && !*ret->why)
		ovs_show(ret, st->host);
	return r;
}

static int check_node(const struct node *node, const struct iface *iface, const struct link *bridge,
		      struct netsim_err *err)
{
	if (node->kind != NODE_ATTACHED) {
		err_set(err, NETSIM_ERR_INPUT, -EINVAL, &iface->at,
			"%s is a bridge of Open vSwitch, which takes ports of attached nodes only",
			bridge->name);
		err_hint(err, "\"kind: attached\", and add its tap with ovs-vsctl add-port");
		return -EINVAL;
	}
	if (bridge->userspace && !iface->has_mac) {
		err_set(err, NETSIM_ERR_INPUT, -EINVAL, &iface->at,
			"%s has Open vSwitch's userspace datapath, which shows the source of a "
			"frame only by its address",
			bridge->name);
		err_hint(err, "add \"mac\", the guest's address");
		return -EINVAL;
	}
	return 0;
}

int attach_ovs_check(const struct state *st, const struct topo *topo, const struct ovs *ovs,
		     struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; i < topo->network_count; i++) {
		const struct network *net = &topo->networks[i];
		const struct link *bridge = model_find_link(st->host, MODEL_HOST, net->bridge);

		if (!net->attached || !bridge || bridge->kind != LINK_OVS)
			continue;
		err_set(err, NETSIM_ERR_ENV, -ENOTCONN, &net->attached_at,
			"%s is a bridge of Open vSwitch, whose database does not list it%s%s",
			net->bridge, *ovs->why ? ": " : "", ovs->why);
		err_hint(err, "start ovsdb-server, or set OVS_RUNDIR to the folder of its socket");
		return -ENOTCONN;
	}
	for (size_t i = 0; i < topo->node_count; i++)
		for (size_t j = 0; r == 0 && j < topo->nodes[i].iface_count; j++) {
			const struct iface *iface = &topo->nodes[i].ifaces[j];
			const struct network *net = &topo->networks[iface->network];
			const struct link *bridge =
				model_find_link(st->host, MODEL_HOST, net->bridge);

			if (iface->kind == IFACE_PORT && net->attached && bridge && bridge->ovs)
				r = check_node(&topo->nodes[i], iface, bridge, err);
		}
	return r;
}

static bool is_policed(const struct qdiscs *all, const struct ovs_port *port, int ifindex)
{
	return port && port->policed && qdisc_has_ingress(all, ifindex);
}

void attach_ovs_limit(const struct state *st, const struct ovs *ovs, const struct qdiscs *qdiscs,
		      struct port_claims *claims)
{
	for (size_t i = 0; i < claims->count; i++) {
		struct port_claim *claim = &claims->list[i];
		const struct link *link =
			claim->ifindex ? model_find_link(st->host, MODEL_HOST, claim->port) : NULL;

		if (!link || !link->ovs)
			continue;
		if (link->userspace && !claim->iface->has_mac)
			claim_withdraw(claim,
				       "%s is on the userspace datapath, which shows the source of "
				       "a frame only by its address; the node needs \"mac\"",
				       claim->port);
		else if (is_policed(qdiscs, ovs_find_port(ovs, claim->port), claim->ifindex))
			claim_withdraw(claim,
				       "ingress_policing_rate of Open vSwitch excludes netsim's "
				       "programs; to end it: ovs-vsctl set interface %s "
				       "ingress_policing_rate=0",
				       claim->port);
	}
}

int attach_ovs_list(void *arena, const struct model *fleet, struct netsim_ovs ***list,
		    size_t *count, struct netsim_err *err)
{
	for (size_t i = 0; i < fleet->link_count; i++) {
		const struct link *link = &fleet->links[i];
		struct netsim_ovs *slot;

		if (link->kind != LINK_BRIDGE || !link->ovs)
			continue;
		slot = arena_push(arena, *list, *count);
		if (!slot || !(slot->bridge = arena_strdup(arena, link->name)))
			return err_oom(err);
		slot->userspace = link->userspace;
	}
	return 0;
}

void attach_ovs_mark(const struct link *link, const struct iface *iface, struct mark *mark)
{
	if (!link->ovs)
		return;
	mark->ovs = iface ? link->master : link->name;
	mark->userspace = link->userspace;
	if (iface && link->userspace) {
		mark->has_guest = iface->has_mac;
		mark->guest = iface->mac;
	}
}
