/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "interrupt.h"
#include "out.h"
#include "run_edge.h"
#include "run_job.h"
#include "run_print.h"

struct run_args {
	struct common common;
	const char *out, *junit, *annotations, *seed, *profile, *edge, *within;
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
	{0, "edge", NETSIM_OPT_TEXT, offsetof(struct run_args, edge), "'KEY A..B'",
	 "find the value of KEY between A and B that is borne"},
	{0, "within", NETSIM_OPT_TEXT, offsetof(struct run_args, within), "SHARE",
	 "how near --edge comes (10%)"},
	{0, "keep", NETSIM_OPT_FLAG, offsetof(struct run_args, keep), NULL,
	 "leave the fleet up, and the data of workloads"},
	{0, "pcap", NETSIM_OPT_FLAG, offsetof(struct run_args, pcap), NULL,
	 "keep the captured packets even if nothing failed"},
	{0, "traffic", NETSIM_OPT_FLAG, offsetof(struct run_args, traffic), NULL,
	 "measure and capture the traffic, too"},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

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

/* Prints the plan of each scenario. */
static int print_plans(const struct run_jobs *jobs, FILE *out, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < jobs->count; i++) {
		struct netsim_diags diags = {0};

		r = netsim_run_plan(jobs->list[i].path, jobs->how, out, &diags, err);
		r = report_file(r, jobs->common, &diags, err);
	}
	return r;
}

/* Makes the plans of all scenarios, so that a mistake in one is reported before any is run. */
static int check_all(const struct run_jobs *jobs, struct netsim_err *err)
{
	FILE *out = fopen("/dev/null", "we");
	int r = out ? print_plans(jobs, out, err) : 0;

	if (out)
		fclose(out);
	return r;
}

/* Returns an exit status if the file is wrong: then there is nothing to report. */
static int run_one(const struct run_jobs *jobs)
{
	struct run_job *job = &jobs->list[0];
	int r = run_job_do(jobs, job);

	if (r < 0 && jobs->common->json)
		print_json_error(&job->err);
	if (r < 0)
		print_error(&job->err);
	if (r == 0)
		run_print(jobs->common, job->run);
	return r > 0 ? r : 0;
}

/* A run that cannot be run does not prevent the next one, but a signal does. */
static int run_several(struct run_jobs *jobs, const char *out, struct netsim_err *err)
{
	const struct common *common = jobs->common;
	const char *folder;
	int r = check_all(jobs, err);

	if (r == 0)
		r = run_jobs_folders(jobs, out, &folder, err);
	if (r != 0)
		return r;
	for (size_t i = 0; i < jobs->count; i++) {
		struct run_job *job = &jobs->list[i];

		job->status = EXIT_INTERRUPTED;
		if (interrupted())
			continue;
		r = run_job_do(jobs, job);
		if (r < 0)
			print_error(&job->err);
		if (r == 0 && !common->quiet && !common->json)
			run_print(common, job->run);
	}
	run_jobs_print(jobs, folder);
	return 0;
}

static int run_all(const struct run_args *args, struct run_jobs *jobs, struct netsim_err *err)
{
	int r = jobs->count == 1 ? run_one(jobs) : run_several(jobs, args->out, err);

	if (r == 0)
		r = run_jobs_write_junit(jobs, args->junit, err);
	if (r == 0)
		r = run_jobs_write_annotations(jobs, args->annotations, err);
	return r == 0 ? run_jobs_status(jobs) : r;
}

static int check_args(const struct run_args *args, struct netsim_err *err)
{
	if (args->keep && args->common.count > 1)
		return usage_error(err, &cmd_run, "--keep takes one scenario");
	if (args->within && !args->edge)
		return usage_error(err, &cmd_run, "--within belongs to --edge");
	if (args->edge && args->common.count > 1)
		return usage_error(err, &cmd_run, "--edge takes one scenario");
	if (args->edge && (args->keep || args->junit || args->annotations))
		return usage_error(err, &cmd_run, "--edge and --%s exclude each other",
				   args->keep  ? "keep" :
				   args->junit ? "junit" :
						 "annotations");
	return 0;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct run_args *args = p;
	struct netsim_run_opts how =
		NETSIM_OPTS(struct netsim_run_opts, .folder = args->out, .keep = args->keep,
			    .packets = args->pcap, .traffic = args->traffic || args->pcap);
	const struct run_edge edge = {args->edge, args->within, args->out};
	struct run_jobs jobs = {&args->common, &how, NULL, 0};
	char profile[4096];
	int r = check_args(args, err);

	if (r == 0)
		r = read_seed(args->seed, &how, err);
	if (r == 0 && args->profile)
		r = find_profile(args->profile, profile, sizeof(profile), err);
	if (args->profile)
		how.profile = profile;
	if (r == 0)
		r = run_jobs_find(&jobs, args->common.words, err);
	if (r < 0)
		return r;
	if (args->edge)
		r = args->common.dry ? run_edge_plans(&edge, &jobs, &how, err) :
				       run_edge(&edge, &jobs, &how, err);
	else
		r = args->common.dry ? print_plans(&jobs, stdout, err) : run_all(args, &jobs, err);
	run_jobs_done(&jobs);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "SCENARIO...",
	.summary = "Run scenarios: workloads, probes and faults; judge the results.",
	.opts = opts,
	.min = 1,
	.max = -1,
};

const struct cmd cmd_run = {
	.name = "run",
	.syntax = &syntax,
	.size = sizeof(struct run_args),
	.run = run,
};
