/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/ifb.h"

#include <errno.h>
#include <stdio.h>

#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/module.h"
#include "netsim/util/name.h"

void ifb_name(const char *device, char ret[static IFNAMSIZ])
{
	char full[IFNAMSIZ + 8];

	snprintf(full, sizeof(full), "%s.ifb", device);
	name_fit(full, ret);
}

int ifb_find(const struct state *st, const char *fleet, const char *device, const struct link **ret,
	     struct netsim_err *err)
{
	char name[IFNAMSIZ];

	ifb_name(device, name);
	*ret = model_find_link(st->host, MODEL_HOST, name);
	if (*ret && !state_is_ours(*ret, fleet))
		return err_set(err, NETSIM_ERR_KERNEL, -EEXIST, NULL,
			       "a link %s exists that netsim did not make", name);
	return 0;
}

int ifb_add(struct state *st, const char *fleet, const char *const *devices, size_t count,
	    struct netsim_err *err)
{
	char name[IFNAMSIZ];
	int r;

	if (!count)
		return 0;
	module_load(MODULE_IFB);
	for (size_t i = 0; i < count; i++) {
		ifb_name(devices[i], name);
		link_add_ifb(st->rt, name, mark_group(fleet), devices[i]);
	}
	r = rtnl_send(st->rt, err);
	return r < 0 ? r : state_read_host(st, err);
}
