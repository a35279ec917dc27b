/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/members.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "netsim/run/cgroup.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"
#include "netsim/util/masked.h"

#define WAIT_NS 10000000000LL /* for the kernel to freeze or kill */

struct member {
	struct members *owner;
	char *workload, *node;
	struct process_spec spec;
	struct cgroup cgroup;
	struct process process;
	struct process_exit exit;
	enum member_state state;
	bool requested;
	int64_t log_start;
};

struct members {
	char *fleet;
	uint64_t netns_id;
	members_on_end *on_end;
	void *arg;
	struct member **list;
	size_t count;
	pthread_mutex_t lock; /* of the members' state */
	pthread_cond_t collected;
	pthread_t thread;
	bool running;
	int epoll, stop;
};

/* --- the thread */

/* Collects a member that has exited; on_end is called without the lock. */
static void collect(struct members *members, struct member *m)
{
	struct member_end end = {m->workload, m->node, {0}, false};
	bool ended = false;

	pthread_mutex_lock(&members->lock);
	if (m->process.pidfd >= 0 && process_collect(&m->process, false, &m->exit) == 1) {
		m->state = MEMBER_ENDED;
		end.exit = m->exit;
		end.requested = m->requested;
		ended = true;
		pthread_cond_broadcast(&members->collected);
	}
	pthread_mutex_unlock(&members->lock);
	if (ended && members->on_end)
		members->on_end(members->arg, m, &end);
}

static void *watch(void *arg)
{
	struct members *members = arg;

	for (;;) {
		struct epoll_event event;

		if (epoll_wait(members->epoll, &event, 1, -1) < 1)
			continue;
		if (!event.data.ptr)
			return NULL;
		collect(members, event.data.ptr);
	}
}

static int start_thread(struct members *members, struct netsim_err *err)
{
	struct epoll_event event = {.events = EPOLLIN};
	int r;

	members->epoll = epoll_create1(EPOLL_CLOEXEC);
	members->stop = eventfd(0, EFD_CLOEXEC);
	if (members->epoll < 0 || members->stop < 0 ||
	    epoll_ctl(members->epoll, EPOLL_CTL_ADD, members->stop, &event) < 0)
		return err_errno(err, -errno, NULL, "cannot wait for processes");
	/* Signals of this process are for its other threads. */
	r = masked_create(&members->thread, watch, members);
	members->running = r == 0;
	return r < 0 ? err_errno(err, r, NULL, "cannot start a thread") : 0;
}

int members_open(const char *fleet, uint64_t netns_id, members_on_end *on_end, void *arg,
		 struct members **ret, struct netsim_err *err)
{
	struct members *members = calloc(1, sizeof(*members));
	int r;

	if (!members)
		return err_oom(err);
	*members = (struct members) {.fleet = strdup(fleet),
				     .netns_id = netns_id,
				     .on_end = on_end,
				     .arg = arg,
				     .lock = PTHREAD_MUTEX_INITIALIZER,
				     .collected = PTHREAD_COND_INITIALIZER,
				     .epoll = -1,
				     .stop = -1};
	r = members->fleet ? start_thread(members, err) : err_oom(err);
	if (r < 0)
		members_free(members);
	else
		*ret = members;
	return r;
}

static void free_member(struct member *m)
{
	cgroup_close(&m->cgroup);
	free(m->workload);
	free(m->node);
	free(m);
}

int members_add(struct members *members, const char *workload, const char *node,
		const struct process_spec *spec, struct member **ret, struct netsim_err *err)
{
	struct member *m = calloc(1, sizeof(*m)), **slot;
	int r;

	if (!m)
		return err_oom(err);
	*m = (struct member) {.owner = members,
			      .workload = strdup(workload),
			      .node = strdup(node),
			      .spec = *spec,
			      .cgroup = {NULL, -1},
			      .process = {.pidfd = -1}};
	r = m->workload && m->node ? cgroup_open(members->fleet, members->netns_id, workload, node,
						 &m->cgroup, err) :
				     err_oom(err);
	if (r == 0) {
		m->spec.cgroup = m->cgroup.procs;
		pthread_mutex_lock(&members->lock);
		slot = array_push(members->list, members->count);
		if (slot)
			*slot = m;
		pthread_mutex_unlock(&members->lock);
		if (!slot)
			r = err_oom(err);
	}
	if (r < 0)
		free_member(m);
	else
		*ret = m;
	return r;
}

