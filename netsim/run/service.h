/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services: programs that run in nodes for as long as a fleet is up. The kernel knows all about
 * them: the cgroup of a service has its process, and the process has the arguments and the network
 * interface that it was started with. So any later call can tell whether it runs as asked, and
 * the services of a fleet are made to match a list, as links are.
 */
#ifndef NETSIM_RUN_SERVICE_H
#define NETSIM_RUN_SERVICE_H

#include "netsim/run/process.h"
#include "netsim/util/buf.h"

enum service_state {
	SERVICE_MISSING, /* no process */
	SERVICE_OTHER,	 /* a process with other arguments, or on an interface that is gone */
	SERVICE_RUNS,
};

struct service {
	char *name; /* with a colon: "dhcp:eth1" */
	char *node;
	struct buf args; /* each with its NUL, as in /proc/PID/cmdline; the first is the command */
	char *link;	 /* "NETSIM_LINK=NETNS/IFINDEX", in its environment; NULL: not made yet */
	enum service_state state;
	struct process process; /* if this call has started it; else pidfd is -1 */
	int output;		/* the beginning of what it printed since; -1: see process */
};

struct services {
	const char *fleet;
	uint64_t netns_id;
	struct service *list;
	size_t count;
	char **stale; /* members that run or ran, and are not in the list: WORKLOAD@NODE */
	size_t stale_count;
};

void services_done(struct services *services);
/* Appends a service; the caller fills args and link. NULL: no memory. */
struct service *services_add(struct services *services, const char *name, const char *node);
/* Appends an argument to the command of a service. */
void service_arg(struct service *service, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Finds the state of each service, and the stale ones. */
int services_look(struct services *services, struct netsim_err *err);
/* Ends the stale services and those with other arguments. */
int services_end(struct services *services, struct netsim_err *err);
/*
 * Starts a service that does not run. It may still end at once; service_output() then says why.
 */
int service_start(const struct services *services, struct service *service, struct netsim_err *err);
/*
 * Copies the last line that a service printed since this call started it, without a leading
 * "NAME: ", or "" if there is none.
 */
#define SERVICE_TEXT 160
void service_output(const struct service *service, char ret[static SERVICE_TEXT]);

#endif
