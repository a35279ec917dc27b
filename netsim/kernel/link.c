/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/link.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/util/auto.h"

#define KIND_MISSING(module) \
	"this kernel cannot create such links: it lacks the module " module " (see netsim doctor)"

static void begin_add(struct rt *rt, const char *name, int ifindex, const struct netsim_loc *at,
		      const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};

	rt_begin(rt, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, at, "%s: cannot create the link",
		 subject);
	rt_header(rt, &ifi, sizeof(ifi));
	rt_put_str(rt, IFLA_IFNAME, name);
}

/* The attributes of every new link, set by the message that creates it. */
static void put_common(struct rt *rt, const struct link *want)
{
	rt_put_u32(rt, IFLA_GROUP, want->group);
	if (want->mtu) {
		rt_at(rt, &want->mtu_at);
		rt_put_u32(rt, IFLA_MTU, want->mtu);
	}
	if (want->has_mac) {
		rt_at(rt, &want->mac_at);
		rt_put(rt, IFLA_ADDRESS, want->mac.b, sizeof(want->mac.b));
	}
	rt_at(rt, NULL);
}

static size_t nest_data(struct rt *rt, const char *kind, size_t *ret_info)
{
	*ret_info = rt_nest(rt, IFLA_LINKINFO);
	rt_put_str(rt, IFLA_INFO_KIND, kind);
	return rt_nest(rt, IFLA_INFO_DATA);
}

static void end_data(struct rt *rt, size_t info, size_t data)
{
	rt_nest_end(rt, data);
	rt_nest_end(rt, info);
}

void link_add_bridge(struct rt *rt, const struct link *want, const char *subject)
{
	size_t info, data;

	begin_add(rt, want->name, 0, &want->at, subject);
	put_common(rt, want);
	data = nest_data(rt, "bridge", &info);
	if (want->vlan_aware)
		rt_put_u8(rt, IFLA_BR_VLAN_FILTERING, 1);
	end_data(rt, info, data);
	rt_needs(rt, EOPNOTSUPP,
		 want->vlan_aware ?
			 "this kernel's bridges cannot filter VLANs (see netsim doctor)" :
			 KIND_MISSING("bridge"));
}

/*
 * A veth uses one queue. By default the kernel allocates one per processor and drops
 * the others at once, at the cost of an RCU grace period for each end.
 */
static void put_one_queue(struct rt *rt)
{
	rt_put_u32(rt, IFLA_NUM_TX_QUEUES, 1);
	rt_put_u32(rt, IFLA_NUM_RX_QUEUES, 1);
}

/* The peer's header must not have IFF_UP: the kernel would refuse the whole message. */
void link_add_veth(struct rt *rt, const struct link *want, int host_fd, const char *subject)
{
	struct ifinfomsg peer = {.ifi_family = AF_UNSPEC};
	size_t info, data, nest;

	begin_add(rt, want->name, want->ifindex, &want->at, subject);
	put_common(rt, want);
	put_one_queue(rt);
	data = nest_data(rt, "veth", &info);
	nest = rt_nest(rt, VETH_INFO_PEER);
	rt_header(rt, &peer, sizeof(peer));
	rt_put_str(rt, IFLA_IFNAME, want->peer);
	rt_put_u32(rt, IFLA_GROUP, want->group);
	if (want->mtu)
		rt_put_u32(rt, IFLA_MTU, want->mtu);
	put_one_queue(rt);
	rt_put_u32(rt, IFLA_NET_NS_FD, (uint32_t)host_fd);
	rt_nest_end(rt, nest);
	end_data(rt, info, data);
	rt_needs(rt, EOPNOTSUPP, KIND_MISSING("veth"));
}

static void put_bond_u32(struct rt *rt, uint16_t attr, bool has, uint32_t value,
			 const struct netsim_loc *at)
{
	if (!has)
		return;
	rt_at(rt, at);
	rt_put_u32(rt, attr, value);
}

static void put_bond_u8(struct rt *rt, uint16_t attr, bool has, uint8_t value,
			const struct netsim_loc *at)
{
	if (!has)
		return;
	rt_at(rt, at);
	rt_put_u8(rt, attr, value);
}

