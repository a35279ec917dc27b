/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attached nodes and networks: finds the taps and bridges that other programs made, marks
 * them as ports of the fleet, and gives them back. The record of the fleet holds the
 * topology that says which they are.
 */
#ifndef NETSIM_API_ATTACH_H
#define NETSIM_API_ATTACH_H

#include "netsim/api/handle.h"
#include "netsim/fleet/claim.h"

/* The ports of attached nodes. */
struct attachment {
	struct topo *topo; /* from the record; NULL: nothing is attached */
	struct port_claims claims;
	size_t marked, released; /* ports that attach_refresh() marked, or gave back */
};

/*
 * Finds the ports of the nodes that the record lists, without marking them. Asks libvirt if a node
 * with a domain has no port yet. Call state_read_host() before, and attach_done() afterwards, even
 * on error.
 */
int attach_look(struct state *st, const char *fleet, struct attachment *ret,
		struct netsim_err *err);
/*
 * The same, given libvirt's answer or NULL; then marks new ports, gives back those that no longer
 * match, and removes the IFBs of ports that are gone. Reads the host's links again if any changed.
 * The caller holds the lock.
 */
int attach_refresh(struct state *st, const char *fleet, const struct domains *domains,
		   struct attachment *ret, struct netsim_err *err);
void attach_done(struct attachment *attachment);

/* True, with the reason in why, if a claim has no marked port. */
bool attach_misses(const struct port_claim *claim, char why[static CLAIM_TEXT]);
/* Adds the claims without a marked port to a list of a result, allocated in its arena. */
int attach_list(void *arena, const struct attachment *attachment, struct netsim_missing ***list,
		size_t *count, struct netsim_err *err);

/* The names of a topology's domains, which it owns. The caller frees *ret. */
int attach_domain_names(const struct topo *topo, const char ***ret, size_t *count,
			struct netsim_err *err);
/* Asks libvirt for these domains; *ret is NULL if there are none. The caller frees *ret. */
int attach_ask(const struct topo *topo, struct domains **ret, struct netsim_err *err);

/* Checks that a topology's attached bridges exist; -ENOENT with err at their place in the file. */
int attach_check(const struct state *st, const struct topo *topo, struct netsim_err *err);
/* Marks a topology's attached bridges, and gives back those that it no longer lists. */
int attach_bridges(struct state *st, const struct topo *topo, struct netsim_err *err);
/*
 * Attaches the programs, unless ports have them already, if a network drops frames from ports that
 * no node has. Call api_mend() afterwards, which lets frames from claimed ports pass.
 */
int attach_guard(struct netsim *ctx, const char *fleet, struct netsim_err *err);

/*
 * Sets down the taps whose cables netsim link has pulled out, because the programs that make taps
 * set them up; or, with up, plugs these cables in again.
 */
int attach_cables(struct state *st, const char *fleet, const struct attachment *attachment, bool up,
		  struct netsim_err *err);

/* Gives back all attached bridges and taps of a fleet, which other programs made. */
int attach_release(struct state *st, const char *fleet, struct netsim_err *err);

#endif
