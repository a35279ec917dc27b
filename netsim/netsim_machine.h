/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This machine as a node of a fleet. Part of <netsim/netsim.h>, which includes it. */
#ifndef NETSIM_NETSIM_MACHINE_H
#define NETSIM_NETSIM_MACHINE_H

#include <netsim/netsim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- this machine as a node: libnetsim-fleet(3) */

/* An interface of this machine. */
struct netsim_joined {
	const char *device;
};

struct netsim_join {
	const char *fleet; /* NULL: nothing was done */
	const char *node;  /* the node that this machine is */
	bool fresh;	   /* it was not this node before */
	struct netsim_joined **list;
	size_t count;
};

struct netsim_join_opts {
	size_t size;
	const char *as; /* NULL: the node that has the host name */
	bool unless_up; /* do nothing if this machine is the host of a fleet that is up */
	bool dry_run;	/* only for further dry runs of this handle */
	/* Without a topology: groups or targets; their addresses become nodes. */
	const char *const *words;
	size_t word_count;
};

/*
 * Makes this machine a node of the fleet of a topology file, whose other nodes are other machines:
 * marks its interfaces, and records the topology. From then on, calls that shape, cut and measure
 * fleets do so at this machine's interfaces, as far as it can alone. Repeating it takes over a
 * changed file. Without a file (path NULL), the other nodes are the addresses in opts->words, which
 * are added to those given before; nothing is done if there are none, or if this machine is a node
 * of another fleet. netsim_down() ends it. A wrong file gives -EINVAL with diags; other failures
 * fill err. Free with netsim_join_free().
 */
NETSIM_API int netsim_join(struct netsim *ctx, const char *path,
			   const struct netsim_join_opts *opts, struct netsim_join **ret,
			   struct netsim_diags *diags, struct netsim_err *err);
NETSIM_API void netsim_join_free(struct netsim_join *join);

#ifdef __cplusplus
}
#endif

#endif
