/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removes a whole fleet. Needs no plan: the mark identifies all objects of the fleet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/fleet/converge.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/netns.h"

int converge_remove_names(struct state *st, const char *fleet, struct netsim_err *err)
{
	char prefix[NETNS_TEXT], **names = NULL;
	size_t count = 0;
	int r;

	state_netns_name(fleet, "", prefix);
	r = netns_list(prefix, &names, &count, err);
	for (size_t i = 0; i < count; i++) {
		const char *node = names[i] + strlen(prefix);
		bool ours = false;

		if (r == 0)
			r = state_owns_netns(st, fleet, node, &ours, err);
		if (ours && r == 0) {
			r = netns_remove(names[i], err);
			state_forget(st, fleet, node);
		}
		free(names[i]);
	}
	free(names);
	return r;
}

/*
 * Removes the fleet's links, those of its group and of the doomed group. If its group has foreign
 * links, moves the fleet's to the doomed group first; if that has some, removes all one by one.
 */
static int remove_links(struct state *st, const char *fleet, struct netsim_err *err)
{
	uint32_t group = mark_group(fleet), doomed = MARK_DOOMED(group);
	bool shared = state_shares_group(st, fleet, group),
	     each = state_shares_group(st, fleet, doomed);

	for (size_t i = 0; (shared || each) && i < st->host->link_count; i++) {
		const struct link *link = &st->host->links[i];

		if (!state_made(link, fleet))
			continue;
		if (each)
			link_del(st->rt, link->ifindex, link->name);
		else
			link_set_group(st->rt, link->ifindex, doomed, link->name);
	}
	if (!shared && !each)
		link_del_group(st->rt, group, fleet);
	if (!each)
		link_del_group(st->rt, doomed, fleet);
	return rtnl_send(st->rt, err);
}

int converge_remove_links(struct state *st, const char *fleet, struct netsim_err *err)
{
	bool any = false;
	int r = state_read_host(st, err);

	for (size_t i = 0; r == 0 && i < st->host->link_count; i++)
		any |= state_made(&st->host->links[i], fleet);
	return r == 0 && any ? remove_links(st, fleet, err) : r;
}

int converge_remove(struct state *st, const char *fleet, struct netsim_err *err)
{
	int r = converge_remove_links(st, fleet, err);

	return r == 0 ? converge_remove_names(st, fleet, err) : r;
}
