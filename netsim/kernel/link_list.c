/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads links: parses the kernel's dump into struct link. */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/ovs.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

/* Of linux/if.h, which conflicts with net/if.h */
#define LOWER_UP 0x10000

/* References by index, resolved to names after all links are read. */
struct refs {
	int master, lower, primary;
	bool lower_elsewhere; /* lower is an index in another namespace */
};

static const struct {
	const char *name;
	enum link_kind kind;
} kinds[] = {
	{"bridge", LINK_BRIDGE},   {"veth", LINK_VETH}, {"tun", LINK_TAP},
	{"bond", LINK_BOND},	   {"vlan", LINK_VLAN}, {"ifb", LINK_IFB},
	{"openvswitch", LINK_OVS},
};

static void parse_targets(const struct nlattr *nest, uint8_t family, struct bond_targets *ret)
{
	const struct nlattr *a[BOND_TARGETS_MAX];
	size_t size = family == AF_INET ? 4 : 16;

	rtnl_parse_nest(nest, a, BOND_TARGETS_MAX - 1);
	for (size_t i = 0; i < BOND_TARGETS_MAX; i++) {
		if (!a[i] || a[i]->nla_len != NLA_HDRLEN + size)
			continue;
		ret->list[ret->count].family = family;
		memcpy(ret->list[ret->count++].b, a[i] + 1, size);
	}
	ret->has = true;
}

/* Marks the values that the kernel accepts in the present mode, so that they can be restored. */
static void parse_bond_values(struct bond_options *bond, const struct nlattr **a)
{
	struct bond_value *v = bond->values;

	for (unsigned i = 0; i < BOND_OPTIONS; i++) {
		const struct nlattr *attr = a[link_bond_attrs[i].type];

		v[i].value = link_bond_attrs[i].size == 1 ? rtnl_u8(attr) :
			     link_bond_attrs[i].size == 2 ? rtnl_u16(attr) :
							    rtnl_u32(attr);
		v[i].has = BOND_HAS_MODE(bond_option_info[i].modes, bond->mode) &&
			   (!bond_needs_miimon(i) || v[BOND_MIIMON].value);
	}
}

static void parse_bond(struct bond_options *bond, const struct nlattr *data, struct refs *refs)
{
	const struct nlattr *a[IFLA_BOND_MAX + 1], *system;

	rtnl_parse_nest(data, a, IFLA_BOND_MAX);
	bond->mode = rtnl_u8(a[IFLA_BOND_MODE]);
	parse_bond_values(bond, a);
	parse_targets(a[IFLA_BOND_ARP_IP_TARGET], AF_INET, &bond->arp_targets);
	parse_targets(a[IFLA_BOND_NS_IP6_TARGET], AF_INET6, &bond->ns_targets);
	system = a[IFLA_BOND_AD_ACTOR_SYSTEM];
	if (system && system->nla_len == NLA_HDRLEN + sizeof(bond->system.b)) {
		bond->has_system = true;
		memcpy(bond->system.b, system + 1, sizeof(bond->system.b));
	}
	refs->primary = (int)rtnl_u32(a[IFLA_BOND_PRIMARY]);
	bond->has_primary = refs->primary != 0;
}

static void parse_member(struct link *link, const struct nlattr *data)
{
	const struct nlattr *a[IFLA_BOND_SLAVE_MAX + 1];

	rtnl_parse_nest(data, a, IFLA_BOND_SLAVE_MAX);
	link->active = a[IFLA_BOND_SLAVE_STATE] && rtnl_u8(a[IFLA_BOND_SLAVE_STATE]) == 0;
	link->has_prio = a[IFLA_BOND_SLAVE_PRIO] != NULL;
	link->prio = (int32_t)rtnl_u32(a[IFLA_BOND_SLAVE_PRIO]);
}

static void parse_tap(struct link *link, const struct nlattr *data)
{
	const struct nlattr *a[IFLA_TUN_MAX + 1];

	rtnl_parse_nest(data, a, IFLA_TUN_MAX);
	if (rtnl_u8(a[IFLA_TUN_TYPE]) != IFF_TAP)
		link->kind = LINK_OTHER;
	link->has_tap_owner = a[IFLA_TUN_OWNER] != NULL;
	link->tap_owner = rtnl_u32(a[IFLA_TUN_OWNER]);
	link->has_tap_group = a[IFLA_TUN_GROUP] != NULL;
	link->tap_group = rtnl_u32(a[IFLA_TUN_GROUP]);
	link->multi_queue = rtnl_u8(a[IFLA_TUN_MULTI_QUEUE]);
	link->vnet_hdr = rtnl_u8(a[IFLA_TUN_VNET_HDR]);
}

