/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two runs side by side: their expectations, and what was asked of pairs of nodes. */
#include <string.h>

#include "out.h"
#include "run_print.h"

/* --- expectations */

static const struct netsim_run_expectation *find(const struct netsim_run *run,
						 const struct netsim_run_expectation *like)
{
	for (size_t i = 0; i < run->expectation_count; i++)
		if (strcmp(run->expectations[i]->phase, like->phase) == 0 &&
		    strcmp(run->expectations[i]->text, like->text) == 0)
			return run->expectations[i];
	return NULL;
}

static const char *verdict_of(const struct netsim_run_expectation *x)
{
	return !x ? "-" : x->failed ? "failed" : x->unproved ? "unproved" : "ok";
}

static void add_row(struct table *table, const struct netsim_run_expectation *a,
		    const struct netsim_run_expectation *b)
{
	const struct netsim_run_expectation *any = a ? a : b;
	const char *cells[] = {any->phase,    any->text,
			       verdict_of(a), a && *a->shows ? a->shows : "-",
			       verdict_of(b), b && *b->shows ? b->shows : "-"};

	table_add(table, cells, 6);
}

static json_t *json_side(const struct netsim_run_expectation *x)
{
	json_t *side = json_pack("{s:s}", "result", verdict_of(x));

	if (x && x->measured) {
		json_object_set_new(side, "min", json_real(x->min));
		json_object_set_new(side, "median", json_real(x->median));
		json_object_set_new(side, "max", json_real(x->max));
		json_object_set_new(side, "shows", json_string(x->shows));
	}
	return side;
}

static json_t *json_row(const struct netsim_run_expectation *a,
			const struct netsim_run_expectation *b)
{
	const struct netsim_run_expectation *any = a ? a : b;

	return json_pack("{s:s, s:s, s:o, s:o}", "phase", any->phase, "text", any->text, "a",
			 json_side(a), "b", json_side(b));
}

static void compare(const struct common *common, const struct netsim_run_expectation *a,
		    const struct netsim_run_expectation *b, struct table *table, json_t *rows)
{
	if (common->json)
		json_array_append_new(rows, json_row(a, b));
	else
		add_row(table, a, b);
}

static void compare_expectations(const struct common *common, const struct netsim_run *a,
				 const struct netsim_run *b, json_t *rows)
{
	static const char *const head[] = {"phase", "expectation",     "a", "min, median, max",
					   "b",	    "min, median, max"};
	struct table table = {0};

	if (!common->json)
		table_add(&table, head, 6);
	for (size_t i = 0; i < a->expectation_count; i++)
		compare(common, a->expectations[i], find(b, a->expectations[i]), &table, rows);
	for (size_t i = 0; i < b->expectation_count; i++)
		if (!find(a, b->expectations[i]))
			compare(common, NULL, b->expectations[i], &table, rows);
	if (!common->json)
		table_print(&table, stdout);
}

/* --- what every run expects */

static bool is_of_every_run(const struct netsim_run *run, const struct netsim_run_row *row)
{
	for (size_t i = 0; i < run->expectation_count; i++)
		if (strcmp(run->expectations[i]->phase, row->phase) == 0 &&
		    strcmp(run->expectations[i]->text, row->text) == 0)
			return false;
	return true;
}

/* Prints, or lists, what was not ok of that: it may be why an expectation is unproved. */
static json_t *others(const struct common *common, const struct netsim_run *run, const char *side)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < run->row_count; i++) {
		const struct netsim_run_row *row = run->rows[i];

		if (row->verdict == NETSIM_AS_ASKED || !is_of_every_run(run, row))
			continue;
		if (!common->json)
			printf("%s: %s\n", side, row->line);
		json_array_append_new(lines, json_words(row->line));
	}
	return lines;
}

/* --- what was asked of two nodes, as verdict.json has it */

static const char *const asked_key[] = {"phase", "from", "to", "class", "what"};
#define ASKED_KEYS (sizeof(asked_key) / sizeof(asked_key[0]))

static const char *text_of(const json_t *entry, const char *name)
{
	const char *text = json_string_value(json_object_get(entry, name));

	return text ? text : "";
}

