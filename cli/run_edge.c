/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run_edge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "out.h"
#include "report_html.h"
#include "run_print.h"

#define WITHIN 0.1 /* of the greater value, unless another share is given */

static int begin(const struct run_edge *args, struct netsim_edge **ret, struct netsim_err *err)
{
	double within = WITHIN;
	char *end = NULL;
	struct netsim_err why = {0};

	if (args->within) {
		within = strtod(args->within, &end) / 100;
		if (end == args->within || strcmp(end, "%") != 0 || !(within > 0 && within < 1))
			return usage_error(
				err, &cmd_run,
				"--within: write a share between 0%% and 100%%, such as 5%%");
	}
	return netsim_edge_new(args->range, within, ret, &why) < 0 ?
		       usage_error(err, &cmd_run, "--edge: %s", why.what) :
		       0;
}

int run_edge_plans(const struct run_edge *args, const struct run_jobs *jobs,
		   struct netsim_run_opts *how, struct netsim_err *err)
{
	static const enum netsim_verdict verdicts[] = {NETSIM_AS_ASKED, NETSIM_NOT_AS_ASKED};
	struct netsim_edge *edge = NULL;
	int r = begin(args, &edge, err);
	json_t *list = json_array();

	for (int i = 0; r == 0 && i < 2; i++) {
		how->instead = netsim_edge_next(edge);
		r = run_plan_add(list, jobs->common, jobs->list[0].path, how, err);
		netsim_edge_tell(edge, verdicts[i]);
	}
	netsim_edge_free(edge);
	return run_plan_end(list, jobs->common, r);
}

/* --- results */

static const char *word_of(const struct run_job *job)
{
	return job->run || job->err.kind != NETSIM_ERR_FAILED ? run_job_word(job) : "failed";
}

static int status_of(const struct netsim_edge *edge)
{
	switch (netsim_edge_state(edge)) {
	case NETSIM_EDGE_FOUND:
	case NETSIM_EDGE_ALL:
		return 0;
	case NETSIM_EDGE_NONE:
		return exit_status(NETSIM_ERR_FAILED);
	case NETSIM_EDGE_SEARCHING:
	case NETSIM_EDGE_UNPROVED:
		break;
	}
	return exit_status(NETSIM_ERR_UNPROVED);
}

static const char *state_word(const struct netsim_edge *edge)
{
	static const char *const words[] = {
		[NETSIM_EDGE_SEARCHING] = "ended early", [NETSIM_EDGE_FOUND] = "found",
		[NETSIM_EDGE_ALL] = "bears all",	 [NETSIM_EDGE_NONE] = "bears none",
		[NETSIM_EDGE_UNPROVED] = "unproved",
	};

	return words[netsim_edge_state(edge)];
}

static json_t *values_json(const struct netsim_run *run)
{
	json_t *list = json_array();

	for (size_t i = 0; run && i < run->row_count; i++) {
		const struct netsim_run_row *row = run->rows[i];

		if (!row->measured)
			continue;
		json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:f, s:f, s:s}", "phase",
						      json_words(row->phase), "text",
						      json_words(row->text), "result",
						      run_word(row->verdict), "value", row->value,
						      "limit", row->limit, "shows", row->shows));
	}
	return list;
}

static json_t *try_json(const struct run_job *job, const struct netsim_edge *edge, size_t i)
{
	const char *value = strchr(job->name, ' ');
	json_t *object =
		json_pack("{s:o, s:s, s:f, s:o, s:f, s:o}", "text",
			  json_words(value ? value + 1 : job->name), "result", word_of(job),
			  "value", netsim_edge_value(edge, i), "why", json_words(run_job_why(job)),
			  "seconds", job->run ? (double)job->run->duration_ns / 1e9 : 0.0, "values",
			  values_json(job->run));

	if (job->run)
		json_object_set_new(object, "folder", json_words(job->run->folder));
	return object;
}

