/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scratch link to calibrate with: two interfaces in namespaces without names, with a
 * bridge between them and a shaper at the port of the receiver, like a link of a fleet.
 * A deviation that occurs here, too, is caused by the machine, not by the fleet.
 */
#ifndef NETSIM_VERIFY_SCRATCH_H
#define NETSIM_VERIFY_SCRATCH_H

#include "netsim/kernel/qdisc.h"
#include "netsim/probe/probe.h"

struct scratch;

/* Makes the link; it ends with scratch_close(), or with the process. */
int scratch_open(int own_fd, unsigned mtu, struct scratch **ret, struct netsim_err *err);
void scratch_close(struct scratch *s);
/*
 * Shapes it by netem or, if this kernel has none and only a rate is requested, by a tbf with
 * the same rate and the burst given. *ret_tbf reports which.
 */
int scratch_shape(struct scratch *s, const struct netem *netem, uint32_t burst, bool *ret_tbf,
		  struct netsim_err *err);
/* Its two ends, for a prober. */
const struct probe_end *scratch_ends(const struct scratch *s);

#endif
