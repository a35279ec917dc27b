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
		NOTICE_TABLE,	/* an nftables table, or what is in it */
		NOTICE_LOST,	/* notifications were lost: anything may have changed */
	} kind;
	int ifindex;
	int master;	   /* of a link, 0: none or unknown */
	const char *name;  /* of a link or table, or "" */
	const char *alias; /* of a link, or NULL */
};

struct notices;

/* Subscribes in the calling thread's network namespace. The caller closes *ret. */
int notices_open(struct notices **ret, struct netsim_err *err);
void notices_close(struct notices *notices);
/* Subscribes to changes of nftables, too, unless it has already; the kernel may lack them. */
void notices_add_tables(struct notices *notices);
/* To be polled for input; that of nftables is -1 without a subscription. */
int notices_fd(const struct notices *notices);
int notices_table_fd(const struct notices *notices);
/* Reads all notices that have arrived, without waiting, and calls each for every one. */
void notices_read(struct notices *notices, void (*each)(void *arg, const struct notice *notice),
		  void *arg);

#endif
