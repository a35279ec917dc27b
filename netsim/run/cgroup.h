/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cgroups (v2) of a fleet's workloads: one for the fleet, below it one per member, called
 * WORKLOAD@NODE. A process cannot leave its cgroup by forking, so a cgroup finds every survivor
 * of a run that was killed. The fleet's cgroup is called netsim@FLEET@ID; ID is the inode of the
 * network namespace that holds the fleet, so that fleets of one name in two namespaces differ.
 * Services of the fleet, such as DHCP servers, have cgroups there, too; their WORKLOAD has a colon,
 * which no other has. A node with limits has a cgroup of its own, with those of its members: see
 * limits.h.
 */
#ifndef NETSIM_RUN_CGROUP_H
#define NETSIM_RUN_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "netsim/util/err.h"

struct cgroup {
	char *path;
	int procs; /* cgroup.procs, open for writing: see process_start() */
};

/*
 * Creates the cgroup of a member, or opens it if it exists. netns_id: see netns_own_id(). Fails
 * with kind ENV where no cgroup2 filesystem is mounted. The caller closes *ret.
 */
int cgroup_open(const char *fleet, uint64_t netns_id, const char *workload, const char *node,
		struct cgroup *ret, struct netsim_err *err);
/* Closes the descriptor; the cgroup itself stays. */
void cgroup_close(struct cgroup *cg);

/*
 * Freezes or thaws all processes, and waits until the kernel reports it done. deadline:
 * CLOCK_MONOTONIC in ns; -ETIMEDOUT with err after it.
 */
int cgroup_freeze(const struct cgroup *cg, bool frozen, int64_t deadline, struct netsim_err *err);
/* Sends a signal to each process, also those in cgroups below. */
int cgroup_signal(const struct cgroup *cg, int sig, struct netsim_err *err);
/* Waits until no process is left; -ETIMEDOUT without err after the deadline. */
int cgroup_wait_empty(const struct cgroup *cg, int64_t deadline, struct netsim_err *err);
/* Kills all processes with SIGKILL, and waits until none is left; frozen ones, too. */
int cgroup_kill(const struct cgroup *cg, int64_t deadline, struct netsim_err *err);
/* Removes an empty cgroup with the cgroups below it, and the fleet's if that was the last. */
int cgroup_remove(const struct cgroup *cg, struct netsim_err *err);

/* Which members of a fleet: those of a run, or also the services, which outlast it. */
enum cgroup_which { CGROUP_WORKLOADS, CGROUP_ALL };

/* A process of a workload. */
struct cgroup_process {
	char *member; /* WORKLOAD@NODE */
	pid_t pid;
};
struct cgroup_processes {
	struct cgroup_process *list;
	size_t count;
};
/* Lists the processes of a fleet. Free with cgroup_processes_done(). */
int cgroup_processes(const char *fleet, uint64_t netns_id, enum cgroup_which which,
		     struct cgroup_processes *ret, struct netsim_err *err);
void cgroup_processes_done(struct cgroup_processes *processes);
/*
 * Lists the services of a fleet, as pid 0 those without a process. Success with an empty list
 * where no cgroup2 filesystem is mounted.
 */
int cgroup_services(const char *fleet, uint64_t netns_id, struct cgroup_processes *ret,
		    struct netsim_err *err);

/*
 * Kills the processes of a fleet and removes their cgroups. Success if there are none, also where
 * no cgroup2 filesystem is mounted.
 */
int cgroup_remove_fleet(const char *fleet, uint64_t netns_id, enum cgroup_which which,
			struct netsim_err *err);

#endif
