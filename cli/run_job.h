/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scenarios that one command runs, one after the other. */
#ifndef NETSIM_CLI_RUN_JOB_H
#define NETSIM_CLI_RUN_JOB_H

#include "cmd.h"

struct run_job {
	char name[256];		/* that of the file; unique among the jobs of a command */
	char path[4096];	/* of the scenario */
	char folder[4096];	/* for the evidence, or "": the default */
	const char *profile;	/* instead of that of how; NULL: that of how */
	struct netsim_run *run; /* NULL: not run, or it could not be run */
	struct netsim_err err; /* why it could not be run; kind NETSIM_ERR_NONE: it was not tried */
	int status;	       /* exit status; EXIT_NOT_TRIED */
};

/* The jobs of a command, for progress and output. */
struct run_jobs {
	const struct common *common;
	const struct netsim_run_opts *how;
	struct run_job *list;
	size_t count;
};

/*
 * Finds the scenarios of these words, and makes a job of each under each profile: their paths, or
 * "none"; NULL: a job of each scenario. An error frees all. Free with run_jobs_done(); the profiles
 * must outlive the jobs.
 */
int run_jobs_find(struct run_jobs *jobs, char **words, char *const *profiles,
		  struct netsim_err *err);
void run_jobs_done(struct run_jobs *jobs);
/* The options of a job's run, without its folder. */
struct netsim_run_opts run_job_how(const struct run_jobs *jobs, const struct run_job *job);

/*
 * Gives each job a folder of its own below out, which it creates; out NULL: a new folder in the
 * current one. Returns in *ret its name, in static memory.
 */
int run_jobs_folders(struct run_jobs *jobs, const char *out, const char **ret,
		     struct netsim_err *err);

/*
 * Runs a job, and draws its pages. Returns 0 with job->run and job->status set; a negative errno
 * with job->err filled and job->status set, for an error that is not printed yet; or an exit
 * status, for one that is.
 */
int run_job_do(const struct run_jobs *jobs, struct run_job *job);

/* Writes a report of all jobs; path NULL: does nothing. */
int run_jobs_write_junit(const struct run_jobs *jobs, const char *path, struct netsim_err *err);
int run_jobs_write_annotations(const struct run_jobs *jobs, const char *path,
			       struct netsim_err *err);

/* The worst of the exit statuses. */
int run_jobs_status(const struct run_jobs *jobs);
/* Prints a table with a row for each job; with --json, an object with all verdicts. */
void run_jobs_print(const struct run_jobs *jobs, const char *folder);

/* "ok", "failed", "unproved"; "not run" */
const char *run_job_word(const struct run_job *job);
/* The first line that failed, else the first one that is unproved; or the error; or "-". */
const char *run_job_why(const struct run_job *job);
/* "41.3 s", or "-" if it was not run; returns text. */
const char *run_job_time(const struct run_job *job, char text[static 32]);

#endif
