/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The services of a fleet, its DHCP servers and clients, for netsim_up() and netsim_status(). */
#ifndef NETSIM_API_SERVICES_H
#define NETSIM_API_SERVICES_H

#include "netsim/api/handle.h"
#include "netsim/config/topo.h"

/* Before anything is changed: fails if a program that the services need is missing. */
int api_services_check(const struct topo *topo, struct netsim_err *err);
/* Makes the services match the topology; waits until all clients have an address. */
struct dhcp_changes;
int api_services_up(struct netsim *ctx, const struct topo *topo, struct dhcp_changes *ret,
		    struct netsim_err *err);
/* Calls fn with each step that api_services_up() would make: "+ server-1: udhcpc on eth1". */
typedef int api_service_step(void *arg, const char *text, struct netsim_err *err);
int api_services_each_step(struct netsim *ctx, const struct topo *topo, api_service_step *fn,
			   void *arg, struct netsim_err *err);
/* Adds to ret (in the same arena) the services of a fleet; have: the fleet in the kernel. */
int api_services_status(const struct state *st, const struct model *have, void *arena,
			struct netsim_fleet *ret, struct netsim_err *err);

#endif
