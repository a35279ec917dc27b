// SPDX-License-Identifier: GPL-2.0-or-later
/* The VLAN that a target such as "n100-1/bond0.100" names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/kernel/link.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

/* On a machine that is a node, the topology has the VLANs of its interfaces. */
static int vlan_in_record(const struct fleet *f, const char *node, const char *iface, uint16_t *ret,
			  struct netsim_err *err)
{
	const struct topo *known;
	struct topo *owned;
	int r = topo_record_look(f->st, f->name, &known, &owned, err);

	for (size_t i = 0; r == 0 && known && i < known->node_count; i++)
		for (size_t k = 0; k < known->nodes[i].iface_count; k++)
			if (strcmp(known->nodes[i].name, node) == 0 &&
			    strcmp(known->nodes[i].ifaces[k].name, iface) == 0 &&
			    known->nodes[i].ifaces[k].kind == IFACE_VLAN)
				*ret = known->nodes[i].ifaces[k].vlan;
	topo_free(owned);
	return r;
}

/* Of the nodes that a word matches, the VLAN of their interface; fails if they differ. */
static int vlan_inside(const struct model *inside, const char *word, const char *iface,
		       uint16_t *ret, struct netsim_err *err)
{
	for (size_t i = 0; i < inside->node_count; i++) {
		const struct model_node *node = &inside->nodes[i];
		const struct link *link;

		if (!name_match(word, node->name, (const char *const *)node->roles,
				node->role_count))
			continue;
		link = model_find_link(inside, (int)i, iface);
		if (!link || link->kind != LINK_VLAN)
			continue;
		if (*ret && *ret != link->vlan)
			return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
				       "%s/%s has different VLANs", word, iface);
		*ret = link->vlan;
	}
	return 0;
}

int api_vlan_of(const struct fleet *f, const char *target, uint16_t *ret, struct netsim_err *err)
{
	auto_free char *node = strdup(target);
	char *iface = node ? strchr(node, '/') : NULL;
	struct model *inside = NULL;
	int r;

	*ret = 0;
	if (!node)
		return err_oom(err);
	if (!iface)
		return 0;
	*iface++ = 0;
	if (model_machine(f->model) >= 0)
		return vlan_in_record(f, node, iface, ret, err);
	r = state_read(f->st, f->name, STATE_ALL, &inside, err);
	if (r == 0)
		r = vlan_inside(inside, node, iface, ret, err);
	model_free(inside);
	return r;
}
