/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/claim.h"

#include <errno.h>
#include <fnmatch.h>
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
	const struct link **taps; /* that netsim did not make */
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
 * A tap with the exact name needs no other witness. What a bridge has learned, it forgets when the
 * guest is silent: then the mark of before counts.
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

static bool matches(const struct deciding *d, const struct port_claim *claim,
		    const struct link *tap)
{
	const char *pattern = claim->iface->port;

	return strcmp(tap->master, claim->bridge) == 0 &&
	       (!*pattern || fnmatch(pattern, tap->name, 0) == 0) && matches_guest(d, claim, tap);
}

static bool is_foreign(const struct deciding *d, const struct link *tap, struct mark *ret)
{
	return tap->alias && (!mark_parse(tap->alias, ret) || !ret->iface ||
			      strcmp(ret->fleet, d->topo->fleet) != 0);
}

/* Several taps, or a foreign one, match: the node has none of them. */
__attribute__((format(printf, 2, 0))) static void
doubt(struct port_claim *claim, const char *format, const char *a, const char *b)
{
	claim->ifindex = 0;
	snprintf(claim->why, sizeof(claim->why), format, a, b);
}

/* Describes the tap that is missing. */
static void miss(const struct deciding *d, struct port_claim *claim)
{
	const struct iface *iface = claim->iface;
	const struct link *tap =
		*iface->port ? model_find_link(d->host, MODEL_HOST, iface->port) : NULL;
	char mac[UNIT_TEXT], with[UNIT_TEXT + 16] = "";

	if (tap && tap->kind != LINK_TAP) {
		snprintf(claim->why, sizeof(claim->why), "%s is not a tap", iface->port);
	} else if (tap && MARK_IS_GROUP(tap->group)) {
		snprintf(claim->why, sizeof(claim->why), "%s is a port of a fleet", iface->port);
	} else if (tap && strcmp(tap->master, claim->bridge) != 0) {
		snprintf(claim->why, sizeof(claim->why), "%s is %s%s, not in %s", iface->port,
			 *tap->master ? "in " : "in no bridge", tap->master, claim->bridge);
	} else {
		if (iface->has_mac)
			snprintf(with, sizeof(with), " with the guest %s",
				 unit_format_mac(iface->mac, mac));
		snprintf(claim->why, sizeof(claim->why), "%s has no tap%s%s%s", claim->bridge,
			 *iface->port ? " " : "", iface->port, with);
	}
}

static void take_tap(struct port_claim *claim, const struct link *tap)
{
	memcpy(claim->port, tap->name, IFNAMSIZ);
	claim->ifindex = tap->ifindex;
	claim->marked = tap->alias;
}

static void decide(const struct deciding *d, struct port_claim *claim)
{
	const struct link *found = NULL;
	struct mark mark;

	for (size_t i = 0; i < d->tap_count; i++) {
		if (!matches(d, claim, d->taps[i]))
			continue;
		if (found) {
			doubt(claim, "%s and %s both match", found->name, d->taps[i]->name);
			return;
		}
		found = d->taps[i];
	}
	if (!found)
		miss(d, claim);
	else if (is_foreign(d, found, &mark) && mark_parse(found->alias, &mark))
		doubt(claim, "%s belongs to the fleet %s", found->name, mark.fleet);
	else if (is_foreign(d, found, &mark))
		doubt(claim, "%s has an alias of another program: %s", found->name, found->alias);
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
	char other[CLAIM_TEXT / 2];
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

			snprintf(other, sizeof(other), "%s/%s", rival->node->name,
				 rival->iface->name);
			doubt(sorted[j], "%s matches %s, too", sorted[j]->port, other);
		}
	}
	return 0;
}

static int list_taps(struct deciding *d)
{
	d->taps = calloc(d->host->link_count + 1, sizeof(*d->taps));
	for (size_t i = 0; d->taps && i < d->host->link_count; i++) {
		const struct link *link = &d->host->links[i];

		if (link->kind == LINK_TAP && *link->master && !MARK_IS_GROUP(link->group))
			d->taps[d->tap_count++] = link;
	}
	return d->taps ? 0 : -ENOMEM;
}

int claim_decide(const struct topo *topo, const struct model *host, const struct neigh_mac *macs,
		 size_t mac_count, struct port_claims *ret)
{
	struct deciding d = {.topo = topo, .host = host, .macs = macs, .mac_count = mac_count};
	int r = list_taps(&d);

	*ret = (struct port_claims) {0};
	for (size_t i = 0; r == 0 && i < topo->node_count; i++) {
		const struct node *node = &topo->nodes[i];

		for (size_t j = 0; node->kind == NODE_ATTACHED && j < node->iface_count; j++) {
			struct port_claim *claim = array_push(ret->list, ret->count);

			if (!claim) {
				r = -ENOMEM;
				break;
			}
			claim->node = node;
			claim->iface = &node->ifaces[j];
			claim->bridge = topo->networks[claim->iface->network].bridge;
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
