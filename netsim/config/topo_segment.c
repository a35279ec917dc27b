/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The L2 segments that interfaces are on. */
#include "netsim/config/topo_parts.h"

const struct iface *topo_lowest(const struct node *node, const struct iface *iface)
{
	while (iface->kind != IFACE_PORT)
		iface = &node->ifaces[iface->kind == IFACE_VLAN ? iface->lower :
								  iface->bond.members[0]];
	return iface;
}

size_t topo_domain(const struct topo *topo, size_t network)
{
	for (size_t i = 0; topo->networks[network].routed && i < network; i++)
		if (topo->networks[i].routed)
			return i;
	return network;
}

/* Whether a cable carries frames whose outermost tag is this, 0: without one. */
static bool carries_tag(const struct cable *cable, uint32_t tag)
{
	/* A bridge that filters VLANs takes an 802.1ad tag for no tag. */
	bool carries = !cable->vlan_count || !tag || tag >> 16;

	for (size_t i = 0; i < cable->vlan_count; i++)
		carries |= cable->vlans[i].id == tag;
	return carries;
}

size_t topo_first_joined(const size_t *joined, size_t network)
{
	while (joined[network] != network)
		network = joined[network];
	return network;
}

void topo_join(const struct topo *topo, uint32_t tag, size_t *ret)
{
	for (size_t i = 0; i < topo->network_count; i++)
		ret[i] = topo_domain(topo, i);
	for (size_t i = 0; i < topo->cable_count; i++) {
		size_t a = topo_first_joined(ret, topo->cables[i].networks[0]);
		size_t b = topo_first_joined(ret, topo->cables[i].networks[1]);

		if (carries_tag(&topo->cables[i], tag))
			ret[a > b ? a : b] = a < b ? a : b;
	}
}

struct topo_segment topo_segment_of(const struct topo *topo, const struct node *node,
				    const struct iface *iface)
{
	struct topo_segment segment = {0};
	const struct iface *port = topo_lowest(node, iface);
	uint32_t own[TOPO_STACK_MAX];
	size_t count = 0;

	for (; iface->kind == IFACE_VLAN; iface = &node->ifaces[iface->lower])
		own[count++] = (uint32_t)iface->vlan | (uint32_t)iface->vlan_qinq << 16;
	segment.network = topo_domain(topo, port->network);
	if (topo->networks[port->network].vlan_aware && (port->access || (!count && port->native)))
		segment.tags[segment.tag_count++] = port->access ? port->access : port->native;
	while (count && segment.tag_count < TOPO_STACK_MAX)
		segment.tags[segment.tag_count++] = own[--count];
	return segment;
}