/* The options that can change on a bond that is up. */
static void put_bond(struct rt *rt, const struct bond_options *bond)
{
	put_bond_u32(rt, IFLA_BOND_MIIMON, bond->has_miimon, bond->miimon, &bond->miimon_at);
	put_bond_u32(rt, IFLA_BOND_UPDELAY, bond->has_updelay, bond->updelay, &bond->updelay_at);
	put_bond_u32(rt, IFLA_BOND_DOWNDELAY, bond->has_downdelay, bond->downdelay,
		     &bond->downdelay_at);
	put_bond_u8(rt, IFLA_BOND_XMIT_HASH_POLICY, bond->has_hash, bond->hash, &bond->hash_at);
	rt_at(rt, NULL);
}

void link_add_bond(struct rt *rt, const struct link *want, const char *subject)
{
	size_t info, data;

	begin_add(rt, want->name, want->ifindex, &want->at, subject);
	put_common(rt, want);
	data = nest_data(rt, "bond", &info);
	rt_at(rt, &want->bond.mode_at);
	rt_put_u8(rt, IFLA_BOND_MODE, want->bond.mode);
	put_bond_u8(rt, IFLA_BOND_AD_LACP_RATE, want->bond.has_lacp_rate, want->bond.lacp_rate,
		    &want->bond.lacp_rate_at);
	put_bond(rt, &want->bond);
	end_data(rt, info, data);
	rt_needs(rt, EOPNOTSUPP, KIND_MISSING("bonding"));
}

void link_add_vlan(struct rt *rt, const struct link *want, int lower_ifindex, const char *subject)
{
	size_t info, data;

	begin_add(rt, want->name, want->ifindex, &want->at, subject);
	put_common(rt, want);
	rt_put_u32(rt, IFLA_LINK, (uint32_t)lower_ifindex);
	data = nest_data(rt, "vlan", &info);
	rt_at(rt, &want->vlan_at);
	rt_put_u16(rt, IFLA_VLAN_ID, want->vlan);
	rt_at(rt, NULL);
	rt_put_u16(rt, IFLA_VLAN_PROTOCOL, htobe16(want->vlan_qinq ? ETH_P_8021AD : ETH_P_8021Q));
	end_data(rt, info, data);
	rt_needs(rt, EOPNOTSUPP, KIND_MISSING("8021q"));
}

void link_add_ifb(struct rt *rt, const char *name, uint32_t group, const char *subject)
{
	size_t info;

	begin_add(rt, name, 0, NULL, subject);
	rt_put_u32(rt, IFLA_GROUP, group);
	info = rt_nest(rt, IFLA_LINKINFO);
	rt_put_str(rt, IFLA_INFO_KIND, "ifb");
	rt_nest_end(rt, info);
	rt_needs(rt, EOPNOTSUPP, KIND_MISSING("ifb"));
}

static void put_changes(struct rt *rt, const struct link *want, unsigned what, int master)
{
	if (what & LINK_SET_MTU) {
		rt_at(rt, &want->mtu_at);
		rt_put_u32(rt, IFLA_MTU, want->mtu);
	}
	if (what & LINK_SET_MAC) {
		rt_at(rt, &want->mac_at);
		rt_put(rt, IFLA_ADDRESS, want->mac.b, sizeof(want->mac.b));
	}
	if (what & LINK_SET_MASTER) {
		rt_at(rt, &want->master_at);
		rt_put_u32(rt, IFLA_MASTER, (uint32_t)master);
	}
	rt_at(rt, NULL);
	if ((what & LINK_SET_ALIAS) && want->alias)
		rt_put(rt, IFLA_IFALIAS, want->alias, strlen(want->alias));
	if (what & LINK_SET_GROUP)
		rt_put_u32(rt, IFLA_GROUP, want->group);
}

void link_set(struct rt *rt, const struct link *want, int ifindex, unsigned what,
	      int master_ifindex, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};
	size_t info, data;

	if (what & (LINK_SET_UP | LINK_SET_DOWN)) {
		ifi.ifi_change = IFF_UP;
		ifi.ifi_flags = what & LINK_SET_UP ? IFF_UP : 0;
	}
	rt_begin(rt, RTM_NEWLINK, 0, &want->at, "%s: cannot change the link", subject);
	rt_header(rt, &ifi, sizeof(ifi));
	if (!ifindex)
		rt_put_str(rt, IFLA_IFNAME, want->name);
	put_changes(rt, want, what, master_ifindex);
	if (what & (LINK_SET_VLAN_AWARE | LINK_SET_BOND)) {
		data = nest_data(rt, want->kind == LINK_BOND ? "bond" : "bridge", &info);
		if (what & LINK_SET_VLAN_AWARE)
			rt_put_u8(rt, IFLA_BR_VLAN_FILTERING, want->vlan_aware);
		if (what & LINK_SET_BOND)
			put_bond(rt, &want->bond);
		end_data(rt, info, data);
	}
}

