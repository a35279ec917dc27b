/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts a command in a node or on the host, without a shell. The child shares the memory of
 * this process until it executes the command, like that of posix_spawn(3): starting costs the
 * same however large this process is, and no other thread is disturbed. It begins in a session
 * without a terminal, with default signals and only the descriptors 0, 1 and 2.
 */
#ifndef NETSIM_RUN_PROCESS_H
#define NETSIM_RUN_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "netsim/util/err.h"

struct process_spec {
	const char *const *argv; /* ends with NULL; argv[0] is looked up in PATH */
	const char *const *env;	 /* "KEY=VALUE", added to this process's environment; may be NULL */
	const char *netns;  /* name of the node's network namespace; NULL: that of the caller */
	const char *folder; /* working directory; NULL: that of this process */
	const char *log;    /* stdout and stderr are appended to it; NULL: see output */
	int output;	    /* the descriptor of stdout and stderr; 0: they are discarded */
	int cgroup;	    /* cgroup.procs of its cgroup (struct cgroup); -1: none */
};

struct process {
	pid_t pid;
	int pidfd;	 /* readable once the process has exited; -1: none */
	int64_t started; /* CLOCK_MONOTONIC in ns, when the command was executed */
};

struct process_exit {
	bool killed; /* by the signal code; otherwise code is the exit status */
	int code;
	int64_t at; /* CLOCK_MONOTONIC in ns, when it was collected */
};

/*
 * Starts a command. Returns once it is executed: an error names the command and the reason, as in
 * "cannot run rsync: No such file or directory". Call process_collect() after its end.
 */
int process_start(const struct process_spec *spec, struct process *ret, struct netsim_err *err);
/*
 * Collects a process that has exited, and closes its pidfd. Returns 1 with *ret filled, 0 if it
 * still runs. wait: wait for it.
 */
int process_collect(struct process *process, bool wait, struct process_exit *ret);
/* Whether a command without a slash is found in PATH. */
bool process_exists(const char *name);
/* Sends a signal to the process only; 0 also if it has exited. */
int process_signal(const struct process *process, int sig);
/* Sends a signal to the process group that the process leads. */
void process_signal_group(const struct process *process, int sig);

#define PROCESS_TEXT 64
/* "ended with exit status 1", "was killed by SIGKILL"; returns buf. */
const char *process_exit_text(const struct process_exit *end, char buf[static PROCESS_TEXT]);

#endif
