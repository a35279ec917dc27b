// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "out.h"
#include "progress.h"
#include "report.h"
#include "report_html.h"

struct analyze_args {
	struct common common;
	struct analyze_options shown;
	const char *from, *to, *topo;
};

static const struct netsim_opt opts[] = {
	ANALYZE_OPTS(struct analyze_args, shown),
	{0, "from", NETSIM_OPT_TEXT, offsetof(struct analyze_args, from), "TIME",
	 "start at TIME: 90s after the first packet, or Unix time"},
	{0, "to", NETSIM_OPT_TEXT, offsetof(struct analyze_args, to), "TIME",
	 "end at TIME, in the same form"},
	{0, "topo", NETSIM_OPT_TEXT, offsetof(struct analyze_args, topo), "FILE",
	 "name addresses after the nodes of this topology"},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

/* A time in the first years after 1970 is taken for a duration without its unit. */
#define YEAR_NS	    (31557600 * 1000000000LL)
#define EPOCH_LEAST (3 * YEAR_NS)

/* Parses "1763700000.25" (seconds since 1970) to nanoseconds. */
static bool parse_epoch(const char *text, int64_t *ret)
{
	int64_t seconds = 0, fraction = 0, unit = 1000000000;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (seconds > INT64_MAX / 1000000000 / 10 - 1)
			return false;
		seconds = seconds * 10 + (*p - '0');
	}
	if (p == text)
		return false;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9' && unit > 1; p++) {
			unit /= 10;
			fraction += (*p - '0') * unit;
		}
	*ret = seconds * 1000000000 + fraction;
	return !*p;
}

static int parse_time(const char *name, const char *text, int64_t *ret, bool *ret_first,
		      struct netsim_err *err)
{
	const char *why;

	if (!text)
		return 0;
	if (parse_epoch(text, ret)) {
		if (*ret >= EPOCH_LEAST)
			return 0;
		return usage_error(err, &cmd_analyze,
				   "--%s %s: this is in the year %d; write %ss for a time after "
				   "the first packet",
				   name, text, 1970 + (int)(*ret / YEAR_NS), text);
	}
	*ret_first = true;
	if (netsim_parse_duration(text, ret, &why) == 0)
		return 0;
	return usage_error(err, &cmd_analyze,
			   "--%s %s: must be a duration such as 90s, or seconds since 1970", name,
			   text);
}

/* Refuses a page that would overwrite one of the captures. */
static int check_page(const struct analyze_args *args, struct netsim_err *err)
{
	struct stat page, file;

	if (!args->shown.html || stat(args->shown.html, &page) < 0)
		return 0;
	for (int i = 0; i < args->common.count; i++) {
		const char *word = args->common.words[i];

		if (stat(strcmp(word, "-") == 0 ? "/dev/stdin" : word, &file) == 0 &&
		    file.st_dev == page.st_dev && file.st_ino == page.st_ino)
			return usage_error(err, &cmd_analyze,
					   "--html %s: would overwrite a capture",
					   args->shown.html);
	}
	return 0;
}

static bool show_progress(void *arg, const struct netsim_progress *progress)
{
	(void)arg;
	progress_line("%" PRIu64 " million packets", progress->packets / 1000000);
	return false;
}

static int find_topology(const char *name, char path[4096], struct netsim_analyze_opts *how,
			 struct netsim_err *err)
{
	int r;

	if (!name)
		return 0;
	r = netsim_find(NETSIM_FILE_TOPOLOGY, name, path, 4096, err);
	how->topology = path;
	return r;
}

static json_t *file_list(const struct common *common)
{
	json_t *list = json_array();

	for (int i = 0; i < common->count; i++)
		json_array_append_new(list, json_words(common->words[i]));
	return list;
}

static void print_report(const struct analyze_args *args, const struct netsim_analysis *analysis,
			 const struct analyze_view *view)
{
	json_t *json;

	if (args->shown.csv) {
		analyze_csv(analysis, view);
	} else if (args->common.json) {
		json = analyze_object(analysis, NULL, view);
		json_object_set_new(json, "files", file_list(&args->common));
		print_json(json);
	} else if (!args->shown.html || !view->quiet) {
		analyze_text(analysis, NULL, view);
	}
}

/* The page shows all lists; --by does not limit it. */
static int write_page(const struct analyze_args *args, const struct netsim_analysis *analysis,
		      const struct analyze_view *view, struct netsim_err *err)
{
	const struct analyze_view all = {.top = view->top, .verbose = true};
	const char *first = args->common.words[0], *slash = strrchr(first, '/');
	char title[256];
	json_t *json;

	if (!args->shown.html)
		return 0;
	first = slash ? slash + 1 : first;
	if (args->common.count == 1)
		snprintf(title, sizeof(title), "%s", first);
	else
		snprintf(title, sizeof(title), "%.200s and %d more", first, args->common.count - 1);
	json = analyze_object(analysis, NULL, &all);
	json_object_set_new(json, "files", file_list(&args->common));
	return page_write(args->shown.html, title, json, err);
}

static int run(const void *p, struct netsim_err *err)
{
	const struct analyze_args *args = p;
	const struct common *common = &args->common;
	struct netsim_analyze_opts how =
		NETSIM_OPTS(struct netsim_analyze_opts, .files = (const char *const *)common->words,
			    .file_count = (size_t)common->count, .class_file = args->shown.classes);
	struct analyze_view view;
	struct netsim_analysis *analysis = NULL;
	struct netsim_diags diags = {0};
	char path[4096];
	int r = analyze_options_parse(&cmd_analyze, common, &args->shown, &view, err);

	if (r == 0)
		r = check_page(args, err);
	if (r == 0)
		r = parse_time("from", args->from, &how.from_ns, &how.from_first, err);
	if (r == 0)
		r = parse_time("to", args->to, &how.to_ns, &how.to_first, err);
	if (r == 0)
		r = find_topology(args->topo, path, &how, err);
	if (r < 0)
		return r;
	how.connections = view.top;
	if (progress_wanted(common))
		how.progress = show_progress;
	r = netsim_analyze(&how, &analysis, &diags, err);
	progress_clear();
	r = report_file(r, common, &diags, err);
	if (r != 0)
		return r;
	print_report(args, analysis, &view);
	fflush(stdout);
	r = write_page(args, analysis, &view, err);
	for (size_t i = 0; i < analysis->problem_count; i++)
		fprintf(stderr, "%s: error: offset %" PRIu64 ": %s\n", analysis->problems[i]->file,
			analysis->problems[i]->offset, analysis->problems[i]->what);
	if (r == 0 && analysis->problem_count)
		r = exit_status(NETSIM_ERR_INPUT);
	netsim_analysis_free(analysis);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "FILE...",
	.summary = "Follow the connections in captures, by class and pair.",
	.opts = opts,
	.min = 1,
	.max = -1,
};

const struct cmd cmd_analyze = {
	.name = "analyze",
	.syntax = &syntax,
	.size = sizeof(struct analyze_args),
	.run = run,
};
