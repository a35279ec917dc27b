// SPDX-License-Identifier: GPL-2.0-or-later
/* run: a scenario, from bringing up the fleet to the verdict. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "netsim/api/run_parts.h"
#include "netsim/api/run_verdict.h"
#include "netsim/fleet/lock.h"
#include "netsim/run/cgroup.h"
#include "netsim/run/thread.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"

#define PROGRESS_INTERVAL 100000000LL /* ns */
#define SCENARIO_MOST	  (16U << 20) /* bytes of the file */

/* --- the folder */

/* Without a name given: "netsim-run-SCENARIO-DATE-TIME" below the current folder. */
static void name_folder(const struct run *run, char name[static PATH_MAX])
{
	time_t now = time(NULL);
	char date[32];
	struct tm local;

	localtime_r(&now, &local);
	strftime(date, sizeof(date), "%Y-%m-%d-%H%M%S", &local);
	if (run->o.folder)
		snprintf(name, PATH_MAX, "%s", run->o.folder);
	else
		snprintf(name, PATH_MAX, "netsim-run-%s-%s", run->s->name.s, date);
}

static int make_folder(struct run *run, struct netsim_err *err)
{
	char name[PATH_MAX], path[PATH_MAX], events[PATH_MAX + 16];

	name_folder(run, name);
	if (mkdir(name, 0755) < 0 && errno != EEXIST)
		return err_errno(err, -errno, NULL, "cannot create the folder %s", name);
	if (!realpath(name, path) || strlen(path) >= sizeof(run->folder))
		return err_errno(err, -errno, NULL, "cannot use the folder %s", name);
	memcpy(run->folder, path, strlen(path) + 1);
	snprintf(events, sizeof(events), "%s/events.jsonl", path);
	if (access(events, F_OK) < 0)
		return 0;
	err_set(err, NETSIM_ERR_USAGE, -EEXIST, NULL, "%s has a run already", name);
	err_hint(err, "name another folder, or remove that one");
	return -EEXIST;
}

static int copy_scenario(struct run *run)
{
	auto_buf struct buf text = {0};
	auto_fclose FILE *f = fopen(run->s->file, "re");
	int r = f ? buf_read(&text, fileno(f), SCENARIO_MOST) : -errno;

	return r == 0 ? run_write_file(run->folder, "scenario.yaml", text.data ? text.data : "") :
			r;
}

static int write_plan(struct run *run)
{
	auto_free char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	timeline_print(run->plan, run->s, out);
	fclose(out);
	return run_write_file(run->folder, "plan.txt", text);
}

static int open_folder(struct run *run, struct netsim_err *err)
{
	int r = make_folder(run, err);

	if (r == 0)
		r = run_make_inside(run, "logs", err);
	if (r == 0)
		r = run_make_inside(run, "data", err);
	if (r == 0)
		r = recorder_open(run->folder, &run->rec, err);
	if (r < 0)
		return r;
	r = copy_scenario(run);
	if (r == 0)
		r = write_plan(run);
	if (r < 0)
		run_note(run, "cannot write scenario.yaml and plan.txt: %s", strerror(-r));
	return 0;
}

/* --- begin */

static void record_about(struct run *run, const char *name, const char *value)
{
	if (value && *value)
		recorder_event(run->rec, (struct event) {.kind = EVENT_ABOUT}, name, value);
}

/* Records the settings, and the versions of netsim and kernel: a report reads only evidence. */
static void record_conditions(struct run *run)
{
	const struct scenario *s = run->s;
	struct utsname kernel = {0};
	char seed[24], varied[512];

	uname(&kernel);
	snprintf(seed, sizeof(seed), "%" PRIu64, s->seed);
	record_about(run, "why", s->why.s);
	record_about(run, "fleet", s->topo->fleet);
	record_about(run, "profile", s->profile ? s->profile->name : "none");
	record_about(run, "seed", seed);
	if (s->varied) {
		err_format(varied, sizeof(varied), "%s %s: %s", s->instead.key, s->instead.value,
			   s->varied);
		record_about(run, "varied", varied);
	}
	record_about(run, "netsim", netsim_version());
	record_about(run, "kernel", kernel.release);
}

