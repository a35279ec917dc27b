/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks, before any change, that no name the fleet needs belongs to a foreign object. */
#include <errno.h>
#include <string.h>

#include "netsim/fleet/converge.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/netns.h"

/* Link groups are hashes: fleets whose names collide cannot share a host. Links that carry
 * the group but no mark of netsim's are left alone. */
static int check_group(const struct state *st, const struct model *want, struct netsim_err *err)
{
	for (size_t i = 0; i < st->host->link_count; i++) {
		const struct link *link = &st->host->links[i];
		struct mark mark;

		if (link->group != mark_group(want->fleet) || state_is_ours(link, want->fleet) ||
		    !mark_parse(link->alias, &mark))
			continue;
		err_set(err, NETSIM_ERR_KERNEL, -EEXIST, NULL,
			"the link %s is in the link group 0x%x, which the fleet %s needs",
			link->name, link->group, want->fleet);
		err_hint(err, "give the fleet another name");
		return -EEXIST;
	}
	return 0;
}

/* Refuses a foreign namespace; if one cannot be examined, reports that error instead. */
static int check_netns(struct state *st, const char *fleet, const struct model_node *node,
		       struct netsim_err *err)
{
	bool exists = false, stale = false;
	struct handle *handle;
	int r = node->netns ? netns_exists(node->netns, &exists, err) : 0;

	if (r == 0 && exists)
		r = netns_is_stale(node->netns, MARK_PREFIX, &stale, err);
	if (r < 0 || !exists || stale)
		return r;
	r = state_handle(st, fleet, node->name, &handle, err);
	if (r != -ENOENT)
		return r;
	err_set(err, NETSIM_ERR_KERNEL, -EEXIST, &node->at,
		"a network namespace %s exists that does not belong to this fleet", node->netns);
	err_hint(err, "remove it with: ip netns delete %s", node->netns);
	return -EEXIST;
}

int converge_check_foreign(struct state *st, const struct model *want, struct netsim_err *err)
{
	for (size_t i = 0; i < want->link_count; i++) {
		const struct link *link = &want->links[i];
		const struct link *have = model_find_link(st->host, MODEL_HOST, link->name);
		struct mark mark;

		if (link->node != MODEL_HOST || !have || state_made(have, want->fleet))
			continue;
		if (mark_parse(have->alias, &mark))
			err_set(err, NETSIM_ERR_KERNEL, -EEXIST, &link->at,
				"a link %s belongs to the fleet %s", link->name, mark.fleet);
		else
			err_set(err, NETSIM_ERR_KERNEL, -EEXIST, &link->at,
				"a link %s exists that netsim did not make", link->name);
		err_hint(err, "remove it, or choose another name with `%s:`",
			 link->kind == LINK_BRIDGE ? "name" : "port");
		return -EEXIST;
	}
	for (size_t i = 0; i < want->node_count; i++) {
		int r = check_netns(st, want->fleet, &want->nodes[i], err);

		if (r < 0)
			return r;
	}
	return check_group(st, want, err);
}
