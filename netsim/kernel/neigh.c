/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/neigh.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/util/array.h"
#include "netsim/util/err.h"

static int dump(struct rtnl *rt, uint8_t family, struct rtnl_reply *ret, struct netsim_err *err)
{
	struct ndmsg head = {.ndm_family = family};

	rtnl_begin(rt, RTM_GETNEIGH, NLM_F_DUMP, NULL, "cannot read the neighbours");
	rtnl_header(rt, &head, sizeof(head));
	return rtnl_ask(rt, ret, err);
}

static bool has_mac(const struct nlattr *attr, struct mac *ret)
{
	if (!attr || mnl_attr_get_payload_len(attr) != sizeof(ret->b))
		return false;
	memcpy(ret->b, mnl_attr_get_payload(attr), sizeof(ret->b));
	return true;
}

/* Finds the IPv4 address of a MAC address in the ARP entries of the bridge. */
static int find_ip(const struct rtnl_reply *arp, int bridge, const struct mac *mac, struct ip *ret)
{
	rtnl_reply_each(arp, msg)
	{
		const struct ndmsg *head = mnl_nlmsg_get_payload(msg);
		const struct nlattr *attrs[NDA_MAX + 1];
		struct mac found;

		if (msg->nlmsg_type != RTM_NEWNEIGH || head->ndm_ifindex != bridge ||
		    head->ndm_family != AF_INET)
			continue;
		rtnl_parse(msg, sizeof(*head), attrs, NDA_MAX);
		if (!has_mac(attrs[NDA_LLADDR], &found) ||
		    memcmp(&found, mac, sizeof(found)) != 0 || !attrs[NDA_DST] ||
		    mnl_attr_get_payload_len(attrs[NDA_DST]) != 4)
			continue;
		*ret = (struct ip) {.family = AF_INET, .plen = 32};
		memcpy(ret->b, mnl_attr_get_payload(attrs[NDA_DST]), 4);
		return 0;
	}
	return -ENOENT;
}

int neigh_behind(struct rtnl *rt, int port, int bridge, struct ip *ret_ip, struct mac *ret_mac,
		 struct netsim_err *err)
{
	struct rtnl_reply bridged = {0}, arp = {0};
	int r = dump(rt, AF_BRIDGE, &bridged, err);
	bool done = false;

	if (r == 0)
		r = dump(rt, AF_INET, &arp, err);
	if (r == 0)
		r = -ENOENT;
	rtnl_reply_each(&bridged, msg)
	{
		const struct ndmsg *head = mnl_nlmsg_get_payload(msg);
		const struct nlattr *attrs[NDA_MAX + 1];

		if (done || r != -ENOENT || msg->nlmsg_type != RTM_NEWNEIGH ||
		    head->ndm_ifindex != port || head->ndm_state & NUD_PERMANENT)
			continue;
		rtnl_parse(msg, sizeof(*head), attrs, NDA_MAX);
		if (has_mac(attrs[NDA_LLADDR], ret_mac))
			done = find_ip(&arp, bridge, ret_mac, ret_ip) == 0;
	}
	free(bridged.data);
	free(arp.data);
	return r == -ENOENT && done ? 0 : r;
}

int neigh_at(struct rtnl *rt, int ifindex, struct ip *ret_ip, struct mac *ret_mac,
	     struct netsim_err *err)
{
	struct rtnl_reply arp = {0};
	int r = dump(rt, AF_INET, &arp, err);
	bool found = false;

	rtnl_reply_each(&arp, msg)
	{
		const struct ndmsg *head = mnl_nlmsg_get_payload(msg);
		const struct nlattr *attrs[NDA_MAX + 1];

		if (r < 0 || found || msg->nlmsg_type != RTM_NEWNEIGH ||
		    head->ndm_ifindex != ifindex || head->ndm_family != AF_INET)
			continue;
		rtnl_parse(msg, sizeof(*head), attrs, NDA_MAX);
		found = has_mac(attrs[NDA_LLADDR], ret_mac) && attrs[NDA_DST] &&
			mnl_attr_get_payload_len(attrs[NDA_DST]) == 4;
		if (!found)
			continue;
		*ret_ip = (struct ip) {.family = AF_INET, .plen = 32};
		memcpy(ret_ip->b, mnl_attr_get_payload(attrs[NDA_DST]), 4);
	}
	free(arp.data);
	return r < 0 ? r : found ? 0 : -ENOENT;
}

int neigh_bridged(struct rtnl *rt, struct neigh_mac **ret, size_t *ret_count,
		  struct netsim_err *err)
{
	struct neigh_mac *list = NULL, *slot;
	struct rtnl_reply bridged = {0};
	size_t count = 0;
	int r = dump(rt, AF_BRIDGE, &bridged, err);

