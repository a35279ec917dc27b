// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arbitrary bytes as a trace: no crash, rows in order; the printed form of a valid one prints the
 * same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct trace *trace)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out || trace_print(trace, out) < 0 || fclose(out))
		abort();
	return text;
}

static void check(const struct trace *trace)
{
	if (!trace->count || trace->count > TRACE_ROWS_MAX || !trace->has || trace->rows[0].at_ns ||
	    trace->length_ns <= trace->rows[trace->count - 1].at_ns)
		abort();
	for (size_t i = 1; i < trace->count; i++)
		if (trace->rows[i].at_ns <= trace->rows[i - 1].at_ns)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netsim_diags diags = {0}, none = {0};
	struct trace *trace, *again;

	if (trace_parse("fuzz", (const char *)data, size, &trace, &diags) < 0) {
		if (!diags.count)
			abort();
		return 0;
	}
	check(trace);
	char *first = print(trace), *second;

	if (trace_parse("fuzz", first, strlen(first), &again, &none) < 0)
		abort();
	second = print(again);
	if (strcmp(first, second) != 0)
		abort();
	free(first);
	free(second);
	trace_free(trace);
	trace_free(again);
	return 0;
}
