/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply_print.h"

#include "out.h"

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
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
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "link", shaped->name, "up",
						      up, "down", down));
	}
	if (args->json)
		print_json(json_pack("{s:O}", "shaped", list));
	else if (!args->quiet && done->count)
		table_print(&table, stdout);
	json_decref(list);
}
