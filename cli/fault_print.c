// SPDX-License-Identifier: GPL-2.0-or-later
#include "fault_print.h"

#include <math.h>

#include "out.h"

const char *fault_text(const struct netsim_fault *fault, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", fault->name ? fault->name : "", fault->name ? ": " : "",
		 fault->text);
	return buf;
}

json_t *json_groups(const struct netsim_fault *fault)
{
	json_t *list = fault->group_count && !fault->pairs ? json_array() : NULL;

	for (size_t i = 0; list && i < fault->group_count; i++)
		json_array_append_new(list, json_list(fault->groups[i]));
	return list;
}

json_t *json_cuts(const struct netsim_fault *fault)
{
	json_t *list = fault->group_count && fault->pairs ? json_array() : NULL;

	for (size_t i = 0; list && i + 1 < fault->group_count; i += 2)
		json_array_append_new(list,
				      json_pack("{s:o, s:o}", "from", json_list(fault->groups[i]),
						"to", json_list(fault->groups[i + 1])));
	return list;
}

/* "in place of fault 3, " if the fault took its place */
static const char *replaced_text(const struct netsim_fault *fault, char *buf, size_t size)
{
	*buf = '\0';
	if (fault->replaces)
		snprintf(buf, size, "in place of fault %u, ", fault->replaces);
	return buf;
}

void print_added_fault(const struct common *args, const struct netsim_fault *fault,
		       json_t *selected)
{
	double seconds = fault->left_ns > 0 ? (double)fault->left_ns / 1e9 : 0;
	char place[64], ends[64] = "until netsim heal";

	/* What is left of another fault's deadline has more digits than anyone reads. */
	if (seconds > 1e-3)
		seconds = round(seconds * 1e3) / 1e3;
	if (seconds > 0)
		snprintf(ends, sizeof(ends), "for %g s", seconds);

	if (args->quiet || !args->json)
		json_decref(selected);
	if (args->quiet)
		return;
	if (args->json)
		print_json(json_pack(
			"{s:i, s:s, s:o*, s:s*, s:o, s:b, s:o*, s:o*, s:o*, s:o*, s:o*}", "fault",
			(int)fault->id, "text", fault->text, "values",
			fault->conditions ? json_conditions(fault->conditions) : NULL, "name",
			fault->name, "for", json_seconds(seconds), "l2", fault->l2, "replaces",
			fault->replaces ? json_integer(fault->replaces) : NULL, "reject",
			fault->reject ? json_true() : NULL, "groups", json_groups(fault), "cuts",
			json_cuts(fault), "selected", selected));
	else if (args->dry)
		printf("would add: %s%s%s\n", fault->text, seconds > 0 ? ", " : "",
		       seconds > 0 ? ends : "");
	else
		printf("fault %u: %s, %s%s\n", fault->id, fault->text,
		       replaced_text(fault, place, sizeof(place)), ends);
}
