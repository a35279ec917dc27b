/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run_print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"

const char *run_word(enum netsim_verdict verdict)
{
	return verdict == NETSIM_AS_ASKED     ? "ok" :
	       verdict == NETSIM_NOT_AS_ASKED ? "failed" :
						"unproved";
}

int run_status(const struct netsim_run *run)
{
	return exit_status(run->verdict == NETSIM_AS_ASKED     ? NETSIM_ERR_NONE :
			   run->verdict == NETSIM_NOT_AS_ASKED ? NETSIM_ERR_FAILED :
								 NETSIM_ERR_UNPROVED);
}

#define LINE_COLUMNS 100

/* The length of the first columns of a text; every UTF-8 character counts as one. */
static size_t length_of(const char *text, size_t columns)
{
	size_t used = 0, i = 0;

	for (; text[i]; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80 && used++ == columns)
			break;
	return i;
}

/* Prints a line, of which the evidence has all. */
static void print_line(const char *line)
{
	static const char more[] = "...";

	if (!line[length_of(line, LINE_COLUMNS)])
		puts(line);
	else
		printf("%.*s%s\n", (int)length_of(line, LINE_COLUMNS - strlen(more)), line, more);
}

/* The rows of one verdict that are not ok; with -v all rows. */
static void print_rows(const struct common *common, const struct netsim_run *run,
		       enum netsim_verdict verdict)
{
	for (size_t i = 0; i < run->row_count; i++)
		if (run->rows[i]->verdict == verdict &&
		    (verdict != NETSIM_AS_ASKED || common->verbose))
			print_line(run->rows[i]->line);
}

/* Prints the distribution of expectations that were measured several times. */
static void print_values(const struct netsim_run *run)
{
	for (size_t i = 0; i < run->expectation_count; i++) {
		const struct netsim_run_expectation *x = run->expectations[i];

		if (x->measured > 1)
			printf("%s: %s: min, median, max of %zu: %s\n", x->phase, x->text,
			       x->measured, x->shows);
	}
}

static void print_summary(const struct netsim_run *run)
{
	printf("%s: %s: %zu ok", run->scenario, run_word(run->verdict), run->as_asked);
	if (run->failed)
		printf(", %zu failed", run->failed);
	if (run->unproved)
		printf(", %zu unproved", run->unproved);
	printf("; %.1f s", (double)run->duration_ns / 1e9);
	if (run->folder)
		printf("; evidence in %s", run->folder);
	putchar('\n');
}

/* What --keep has left. */
static void print_kept(const struct netsim_run *run)
{
	struct wrap wrap;

	if (!run->kept_count)
		return;
	wrap_begin(&wrap, stdout, "kept until netsim down:", 2);
	for (size_t i = 0; i < run->kept_count; i++)
		wrap_word(&wrap, "%s%s", run->kept[i], i + 1 < run->kept_count ? "," : "");
	wrap_end(&wrap);
}

void run_print(const struct common *common, const struct netsim_run *run)
{
	for (size_t i = 0; i < run->note_count; i++)
		fprintf(stderr, "netsim: note: %s\n", run->notes[i]);
	if (run->unwritten)
		fprintf(stderr, "netsim: warning: the evidence is not complete: %s\n",
			run->unwritten);
	if (common->json) {
		fputs(run->json, stdout);
		return;
	}
	print_rows(common, run, NETSIM_AS_ASKED);
	print_rows(common, run, NETSIM_UNPROVED);
	print_rows(common, run, NETSIM_NOT_AS_ASKED);
	if (common->quiet)
		return;
	for (size_t i = 0; i < run->finding_count && common->verbose; i++)
		printf("finding: %s\n", run->findings[i]);
	print_values(run);
	print_summary(run);
	print_kept(run);
}

