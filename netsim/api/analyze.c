// SPDX-License-Identifier: GPL-2.0-or-later
/* analyze: reads capture files and computes the rows of the report. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netsim/api/handle.h"
#include "netsim/api/publish.h"
#include "netsim/flow/analysis.h"
#include "netsim/packet/capture_file.h"
#include "netsim/packet/capture_merge.h"
#include "netsim/packet/capture_names.h"
#include "netsim/util/array.h"

#define PROGRESS_EVERY 1048576 /* packets */

/* State of one analysis. */
struct analysis_run {
	const struct netsim_analyze_opts *how;
	struct class_set *classes;
	struct analysis_names names;
	struct capture_names own; /* names that the files define */
	struct capture_file **files;
	size_t file_count;
	struct capture_merge merge;
	struct flow *flow;
	struct oneway *oneway; /* created at the first packet with a view */
	size_t seeded;	       /* names that oneway knows */
};

static void run_done(struct analysis_run *run)
{
	flow_free(run->flow);
	oneway_free(run->oneway);
	capture_merge_done(&run->merge);
	for (size_t i = 0; i < run->file_count; i++)
		capture_close(run->files[i]);
	free(run->files);
	analysis_names_done(&run->names);
	capture_names_done(&run->own);
	classes_free(run->classes);
}

static int load_names(struct analysis_run *run, struct netsim_diags *diags, struct netsim_err *err)
{
	struct topo *topo;
	int r;

	if (!run->how->topology)
		return 0;
	r = topo_load(run->how->topology, &topo, diags);
	if (r < 0)
		return r;
	r = analysis_names_of(topo, &run->names);
	topo_free(topo);
	return r < 0 ? err_oom(err) : 0;
}

static bool stat_file(const char *path, struct stat *ret)
{
	return (strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, ret) : stat(path, ret)) == 0;
}

/* A file given twice would count all its packets twice. */
static int check_twice(const struct netsim_analyze_opts *how, struct netsim_err *err)
{
	struct stat a, b;

	for (size_t i = 0; i < how->file_count; i++) {
		if (!stat_file(how->files[i], &a))
			continue;
		for (size_t k = 0; k < i; k++)
			if (stat_file(how->files[k], &b) && a.st_dev == b.st_dev &&
			    a.st_ino == b.st_ino)
				return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
					       "%s and %s are the same file", how->files[k],
					       how->files[i]);
	}
	return 0;
}

static int open_files(struct analysis_run *run, struct netsim_err *err)
{
	int r;

	run->files = calloc(run->how->file_count, sizeof(*run->files));
	if (!run->files)
		return err_oom(err);
	for (size_t i = 0; i < run->how->file_count; i++) {
		r = capture_open(run->how->files[i], &run->files[i], err);
		if (r < 0)
			return r;
		capture_use_names(run->files[i], &run->own);
		run->file_count++;
	}
	return capture_merge_init(&run->merge, run->files, run->file_count) < 0 ? err_oom(err) : 0;
}

/* Converts the bounds to absolute time; relative ones count from the first packet. */
static void set_bounds(const struct netsim_analyze_opts *how, int64_t first_ns, int64_t *ret_from,
		       int64_t *ret_to)
{
	*ret_from = how->from_ns ? how->from_ns : INT64_MIN;
	*ret_to = how->to_ns ? how->to_ns : INT64_MAX;
	if (how->from_first && __builtin_add_overflow(first_ns, how->from_ns, ret_from))
		*ret_from = INT64_MAX;
	if (how->to_first && __builtin_add_overflow(first_ns, how->to_ns, ret_to))
		*ret_to = INT64_MAX;
}

/* Seeds the address of a node if the capture has a view of that node. */
static void seed_name(const struct analysis_run *run, const struct capture_name *name)
{
	for (size_t v = 0; v < run->own.view_count; v++)
		if (strcmp(run->own.views[v], name->name) == 0)
			oneway_seed_ip(run->oneway, &name->ip, (uint16_t)(v + 1));
}

static int follow_one_way(struct analysis_run *run, const struct packet *packet, int64_t time_ns,
			  struct netsim_err *err)
{
	int r = run->oneway ? 0 : oneway_new(run->classes, 0, &run->oneway, err);

	if (r < 0)
		return r;
	while (run->seeded < run->own.count)
		seed_name(run, &run->own.list[run->seeded++]);
	return oneway_add(run->oneway, packet, time_ns) ? r : err_oom(err);
}

#define NS 1000000000

/* A time range without packets is an error: it can only be a mistake. */
static int refuse_range(int64_t first_ns, int64_t last_ns, struct netsim_err *err)
{
	return err_set(
		err, NETSIM_ERR_USAGE, -ERANGE, NULL,
		"no packet in this time range: the first packet is at %" PRId64 ".%06d s since "
		"1970, the last one %.6f s later",
		first_ns / NS, (int)(first_ns % NS / 1000), (double)(last_ns - first_ns) / NS);
}

