/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which faults were in force during a measurement, and when. */
#ifndef NETSIM_API_MEASURE_FAULTS_H
#define NETSIM_API_MEASURE_FAULTS_H

#include "netsim/policy/policy.h"

/*
 * Adds the faults that have begun since the last call to ret->faults, in the arena of ret,
 * and notes those that have ended. Faults that ended before begin (CLOCK_MONOTONIC in ns)
 * are left out. Only memory is read.
 */
int measure_faults_look(const struct policy *policy, uint64_t begin, struct netsim_measurement *ret,
			struct netsim_err *err);

#endif
