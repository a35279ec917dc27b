// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arbitrary bytes as the answer of an endpoint of metrics: no crash, and each series that is read
 * parses again to the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/words/series.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct metrics_reader reader = {.at = (const char *)data, .end = (const char *)data + size};
	struct metrics_value value;
	struct series again;
	size_t bad = 0;

	while (metrics_next(&reader, &value))
		if (series_parse(value.text, value.len, &again, &bad) != (int)value.len ||
		    !series_matches(&again, &value.series))
			abort();
	if (series_parse((const char *)data, size, &again, &bad) < 0 && bad > size)
		abort();
	return 0;
}
