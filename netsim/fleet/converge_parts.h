/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to converge.c: the new taps of a plan, which live on once their descriptors are closed.
 */
#ifndef NETSIM_FLEET_CONVERGE_PARTS_H
#define NETSIM_FLEET_CONVERGE_PARTS_H

#include "netsim/fleet/plan.h"

/* Makes the taps: sets their descriptors in fds, by index in plan->steps, which are all -1. */
int converge_make_taps(const struct plan *plan, int *fds, struct netsim_err *err);
/* Lets the taps persist. */
int converge_keep_taps(const struct plan *plan, const int *fds, struct netsim_err *err);
void converge_close_taps(const struct plan *plan, const int *fds);

#endif