static void parse_info(struct link *link, const struct nlattr *nest, struct refs *refs)
{
	const struct nlattr *info[IFLA_INFO_MAX + 1], *a[IFLA_VLAN_MAX + 1];
	const struct nlattr *bridge[IFLA_BR_MAX + 1];
	const char *name;

	rtnl_parse_nest(nest, info, IFLA_INFO_MAX);
	name = rtnl_str(info[IFLA_INFO_KIND]);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(name, kinds[i].name) == 0)
			link->kind = kinds[i].kind;
	if (strcmp(rtnl_str(info[IFLA_INFO_SLAVE_KIND]), "bond") == 0)
		parse_member(link, info[IFLA_INFO_SLAVE_DATA]);
	if (link->kind == LINK_BRIDGE) {
		rtnl_parse_nest(info[IFLA_INFO_DATA], bridge, IFLA_BR_MAX);
		link->vlan_aware = rtnl_u8(bridge[IFLA_BR_VLAN_FILTERING]);
		link->stp = rtnl_u32(bridge[IFLA_BR_STP_STATE]);
	} else if (link->kind == LINK_VLAN) {
		rtnl_parse_nest(info[IFLA_INFO_DATA], a, IFLA_VLAN_MAX);
		link->vlan = rtnl_u16(a[IFLA_VLAN_ID]);
		link->vlan_qinq = be16toh(rtnl_u16(a[IFLA_VLAN_PROTOCOL])) == ETH_P_8021AD;
	} else if (link->kind == LINK_BOND) {
		parse_bond(&link->bond, info[IFLA_INFO_DATA], refs);
	} else if (link->kind == LINK_TAP) {
		parse_tap(link, info[IFLA_INFO_DATA]);
	}
}

static int parse_link(const struct nlmsghdr *msg, struct link *link, struct refs *refs)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(msg);
	const struct nlattr *a[IFLA_MAX + 1];

	rtnl_parse(msg, sizeof(*ifi), a, IFLA_MAX);
	link->ifindex = ifi->ifi_index;
	link->up = ifi->ifi_flags & IFF_UP;
	link->running = ifi->ifi_flags & IFF_RUNNING && ifi->ifi_flags & LOWER_UP;
	snprintf(link->name, sizeof(link->name), "%s", rtnl_str(a[IFLA_IFNAME]));
	link->mtu = rtnl_u32(a[IFLA_MTU]);
	link->group = rtnl_u32(a[IFLA_GROUP]);
	if (a[IFLA_ADDRESS] && a[IFLA_ADDRESS]->nla_len == NLA_HDRLEN + sizeof(link->mac.b)) {
		link->has_mac = true;
		memcpy(link->mac.b, a[IFLA_ADDRESS] + 1, sizeof(link->mac.b));
	}
	refs->master = (int)rtnl_u32(a[IFLA_MASTER]);
	refs->lower = (int)rtnl_u32(a[IFLA_LINK]);
	refs->lower_elsewhere = a[IFLA_LINK_NETNSID] != NULL;
	parse_info(link, a[IFLA_LINKINFO], refs);
	return *rtnl_str(a[IFLA_IFALIAS]) ? link_take_alias(link, rtnl_str(a[IFLA_IFALIAS])) : 0;
}

static const struct link *name_ref(const struct model *model, size_t first, int ifindex,
				   char ret[IFNAMSIZ])
{
	for (size_t i = first; ifindex && i < model->link_count; i++)
		if (model->links[i].ifindex == ifindex) {
			memcpy(ret, model->links[i].name, IFNAMSIZ);
			return &model->links[i];
		}
	return NULL;
}

static void name_refs(struct model *model, size_t first, const struct refs *refs)
{
	for (size_t i = first; i < model->link_count; i++) {
		struct link *link = &model->links[i];
		const struct refs *r = &refs[i - first];
		const struct link *master = name_ref(model, first, r->master, link->master);

		/* In other modes, the kernel refuses to set it. */
		link->has_prio &= master && BOND_WITH_ACTIVE & BOND_IN(master->bond.mode);
		if (link->kind == LINK_BOND)
			name_ref(model, first, r->primary, link->bond.primary);
		if (link->kind == LINK_VLAN && !r->lower_elsewhere)
			name_ref(model, first, r->lower, link->lower);
		ovs_read_mark(link);
	}
}