static void record_begin(struct run *run)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	recorder_event(run->rec, (struct event) {.kind = EVENT_RUN_BEGIN}, run->s->name.s, host);
	record_conditions(run);
	for (size_t p = 0; p < run->s->phase_count; p++) {
		const struct phase *phase = run->s->phases[p];
		struct event event = {.kind = EVENT_EXPECTED,
				      .phase = recorder_name(run->rec, phase->name),
				      .repetition = phase->repeated ? phase->repeat : 0};

		for (size_t i = 0; i < phase->expect_count; i++)
			recorder_event(run->rec, event, phase->expect[i]->e.text, NULL);
	}
}

static int clean_survivors(struct run *run, struct netsim_err *err)
{
	const char *fleet = run->s->topo->fleet;
	struct cgroup_processes found = {0};
	uint64_t id = run->ctx->state.own_id;
	int r = cgroup_processes(fleet, id, CGROUP_WORKLOADS, &found, err);

	if (r == 0)
		r = cgroup_remove_fleet(fleet, id, CGROUP_WORKLOADS, err);
	if (r == 0 && found.count)
		run_note(run, "killed %zu process%s of an earlier run", found.count,
			 found.count == 1 ? "" : "es");
	cgroup_processes_done(&found);
	return r;
}

static int look_whether_up(struct run *run, bool *ret, struct netsim_err *err)
{
	struct netsim_status *status = NULL;
	int r = netsim_status(run->ctx, NULL, &status, err);

	*ret = false;
	for (size_t i = 0; r == 0 && i < status->fleet_count; i++)
		*ret |= strcmp(status->fleets[i]->name, run->s->topo->fleet) == 0;
	netsim_status_free(status);
	return r;
}

static int heal_old_faults(struct run *run, struct netsim_err *err)
{
	const struct netsim_heal_opts how =
		NETSIM_OPTS(struct netsim_heal_opts, .fleet = run->s->topo->fleet);
	struct netsim_heal *healed = NULL;
	int r = netsim_heal(run->ctx, &how, &healed, err);

	if (r == 0 && healed->fault_count)
		run_note(run, "healed %zu fault%s that %s in force before", healed->fault_count,
			 healed->fault_count == 1 ? "" : "s",
			 healed->fault_count == 1 ? "was" : "were");
	netsim_heal_free(healed);
	return r;
}

static int start_all(struct run *run, struct netsim_err *err)
{
	int r = work_prepare(run, err);

	if (r == 0)
		r = cluster_prepare(run, err);
	for (size_t i = 0; r == 0 && i < run->s->workload_count; i++) {
		const struct workload *w = run->s->workloads[i];

		if (run_is_halted(run))
			return err_canceled(err);
		r = w->kind == WORKLOAD_LEDGER ? ledgers_start(run, w, err) :
		    w->kind == WORKLOAD_BLOCKS ? blocks_start(run, w, err) :
						 work_start(run, w, err);
	}
	if (r == 0)
		r = probes_start(run, err);
	if (r == 0)
		r = watch_start(run, err);
	if (r == 0)
		r = metrics_start(run, err);
	return r;
}

static int begin(struct run *run, struct netsim_err *err)
{
	int r = netsim_open(&run->ctx, err);

	if (r == 0)
		r = clean_survivors(run, err);
	if (r == 0)
		r = look_whether_up(run, &run->was_up, err);
	if (r == 0)
		r = run_bring_up(run, &run->diags, err);
	if (r == 0 && run->was_up)
		r = heal_old_faults(run, err);
	if (r == 0)
		r = run_apply_profile(run, err);
	if (r == 0 && run->o.verify)
		r = asked_verify(run, err);
	if (r == 0 && run->o.traffic)
		r = traffic_start(run, err);
	return r == 0 ? start_all(run, err) : r;
}

