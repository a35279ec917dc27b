/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/verify/run.h"
#include "netsim/verify/scratch.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"
#include "netsim/util/err.h"

#define LOAD	     0.1    /* upper bound of the share of a link's rate used by probes */
#define ALL_PPS	     1500.0 /* probes per second on all paths together, for delays */
#define ALL_MANY     2000.0 /* the same for ratios */
#define LEAST_PROBES 12	    /* of each path, to judge it if the measurement is interrupted */
#define MOST_TIME    30.0   /* upper bound in seconds; slow links get fewer probes instead */
/*
 * A share is then sqrt(32) of its standard errors above 0. Its interval reaches 3.29 of them down,
 * so that chance hides about one share of 1,000.
 */
#define SHOW_LOSS     32
#define SIZE_EVERY    0.03  /* seconds between probes of a size; lower bound */
#define SIZE_PROBES   24    /* of each size */
#define CONTROL_EVERY 0.02  /* seconds between probes of the control path */
#define CLOCK_STEP    0.001 /* seconds; if REALTIME moves against MONOTONIC by more, it was set */
#define OFFSET_TRIES  10    /* readings of their offset */

struct verify_path *verify_run_add(struct verify_run *run)
{
	size_t count = run->path_count;
	struct verify_path *path = array_push(run->paths, run->path_count);

	if (!path || !array_push(run->probes, count)) {
		run->path_count -= path != NULL;
		return NULL;
	}
	return path;
}

void verify_run_done(struct verify_run *run)
{
	for (size_t i = 0; i < run->end_count; i++)
		free(run->ends[i]);
	free(run->ends);
	free(run->about);
	free(run->links);
	free(run->paths);
	free(run->probes);
	free(run->rates);
}

/* --- probing */

/* Counts the paths that use each direction: all their probes load it. */
static size_t *count_uses(const struct verify_run *run, struct netsim_err *err)
{
	size_t *uses = calloc(2 * run->end_count + 1, sizeof(*uses));

	if (!uses)
		err_oom(err);
	for (size_t p = 0; uses && p < run->path_count; p++) {
		uses[2 * run->paths[p].from]++;
		uses[2 * run->paths[p].to + 1]++;
	}
	return uses;
}

/* Returns the lower bound of the probe interval, in seconds, for a hop used by several paths. */
static double min_interval(const struct conditions *c, size_t uses, bool times)
{
	double interval = 0;

	if (cond_has(c, COND_RATE) && c->rate.bps)
		interval = (double)uses * 8 * (double)conditions_charge(c, PROBE_FRAME) /
			   (LOAD * (double)c->rate.bps);
	/* Under jitter, packets in quick succession delay each other, to keep the order. */
	if (times)
		interval = fmax(interval, 2 * (double)uses * verify_jitter(c) / 1e3);
	return interval;
}

/* The lower bound for a path, whose hops are used by others, too. */
static double min_path_interval(const struct verify_path *path, const size_t *uses, bool times)
{
	double interval = min_interval(&path->up, uses[2 * path->from], times);

	interval = fmax(interval, min_interval(&path->path, 1, times));
	return fmax(interval, min_interval(&path->down, uses[2 * path->to + 1], times));
}

/* Sets the intervals; returns the longest. */
static double set_intervals(struct verify_run *run, const size_t *uses, double base, bool times)
{
	double longest = 0;

	for (size_t p = 0; p < run->path_count; p++) {
		double interval = fmax(base, min_path_interval(&run->paths[p], uses, times));

		run->probes[p].interval = interval;
		longest = fmax(longest, interval);
	}
	return longest;
}

static int set_spacing(struct verify_run *run, struct netsim_err *err)
{
	auto_free double *pace = calloc(2 * run->end_count + 1, sizeof(*pace));

	if (!pace)
		return err_oom(err);
	for (size_t p = 0; p < run->path_count; p++) {
		pace[2 * run->paths[p].from] += 1 / run->probes[p].interval;
		pace[2 * run->paths[p].to + 1] += 1 / run->probes[p].interval;
	}
	for (size_t p = 0; p < run->path_count; p++) {
		run->paths[p].up_every = 1e3 / pace[2 * run->paths[p].from];
		run->paths[p].down_every = 1e3 / pace[2 * run->paths[p].to + 1];
	}
	return 0;
}

