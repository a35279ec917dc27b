// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/api/measure_faults.h"

#include <stdlib.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/util/clock.h"

/* Converts CLOCK_MONOTONIC to nanoseconds since 1970. */
static int64_t date_of(uint64_t steady)
{
	return clock_ns(CLOCK_REALTIME) - (int64_t)(policy_now() - steady);
}

static int note(const struct policy *policy, const struct port_fault *fault,
		struct netsim_measurement *ret, struct netsim_err *err)
{
	struct netsim_fault *new = arena_push(ret, ret->faults, ret->fault_count);
	char text[512];

	api_describe_fault(policy, fault, text, sizeof(text));
	if (!new || !api_fill_fault(ret, fault, text, new))
		return err_oom(err);
	new->begin_ns = date_of(fault->start);
	return 0;
}

static const struct port_fault *find(const struct policy *policy, uint32_t id)
{
	for (int i = 0; i < PORT_FAULTS; i++)
		if (policy_slot(policy)->faults[i].id == id)
			return &policy_slot(policy)->faults[i];
	return NULL;
}

static bool is_known(const struct netsim_measurement *ret, uint32_t id)
{
	for (size_t i = 0; i < ret->fault_count; i++)
		if (ret->faults[i]->id == id)
			return true;
	return false;
}

static void note_ends(const struct policy *policy, struct netsim_measurement *ret)
{
	for (size_t i = 0; i < ret->fault_count; i++) {
		struct netsim_fault *one = ret->faults[i];
		const struct port_fault *fault = find(policy, one->id);

		if (one->end_ns || (fault && policy_alive(fault)))
			continue;
		/* Not the deadline's date: that moves whenever the clock is adjusted. */
		one->end_ns = fault ? one->begin_ns + (int64_t)(fault->deadline - fault->start) :
				      date_of(policy_now());
	}
}

int measure_faults_look(const struct policy *policy, uint64_t begin, struct netsim_measurement *ret,
			struct netsim_err *err)
{
	int r = 0;

	if (!policy)
		return 0;
	for (int i = 0; r == 0 && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(policy)->faults[i];

		if (fault->id && (!fault->deadline || fault->deadline > begin) &&
		    !is_known(ret, fault->id))
			r = note(policy, fault, ret, err);
	}
	note_ends(policy, ret);
	return r;
}
