/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trace files: rate, delay and loss over time. There are two formats, recognised by
 * their first line: netsim's table and Mahimahi's packet-delivery trace.
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

/* Values from at_ns until the next row. */
struct trace_row {
	uint64_t at_ns;
	uint64_t rate_bps; /* 0: nothing passes */
	uint64_t delay_ns; /* one way */
	struct ratio loss;
};

struct trace {
	char *file;
	unsigned has;		/* columns: bits 1U << COND_RATE, COND_DELAY, COND_LOSS */
	uint64_t length_ns;	/* period after which it repeats; above the last row's time */
	struct trace_row *rows; /* at least one; the first at 0, then ascending */
	size_t count;
};

/* Reads a trace. The caller frees *ret with trace_free(). -EINVAL with diags on failure. */
int trace_load(const char *path, struct trace **ret, struct netsim_diags *diags);
/* The same from memory; file is the name used in messages. */
int trace_parse(const char *file, const char *data, size_t len, struct trace **ret,
		struct netsim_diags *diags);
void trace_free(struct trace *trace);

/* Prints a trace in netsim's format. */
int trace_print(const struct trace *trace, FILE *out);

/* Returns whether path ends in .trace, as the name of a trace file does. */
bool trace_is_name(const char *path);

#endif
