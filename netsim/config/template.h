/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts with placeholders: "http://{address}:2379", "{members: {node}=http://{address}:2380}".
 * Pure.
 *
 *   {node} {address}   of the member, or of a probe's target
 *   {data}             the member's folder
 *   {folder}           of the file that has the text
 *   {members: TEXT}    TEXT for each member, with its {node} and {address}, joined by commas
 *   {{                 a brace
 */
#ifndef NETSIM_TEMPLATE_H
#define NETSIM_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

/* The placeholders that a text may have. */
enum {
	TEMPLATE_NODE = 1 << 0,
	TEMPLATE_ADDRESS = 1 << 1,
	TEMPLATE_DATA = 1 << 2,
	TEMPLATE_FOLDER = 1 << 3,
	TEMPLATE_MEMBERS = 1 << 4,
	TEMPLATE_ALL = (1 << 5) - 1,
};

/* A placeholder without a value is replaced with nothing. */
struct template_member {
	const char *node, *address;
};

struct template_values {
	struct template_member self;
	const char *data, *folder;
	const struct template_member *members;
	size_t member_count;
};

/*
 * Checks a text. Returns the placeholders that it has, or -EINVAL with the offset of the wrong
 * one in *bad and the reason in *why, a static predicate, with a static hint in *hint or NULL.
 */
int template_check(const char *text, unsigned allowed, size_t *bad, const char **why,
		   const char **hint);

/*
 * Fills a text that was checked; the caller frees the result, NULL: out of memory. An IPv6
 * address gets brackets after "//" and before a colon, as in URLs.
 */
char *template_fill(const char *text, const struct template_values *values);

#endif