/* --- one member */

static int64_t file_size(const char *path)
{
	struct stat st;

	return path && stat(path, &st) == 0 ? st.st_size : 0;
}

/* A cgroup that is frozen would freeze the next start, too. */
static int clean_up(struct member *m, struct netsim_err *err)
{
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + WAIT_NS;
	int r = cgroup_kill(&m->cgroup, deadline, err);

	return r == 0 ? cgroup_freeze(&m->cgroup, false, deadline, err) : r;
}

static int start(struct member *m, struct netsim_err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = m};
	int r;

	if (m->state == MEMBER_RUNNING || m->state == MEMBER_PAUSED)
		return err_set(err, NETSIM_ERR_USAGE, -EBUSY, NULL, "%s is already running in %s",
			       m->workload, m->node);
	r = clean_up(m, err);
	m->log_start = file_size(m->spec.log);
	if (r == 0)
		r = process_start(&m->spec, &m->process, err);
	if (r < 0)
		return r;
	m->state = MEMBER_RUNNING;
	m->requested = false;
	if (epoll_ctl(m->owner->epoll, EPOLL_CTL_ADD, m->process.pidfd, &event) < 0)
		return err_errno(err, -errno, NULL, "cannot wait for %s", m->workload);
	return 0;
}

int member_start(struct member *m, struct netsim_err *err)
{
	int r;

	pthread_mutex_lock(&m->owner->lock);
	r = start(m, err);
	pthread_mutex_unlock(&m->owner->lock);
	return r;
}

static int refuse_ended(const struct member *m, const char *verb, struct netsim_err *err)
{
	return err_set(err, NETSIM_ERR_USAGE, -ESRCH, NULL, "cannot %s %s in %s: it does not run",
		       verb, m->workload, m->node);
}

static int set_frozen(struct member *m, bool frozen, struct netsim_err *err)
{
	int r = 0;

	pthread_mutex_lock(&m->owner->lock);
	if (m->state != MEMBER_RUNNING && m->state != MEMBER_PAUSED)
		r = refuse_ended(m, frozen ? "pause" : "continue", err);
	else
		r = cgroup_freeze(&m->cgroup, frozen, clock_ns(CLOCK_MONOTONIC) + WAIT_NS, err);
	if (r == 0)
		m->state = frozen ? MEMBER_PAUSED : MEMBER_RUNNING;
	pthread_mutex_unlock(&m->owner->lock);
	return r;
}

int member_pause(struct member *m, struct netsim_err *err)
{
	return set_frozen(m, true, err);
}

int member_continue(struct member *m, struct netsim_err *err)
{
	return set_frozen(m, false, err);
}

int member_kill(struct member *m, int sig, struct netsim_err *err)
{
	int r;

	pthread_mutex_lock(&m->owner->lock);
	if (m->state != MEMBER_RUNNING && m->state != MEMBER_PAUSED) {
		r = refuse_ended(m, "kill", err);
	} else {
		m->requested = true;
		r = sig == SIGKILL ?
			    cgroup_kill(&m->cgroup, clock_ns(CLOCK_MONOTONIC) + WAIT_NS, err) :
			    cgroup_signal(&m->cgroup, sig, err);
	}
	pthread_mutex_unlock(&m->owner->lock);
	return r;
}

enum member_state member_state(struct member *m, struct process_exit *end)
{
	enum member_state state;

	pthread_mutex_lock(&m->owner->lock);
	state = m->state;
	if (end && state == MEMBER_ENDED)
		*end = m->exit;
	pthread_mutex_unlock(&m->owner->lock);
	return state;
}