/* --- end */

/* Heals, and reads back whether any fault is left. */
static void heal_all(struct run *run)
{
	const struct netsim_heal_opts all = NETSIM_OPTS(struct netsim_heal_opts, .fleet = NULL);
	const struct netsim_status_opts how =
		NETSIM_OPTS(struct netsim_status_opts, .fleet = run->s->topo->fleet);
	struct netsim_status *status = NULL;
	struct netsim_err err = {0};
	int r = faults_heal(run, &all, &err);

	if (r == 0)
		r = work_continue_all(run, &err);
	if (r == 0)
		r = netsim_status(run->ctx, &how, &status, &err);
	if (r < 0)
		recorder_event(run->rec, (struct event) {.kind = EVENT_NOT_HEALED}, NULL, err.what);
	else if (status->fleets[0]->fault_count)
		recorder_event(run->rec, (struct event) {.kind = EVENT_NOT_HEALED}, NULL,
			       status->fleets[0]->faults[0]->text);
	else
		recorder_event(run->rec, (struct event) {.kind = EVENT_HEALED}, NULL, NULL);
	netsim_status_free(status);
}

static int take_down(struct run *run, struct netsim_err *err)
{
	const struct netsim_down_opts how =
		NETSIM_OPTS(struct netsim_down_opts, .fleet = run->s->topo->fleet);
	struct netsim_down *down = NULL;
	bool is_up = false;
	int r;

	if (!run->is_up || run->was_up || run->o.keep)
		return 0;
	r = netsim_down(run->ctx, &how, &down, err);
	netsim_down_free(down);
	if (r == 0)
		r = look_whether_up(run, &is_up, err);
	if (r == 0 && is_up)
		r = err_set(err, NETSIM_ERR_KERNEL, -EBUSY, NULL, "the fleet %s is still up",
			    run->s->topo->fleet);
	return r;
}

