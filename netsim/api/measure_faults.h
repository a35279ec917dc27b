/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which faults were in force while something was measured, and when. */
#ifndef NETSIM_MEASURE_FAULTS_H
#define NETSIM_MEASURE_FAULTS_H

#include "netsim/policy/policy.h"

struct measured_faults {
	struct netsim_fault *list;
	size_t count;
};

/*
 * Notes what has begun and ended since it was last called, and was in force after begin
 * (CLOCK_MONOTONIC in ns): memory is read, no more.
 */
int measure_faults_look(const struct policy *policy, uint64_t begin, struct measured_faults *faults,
			struct netsim_err *err);
void measure_faults_done(struct measured_faults *faults);

#endif