void link_set_no_ipv6(struct rt *rt, int ifindex, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};
	size_t spec, inet6;

	rt_begin(rt, RTM_NEWLINK, 0, NULL, "%s: cannot disable IPv6 on the port", subject);
	rt_header(rt, &ifi, sizeof(ifi));
	spec = rt_nest(rt, IFLA_AF_SPEC);
	inet6 = rt_nest(rt, AF_INET6);
	rt_put_u8(rt, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	rt_nest_end(rt, inet6);
	rt_nest_end(rt, spec);
	rt_tolerate(rt, EAFNOSUPPORT);
}

void link_set_primary(struct rt *rt, const struct link *want, int bond_ifindex, int primary_ifindex,
		      const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = bond_ifindex};
	size_t info, data;

	rt_begin(rt, RTM_NEWLINK, 0, &want->bond.primary_at, "%s: cannot set the primary %s",
		 subject, want->bond.primary);
	rt_header(rt, &ifi, sizeof(ifi));
	data = nest_data(rt, "bond", &info);
	rt_put_u32(rt, IFLA_BOND_PRIMARY, (uint32_t)primary_ifindex);
	end_data(rt, info, data);
}

static bool has_vlan(const struct link *link, const struct port_vlan *vlan)
{
	for (size_t i = 0; link && i < link->vlan_count; i++)
		if (link->vlans[i].id == vlan->id && link->vlans[i].untagged == vlan->untagged)
			return true;
	return false;
}

static void put_vlan(struct rt *rt, uint16_t type, int ifindex, const struct port_vlan *vlan,
		     const struct netsim_loc *at, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_family = AF_BRIDGE, .ifi_index = ifindex};
	struct bridge_vlan_info info = {.vid = vlan->id};
	size_t nest;

	if (vlan->untagged && type == RTM_SETLINK)
		info.flags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
	rt_begin(rt, type, 0, at, "%s: cannot %s VLAN %u", subject,
		 type == RTM_SETLINK ? "add" : "remove", vlan->id);
	rt_header(rt, &ifi, sizeof(ifi));
	nest = rt_nest(rt, IFLA_AF_SPEC);
	rt_put(rt, IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
	rt_nest_end(rt, nest);
}

void link_set_vlans(struct rt *rt, int ifindex, const struct link *have, const struct link *want,
		    const char *subject)
{
	for (size_t i = 0; have && i < have->vlan_count; i++)
		if (!has_vlan(want, &have->vlans[i]))
			put_vlan(rt, RTM_DELLINK, ifindex, &have->vlans[i], &want->at, subject);
	for (size_t i = 0; i < want->vlan_count; i++)
		if (!has_vlan(have, &want->vlans[i]))
			put_vlan(rt, RTM_SETLINK, ifindex, &want->vlans[i], &want->at, subject);
}

void link_del(struct rt *rt, int ifindex, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};

	rt_begin(rt, RTM_DELLINK, 0, NULL, "%s: cannot remove the link", subject);
	rt_header(rt, &ifi, sizeof(ifi));
	rt_tolerate(rt, ENODEV);
}

void link_set_group(struct rt *rt, int ifindex, uint32_t group, const char *subject)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};

	rt_begin(rt, RTM_NEWLINK, 0, NULL, "%s: cannot change the link's group", subject);
	rt_header(rt, &ifi, sizeof(ifi));
	rt_put_u32(rt, IFLA_GROUP, group);
	rt_tolerate(rt, ENODEV);
}

void link_del_group(struct rt *rt, uint32_t group, const char *subject)
{
	struct ifinfomsg ifi = {0};

	rt_begin(rt, RTM_DELLINK, 0, NULL, "%s: cannot remove the links", subject);
	rt_header(rt, &ifi, sizeof(ifi));
	rt_put_u32(rt, IFLA_GROUP, group);
	rt_tolerate(rt, ENODEV);
}
