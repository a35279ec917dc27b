/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records the faults in force during a measurement, with their times. */
#ifndef NETSIM_API_MEASURE_FAULTS_H
#define NETSIM_API_MEASURE_FAULTS_H

#include "netsim/policy/policy.h"

/*
 * Adds faults begun since the last call to ret->faults, in the arena of ret, and sets the
 * end of those that have ended. Skips faults whose deadline was before begin
 * (CLOCK_MONOTONIC, ns). Reads only memory.
 */
int measure_faults_look(const struct policy *policy, uint64_t begin, struct netsim_measurement *ret,
			struct netsim_err *err);

#endif
