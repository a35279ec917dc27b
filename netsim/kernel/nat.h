/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nftables table of a fleet, inet netsim-FLEET: it masquerades what the fleet's networks send
 * through an uplink. The name marks it as netsim's; its comment is a record in the kernel.
 *
 * Functions with an err parameter return 0, or a negative errno with *err set.
 */
#ifndef NETSIM_NAT_H
#define NETSIM_NAT_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "netsim/util/err.h"

#define NAT_COMMENT 96

/* Packets that come in by one device and leave by another. */
struct nat_path {
	char in[IFNAMSIZ], out[IFNAMSIZ];
};

/* Tries whether the kernel takes such a table, and leaves none. Kind ENV if it does not. */
int nat_check(const char *fleet, struct netsim_err *err);
/* Makes the table, in place of an existing one, in one transaction. */
int nat_put(const char *fleet, const struct nat_path *paths, size_t count, const char *comment,
	    struct netsim_err *err);
/* Reads whether the table exists, its comment and its number of rules. */
struct nat_seen {
	bool exists;
	char comment[NAT_COMMENT];
	size_t rules;
};
int nat_read(const char *fleet, struct nat_seen *ret, struct netsim_err *err);
/* Removes the table, if it exists. */
int nat_del(const char *fleet, struct netsim_err *err);

#endif