struct progress_arg {
	struct verify_run *run;
	const char *what;
};

static bool report_progress(void *arg, double done)
{
	const struct progress_arg *t = arg;

	return verify_tell(t->run, t->what, done);
}

/*
 * Returns the seconds from MONOTONIC to REALTIME, by the quickest of some readings: one that is
 * interrupted would look like a clock that was set.
 */
static double clock_offset(void)
{
	int64_t least = INT64_MAX, offset = 0;

	for (int i = 0; i < OFFSET_TRIES; i++) {
		int64_t before = clock_ns(CLOCK_MONOTONIC), now = clock_ns(CLOCK_REALTIME);
		int64_t took = clock_ns(CLOCK_MONOTONIC) - before;

		if (took >= least)
			continue;
		least = took;
		offset = now - before - took / 2;
	}
	return (double)offset / 1e9;
}

/* Reads from the control path how late, and how lossy, this machine is at present. */
static void take_control(struct verify_run *run, const struct probe_seen *seen)
{
	if (!seen->received)
		return;
	run->timer_slack = fmax(run->timer_slack, seen->p90 - seen->min);
	run->stray = fmax(run->stray, 1 - (double)seen->received / seen->sent);
	run->stall =
		fmax(run->stall, seen->mean - seen->min + 3.29 * seen->sd / sqrt(seen->received));
	run->stall_sd = fmax(run->stall_sd, seen->sd);
}

/* Probes all paths and, at the same time, the scratch link as a control. */
static int probe_all(struct verify_run *run, struct probe *probe, const char *what, double seconds,
		     double settle, struct netsim_err *err)
{
	auto_free struct probe_path *probes = calloc(run->path_count + 1, sizeof(*probes));
	struct progress_arg progress = {run, what};
	const struct probe_plan plan = {.paths = probes,
					.path_count = run->path_count + (run->scratch != NULL),
					.seconds = seconds,
					.settle = settle,
					.progress = report_progress,
					.arg = &progress};
	double before = clock_offset();
	int r;

	if (!probes)
		return err_oom(err);
	memcpy(probes, run->probes, run->path_count * sizeof(*probes));
	probes[run->path_count] = (struct probe_path) {
		.from = run->link_count, .to = run->link_count + 1, .interval = CONTROL_EVERY};
	r = probe_run(probe, &plan, err);
	for (size_t p = 0; r == 0 && p < run->path_count; p++)
		run->probes[p].seen = probes[p].seen;
	if (r == 0)
		take_control(run, &probes[run->path_count].seen);

	if (r == 0 && fabs(clock_offset() - before) > CLOCK_STEP) {
		/* Not FAILED, which would be a verdict: nothing was judged. */
		r = err_set(err, NETSIM_ERR_ENV, -EAGAIN, NULL,
			    "the machine's clock was set during the measurement");
		err_hint(err, "run it again");
	}
	return r;
}

/* Computes how long to wait after the last probe, and whether ratios must be measured. */
static int look_ahead(struct verify_run *run, double *ret_settle, bool *ret_ratios,
		      struct netsim_err *err)
{
	struct dist_tables tables = {0};
	double longest = 0;
	int r = 0;

	*ret_ratios = false;
	for (size_t p = 0; r == 0 && p < run->path_count; p++) {
		struct verify_expect e = {0};

		if (verify_expect(&run->paths[p], &tables, &e) < 0)
			r = err_oom(err);
		longest = fmax(longest, e.delay + 6 * e.sd + e.slack);
		*ret_ratios |= e.loss > 0 || e.duplicate > 0;
	}
	dist_tables_done(&tables);
	*ret_settle = 0.15 + longest / 1e3;
	return r;
}