static int follow(struct analysis_run *run, struct netsim_err *err)
{
	int64_t from = INT64_MIN, to = INT64_MAX, first = INT64_MAX, last = INT64_MIN;
	struct capture_packet captured;
	struct packet packet;
	uint64_t count = 0;

	while (capture_merge_next(&run->merge, &captured)) {
		if (!count++)
			set_bounds(run->how, captured.time_ns, &from, &to);
		first = captured.time_ns < first ? captured.time_ns : first;
		last = captured.time_ns > last ? captured.time_ns : last;
		if (captured.time_ns < from || captured.time_ns > to)
			continue;
		packet_decode(captured.link, captured.data, captured.captured, captured.length,
			      &packet);
		/* The device in an SLL2 header is more exact than the file's interface, "any". */
		if (captured.view && !packet.view)
			packet.view = captured.view;
		if (captured.seen)
			packet.seen = captured.seen;
		if (captured.view && follow_one_way(run, &packet, captured.time_ns, err) < 0)
			return -ENOMEM;
		if (!flow_add(run->flow, &packet, captured.time_ns))
			return err_oom(err);
		if (run->how->progress && count % PROGRESS_EVERY == 0 &&
		    run->how->progress(run->how->arg,
				       &(struct netsim_progress) {.done = -1, .packets = count}))
			return err_canceled(err);
	}
	if (count && (to < first || from > last || from > to))
		return refuse_range(first, last, err);
	flow_finish(run->flow);
	if (run->oneway)
		oneway_finish(run->oneway, 0);
	return 0;
}

/* Adds the names from the files; those of the topology come first and win. */
static int add_names(struct analysis_run *run, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->own.count; i++)
		r = analysis_names_add(&run->names, &run->own.list[i].ip, run->own.list[i].name);
	run->names.views = run->own.views;
	run->names.view_count = run->own.view_count;
	return r < 0 ? err_oom(err) : 0;
}

static int note_problem(struct netsim_analysis *ret, const char *file, uint64_t offset,
			const char *what, struct netsim_err *err)
{
	struct netsim_capture_problem *problem = arena_push(ret, ret->problems, ret->problem_count);

	if (!problem)
		return err_oom(err);
	problem->file = arena_strdup(ret, file);
	problem->offset = offset;
	problem->what = arena_strdup(ret, what);
	return problem->file && problem->what ? 0 : err_oom(err);
}

static int note_unread(const struct capture_file *file, struct netsim_analysis *ret,
		       struct netsim_err *err)
{
	const struct capture_unread *unread;
	size_t count = capture_unread(file, &unread);
	char what[160];
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		snprintf(what, sizeof(what),
			 "%" PRIu64 " packets of link type %" PRIu32
			 " count as other: this link type is not supported",
			 unread[i].packets, unread[i].linktype);
		r = note_problem(ret, capture_name(file), unread[i].offset, what, err);
	}
	return r;
}

/* Packets that the capture dropped look like loss, and like incomplete connections. */
static int note_drops(const struct capture_file *file, struct netsim_analysis *ret,
		      struct netsim_err *err)
{
	const struct capture_drops *drops;
	size_t count = capture_drops(file, &drops);
	char what[200];
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		snprintf(what, sizeof(what),
			 "the capture dropped %" PRIu64 " packets%s%s, which can look like loss",
			 drops[i].dropped, *drops[i].name ? " at " : "", drops[i].name);
		r = note_problem(ret, capture_name(file), drops[i].offset, what, err);
	}
	return r;
}

static int note_problems(struct analysis_run *run, struct netsim_analysis *ret,
			 struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->file_count; i++) {
		const struct capture_problem *problem = capture_problem(run->files[i]);

		if (*problem->what)
			r = note_problem(ret, capture_name(run->files[i]), problem->offset,
					 problem->what, err);
		if (r == 0)
			r = note_unread(run->files[i], ret, err);
		if (r == 0)
			r = note_drops(run->files[i], ret, err);
	}
	return r;
}

static int analyze(struct analysis_run *run, struct netsim_analysis **ret,
		   struct netsim_diags *diags, struct netsim_err *err)
{
	struct analysis analysis = {0};
	uint32_t most = run->how->max_connections > FLOW_CONNECTIONS_MAX ?
				FLOW_CONNECTIONS_MAX :
				(uint32_t)run->how->max_connections;
	int r = classes_open(run->how->class_file, &run->classes, diags, err);

	if (r == 0)
		r = load_names(run, diags, err);
	if (r == 0)
		r = check_twice(run->how, err);
	if (r == 0)
		r = open_files(run, err);
	if (r == 0)
		r = flow_new(run->classes, most, &run->flow, err);
	if (r == 0)
		r = follow(run, err);
	if (r == 0)
		r = add_names(run, err);
	if (r == 0)
		r = analysis_rows(&(struct analysis_input) {.flow = run->flow,
							    .oneway = run->oneway,
							    .classes = run->classes,
							    .names = &run->names,
							    .connections = run->how->connections},
				  &analysis, err);
	if (r < 0)
		analysis_done(&analysis);
	else
		r = analysis_publish(&analysis, ret, err);
	return r;
}

int netsim_analyze(const struct netsim_analyze_opts *opts, struct netsim_analysis **ret,
		   struct netsim_diags *diags, struct netsim_err *err)
{
	struct netsim_analysis *analysis = NULL;
	struct netsim_analyze_opts o;
	struct analysis_run run = {.how = &o};
	int r = opts_read(&o, sizeof(o), opts, err);

	if (r == 0)
		r = analyze(&run, &analysis, diags, err);
	if (r == 0)
		r = note_problems(&run, analysis, err);
	run_done(&run);
	if (r < 0)
		netsim_analysis_free(analysis);
	else
		*ret = analysis;
	return r;
}
