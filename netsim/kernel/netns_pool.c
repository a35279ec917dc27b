/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/netns_pool.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "netsim/kernel/netns.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/*
 * A single thread and its consumer wake each other for every namespace, and the
 * scheduler then keeps both on one processor. Two threads keep a second one busy.
 */
#define THREADS 2

struct made {
	int fd;
	struct rtnl *rt;
};

struct netns_pool {
	pthread_t threads[THREADS];
	size_t thread_count;
	pthread_mutex_t lock;
	pthread_cond_t change;
	struct made *made;
	size_t count, begun, done, taken;
	bool stop;
	int result; /* of the first thread that failed, with its err */
	struct netsim_err err;
};

static bool begin_one(struct netns_pool *m)
{
	bool more;

	pthread_mutex_lock(&m->lock);
	more = !m->stop && m->result == 0 && m->begun < m->count;
	m->begun += more;
	pthread_mutex_unlock(&m->lock);
	return more;
}

static void report(struct netns_pool *m, const struct made *made, int result,
		   const struct netsim_err *err)
{
	pthread_mutex_lock(&m->lock);
	if (result == 0) {
		m->made[m->done++] = *made;
	} else if (m->result == 0) {
		m->result = result;
		m->err = *err;
	}
	pthread_cond_signal(&m->change);
	pthread_mutex_unlock(&m->lock);
}

/* A thread stays in the namespace that it created last; it need not return. */
static void *make_some(void *arg)
{
	struct netns_pool *m = arg;

	while (begin_one(m)) {
		struct netsim_err err = {0};
		struct made made = {.fd = -1};
		int r = netns_become_new(&made.fd, &err);

		if (r == 0)
			r = rtnl_open(&made.rt, &err);
		if (r < 0 && made.fd >= 0)
			close(made.fd);
		report(m, &made, r, &err);
	}
	return NULL;
}

static int start_threads(struct netns_pool *m, struct netsim_err *err)
{
	for (; m->thread_count < THREADS; m->thread_count++) {
		int code = pthread_create(&m->threads[m->thread_count], NULL, make_some, m);

		if (code)
			return err_errno(err, -code, NULL, "cannot start a thread");
	}
	return 0;
}

static void netns_pool_free(struct netns_pool *m)
{
	pthread_mutex_destroy(&m->lock);
	pthread_cond_destroy(&m->change);
	free(m->made);
	free(m);
}

int netns_pool_start(size_t count, struct netns_pool **ret, struct netsim_err *err)
{
	struct netns_pool *m = calloc(1, sizeof(*m));
	int r;

	if (m)
		m->made = calloc(count, sizeof(*m->made));
	if (!m || !m->made) {
		free(m);
		return err_oom(err);
	}
	m->count = count;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->change, NULL);
	r = start_threads(m, err);
	if (r < 0)
		netns_pool_stop(m);
	else
		*ret = m;
	return r;
}

int netns_pool_next(struct netns_pool *m, int *ret_fd, struct rtnl **ret_rt, struct netsim_err *err)
{
	int r = 0;

	pthread_mutex_lock(&m->lock);
	while (m->taken == m->done && m->result == 0)
		pthread_cond_wait(&m->change, &m->lock);
	if (m->taken < m->done) {
		*ret_fd = m->made[m->taken].fd;
		*ret_rt = m->made[m->taken++].rt;
	} else {
		r = m->result;
		if (err && err->kind == NETSIM_ERR_NONE)
			*err = m->err;
	}
	pthread_mutex_unlock(&m->lock);
	return r;
}

void netns_pool_stop(struct netns_pool *m)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_mutex_unlock(&m->lock);
	for (size_t i = 0; i < m->thread_count; i++)
		pthread_join(m->threads[i], NULL);
	for (size_t i = m->taken; i < m->done; i++) {
		rtnl_close(m->made[i].rt);
		close(m->made[i].fd);
	}
	netns_pool_free(m);
}
