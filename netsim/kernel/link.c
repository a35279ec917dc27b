/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/link.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/veth.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/util/auto.h"

#define KIND_MISSING(module) \
	"this kernel cannot create such links: it lacks the module " module " (see netsim doctor)"

static void begin_add(struct rtnl *rt, const char *name, int ifindex, const struct netsim_loc *at,
		      const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};

	rtnl_begin(rt, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, at, "%s: cannot create the link",
		   subject);
	rtnl_header(rt, &ifi, sizeof(ifi));
	rtnl_put_str(rt, IFLA_IFNAME, name);
}

/* The attributes of every new link, set by the message that creates it. */
static void put_common(struct rtnl *rt, const struct link *want)
{
	rtnl_put_u32(rt, IFLA_GROUP, want->group);
	if (want->mtu) {
		rtnl_at(rt, &want->mtu_at);
		rtnl_put_u32(rt, IFLA_MTU, want->mtu);
	}
	if (want->has_mac) {
		rtnl_at(rt, &want->mac_at);
		rtnl_put(rt, IFLA_ADDRESS, want->mac.b, sizeof(want->mac.b));
	}
	rtnl_at(rt, NULL);
}

static size_t nest_data(struct rtnl *rt, const char *kind, size_t *ret_info)
{
	*ret_info = rtnl_nest(rt, IFLA_LINKINFO);
	rtnl_put_str(rt, IFLA_INFO_KIND, kind);
	return rtnl_nest(rt, IFLA_INFO_DATA);
}

static void end_data(struct rtnl *rt, size_t info, size_t data)
{
	rtnl_nest_end(rt, data);
	rtnl_nest_end(rt, info);
}

void link_add_bridge(struct rtnl *rt, const struct link *want, const char *subject)
{
	size_t info, data;

	begin_add(rt, want->name, 0, &want->at, subject);
	put_common(rt, want);
	data = nest_data(rt, "bridge", &info);
	if (want->vlan_aware)
		rtnl_put_u8(rt, IFLA_BR_VLAN_FILTERING, 1);
	if (want->stp)
		rtnl_put_u32(rt, IFLA_BR_STP_STATE, 1);
	end_data(rt, info, data);
	rtnl_needs(rt, EOPNOTSUPP,
		   want->vlan_aware ?
			   "this kernel's bridges cannot filter VLANs (see netsim doctor)" :
			   KIND_MISSING("bridge"));
}

/*
 * A veth uses one queue. By default the kernel allocates one per processor and drops
 * the others at once, at the cost of an RCU grace period for each end.
 */
static void put_one_queue(struct rtnl *rt)
{
	rtnl_put_u32(rt, IFLA_NUM_TX_QUEUES, 1);
	rtnl_put_u32(rt, IFLA_NUM_RX_QUEUES, 1);
}

/* The peer's header must not have IFF_UP: the kernel would refuse the whole message. */
void link_add_veth(struct rtnl *rt, const struct link *want, int host_fd, const char *subject)
{
	struct ifinfomsg peer = {.ifi_family = AF_UNSPEC};
	size_t info, data, nest;

	begin_add(rt, want->name, want->ifindex, &want->at, subject);
	put_common(rt, want);
	put_one_queue(rt);
	data = nest_data(rt, "veth", &info);
	nest = rtnl_nest(rt, VETH_INFO_PEER);
	rtnl_header(rt, &peer, sizeof(peer));
	rtnl_put_str(rt, IFLA_IFNAME, want->peer);
	rtnl_put_u32(rt, IFLA_GROUP, want->group);
	if (want->mtu)
		rtnl_put_u32(rt, IFLA_MTU, want->mtu);
	put_one_queue(rt);
	if (host_fd >= 0)
		rtnl_put_u32(rt, IFLA_NET_NS_FD, (uint32_t)host_fd);
	rtnl_nest_end(rt, nest);
	end_data(rt, info, data);
	rtnl_needs(rt, EOPNOTSUPP, KIND_MISSING("veth"));
}

