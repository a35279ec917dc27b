// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/api/measure_faults.h"

#include <stdlib.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/util/array.h"
#include "netsim/util/clock.h"

/* Since 1970, of a time of the steady clock. */
static int64_t date_of(uint64_t steady)
{
	return clock_ns(CLOCK_REALTIME) - (int64_t)(policy_now() - steady);
}

static int note(const struct policy *policy, const struct port_fault *fault,
		struct measured_faults *faults, struct netsim_err *err)
{
	struct netsim_fault *new = array_push(faults->list, faults->count);
	char text[512];

	if (!new)
		return err_oom(err);
	api_describe_fault(policy, fault, text, sizeof(text));
	*new = (struct netsim_fault) {
		.id = fault->id, .text = strdup(text), .begin_ns = date_of(fault->start)};
	return new->text ? 0 : err_oom(err);
}

static const struct port_fault *find(const struct policy *policy, uint32_t id)
{
	for (int i = 0; i < PORT_FAULTS; i++)
		if (policy_slot(policy)->faults[i].id == id)
			return &policy_slot(policy)->faults[i];
	return NULL;
}

static bool is_known(const struct measured_faults *faults, uint32_t id)
{
	for (size_t i = 0; i < faults->count; i++)
		if (faults->list[i].id == id)
			return true;
	return false;
}

static void note_ends(const struct policy *policy, struct measured_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		struct netsim_fault *one = &faults->list[i];
		const struct port_fault *fault = find(policy, one->id);

		if (!one->end_ns && !(fault && policy_alive(fault)))
			one->end_ns = date_of(fault ? fault->deadline : policy_now());
	}
}

int measure_faults_look(const struct policy *policy, uint64_t begin, struct measured_faults *faults,
			struct netsim_err *err)
{
	int r = 0;

	if (!policy)
		return 0;
	for (int i = 0; r == 0 && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(policy)->faults[i];

		if (fault->id && (!fault->deadline || fault->deadline > begin) &&
		    !is_known(faults, fault->id))
			r = note(policy, fault, faults, err);
	}
	note_ends(policy, faults);
	return r;
}

void measure_faults_done(struct measured_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		free(faults->list[i].text);
	free(faults->list);
	*faults = (struct measured_faults) {0};
}
