/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks libvirt for the domains of a fleet, in a thread of its own, so that a libvirtd that does not
 * answer blocks nothing else. Connects again when libvirtd comes back, and asks again after each
 * event.
 */
#ifndef NETSIM_VIRT_DOMAIN_WATCH_H
#define NETSIM_VIRT_DOMAIN_WATCH_H

#include "netsim/virt/domains.h"
#include "netsim/util/err.h"

struct domain_watch;

/*
 * Begins to ask for the domains with these names, which are copied; a uri of NULL is DOMAINS_URI.
 * Returns 0 or a negative errno with err filled, also if libvirt is not installed.
 */
int domain_watch_open(const char *uri, const char *const *names, size_t count,
		      struct domain_watch **ret, struct netsim_err *err);
/* Ends the connection, unless libvirtd does not answer: then its thread does so later. */
void domain_watch_close(struct domain_watch *watch);

/* True if it asks this URI for exactly these domains. */
bool domain_watch_is_for(const struct domain_watch *watch, const char *uri,
			 const char *const *names, size_t count);
/* Readable while there is an answer to take. */
int domain_watch_fd(const struct domain_watch *watch);
/* Asks again. */
void domain_watch_refresh(struct domain_watch *watch);
/* The newest answer, or NULL if there is none since the last one. The caller frees it. */
struct domains *domain_watch_take(struct domain_watch *watch);

/*
 * Asks once, and waits for the answer, but at most for some seconds. Always sets *ret: without an
 * answer, its member why says so. Returns 0 or -ENOMEM; the caller frees *ret.
 */
int domains_ask(const char *uri, const char *const *names, size_t count, struct domains **ret,
		struct netsim_err *err);

#endif