const struct link_bond_attr link_bond_attrs[BOND_OPTIONS] = {
	[BOND_PRIMARY_RESELECT] = {IFLA_BOND_PRIMARY_RESELECT, 1},
	[BOND_MIIMON] = {IFLA_BOND_MIIMON, 4},
	[BOND_UPDELAY] = {IFLA_BOND_UPDELAY, 4},
	[BOND_DOWNDELAY] = {IFLA_BOND_DOWNDELAY, 4},
	[BOND_ARP_INTERVAL] = {IFLA_BOND_ARP_INTERVAL, 4},
	[BOND_ARP_VALIDATE] = {IFLA_BOND_ARP_VALIDATE, 4},
	[BOND_NUM_GRAT_ARP] = {IFLA_BOND_NUM_PEER_NOTIF, 1},
	[BOND_PEER_NOTIFY_DELAY] = {IFLA_BOND_PEER_NOTIF_DELAY, 4},
	[BOND_ALL_SLAVES_ACTIVE] = {IFLA_BOND_ALL_SLAVES_ACTIVE, 1},
	[BOND_LACP_RATE] = {IFLA_BOND_AD_LACP_RATE, 1},
	[BOND_MIN_LINKS] = {IFLA_BOND_MIN_LINKS, 4},
	[BOND_AD_ACTOR_SYS_PRIO] = {IFLA_BOND_AD_ACTOR_SYS_PRIO, 2},
	[BOND_XMIT_HASH_POLICY] = {IFLA_BOND_XMIT_HASH_POLICY, 1},
};

static void put_bond_value(struct rtnl *rt, const struct bond_options *bond, unsigned option)
{
	const struct bond_value *value = &bond->values[option];
	const struct link_bond_attr *attr = &link_bond_attrs[option];

	if (!value->has)
		return;
	rtnl_at(rt, &value->at);
	if (attr->size == 1)
		rtnl_put_u8(rt, attr->type, (uint8_t)value->value);
	else if (attr->size == 2)
		rtnl_put_u16(rt, attr->type, (uint16_t)value->value);
	else
		rtnl_put_u32(rt, attr->type, value->value);
}

static void put_targets(struct rtnl *rt, uint16_t attr, size_t size,
			const struct bond_targets *targets)
{
	size_t nest;

	if (!targets->has)
		return;
	rtnl_at(rt, &targets->at);
	nest = rtnl_nest(rt, attr);
	for (size_t i = 0; i < targets->count; i++)
		rtnl_put(rt, (uint16_t)i, targets->list[i].b, size);
	rtnl_nest_end(rt, nest);
}

/* The options that can change on a bond that is up; that is not lacp_rate. */
static void put_bond(struct rtnl *rt, const struct bond_options *bond)
{
	for (unsigned i = 0; i < BOND_OPTIONS; i++)
		if (i != BOND_LACP_RATE)
			put_bond_value(rt, bond, i);
	put_targets(rt, IFLA_BOND_ARP_IP_TARGET, sizeof(struct in_addr), &bond->arp_targets);
	put_targets(rt, IFLA_BOND_NS_IP6_TARGET, sizeof(struct in6_addr), &bond->ns_targets);
	if (bond->has_system) {
		rtnl_at(rt, &bond->system_at);
		rtnl_put(rt, IFLA_BOND_AD_ACTOR_SYSTEM, bond->system.b, sizeof(bond->system.b));
	}
	rtnl_at(rt, NULL);
}

void link_add_bond(struct rtnl *rt, const struct link *want, const char *subject)
{
	size_t info, data;

	begin_add(rt, want->name, want->ifindex, &want->at, subject);
	put_common(rt, want);
	data = nest_data(rt, "bond", &info);
	rtnl_at(rt, &want->bond.mode_at);
	rtnl_put_u8(rt, IFLA_BOND_MODE, want->bond.mode);
	put_bond_value(rt, &want->bond, BOND_LACP_RATE);
	put_bond(rt, &want->bond);
	end_data(rt, info, data);
	rtnl_needs(rt, EOPNOTSUPP, KIND_MISSING("bonding"));
}

void link_add_vlan(struct rtnl *rt, const struct link *want, int lower_ifindex, const char *subject)
{
	size_t info, data;

	begin_add(rt, want->name, want->ifindex, &want->at, subject);
	put_common(rt, want);
	rtnl_put_u32(rt, IFLA_LINK, (uint32_t)lower_ifindex);
	data = nest_data(rt, "vlan", &info);
	rtnl_at(rt, &want->vlan_at);
	rtnl_put_u16(rt, IFLA_VLAN_ID, want->vlan);
	rtnl_at(rt, NULL);
	rtnl_put_u16(rt, IFLA_VLAN_PROTOCOL, htobe16(want->vlan_qinq ? ETH_P_8021AD : ETH_P_8021Q));
	end_data(rt, info, data);
	rtnl_needs(rt, EOPNOTSUPP, KIND_MISSING("8021q"));
}

