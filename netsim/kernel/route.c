/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/route.h"

#include <errno.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
#include <string.h>

#include "netsim/kernel/mark.h"
#include "netsim/util/auto.h"
#include "netsim/util/array.h"

static void put_route(struct rtnl *rt, uint16_t type, uint16_t flags, int ifindex,
		      const struct model_route *route, const char *subject)
{
	bool direct = !route->via.family;
	uint8_t family = direct ? route->to.family : route->via.family;
	size_t size = family == AF_INET ? 4 : 16;
	struct rtmsg rtm = {
		.rtm_family = family,
		.rtm_dst_len = route->to.plen,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = MARK_PROTO,
		.rtm_scope = direct && family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = route->onlink ? RTNH_F_ONLINK : 0,
	};
	char text[UNIT_TEXT];

	rtnl_begin(rt, type, flags, &route->at, "%s: cannot %s the route to %s", subject,
		   type == RTM_NEWROUTE ? "add" : "remove",
		   route->to.plen ? unit_format_ip(&route->to, text) : "default");
	rtnl_header(rt, &rtm, sizeof(rtm));
	if (route->to.plen)
		rtnl_put(rt, RTA_DST, route->to.b, size);
	if (!direct)
		rtnl_put(rt, RTA_GATEWAY, route->via.b, size);
	rtnl_put_u32(rt, RTA_OIF, (uint32_t)ifindex);
}

void route_add(struct rtnl *rt, int ifindex, const struct model_route *route, const char *subject)
{
	put_route(rt, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, ifindex, route, subject);
}

void route_del(struct rtnl *rt, int ifindex, const struct model_route *route, const char *subject)
{
	put_route(rt, RTM_DELROUTE, 0, ifindex, route, subject);
	rtnl_tolerate(rt, ESRCH);
}

/* libnl turns an errno that it does not know into "Unspecific failure", and leaves errno set. */
static int libnl_failed(int code, const char *what, struct netsim_err *err)
{
	if (code == -NLE_FAILURE && errno)
		return err_errno(err, -errno, NULL, "%s", what);
	return err_set(err, NETSIM_ERR_KERNEL, -EIO, NULL, "%s: %s", what, nl_geterror(code));
}

int route_open(struct nl_sock **ret, struct netsim_err *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	int r;

	if (!sock)
		return err_oom(err);
	errno = 0;
	r = nl_connect(sock, NETLINK_ROUTE);
	if (r < 0) {
		r = libnl_failed(r, "cannot open a socket for routes", err);
		nl_socket_free(sock);
		return r;
	}
	*ret = sock;
	return 0;
}

static void take_ip(struct nl_addr *addr, struct ip *ret)
{
	size_t size = addr ? nl_addr_get_len(addr) : 0;

	if (size > sizeof(ret->b))
		return;
	ret->plen = addr ? (uint8_t)nl_addr_get_prefixlen(addr) : 0;
	if (size)
		memcpy(ret->b, nl_addr_get_binary_addr(addr), size);
}

static int take_route(struct rtnl_route *route, struct model *model, int node)
{
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);
	int ifindex = hop ? rtnl_route_nh_get_ifindex(hop) : 0;
	struct nl_addr *via = hop ? rtnl_route_nh_get_gateway(hop) : NULL;

	if (rtnl_route_get_protocol(route) != MARK_PROTO)
		return 0;
	for (size_t i = 0; i < model->link_count; i++) {
		struct link *link = &model->links[i];
		struct model_route *new;

		if (link->node != node || link->ifindex != ifindex)
			continue;
		new = array_push(link->routes, link->route_count);
		if (!new)
			return -ENOMEM;
		take_ip(rtnl_route_get_dst(route), &new->to);
		take_ip(via, &new->via);
		new->via.family = via ? rtnl_route_get_family(route) : 0;
		new->to.family = new->to.plen ? rtnl_route_get_family(route) : 0;
	}
	return 0;
}

int route_list(struct nl_sock *sock, struct model *model, int node, struct netsim_err *err)
{
	struct nl_cache *cache;
	int r;

	errno = 0;
	r = rtnl_route_alloc_cache(sock, AF_UNSPEC, 0, &cache);
	if (r < 0)
		return libnl_failed(r, "cannot read the routes", err);
	r = 0;
	for (struct nl_object *o = nl_cache_get_first(cache); o && r == 0; o = nl_cache_get_next(o))
		r = take_route((struct rtnl_route *)o, model, node);
	nl_cache_free(cache);
	return r < 0 ? err_oom(err) : 0;
}

int route_device(struct rtnl *rt, const struct ip *to, int *ret_ifindex, struct netsim_err *err)
{
	struct rtmsg rtm = {.rtm_family = to->family,
			    .rtm_dst_len = to->family == AF_INET ? 32 : 128};
	const struct nlattr *a[RTA_MAX + 1];
	auto_free char *data = NULL;
	struct rtnl_reply reply = {0};
	char text[UNIT_TEXT];
	int r;

	rtnl_begin(rt, RTM_GETROUTE, 0, NULL, "there is no route to %s",
		   unit_format_address(to, text));
	rtnl_header(rt, &rtm, sizeof(rtm));
	rtnl_put(rt, RTA_DST, to->b, to->family == AF_INET ? 4 : 16);
	r = rtnl_ask(rt, &reply, err);
	if (r < 0)
		return r;
	data = reply.data;
	rtnl_reply_each(&reply, msg)
	{
		rtnl_parse(msg, sizeof(rtm), a, RTA_MAX);
		*ret_ifindex = (int)rtnl_u32(a[RTA_OIF]);
	}
	return 0;
}
