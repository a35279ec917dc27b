/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waits until new cables carry frames. */
#include <time.h>

#include "netsim/fleet/converge.h"

#define CARRIER_PAUSE_NS 2000000
#define CARRIER_TRIES	 250

static bool all_running(const struct state *st, const struct model *want)
{
	for (size_t i = 0; i < want->link_count; i++) {
		const struct link *port = &want->links[i], *now;

		if (port->node != MODEL_HOST || port->kind != LINK_VETH)
			continue;
		now = model_find_link(st->host, MODEL_HOST, port->name);
		if (now && !now->running)
			return false;
	}
	return true;
}

int converge_wait_for_carrier(struct state *st, const struct model *want, struct netsim_err *err)
{
	struct timespec pause = {.tv_nsec = CARRIER_PAUSE_NS};
	int r = 0;

	for (int i = 0; r == 0 && i < CARRIER_TRIES && !all_running(st, want); i++) {
		nanosleep(&pause, NULL);
		r = state_read_host(st, err);
	}
	return r;
}