void link_add_ifb(struct rtnl *rt, const char *name, uint32_t group, const char *subject)
{
	size_t info;

	begin_add(rt, name, 0, NULL, subject);
	rtnl_put_u32(rt, IFLA_GROUP, group);
	info = rtnl_nest(rt, IFLA_LINKINFO);
	rtnl_put_str(rt, IFLA_INFO_KIND, "ifb");
	rtnl_nest_end(rt, info);
	rtnl_needs(rt, EOPNOTSUPP, KIND_MISSING("ifb"));
}

static void put_changes(struct rtnl *rt, const struct link *want, unsigned what, int master)
{
	if (what & LINK_SET_MTU) {
		rtnl_at(rt, &want->mtu_at);
		rtnl_put_u32(rt, IFLA_MTU, want->mtu);
	}
	if (what & LINK_SET_MAC) {
		rtnl_at(rt, &want->mac_at);
		rtnl_put(rt, IFLA_ADDRESS, want->mac.b, sizeof(want->mac.b));
	}
	if (what & LINK_SET_MASTER) {
		rtnl_at(rt, &want->master_at);
		rtnl_put_u32(rt, IFLA_MASTER, (uint32_t)master);
	}
	rtnl_at(rt, NULL);
	if ((what & LINK_SET_ALIAS) && want->alias)
		rtnl_put(rt, IFLA_IFALIAS, want->alias, strlen(want->alias));
	if (what & LINK_SET_GROUP)
		rtnl_put_u32(rt, IFLA_GROUP, want->group);
}

void link_set(struct rtnl *rt, const struct link *want, int ifindex, unsigned what,
	      int master_ifindex, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};
	size_t info, data;

	if (what & (LINK_SET_UP | LINK_SET_DOWN)) {
		ifi.ifi_change = IFF_UP;
		ifi.ifi_flags = what & LINK_SET_UP ? IFF_UP : 0;
	}
	rtnl_begin(rt, RTM_NEWLINK, 0, &want->at, "%s: cannot change the link", subject);
	rtnl_header(rt, &ifi, sizeof(ifi));
	if (!ifindex)
		rtnl_put_str(rt, IFLA_IFNAME, want->name);
	put_changes(rt, want, what, master_ifindex);
	if (what & (LINK_SET_VLAN_AWARE | LINK_SET_STP | LINK_SET_BOND)) {
		data = nest_data(rt, want->kind == LINK_BOND ? "bond" : "bridge", &info);
		if (what & LINK_SET_VLAN_AWARE)
			rtnl_put_u8(rt, IFLA_BR_VLAN_FILTERING, want->vlan_aware);
		if (what & LINK_SET_STP)
			rtnl_put_u32(rt, IFLA_BR_STP_STATE, want->stp);
		if (what & LINK_SET_BOND)
			put_bond(rt, &want->bond);
		end_data(rt, info, data);
	}
}

void link_set_no_ipv6(struct rtnl *rt, int ifindex, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};
	size_t spec, inet6;

	rtnl_begin(rt, RTM_NEWLINK, 0, NULL, "%s: cannot disable IPv6 on the port", subject);
	rtnl_header(rt, &ifi, sizeof(ifi));
	spec = rtnl_nest(rt, IFLA_AF_SPEC);
	inet6 = rtnl_nest(rt, AF_INET6);
	rtnl_put_u8(rt, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	rtnl_nest_end(rt, inet6);
	rtnl_nest_end(rt, spec);
	rtnl_tolerate(rt, EAFNOSUPPORT);
}

void link_set_forwarding(struct rtnl *rt, int ifindex, bool on, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};
	size_t spec, inet, conf;

	rtnl_begin(rt, RTM_SETLINK, 0, NULL, "%s: cannot %s forwarding", subject,
		   on ? "enable" : "disable");
	rtnl_header(rt, &ifi, sizeof(ifi));
	spec = rtnl_nest(rt, IFLA_AF_SPEC);
	inet = rtnl_nest(rt, AF_INET);
	conf = rtnl_nest(rt, IFLA_INET_CONF);
	rtnl_put_u32(rt, IPV4_DEVCONF_FORWARDING, on);
	rtnl_nest_end(rt, conf);
	rtnl_nest_end(rt, inet);
	rtnl_nest_end(rt, spec);
}

