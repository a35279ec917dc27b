/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Qdiscs inside nodes that netsim did not create, and that shape or filter packets. */
#ifndef NETSIM_API_INSIDE_H
#define NETSIM_API_INSIDE_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/state.h"

/*
 * Describes the qdiscs on the way out of an interface of a node (up) or in, at the
 * interface and at those below it: "inside n100-1, eth1 has a tbf (12 dropped so far, 3
 * waiting)"; "" if there are none but the kernel's own.
 */
int inside_describe(struct state *st, const struct model *model, const struct link *link, bool up,
		    char *buf, size_t size, struct netsim_err *err);

#endif
