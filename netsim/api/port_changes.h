/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports changes of ports during a capture or measurement. */
#ifndef NETSIM_API_PORT_CHANGES_H
#define NETSIM_API_PORT_CHANGES_H

#include "netsim/netsim.h"
#include "netsim/packet/live.h"

struct port_changes {
	void *root; /* the arena of the result, to which list and count belong */
	struct netsim_port_change ***list;
	size_t *count;
	const char *const *names; /* of the ports */
	netsim_progress_fn *progress;
	void *arg;
};

/*
 * Appends the events since the last call to the list, and reports each to progress, with the
 * other members of now; *ret_stop is then true if the caller wants to stop.
 */
int port_changes_look(const struct port_changes *changes, struct live *live,
		      const struct netsim_progress *now, bool *ret_stop, struct netsim_err *err);

#endif
