/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names: node patterns and ranges, spelling suggestions, and names that must fit into the
 * kernel's 15 characters.
 */
#ifndef NETSIM_NAME_H
#define NETSIM_NAME_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * True if the pattern ("n100-1", "n100-*", "n100-[1-3]", "@role", "*") matches this node.
 * [1-3] is a range of numbers, not of characters.
 */
bool name_match(const char *pattern, const char *node, const char *const *roles, size_t role_count);

/* True if the text contains *, ? or [, or begins with @. */
bool name_is_pattern(const char *text);

/* A range "[1-5]" or "[01-10]" in a text; it expands to each of these numbers. */
struct name_range {
	size_t start, len; /* position in the text, including brackets */
	unsigned first, last;
	int width; /* digits if zero-padded, otherwise 0 */
};

/*
 * Finds the first range. Returns 1 and fills *ret, 0 if the text has no bracket, -EINVAL if
 * a bracket is not part of a range.
 */
int name_range_find(const char *text, struct name_range *ret);

/*
 * True for a name of at most max characters: letters, digits, '.', '-' and '_', the first
 * one a letter or digit.
 */
bool name_is_plain(const char *text, size_t max);

/* True for the name of a fault. Digits alone would be a fault's number. */
bool name_is_fault(const char *text);
#define NAME_FAULT_HINT "use up to 31 letters, digits, '.', '-' and '_', but not digits alone"

/*
 * NULL if the kernel accepts the text as an interface name; otherwise the reason, as a
 * predicate ("is too long").
 */
const char *name_interface_flaw(const char *text);

/* The most similar of count names, or NULL if none is similar enough. */
const char *name_nearest(const char *text, const char *const *names, size_t count);

/*
 * Shortens a full name to an interface name: up to 15 characters it is unchanged; otherwise
 * four hex digits of its hash, '~' and its last ten characters, where names of one fleet
 * differ. Deterministic.
 */
void name_fit(const char *full, char ret[static IFNAMSIZ]);

/* FNV-1a, 32 bits. Names and link groups are derived from it. */
unsigned name_hash(const char *text);

#endif
