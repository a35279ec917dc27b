/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/maker.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "netsim/auto.h"
#include "netsim/err.h"
#include "netsim/netns.h"

struct made {
	int fd;
	struct rt *rt;
};

struct maker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t change;
	struct made *made;
	size_t count, done, taken;
	bool stop;
	int result; /* of the thread; with its words */
	struct netsim_err err;
};

static bool is_stopped(struct maker *m)
{
	bool stop;

	pthread_mutex_lock(&m->lock);
	stop = m->stop;
	pthread_mutex_unlock(&m->lock);
	return stop;
}

static void report(struct maker *m, const struct made *made, int result)
{
	pthread_mutex_lock(&m->lock);
	if (result == 0)
		m->made[m->done++] = *made;
	m->result = result;
	pthread_cond_signal(&m->change);
	pthread_mutex_unlock(&m->lock);
}

/* The thread lives in the namespace it made last: it has nothing to do elsewhere. */
static void *make_all(void *arg)
{
	struct maker *m = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->count && !is_stopped(m); i++) {
		struct made made = {.fd = -1};

		r = netns_become_new(&made.fd, &m->err);
		if (r == 0)
			r = rt_open(&made.rt, &m->err);
		if (r < 0 && made.fd >= 0)
			close(made.fd);
		report(m, &made, r);
	}
	return NULL;
}

static void maker_free(struct maker *m)
{
	pthread_mutex_destroy(&m->lock);
	pthread_cond_destroy(&m->change);
	free(m->made);
	free(m);
}

int maker_start(size_t count, struct maker **ret, struct netsim_err *err)
{
	struct maker *m = calloc(1, sizeof(*m));
	int code;

	if (m)
		m->made = calloc(count, sizeof(*m->made));
	if (!m || !m->made) {
		free(m);
		return err_oom(err);
	}
	m->count = count;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->change, NULL);
	code = pthread_create(&m->thread, NULL, make_all, m);
	if (code) {
		maker_free(m);
		return err_set(err, NETSIM_ERR_KERNEL, -code, NULL, "cannot start a thread: %s",
			       strerror(code));
	}
	*ret = m;
	return 0;
}

int maker_next(struct maker *m, int *ret_fd, struct rt **ret_rt, struct netsim_err *err)
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

void maker_stop(struct maker *m)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	for (size_t i = m->taken; i < m->done; i++) {
		rt_close(m->made[i].rt);
		close(m->made[i].fd);
	}
	maker_free(m);
}
