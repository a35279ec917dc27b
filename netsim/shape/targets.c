/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/targets.h"

#include <errno.h>
#include <stdlib.h>

#include "netsim/util/arena.h"
#include "netsim/util/array.h"

const char *target_node_of(const struct model *model, int *node, const struct link *link,
			   struct mark *mark)
{
	if (!link_is_port(link) || !mark_parse(link->alias, mark) || !mark->iface)
		return NULL;
	*node = model_find_node(model, mark->node);
	return *node >= 0 ? model->nodes[*node].name : NULL;
}

void targets_done(struct netem_targets *targets)
{
	free(targets->list);
	arena_free(targets->texts);
}

int targets_make(const struct model *model, const bool *ports, const struct intent *intent,
		 struct netem_targets *ret, struct netsim_err *err)
{
	int r = 0, n = -1;

	*ret = (struct netem_targets) {.texts = arena_new(0)};
	if (!ret->texts)
		return err_oom(err);
	for (size_t i = 0; r == 0 && model && i < model->link_count; i++) {
		const struct link *link = &model->links[i];
		struct netem_target *t;
		const char *name, *iface;
		struct mark mark;

		if ((ports && !ports[i]) || !(name = target_node_of(model, &n, link, &mark)))
			continue;
		t = array_push(ret->list, ret->count);
		iface = t ? arena_strdup(ret->texts, mark.iface) : NULL;
		if (!iface)
			return err_oom(err);
		t->device = link->name;
		t->node = name;
		t->iface = link->kind == LINK_VETH ? iface : NULL;
		t->bridge = *link->master ? link->master : NULL;
		r = intent_port(intent, &model->nodes[n], mark.iface, &t->conditions, err);
	}
	return r;
}
