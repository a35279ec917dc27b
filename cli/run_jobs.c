/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The results of all scenarios of a command: table, JSON, JUnit, exit status. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "out.h"
#include "run_job.h"
#include "run_print.h"

const char *run_job_word(const struct run_job *job)
{
	return job->run ? run_word(job->run->verdict) : "not run";
}

static const char *first_line(const struct netsim_run *run, enum netsim_verdict verdict)
{
	const char *end;

	for (size_t i = 0; i < run->row_count; i++)
		if (run->rows[i]->verdict == verdict) {
			end = strstr(run->rows[i]->line, ": "); /* after the verdict */
			return end ? end + 2 : run->rows[i]->line;
		}
	return NULL;
}

const char *run_job_why(const struct run_job *job)
{
	const char *line;

	if (!job->run)
		return *job->err.what		       ? job->err.what :
		       job->status == EXIT_INTERRUPTED ? "interrupted" :
							 "not run to its end";
	line = first_line(job->run, NETSIM_NOT_AS_ASKED);
	if (!line)
		line = first_line(job->run, NETSIM_UNPROVED);
	return line ? line : "-";
}

/* --- exit status */

/* From bad to good: a signal, no verdict, failed, unproved, ok. */
static int rank(int status)
{
	return status == exit_status(NETSIM_ERR_UNPROVED) ? 1 : status > 0 ? status + 1 : 0;
}

int run_jobs_status(const struct run_jobs *jobs)
{
	int worst = 0;

	for (size_t i = 0; i < jobs->count; i++)
		if (rank(jobs->list[i].status) > rank(worst))
			worst = jobs->list[i].status;
	return worst;
}

/* --- text */

const char *run_job_time(const struct run_job *job, char text[static 32])
{
	snprintf(text, 32, "-");
	if (job->run)
		snprintf(text, 32, "%.1f s", (double)job->run->duration_ns / 1e9);
	return text;
}

static void print_counts(const struct run_jobs *jobs, const char *folder)
{
	static const char *const words[] = {"ok", "failed", "unproved", "not run"};
	const char *comma = "";

	printf("%zu scenarios: ", jobs->count);
	for (size_t w = 0; w < 4; w++) {
		size_t count = 0;

		for (size_t i = 0; i < jobs->count; i++)
			count += strcmp(run_job_word(&jobs->list[i]), words[w]) == 0;
		if (count)
			printf("%s%zu %s", comma, count, words[w]);
		if (count)
			comma = ", ";
	}
	printf("; evidence in %s\n", folder);
}

static void print_table(const struct run_jobs *jobs, const char *folder)
{
	static const char *const head[] = {"scenario", "verdict", "time", "what is not ok first"};
	struct table table = {0};

	table_add(&table, head, 4);
	for (size_t i = 0; i < jobs->count; i++) {
		const struct run_job *job = &jobs->list[i];
		char time[32];
		const char *cells[] = {job->name, run_job_word(job), run_job_time(job, time),
				       run_job_why(job)};

		table_add(&table, cells, 4);
	}
	table_print(&table, stdout);
	print_counts(jobs, folder);
}

/* --- JSON */

static json_t *job_json(const struct run_job *job)
{
	json_t *object = json_pack("{s:o, s:o, s:s, s:i}", "name", json_words(job->name), "file",
				   json_words(job->path), "result", run_job_word(job), "status",
				   job->status);

	if (strcmp(run_job_why(job), "-") != 0)
		json_object_set_new(object, "why", json_words(run_job_why(job)));
	if (job->run) {
		json_object_set_new(object, "folder", json_words(job->run->folder));
		json_object_set_new(object, "verdict", json_loads(job->run->json, 0, NULL));
	}
	return object;
}

void run_jobs_print(const struct run_jobs *jobs, const char *folder)
{
	json_t *list;

	if (!jobs->common->json) {
		print_table(jobs, folder);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < jobs->count; i++)
		json_array_append_new(list, job_json(&jobs->list[i]));
	print_json(json_pack("{s:i, s:o, s:o}", "status", run_jobs_status(jobs), "folder",
			     json_words(folder), "runs", list));
}

/* --- files */

int run_jobs_write_junit(const struct run_jobs *jobs, const char *path, struct netsim_err *err)
{
	struct netsim_run_outcome *list = calloc(jobs->count + 1, sizeof(*list));
	char *text = NULL;
	int r = 0;

	for (size_t i = 0; list && i < jobs->count; i++) {
		const struct run_job *job = &jobs->list[i];
		bool named = jobs->count > 1 || !job->run;

		list[i] = (struct netsim_run_outcome) {named ? job->name : job->run->scenario,
						       job->run, run_job_why(job)};
	}
	if (list)
		text = netsim_run_junit(list, jobs->count);
	if (path)
		r = run_write_text(path, text, err);
	free(text);
	free(list);
	return r;
}

int run_jobs_write_annotations(const struct run_jobs *jobs, const char *path,
			       struct netsim_err *err)
{
	const struct netsim_run **runs = calloc(jobs->count + 1, sizeof(*runs));
	size_t count = 0;
	int r;

	for (size_t i = 0; runs && i < jobs->count; i++)
		if (jobs->list[i].run)
			runs[count++] = jobs->list[i].run;
	r = run_write_annotations(runs, count, path, err);
	free(runs);
	return r;
}
