/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/fleet.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/fleet/lock.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/fleet/target.h"
#include "netsim/util/err.h"

void fleet_unlock(struct fleet *f)
{
	if (f->lock >= 0)
		close(f->lock);
	f->lock = -1;
}

void fleet_close(struct fleet *f)
{
	policy_close(f->policy);
	model_free(f->model);
	free(f->name);
	fleet_unlock(f);
	*f = FLEET_NONE;
}

int fleet_open(struct state *st, const char *name, enum fleet_use use, struct fleet *ret,
	       struct netsim_err *err)
{
	enum state_depth depth = use == FLEET_LOOK_INSIDE ? STATE_ALL : STATE_PORTS;
	int r = state_read_host(st, err);

	*ret = FLEET_NONE;
	ret->st = st;
	if (r == 0)
		r = target_need_fleet(st, name, &ret->name, err);
	if (r == 0 && use == FLEET_CHANGE) {
		r = lock_take(ret->name, &ret->lock, err);
		if (r == 0)
			r = state_read_host(st, err);
	}
	if (r == 0)
		r = state_read(st, ret->name, depth, &ret->model, err);
	return r == 0 ? topo_record_add_nodes(st, ret->model, err) : r;
}

int fleet_read(struct state *st, const char *name, struct fleet *ret, struct netsim_err *err)
{
	int r;

	*ret = FLEET_NONE;
	ret->st = st;
	ret->name = strdup(name);
	if (!ret->name)
		return err_oom(err);
	r = state_read(st, name, STATE_PORTS, &ret->model, err);
	return r == 0 ? topo_record_add_nodes(st, ret->model, err) : r;
}

int fleet_find_policy(struct fleet *f, struct netsim_err *err)
{
	policy_close(f->policy);
	f->policy = NULL;
	return policy_find(f->st, f->model, &f->policy, err);
}

int fleet_get_policy(struct fleet *f, struct netsim_err *err)
{
	policy_close(f->policy);
	f->policy = NULL;
	return policy_get(f->st, f->model, &f->policy, err);
}
