/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/claim.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/kernel/mark.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

#define DERIVED 0xfe /* first byte of a tap's address that libvirt derives from the guest's */

struct deciding {
	const struct topo *topo;
	const struct model *host;
	const struct neigh_mac *macs;
	size_t mac_count;
	const struct domains *domains; /* NULL: libvirt was not asked */
	const struct link **taps;      /* that netsim did not make */
	size_t tap_count;
};

static bool is_pattern(const char *name)
{
	return strpbrk(name, "*?[");
}

static bool same_mac(const struct mac *a, const struct mac *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static bool is_derived(const struct link *tap)
{
	return tap->mac.b[0] == DERIVED;
}

static bool is_derived_from(const struct link *tap, const struct mac *guest)
{
	return is_derived(tap) && memcmp(tap->mac.b + 1, guest->b + 1, sizeof(guest->b) - 1) == 0;
}

/* True if a bridge has learned the guest's address at this tap or, with elsewhere, at another. */
static bool has_learned(const struct deciding *d, const struct link *tap, const struct mac *guest,
			bool elsewhere)
{
	for (size_t i = 0; i < d->mac_count; i++)
		if ((d->macs[i].port != tap->ifindex) == elsewhere &&
		    same_mac(&d->macs[i].mac, guest))
			return true;
	return false;
}

static bool is_marked_for(const struct deciding *d, const struct port_claim *claim,
			  const struct link *tap)
{
	struct mark mark;

	return mark_parse(tap->alias, &mark) && mark.iface &&
	       strcmp(mark.fleet, d->topo->fleet) == 0 &&
	       strcmp(mark.node, claim->node->name) == 0 &&
	       strcmp(mark.iface, claim->iface->name) == 0;
}

/*
 * A tap with the exact name needs no other evidence. A bridge forgets the address of a silent
 * guest: then an earlier mark counts.
 */
static bool matches_guest(const struct deciding *d, const struct port_claim *claim,
			  const struct link *tap)
{
	const struct iface *iface = claim->iface;

	if (!iface->has_mac || (*iface->port && !is_pattern(iface->port)))
		return true;
	if (is_derived_from(tap, &iface->mac) || has_learned(d, tap, &iface->mac, false))
		return true;
	return !is_derived(tap) && is_marked_for(d, claim, tap) &&
	       !has_learned(d, tap, &iface->mac, true);
}

static bool has_name(const struct port_claim *claim, const struct link *tap)
{
	const char *pattern = claim->iface->port;

	return strcmp(tap->master, claim->bridge) == 0 &&
	       (!*pattern || fnmatch(pattern, tap->name, 0) == 0);
}

/*
 * The interface of a domain that has this tap, or NULL. libvirt's answer may be older than the tap,
 * and be about an earlier tap of this name: then the tap's address is derived from another one.
 */
static const struct domain_port *domain_port(const struct deciding *d, const struct link *tap,
					     const struct domain **ret)
{
	const struct domain_port *port = domains_port_of(d->domains, tap->name, ret);

	if (port && port->has_mac && is_derived(tap) && !is_derived_from(tap, &port->mac))
		return NULL;
	return port;
}

/* True if the tap is that of the node's domain; with a MAC, of the interface that has it. */
static bool matches_domain(const struct deciding *d, const struct port_claim *claim,
			   const struct link *tap)
{
	const struct iface *iface = claim->iface;
	const struct domain *domain;
	const struct domain_port *port;

	if (!claim->node->domain || !has_name(claim, tap))
		return false;
	if ((!d->domains || *d->domains->why) && is_marked_for(d, claim, tap))
		return true;
	port = domain_port(d, tap, &domain);
	return port && strcmp(domain->name, claim->node->domain) == 0 &&
	       (!iface->has_mac || (port->has_mac && same_mac(&port->mac, &iface->mac)));
}

/*
 * A tap that libvirt does not list may be newer than its answer: then the other evidence counts. It
 * does not if libvirt lists the tap, or has no such domain.
 */
static bool matches_without(const struct deciding *d, const struct port_claim *claim,
			    const struct link *tap)
{
	const struct iface *iface = claim->iface;
	const struct domain *domain = NULL;

	if (!has_name(claim, tap) || domain_port(d, tap, &domain))
		return false;
	if (claim->node->domain) {
		domain = domains_find(d->domains, claim->node->domain);
		if (domain && domain->state == DOMAIN_UNKNOWN)
			return false;
		if (!iface->has_mac && (!*iface->port || is_pattern(iface->port)))
			return false;
	}
	return matches_guest(d, claim, tap);
}

static bool is_foreign(const struct deciding *d, const struct link *tap, struct mark *ret)
{
	return tap->alias && (!mark_parse(tap->alias, ret) || !ret->iface ||
			      strcmp(ret->fleet, d->topo->fleet) != 0);
}

void claim_withdraw(struct port_claim *claim, const char *fmt, ...)
{
	va_list args;

	claim->ifindex = 0;
	va_start(args, fmt);
	vsnprintf(claim->why, sizeof(claim->why), fmt, args);
	va_end(args);
}

/* A tap of the domain is not in the bridge: libvirt does not put taps into a bridge that was
 * created again. */
static bool miss_bridge(const struct deciding *d, struct port_claim *claim,
			const struct domain *domain)
{
	const struct iface *iface = claim->iface;

	for (size_t i = 0; i < domain->port_count; i++) {
		const struct domain_port *port = &domain->ports[i];
		const struct link *tap =
			*port->tap ? model_find_link(d->host, MODEL_HOST, port->tap) : NULL;

		if (!tap || *tap->master ||
		    (iface->has_mac && !(port->has_mac && same_mac(&port->mac, &iface->mac))))
			continue;
		claim_withdraw(claim, "%s of the domain %s is in no bridge", tap->name,
			       domain->name);
		return true;
	}
	return false;
}

/* The reason that libvirt gives for the absence of a node's tap; false if there is none. */
static bool miss_domain(const struct deciding *d, struct port_claim *claim)
{
	const struct iface *iface = claim->iface;
	const char *name = claim->node->domain;
	const struct domain *domain = name ? domains_find(d->domains, name) : NULL;
	char mac[UNIT_TEXT];
	bool found = !iface->has_mac;

	if (name && d->domains && !domain && !iface->has_mac) {
		claim_withdraw(claim, "libvirt does not say which tap the domain %s has", name);
		return true;
	}
	if (!domain)
		return false;
	for (size_t i = 0; i < domain->port_count; i++)
		found |= *domain->ports[i].tap && domain->ports[i].has_mac &&
			 same_mac(&domain->ports[i].mac, &iface->mac);
	if (miss_bridge(d, claim, domain))
		return true;
	if (domain->state == DOMAIN_UNKNOWN)
		claim_withdraw(claim, "libvirt has no domain %s%s%s%s", name,
			       *domain->near ? "; did you mean " : "", domain->near,
			       *domain->near ? "?" : "");
	else if (domain->state == DOMAIN_OFF)
		claim_withdraw(claim, "the domain %s is not running", name);
	else if (!found)
		claim_withdraw(claim, "the domain %s has no tap with the address %s", name,
			       unit_format_mac(iface->mac, mac));
	else
		return false;
	return true;
}

/* Describes the tap that is missing. */
static void miss(const struct deciding *d, struct port_claim *claim)
{
	const struct iface *iface = claim->iface;
	const struct link *tap =
		*iface->port ? model_find_link(d->host, MODEL_HOST, iface->port) : NULL;
	char mac[UNIT_TEXT], with[UNIT_TEXT + 16] = "", of[96] = "";

	if (d->topo->networks[iface->network].attached &&
	    !model_find_link(d->host, MODEL_HOST, claim->bridge)) {
		claim_withdraw(claim, "there is no bridge %s", claim->bridge);
		return;
	}
	if (miss_domain(d, claim))
		return;
	if (claim->node->domain)
		snprintf(of, sizeof(of), " of the domain %s", claim->node->domain);
	if (tap && tap->kind != LINK_TAP) {
		snprintf(claim->why, sizeof(claim->why), "%s is not a tap", iface->port);
	} else if (tap && MARK_IS_GROUP(tap->group)) {
		snprintf(claim->why, sizeof(claim->why), "%s is a port of a fleet", iface->port);
	} else if (tap && !*claim->bridge) {
		snprintf(claim->why, sizeof(claim->why), "%s is in %s, but must be in no bridge",
			 iface->port, tap->master);
	} else if (!*claim->bridge) {
		snprintf(claim->why, sizeof(claim->why), "there is no tap %s", iface->port);
	} else if (tap && strcmp(tap->master, claim->bridge) != 0) {
		snprintf(claim->why, sizeof(claim->why), "%s is %s%s, not in %s", iface->port,
			 *tap->master ? "in " : "in no bridge", tap->master, claim->bridge);
	} else {
		if (iface->has_mac)
			snprintf(with, sizeof(with), " with the guest %s",
				 unit_format_mac(iface->mac, mac));
		snprintf(claim->why, sizeof(claim->why), "%s has no tap%s%s%s%s", claim->bridge,
			 *iface->port ? " " : "", iface->port, of, with);
	}
}

static void take_tap(struct port_claim *claim, const struct link *tap)
{
	memcpy(claim->port, tap->name, IFNAMSIZ);
	claim->ifindex = tap->ifindex;
	claim->marked = tap->alias;
}

typedef bool match_fn(const struct deciding *d, const struct port_claim *claim,
		      const struct link *tap);

/* Finds the tap that matches; false if several do, which is then the reason for having none. */
static bool find_tap(const struct deciding *d, struct port_claim *claim, match_fn *matches,
		     const struct link **found)
{
	for (size_t i = 0; i < d->tap_count; i++) {
		if (!matches(d, claim, d->taps[i]))
			continue;
		if (*found) {
			claim_withdraw(claim, "%s and %s both match", (*found)->name,
				       d->taps[i]->name);
			return false;
		}
		*found = d->taps[i];
	}
	return true;
}

static void decide(const struct deciding *d, struct port_claim *claim)
{
	const struct link *found = NULL;
	struct mark mark;

	if (!find_tap(d, claim, matches_domain, &found) ||
	    (!found && !find_tap(d, claim, matches_without, &found)))
		return;
	if (!found)
		miss(d, claim);
	else if (is_foreign(d, found, &mark) && mark_parse(found->alias, &mark))
		claim_withdraw(claim, "%s belongs to the fleet %s", found->name, mark.fleet);
	else if (is_foreign(d, found, &mark))
		claim_withdraw(claim, "%s has an alias of another program: %s", found->name,
			       found->alias);
	else
		take_tap(claim, found);
}

static int by_port(const void *va, const void *vb)
{
	const struct port_claim *const *a = va, *const *b = vb;

	return ((*a)->ifindex > (*b)->ifindex) - ((*a)->ifindex < (*b)->ifindex);
}

/* One tap cannot be the port of two nodes: neither has it. */
static int refuse_shared(struct port_claims *claims)
{
	auto_free struct port_claim **sorted = calloc(claims->count + 1, sizeof(*sorted));
	size_t count = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < claims->count; i++)
		if (claims->list[i].ifindex)
			sorted[count++] = &claims->list[i];
	if (count)
		qsort(sorted, count, sizeof(*sorted), by_port);
	for (size_t i = 0, next; i < count; i = next) {
		int ifindex = sorted[i]->ifindex;

		for (next = i + 1; next < count && sorted[next]->ifindex == ifindex; next++)
			;
		for (size_t j = i; next > i + 1 && j < next; j++) {
			const struct port_claim *rival = sorted[j == i ? i + 1 : i];

			claim_withdraw(sorted[j], "%s matches %s/%s, too", sorted[j]->port,
				       rival->node->name, rival->iface->name);
		}
	}
	return 0;
}

