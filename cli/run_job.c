/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "interrupt.h"
#include "out.h"
#include "progress.h"
#include "report.h"
#include "report_html.h"
#include "run_print.h"

#define TRAFFIC_ROWS 100 /* of each list */

/* --- the scenarios */

/* The name of a file, without folders and suffix. */
static void base_name(const char *path, char ret[static 112])
{
	const char *base = strrchr(path, '/');

	snprintf(ret, 112, "%.111s", base ? base + 1 : path);
	if (strrchr(ret, '.') > ret)
		*strrchr(ret, '.') = '\0';
}

/* Names a job like its file, and its profile; a name that repeats gets a number. */
static void name_job(struct run_jobs *jobs, struct run_job *job)
{
	char file[112], profile[112] = "", name[232];
	size_t same = 0, i = (size_t)(job - jobs->list);

	base_name(job->path, file);
	if (job->profile)
		base_name(job->profile, profile);
	snprintf(name, sizeof(name), "%s%s%s", file, *profile ? "-" : "", profile);
	snprintf(job->name, sizeof(job->name), "%s", name);
	while (i > 0)
		if (strcmp(jobs->list[--i].name, job->name) == 0) {
			snprintf(job->name, sizeof(job->name), "%s-%zu", name, ++same + 1);
			i = (size_t)(job - jobs->list);
		}
}

static size_t count_words(char *const *words)
{
	size_t count = 0;

	while (words[count])
		count++;
	return count;
}

int run_jobs_find(struct run_jobs *jobs, char **words, char *const *profiles,
		  struct netsim_err *err)
{
	size_t scenarios = count_words(words), count = scenarios;
	int r = 0;

	if (profiles)
		count *= count_words(profiles);
	jobs->list = calloc(count + 1, sizeof(*jobs->list));
	if (!jobs->list) {
		err->kind = NETSIM_ERR_ENV;
		snprintf(err->what, sizeof(err->what), "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct run_job *job = &jobs->list[jobs->count++];

		r = netsim_find(NETSIM_FILE_SCENARIO, words[i % scenarios], job->path,
				sizeof(job->path), err);
		job->profile = profiles ? profiles[i / scenarios] : NULL;
		if (r == 0)
			name_job(jobs, job);
	}
	if (r < 0)
		run_jobs_done(jobs);
	return r;
}

void run_jobs_done(struct run_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++)
		netsim_run_free(jobs->list[i].run);
	free(jobs->list);
	jobs->list = NULL;
	jobs->count = 0;
}

int run_jobs_folders(struct run_jobs *jobs, const char *out, const char **ret,
		     struct netsim_err *err)
{
	static char folder[3072];
	time_t now = time(NULL);
	struct tm local;

	localtime_r(&now, &local);
	if (out)
		snprintf(folder, sizeof(folder), "%s", out);
	else
		strftime(folder, sizeof(folder), "netsim-run-%Y-%m-%d-%H%M%S", &local);
	if (mkdir(folder, 0755) < 0 && errno != EEXIST) {
		err->kind = NETSIM_ERR_ENV;
		err->code = -errno;
		snprintf(err->what, sizeof(err->what), "cannot create the folder %.200s: %s",
			 folder, strerror(errno));
		return err->code;
	}
	for (size_t i = 0; i < jobs->count; i++)
		snprintf(jobs->list[i].folder, sizeof(jobs->list[i].folder), "%s/%s", folder,
			 jobs->list[i].name);
	*ret = folder;
	return 0;
}

/* --- progress */

struct following {
	const struct run_jobs *jobs;
	const struct run_job *job;
};

