/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pings many pairs at once from one process, with ICMP sockets in the nodes' network
 * namespaces. Unlike probes (probe.h), echoes are ordinary traffic: they are subject to
 * routing, ARP and firewalls, and the receiver's kernel answers them.
 */
#ifndef NETSIM_ECHO_H
#define NETSIM_ECHO_H

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

struct echo_pair {
	int ns_fd; /* the sender's network namespace; owned by the caller */
	struct ip to;
	bool no_wait; /* do not wait for its answers */
	/* Results; times in milliseconds. */
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
	/* Called with the completed share, 0 to 1; returns true to send no more; may be NULL. */
	bool (*progress)(void *arg, double done);
	void *arg;
};

/*
 * Sends the echoes of every pair, after one that does not count because ARP may delay
 * it. Then waits until all are answered, at most for three times the longest round trip or
 * a second, whichever is longer. Fills the results of the pairs, also if it was stopped, with the
 * echoes sent until then; returns 0, or a negative errno with err filled.
 */
int echo_run(const struct echo_plan *plan, struct netsim_err *err);

#endif
