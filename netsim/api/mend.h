/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares a fleet with its recorded profile and faults, and restores these. */
#ifndef NETSIM_API_MEND_H
#define NETSIM_API_MEND_H

#include "netsim/api/handle.h"
#include "netsim/shape/drift.h"

/* For a caller that follows single ports; either may be NULL. */
struct mend_opts {
	bool (*leave)(void *arg, int ifindex);		      /* true: does not change it */
	void (*mended)(void *arg, const struct drift *drift); /* one that is restored now */
	void *arg;
};

/*
 * Restores the recorded profile and faults: at ports that are new since `before` was read,
 * and at those that another program has changed. Counts in *up the new ports and the
 * differences, and adds to it the faults that cannot be restored. opts may be NULL. The caller
 * holds the lock.
 */
int api_mend(struct netsim *ctx, const struct model *before, struct netsim_up *up,
	     const struct mend_opts *opts, struct netsim_err *err);

/* Takes a difference at a port or bridge (fault NULL), or a fault that is not wholly in force. */
typedef int api_differs_fn(void *arg, const char *text, const struct intent_fault *fault,
			   struct netsim_err *err);
/* Calls each for every difference that api_mend() would end; text is valid during the call. */
int api_each_difference(struct netsim *ctx, const char *fleet, api_differs_fn *each, void *arg,
			struct netsim_err *err);

/* Formats a recorded fault, also one that the kernel has lost: "partition n100-1 | rest". */
void api_recorded_text(const struct intent_fault *fault, char *buf, size_t size);

#endif
