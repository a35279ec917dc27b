/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port_changes.h"

#include "figures.h"
#include "progress.h"

#define LINES_MOST 20 /* a cable may flap all the time; JSON has all changes */

static const struct {
	const char *text, *json;
} events[] = {
	[NETSIM_PORT_DOWN] = {"is down", "down"},
	[NETSIM_PORT_UP] = {"is up", "up"},
	[NETSIM_PORT_GONE] = {"disappeared", "gone"},
	[NETSIM_PORT_NEW] = {"was created again", "new"},
};

void report_port_change(const struct netsim_port_change *change)
{
	progress_clear();
	fprintf(stderr, "netsim: port %s %s\n", change->port, events[change->event].text);
}

void print_port_changes(const struct port_changes_shown *shown, FILE *out)
{
	char text[FIGURE_TEXT];

	if (shown->count)
		fprintf(out, "changes of ports, by time since the %s\n", shown->since);
	for (size_t i = 0; i < shown->count && i < LINES_MOST; i++) {
		const struct netsim_port_change *change = shown->list[i];
		int64_t ns = change->at_ns - shown->since_ns;

		fprintf(out, "%8s  %s %s\n",
			shown->since_ns && ns > 0 ? figure_duration((double)ns, text) : "before",
			change->port, events[change->event].text);
	}
	if (shown->count > LINES_MOST)
		fprintf(out, "and %zu more\n", shown->count - LINES_MOST);
}

json_t *port_changes_json(struct netsim_port_change *const *list, size_t count)
{
	json_t *json = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(json, json_pack("{s:s, s:s, s:I}", "port", list[i]->port,
						      "event", events[list[i]->event].json, "at_ns",
						      (json_int_t)list[i]->at_ns));
	return json;
}

void print_gone_ports(size_t gone, size_t all)
{
	if (gone)
		fprintf(stderr, "netsim: error: %zu of %zu ports disappeared\n", gone, all);
}
