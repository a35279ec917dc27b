/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts, pauses, continues, kills and ends the members of workloads. A member is one command in
 * one node, with all that it forks, in a cgroup of the fleet. A thread waits for pidfds, so that
 * the end of a member is reported at once, whatever the caller does. All calls are thread-safe.
 */
#ifndef NETSIM_RUN_MEMBERS_H
#define NETSIM_RUN_MEMBERS_H

#include "netsim/run/process.h"

struct members;
struct member;

enum member_state {
	MEMBER_NEW, /* not started yet */
	MEMBER_RUNNING,
	MEMBER_PAUSED,
	MEMBER_ENDED,
};

struct member_end {
	const char *workload, *node; /* belong to the member */
	struct process_exit exit;
	bool requested; /* by member_kill() or members_end() */
};

/* Called by the thread, once for each end, without a lock; may call the member_ functions. */
typedef void members_on_end(void *arg, struct member *member, const struct member_end *end);

/* netns_id: see cgroup_open(). The caller frees *ret with members_free(). */
int members_open(const char *fleet, uint64_t netns_id, members_on_end *on_end, void *arg,
		 struct members **ret, struct netsim_err *err);
/*
 * Adds a member and creates its cgroup. What spec points to must outlive the members; its cgroup
 * is set by this call. members owns *ret.
 */
int members_add(struct members *members, const char *workload, const char *node,
		const struct process_spec *spec, struct member **ret, struct netsim_err *err);

/* Starts a member, also again after its end; kills what an earlier start left behind. */
int member_start(struct member *member, struct netsim_err *err);
/* Freezes all processes of a member, and waits until they are frozen. */
int member_pause(struct member *member, struct netsim_err *err);
int member_continue(struct member *member, struct netsim_err *err);
/* Sends a signal to all processes of a member; SIGKILL kills paused ones, too. */
int member_kill(struct member *member, int sig, struct netsim_err *err);
/* Returns the state; end (may be NULL) is filled if it is MEMBER_ENDED. */
enum member_state member_state(struct member *member, struct process_exit *end);
/* The command's process; it may have ended. */
pid_t member_pid(struct member *member);
/* The bytes in its log before the present start. */
int64_t member_log_start(struct member *member);

/*
 * Ends all members, workload by workload, the last one first, because it may use those before it:
 * SIGTERM, after grace_ns SIGKILL. Then removes their cgroups. Sets *ret_killed (may be NULL) to
 * the number of members that did not end in time.
 */
int members_end(struct members *members, int64_t grace_ns, unsigned *ret_killed,
		struct netsim_err *err);
/* Stops the thread and frees all. Call members_end() first, or processes keep running. */
void members_free(struct members *members);

#endif
