/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims: which tap of a bridge, or of a routed network, is the port of an attached node. The
 * evidence is the tap's name, the interfaces of the libvirt domain, the tap's own address, which
 * libvirt derives from the guest's, and the bridge's forwarding table. Pure: no I/O.
 */
#ifndef NETSIM_CLAIM_H
#define NETSIM_CLAIM_H

#include "netsim/config/topo.h"
#include "netsim/kernel/model.h"
#include "netsim/kernel/neigh.h"
#include "netsim/virt/domains.h"

#define CLAIM_TEXT 320

/* An interface of an attached node, and its port. */
struct port_claim {
	const struct node *node;
	const struct iface *iface;
	const char *bridge;   /* "" on a routed network */
	char port[IFNAMSIZ];  /* the tap */
	int ifindex;	      /* of the tap; 0: none */
	bool marked;	      /* the tap has an alias, that of this fleet */
	bool closed;	      /* nodes drop what comes from it while it is no node's port */
	char why[CLAIM_TEXT]; /* the reason for having no tap */
};

struct port_claims {
	struct port_claim *list;
	size_t count;
};

/*
 * Finds the ports of all attached nodes among the links of the host. macs are the addresses
 * that bridges have learned; domains is libvirt's answer, NULL: not asked, and then an earlier mark
 * counts for a node with a domain. A tap is never guessed: if several match, or one matches several
 * nodes, there is no port. Returns 0 or -ENOMEM; the caller frees ret->list.
 */
int claim_decide(const struct topo *topo, const struct model *host, const struct neigh_mac *macs,
		 size_t mac_count, const struct domains *domains, struct port_claims *ret);

/* Withdraws a claim: there is no port, for this reason. */
void claim_withdraw(struct port_claim *claim, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* True if the topology has a node or a network that netsim does not make. */
bool claim_is_needed(const struct topo *topo);

#endif
