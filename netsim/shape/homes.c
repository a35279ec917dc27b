/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/homes.h"

#include <errno.h>
#include <string.h>

#include "netsim/kernel/mark.h"
#include "netsim/kernel/neigh.h"
#include "netsim/kernel/state.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* The number of the node that has a port, -1: none. */
static int node_at(const struct fleet *f, const struct link *port)
{
	struct mark mark;
	int node = model_node_of_port(f->model, port, &mark);

	return node < 0 ? -1 : policy_node(f->policy, f->model->nodes[node].name);
}

static int note_learned(const struct fleet *f, struct netsim_err *err)
{
	auto_free struct neigh_mac *learned = NULL;
	size_t count = 0;
	int r = neigh_bridged(f->st->rt, &learned, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++)
		for (size_t l = 0; r == 0 && l < f->model->link_count; l++) {
			const struct link *link = &f->model->links[l];

			if (link->node == MODEL_HOST && link->ifindex == learned[i].port)
				r = policy_note_home(f->policy, &learned[i].mac, node_at(f, link),
						     err);
		}
	return r;
}

int homes_note(struct fleet *f, struct netsim_err *err)
{
	struct model *inside = NULL;
	int r = state_read(f->st, f->name, STATE_ALL, &inside, err);

	if (r == 0)
		r = note_learned(f, err);
	for (size_t i = 0; r == 0 && i < inside->link_count; i++) {
		const struct link *link = &inside->links[i];

		if (link->node != MODEL_HOST && link->has_mac)
			r = policy_note_home(f->policy, &link->mac,
					     policy_node(f->policy, inside->nodes[link->node].name),
					     err);
	}
	model_free(inside);
	return r;
}

static bool names_node(const struct policy_group *groups, size_t count, int node)
{
	for (size_t g = 0; g < count; g++)
		for (size_t i = 0; i < groups[g].count; i++)
			if (groups[g].nodes[i] == node)
				return true;
	return false;
}

int homes_check(const struct fleet *f, const struct policy_group *groups, size_t count,
		struct netsim_err *err)
{
	for (size_t i = 0; i < f->model->link_count; i++) {
		const struct link *link = &f->model->links[i];
		int node = link->ovs ? node_at(f, link) : -1;

		if (node < 0 || !names_node(groups, count, node))
			continue;
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			"%s is at Open vSwitch, which does not show which frames are for a port, "
			"and "
			"which are copies",
			policy_node_name(f->policy, (uint32_t)node));
		err_hint(err, "omit --reject: what the partition drops is then not answered");
		return -EINVAL;
	}
	return 0;
}