static int add_kept(struct run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int add_kept(struct run *run, const char *fmt, ...)
{
	char **slot = array_push(run->kept, run->kept_count), text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (slot)
		*slot = strdup(text);
	return slot && *slot ? 0 : -ENOMEM;
}

/* Lists what stays: the fleet, and the processes that the kernel shows. */
static int list_kept(struct run *run, const struct cgroup_processes *found, struct netsim_err *err)
{
	int r = run->is_up ? add_kept(run, "the fleet %s", run->s->topo->fleet) : 0;

	for (size_t i = 0; r == 0 && i < found->count; i++) {
		char *at = strrchr(found->list[i].member, '@');

		if (at)
			*at = '/';
		r = add_kept(run, "process %d of %s", found->list[i].pid, found->list[i].member);
	}
	return r < 0 ? err_oom(err) : 0;
}

/* Reads back that no process is left, or which ones are kept. */
static int look_for_processes(struct run *run, struct netsim_err *err)
{
	struct cgroup_processes found = {0};
	int r = cgroup_processes(run->s->topo->fleet, run->ctx->state.own_id, CGROUP_WORKLOADS,
				 &found, err);

	if (r == 0 && run->o.keep)
		r = list_kept(run, &found, err);
	else if (r == 0 && found.count)
		r = err_set(err, NETSIM_ERR_KERNEL, -EBUSY, NULL, "process %d of %s still runs",
			    found.list[0].pid, found.list[0].member);
	cgroup_processes_done(&found);
	return r;
}

/* Ends workloads and fleet, and reads back that nothing is left but what is kept. */
static void end_all(struct run *run)
{
	struct netsim_err err = {0};
	int r, end;

	ledgers_end(run);
	blocks_end(run);
	probes_stop(run);
	watch_stop(run);
	metrics_stop(run);
	traffic_stop(run);
	r = work_end(run, &err);
	end = take_down(run, &err);
	r = r < 0 ? r : end;
	if (r == 0)
		r = look_for_processes(run, &err);
	if (r < 0)
		recorder_event(run->rec, (struct event) {.kind = EVENT_LEFT}, NULL, err.what);
	else
		recorder_event(run->rec, (struct event) {.kind = EVENT_CLEAN}, NULL,
			       run->kept_count ? "but what was to be kept" : NULL);
}

static void conduct(void *arg)
{
	struct run *run = arg;
	const struct sched_param normal = {0};
	int r = begin(run, &run->err);

	if (r == 0) {
		timeline_run(run);
		sched_setscheduler(0, SCHED_OTHER, &normal);
		heal_all(run);
	} else if (run->ctx) {
		recorder_event(run->rec, (struct event) {.kind = EVENT_ABORTED, .status = r}, NULL,
			       run->err.what);
	}
	if (run->ctx)
		end_all(run);
	pthread_mutex_lock(&run->lock_shared);
	run->code = r;
	run->done = true;
	pthread_cond_broadcast(&run->changed);
	pthread_mutex_unlock(&run->lock_shared);
}

/* --- progress */

static const char *now_text(const struct timeline_entry *entry, char *buf, size_t size)
{
	char time[UNIT_TEXT];

	if (entry->kind == TIMELINE_COMMAND)
		err_format(buf, size, "%s", entry->command->text);
	else if (entry->kind == TIMELINE_HEAL)
		err_format(buf, size, "heal");
	else
		err_format(buf, size, "%s for %s", entry->kind == TIMELINE_HOLD ? "hold" : "pause",
			   unit_format_duration((struct duration) {entry->lasts_ns}, time));
	return buf;
}

/* Shows the present entry and the next command. */
static bool show(struct run *run, const struct timeline_entry *entry, int64_t begin)
{
	const struct timeline_entry *end = run->plan->list + run->plan->count;
	struct netsim_run_progress progress = {.elapsed_ns = begin ? run_now() - begin : -1,
					       .length_ns = run->plan->length_ns,
					       .probes = "",
					       .folder = run->folder};
	char now[160], probes[256] = "";

	if (entry) {
		progress.phase = entry->phase->name;
		progress.repetition = entry->phase->repeated ? entry->repetition : 0;
		progress.repetitions = entry->phase->repeated ? entry->phase->repeat : 0;
		progress.now = now_text(entry, now, sizeof(now));
		while (++entry < end && entry->kind != TIMELINE_COMMAND)
			;
		if (entry < end) {
			progress.next = entry->command->text;
			progress.next_in_ns = begin + entry->at_ns - run_now();
		}
		probes_text(run, probes, sizeof(probes));
		progress.probes = probes;
	}
	return run->o.progress(run->o.arg, &progress);
}

/* Waits for the conductor, and shows the progress meanwhile. */
static void follow(struct run *run)
{
	pthread_mutex_lock(&run->lock_shared);
	while (!run->done) {
		int64_t until = run_now() + PROGRESS_INTERVAL;
		struct timespec at = {until / 1000000000, until % 1000000000};
		const struct timeline_entry *entry = run->entry;
		int64_t begin = run->begin;

		pthread_mutex_unlock(&run->lock_shared);
		if (run->o.progress && show(run, entry, begin) && !run->interrupted) {
			run->interrupted = true;
			run_halt(run, false, "interrupted");
		}
		pthread_mutex_lock(&run->lock_shared);
		if (!run->done)
			pthread_cond_clockwait(&run->changed, &run->lock_shared, CLOCK_MONOTONIC,
					       &at);
	}
	pthread_mutex_unlock(&run->lock_shared);
}

/* --- the result */

/* Copies texts into the result; NULL: out of memory. */
static const char **copy_texts(struct netsim_run *ret, char **texts, size_t count)
{
	const char **copy = arena_alloc(ret, (count + 1) * sizeof(*copy));

	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = arena_strdup(ret, texts[i]);
		if (!copy[i])
			return NULL;
	}
	return copy;
}

