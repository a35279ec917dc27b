/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/watch_paths.h"

#include <stdio.h>

#include "netsim/fleet/layout.h"
#include "netsim/fleet/uplink.h"
#include "netsim/kernel/addr.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/route.h"

static void tell(const struct mend_opts *opts, const char *place, const char *what, int ifindex)
{
	opts->mended(opts->arg, &(struct drift) {.place = place, .what = what, .ifindex = ifindex});
}

static bool has_address(const struct link *port, const struct ip *ip)
{
	for (size_t i = 0; i < port->addr_count; i++)
		if (ip_equal(&port->addrs[i].ip, ip))
			return true;
	return false;
}

static bool has_route(const struct link *port, const struct ip *to)
{
	for (size_t i = 0; i < port->route_count; i++)
		if (ip_equal(&port->routes[i].to, to))
			return true;
	return false;
}

/* Adds what a port lacks; first the addresses, which routes may need. */
static void mend_port(struct state *st, const struct link *want, const struct link *have,
		      const struct mend_opts *opts)
{
	char call[MARK_TEXT], ip[UNIT_TEXT], what[UNIT_TEXT + 32];
	const char *name = mark_call(have->alias, have->name, call);

	for (size_t i = 0; i < want->addr_count; i++) {
		if (has_address(have, &want->addrs[i].ip))
			continue;
		addr_add(st->rt, have->ifindex, &want->addrs[i], name);
		snprintf(what, sizeof(what), "its address is missing: %s",
			 unit_format_ip(&want->addrs[i].ip, ip));
		tell(opts, name, what, have->ifindex);
	}
	for (size_t i = 0; i < want->route_count; i++) {
		if (has_route(have, &want->routes[i].to))
			continue;
		route_add(st->rt, have->ifindex, &want->routes[i], name);
		snprintf(what, sizeof(what), "its route is missing: %s",
			 unit_format_ip(&want->routes[i].to, ip));
		tell(opts, name, what, have->ifindex);
	}
}

static int mend_routes(struct state *st, const struct topo *topo, const struct mend_opts *opts,
		       struct netsim_err *err)
{
	struct model *want = NULL, *have = NULL;
	int r = layout_make(topo, &want, err);

	if (r == 0)
		r = state_read(st, topo->fleet, STATE_PORTS, &have, err);
	for (size_t i = 0; r == 0 && i < want->link_count; i++) {
		const struct link *port =
			want->links[i].routed ?
				model_find_link(have, MODEL_HOST, want->links[i].name) :
				NULL;

		if (port && port->up && !opts->leave(opts->arg, port->ifindex))
			mend_port(st, &want->links[i], port, opts);
	}
	if (r == 0)
		r = rtnl_send(st->rt, err);
	model_free(have);
	model_free(want);
	return r;
}

/* Without its interface, an uplink is of no use, and nothing is put back until it exists again. */
static int mend_uplink(struct state *st, const struct topo *topo, const struct network *network,
		       const struct mend_opts *opts, struct netsim_err *err)
{
	const struct link *uplink = model_find_link(st->host, MODEL_HOST, network->uplink);
	char table[UPLINK_TABLE + 16];
	size_t steps = 0;
	int r;

	if (!uplink || opts->leave(opts->arg, uplink->ifindex))
		return 0;
	r = uplink_apply(st, topo, &steps, err);
	snprintf(table, sizeof(table), "table inet netsim-%s", topo->fleet);
	if (r == 0 && steps)
		tell(opts, table, "it is not as requested", uplink->ifindex);
	return r;
}

int watch_paths_mend(struct state *st, const struct topo *topo, const struct mend_opts *opts,
		     struct netsim_err *err)
{
	const struct network *uplink = NULL;
	bool routed = false;
	int r = 0;

	for (size_t i = 0; i < topo->network_count; i++) {
		routed |= topo->networks[i].routed;
		if (*topo->networks[i].uplink)
			uplink = &topo->networks[i];
	}
	if (routed)
		r = mend_routes(st, topo, opts, err);
	return r == 0 && uplink ? mend_uplink(st, topo, uplink, opts, err) : r;
}
