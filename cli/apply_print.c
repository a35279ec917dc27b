/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply_print.h"

#include "missing.h"
#include "out.h"

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

/* Prints the engine and the numbers of pairs and classes, which no row of a link shows. */
static void print_engine(const struct netsim_apply *done)
{
	if (done->moved || done->pair_count || done->class_count)
		printf("engine %s", engine_name(done->engine));
	if (done->moved)
		printf(", %s before", done->engine == NETSIM_ENGINE_EDT ? "netem" : "edt");
	if (done->pair_count)
		printf(", %zu pair%s", done->pair_count, plural(done->pair_count));
	if (done->class_count)
		printf(", %zu class%s", done->class_count, done->class_count == 1 ? "" : "es");
	if (done->moved || done->pair_count || done->class_count)
		putchar('\n');
}

void print_applied(const struct common *args, const struct netsim_apply *done)
{
	static const char *const head[] = {"link", "each way"};
	struct table table = {0};
	json_t *list = json_array();

	table_add(&table, head, 2);
	for (size_t i = 0; i < done->count; i++) {
		const struct netsim_shaped *shaped = done->list[i];
		const char *up = or_dash(shaped->up), *down = or_dash(shaped->down);

		table_add_ways(&table, (const char *[]) {shaped->name, NULL}, 2, 1, up, down);
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:o*, s:o*}", "link", shaped->name, "up",
					up, "down", down, "up_values", json_conditions(shaped->up),
					"down_values", json_conditions(shaped->down)));
	}
	if (args->json)
		print_json(json_pack("{s:O, s:s?, s:b, s:I, s:I, s:o}", "shaped", list, "engine",
				     engine_name(done->engine), "moved", done->moved, "pairs",
				     (json_int_t)done->pair_count, "classes",
				     (json_int_t)done->class_count, "missing",
				     missing_json(done->missing, done->missing_count)));
	else if (!args->quiet && done->count)
		table_print(&table, stdout);
	if (!args->json && !args->quiet)
		print_engine(done);
	if (!args->json)
		missing_print(done->missing, done->missing_count, "netsim: not shaped: ", stderr);
	json_decref(list);
}
