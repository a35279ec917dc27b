/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply_print.h"

#include <string.h>

#include "out.h"

#define PARTS 3

/* Cuts a line at its tabs, in place. */
static void split(char *line, const char *parts[PARTS])
{
	for (int i = 0; i < PARTS; i++) {
		char *tab = strchr(line, '\t');

		parts[i] = line;
		if (!tab)
			tab = line + strlen(line) - 1;
		else
			*tab = 0;
		line = tab + 1;
	}
}

void print_shaped(const struct common *args, const struct netsim_lines *lines)
{
	static const char *const head[] = {"link", "each way"};
	struct table table = {0};
	json_t *list = json_array();
	const char *parts[PARTS];

	table_add(&table, head, 2);
	for (size_t i = 0; i < lines->count; i++) {
		split(lines->list[i], parts);
		table_add_ways(&table, (const char *[]) {parts[0], NULL}, 2, 1, parts[1], parts[2]);
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "link", parts[0], "up",
						      parts[1], "down", parts[2]));
	}
	if (args->json)
		print_json(json_pack("{s:O}", "shaped", list));
	else if (!args->quiet && lines->count)
		table_print(&table, stdout);
	json_decref(list);
}