/* The port belongs to the bridge in which its bond is, with the bond's VLANs. */
static int join_lag(struct link *port, const struct link *lag)
{
	memcpy(port->lag, lag->name, IFNAMSIZ);
	memcpy(port->master, lag->master, IFNAMSIZ);
	for (size_t i = 0; i < lag->vlan_count; i++) {
		struct port_vlan *vlan = array_push(port->vlans, port->vlan_count);

		if (!vlan)
			return -ENOMEM;
		*vlan = lag->vlans[i];
	}
	return 0;
}

static int join_lags(struct model *model, size_t first)
{
	for (size_t i = first; i < model->link_count; i++) {
		const struct link *lag = &model->links[i];

		if (!link_is_lag(lag) || !MARK_IS_GROUP(lag->group))
			continue;
		for (size_t p = first; p < model->link_count; p++)
			if (link_is_port(&model->links[p]) &&
			    strcmp(model->links[p].master, lag->name) == 0 &&
			    join_lag(&model->links[p], lag) < 0)
				return -ENOMEM;
	}
	return 0;
}

static int parse_vlans(const struct nlmsghdr *msg, struct link *link)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(msg);
	const struct nlattr *a[IFLA_MAX + 1];
	const char *at, *end;

	rtnl_parse(msg, sizeof(*ifi), a, IFLA_MAX);
	if (!a[IFLA_AF_SPEC])
		return 0;
	at = (const char *)(a[IFLA_AF_SPEC] + 1);
	end = (const char *)a[IFLA_AF_SPEC] + a[IFLA_AF_SPEC]->nla_len;
	for (const struct nlattr *v; at + sizeof(*v) <= end; at += NLA_ALIGN(v->nla_len)) {
		struct bridge_vlan_info info;
		struct port_vlan *vlan;

		v = (const void *)at;
		if (v->nla_len < sizeof(*v))
			break;
		if ((v->nla_type & NLA_TYPE_MASK) != IFLA_BRIDGE_VLAN_INFO ||
		    v->nla_len < sizeof(*v) + sizeof(info))
			continue;
		memcpy(&info, v + 1, sizeof(info));
		vlan = array_push(link->vlans, link->vlan_count);
		if (!vlan)
			return -ENOMEM;
		vlan->id = info.vid;
		vlan->untagged = info.flags & BRIDGE_VLAN_INFO_UNTAGGED;
	}
	return 0;
}

/* Reads the VLANs of bridge ports, which need a separate dump. */
static int list_vlans(struct rtnl *rt, struct model *model, size_t first, struct netsim_err *err)
{
	struct ifinfomsg ifi = {.ifi_family = AF_BRIDGE};
	auto_free char *data = NULL;
	struct rtnl_reply reply = {0};
	int r;

	rtnl_begin(rt, RTM_GETLINK, NLM_F_DUMP, NULL, "cannot read the VLANs of bridge ports");
	rtnl_header(rt, &ifi, sizeof(ifi));
	rtnl_put_u32(rt, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN);
	r = rtnl_ask(rt, &reply, err);
	if (r < 0)
		return r;
	data = reply.data;
	rtnl_reply_each(&reply, msg)
	{
		const struct ifinfomsg *got = NLMSG_DATA(msg);

		for (size_t i = first; i < model->link_count; i++)
			if (model->links[i].ifindex == got->ifi_index &&
			    parse_vlans(msg, &model->links[i]) < 0)
				return err_oom(err);
	}
	return 0;
}

int link_list(struct rtnl *rt, struct model *model, int ns, struct netsim_err *err)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	auto_free struct refs *refs = NULL;
	size_t first = model->link_count, ref_count = 0;
	auto_free char *data = NULL;
	struct rtnl_reply reply = {0};
	bool vlan_aware = false;
	int r;

	rtnl_begin(rt, RTM_GETLINK, NLM_F_DUMP, NULL, "cannot read the links");
	rtnl_header(rt, &ifi, sizeof(ifi));
	rtnl_put_u32(rt, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	r = rtnl_ask(rt, &reply, err);
	if (r < 0)
		return r;
	data = reply.data;
	rtnl_reply_each(&reply, msg)
	{
		struct link *link = model_add_link(model, ns, "", LINK_OTHER);
		struct refs *ref = array_push(refs, ref_count);

		if (!link || !ref || parse_link(msg, link, ref) < 0)
			return err_oom(err);
		vlan_aware |= link->kind == LINK_BRIDGE && link->vlan_aware;
	}
	name_refs(model, first, refs);
	r = vlan_aware ? list_vlans(rt, model, first, err) : 0;
	return r == 0 && join_lags(model, first) < 0 ? err_oom(err) : r;
}
