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
	bool keep, pcap, traffic, verify;
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
	{0, "profile", NETSIM_OPT_TEXT, offsetof(struct run_args, profile), "PROFILE[,...]",
	 "use each of these, or none, not the scenario's"},
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
	{0, "verify", NETSIM_OPT_FLAG, offsetof(struct run_args, verify), NULL,
	 "measure the network before the workloads start"},
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
static int find_profile(const char *name, char **ret, struct netsim_err *err)
{
	char path[4096] = "none";
	int r = strcmp(name, path) == 0 ?
			0 :
			netsim_find(NETSIM_FILE_PROFILE, name, path, sizeof(path), err);

	*ret = r < 0 ? NULL : strdup(path);
	return r;
}

/* Finds the profiles of a list with commas; *ret ends with NULL, and is freed by the caller. */
static int find_profiles(const char *text, char ***ret, struct netsim_err *err)
{
	char *words = strdup(text), *save = NULL;
	size_t count = 0;
	int r = 0;

	*ret = calloc(strlen(text) + 2, sizeof(**ret));
	for (char *word = *ret && words ? strtok_r(words, ",", &save) : NULL; r == 0 && word;
	     word = strtok_r(NULL, ",", &save)) {
		r = find_profile(word, &(*ret)[count], err);
		count += r == 0;
	}
	free(words);
	if (r == 0 && !count)
		r = usage_error(err, &cmd_run, "--profile: \"%s\" names no profile", text);
	return r;
}

static void free_profiles(char **profiles)
{
	for (size_t i = 0; profiles && profiles[i]; i++)
		free(profiles[i]);
	free(profiles);
}

/* Prints the plan of each scenario. */
static int print_plans(const struct run_jobs *jobs, struct netsim_err *err)
{
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < jobs->count; i++) {
		struct netsim_run_opts how = run_job_how(jobs, &jobs->list[i]);

		r = run_plan_add(list, jobs->common, jobs->list[i].path, &how, err);
	}
	return run_plan_end(list, jobs->common, r);
}

/* Makes the plans of all scenarios, so that a mistake in one is reported before any is run. */
static int check_all(const struct run_jobs *jobs, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < jobs->count; i++) {
		struct netsim_run_opts how = run_job_how(jobs, &jobs->list[i]);
		struct netsim_run_plan *plan = NULL;
		struct netsim_diags diags = {0};

		r = netsim_run_plan(jobs->list[i].path, &how, &plan, &diags, err);
		r = report_file(r, jobs->common, &diags, err);
		netsim_run_plan_free(plan);
	}
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
		fflush(stdout); /* for a log that is no terminal */
	}
	run_jobs_print(jobs, folder);
	return 0;
}

/* Writes JUnit before, too: a file of an earlier run must not stand for one that does not come to
 * its end, and a file that cannot be written is known before. */
static int run_all(const struct run_args *args, struct run_jobs *jobs, struct netsim_err *err)
{
	int r = run_jobs_write_junit(jobs, args->junit, err);

	if (r == 0)
		r = jobs->count == 1 ? run_one(jobs) : run_several(jobs, args->out, err);
	if (r == 0)
		r = run_jobs_write_junit(jobs, args->junit, err);
	if (r == 0)
		r = run_jobs_write_annotations(jobs, args->annotations, err);
	return r == 0 ? run_jobs_status(jobs) : r;
}

static int check_args(const struct run_args *args, struct netsim_err *err)
{
	bool profiles = args->profile && strchr(args->profile, ',');

	if (args->keep && (profiles || args->common.count > 1))
		return usage_error(err, &cmd_run, "--keep takes one scenario%s",
				   profiles ? " and one profile" : "");
	if (args->within && !args->edge)
		return usage_error(err, &cmd_run, "--within belongs to --edge");
	if (args->edge && (profiles || args->common.count > 1))
		return usage_error(err, &cmd_run, "--edge takes one scenario%s",
				   profiles ? " and one profile" : "");
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
			    .packets = args->pcap, .traffic = args->traffic || args->pcap,
			    .verify = args->verify);
	const struct run_edge edge = {args->edge, args->within, args->out};
	struct run_jobs jobs = {&args->common, &how, NULL, 0};
	char **profiles = NULL;
	int r = check_args(args, err);

	if (r == 0)
		r = read_seed(args->seed, &how, err);
	if (r == 0 && args->profile)
		r = find_profiles(args->profile, &profiles, err);
	if (r == 0 && profiles)
		how.profile = profiles[0];
	if (r == 0)
		r = run_jobs_find(&jobs, args->common.words,
				  profiles && profiles[1] ? profiles : NULL, err);
	if (r == 0 && args->edge)
		r = args->common.dry ? run_edge_plans(&edge, &jobs, &how, err) :
				       run_edge(&edge, &jobs, &how, err);
	else if (r == 0)
		r = args->common.dry ? print_plans(&jobs, err) : run_all(args, &jobs, err);
	run_jobs_done(&jobs);
	free_profiles(profiles);
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
