/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libvirt knows about the domains of a fleet, at one time. Pure: no I/O. */
#ifndef NETSIM_VIRT_DOMAINS_H
#define NETSIM_VIRT_DOMAINS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "netsim/util/unit.h"

#define DOMAINS_URI "qemu:///system" /* unless the topology has another */
#define DOMAINS_WHY 320

enum domain_state { DOMAIN_UNKNOWN, DOMAIN_OFF, DOMAIN_RUNNING };

/* An interface in the XML of a domain. */
struct domain_port {
	char tap[IFNAMSIZ]; /* target/@dev; "" if there is none, as in a domain that is off */
	struct mac mac;	    /* of the guest */
	bool has_mac;
	bool inbound, outbound; /* limited by <bandwidth> */
};

struct domain {
	char *name;
	enum domain_state state;
	char near[80]; /* of DOMAIN_UNKNOWN: a domain with a similar name, or "" */
	struct domain_port *ports;
	size_t port_count;
};

/* A domain was started or stopped. */
struct domain_event {
	size_t domain; /* its index in the list */
	bool started;
	const char *how; /* "booted", "destroyed" */
};

struct domains {
	char why[DOMAINS_WHY]; /* the reason that libvirt did not answer, or "" */
	struct domain *list;   /* those that were asked for, in that order; without an answer all
				  are unknown */
	size_t count;
	struct domain_event *events; /* since the previous answer */
	size_t event_count;
};

/* NULL if it was not asked for, libvirt did not answer, or domains is NULL. */
const struct domain *domains_find(const struct domains *domains, const char *name);
/* The interface whose tap has this name, or NULL. */
const struct domain_port *domain_port_of(const struct domain *domain, const char *tap);
/* The interface of any domain whose tap has this name, or NULL; *ret is its domain. */
const struct domain_port *domains_port_of(const struct domains *domains, const char *tap,
					  const struct domain **ret);

/* A list of unknown domains. Returns NULL when out of memory; the caller frees it. */
struct domains *domains_new(const char *const *names, size_t count);
void domains_free(struct domains *domains);

#endif