/* Returns how long to probe, in seconds, to distinguish a hop's loss from the whole path's. */
static double show_loss(const struct conditions *c, double all, size_t uses, double interval)
{
	double own = verify_loss(c);

	if (own <= 0 || own > 0.5)
		return 0;
	return SHOW_LOSS * verify_bursts(c) * all / (own * own) * interval / (double)uses;
}

/* Returns the seconds of probing that the losses of all hops need. */
static double ratio_seconds(const struct verify_run *run, const size_t *uses)
{
	double seconds = 0;

	for (size_t p = 0; p < run->path_count; p++) {
		const struct verify_path *path = &run->paths[p];
		double interval = run->probes[p].interval;
		double all = 1 - (1 - verify_loss(&path->up)) * (1 - verify_loss(&path->path)) *
					 (1 - verify_loss(&path->down));

		seconds = fmax(seconds, show_loss(&path->up, all, uses[2 * path->from], interval));
		seconds = fmax(seconds, show_loss(&path->path, all, 1, interval));
		seconds = fmax(seconds,
			       show_loss(&path->down, all, uses[2 * path->to + 1], interval));
	}
	return seconds;
}

/* A path that is probed with packets of a given size, and where its results go. */
struct size_probe {
	struct probe_path probe;
	struct probe_seen *ret;
};

/* Adds probes as large as may pass a path, and larger ones, as far as its links take them. */
static int add_size_probes(struct verify_run *run, size_t p, double interval,
			   struct size_probe *list)
{
	struct verify_path *path = &run->paths[p];
	const struct probe_path *probe = &run->probes[p];
	unsigned limit = verify_size_limit(path);
	unsigned from = run->links[probe->from].mtu, to = run->links[probe->to].mtu;
	int count = 0;

	path->fitting = path->oversized = (struct probe_seen) {0};
	path->takes_larger = (!from || limit < from) && (!to || limit < to);
	if (!limit || path->cut || path->skip || !path->seen.received)
		return 0;
	for (unsigned over = 0; over <= 1; over++) {
		if ((from && limit + over > from) || (to && limit + over > to))
			continue;
		list[count] =
			(struct size_probe) {*probe, over ? &path->oversized : &path->fitting};
		list[count].probe.bytes = limit + over;
		list[count++].probe.interval = fmax(SIZE_EVERY, 2 * interval * limit / PROBE_FRAME);
	}
	return count;
}

/* Probes the paths that only packets up to a size pass. */
static int measure_sizes(struct verify_run *run, struct probe *probe, const size_t *uses,
			 double settle, struct netsim_err *err)
{
	auto_free struct size_probe *list = calloc(2 * run->path_count + 1, sizeof(*list));
	auto_free struct probe_path *probes = calloc(2 * run->path_count + 1, sizeof(*probes));
	struct progress_arg progress = {run, "size"};
	struct probe_plan plan = {
		.paths = probes, .settle = settle, .progress = report_progress, .arg = &progress};
	int r;

	if (!list || !probes)
		return err_oom(err);
	for (size_t p = 0; p < run->path_count; p++)
		plan.path_count += (size_t)add_size_probes(
			run, p, min_path_interval(&run->paths[p], uses, true),
			list + plan.path_count);
	for (size_t i = 0; i < plan.path_count; i++) {
		probes[i] = list[i].probe;
		probes[i].interval = fmax(probes[i].interval, (double)plan.path_count / ALL_PPS);
		plan.seconds = fmax(plan.seconds, SIZE_PROBES * probes[i].interval);
	}
	plan.seconds = fmin(plan.seconds, MOST_TIME);
	r = plan.path_count ? probe_run(probe, &plan, err) : 0;
	for (size_t i = 0; r == 0 && i < plan.path_count; i++)
		*list[i].ret = probes[i].seen;
	return r;
}

