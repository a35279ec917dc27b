/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names in captures: of the nodes behind interfaces (views), and of addresses.
 *
 * An interface "n100-1/eth1" is at the cable of the node n100-1: all interfaces of a node
 * are one view of it, so that a connection which changes from one cable of a bond to the
 * other stays one. Without a "/" the interface is its own view.
 */
#ifndef NETSIM_CAPTURE_NAMES_H
#define NETSIM_CAPTURE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/unit.h"

#define CAPTURE_NAME_MAX  63
#define CAPTURE_NAMES_MAX 8192 /* of addresses; more are passed over */
#define CAPTURE_VIEWS_MAX 8192 /* the same; their packets have no view */

struct capture_names {
	char **views; /* view 1 is the first one */
	size_t view_count;
	struct capture_name {
		struct ip ip;
		char *name;
	} * list;
	size_t count;
};

/* False when memory ran out. name need not end with a zero, nor be printable. */
bool capture_names_view(struct capture_names *names, const char *name, size_t size, uint16_t *ret);
bool capture_names_add(struct capture_names *names, uint8_t version, const uint8_t *address,
		       const char *name, size_t size);
void capture_names_done(struct capture_names *names);

#endif
