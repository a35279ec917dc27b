// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints a scenario, with defaults filled in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/scenario_parts.h"
#include "netsim/util/quote.h"

static void print_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, "%s: ", key);
	quote_print(text, out);
}

/* Prints YAML, indented by two more columns. */
static int print_indented(const char *text, FILE *out)
{
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		fprintf(out, "%s%.*s\n", length ? "  " : "", (int)length, line);
		line += length + (line[length] == '\n');
	}
	return 0;
}

/* Closes the memory stream that writes *text, prints the text indented below its key, frees it. */
static int end_inside(FILE *memory, int r, char **text, const char *key, FILE *out)
{
	r = fclose(memory) ? -ENOMEM : r;
	fprintf(out, "%s:\n", key);
	if (r == 0)
		r = print_indented(*text, out);
	free(*text);
	return r;
}

static int print_named(const char *key, const char *name, FILE *out)
{
	print_text(out, key, name);
	fputc('\n', out);
	return 0;
}

static int print_fleet(const struct scenario *s, FILE *out)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory;

	if (s->fleet_path)
		return print_named("fleet", s->fleet.s, out);
	memory = open_memstream(&text, &size);
	return memory ? end_inside(memory, topo_print(s->topo, memory), &text, "fleet", out) :
			-ENOMEM;
}

static int print_profile(const struct scenario *s, FILE *out)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory;

	if (s->profile_path)
		return print_named("profile", s->profile_name.s, out);
	if (!s->profile)
		return 0;
	memory = open_memstream(&text, &size);
	return memory ? end_inside(memory, profile_print(s->profile, memory), &text, "profile",
				   out) :
			-ENOMEM;
}

/* Prints a number per second without trailing zeroes. */
static void print_rate(double rate, FILE *out)
{
	char text[64];
	int length = snprintf(text, sizeof(text), "%.6f", rate);

	while (text[length - 1] == '0')
		length--;
	length -= text[length - 1] == '.';
	fprintf(out, ", rate: %.*s/s", length, text);
}

static void print_workload(const struct workload *w, FILE *out)
{
	char timeout[UNIT_TEXT];

	fputs("  ", out);
	quote_print(w->name, out);
	fputs(w->kind == WORKLOAD_RUN ? ": {run: " : ": {use: ", out);
	if (w->kind == WORKLOAD_RUN)
		program_print_list(out, &w->program.command);
	else
		quote_print(w->use.s, out);
	fputs(", nodes: ", out);
	program_print_list(out, &w->nodes.words);
	if (w->kind == WORKLOAD_RUN)
		program_print_flow(out, &w->program);
	if (w->kind == WORKLOAD_RECIPE) {
		struct program own = w->program;

		own.ready = (struct ready) {0};
		program_print_flow(out, &own);
	}
	if (w->interface.s) {
		fputs(", interface: ", out);
		quote_print(w->interface.s, out);
	}
	if (workload_is_ledger(w)) {
		fputs(w->store ? ", of: " : ", file: ", out);
		quote_print(w->store ? w->store->name : w->file.s, out);
		print_rate(w->rate, out);
		fprintf(out, ", timeout: %s", unit_format_duration(w->timeout, timeout));
	}
	fputs("}\n", out);
}

static void print_probe(const struct probe *p, FILE *out)
{
	char every[UNIT_TEXT], timeout[UNIT_TEXT];

	fputs("  ", out);
	quote_print(p->name, out);
	fputs(": {from: ", out);
	program_print_list(out, &p->from.words);
	fprintf(out, ", %s: ", scenario_probes[p->kind]);
	if (p->kind == PROBE_RUN)
		program_print_list(out, &p->run);
	else
		quote_print(p->target.s, out);
	if (p->nodes.words.given) {
		fputs(", nodes: ", out);
		program_print_list(out, &p->nodes.words);
	}
	fprintf(out, ", need: %s, every: %s, timeout: %s", scenario_needs[p->need],
		unit_format_duration(p->every, every), unit_format_duration(p->timeout, timeout));
	if (p->kind == PROBE_HTTP)
		fprintf(out, ", status: %u", p->status);
	if (p->body.s) {
		fputs(", body: ", out);
		quote_print(p->body.s, out);
	}
	if (p->tls.s) {
		fputs(", tls: ", out);
		quote_print(p->tls.s, out);
	}
	fputs("}\n", out);
}

static void print_sentences(const char *key, struct scenario_expectation *const *list, size_t count,
			    FILE *out)
{
	if (count)
		fprintf(out, "%s:\n", key);
	for (size_t i = 0; i < count; i++) {
		fputs("  - ", out);
		quote_print(list[i]->e.text, out);
		fputc('\n', out);
	}
}

static void print_phase(const struct phase *phase, FILE *out)
{
	char text[UNIT_TEXT], other[UNIT_TEXT];

	fputs("- ", out);
	quote_print(phase->name, out);
	fputc(':', out);
	for (size_t i = 0; i < phase->command_count; i++) {
		fputs(i ? ", " : " [", out);
		quote_print(phase->commands[i]->text, out);
	}
	fputs(phase->command_count ? "]\n" : "\n", out);
	if (phase->lasts.ns)
		fprintf(out, "  for: %s\n", unit_format_duration(phase->lasts, text));
	if (phase->repeated && phase->pause_max.ns)
		fprintf(out, "  repeat: %u, %s..%s apart\n", phase->repeat,
			unit_format_duration(phase->pause_min, text),
			unit_format_duration(phase->pause_max, other));
	else if (phase->repeated)
		fprintf(out, "  repeat: %u\n", phase->repeat);
	print_sentences("  expect", phase->expect, phase->expect_count, out);
}

int scenario_print(const struct scenario *s, FILE *out)
{
	int r;

	print_text(out, "scenario", s->name.s);
	fputc('\n', out);
	if (s->why.s) {
		print_text(out, "why", s->why.s);
		fputc('\n', out);
	}
	r = print_fleet(s, out);
	if (r == 0)
		r = print_profile(s, out);
	fprintf(out, "seed: %llu\n", (unsigned long long)s->seed);
	fputs(s->workload_count ? "start:\n" : "", out);
	for (size_t i = 0; i < s->workload_count; i++)
		print_workload(s->workloads[i], out);
	fputs(s->probe_count && !s->probes[0]->of_pair ? "probes:\n" : "", out);
	for (size_t i = 0; i < s->probe_count; i++)
		if (!s->probes[i]->of_pair)
			print_probe(s->probes[i], out);
	fputs("timeline:\n", out);
	for (size_t i = 0; i < s->phase_count; i++)
		print_phase(s->phases[i], out);
	print_sentences("abort", s->aborts, s->abort_count, out);
	return r == 0 && ferror(out) ? -EIO : r;
}
