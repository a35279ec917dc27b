/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/neigh.h"
#include "netsim/kernel/offload.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* --- the interfaces */

static struct link *find_interface(const struct model *host, const struct iface *iface)
{
	struct link *link = NULL;

	if (iface->kind != IFACE_PORT)
		return NULL;
	link = model_find_link(host, MODEL_HOST, iface->name);
	for (size_t i = 0; !link && iface->has_mac && i < host->link_count; i++)
		if (host->links[i].has_mac && host->links[i].kind != LINK_VLAN &&
		    host->links[i].kind != LINK_BOND &&
		    memcmp(host->links[i].mac.b, iface->mac.b, sizeof(iface->mac.b)) == 0)
			link = &host->links[i];
	return link;
}

static int refuse_missing(const struct topo *topo, const struct node *node, struct netsim_err *err)
{
	char names[128] = "";

	for (size_t i = 0; i < node->iface_count; i++) {
		size_t used = strlen(names);

		if (node->ifaces[i].kind == IFACE_PORT)
			snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
				 node->ifaces[i].name);
	}
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL,
		"this machine has no interface of %s in %s: %s", node->name, topo->fleet, names);
	err_hint(
		err,
		"name the interface in the topology as this machine does, or give its MAC address");
	return -ENOENT;
}

/* The IFB of an interface that is shaped without a topology has a mark that names it. */
static bool is_shaped_alone(const struct model *host, const struct link *link)
{
	for (size_t i = 0; i < host->link_count; i++) {
		const struct link *ifb = &host->links[i];
		struct mark mark;

		if (state_is_ours(ifb, MARK_BARE) && mark_parse(ifb->alias, &mark) &&
		    strcmp(mark.node, link->name) == 0)
			return true;
	}
	return false;
}

static int check_interface(const struct model *host, const struct machine_place *place,
			   const struct link *link, struct netsim_err *err)
{
	struct mark mark;

	if (!link->has_mac) {
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s carries no Ethernet frames",
			link->name);
		return -EINVAL;
	}
	if (MARK_IS_GROUP(link->group) || (mark_parse(link->alias, &mark) && !mark.machine)) {
		err_set(err, NETSIM_ERR_KERNEL, -EBUSY, NULL,
			"%s is a port of a fleet on this machine", link->name);
	} else if (link->alias && !mark_parse(link->alias, &mark)) {
		err_set(err, NETSIM_ERR_KERNEL, -EBUSY, NULL,
			"%s has an alias already, which netsim needs for its mark: %s", link->name,
			link->alias);
		err_hint(err, "remove it with: ip link set %s alias ''", link->name);
	} else if (link->alias && (strcmp(mark.fleet, place->topo->fleet) != 0 ||
				   strcmp(mark.node, place->node->name) != 0)) {
		err_set(err, NETSIM_ERR_USAGE, -EBUSY, NULL, "this machine is %s of %s already",
			mark.node, mark.fleet);
		err_hint(err, "netsim down ends that");
	} else if (is_shaped_alone(host, link)) {
		err_set(err, NETSIM_ERR_USAGE, -EBUSY, NULL, "%s is shaped without a topology",
			link->name);
		err_hint(err,
			 "end that with `netsim clear %s`, and apply the profile again afterwards",
			 link->name);
	} else {
		return 0;
	}
	return -EBUSY;
}

/* The machine cannot be both the host and a node of a fleet. */
static int check_host(const struct state *st, const struct topo *topo, struct netsim_err *err)
{
	for (size_t i = 0; i < st->host->link_count; i++) {
		const struct link *link = &st->host->links[i];
		struct mark mark;

		if (!state_is_ours(link, topo->fleet) ||
		    (mark_parse(link->alias, &mark) && mark.machine))
			continue;
		err_set(err, NETSIM_ERR_USAGE, -EBUSY, NULL,
			"the fleet %s is up on this machine, which is its host", topo->fleet);
		err_hint(err, "remove it with `netsim down`");
		return -EBUSY;
	}
	return 0;
}

/* Records in the mark which offloads are on, so that they can be restored after any crash. */
static int mark_interface(struct state *st, const struct machine_place *place,
			  const struct iface *iface, const struct link *link)
{
	struct mark before, mark = {.fleet = place->topo->fleet,
				    .node = place->node->name,
				    .iface = iface->name,
				    .roles = (const char *const *)place->node->roles,
				    .role_count = place->node->role_count,
				    .attached = true,
				    .machine = true};
	bool known = mark_parse(link->alias, &before);
	char alias[MARK_TEXT];
	struct link want = {.alias = alias};

	mark.tso = known ? before.tso : offload_is_on(link->name, OFFLOAD_SEND);
	mark.gro = known ? before.gro : offload_is_on(link->name, OFFLOAD_RECEIVE);
	mark.csum = known ? before.csum : offload_is_on(link->name, OFFLOAD_CHECKSUM);
	mark_format(&mark, alias);
	if (place->dry)
		return state_assume(st, link->name, alias);
	if (!link->alias || strcmp(link->alias, alias) != 0)
		link_set(st->rt, &want, link->ifindex, LINK_SET_ALIAS, 0, link->name);
	return 0;
}

