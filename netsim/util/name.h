/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names: node patterns and ranges, the nearest known name, and names that
 * must fit into the kernel's 15 characters.
 */
#ifndef NETSIM_NAME_H
#define NETSIM_NAME_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * True when the pattern ("n100-1", "n100-*", "n100-[1-3]", "@role", "*") names
 * this node. [1-3] is a range of numbers, not of characters.
 */
bool name_match(const char *pattern, const char *node, const char *const *roles, size_t role_count);

/* True when the text holds *, ? or [ or begins with @. */
bool name_is_pattern(const char *text);

/* "[1-5]" or "[01-10]" inside a text, which stands for each of these numbers. */
struct name_range {
	size_t start, len; /* where in the text, brackets included */
	unsigned first, last;
	int width; /* digits of a number, if padded with zeroes; otherwise 0 */
};

/*
 * Finds the first range. Returns 1 and fills *ret, 0 where the text has no
 * bracket, -EINVAL for something else in brackets.
 */
int name_range_find(const char *text, struct name_range *ret);

/*
 * True for a name of at most max characters: letters, digits, '.', '-' and '_',
 * the first a letter or digit.
 */
bool name_is_plain(const char *text, size_t max);

/* NULL where the kernel takes it as an interface's name, or else what is wrong. */
const char *name_interface_flaw(const char *text);

/* The nearest of count names, or NULL where none is near enough to be meant. */
const char *name_nearest(const char *text, const char *const *names, size_t count);

/*
 * Fits a full name into an interface name: as it is where it has at most 15
 * characters; otherwise four hex digits of its hash, '~' and its last ten, where
 * names of one fleet differ. The same on every call.
 */
void name_fit(const char *full, char ret[static IFNAMSIZ]);

/* FNV-1a, 32 bits: the hash that names and link groups are made from. */
unsigned name_hash(const char *text);

#endif
