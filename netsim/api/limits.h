/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The limits of nodes' processor time and memory, for netsim_up() and netsim_status(). */
#ifndef NETSIM_API_LIMITS_H
#define NETSIM_API_LIMITS_H

#include "netsim/api/handle.h"
#include "netsim/config/topo.h"

/* Before anything is changed: fails if the kernel lacks what the limits need. */
int api_limits_check(const struct topo *topo, struct netsim_err *err);
/* Makes the limits match the topology; adds the changes to *count. */
int api_limits_up(const struct netsim *ctx, const struct topo *topo, size_t *count,
		  struct netsim_err *err);
/* Calls fn with each step that api_limits_up() would make: "+ node n1: cpu 10%". */
typedef int api_limits_step(void *arg, const char *text, struct netsim_err *err);
int api_limits_each_step(const struct netsim *ctx, const struct topo *topo, api_limits_step *fn,
			 void *arg, struct netsim_err *err);

#endif
