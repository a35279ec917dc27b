/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run over time, as JSON that a page draws: phases, faults, outages, leaders, throughput. Its
 * size is bounded however long the run is: samples and operations are aggregated in bins, and
 * outages closer to each other than a grain are merged. Pure: no I/O, no clock.
 */
#ifndef NETSIM_JUDGE_CHART_H
#define NETSIM_JUDGE_CHART_H

#include "netsim/judge/claim.h"
#include "netsim/judge/evidence.h"

/*
 * Times are ns since the beginning of the run, as in verdict_json(). claims are those of the
 * verdict. Returns JSON, which the caller frees; NULL: out of memory.
 */
char *chart_json(const struct evidence *ev, const struct claim *claims, size_t claim_count);

#endif
