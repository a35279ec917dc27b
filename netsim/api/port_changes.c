// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/api/port_changes.h"

#include "netsim/util/arena.h"

/* A cable that flaps for days must not exhaust the memory. */
#define CHANGES_MOST 10000

/* Also copies the name: the fleet's names are freed before the result. */
static int keep(const struct port_changes *changes, const struct netsim_port_change *change,
		struct netsim_err *err)
{
	struct netsim_port_change *kept;

	if (*changes->count >= CHANGES_MOST)
		return 0;
	kept = arena_push(changes->root, *changes->list, *changes->count);
	if (!kept)
		return err_oom(err);
	*kept = *change;
	kept->port = arena_strdup(changes->root, change->port);
	return kept->port ? 0 : err_oom(err);
}

int port_changes_look(const struct port_changes *changes, struct live *live,
		      const struct netsim_progress *now, bool *ret_stop, struct netsim_err *err)
{
	struct live_event event;
	int r = 0;

	*ret_stop = false;
	while (r == 0 && live_event(live, &event)) {
		const struct netsim_port_change change = {.port = changes->names[event.link],
							  .event = event.kind,
							  .at_ns = event.at_ns};
		struct netsim_progress progress = *now;

		progress.change = &change;
		progress.gone = event.kind == NETSIM_PORT_GONE ? change.port : NULL;
		if (changes->progress)
			*ret_stop |= changes->progress(changes->arg, &progress);
		r = keep(changes, &change, err);
	}
	return r;
}
