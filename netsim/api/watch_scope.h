/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The notifications that matter to netsim watch: those about a fleet's interfaces and bridges. */
#ifndef NETSIM_API_WATCH_SCOPE_H
#define NETSIM_API_WATCH_SCOPE_H

#include "netsim/config/topo.h"
#include "netsim/kernel/model.h"
#include "netsim/kernel/notice.h"

struct watch_scope {
	char fleet[64]; /* "": none is up */
	int *known; /* the fleet's interfaces and IFBs, and taps of its bridges that have no node */
	size_t known_count;
	int *bridges;
	size_t bridge_count;
	char (*awaited)[IFNAMSIZ]; /* names of attached bridges, and of taps of routed networks */
	size_t awaited_count;
	bool routed;  /* some network is: the programs must know each interface of the host */
	bool any_tap; /* a tap may join a userspace bridge of Open vSwitch, which is no master */
};

/* Reads it anew from the host's links and the fleet's record (NULL: none). */
int watch_scope_read(struct watch_scope *s, const struct model *host, const char *fleet,
		     const struct topo *topo, struct netsim_err *err);
void watch_scope_done(struct watch_scope *s);
/* Whether a notification matters; that a bridge has learned an address does at any known port. */
bool watch_scope_has(const struct watch_scope *s, const struct model *host,
		     const struct notice *notice);

#endif
