/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <unistd.h>

#include "netsim/fleet/converge_parts.h"
#include "netsim/kernel/tap.h"

int converge_make_taps(const struct plan *plan, int *fds, struct netsim_err *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind != STEP_ADD_LINK || step->want->kind != LINK_TAP)
			continue;
		if (tap_make(step->want, &fds[i], err) < 0)
			return err->code;
	}
	return 0;
}

int converge_keep_taps(const struct plan *plan, const int *fds, struct netsim_err *err)
{
	for (size_t i = 0; i < plan->count; i++)
		if (fds[i] >= 0 && tap_keep(plan->steps[i].want, fds[i], err) < 0)
			return err->code;
	return 0;
}

void converge_close_taps(const struct plan *plan, const int *fds)
{
	for (size_t i = 0; i < plan->count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}
