// SPDX-License-Identifier: GPL-2.0-or-later
#include "fault_print.h"

#include "out.h"

void print_fault_put(const struct common *args, uint32_t fault, const char *text, const char *name,
		     int64_t for_ns)
{
	double seconds = (double)for_ns / 1e9;

	if (args->quiet)
		return;
	if (args->json)
		print_json(json_pack("{s:i, s:s, s:s*, s:o}", "fault", (int)fault, "text", text,
				     "name", name, "for", json_seconds(seconds)));
	else if (args->dry)
		printf("would be: %s\n", text);
	else if (for_ns)
		printf("fault %u: %s, for %g s\n", fault, text, seconds);
	else
		printf("fault %u: %s, until netsim heal\n", fault, text);
}