	rtnl_reply_each(&bridged, msg)
	{
		const struct ndmsg *head = mnl_nlmsg_get_payload(msg);
		const struct nlattr *attrs[NDA_MAX + 1];
		struct neigh_mac found = {.port = head->ndm_ifindex};

		if (r < 0 || msg->nlmsg_type != RTM_NEWNEIGH || head->ndm_state & NUD_PERMANENT)
			continue;
		rtnl_parse(msg, sizeof(*head), attrs, NDA_MAX);
		if (!has_mac(attrs[NDA_LLADDR], &found.mac))
			continue;
		slot = array_push(list, count);
		if (slot)
			*slot = found;
		else
			r = err_oom(err);
	}
	free(bridged.data);
	if (r == 0) {
		*ret = list;
		*ret_count = count;
	} else {
		free(list);
	}
	return r;
}

static bool read_resolved(const struct nlmsghdr *msg, struct neigh_address *ret)
{
	const struct ndmsg *head = mnl_nlmsg_get_payload(msg);
	const struct nlattr *attrs[NDA_MAX + 1];
	size_t size = head->ndm_family == AF_INET ? 4 : 16;

	if (msg->nlmsg_type != RTM_NEWNEIGH ||
	    head->ndm_state & (NUD_NOARP | NUD_FAILED | NUD_INCOMPLETE))
		return false;
	rtnl_parse(msg, sizeof(*head), attrs, NDA_MAX);
	if (!has_mac(attrs[NDA_LLADDR], &ret->mac) || !attrs[NDA_DST] ||
	    mnl_attr_get_payload_len(attrs[NDA_DST]) != size)
		return false;
	ret->ifindex = head->ndm_ifindex;
	ret->ip = (struct ip) {.family = head->ndm_family, .plen = (uint8_t)(size * 8)};
	memcpy(ret->ip.b, mnl_attr_get_payload(attrs[NDA_DST]), size);
	return true;
}

static int add_resolved(struct rtnl *rt, uint8_t family, struct neigh_address **list, size_t *count,
			struct netsim_err *err)
{
	struct rtnl_reply reply = {0};
	int r = dump(rt, family, &reply, err);

	rtnl_reply_each(&reply, msg)
	{
		struct neigh_address found, *slot;

		if (r < 0 || !read_resolved(msg, &found))
			continue;
		slot = array_push(*list, *count);
		if (slot)
			*slot = found;
		else
			r = err_oom(err);
	}
	free(reply.data);
	return r;
}

int neigh_resolved(struct rtnl *rt, struct neigh_address **ret, size_t *ret_count,
		   struct netsim_err *err)
{
	struct neigh_address *list = NULL;
	size_t count = 0;
	int r = add_resolved(rt, AF_INET, &list, &count, err);

	if (r == 0)
		r = add_resolved(rt, AF_INET6, &list, &count, err);
	if (r < 0) {
		free(list);
		return r;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

int neigh_table(struct rtnl *rt, struct neigh_table *ret, struct netsim_err *err)
{
	struct ndtmsg head = {.ndtm_family = AF_UNSPEC};
	struct rtnl_reply tables = {0};
	int r;

	rtnl_begin(rt, RTM_GETNEIGHTBL, NLM_F_DUMP, NULL, "cannot read the neighbour tables");
	rtnl_header(rt, &head, sizeof(head));
	r = rtnl_ask(rt, &tables, err);
	*ret = (struct neigh_table) {0};
	rtnl_reply_each(&tables, msg)
	{
		const struct ndtmsg *table = mnl_nlmsg_get_payload(msg);
		const struct nlattr *attrs[NDTA_MAX + 1];
		struct ndt_stats stats = {0};

		if (r < 0 || msg->nlmsg_type != RTM_NEWNEIGHTBL)
			continue;
		rtnl_parse(msg, sizeof(*table), attrs, NDTA_MAX);
		if (attrs[NDTA_STATS] &&
		    mnl_attr_get_payload_len(attrs[NDTA_STATS]) <= sizeof(stats))
			memcpy(&stats, mnl_attr_get_payload(attrs[NDTA_STATS]),
			       mnl_attr_get_payload_len(attrs[NDTA_STATS]));
		ret->refused += stats.ndts_table_fulls;
		if (attrs[NDTA_THRESH3] && table->ndtm_family == AF_INET)
			ret->most = mnl_attr_get_u32(attrs[NDTA_THRESH3]);
	}
	free(tables.data);
	return r;
}
