/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by chart.c (phases, faults, events), chart_series.c (bins and spans of samples), and
 * chart_member.c (JSON).
 */
#ifndef NETSIM_JUDGE_CHART_PARTS_H
#define NETSIM_JUDGE_CHART_PARTS_H

#include "netsim/judge/chart.h"
#include "netsim/judge/outage.h"
#include "netsim/util/buf.h"

struct chart {
	const struct evidence *ev;
	struct buf out;
	int64_t origin;	  /* beginning of the run */
	int64_t from, to; /* limits of the time axis */
	int64_t bin;	  /* width of a bin */
	size_t bins;
	int64_t grain; /* spans closer than this are merged */
};

/* Appends "," before all but the first, and "NAME":. */
void chart_key(struct chart *c, bool first, const char *name);
void chart_text(struct chart *c, bool first, const char *name, uint32_t number);
void chart_number(struct chart *c, bool first, const char *name, int64_t value);
/* The same for a time, since the beginning of the run. */
void chart_when(struct chart *c, bool first, const char *name, int64_t time);
/* Returns the bin of a time, clamped. */
size_t chart_bin(const struct chart *c, int64_t time);

/* chart_series.c: each appends a member, and returns 0 or -ENOMEM. */
int chart_probes(struct chart *c);
int chart_ledgers(struct chart *c);
int chart_clusters(struct chart *c);
/* chart_metrics.c: the same. */
int chart_metrics(struct chart *c);

#endif
