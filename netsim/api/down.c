/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netsim/api/attach.h"
#include "netsim/fleet/converge.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/fleet/target.h"
#include "netsim/fleet/uplink.h"
#include "netsim/run/cgroup.h"
#include "netsim/run/dhcp.h"
#include "netsim/shape/intent.h"
#include "netsim/util/auto.h"

static int add_object(struct netsim_down *down, enum netsim_object_kind kind, const char *name,
		      const char *netns, struct netsim_err *err)
{
	struct netsim_object *object = arena_push(down, down->objects, down->object_count);

	if (!object)
		return err_oom(err);
	object->kind = kind;
	object->name = arena_strdup(down, name);
	object->netns = netns ? arena_strdup(down, netns) : NULL;
	return object->name && !object->netns == !netns ? 0 : err_oom(err);
}

static int list_links(struct state *st, struct netsim_down *down, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < st->host->link_count; i++)
		if (state_is_ours(&st->host->links[i], down->fleet))
			r = add_object(down,
				       state_made(&st->host->links[i], down->fleet) ?
					       NETSIM_OBJECT_LINK :
					       NETSIM_OBJECT_ATTACHED,
				       st->host->links[i].name, NULL, err);
	return r;
}

static int list_table(struct netsim_down *down, struct netsim_err *err)
{
	char table[UPLINK_TABLE];
	int r = uplink_table(down->fleet, table, err);

	return r == 0 && *table ? add_object(down, NETSIM_OBJECT_TABLE, table, NULL, err) : r;
}

static int list_nodes(struct state *st, struct netsim_down *down, struct netsim_err *err)
{
	struct model *have = NULL;
	int r = state_read(st, down->fleet, STATE_NODES, &have, err);

	for (size_t i = 0; r == 0 && i < have->node_count; i++)
		if (have->nodes[i].netns)
			r = add_object(down, NETSIM_OBJECT_NODE, have->nodes[i].name,
				       have->nodes[i].netns, err);
	model_free(have);
	return r;
}

/* The processes that cgroup_remove_fleet() would kill. */
static int list_processes(struct state *st, struct netsim_down *down, struct netsim_err *err)
{
	struct cgroup_processes found = {0};
	int r = cgroup_processes(down->fleet, st->own_id, CGROUP_ALL, &found, err);

	for (size_t i = 0; r == 0 && i < found.count; i++) {
		char *at = strrchr(found.list[i].member, '@');

		if (at)
			*at = '/';
		r = add_object(down, NETSIM_OBJECT_PROCESS, found.list[i].member, NULL, err);
		if (r == 0)
			down->objects[down->object_count - 1]->pid = found.list[i].pid;
	}
	cgroup_processes_done(&found);
	return r;
}

static int remove_fleet(struct state *st, struct netsim_down *down, struct netsim_err *err)
{
	auto_close int lock = -1;
	int r = lock_check_run(down->fleet, err);

	if (r == 0)
		r = lock_take(down->fleet, &lock, err);
	/* Processes first: while they exist, so does the fleet, and down can be repeated. */
	if (r == 0)
		r = cgroup_remove_fleet(down->fleet, st->own_id, CGROUP_ALL, err);
	if (r == 0)
		dhcp_remove_files(down->fleet);
	if (r == 0)
		r = uplink_remove(st, down->fleet, err);
	if (r == 0)
		r = attach_release(st, down->fleet, err);
	if (r == 0)
		r = converge_remove_links(st, down->fleet, err);
	if (r == 0)
		r = list_nodes(st, down, err);
	if (r == 0)
		r = converge_remove_names(st, down->fleet, err);
	if (r < 0)
		return r;
	intent_remove(down->fleet);
	topo_record_remove(down->fleet);
	lock_remove(down->fleet);
	return 0;
}

static int list_rest(struct state *st, struct netsim_down *down, struct netsim_err *err)
{
	int r = list_nodes(st, down, err);

	return r == 0 ? list_processes(st, down, err) : r;
}

static int down(struct state *st, const struct netsim_down_opts *o, struct netsim_down *ret,
		struct netsim_err *err)
{
	auto_free char *chosen = NULL;
	int r = state_read_host(st, err);

	if (r == 0)
		r = target_fleet(st, o->fleet, &chosen, err);
	if (r == -ENOENT && !chosen && !o->fleet)
		return 0; /* nothing is up: done */
	if (r == 0 && !(ret->fleet = arena_strdup(ret, chosen)))
		r = err_oom(err);
	if (r == 0)
		r = list_links(st, ret, err);
	if (r == 0)
		r = list_table(ret, err);
	if (r < 0)
		return r;
	return o->dry_run ? list_rest(st, ret, err) : remove_fleet(st, ret, err);
}

int netsim_down(struct netsim *ctx, const struct netsim_down_opts *opts, struct netsim_down **ret,
		struct netsim_err *err)
{
	struct netsim_down *result = arena_new(sizeof(*result));
	struct netsim_down_opts o;
	int r = result ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = down(&ctx->state, &o, result, err);
	if (r < 0)
		arena_free(result);
	else
		*ret = result;
	return r;
}

void netsim_down_free(struct netsim_down *result)
{
	arena_free(result);
}
