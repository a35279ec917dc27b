/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of a bond, with the names of ip-link(8) and the values of the kernel. Pure. */
#ifndef NETSIM_BOND_OPTIONS_H
#define NETSIM_BOND_OPTIONS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

#define BOND_TARGETS_MAX 16 /* the kernel's BOND_MAX_ARP_TARGETS and BOND_MAX_NS_TARGETS */

/* The kernel's numbers. */
enum bond_mode {
	BOND_BALANCE_RR,
	BOND_ACTIVE_BACKUP,
	BOND_BALANCE_XOR,
	BOND_BROADCAST,
	BOND_8023AD,
	BOND_BALANCE_TLB,
	BOND_BALANCE_ALB,
};

#define BOND_IN(mode) (1U << (mode))
/* Of the members, one is active, and can be the primary. */
#define BOND_WITH_ACTIVE \
	(BOND_IN(BOND_ACTIVE_BACKUP) | BOND_IN(BOND_BALANCE_TLB) | BOND_IN(BOND_BALANCE_ALB))
#define BOND_WITH_ARP                                                                         \
	(BOND_IN(BOND_BALANCE_RR) | BOND_IN(BOND_ACTIVE_BACKUP) | BOND_IN(BOND_BALANCE_XOR) | \
	 BOND_IN(BOND_BROADCAST))

/* The switch bundles the ports, by LACP or statically. */
#define BOND_WITH_LAG (BOND_IN(BOND_BALANCE_RR) | BOND_IN(BOND_BALANCE_XOR) | BOND_IN(BOND_8023AD))

/* Words of the file; a word's index is the kernel's number. */
extern const char *const bond_modes[];
extern const char *const bond_reselections[];
extern const char *const bond_arp_validations[];
extern const char *const bond_lacp_rates[];
extern const char *const bond_hashes[];

/* Options whose value is one number, in the order in which they are printed. */
enum bond_option {
	BOND_PRIMARY_RESELECT,
	BOND_MIIMON, /* milliseconds, as all durations here */
	BOND_UPDELAY,
	BOND_DOWNDELAY,
	BOND_ARP_INTERVAL,
	BOND_ARP_VALIDATE,
	BOND_NUM_GRAT_ARP,
	BOND_PEER_NOTIFY_DELAY,
	BOND_ALL_SLAVES_ACTIVE,
	BOND_LACP_RATE,
	BOND_MIN_LINKS,
	BOND_AD_ACTOR_SYS_PRIO,
	BOND_XMIT_HASH_POLICY,
	BOND_OPTIONS,
};

struct bond_option_info {
	const char *name;
	bool duration;
	const char *const *words; /* of the values, or NULL */
	unsigned modes;		  /* those in which the kernel accepts it, BOND_IN() each; 0: all */
	unsigned effective;	  /* those in which it changes anything; 0: all of these */
	uint32_t initial;	  /* of a new bond; that of miimon depends on the mode */
};

extern const struct bond_option_info bond_option_info[BOND_OPTIONS];
/* Returns whether a mode is one of a set, of which 0 has all. */
#define BOND_HAS_MODE(modes, mode) (!(modes) || (modes)&BOND_IN(mode))

/* has: given in the file or, of a bond in the kernel, accepted if it is set. */
struct bond_value {
	bool has;
	uint32_t value;
	struct netsim_loc at;
};

struct bond_targets {
	bool has;
	struct ip list[BOND_TARGETS_MAX]; /* without prefix lengths */
	size_t count;
	struct netsim_loc at;
};

struct bond_options {
	uint8_t mode; /* enum bond_mode */
	struct netsim_loc mode_at;
	struct bond_value values[BOND_OPTIONS];
	bool has_primary;
	char primary[IFNAMSIZ];
	struct netsim_loc primary_at;
	struct bond_targets arp_targets, ns_targets; /* IPv4; IPv6 */
	bool has_system;
	struct mac system; /* ad_actor_system */
	struct netsim_loc system_at;
};

/* Returns whether the bond does not have the value that is wanted; false if none is. */
bool bond_value_differs(const struct bond_value *want, const struct bond_value *have);
bool bond_targets_differ(const struct bond_targets *want, const struct bond_targets *have);
bool bond_system_differs(const struct bond_options *want, const struct bond_options *have);

/* True for options that the kernel refuses to set without miimon, even to 0. */
bool bond_needs_miimon(enum bond_option option);
/*
 * Asks for the kernel's initial value of each option that want leaves out and have, a bond of the
 * same mode in the kernel, has changed. The address ad_actor_system has none that could be set.
 */
void bond_restore_initial(struct bond_options *want, const struct bond_options *have);
/* Returns whether have has an ad_actor_system that want leaves out. */
bool bond_address_remains(const struct bond_options *want, const struct bond_options *have);

/* Formats a value as a file has it; returns text. */
const char *bond_format_value(enum bond_option option, uint32_t value, char text[static UNIT_TEXT]);

#endif
