/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waits until a member of a workload is ready. The check runs in the network namespace of its
 * node, so that it needs neither a route nor a link.
 */
#ifndef NETSIM_RUN_READY_H
#define NETSIM_RUN_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "netsim/config/program.h"
#include "netsim/util/err.h"

struct ready_spec {
	enum ready_kind kind; /* READY_ALIVE: ready without a check */
	const char *who;      /* for messages: "server-2" */
	const char *netns;    /* of its node; NULL: that of the caller */
	const char *host;     /* READY_TCP: an address to try after 127.0.0.1; NULL or "": none */
	uint16_t port;
	const char *url; /* READY_HTTP */
	const char *ca, *cert,
		*key;		/* https: files in PEM; NULL: any server, no client certificate */
	const char *const *run; /* READY_RUN, ends with NULL */
	int cgroup;		/* READY_RUN: see struct process_spec; -1: none */
	const char *text;	/* READY_LOG */
	const char *log;	/* the member's log, quoted when it is not ready; may be NULL */
	int64_t log_start;	/* bytes of earlier starts: see member_log_start() */
	int64_t within;		/* ns */
	/*
	 * Called between two checks, by another thread than the caller's. Returns true to stop
	 * waiting, with the reason in why ("ended with exit status 1"); may be NULL.
	 */
	bool (*stop)(void *arg, char *why, size_t size);
	void *arg;
};

/*
 * Returns 0 once it is ready. -ETIMEDOUT after spec->within, -ECANCELED if stop returned true, or
 * another negative errno if it cannot be checked; err gives the reason of the last failed check,
 * for how long it has applied, and the last line of the log.
 */
int ready_wait(const struct ready_spec *spec, struct netsim_err *err);

#endif
