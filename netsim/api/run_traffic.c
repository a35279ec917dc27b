// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fleet's traffic during a run, by two threads: one measures it at all ports, the other keeps
 * the first bytes of its packets. A run that lacks either is judged all the same, with a note.
 */
#include <dirent.h>
#include <limits.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/api/run_parts.h"
#include "netsim/run/thread.h"

#define CONNECTIONS 100 /* rows of the measurement */
/* The capture: the last packets, truncated to HEAD_BYTES. */
#define PACKETS	   "packets"
#define HEAD_BYTES 160
#define FILE_BYTES (64ULL << 20)
#define FILES	   4

enum { MEASURING, KEEPING, LANES };

/* A thread, with a handle of its own. */
struct traffic_lane {
	struct run_traffic *traffic;
	struct netsim *ctx;
	struct netsim_measurement *measured;
	pthread_t thread;
	bool started, told;
	sem_t begun; /* it sees packets, or it has ended */
	int code;
	struct netsim_err err;
};

struct run_traffic {
	struct run *run;
	struct traffic_lane lanes[LANES];
	atomic_bool over;
};

/* Called about ten times a second. */
static bool is_over(void *arg, const struct netsim_progress *now)
{
	struct traffic_lane *lane = arg;

	(void)now;
	if (!lane->told)
		sem_post(&lane->begun);
	lane->told = true;
	return atomic_load(&lane->traffic->over);
}

static void measure(void *arg)
{
	struct traffic_lane *lane = arg;
	const struct netsim_measure_opts how =
		NETSIM_OPTS(struct netsim_measure_opts, .fleet = lane->traffic->run->s->topo->fleet,
			    .connections = CONNECTIONS, .progress = is_over, .arg = lane);
	struct netsim_diags diags = {0};

	lane->code = netsim_measure(lane->ctx, &how, &lane->measured, &diags, &lane->err);
	sem_post(&lane->begun);
}

static void keep(void *arg)
{
	struct traffic_lane *lane = arg;
	struct netsim_capture *capture = NULL;
	struct netsim_diags diags = {0};
	char path[PATH_MAX];
	const struct netsim_capture_opts how =
		NETSIM_OPTS(struct netsim_capture_opts, .fleet = lane->traffic->run->s->topo->fleet,
			    .file = path, .snap_bytes = HEAD_BYTES, .rotate_bytes = FILE_BYTES,
			    .keep_files = FILES, .progress = is_over, .arg = lane);

	snprintf(path, sizeof(path), "%s/" PACKETS "/" PACKETS ".pcapng",
		 lane->traffic->run->folder);
	lane->code = netsim_capture(lane->ctx, &how, &capture, &diags, &lane->err);
	netsim_capture_free(capture);
	sem_post(&lane->begun);
}

static void start(struct traffic_lane *lane, void (*fn)(void *))
{
	lane->code = netsim_open(&lane->ctx, &lane->err);
	if (lane->code == 0)
		lane->code = thread_start(NULL, fn, lane, &lane->thread, &lane->err);
	lane->started = lane->code == 0;
}

int traffic_start(struct run *run, struct netsim_err *err)
{
	struct run_traffic *t = calloc(1, sizeof(*t));
	int r = t ? 0 : err_oom(err);

	if (r == 0)
		r = run_make_inside(run, PACKETS, err);
	if (r < 0) {
		free(t);
		return r;
	}
	t->run = run;
	run->traffic = t;
	for (int i = 0; i < LANES; i++) {
		t->lanes[i].traffic = t;
		sem_init(&t->lanes[i].begun, 0, 0);
		start(&t->lanes[i], i == MEASURING ? measure : keep);
	}
	/* So that the first packets of the workloads are seen. */
	for (int i = 0; i < LANES; i++)
		while (t->lanes[i].started && sem_wait(&t->lanes[i].begun) < 0)
			;
	return 0;
}

void traffic_stop(struct run *run)
{
	static const char *const what[] = {[MEASURING] = "measured", [KEEPING] = "captured"};
	struct run_traffic *t = run->traffic;

	for (int i = 0; t && i < LANES; i++) {
		struct traffic_lane *lane = &t->lanes[i];

		atomic_store(&t->over, true);
		if (lane->started)
			pthread_join(lane->thread, NULL);
		lane->started = false;
		if (lane->code < 0)
			run_note(run, "the traffic was not %s: %s%s%s", what[i], lane->err.what,
				 *lane->err.kernel ? ": " : "", lane->err.kernel);
		lane->code = 0;
	}
}

struct netsim_measurement *traffic_take(struct run *run)
{
	struct netsim_measurement *measured =
		run->traffic ? run->traffic->lanes[MEASURING].measured : NULL;

	if (measured)
		run->traffic->lanes[MEASURING].measured = NULL;
	return measured;
}

void traffic_discard(const struct run *run)
{
	char path[PATH_MAX];
	DIR *dir;

	snprintf(path, sizeof(path), "%s/" PACKETS, run->folder);
	dir = opendir(path);
	for (struct dirent *e; dir && (e = readdir(dir));)
		if (strncmp(e->d_name, PACKETS, strlen(PACKETS)) == 0)
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

void traffic_free(struct run *run)
{
	struct run_traffic *t = run->traffic;

	if (!t)
		return;
	traffic_stop(run);
	for (int i = 0; i < LANES; i++) {
		netsim_measurement_free(t->lanes[i].measured);
		netsim_close(t->lanes[i].ctx);
		sem_destroy(&t->lanes[i].begun);
	}
	free(t);
	run->traffic = NULL;
}