static int add_texts(struct run *run, struct netsim_run *ret)
{
	ret->notes = copy_texts(ret, run->notes, run->note_count);
	ret->kept = copy_texts(ret, run->kept, run->kept_count);
	if (!ret->notes || !ret->kept)
		return -ENOMEM;
	ret->note_count = run->note_count;
	ret->kept_count = run->kept_count;
	return 0;
}

static int judge(struct run *run, struct netsim_run **ret, struct netsim_err *err)
{
	const char *why;
	const struct evidence *ev = recorder_finish(run->rec, &why);
	struct netsim_run *result = NULL;
	int r = ev ? run_judge(ev, &result, err) : err_oom(err), code;

	if (r < 0)
		return r;
	code = run_write_file(run->folder, "verdict.json", result->json);
	if (code == 0)
		code = run_write_file(run->folder, "junit.xml", result->junit);
	result->interrupted = run->interrupted;
	if (run_add_folder(result, run->folder) < 0) {
		netsim_run_free(result);
		return err_oom(err);
	}
	if (*why)
		result->unwritten = arena_strdup(result, why);
	else if (code < 0)
		result->unwritten =
			arena_printf(result, "cannot write the verdict: %s", strerror(-code));
	if (add_texts(run, result) < 0 || ((*why || code < 0) && !result->unwritten)) {
		netsim_run_free(result);
		return err_oom(err);
	}
	result->traffic = traffic_take(run);
	if (run->traffic && result->verdict == NETSIM_AS_ASKED && !run->o.packets)
		traffic_discard(run);
	*ret = result;
	return 0;
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void run_done(struct run *run)
{
	ledgers_free(run);
	blocks_free(run);
	probes_free(run);
	watch_stop(run);
	traffic_free(run);
	cluster_free(run);
	work_free(run);
	faults_free(run);
	asked_free(run);
	recorder_close(run->rec);
	free_texts(run->notes, run->note_count);
	free_texts(run->kept, run->kept_count);
	netsim_close(run->ctx);
	if (run->lock >= 0)
		lock_end_run(run->s->topo->fleet, run->lock);
	timeline_free(run->plan);
	scenario_free(run->s);
	pthread_cond_destroy(&run->changed);
	pthread_mutex_destroy(&run->lock_shared);
	free(run);
}

static int run_all(struct run *run, struct netsim_run **ret, struct netsim_diags *diags,
		   struct netsim_err *err)
{
	pthread_t conductor;
	int r = lock_begin_run(run->s->topo->fleet, &run->lock, err);

	if (r == 0)
		r = open_folder(run, err);
	if (r < 0)
		return r;
	record_begin(run);
	r = thread_start(NULL, conduct, run, &conductor, err);
	if (r < 0)
		return r;
	follow(run);
	pthread_join(conductor, NULL);
	if (run->code < 0) {
		if (diags && run->diags.count)
			*diags = run->diags;
		if (err)
			*err = run->err;
		if (err && run->kept_count && !*err->hint)
			err_hint(err, "what was begun is kept: netsim down %s removes it",
				 run->s->topo->fleet);
		return run->code;
	}
	return judge(run, ret, err);
}

int netsim_run(const char *path, const struct netsim_run_opts *opts, struct netsim_run **ret,
	       struct netsim_diags *diags, struct netsim_err *err)
{
	struct run *run = calloc(1, sizeof(*run));
	int r = run ? opts_read(&run->o, sizeof(run->o), opts, err) : err_oom(err);

	if (r < 0) {
		free(run);
		return r;
	}
	run->lock = -1;
	pthread_mutex_init(&run->lock_shared, NULL);
	pthread_cond_init(&run->changed, NULL);
	r = run_load(path, &run->o, &run->s, &run->plan, diags);
	if (r == -ENOMEM)
		err_oom(err);
	if (r == 0)
		r = run_all(run, ret, diags, err);
	run_done(run);
	return r;
}
