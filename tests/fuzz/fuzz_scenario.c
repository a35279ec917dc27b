// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arbitrary bytes as a scenario: no crash; the printed form of a valid one prints the same, and it
 * has a plan.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/timeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct scenario *scenario)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out || scenario_print(scenario, out) < 0 || fclose(out))
		abort();
	return text;
}

static void plan(const struct scenario *scenario)
{
	struct timeline *timeline;
	FILE *out = fopen("/dev/null", "w");

	if (!out || timeline_plan(scenario, &timeline) < 0 ||
	    timeline_print(timeline, scenario, out) < 0)
		abort();
	timeline_free(timeline);
	fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netsim_diags diags = {0}, none = {0};
	struct scenario *scenario, *again;
	char *first, *second;

	if (scenario_parse("fuzz", (const char *)data, size, &scenario, &diags) < 0) {
		if (diags.count == diags.warnings)
			abort();
		return 0;
	}
	first = print(scenario);
	if (scenario_parse("fuzz", first, strlen(first), &again, &none) < 0)
		abort();
	second = print(again);
	if (strcmp(first, second) != 0)
		abort();
	plan(scenario);
	free(first);
	free(second);
	scenario_free(scenario);
	scenario_free(again);
	return 0;
}