static json_t *edge_json(const struct run_jobs *jobs, const struct run_edge *args,
			 const struct netsim_edge *edge)
{
	json_t *list = json_array();

	for (size_t i = 0; i < jobs->count; i++)
		json_array_append_new(list, try_json(&jobs->list[i], edge, i));
	return json_pack("{s:o, s:s, s:s, s:s, s:o}", "scenario", json_words(jobs->list[0].path),
			 "range", args->range, "result", state_word(edge), "text",
			 netsim_edge_text(edge), "runs", list);
}

static void print_table(const struct run_jobs *jobs)
{
	static const char *const head[] = {"value", "verdict", "time", "what is not ok first"};
	struct table table = {0};

	table_add(&table, head, 4);
	for (size_t i = 0; i < jobs->count; i++) {
		const struct run_job *job = &jobs->list[i];
		char time[32];
		const char *cells[] = {job->name, word_of(job), run_job_time(job, time),
				       run_job_why(job)};

		table_add(&table, cells, 4);
	}
	table_print(&table, stdout);
}

static void draw(const char *folder, const char *title, json_t *data)
{
	struct netsim_err err = {0};
	char path[4096];

	snprintf(path, sizeof(path), "%s/edge.html", folder);
	if (page_write_edge(path, title, json_incref(data), &err) < 0)
		fprintf(stderr, "netsim: warning: cannot write %s: %s\n", path, err.kernel);
}

/* --- the search */

/*
 * A run that was interrupted, or could not be run, tells nothing. But a workload that does not
 * become ready does not bear the value.
 */
static bool has_result(const struct run_job *job)
{
	if (job->status == EXIT_INTERRUPTED)
		return false;
	return job->run || job->err.kind == NETSIM_ERR_FAILED;
}

/* The folder of a run: its value, without a blank. */
static void set_folder(struct run_job *job, const char *base)
{
	snprintf(job->folder, sizeof(job->folder), "%.3000s/%s", base, job->name);
	*strrchr(job->folder, ' ') = '-';
}

/* Runs the scenario with each next value; returns 0, or the status of a run without a verdict. */
static int search(struct run_jobs *jobs, struct netsim_run_opts *how, struct netsim_edge *edge,
		  const char *folder)
{
	const char *value;
	char path[4096];

	memcpy(path, jobs->list[0].path, sizeof(path));
	jobs->count = 0;
	while ((value = netsim_edge_next(edge))) {
		struct run_job *job = &jobs->list[jobs->count++];
		int r;

		memcpy(job->path, path, sizeof(path));
		snprintf(job->name, sizeof(job->name), "%s", value);
		set_folder(job, folder);
		how->instead = value;
		r = run_job_do(jobs, job);
		if (r < 0)
			print_error(&job->err);
		if (!has_result(job))
			return job->status;
		if (!jobs->common->quiet && !jobs->common->json)
			printf("%s: %s\n", value, word_of(job));
		fflush(stdout);
		netsim_edge_tell(edge, job->run ? job->run->verdict : NETSIM_NOT_AS_ASKED);
	}
	return 0;
}

int run_edge(const struct run_edge *args, struct run_jobs *jobs, struct netsim_run_opts *how,
	     struct netsim_err *err)
{
	struct run_job *list = calloc(NETSIM_EDGE_RUNS, sizeof(*list));
	struct netsim_edge *edge = NULL;
	char title[300];
	const char *folder;
	json_t *data;
	int r = list ? begin(args, &edge, err) : -ENOMEM;

	if (r < 0) {
		free(list);
		return r;
	}
	snprintf(title, sizeof(title), "%s", jobs->list[0].name);
	list[0] = jobs->list[0];
	free(jobs->list);
	jobs->list = list;
	r = run_jobs_folders(jobs, args->out, &folder, err);
	if (r == 0)
		r = search(jobs, how, edge, folder);
	if (r >= 0 && jobs->count) {
		data = edge_json(jobs, args, edge);
		draw(folder, title, data);
		if (!jobs->common->json)
			print_table(jobs);
		json_begin("edge");
		if (!jobs->common->json)
			printf("%s: %s; %zu run%s; evidence in %s\n", title, netsim_edge_text(edge),
			       jobs->count, plural(jobs->count), folder);
		else
			print_json(json_incref(data));
		json_decref(data);
	}
	r = r == 0 ? status_of(edge) : r;
	netsim_edge_free(edge);
	return r;
}