static json_t *find_asked(const json_t *list, const json_t *like)
{
	json_t *entry;
	size_t i, k;

	json_array_foreach(list, i, entry)
	{
		for (k = 0; k < ASKED_KEYS; k++)
			if (strcmp(text_of(entry, asked_key[k]), text_of(like, asked_key[k])) != 0)
				break;
		if (k == ASKED_KEYS)
			return entry;
	}
	return NULL;
}

static void add_asked_row(struct table *table, const json_t *a, const json_t *b)
{
	const json_t *any = a ? a : b, *sides[] = {a, b};
	const char *class = text_of(any, "class"), *cells[7];
	char between[256];

	snprintf(between, sizeof(between), "%s > %s%s%s", text_of(any, "from"), text_of(any, "to"),
		 *class ? " " : "", class);
	cells[0] = text_of(any, "phase");
	cells[1] = between;
	cells[2] = text_of(any, "what");
	for (size_t i = 0; i < 2; i++) {
		const char *asked = text_of(sides[i], "asked_shows");
		const char *shows = text_of(sides[i], "shows");

		cells[3 + 2 * i] = *asked ? asked : "-";
		cells[4 + 2 * i] = *shows ? shows : "-";
	}
	table_add(table, cells, 7);
}

/* The members of an entry that are not in its key; null without an entry. */
static json_t *asked_side(const json_t *entry)
{
	json_t *side = entry ? json_copy((json_t *)entry) : json_null();

	for (size_t i = 0; entry && i < ASKED_KEYS; i++)
		json_object_del(side, asked_key[i]);
	return side;
}

static json_t *asked_row(const json_t *a, const json_t *b)
{
	json_t *row = json_object();

	for (size_t i = 0; i < ASKED_KEYS; i++) {
		json_t *value = json_object_get(a ? a : b, asked_key[i]);

		if (value)
			json_object_set(row, asked_key[i], value);
	}
	json_object_set_new(row, "a", asked_side(a));
	json_object_set_new(row, "b", asked_side(b));
	return row;
}

static void compare_asked(const struct common *common, const struct netsim_run *a,
			  const struct netsim_run *b, json_t *rows)
{
	static const char *const head[] = {"phase",    "between", "what",    "a asked",
					   "measured", "b asked", "measured"};
	json_t *both[] = {json_loads(a->json, 0, NULL), json_loads(b->json, 0, NULL)}, *entry;
	const json_t *lists[] = {json_object_get(both[0], "asked"),
				 json_object_get(both[1], "asked")};
	bool shown = common->verbose && !common->json;
	struct table table = {0};
	size_t i;

	if (shown)
		table_add(&table, head, 7);
	for (size_t side = 0; side < 2; side++)
		json_array_foreach(lists[side], i, entry)
		{
			json_t *other = find_asked(lists[!side], entry);
			const json_t *first = side ? other : entry, *second = side ? entry : other;

			if (side && other)
				continue;
			if (common->json)
				json_array_append_new(rows, asked_row(first, second));
			else if (shown && (*text_of(first, "shows") || *text_of(second, "shows")))
				add_asked_row(&table, first, second);
		}
	if (shown) {
		putchar('\n');
		table_print(&table, stdout);
	}
	json_decref(both[0]);
	json_decref(both[1]);
}

void run_compare(const struct common *common, const struct netsim_run *a,
		 const struct netsim_run *b)
{
	json_t *expectations = json_array(), *asked = json_array(), *rest[2];

	if (!common->json)
		printf("a: %s: %s: %s\nb: %s: %s: %s\n", a->folder, a->scenario,
		       run_word(a->verdict), b->folder, b->scenario, run_word(b->verdict));
	compare_expectations(common, a, b, expectations);
	rest[0] = others(common, a, "a");
	rest[1] = others(common, b, "b");
	compare_asked(common, a, b, asked);
	if (common->json)
		print_json(json_pack("{s:s, s:s, s:s, s:s, s:O, s:O, s:O, s:O}", "a", a->folder,
				     "b", b->folder, "a_result", run_word(a->verdict), "b_result",
				     run_word(b->verdict), "a_others", rest[0], "b_others", rest[1],
				     "expectations", expectations, "asked", asked));
	json_decref(rest[0]);
	json_decref(rest[1]);
	json_decref(expectations);
	json_decref(asked);
}