/* After an interruption: marks the paths with too few probes, and that no sizes were measured. */
static void mark_unmeasured(struct verify_run *run)
{
	for (size_t p = 0; p < run->path_count; p++) {
		struct verify_path *path = &run->paths[p];

		path->sizes_unmeasured = true;
		if (path->skip || path->seen.sent >= LEAST_PROBES)
			continue;
		path->skip = path->unmeasured = true;
		if (path->path.has)
			path->why_path = VERIFY_INTERRUPTED;
	}
}

static int measure_paths(struct verify_run *run, struct probe *probe, struct netsim_err *err)
{
	auto_free size_t *uses = count_uses(run, err);
	double paths = (double)run->path_count, seconds, longest, settle = 0;
	size_t least_probes = run->quick ? LEAST_PROBES : 60;
	bool ratios = false;
	int r;

	if (!uses)
		return -ENOMEM;
	longest = set_intervals(run, uses, fmax(run->quick ? 0.025 : 0.04, paths / ALL_PPS), true);
	seconds = fmax(run->quick ? 1.5 : 4, (double)least_probes * longest);
	r = set_spacing(run, err);
	if (r == 0)
		r = look_ahead(run, &settle, &ratios, err);
	if (r == 0)
		r = probe_all(run, probe, "delay", fmin(seconds, run->quick ? 4 : MOST_TIME),
			      settle, err);
	for (size_t p = 0; r == 0 && p < run->path_count; p++)
		run->paths[p].seen = run->probes[p].seen;
	if (r == 0 && !run->stopped)
		r = measure_sizes(run, probe, uses, settle, err);
	if (run->stopped)
		mark_unmeasured(run);
	if (r < 0 || !ratios || run->stopped)
		return r;
	longest = set_intervals(run, uses, fmax(0.008, paths / ALL_MANY), false);
	seconds = run->quick ? 2 : fmax(8, 1000 * longest);
	seconds = fmin(fmax(seconds, ratio_seconds(run, uses)),
		       run->quick ? MOST_TIME / 4 : MOST_TIME);
	r = probe_all(run, probe, "loss", seconds, settle, err);
	for (size_t p = 0; r == 0 && p < run->path_count; p++)
		run->paths[p].many = run->probes[p].seen;
	return r;
}

/* Opens the scratch link, if possible, with a delay, which shows how late timers are. */
static void open_scratch(struct verify_run *run)
{
	struct netsim_err ignored = {0};
	bool tbf;

	if (scratch_open(run->own_fd, run->links[0].mtu, &run->scratch, &ignored) == 0)
		(void)scratch_shape(run->scratch, &(struct netem) {.delay = 5000000, .limit = 1000},
				    0, &tbf, &ignored);
}

/* Measures with sockets at all links and, after them, at the ends of the scratch link. */
static int measure_with(struct verify_run *run, struct probe_end *ends, struct netsim_err *err)
{
	size_t count = run->link_count;
	int r;

	memcpy(ends, run->links, count * sizeof(*ends));
	if (run->scratch)
		memcpy(ends + count, scratch_ends(run->scratch), 2 * sizeof(*ends));
	r = probe_open(run->own_fd, ends, count + (run->scratch ? 2 : 0), &run->probe, err);
	if (r < 0)
		return r;
	run->timer_slack = probe_timer_slack();
	run->stray = run->stall = run->stall_sd = 0;
	r = measure_paths(run, run->probe, err);
	if (r == 0 && !run->rate_count)
		r = verify_run_rates(run, run->probe, err);
	probe_close(run->probe);
	run->probe = NULL;
	return r;
}

int verify_measure(struct verify_run *run, struct netsim_err *err)
{
	auto_free struct probe_end *ends = calloc(run->link_count + 2, sizeof(*ends));
	int r;

	if (!run->path_count)
		return 0;
	if (!ends)
		return err_oom(err);
	open_scratch(run);
	r = measure_with(run, ends, err);
	scratch_close(run->scratch);
	run->scratch = NULL;
	return r;
}
