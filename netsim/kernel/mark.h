/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How netsim recognises what it made. Every link carries, from its creation on,
 * a link group that belongs to its fleet, and shortly after an alias that says
 * what it is:
 *
 *   netsim:FLEET/NETWORK                  a bridge
 *   netsim:FLEET/NODE/IFACE [@ROLE]...    a port (veth or tap), or its IFB
 *   netsim:FLEET/NODE host=N              lo of a node's namespace; N is the
 *                                         namespace that the fleet lives in
 *
 *   netsim:@/DEVICE [tso] [gro]           the IFB of an interface without a fleet,
 *                                         and the offloads to switch on again
 *
 * The group alone makes a link ours (it is set in the same message that makes
 * the link); the alias tells which one it is. Addresses and routes inside nodes
 * carry the protocol number MARK_PROTO.
 */
#ifndef NETSIM_MARK_H
#define NETSIM_MARK_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#define MARK_PREFIX "netsim:"
#define MARK_PROTO  110	   /* addresses and routes: 'n' */
#define MARK_HANDLE 0x6e73 /* "ns": our qdiscs' major number, our filters' preference */
#define MARK_BARE   "@"	   /* the fleet of interfaces that were shaped without a fleet */
#define MARK_TEXT   256	   /* the kernel's bound on an alias, with its NUL */

/*
 * The link group of a fleet; its doomed twin collects links about to go, because
 * the kernel removes a whole group in one step and single links slowly.
 */
uint32_t mark_group(const char *fleet);
#define MARK_DOOMED(group)   ((group) | 0x01000000U)
#define MARK_IS_GROUP(group) ((group) >> 25 == 0x6eU >> 1)

#define MARK_ROLES 32 /* as many as mark_parse() keeps */

/* What an alias says. */
struct mark {
	const char *fleet, *node, *iface; /* iface NULL: a bridge or lo; "" never */
	uint64_t host;			  /* lo: the inode of the fleet's namespace, or 0 */
	const char *const *roles;
	size_t role_count;
	bool tso, gro;
	/* What the texts and roles of a parsed mark point into; a copy still points there. */
	char buf[MARK_TEXT];
	const char *parsed_roles[MARK_ROLES];
};

/*
 * Writes the alias that says what the mark does. Returns the length of the whole alias,
 * as snprintf(): from MARK_TEXT on, text holds only its beginning.
 */
size_t mark_format(const struct mark *mark, char text[static MARK_TEXT]);

/* False when the alias is not netsim's. */
bool mark_parse(const char *alias, struct mark *ret);

/* What messages call a link with this alias: "node/iface"; its name where it is no port's. */
const char *mark_call(const char *alias, const char *name, char text[static MARK_TEXT]);

#endif