pid_t member_pid(struct member *m)
{
	pid_t pid;

	pthread_mutex_lock(&m->owner->lock);
	pid = m->process.pid;
	pthread_mutex_unlock(&m->owner->lock);
	return pid;
}

int64_t member_log_start(struct member *m)
{
	int64_t start;

	pthread_mutex_lock(&m->owner->lock);
	start = m->log_start;
	pthread_mutex_unlock(&m->owner->lock);
	return start;
}

/* --- all members */

/* Frozen processes act on a signal when they are thawed. */
static int ask_to_end(struct member *m, struct netsim_err *err)
{
	int r;

	m->requested = true;
	r = cgroup_signal(&m->cgroup, SIGTERM, err);
	if (r == 0 && m->state == MEMBER_PAUSED)
		r = cgroup_freeze(&m->cgroup, false, clock_ns(CLOCK_MONOTONIC) + WAIT_NS, err);
	return r;
}

/* The cgroup of a process is empty shortly before its pidfd is readable. */
static void wait_collected(struct member *m)
{
	pthread_mutex_lock(&m->owner->lock);
	while (m->process.pidfd >= 0)
		pthread_cond_wait(&m->owner->collected, &m->owner->lock);
	pthread_mutex_unlock(&m->owner->lock);
}

static int finish(struct member *m, int64_t deadline, unsigned *killed, struct netsim_err *err)
{
	int r = cgroup_wait_empty(&m->cgroup, deadline, err);

	if (r == -ETIMEDOUT) {
		++*killed;
		r = cgroup_kill(&m->cgroup, clock_ns(CLOCK_MONOTONIC) + WAIT_NS, err);
	}
	if (r < 0)
		return r;
	wait_collected(m);
	return cgroup_remove(&m->cgroup, err);
}

/* The number of the first member of the workload that has the member before this number. */
static size_t first_of_workload(const struct members *members, size_t end)
{
	size_t first = end - 1;

	while (first > 0 &&
	       strcmp(members->list[first - 1]->workload, members->list[end - 1]->workload) == 0)
		first--;
	return first;
}

/* Ends these members at once; continues after an error, and returns the first one. */
static int end_range(struct members *members, size_t begin, size_t end, int64_t grace_ns,
		     unsigned *killed, struct netsim_err *err)
{
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + grace_ns;
	int first = 0, r;

	pthread_mutex_lock(&members->lock);
	for (size_t i = begin; i < end; i++) {
		r = ask_to_end(members->list[i], err);
		first = first ? first : r;
	}
	pthread_mutex_unlock(&members->lock);
	for (size_t i = begin; i < end; i++) {
		r = finish(members->list[i], deadline, killed, err);
		first = first ? first : r;
	}
	return first;
}

int members_end(struct members *members, int64_t grace_ns, unsigned *ret_killed,
		struct netsim_err *err)
{
	unsigned killed = 0;
	int first = 0;

	for (size_t end = members->count, begin; end > 0; end = begin) {
		int r;

		begin = first_of_workload(members, end);
		r = end_range(members, begin, end, grace_ns, &killed, err);
		first = first ? first : r;
	}
	if (ret_killed)
		*ret_killed = killed;
	return first;
}

void members_free(struct members *members)
{
	if (!members)
		return;
	if (members->running) {
		eventfd_write(members->stop, 1);
		pthread_join(members->thread, NULL);
	}
	for (size_t i = 0; i < members->count; i++) {
		if (members->list[i]->process.pidfd >= 0)
			close(members->list[i]->process.pidfd);
		free_member(members->list[i]);
	}
	if (members->epoll >= 0)
		close(members->epoll);
	if (members->stop >= 0)
		close(members->stop);
	pthread_cond_destroy(&members->collected);
	pthread_mutex_destroy(&members->lock);
	free(members->list);
	free(members->fleet);
	free(members);
}
