/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/run/thread.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>

#include "netsim/kernel/netns.h"
#include "netsim/util/auto.h"
#include "netsim/util/masked.h"

struct start {
	const char *netns;
	int fd; /* the namespace; -1: stay */
	void (*fn)(void *arg);
	void *arg;
	int code; /* result of setns() */
	sem_t ready;
};

static void *thread_main(void *arg)
{
	struct start *start = arg;
	void (*fn)(void *arg) = start->fn;
	void *fn_arg = start->arg;
	int code = start->fd >= 0 && setns(start->fd, CLONE_NEWNET) < 0 ? -errno : 0;

	start->code = code;
	sem_post(&start->ready); /* start may be gone from here on */
	if (code == 0)
		fn(fn_arg);
	return NULL;
}

int thread_start(const char *netns, void (*fn)(void *arg), void *arg, pthread_t *ret,
		 struct netsim_err *err)
{
	auto_close int fd = -1;
	struct start start = {netns, -1, fn, arg, 0, {{0}}};
	pthread_t thread;
	int r = netns ? netns_open(netns, &fd, err) : 0;

	if (r == -ENOENT)
		return err_set(err, NETSIM_ERR_KERNEL, r, NULL, "there is no network namespace %s",
			       netns);
	if (r < 0)
		return r;
	start.fd = fd;
	sem_init(&start.ready, 0, 0);
	r = masked_create(&thread, thread_main, &start);
	if (r == 0) {
		while (sem_wait(&start.ready) < 0)
			;
		if (start.code < 0)
			pthread_join(thread, NULL);
		r = start.code;
	}
	sem_destroy(&start.ready);
	if (r < 0)
		return err_errno(err, r, NULL, "cannot start a thread in %s",
				 netns ? netns : "this namespace");
	*ret = thread;
	return 0;
}

bool thread_make_realtime(void)
{
	struct sched_param priority = {.sched_priority = 1};

	return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) == 0;
}
