/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Following a fleet. Part of <netsim/netsim.h>, which includes it. */
#ifndef NETSIM_NETSIM_WATCH_H
#define NETSIM_NETSIM_WATCH_H

#include <netsim/netsim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- following a fleet: libnetsim-fleet(3) */

/* What netsim_watch() did, or noticed. */
enum netsim_watch_kind {
	NETSIM_WATCH_WAITING, /* no fleet is up */
	NETSIM_WATCH_READY,   /* all is as requested, except for ports that were reported */
	NETSIM_WATCH_SHAPED,  /* a port appeared, and has its conditions and faults now */
	NETSIM_WATCH_GONE,    /* a port was removed */
	NETSIM_WATCH_MISSING, /* an attached node has no port that can be claimed */
	NETSIM_WATCH_MENDED,  /* another program's change was undone */
	NETSIM_WATCH_LEFT,    /* another program keeps changing a port: it is left alone */
	NETSIM_WATCH_PROBLEM, /* a fault is not wholly in force, a repair failed, or libvirt does
				 not answer */
	NETSIM_WATCH_DOMAIN,  /* news of libvirt about the domain of a node */
};

struct netsim_watch_event {
	enum netsim_watch_kind kind;
	const char *name;   /* "n100-1/eth1", or the fleet; NULL: unknown */
	const char *device; /* the interface "vnet2", or NULL */
	const char *text;   /* "its netem is missing"; or NULL */
	int64_t after_ns;   /* from the kernel's notification to the end of the repair; or 0 */
	unsigned times;	    /* of MENDED: how often at this port in the last minute */
};

struct netsim_watch_opts {
	size_t size;
	const char *fleet; /* NULL: the only one */
	bool once;	   /* repair once instead of waiting for changes */
	/* Takes each event, in the calling thread. */
	void (*event)(void *arg, const struct netsim_watch_event *event);
	/* Returns true to end; called after each repair, and when a signal interrupts the wait. */
	bool (*stop)(void *arg);
	void *arg;
};

/*
 * Keeps a fleet as requested: shapes taps of attached nodes that appear, are created again or
 * move, and undoes what other programs change at ports. Waits for the kernel's notifications,
 * and for a fleet if none is up (with once: -ENOENT with err). Returns 0 when stop() returns
 * true, or with once; *ret_missing is the number of ports missing then (NULL: not wanted).
 */
NETSIM_API int netsim_watch(struct netsim *ctx, const struct netsim_watch_opts *opts,
			    size_t *ret_missing, struct netsim_err *err);

#ifdef __cplusplus
}
#endif

#endif