static int list_taps(struct deciding *d)
{
	d->taps = calloc(d->host->link_count + 1, sizeof(*d->taps));
	for (size_t i = 0; d->taps && i < d->host->link_count; i++) {
		const struct link *link = &d->host->links[i];

		if (link->kind == LINK_TAP && !MARK_IS_GROUP(link->group))
			d->taps[d->tap_count++] = link;
	}
	return d->taps ? 0 : -ENOMEM;
}

int claim_decide(const struct topo *topo, const struct model *host, const struct neigh_mac *macs,
		 size_t mac_count, const struct domains *domains, struct port_claims *ret)
{
	struct deciding d = {.topo = topo,
			     .host = host,
			     .macs = macs,
			     .mac_count = mac_count,
			     .domains = domains};
	int r = list_taps(&d);

	*ret = (struct port_claims) {0};
	for (size_t i = 0; r == 0 && i < topo->node_count; i++) {
		const struct node *node = &topo->nodes[i];
		const struct network *network;

		for (size_t j = 0; node->kind == NODE_ATTACHED && j < node->iface_count; j++) {
			struct port_claim *claim = array_push(ret->list, ret->count);

			if (!claim) {
				r = -ENOMEM;
				break;
			}
			claim->node = node;
			claim->iface = &node->ifaces[j];
			network = &topo->networks[claim->iface->network];
			claim->bridge = network->routed ? "" : network->bridge;
			claim->closed = network->unclaimed == UNCLAIMED_DROP;
			decide(&d, claim);
		}
	}
	if (r == 0)
		r = refuse_shared(ret);
	free(d.taps);
	if (r < 0) {
		free(ret->list);
		*ret = (struct port_claims) {0};
	}
	return r;
}

bool claim_is_needed(const struct topo *topo)
{
	for (size_t i = 0; i < topo->network_count; i++)
		if (topo->networks[i].attached)
			return true;
	for (size_t i = 0; i < topo->node_count; i++)
		if (topo->nodes[i].kind == NODE_ATTACHED)
			return true;
	return false;
}
