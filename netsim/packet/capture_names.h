/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names in capture files: of the nodes behind interfaces (views), and of addresses.
 *
 * An interface "n100-1/eth1" is a link of the node n100-1. All interfaces of a node form
 * one view, so that a connection that moves to the other link of a bond stays one
 * connection. An interface without a "/" in its name is a view by itself.
 */
#ifndef NETSIM_CAPTURE_NAMES_H
#define NETSIM_CAPTURE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/unit.h"

#define CAPTURE_NAME_MAX  63
#define CAPTURE_NAMES_MAX 8192 /* of addresses; further ones are ignored */
#define CAPTURE_VIEWS_MAX 8192 /* packets of further ones have no view */

struct capture_names {
	char **views; /* views[0] names view 1 */
	size_t view_count;
	struct capture_name {
		struct ip ip;
		char *name;
	} * list;
	size_t count;
};

/* Copies the name, truncated, with characters that would break a report replaced. */
void capture_clean_name(const char *name, size_t size, char ret[CAPTURE_NAME_MAX + 1]);

/* Both return false when out of memory. name need be neither terminated nor printable. */
bool capture_names_view(struct capture_names *names, const char *name, size_t size, uint16_t *ret);
bool capture_names_add(struct capture_names *names, uint8_t version, const uint8_t *address,
		       const char *name, size_t size);
void capture_names_done(struct capture_names *names);

#endif
