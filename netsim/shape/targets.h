/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fleet's ports as targets for netem, with the conditions that an intent gives them. */
#ifndef NETSIM_SHAPE_TARGETS_H
#define NETSIM_SHAPE_TARGETS_H

#include "netsim/shape/intent.h"
#include "netsim/shape/netem.h"

/* The targets point into texts (an arena) and into the model. */
struct netem_targets {
	struct netem_target *list;
	size_t count;
	void *texts;
};

/* The device by which the host sends to a port: its bridge, or, of a routed network, itself. */
const char *targets_sender(const struct link *port);

/*
 * Makes targets of the ports that are true in ports, by link index (NULL: all). Call
 * targets_done() afterwards, even on error.
 */
int targets_make(const struct model *model, const bool *ports, const struct intent *intent,
		 struct netem_targets *ret, struct netsim_err *err);
void targets_done(struct netem_targets *targets);

#endif
