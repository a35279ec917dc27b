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

static void put_addr(struct rt *rt, uint16_t type, uint16_t flags, int ifindex,
		     const struct model_addr *addr, const char *subject)
{
	struct ifaddrmsg ifa = {
		.ifa_family = addr->ip.family,
		.ifa_prefixlen = addr->ip.plen,
		.ifa_index = (uint32_t)ifindex,
	};
	char text[UNIT_TEXT];

	rt_begin(rt, type, flags, &addr->at, "%s: cannot %s the address %s", subject,
		 type == RTM_NEWADDR ? "add" : "remove", unit_format_ip(&addr->ip, text));
	rt_header(rt, &ifa, sizeof(ifa));
	rt_put(rt, IFA_LOCAL, addr->ip.b, ip_size(&addr->ip));
	rt_put(rt, IFA_ADDRESS, addr->ip.b, ip_size(&addr->ip));
}

void addr_add(struct rt *rt, int ifindex, const struct model_addr *addr, const char *subject)
{
	put_addr(rt, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, addr, subject);
	if (addr->ip.family == AF_INET6)
		rt_put_u32(rt, IFA_FLAGS, IFA_F_NODAD);
	if (addr->ip.family == AF_INET && addr->ip.plen < 31) {
		uint32_t broadcast;

		memcpy(&broadcast, addr->ip.b, sizeof(broadcast));
		broadcast |= htonl(0xffffffffU >> addr->ip.plen);
		rt_put(rt, IFA_BROADCAST, &broadcast, sizeof(broadcast));
	}
	rt_put_u8(rt, IFA_PROTO, MARK_PROTO);
}

void addr_del(struct rt *rt, int ifindex, const struct model_addr *addr, const char *subject)
{
	put_addr(rt, RTM_DELADDR, 0, ifindex, addr, subject);
	rt_tolerate(rt, EADDRNOTAVAIL);
}

static int take_addr(const struct nlmsghdr *msg, struct model *model, int ns)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(msg);
	const struct nlattr *a[IFA_MAX + 1], *local;
	struct ip ip = {.family = ifa->ifa_family, .plen = ifa->ifa_prefixlen};
	struct model_addr *addr;

	rt_parse(msg, sizeof(*ifa), a, IFA_MAX);
	local = a[IFA_LOCAL] ? a[IFA_LOCAL] : a[IFA_ADDRESS];
	if (!local)
		return 0;
	if (local->nla_len == NLA_HDRLEN + ip_size(&ip))
		memcpy(ip.b, local + 1, ip_size(&ip));
	for (size_t i = 0; i < model->link_count; i++) {
		struct link *link = &model->links[i];

		if (link->ns != ns || link->ifindex != (int)ifa->ifa_index)
			continue;
		if (rt_u8(a[IFA_PROTO]) != MARK_PROTO) {
			if (ip_is_link_local(&ip))
				link->link_local = ip;
			continue;
		}
		addr = array_push(link->addrs, link->addr_count);
		if (!addr)
			return -ENOMEM;
		addr->ip = ip;
	}
	return 0;
}

int addr_list(struct rt *rt, struct model *model, int ns, struct netsim_err *err)
{
	struct ifaddrmsg ifa = {.ifa_family = AF_UNSPEC};
	auto_free char *data = NULL;
	struct rt_reply reply = {0};
	int r;

	rt_begin(rt, RTM_GETADDR, NLM_F_DUMP, NULL, "cannot read the addresses");
	rt_header(rt, &ifa, sizeof(ifa));
	r = rt_ask(rt, &reply, err);
	if (r < 0)
		return r;
	data = reply.data;
	rt_reply_each(&reply, msg) if (take_addr(msg, model, ns) < 0) return err_oom(err);
	return 0;
}
