/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/addr.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <netinet/in.h>
#include <string.h>

#include "netsim/kernel/mark.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

static size_t ip_size(const struct ip *ip)
{
	return ip->family == AF_INET ? 4 : 16;
}

static void put_addr(struct rtnl *rt, uint16_t type, uint16_t flags, int ifindex,
		     const struct model_addr *addr, const char *subject)
{
	struct ifaddrmsg ifa = {
		.ifa_family = addr->ip.family,
		.ifa_prefixlen = addr->ip.plen,
		.ifa_index = (uint32_t)ifindex,
	};
	char text[UNIT_TEXT];

	rtnl_begin(rt, type, flags, &addr->at, "%s: cannot %s the address %s", subject,
		   type == RTM_NEWADDR ? "add" : "remove", unit_format_ip(&addr->ip, text));
	rtnl_header(rt, &ifa, sizeof(ifa));
	rtnl_put(rt, IFA_LOCAL, addr->ip.b, ip_size(&addr->ip));
	rtnl_put(rt, IFA_ADDRESS, addr->ip.b, ip_size(&addr->ip));
}

void addr_add(struct rtnl *rt, int ifindex, const struct model_addr *addr, const char *subject)
{
	put_addr(rt, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, addr, subject);
	if (addr->ip.family == AF_INET6)
		rtnl_put_u32(rt, IFA_FLAGS, IFA_F_NODAD);
	if (addr->ip.family == AF_INET && addr->ip.plen < 31) {
		uint32_t broadcast;

		memcpy(&broadcast, addr->ip.b, sizeof(broadcast));
		broadcast |= htonl(0xffffffffU >> addr->ip.plen);
		rtnl_put(rt, IFA_BROADCAST, &broadcast, sizeof(broadcast));
	}
	rtnl_put_u8(rt, IFA_PROTO, MARK_PROTO);
}

void addr_del(struct rtnl *rt, int ifindex, const struct model_addr *addr, const char *subject)
{
	put_addr(rt, RTM_DELADDR, 0, ifindex, addr, subject);
	rtnl_tolerate(rt, EADDRNOTAVAIL);
}

static int take_addr(const struct nlmsghdr *msg, struct model *model, int node)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(msg);
	const struct nlattr *a[IFA_MAX + 1], *local;
	struct ip ip = {.family = ifa->ifa_family, .plen = ifa->ifa_prefixlen};
	struct model_addr *addr;
	bool ours, leased;

	rtnl_parse(msg, sizeof(*ifa), a, IFA_MAX);
	local = a[IFA_LOCAL] ? a[IFA_LOCAL] : a[IFA_ADDRESS];
	if (!local)
		return 0;
	if (local->nla_len == NLA_HDRLEN + ip_size(&ip))
		memcpy(ip.b, local + 1, ip_size(&ip));
	for (size_t i = 0; i < model->link_count; i++) {
		struct link *link = &model->links[i];

		if (link->node != node || link->ifindex != (int)ifa->ifa_index)
			continue;
		ours = rtnl_u8(a[IFA_PROTO]) == MARK_PROTO;
		leased = !ours && node != MODEL_HOST && ifa->ifa_family == AF_INET &&
			 !(ifa->ifa_flags & IFA_F_PERMANENT);
		if (!ours && !leased) {
			if (ip_is_link_local(&ip))
				link->link_local = ip;
			continue;
		}
		addr = array_push(link->addrs, link->addr_count);
		if (!addr)
			return -ENOMEM;
		addr->ip = ip;
		addr->leased = leased;
	}
	return 0;
}

int addr_list(struct rtnl *rt, struct model *model, int node, struct netsim_err *err)
{
	struct ifaddrmsg ifa = {.ifa_family = AF_UNSPEC};
	auto_free char *data = NULL;
	struct rtnl_reply reply = {0};
	int r;

	rtnl_begin(rt, RTM_GETADDR, NLM_F_DUMP, NULL, "cannot read the addresses");
	rtnl_header(rt, &ifa, sizeof(ifa));
	r = rtnl_ask(rt, &reply, err);
	if (r < 0)
		return r;
	data = reply.data;
	rtnl_reply_each(&reply, msg) if (take_addr(msg, model, node) < 0) return err_oom(err);
	return 0;
}
