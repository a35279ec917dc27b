/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/cable.h"

#include <string.h>

const struct link *cable_bottom(const struct model *model, const struct link *link)
{
	while (link && link->kind == LINK_VLAN)
		link = model_find_link(model, link->node, link->lower);
	return link;
}

const struct link *cable_port(const struct model *model, const struct link *bottom)
{
	const struct link *found = NULL;

	if (bottom->kind != LINK_BOND)
		return *bottom->peer ? model_find_link(model, MODEL_HOST, bottom->peer) : NULL;
	for (size_t i = 0; i < model->link_count; i++) {
		const struct link *member = &model->links[i];

		if (member->node == bottom->node && strcmp(member->master, bottom->name) == 0 &&
		    *member->peer && (!found || member->running))
			found = model_find_link(model, MODEL_HOST, member->peer);
	}
	return found;
}

bool cable_carries(const struct link *port, uint16_t tag)
{
	for (size_t i = 0; port && i < port->vlan_count; i++)
		if (port->vlans[i].id == tag)
			return true;
	return !port || !port->vlan_count || !tag;
}
