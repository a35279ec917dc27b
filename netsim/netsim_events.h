/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of fleets: libnetsim-status(3). <netsim/netsim.h> includes it. */
#ifndef NETSIM_NETSIM_EVENTS_H
#define NETSIM_NETSIM_EVENTS_H

#include <netsim/netsim.h>

#ifdef __cplusplus
extern "C" {
#endif

enum netsim_event_kind {
	NETSIM_EVENT_FLEET_UP,
	NETSIM_EVENT_FLEET_DOWN, /* its ports and faults, too, without events of their own */
	NETSIM_EVENT_PROFILE,	 /* another profile, or none: name is NULL */
	NETSIM_EVENT_FAULT_BEGIN,
	NETSIM_EVENT_FAULT_CHANGED, /* it is, or is no longer, wholly in force: see problem */
	NETSIM_EVENT_FAULT_HEALED,
	NETSIM_EVENT_FAULT_EXPIRED, /* its deadline has passed */
	NETSIM_EVENT_PORT_NEW,	    /* not reported for a fleet that comes up */
	NETSIM_EVENT_PORT_GONE,
	NETSIM_EVENT_PORT_UP,
	NETSIM_EVENT_PORT_DOWN,
	NETSIM_EVENT_FAULT_REPLACED, /* by one of the same name, whose BEGIN follows */
};

struct netsim_event {
	enum netsim_event_kind kind;
	int64_t at_ns; /* since 1970, when it was noticed; of EXPIRED, the deadline */
	bool already;  /* so when the call began */
	const char *fleet;
	const char *name;    /* of the profile, the fault, or the port "n100-1/eth1"; or NULL */
	uint32_t fault;	     /* its number, or 0 */
	const char *text;    /* of a fault: "loss 5% on n100-1:n100-2"; or NULL */
	const char *problem; /* why a fault is not wholly in force, or NULL */
	int64_t left_ns;     /* of FAULT_BEGIN: until its deadline; -1: until healed */
};

struct netsim_events_opts {
	size_t size;
	const char *fleet; /* NULL: all */
	/* Takes each event, in the calling thread. */
	void (*event)(void *arg, const struct netsim_event *event);
	/* Returns true to end; called after events, and when a signal interrupts the wait. */
	bool (*stop)(void *arg);
	void *arg;
};

/*
 * Reports what is up and in force, and then each change, until stop() returns true. Waits for
 * notifications of the kernel, of the files in /run/netsim, and for deadlines; polls nothing.
 */
NETSIM_API int netsim_events(struct netsim *ctx, const struct netsim_events_opts *opts,
			     struct netsim_err *err);

#ifdef __cplusplus
}
#endif

#endif
