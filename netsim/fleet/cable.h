/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the host's end of the cable of an interface inside a node. */
#ifndef NETSIM_CABLE_H
#define NETSIM_CABLE_H

#include "netsim/kernel/model.h"

/* The veth or bond below an interface's VLANs; NULL: unknown. */
const struct link *cable_bottom(const struct model *model, const struct link *link);
/* The port at the other end of a cable; for a bond, that of a member by which it sends. */
const struct link *cable_port(const struct model *model, const struct link *bottom);

#define CABLE_NATIVE 1 /* the VLAN of untagged frames of the host itself */
#define CABLE_TAGS   8 /* upper bound of inner tags (VLANs in VLANs) */

struct cable_tag {
	uint16_t id;
	bool qinq; /* 802.1ad */
};

/* The place of an interface on a bridge. */
struct cable_place {
	const struct link *port; /* NULL: the host's own address on the bridge */
	const char *bridge;	 /* "" on a routed network */
	bool routed;		 /* on a routed network: the host routes to all others there */
	const char *only; /* the host on a routed network: sends by this port only; NULL: any */
	bool aware;	  /* the bridge filters VLANs */
	uint16_t tag;	  /* outermost tag, if 802.1Q; 0: none that a bridge recognises */
	struct cable_tag inner[CABLE_TAGS]; /* the others, outer ones first */
	size_t inner_count;
	/*
	 * The segment of a place on a bridge: the first bridge, by name, that its frames get to by
	 * cables between networks, and there their VLAN or, if it filters none, outermost tag.
	 */
	const char *segment;
	uint16_t segment_vlan;
};

/*
 * Finds the place of a node's interface, of a bridge, of a tap, or of a port of a routed network;
 * false if there is none.
 */
bool cable_place(const struct model *model, const struct link *link, struct cable_place *ret);
/* Returns whether frames pass between two places: one segment, the same tags in it. */
bool cable_connects(const struct cable_place *a, const struct cable_place *b);

/*
 * Lists the ends by which frames between two connected places enter cables between networks, in
 * order. The caller frees *ret. Returns their number, -ENOMEM, or -EMLINK if there are several
 * ways.
 */
int cable_crossed(const struct model *model, const struct cable_place *from,
		  const struct cable_place *to, const struct link ***ret);

#endif
