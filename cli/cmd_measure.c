// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "fault_print.h"
#include "figures.h"
#include "interrupt.h"
#include "machine.h"
#include "out.h"
#include "port_changes.h"
#include "progress.h"
#include "report.h"
#include "report_html.h"

struct measure_args {
	struct common common;
	struct machine_words machine;
	struct analyze_options shown;
	int64_t duration_ns;
};

static const struct netsim_opt opts[] = {
	ANALYZE_OPTS(struct measure_args, shown),
	{0, "for", NETSIM_OPT_DURATION, offsetof(struct measure_args, duration_ns), "TIME",
	 "stop after TIME (default: on Ctrl-C)"},
	TOPOLOGY_OPT(struct measure_args, machine),
	AS_OPT(struct measure_args, machine),
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static bool show_progress(void *arg, const struct netsim_progress *now)
{
	const bool *shown = arg;

	if (now->change)
		report_port_change(now->change);
	else if (*shown)
		progress_line("measuring: %.0f s, %" PRIu64 " packets",
			      (double)now->elapsed_ns / 1e9, now->packets);
	return interrupted();
}

/* Formats the time since the first packet, "1.50 s"; `otherwise` if ns is not after it. */
static const char *since(const struct netsim_measurement *m, int64_t ns, const char *otherwise,
			 char text[static FIGURE_TEXT])
{
	int64_t first = m->analysis->first_ns;

	return m->analysis->packets && ns > first ? figure_duration((double)(ns - first), text) :
						    otherwise;
}

static void print_faults(const struct netsim_measurement *m)
{
	char t[2][FIGURE_TEXT], text[600];

	if (m->fault_count)
		printf("\nfaults, by time since the first packet\n");
	for (size_t i = 0; i < m->fault_count; i++) {
		const struct netsim_fault *fault = m->faults[i];

		printf("%8s to %8s  fault %u: %s\n", since(m, fault->begin_ns, "before", t[0]),
		       since(m, fault->end_ns, fault->end_ns ? "before" : "end", t[1]), fault->id,
		       fault_text(fault, text, sizeof(text)));
	}
}

static void print_changes(const struct netsim_measurement *m)
{
	if (m->change_count)
		putchar('\n');
	print_port_changes(
		&(struct port_changes_shown) {m->changes, m->change_count,
					      m->analysis->packets ? m->analysis->first_ns : 0,
					      "first packet"},
		stdout);
}

static void print_report(const struct measure_args *args, const struct netsim_measurement *m,
			 const struct analyze_view *view)
{
	if (args->shown.csv)
		analyze_csv(m->analysis, view);
	else if (args->common.json)
		print_json(measurement_object(m, view));
	else if (!args->shown.html || !view->quiet) {
		analyze_text(m->analysis, m->counted, view);
		if (!view->quiet) {
			print_faults(m);
			print_changes(m);
		}
	}
}

/* The page shows all lists; --by does not limit it. */
static int write_page(const struct measure_args *args, const struct netsim_measurement *m,
		      const struct analyze_view *view, struct netsim_err *err)
{
	const struct analyze_view all = {.top = view->top, .verbose = true};

	return args->shown.html ?
		       page_write(args->shown.html, m->fleet, measurement_object(m, &all), err) :
		       0;
}

/* Reports why figures may be too low; returns the exit status. */
static int report_missing(const struct netsim_measurement *m, bool quiet)
{
	if (m->uncounted && !quiet)
		fprintf(stderr, "netsim: warning: no counters of the programs at the ports: %s\n",
			m->uncounted);
	if (m->one_end && !quiet)
		fprintf(stderr, "netsim: one-way delay and loss are not measured: that needs the "
				"packets at both ends\n");
	print_gone_ports(m->gone_count, m->port_count);
	if (m->missed)
		fprintf(stderr,
			"netsim: error: %" PRIu64
			" packets were dropped before they were read: the machine was too busy\n",
			m->missed);
	return m->missed || m->gone_count ? 1 : 0;
}

static int print_plan(struct netsim *ctx, const char *fleet, struct netsim_err *err)
{
	const struct netsim_status_opts request =
		NETSIM_OPTS(struct netsim_status_opts, .fleet = fleet);
	struct netsim_status *status = NULL;
	int r = netsim_status(ctx, &request, &status, err);

	for (size_t i = 0; r == 0 && i < status->fleet_count; i++)
		printf("would measure the traffic of %s\n", status->fleets[i]->name);
	netsim_status_free(status);
	return r;
}

static int measure(struct netsim *ctx, const struct measure_args *args,
		   const struct analyze_view *view, struct netsim_err *err)
{
	const struct common *common = &args->common;
	bool shown = progress_wanted(common);
	const struct netsim_measure_opts how = {
		.size = sizeof(how),
		.fleet = common->fleet,
		.nodes = (const char *const *)common->words,
		.node_count = (size_t)common->count,
		.class_file = args->shown.classes,
		.duration_ns = args->duration_ns,
		.connections = view->top,
		.progress = show_progress,
		.arg = &shown,
	};
	struct netsim_measurement *m = NULL;
	struct netsim_diags diags = {0};
	int r;

	interrupt_catch();
	r = netsim_measure(ctx, &how, &m, &diags, err);
	progress_clear();
	r = report_file(r, common, &diags, err);
	if (r != 0)
		return r;
	print_report(args, m, view);
	fflush(stdout);
	r = write_page(args, m, view, err);
	if (r == 0)
		r = report_missing(m, common->quiet);
	/* Without a duration, an interrupt is the regular end. */
	if (r >= 0 && args->duration_ns && interrupted()) {
		report_interrupted(true);
		r = EXIT_INTERRUPTED;
	}
	netsim_measurement_free(m);
	return r;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct measure_args *args = p;
	struct analyze_view view;
	struct netsim *ctx = NULL;
	int r = analyze_options_parse(&cmd_measure, &args->common, &args->shown, &view, err);

	if (r == 0)
		r = open_machine(&args->common, &args->machine, &ctx, err);
	if (r == 0)
		r = args->common.dry ? print_plan(ctx, args->common.fleet, err) :
				       measure(ctx, args, &view, err);
	close_machine(ctx, r);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "[TARGET...]",
	.summary = "Follow the traffic of a fleet live, with one-way delay and loss.",
	.opts = opts,
	.max = -1,
};

const struct cmd cmd_measure = {
	.name = "measure",
	.syntax = &syntax,
	.size = sizeof(struct measure_args),
	.run = run,
};
