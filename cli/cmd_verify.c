/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "interrupt.h"
#include "machine.h"
#include "out.h"
#include "progress.h"

struct verify_args {
	struct common common;
	struct machine_words machine;
	struct netsim_opt_words nodes;
	bool quick, accept;
};

static const struct netsim_opt opts[] = {
	{0, "nodes", NETSIM_OPT_WORDS, offsetof(struct verify_args, nodes), "NODE,...",
	 "measure only these nodes, and the pairs with them"},
	{0, "quick", NETSIM_OPT_FLAG, offsetof(struct verify_args, quick), NULL,
	 "send fewer probes and no TCP: faster, but less certain"},
	{0, "accept-unmeasured", NETSIM_OPT_FLAG, offsetof(struct verify_args, accept), NULL,
	 "exit with 0, not 6, if something is unproved"},
	TOPOLOGY_OPT(struct verify_args, machine),
	AS_OPT(struct verify_args, machine),
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static const char *word_of(enum netsim_verdict verdict)
{
	switch (verdict) {
	case NETSIM_AS_ASKED:
		return "ok";
	case NETSIM_NOT_AS_ASKED:
		return "failed";
	case NETSIM_LEFT_OUT:
		return "left out";
	case NETSIM_UNPROVED:
		break;
	}
	return "unproved";
}

static bool show_progress(void *arg, const struct netsim_progress *progress)
{
	const bool *shown = arg;

	if (*shown)
		progress_line("measuring %s: %.0f %%", progress->what, progress->done * 100);
	return interrupted();
}

static void print_row(struct table *table, const struct netsim_verify_row *row)
{
	const char *cells[] = {row->subject, row->what, *row->asked ? row->asked : "-",
			       *row->measured ? row->measured : "-", word_of(row->verdict)};

	table_add(table, cells, 5);
}

static bool is_shown(const struct common *args, const struct netsim_verify_row *row)
{
	return !args->quiet || row->verdict == NETSIM_NOT_AS_ASKED;
}

/* Prints each reason once, with the rows it applies to. */
static void print_reasons(const struct common *args, const struct netsim_verify *v)
{
	for (size_t i = 0; i < v->row_count; i++) {
		const struct netsim_verify_row *row = v->rows[i];
		size_t more = 0, before = 0;

		if (!*row->why || !is_shown(args, row))
			continue;
		for (size_t n = 0; n < v->row_count; n++)
			if (strcmp(v->rows[n]->why, row->why) == 0 && is_shown(args, v->rows[n])) {
				before += n < i;
				more += n > i;
			}
		if (before)
			continue;
		printf("%s %s", row->subject, row->what);
		if (more)
			printf(" and %zu more", more);
		printf(": %s\n", row->why);
	}
}

static void print_summary(const struct netsim_verify *v)
{
	printf("%zu of %zu as asked", v->as_asked, v->as_asked + v->failed);
	if (v->unmeasured)
		printf(", %zu unproved", v->unmeasured);
	if (v->left_out)
		printf(", %zu left out", v->left_out);
	putchar('\n');
}

/* -q prints only rows that failed. */
static void print_text(const struct common *args, const struct netsim_verify *v)
{
	static const char *const head[] = {"node", "what", "asked", "measured", "verdict"};
	struct table table = {0};

	if (args->verbose || v->from_kernel)
		printf("%s, reference: %s\n", v->fleet, v->basis);
	if (args->verbose)
		printf("timers are up to %.2f ms late here; delays may be that much longer\n",
		       v->timer_slack_ms);
	if (!args->quiet || v->failed)
		table_add(&table, head, 5);
	for (size_t i = 0; i < v->row_count; i++)
		if (is_shown(args, v->rows[i]))
			print_row(&table, v->rows[i]);
	table_print(&table, stdout);
	print_reasons(args, v);
	if (!args->quiet)
		print_summary(v);
}

static void put_value(json_t *values, const char *what, const char *unit, double value)
{
	char key[32];

	if (isnan(value))
		return;
	snprintf(key, sizeof(key), "%s_%s", what, unit);
	json_object_set_new(values, key, json_decimal(value, 6));
}

static json_t *json_values(const struct netsim_verify_values *v)
{
	json_t *values = v->unit ? json_object() : NULL;

	if (!values)
		return NULL;
	put_value(values, "asked", v->unit, v->asked);
	put_value(values, "measured", v->unit, v->measured);
	put_value(values, "sd", v->unit, v->sd);
	put_value(values, "low", v->unit, v->low);
	put_value(values, "high", v->unit, v->high);
	put_value(values, "tcp", v->unit, v->tcp);
	return values;
}

static void print_verify_json(const struct netsim_verify *v)
{
	json_t *rows = json_array(), *counts;

	for (size_t i = 0; i < v->row_count; i++) {
		const struct netsim_verify_row *row = v->rows[i];

		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o*}", "node",
					row->subject, "what", row->what, "asked", row->asked,
					"measured", row->measured, "verdict", word_of(row->verdict),
					"why", row->why, "values", json_values(&row->values)));
	}
	counts = json_pack("{s:I, s:I, s:I, s:I}", "passed", (json_int_t)v->as_asked, "failed",
			   (json_int_t)v->failed, "unproved", (json_int_t)v->unmeasured, "left_out",
			   (json_int_t)v->left_out);
	print_json(json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:o, s:b}", "fleet", v->fleet,
			     "asked_by", v->basis, "timers_late_ms",
			     json_decimal(v->timer_slack_ms, 6), "rows", rows, "as_asked",
			     (json_int_t)v->as_asked, "failed", (json_int_t)v->failed,
			     "not_measured", (json_int_t)v->unmeasured, "counts", counts,
			     "interrupted", v->interrupted));
}

static int run(const void *p, struct netsim_err *err)
{
	const struct verify_args *args = p;
	const struct common *common = &args->common;
	bool shown = progress_wanted(common);
	struct netsim_verify_opts how = NETSIM_OPTS(
		struct netsim_verify_opts,
		.fleet = common->count ? common->words[0] : common->fleet, .quick = args->quick,
		.nodes = args->nodes.list, .node_count = args->nodes.count,
		.progress = show_progress, .arg = &shown);
	struct netsim_verify *verify = NULL;
	struct netsim *ctx = NULL;
	int r = open_machine(&args->common, &args->machine, &ctx, err);

	interrupt_catch();
	if (r == 0)
		r = netsim_verify(ctx, &how, &verify, err);
	close_machine(ctx, r);
	progress_clear();
	if (r == -ENOENT && common->count && !*err->hint)
		snprintf(err->hint, sizeof(err->hint), "for some nodes only, write --nodes %s",
			 common->words[0]);
	if (r < 0)
		return r;
	if (common->json)
		print_verify_json(verify);
	else
		print_text(common, verify);
	report_interrupted(verify->interrupted);
	r = exit_status(verify->failed			    ? NETSIM_ERR_FAILED :
			verify->unmeasured && !args->accept ? NETSIM_ERR_UNPROVED :
							      NETSIM_ERR_NONE);
	if (verify->interrupted)
		r = EXIT_INTERRUPTED;
	netsim_verify_free(verify);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "[FLEET]",
	.summary = "Measure the links and compare them with the requested conditions.",
	.opts = opts,
	.max = 1,
};

const struct cmd cmd_verify = {
	.name = "verify",
	.syntax = &syntax,
	.size = sizeof(struct verify_args),
	.run = run,
};
