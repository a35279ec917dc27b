/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trace files: rate, delay and loss over time. Two formats, told apart by what
 * they begin with: netsim's own table and Mahimahi's packet-delivery traces.
 */
#ifndef NETSIM_TRACE_H
#define NETSIM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

#define TRACE_ROWS_MAX 8192

/* From at_ns on, until the next row. */
struct trace_row {
	uint64_t at_ns;
	uint64_t rate_bps; /* 0: nothing passes */
	uint64_t delay_ns; /* one way */
	struct ratio loss;
};

struct trace {
	char *file;
	unsigned has;		/* its columns: 1U << COND_RATE, COND_DELAY, COND_LOSS */
	uint64_t length_ns;	/* where it starts over; above the last row's time */
	struct trace_row *rows; /* the first at 0, ascending; one at least */
	size_t count;
};

/* *ret is the caller's (trace_free). On failure -EINVAL and diags. */
int trace_load(const char *path, struct trace **ret, struct netsim_diags *diags);
/* The same from memory; file is what messages call it. */
int trace_parse(const char *file, const char *data, size_t len, struct trace **ret,
		struct netsim_diags *diags);
void trace_free(struct trace *trace);

/* Prints it in netsim's own format. */
int trace_print(const struct trace *trace, FILE *out);

/* True for the name of a trace file, which ends in .trace. */
bool trace_is_name(const char *path);

#endif
