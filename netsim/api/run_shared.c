// SPDX-License-Identifier: GPL-2.0-or-later
/* State of a run that its threads share. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "netsim/api/run_parts.h"
#include "netsim/util/array.h"

void run_halt(struct run *run, bool by_abort, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&run->lock_shared);
	if (!run->halt) {
		va_start(ap, fmt);
		vsnprintf(run->why, sizeof(run->why), fmt, ap);
		va_end(ap);
		run->halt = true;
		run->by_abort = by_abort;
	}
	pthread_cond_broadcast(&run->changed);
	pthread_mutex_unlock(&run->lock_shared);
}

bool run_is_halted(struct run *run)
{
	bool halted;

	pthread_mutex_lock(&run->lock_shared);
	halted = run->halt;
	pthread_mutex_unlock(&run->lock_shared);
	return halted;
}

bool run_sleep(struct run *run, int64_t until)
{
	struct timespec at = {until / 1000000000, until % 1000000000};
	bool halted;

	pthread_mutex_lock(&run->lock_shared);
	while (!run->halt && run_now() < until)
		if (pthread_cond_clockwait(&run->changed, &run->lock_shared, CLOCK_MONOTONIC,
					   &at) == ETIMEDOUT)
			break;
	halted = run->halt;
	pthread_mutex_unlock(&run->lock_shared);
	return !halted;
}

void run_note(struct run *run, const char *fmt, ...)
{
	char text[256];
	char **slot;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	recorder_event(run->rec, (struct event) {.kind = EVENT_NOTE}, NULL, text);
	pthread_mutex_lock(&run->lock_shared);
	slot = array_push(run->notes, run->note_count);
	if (slot && !(*slot = strdup(text)))
		run->note_count--;
	pthread_mutex_unlock(&run->lock_shared);
}

struct run_member *run_find_member(struct run *run, const struct workload *w, const char *node)
{
	for (size_t i = 0; i < run->member_count; i++)
		if (run->members[i].workload == w && strcmp(run->members[i].node, node) == 0)
			return &run->members[i];
	return NULL;
}

size_t run_node(const struct run *run, const char *name)
{
	size_t i = 0;

	while (i < run->s->topo->node_count && strcmp(run->s->topo->nodes[i].name, name) != 0)
		i++;
	return i;
}

int run_make_inside(const struct run *run, const char *name, struct netsim_err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", run->folder, name);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_errno(err, -errno, NULL, "cannot create %s", path);
	return 0;
}
