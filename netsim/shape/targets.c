/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/targets.h"

#include <errno.h>
#include <stdlib.h>

#include "netsim/kernel/mark.h"
#include "netsim/util/arena.h"
#include "netsim/util/array.h"

void targets_done(struct netem_targets *targets)
{
	free(targets->list);
	arena_free(targets->texts);
}

const char *targets_sender(const struct link *port)
{
	return port->routed ? port->name : *port->master ? port->master : NULL;
}

/* Super-packets must not enter a shaped cable, whichever node sends them. */
static void mark_senders(struct netem_targets *targets)
{
	bool crosses = false;

	for (size_t i = 0; i < targets->count; i++)
		crosses |= targets->list[i].cable && targets->list[i].conditions.down.has;
	for (size_t i = 0; i < targets->count; i++)
		targets->list[i].crosses = crosses;
}

int targets_make(const struct model *model, const bool *ports, const struct intent *intent,
		 struct netem_targets *ret, struct netsim_err *err)
{
	int r = 0;

	*ret = (struct netem_targets) {.texts = arena_new(0)};
	if (!ret->texts)
		return err_oom(err);
	for (size_t i = 0; r == 0 && model && i < model->link_count; i++) {
		const struct link *link = &model->links[i];
		struct netem_target *t;
		const char *iface;
		struct mark mark;
		int n = ports && !ports[i] ? -1 : model_node_of_port(model, link, &mark);

		if (n < 0)
			continue;
		t = array_push(ret->list, ret->count);
		iface = t ? arena_strdup(ret->texts, mark.iface) : NULL;
		if (!iface)
			return err_oom(err);
		t->device = link->name;
		t->node = model->nodes[n].name;
		t->iface = link->kind == LINK_VETH && !link->machine && !link->cable ? iface : NULL;
		t->cable = link->cable ? iface : NULL;
		t->first = link->cable == 1;
		t->machine = link->machine;
		t->bridge = targets_sender(link);
		r = intent_port(intent, &model->nodes[n], mark.iface, &t->conditions, err);
	}
	mark_senders(ret);
	return r;
}
