/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/watch_scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/kernel/mark.h"
#include "netsim/kernel/ovs.h"
#include "netsim/kernel/state.h"
#include "netsim/util/array.h"

static bool add_index(int **list, size_t *count, int ifindex)
{
	int *slot = array_push(*list, *count);

	if (slot)
		*slot = ifindex;
	return slot;
}

static bool add_awaited(struct watch_scope *s, const char *name)
{
	char(*slot)[IFNAMSIZ] = array_push(s->awaited, s->awaited_count);

	if (slot)
		snprintf(*slot, IFNAMSIZ, "%s", name);
	return slot;
}

/* The taps of an attached node on routed networks, which are found by their names. */
static bool await_taps(struct watch_scope *s, const struct topo *topo, const struct node *node)
{
	bool good = true;

	for (size_t i = 0; node->kind == NODE_ATTACHED && i < node->iface_count; i++)
		if (topo->networks[node->ifaces[i].network].routed)
			good &= add_awaited(s, node->ifaces[i].port);
	return good;
}

void watch_scope_done(struct watch_scope *s)
{
	free(s->known);
	free(s->bridges);
	free(s->awaited);
	*s = (struct watch_scope) {0};
}

static bool is_in(const int *list, size_t count, int ifindex)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == ifindex)
			return true;
	return false;
}

static bool add_bridges(struct watch_scope *s, const struct model *host, const char *fleet)
{
	bool good = true;

	for (size_t i = 0; i < host->link_count; i++) {
		const struct link *link = &host->links[i], *master;

		if (link->kind != LINK_BRIDGE || !state_is_ours(link, fleet))
			continue;
		good &= add_index(&s->bridges, &s->bridge_count, link->ifindex);
		s->any_tap |= link->userspace;
		/* The master of all ports of Open vSwitch's kernel datapath. */
		master = link->ovs ? model_find_link(host, MODEL_HOST, OVS_SYSTEM) : NULL;
		if (master)
			good &= add_index(&s->bridges, &s->bridge_count, master->ifindex);
	}
	return good;
}

int watch_scope_read(struct watch_scope *s, const struct model *host, const char *fleet,
		     const struct topo *topo, struct netsim_err *err)
{
	bool good;

	watch_scope_done(s);
	snprintf(s->fleet, sizeof(s->fleet), "%s", fleet);
	good = add_bridges(s, host, fleet);
	for (size_t i = 0; i < host->link_count; i++) {
		const struct link *link = &host->links[i];
		const struct link *master = model_find_link(host, MODEL_HOST, link->master);

		if (state_is_ours(link, fleet) ||
		    (master && is_in(s->bridges, s->bridge_count, master->ifindex)))
			good &= add_index(&s->known, &s->known_count, link->ifindex);
	}
	s->routed = model_is_routed(host);
	for (size_t i = 0; topo && i < topo->network_count; i++) {
		if (topo->networks[i].attached)
			good &= add_awaited(s, topo->networks[i].bridge);
		s->routed |= topo->networks[i].routed;
	}
	for (size_t i = 0; topo && i < topo->node_count; i++)
		good &= await_taps(s, topo, &topo->nodes[i]);
	return good ? 0 : err_oom(err);
}

static bool is_new(const struct model *host, int ifindex)
{
	for (size_t i = 0; i < host->link_count; i++)
		if (host->links[i].ifindex == ifindex)
			return false;
	return true;
}

/* True for the mark of the fleet: netsim up adds this link to it. */
static bool is_marked(const struct watch_scope *s, const struct notice *notice)
{
	struct mark mark;

	return notice->alias && mark_parse(notice->alias, &mark) &&
	       strcmp(mark.fleet, s->fleet) == 0;
}

static bool is_own_table(const struct watch_scope *s, const struct notice *notice)
{
	static const char prefix[] = "netsim-";
	size_t length = strlen(prefix);

	return *s->fleet && strncmp(notice->name, prefix, length) == 0 &&
	       strcmp(notice->name + length, s->fleet) == 0;
}

bool watch_scope_has(const struct watch_scope *s, const struct model *host,
		     const struct notice *notice)
{
	bool link = notice->kind == NOTICE_LINK;

	if (notice->kind == NOTICE_TABLE)
		return is_own_table(s, notice);
	if (notice->kind == NOTICE_LOST || (s->routed && link && is_new(host, notice->ifindex)))
		return true;
	if (!s->known_count)
		return link;
	if (is_in(s->known, s->known_count, notice->ifindex) ||
	    (notice->master && is_in(s->bridges, s->bridge_count, notice->master)) ||
	    (link && s->any_tap && !notice->master) || is_marked(s, notice))
		return true;
	for (size_t i = 0; link && i < s->awaited_count; i++)
		if (strcmp(s->awaited[i], notice->name) == 0)
			return true;
	return false;
}