static void show(const struct netsim_run_progress *p, const char *prefix)
{
	char where[96] = "", next[160] = "";

	if (!p->phase) {
		progress_line("%s%s", prefix, p->elapsed_ns < 0 ? "starting" : "ending");
		return;
	}
	if (p->repetitions)
		snprintf(where, sizeof(where), "%.60s %u/%u", p->phase, p->repetition,
			 p->repetitions);
	else
		snprintf(where, sizeof(where), "%.60s", p->phase);
	if (p->next)
		snprintf(next, sizeof(next), "; in %.0f s: %.80s",
			 p->next_in_ns > 0 ? (double)p->next_in_ns / 1e9 : 0.0, p->next);
	progress_line("%s%.0f/%.0f s %s: %s%s%s%s", prefix, (double)p->elapsed_ns / 1e9,
		      (double)p->length_ns / 1e9, where, p->now, *p->probes ? "; " : "", p->probes,
		      next);
}

static bool follow(void *arg, const struct netsim_run_progress *progress)
{
	const struct following *f = arg;
	char prefix[96] = "";

	if (f->jobs->count > 1)
		snprintf(prefix, sizeof(prefix),
			 "%zu/%zu %.60s: ", (size_t)(f->job - f->jobs->list) + 1, f->jobs->count,
			 f->job->name);
	if (progress_wanted(f->jobs->common))
		show(progress, prefix);
	return interrupted();
}

/* --- one run */

static void warn_unwritten(const char *path, const char *why)
{
	fprintf(stderr, "netsim: warning: cannot write %s: %s\n", path, why);
}

/* The verdict counts even if the pages and measure.json cannot be written. */
static void draw(const struct netsim_run *run)
{
	const struct analyze_view all = {.top = TRAFFIC_ROWS, .verbose = true};
	json_t *traffic = run->traffic ? measurement_object(run->traffic, &all) : NULL;
	struct netsim_err err = {0};
	char path[4096], title[128];

	if (traffic) {
		snprintf(path, sizeof(path), "%s/measure.json", run->folder);
		if (json_dump_file(traffic, path, JSON_COMPACT | JSON_DIGITS) < 0)
			warn_unwritten(path, strerror(errno));
		snprintf(path, sizeof(path), "%s/traffic.html", run->folder);
		snprintf(title, sizeof(title), "%s: traffic", run->scenario);
		if (page_write(path, title, json_incref(traffic), &err) < 0)
			warn_unwritten(path, err.kernel);
	}
	snprintf(path, sizeof(path), "%s/report.html", run->folder);
	if (page_write_run(path, run, traffic, &err) < 0)
		warn_unwritten(path, err.kernel);
	json_decref(traffic);
}

/* The status of a job without a verdict; an error in its file is printed by report_file(). */
static int not_run(const struct run_jobs *jobs, struct run_job *job, int r,
		   const struct netsim_diags *diags)
{
	struct common common = *jobs->common;

	common.json &= jobs->count == 1;
	r = report_file(r, &common, diags, &job->err);
	if (r > 0) {
		job->err = diags->list[0];
		job->status = r;
	} else {
		job->status = interrupted() ? EXIT_INTERRUPTED : exit_status(job->err.kind);
	}
	return r;
}

struct netsim_run_opts run_job_how(const struct run_jobs *jobs, const struct run_job *job)
{
	struct netsim_run_opts how = *jobs->how;

	if (job->profile)
		how.profile = job->profile;
	return how;
}

int run_job_do(const struct run_jobs *jobs, struct run_job *job)
{
	struct following following = {jobs, job};
	struct netsim_run_opts how = run_job_how(jobs, job);
	struct netsim_diags diags = {0};
	int r;

	interrupt_catch();
	if (*job->folder)
		how.folder = job->folder;
	how.progress = follow;
	how.arg = &following;
	r = netsim_run(job->path, &how, &job->run, &diags, &job->err);
	progress_clear();
	if (r < 0)
		return not_run(jobs, job, r, &diags);
	print_diags(&diags);
	if (!job->run->unwritten)
		draw(job->run);
	job->status = job->run->interrupted ? EXIT_INTERRUPTED : run_status(job->run);
	return 0;
}