void link_set_primary(struct rtnl *rt, const struct link *want, int bond_ifindex,
		      int primary_ifindex, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = bond_ifindex};
	size_t info, data;

	rtnl_begin(rt, RTM_NEWLINK, 0, &want->bond.primary_at, "%s: cannot set the primary %s",
		   subject, want->bond.primary);
	rtnl_header(rt, &ifi, sizeof(ifi));
	data = nest_data(rt, "bond", &info);
	rtnl_put_u32(rt, IFLA_BOND_PRIMARY, (uint32_t)primary_ifindex);
	end_data(rt, info, data);
}

void link_set_prio(struct rtnl *rt, const struct link *want, int ifindex, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};
	size_t info, data;

	rtnl_begin(rt, RTM_NEWLINK, 0, &want->prio_at, "%s: cannot set the priority", subject);
	rtnl_header(rt, &ifi, sizeof(ifi));
	info = rtnl_nest(rt, IFLA_LINKINFO);
	rtnl_put_str(rt, IFLA_INFO_SLAVE_KIND, "bond");
	data = rtnl_nest(rt, IFLA_INFO_SLAVE_DATA);
	rtnl_put_u32(rt, IFLA_BOND_SLAVE_PRIO, (uint32_t)want->prio);
	end_data(rt, info, data);
}

static bool has_vlan(const struct link *link, const struct port_vlan *vlan)
{
	for (size_t i = 0; link && i < link->vlan_count; i++)
		if (link->vlans[i].id == vlan->id && link->vlans[i].untagged == vlan->untagged)
			return true;
	return false;
}

/* of: a port of a bridge, or a bridge itself. */
static void put_vlan(struct rtnl *rt, uint16_t type, int ifindex, const struct port_vlan *vlan,
		     const struct link *of, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_family = AF_BRIDGE, .ifi_index = ifindex};
	struct bridge_vlan_info info = {.vid = vlan->id};
	size_t nest;

	if (vlan->untagged && type == RTM_SETLINK)
		info.flags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
	rtnl_begin(rt, type, 0, &of->at, "%s: cannot %s VLAN %u", subject,
		   type == RTM_SETLINK ? "add" : "remove", vlan->id);
	rtnl_header(rt, &ifi, sizeof(ifi));
	nest = rtnl_nest(rt, IFLA_AF_SPEC);
	if (of->kind == LINK_BRIDGE)
		rtnl_put(rt, IFLA_BRIDGE_FLAGS, &(uint16_t) {BRIDGE_FLAGS_SELF}, sizeof(uint16_t));
	rtnl_put(rt, IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
	rtnl_nest_end(rt, nest);
}

void link_set_vlans(struct rtnl *rt, int ifindex, const struct link *have, const struct link *want,
		    const char *subject)
{
	for (size_t i = 0; have && i < have->vlan_count; i++)
		if (!has_vlan(want, &have->vlans[i]))
			put_vlan(rt, RTM_DELLINK, ifindex, &have->vlans[i], want, subject);
	for (size_t i = 0; i < want->vlan_count; i++)
		if (!has_vlan(have, &want->vlans[i]))
			put_vlan(rt, RTM_SETLINK, ifindex, &want->vlans[i], want, subject);
}

void link_del(struct rtnl *rt, int ifindex, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};

	rtnl_begin(rt, RTM_DELLINK, 0, NULL, "%s: cannot remove the link", subject);
	rtnl_header(rt, &ifi, sizeof(ifi));
	rtnl_tolerate(rt, ENODEV);
}

void link_set_group(struct rtnl *rt, int ifindex, uint32_t group, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};

	rtnl_begin(rt, RTM_NEWLINK, 0, NULL, "%s: cannot change the link's group", subject);
	rtnl_header(rt, &ifi, sizeof(ifi));
	rtnl_put_u32(rt, IFLA_GROUP, group);
	rtnl_tolerate(rt, ENODEV);
}

void link_del_group(struct rtnl *rt, uint32_t group, const char *subject)
{
	struct ifinfomsg ifi = {0};

	rtnl_begin(rt, RTM_DELLINK, 0, NULL, "%s: cannot remove the links", subject);
	rtnl_header(rt, &ifi, sizeof(ifi));
	rtnl_put_u32(rt, IFLA_GROUP, group);
	rtnl_tolerate(rt, ENODEV);
}
