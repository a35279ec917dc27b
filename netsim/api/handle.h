/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of the public interface. */
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

/* Formats a fault without its name: "loss 5% on n100-1:n100-2", "partition n100-1 | rest". */
void api_describe_fault(const struct policy *policy, const struct port_fault *fault, char *buf,
			size_t size);
/* Fills *ret from a fault; its texts are allocated in root. False: out of memory. */
bool api_fill_fault(void *root, const struct port_fault *fault, const char *text,
		    struct netsim_fault *ret);

/* Checks that the programs of the fleet know a class, or a family of classes; "": any. */
int api_check_class(const struct policy *policy, const char *class, struct netsim_err *err);
/*
 * Returns the VLAN if the target is a VLAN interface inside its nodes, else 0. Fails if they have
 * different ones.
 */
int api_vlan_of(const struct fleet *f, const char *target, uint16_t *ret, struct netsim_err *err);

#endif
