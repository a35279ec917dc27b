/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions as the edt engine's programs take them (bpf/port.h). Pure: no I/O.
 *
 * What several levels say about one hop is merged key by key first, the less
 * specific one below; edt_finish() then works out what follows from all of it.
 */
#ifndef NETSIM_EDT_H
#define NETSIM_EDT_H

#include "netsim/config/conditions.h"
#include "netsim/policy/policy.h"

/* Tables and traces that conditions refer to, each once. */
struct edt_compiler {
	const struct policy *policy;
	uint64_t now;  /* when traces begin; CLOCK_MONOTONIC in ns */
	uint64_t seed; /* where none is asked for */
	const int16_t *tables[POLICY_FILE_TABLES];
	size_t table_lens[POLICY_FILE_TABLES];
	size_t table_count;
	const struct trace *traces[PORT_TRACE_ROWS];
	uint32_t trace_firsts[PORT_TRACE_ROWS];
	size_t trace_count;
	size_t row_count;
};

/* -ENOSPC with err where there is no room for a table or trace. */
int edt_compile(const struct conditions *c, struct edt_compiler *compiler,
		struct port_conditions *ret, struct netsim_err *err);
/* What the compiler holds, into base; the arrays are the caller's. */
int edt_copy_tables(const struct edt_compiler *compiler, struct policy_base *base,
		    struct netsim_err *err);

/* Takes over from more every condition that it has. */
void edt_merge(struct port_conditions *c, const struct port_conditions *more);
void edt_finish(struct port_conditions *c);

/* True where packets leave later than they came: fq has to hold them. */
bool edt_delays(const struct port_conditions *c);

/* For showing them; without places, tables' and traces' names. */
void edt_read(const struct port_conditions *c, struct conditions *ret);

#endif
