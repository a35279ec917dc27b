/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the public interface share. */
#ifndef NETSIM_API_HANDLE_H
#define NETSIM_API_HANDLE_H

#include "netsim/fleet/fleet.h"
#include "netsim/kernel/state.h"
#include "netsim/util/arena.h"
#include "netsim/util/err.h"
#include "netsim/util/opts.h"

struct netsim {
	struct state state;
};

/*
 * Gives the profile that is in force for the whole fleet to ports that were not
 * there before (before: the links that were). A profile that cannot be read any
 * more is an error. *ret counts the ports.
 */
int api_shape_new(struct netsim *ctx, const struct model *before, const char *fleet, size_t *ret,
		  struct netsim_err *err);

/* "loss 5% on n100-1:n100-2", "partition n100-1 | rest", without its name. */
void api_describe_fault(const struct policy *policy, const struct port_fault *fault, char *buf,
			size_t size);
/* Fills a fault of a result in the arena of root; false when out of memory. */
bool api_fill_fault(void *root, const struct port_fault *fault, const char *text,
		    struct netsim_fault *ret);

#endif
