/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink notifications: which interfaces changed, and which forwarding tables learned. */
#ifndef NETSIM_NOTICE_H
#define NETSIM_NOTICE_H

#include <stdbool.h>

#include "netsim/util/err.h"

struct notice {
	enum notice_kind {
		NOTICE_LINK,	/* created, changed or removed */
		NOTICE_TC,	/* a qdisc or filter */
		NOTICE_LEARNED, /* a bridge learned an address at this port */
		NOTICE_LOST,	/* notifications were lost: anything may have changed */
	} kind;
	int ifindex;
	int master;	  /* of a link, 0: none or unknown */
	const char *name; /* of a link, or "" */
};

struct notices;

/* Subscribes in the calling thread's network namespace. The caller closes *ret. */
int notices_open(struct notices **ret, struct netsim_err *err);
void notices_close(struct notices *notices);
/* To be polled for input. */
int notices_fd(const struct notices *notices);
/* Reads all notices that have arrived, without waiting, and calls each for every one. */
void notices_read(struct notices *notices, void (*each)(void *arg, const struct notice *notice),
		  void *arg);

#endif