int machine_check(const struct state *st, const struct machine_place *place, struct netsim_err *err)
{
	const struct node *node = place->node;
	bool any = false;
	int r = check_host(st, place->topo, err);

	for (size_t i = 0; r == 0 && i < node->iface_count; i++) {
		const struct link *link = find_interface(st->host, &node->ifaces[i]);

		any |= link != NULL;
		r = link ? check_interface(st->host, place, link, err) : 0;
	}
	return r == 0 && !any ? refuse_missing(place->topo, node, err) : r;
}

int machine_mark(struct state *st, const struct machine_place *place, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < place->node->iface_count; i++) {
		const struct iface *iface = &place->node->ifaces[i];
		const struct link *link = find_interface(st->host, iface);

		if (link && mark_interface(st, place, iface, link) < 0)
			r = err_oom(err);
	}
	if (r == 0)
		r = rtnl_send(st->rt, err);
	return r == 0 ? state_read_host(st, err) : r;
}

/* --- the addresses of the others */

struct peers {
	struct policy_peer *list;
	size_t count;
};

static int add_peer(struct peers *peers, const struct policy_peer *peer)
{
	struct policy_peer *slot = array_push(peers->list, peers->count);

	if (!slot)
		return -ENOMEM;
	*slot = *peer;
	return 0;
}

static int add_places(const struct fleet *f, struct peers *peers)
{
	int r = 0;

	for (size_t i = 0; i < f->model->node_count; i++) {
		const struct model_node *node = &f->model->nodes[i];
		int number = policy_node(f->policy, node->name);

		for (size_t p = 0; r == 0 && number >= 0 && p < node->place_count; p++)
			r = add_peer(peers, &(struct policy_peer) {.node = (uint16_t)number,
								   .is_mac = node->places[p].is_mac,
								   .mac = node->places[p].mac,
								   .ip = node->places[p].ip});
	}
	return r;
}

static bool is_on_machine(const struct fleet *f, int ifindex)
{
	for (size_t i = 0; i < f->model->link_count; i++)
		if (f->model->links[i].machine && f->model->links[i].ifindex == ifindex)
			return true;
	return false;
}

/* The number of the node that has an address, -1: none. */
static int node_at(const struct fleet *f, const struct ip *ip)
{
	for (size_t i = 0; i < f->model->node_count; i++) {
		const struct model_node *node = &f->model->nodes[i];

		for (size_t p = 0; p < node->place_count; p++)
			if (!node->places[p].is_mac && node->places[p].ip.family == ip->family &&
			    ip_in_prefix(ip, &node->places[p].ip))
				return policy_node(f->policy, node->name);
	}
	return -1;
}

/* True if another node's address has the same MAC address, as a router's that answers for both. */
static bool is_shared(const struct fleet *f, const struct neigh_address *list, size_t count,
		      const struct neigh_address *one, int number)
{
	for (size_t i = 0; i < count; i++) {
		int other = memcmp(&list[i].mac, &one->mac, sizeof(one->mac)) == 0 ?
				    node_at(f, &list[i].ip) :
				    -1;

		if (other >= 0 && other != number)
			return true;
	}
	return false;
}

/* What the machine has resolved before is as if the programs had learned it. */
static int add_resolved(const struct fleet *f, struct peers *peers, struct netsim_err *err)
{
	auto_free struct neigh_address *list = NULL;
	size_t count = 0;
	int r = neigh_resolved(f->st->rt, &list, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		int number = is_on_machine(f, list[i].ifindex) ? node_at(f, &list[i].ip) : -1;

		if (number < 0 || is_shared(f, list, count, &list[i], number))
			continue;
		if (add_peer(peers, &(struct policy_peer) {.node = (uint16_t)number,
							   .is_mac = true,
							   .learned = true,
							   .mac = list[i].mac}) < 0)
			r = err_oom(err);
	}
	return r;
}

int machine_put_peers(struct fleet *f, struct netsim_err *err)
{
	struct peers peers = {0};
	int r = add_places(f, &peers);

	r = r < 0 ? err_oom(err) : add_resolved(f, &peers, err);
	if (r == 0)
		r = policy_put_peers(f->policy, peers.list, peers.count, err);
	free(peers.list);
	return r;
}
