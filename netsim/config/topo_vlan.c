// SPDX-License-Identifier: GPL-2.0-or-later
/* The VLANs of a network, and the host's addresses in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/topo_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/buf.h"
#include "netsim/util/name.h"

void topo_host_vlan_done(struct host_vlan *host)
{
	free(host->addresses);
}

static bool bind_address(struct bind *b, const struct field *field, const struct doc_node *node,
			 void *ret)
{
	struct host_vlan *host = ret;

	return topo_bind_address(b, field->name, node, &host->addresses, &host->address_count);
}

static bool bind_addresses(struct bind *b, const struct field *field, const struct doc_node *node,
			   void *ret)
{
	return bind_each(b, field, node, bind_address, ret);
}

const struct field topo_vlan_rows[] = {
	{.name = "address", .bind = bind_addresses},
	{0},
};

/* A key is an id: "200: {address: 192.168.200.254/24}", or nothing behind it. */
static bool read_vlan(struct bind *b, const char *name, const struct doc_entry *entry,
		      struct network *network)
{
	const struct doc_node key = {.kind = DOC_TEXT, .at = entry->at, .text = entry->key};
	struct scope scope = {.what = "a VLAN", .at = &entry->at};
	struct host_vlan host = {.at = entry->at}, *slot;
	struct vlan_id *vlan;

	if (!bind_spend(b, &entry->at) || !topo_bind_vlan(b, name, &key, &host.id))
		return false;
	if (topo_carries(network->vlans, network->vlan_count, host.id))
		return bind_refuse(b, &entry->at, "remove one of them",
				   "%s: VLAN %u is given twice", name, host.id);
	vlan = array_push(network->vlans, network->vlan_count);
	if (!vlan)
		return bind_oom(b);
	*vlan = (struct vlan_id) {host.id, entry->at};
	if (!bind_map(b, topo_vlan_rows, entry->value, &scope, &host)) {
		topo_host_vlan_done(&host);
		return false;
	}
	slot = host.address_count ? array_push(network->hosts, network->host_count) : NULL;
	if (slot)
		*slot = host;
	else
		topo_host_vlan_done(&host);
	return slot || !host.address_count || bind_oom(b);
}

bool topo_bind_network_vlans(struct bind *b, const struct field *field, const struct doc_node *node,
			     void *ret)
{
	struct network *network = ret;
	bool good = true;

	network->vlan_aware = true;
	if (node->kind != DOC_MAP || !node->count)
		return topo_bind_vlans(b, field->name, node, &network->vlans, &network->vlan_count);
	for (size_t i = 0; i < node->count; i++)
		good &= read_vlan(b, field->name, &node->entries[i], network);
	return good;
}

bool topo_name_host_vlans(struct bind *b, struct network *network)
{
	for (size_t i = 0; i < network->host_count; i++) {
		auto_buf struct buf full = {0};

		buf_printf(&full, "%s.%u", network->bridge, network->hosts[i].id);
		if (full.failed)
			return bind_oom(b);
		name_fit(full.data, network->hosts[i].device);
	}
	return true;
}
