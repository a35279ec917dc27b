/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of watch that follows libvirt: its answers, and what it says about domains. */
#ifndef NETSIM_API_WATCH_DOMAINS_H
#define NETSIM_API_WATCH_DOMAINS_H

#include "netsim/api/attach.h"
#include "netsim/virt/domain_watch.h"

struct watch_domains {
	bool unwanted;		      /* no node of the fleet has a domain */
	struct domain_watch *watch;   /* NULL: nothing is followed */
	struct domains *now, *before; /* the latest answers, or NULL */
	bool fresh;		      /* now was not reported yet */
	bool told;		      /* it was reported that libvirt does not answer */
	bool silent;		      /* the caller reports that itself */
};

/* Follows the domains that the record of the fleet names. Waits for the first answer. */
int watch_domains_follow(struct watch_domains *d, const char *fleet, struct netsim_err *err);
/* Gives the topology with the domains that the fleet has now. */
void watch_domains_expect(struct watch_domains *d, const struct topo *topo);
/* To be polled for input, or -1. */
int watch_domains_fd(const struct watch_domains *d);
/* Takes an answer, if there is one. */
void watch_domains_take(struct watch_domains *d);
/*
 * Asks libvirt again if a domain lacks a port that libvirt may know by now, or if another program,
 * perhaps libvirt, changed a port.
 */
void watch_domains_ask(struct watch_domains *d, const struct attachment *attachment, bool changed);

typedef void watch_report_fn(void *arg, const struct netsim_watch_event *event);
/* Reports what a new answer says. */
void watch_domains_report(struct watch_domains *d, const struct attachment *attachment,
			  watch_report_fn *report, void *arg);
void watch_domains_done(struct watch_domains *d);

#endif
