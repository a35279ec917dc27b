/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP: dnsmasq in the node of each server, and udhcpc for each interface of a network namespace
 * that gets its address by DHCP, as services (service.h).
 */
#ifndef NETSIM_RUN_DHCP_H
#define NETSIM_RUN_DHCP_H

#include "netsim/config/topo.h"
#include "netsim/kernel/state.h"
#include "netsim/run/service.h"

#define DHCP_SERVER "dhcp:server" /* the service's name; that of a client is "dhcp:IFACE" */

/* Whether a node of the topology needs udhcpc. */
bool dhcp_has_clients(const struct topo *topo);
/* Fails with kind ENV and a hint if a program that the topology needs is missing. */
int dhcp_check_programs(const struct topo *topo, struct netsim_err *err);
/*
 * Lists the services of a topology. have: the fleet as the kernel has it (STATE_ALL); those of
 * nodes that it lacks get no link. helper: the path of netsim-dhcp. The topology must outlive ret;
 * free it with services_done().
 */
int dhcp_list(struct state *st, const struct topo *topo, const struct model *have,
	      const char *helper, struct services *ret, struct netsim_err *err);
/* Formats what a service is: "dnsmasq, 192.168.1.254/24", "udhcpc on eth1"; returns buf. */
#define DHCP_TEXT 96
const char *dhcp_describe(const struct topo *topo, const struct service *service,
			  char buf[static DHCP_TEXT]);
/* The same for a service that is no longer wanted, a member of services.stale, with its node. */
const char *dhcp_describe_stale(const char *member, char buf[static DHCP_TEXT]);

/*
 * Ends the services that are not wanted, with the addresses that they have got, and starts those
 * that do not run as asked: servers first, which then answer. have: as for dhcp_list().
 */
struct dhcp_changes {
	size_t count; /* services ended, started or restarted */
	/* Addresses were removed, and with the first one of a subnet the kernel removes others. */
	bool removed;
};
int dhcp_converge(struct state *st, const struct model *have, struct services *services,
		  struct dhcp_changes *ret, struct netsim_err *err);
/*
 * The interface of a client that has no address yet, and its node, in the topology; false for a
 * client that has one, and for a server. have: as for dhcp_list().
 */
bool dhcp_lacks_address(const struct topo *topo, const struct model *have,
			const struct service *service, const struct node **ret_node,
			const struct iface **ret_iface);
/* Waits until all interfaces that use DHCP have an address; fails after 10 s. */
int dhcp_wait(struct state *st, const struct topo *topo, struct services *services,
	      struct netsim_err *err);
/* Removes the files of leases of all servers of a fleet. */
void dhcp_remove_files(const char *fleet);

#endif
