/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pings many pairs at once, from one process: ICMP sockets in the nodes' namespaces.
 * Unlike probes (probe.h) echoes go the way of any traffic: by route, ARP and
 * firewall, and the other side's kernel answers them.
 */
#ifndef NETSIM_ECHO_H
#define NETSIM_ECHO_H

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

struct echo_pair {
	int ns_fd; /* of the sender's network namespace, the caller's */
	struct ip to;
	bool hopeless; /* nobody waits for its answers */
	/* What came of it; times in milliseconds. */
	unsigned sent, received;
	double min, mean, max;
	double squares; /* sum of the squared differences from the mean */
};

struct echo_plan {
	int own_fd; /* this process's network namespace */
	struct echo_pair *pairs;
	size_t pair_count;
	unsigned count;	 /* echoes of each pair */
	double interval; /* seconds between them; not zero */
	/* Called with the share that is done, 0 to 1; may be NULL. */
	bool (*progress)(void *arg, double done); /* true: stop with -ECANCELED */
	void *arg;
};

/*
 * Sends the echoes of every pair, and one before them that does not count: ARP may
 * hold it up. Waits for answers as long as they may still come, at least a second.
 */
int echo_run(const struct echo_plan *plan, struct netsim_err *err);

#endif