static json_t *step_json(const struct netsim_plan_step *step)
{
	json_t *json =
		json_pack("{s:o, s:b, s:o, s:o}", "at_seconds",
			  json_seconds((double)step->at_ns / 1e9), "at_least", step->at_least,
			  "phase", json_words(step->phase), "does", json_words(step->text));

	if (step->repetitions) {
		json_object_set_new(json, "repetition", json_integer(step->repetition));
		json_object_set_new(json, "repetitions", json_integer(step->repetitions));
	}
	return json;
}

static json_t *plan_json(const struct netsim_run_plan *plan, const char *instead)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < plan->step_count; i++)
		json_array_append_new(steps, step_json(plan->steps[i]));
	return json_pack("{s:o, s:o, s:I, s:s*, s:o, s:o, s:b}", "scenario",
			 json_words(plan->scenario), "fleet", json_words(plan->fleet), "seed",
			 (json_int_t)plan->seed, "instead", instead, "steps", steps, "seconds",
			 json_seconds((double)plan->length_ns / 1e9), "at_least", plan->at_least);
}

int run_plan_add(json_t *list, const struct common *common, const char *path,
		 const struct netsim_run_opts *how, struct netsim_err *err)
{
	struct netsim_diags diags = {0};
	struct netsim_run_plan *plan = NULL;
	int r = report_file(netsim_run_plan(path, how, &plan, &diags, err), common, &diags, err);

	if (r)
		return r;
	if (common->json)
		json_array_append_new(list, plan_json(plan, how->instead));
	else
		fputs(plan->text, stdout);
	netsim_run_plan_free(plan);
	return 0;
}

int run_plan_end(json_t *list, const struct common *common, int r)
{
	if (r == 0 && common->json)
		print_json(json_pack("{s:O}", "plans", list));
	json_decref(list);
	return r;
}

/* Closes a file; an error if that or a step before failed. */
static int close_written(FILE *out, bool good, const char *path, struct netsim_err *err)
{
	if (out)
		good = fclose(out) == 0 && good;
	if (good)
		return 0;
	err->kind = NETSIM_ERR_KERNEL;
	err->code = -errno;
	snprintf(err->what, sizeof(err->what), "cannot write %s: %s", path, strerror(errno));
	return err->code;
}

int run_write_text(const char *path, const char *text, struct netsim_err *err)
{
	FILE *out = path && text ? fopen(path, "we") : NULL;

	if (!path)
		return 0;
	if (!text)
		errno = ENOMEM;
	return close_written(out, out && fputs(text, out) >= 0, path, err);
}

/* A line for each fault: the body of a request to Grafana's /api/annotations. */
static bool put_annotations(const struct netsim_run *run, FILE *out)
{
	json_t *chart = json_loads(run->chart, 0, NULL), *fault;
	bool good = chart;
	size_t i;

	json_array_foreach(json_object_get(chart, "faults"), i, fault)
	{
		json_t *end = json_object_get(fault, "end_ns");
		json_int_t from = json_integer_value(json_object_get(fault, "begin_ns"));
		json_int_t to = end ? json_integer_value(end) : run->duration_ns;
		json_t *line = json_pack(
			"{s:I, s:I, s:[s, o], s:O}", "time", (run->begin_ns + from) / 1000000,
			"timeEnd", (run->begin_ns + to) / 1000000, "tags", "netsim",
			json_words(run->scenario), "text", json_object_get(fault, "text"));

		good = line && json_dumpf(line, out, JSON_COMPACT) == 0 && fputc('\n', out) >= 0 &&
		       good;
		json_decref(line);
	}
	json_decref(chart);
	return good;
}

int run_write_annotations(const struct netsim_run *const *runs, size_t count, const char *path,
			  struct netsim_err *err)
{
	FILE *out = path ? fopen(path, "we") : NULL;
	bool good = out;

	if (!path)
		return 0;
	for (size_t i = 0; good && i < count; i++)
		good = put_annotations(runs[i], out);
	return close_written(out, good, path, err);
}
