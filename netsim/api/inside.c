/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/inside.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/kernel/qdisc.h"
#include "netsim/util/auto.h"

/* Qdiscs that the kernel attaches by itself. */
static bool is_default(const struct qdisc *q)
{
	static const char *const kinds[] = {"noqueue", "pfifo_fast", "fq_codel", "mq", "pfifo"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(q->kind, kinds[i]) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct qdisc *q, int ifindex, bool up)
{
	bool ingress = q->parent == TC_H_INGRESS; /* a clsact, too */

	return q->ifindex == ifindex && ingress == !up && (ingress || q->parent == TC_H_ROOT) &&
	       !is_default(q);
}

static void add(const struct qdiscs *all, const struct link *link, bool up, char *buf, size_t size)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct qdisc *q = &all->list[i];
		size_t used = strlen(buf);

		if (!is_wanted(q, link->ifindex, up))
			continue;
		snprintf(buf + used, size - used, "%s%s has a %s", used ? ", " : "", link->name,
			 q->kind);
		used = strlen(buf);
		if (q->drops || q->queued)
			snprintf(buf + used, size - used, " (%llu dropped so far, %u waiting)",
				 (unsigned long long)q->drops, q->queued);
	}
}

int inside_describe(struct state *st, const struct model *model, const struct link *link, bool up,
		    char *buf, size_t size, struct netsim_err *err)
{
	const char *node = model->nodes[link->node].name;
	struct qdiscs all = {0};
	char text[128] = "";
	struct handle *handle;
	int r = state_handle(st, model->fleet, node, &handle, err);

	*buf = 0;
	if (r == 0)
		r = qdisc_list(handle->rt, &all, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	while (link) {
		add(&all, link, up, text, sizeof(text));
		for (size_t i = 0; link->kind == LINK_BOND && i < model->link_count; i++)
			if (model->links[i].node == link->node &&
			    strcmp(model->links[i].master, link->name) == 0)
				add(&all, &model->links[i], up, text, sizeof(text));
		link = link->kind == LINK_VLAN ? model_find_link(model, link->node, link->lower) :
						 NULL;
	}
	free(all.list);
	if (*text)
		snprintf(buf, size, "inside %s, %s", node, text);
	return 0;
}
