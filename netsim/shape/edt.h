/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiles conditions into the edt engine's form (bpf/port.h). Pure: no I/O.
 *
 * The levels that give conditions for one hop are merged key by key, from the least
 * to the most specific; edt_finish() then computes the values that depend on the whole.
 */
#ifndef NETSIM_EDT_H
#define NETSIM_EDT_H

#include "netsim/config/conditions.h"
#include "netsim/policy/policy.h"

/* The state of compiling a profile or fault: distribution tables and traces in use, each once. */
struct edt_compiler {
	const struct policy *policy;
	uint64_t now;  /* start of all traces, CLOCK_MONOTONIC in ns */
	uint64_t seed; /* for conditions without a seed */
	const int16_t *tables[POLICY_FILE_TABLES];
	size_t table_lens[POLICY_FILE_TABLES];
	size_t table_count;
	const struct trace *traces[PORT_TRACE_ROWS];
	uint32_t trace_firsts[PORT_TRACE_ROWS];
	size_t trace_count;
	size_t row_count;
};

/* Compiles the conditions of one hop. -ENOSPC with err beyond the limit of tables or traces. */
int edt_compile(const struct conditions *c, struct edt_compiler *compiler,
		struct port_conditions *ret, struct netsim_err *err);
/* Copies the tables and traces in use to base; the caller owns the arrays. */
int edt_copy_tables(const struct edt_compiler *compiler, struct policy_base *base,
		    struct netsim_err *err);

/* Overrides c with every condition of more. */
void edt_merge(struct port_conditions *c, const struct port_conditions *more);
/* True if a burst has a peak above its rate. */
bool edt_has_peak(const struct port_conditions *c);
/*
 * Computes burst and queue as times; drops jitter without a delay, and a peak that is none
 * (edt_has_peak()).
 */
void edt_finish(struct port_conditions *c);

/* True if the conditions delay packets, which then need an fq to wait in. */
bool edt_delays(const struct port_conditions *c);

/* Converts back, for display: without locations, distribution files and traces. */
void edt_read(const struct port_conditions *c, struct conditions *ret);

#endif
