/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "interrupt.h"
#include "out.h"
#include "progress.h"
#include "report.h"
#include "report_html.h"
#include "run_print.h"

#define TRAFFIC_ROWS 100 /* of each list */

struct run_args {
	struct common common;
	const char *out, *junit, *annotations, *seed, *profile;
	bool keep, pcap, traffic;
};

static const struct netsim_opt opts[] = {
	{0, "out", NETSIM_OPT_TEXT, offsetof(struct run_args, out), "DIR",
	 "the folder for the evidence"},
	{0, "junit", NETSIM_OPT_TEXT, offsetof(struct run_args, junit), "FILE",
	 "also write the verdict as JUnit XML"},
	{0, "annotations", NETSIM_OPT_TEXT, offsetof(struct run_args, annotations), "FILE",
	 "also write the faults as Grafana annotations"},
	{0, "seed", NETSIM_OPT_TEXT, offsetof(struct run_args, seed), "NUMBER",
	 "use this seed instead of the scenario's"},
	{0, "profile", NETSIM_OPT_TEXT, offsetof(struct run_args, profile), "PROFILE",
	 "apply this profile, or none, instead of the scenario's"},
	{0, "keep", NETSIM_OPT_FLAG, offsetof(struct run_args, keep), NULL,
	 "leave the fleet up, and the data of workloads"},
	{0, "pcap", NETSIM_OPT_FLAG, offsetof(struct run_args, pcap), NULL,
	 "keep the captured packets even if nothing failed"},
	{0, "traffic", NETSIM_OPT_FLAG, offsetof(struct run_args, traffic), NULL,
	 "measure and capture the traffic, too"},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static bool stop(void *arg, const struct netsim_run_progress *progress)
{
	(void)arg;
	(void)progress;
	return interrupted();
}

static void show(const struct netsim_run_progress *p)
{
	char where[96] = "", next[160] = "";

	if (!p->phase) {
		progress_line(p->elapsed_ns < 0 ? "starting" : "ending");
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
	progress_line("%.0f/%.0f s %s: %s%s%s%s", (double)p->elapsed_ns / 1e9,
		      (double)p->length_ns / 1e9, where, p->now, *p->probes ? "; " : "", p->probes,
		      next);
}

static bool show_progress(void *arg, const struct netsim_run_progress *progress)
{
	show(progress);
	return stop(arg, progress);
}

static int read_seed(const char *text, struct netsim_run_opts *how, struct netsim_err *err)
{
	char *end = NULL;

	if (!text)
		return 0;
	errno = 0;
	how->seed = strtoull(text, &end, 10);
	how->seeded = true;
	if (*text < '0' || *text > '9' || *end || errno)
		return usage_error(err, &cmd_run, "--seed: \"%s\" is not a number", text);
	return 0;
}

/* "none" means no profile; a profile of that name must be given as a path. */
static int find_profile(const char *name, char *path, size_t size, struct netsim_err *err)
{
	if (strcmp(name, "none") != 0)
		return netsim_find(NETSIM_FILE_PROFILE, name, path, size, err);
	snprintf(path, size, "%s", name);
	return 0;
}

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

static int run_it(const struct run_args *args, const char *path, const struct netsim_run_opts *how,
		  struct netsim_err *err)
{
	const struct common *common = &args->common;
	struct netsim_diags diags = {0};
	struct netsim_run *run = NULL;
	int r;

	interrupt_catch();
	r = netsim_run(path, how, &run, &diags, err);
	progress_clear();
	r = report_file(r, common, &diags, err);
	if (r < 0 && interrupted()) {
		print_error(err);
		return EXIT_INTERRUPTED;
	}
	if (r != 0)
		return r;
	if (!run->unwritten)
		draw(run);
	run_print(common, run);
	r = run_write_junit(run, args->junit, err);
	if (r == 0)
		r = run_write_annotations(run, args->annotations, err);
	if (r == 0)
		r = run->interrupted ? EXIT_INTERRUPTED : run_status(run);
	netsim_run_free(run);
	return r;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct run_args *args = p;
	struct netsim_run_opts how =
		NETSIM_OPTS(struct netsim_run_opts, .folder = args->out, .keep = args->keep,
			    .packets = args->pcap, .traffic = args->traffic || args->pcap,
			    .progress = progress_wanted(&args->common) ? show_progress : stop);
	struct netsim_diags diags = {0};
	char path[4096], profile[4096];
	int r = read_seed(args->seed, &how, err);

	if (r == 0 && args->profile)
		r = find_profile(args->profile, profile, sizeof(profile), err);
	if (args->profile)
		how.profile = profile;

	if (r == 0)
		r = netsim_find(NETSIM_FILE_SCENARIO, args->common.words[0], path, sizeof(path),
				err);
	if (r < 0)
		return r;
	if (args->common.dry)
		return report_file(netsim_run_plan(path, &how, stdout, &diags, err), &args->common,
				   &diags, err);
	return run_it(args, path, &how, err);
}

static const struct netsim_syntax syntax = {
	.args = "SCENARIO",
	.summary = "Run a scenario: workloads, probes, faults; judge its expectations.",
	.opts = opts,
	.min = 1,
	.max = 1,
};

const struct cmd cmd_run = {
	.name = "run",
	.syntax = &syntax,
	.size = sizeof(struct run_args),
	.run = run,
};
