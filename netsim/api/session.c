/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/fleet/lock.h"
#include "netsim/fleet/target.h"
#include "netsim/util/name.h"

void session_unlock(struct session *s)
{
	if (s->lock >= 0)
		close(s->lock);
	s->lock = -1;
}

void session_done(struct session *s)
{
	policy_close(s->policy);
	model_free(s->model);
	free(s->fleet);
	session_unlock(s);
}

int session_open(struct netsim *ns, const char *fleet, bool dry, struct session *ret,
		 struct netsim_err *err)
{
	int r = state_read_host(&ns->state, err);

	*ret = (struct session) {.lock = -1};
	if (r == 0)
		r = target_need_fleet(&ns->state, fleet, &ret->fleet, err);
	if (r == 0 && !dry) {
		r = lock_take(ret->fleet, &ret->lock, err);
		if (r == 0)
			r = state_read_host(&ns->state, err);
	}
	if (r == 0)
		r = state_read(&ns->state, ret->fleet, STATE_PORTS, &ret->model, err);
	return r;
}

int session_check_name(const struct session *s, const char *name, struct netsim_err *err)
{
	if (!name)
		return 0;
	if (!name_is_plain(name, sizeof(((struct port_fault *)0)->name) - 1) ||
	    strspn(name, "0123456789") == strlen(name)) {
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s cannot be the name of a fault",
			name);
		err_hint(err, "letters, digits, '.', '-' and '_', up to 31, not digits alone");
		return -EINVAL;
	}
	for (int i = 0; s->policy && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(s->policy)->faults[i];

		if (!policy_alive(fault) || strcmp(fault->name, name) != 0)
			continue;
		err_set(err, NETSIM_ERR_USAGE, -EEXIST, NULL, "there is a fault %s already", name);
		err_hint(err, "end it with `netsim heal %s`, or choose another name", name);
		return -EEXIST;
	}
	return 0;
}
