/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd.h"
#include "out.h"
#include "report_html.h"
#include "run_print.h"

struct report_args {
	struct common common;
	const char *junit, *annotations, *html;
};

static const struct netsim_opt opts[] = {
	{0, "junit", NETSIM_OPT_TEXT, offsetof(struct report_args, junit), "FILE",
	 "also write the verdict as JUnit XML"},
	{0, "annotations", NETSIM_OPT_TEXT, offsetof(struct report_args, annotations), "FILE",
	 "also write the faults as Grafana annotations"},
	{0, "html", NETSIM_OPT_TEXT, offsetof(struct report_args, html), "FILE",
	 "draw the run as an HTML page, too"},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

/* Draws the traffic, too, if netsim run measured it; a run that was killed has none. */
static int draw(const char *path, const struct netsim_run *run, struct netsim_err *err)
{
	char name[4096];
	json_t *traffic = NULL;
	int r;

	if (snprintf(name, sizeof(name), "%s/measure.json", run->folder) < (int)sizeof(name))
		traffic = json_load_file(name, 0, NULL);
	r = page_write_run(path, run, traffic, err);
	json_decref(traffic);
	return r;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct report_args *args = p;
	const struct common *common = &args->common;
	struct netsim_run *a = NULL, *b = NULL;
	int r = args->html ? page_check(args->html, err) : 0;

	if (r == 0)
		r = netsim_report(common->words[0], &a, err);
	if (r == 0 && common->count > 1)
		r = netsim_report(common->words[1], &b, err);
	if (r == 0 && b)
		run_compare(common, a, b);
	else if (r == 0)
		run_print(common, a);
	if (r == 0)
		r = run_write_text(args->junit, (b ? b : a)->junit, err);
	if (r == 0)
		r = run_write_annotations((const struct netsim_run *[]) {b ? b : a}, 1,
					  args->annotations, err);
	if (r == 0 && args->html)
		r = draw(args->html, b ? b : a, err);
	if (r == 0)
		r = run_status(b ? b : a);
	netsim_run_free(a);
	netsim_run_free(b);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "DIR [DIR2]",
	.summary = "Judge the evidence of a run again, or compare two runs.",
	.opts = opts,
	.min = 1,
	.max = 2,
};

const struct cmd cmd_report = {
	.name = "report",
	.syntax = &syntax,
	.size = sizeof(struct report_args),
	.run = run,
};
