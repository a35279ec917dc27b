/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows the interfaces of a live capture by rtnetlink notifications: they may go down, come
 * up, be removed, or be created again under their name.
 */
#ifndef NETSIM_LIVE_LINKS_H
#define NETSIM_LIVE_LINKS_H

#include <stdbool.h>
#include <stddef.h>

#include "netsim/netsim.h"
#include "netsim/util/err.h"

struct live_links;

/*
 * Subscribes in the calling thread's network namespace, then reads the present state of the
 * interfaces named. live_links_close() frees *ret.
 */
int live_links_open(const char *const *names, size_t count, struct live_links **ret,
		    struct netsim_err *err);
void live_links_close(struct live_links *links);

/* Readable when there are notifications. */
int live_links_fd(const struct live_links *links);
/* Reads all notifications that have arrived, without waiting. */
void live_links_read(struct live_links *links);

/* The index of the present interface, by its place in names; 0: there is none. */
int live_links_index(const struct live_links *links, size_t link);

struct live_event {
	size_t link; /* its place in names */
	enum netsim_port_event kind;
	int64_t at_ns; /* CLOCK_REALTIME at which it was noticed */
};

/*
 * Returns true for an event that was not returned before. At first interfaces count as up,
 * so those that are down are reported once. Events in quick succession are combined: an
 * interface that went down and up counts as both, a new one that came up as new.
 */
bool live_links_event(struct live_links *links, struct live_event *ret);

#endif
