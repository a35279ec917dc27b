/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/watch_domains.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/fleet/topo_record.h"
#include "netsim/util/auto.h"

#define FIRST_MS 5000 /* for the first answer */
#define LINE	 512

void watch_domains_done(struct watch_domains *d)
{
	domain_watch_close(d->watch);
	domains_free(d->now);
	domains_free(d->before);
	*d = (struct watch_domains) {.silent = d->silent};
}

void watch_domains_expect(struct watch_domains *d, const struct topo *topo)
{
	d->unwanted = true;
	for (size_t i = 0; topo && i < topo->node_count; i++)
		if (topo->nodes[i].domain)
			d->unwanted = false;
}

static void take_answer(struct watch_domains *d, struct domains *answer)
{
	domains_free(d->before);
	d->before = d->now;
	d->now = answer;
	d->fresh = true;
}

void watch_domains_take(struct watch_domains *d)
{
	struct domains *answer = d->watch ? domain_watch_take(d->watch) : NULL;

	if (answer)
		take_answer(d, answer);
}

/* Without libvirt, the reason takes the place of an answer. */
static int go_without(struct watch_domains *d, const char *const *names, size_t count,
		      const char *why, struct netsim_err *err)
{
	struct domains *none = domains_new(names, count);

	if (!none)
		return err_oom(err);
	snprintf(none->why, sizeof(none->why), "%s", why);
	take_answer(d, none);
	return 0;
}

static int begin(struct watch_domains *d, const char *uri, const char *const *names, size_t count,
		 struct netsim_err *err)
{
	struct netsim_err why = {0};
	struct pollfd wait = {.events = POLLIN};

	watch_domains_done(d);
	if (domain_watch_open(uri, names, count, &d->watch, &why) < 0)
		return go_without(d, names, count, why.what, err);
	wait.fd = domain_watch_fd(d->watch);
	if (poll(&wait, 1, FIRST_MS) > 0)
		watch_domains_take(d);
	return d->now ? 0 : go_without(d, names, count, "no answer within 5 s", err);
}

int watch_domains_follow(struct watch_domains *d, const char *fleet, struct netsim_err *err)
{
	auto_free const char **names = NULL;
	struct topo *topo = NULL;
	size_t count = 0;
	int r = d->unwanted ? 0 : topo_record_read(fleet, &topo, err);

	if (r == 0 && topo)
		r = attach_domain_names(topo, &names, &count, err);
	if (r < 0 || !count) {
		watch_domains_done(d);
		d->unwanted = true;
	} else if (!d->now ||
		   (d->watch && !domain_watch_is_for(d->watch, topo->libvirt, names, count))) {
		r = begin(d, topo->libvirt, names, count, err);
	}
	topo_free(topo);
	return r;
}

int watch_domains_fd(const struct watch_domains *d)
{
	return d->watch ? domain_watch_fd(d->watch) : -1;
}

void watch_domains_ask(struct watch_domains *d, const struct attachment *attachment, bool changed)
{
	bool ask = changed;

	for (size_t i = 0; i < attachment->claims.count; i++)
		ask |= attachment->claims.list[i].node->domain &&
		       !attachment->claims.list[i].ifindex;
	if (ask && d->watch)
		domain_watch_refresh(d->watch);
}

/* --- reports */

struct reporting {
	struct watch_domains *d;
	const struct attachment *attachment;
	watch_report_fn *report;
	void *arg;
};

static void say(const struct reporting *r, enum netsim_watch_kind kind, const char *name,
		const char *device, const char *text)
{
	const struct netsim_watch_event event = {
		.kind = kind, .name = name, .device = device, .text = text};

	r->report(r->arg, &event);
}

/* Whether libvirt answers. */
static void report_contact(const struct reporting *r)
{
	char text[LINE];

	if (r->d->silent)
		return;
	if (*r->d->now->why && !r->d->told) {
		snprintf(text, sizeof(text), "libvirt does not answer: %s", r->d->now->why);
		say(r, NETSIM_WATCH_PROBLEM, r->attachment->topo->fleet, NULL, text);
	}
	if (!*r->d->now->why && r->d->told)
		say(r, NETSIM_WATCH_DOMAIN, r->attachment->topo->fleet, NULL,
		    "libvirt answers again");
	r->d->told = *r->d->now->why;
}

static void append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s", more);
}

/* The ports of a node that has just been started: "vnet3 is eth1, shaped". */
static void list_ports(const struct reporting *r, const struct node *node, char *text, size_t size)
{
	const char *before = ": ";

	for (size_t i = 0; i < r->attachment->claims.count; i++) {
		const struct port_claim *claim = &r->attachment->claims.list[i];
		char port[64];

		if (claim->node != node || !claim->ifindex)
			continue;
		snprintf(port, sizeof(port), "%s%s is %s, shaped", before, claim->port,
			 claim->iface->name);
		append(text, size, port);
		before = "; ";
	}
	if (*before == ':')
		append(text, size, ": none of its taps is shaped");
}

static void report_event(const struct reporting *r, const struct domain_event *event)
{
	const char *domain = r->d->now->list[event->domain].name;
	const struct topo *topo = r->attachment->topo;
	char text[LINE];

	for (size_t i = 0; i < topo->node_count; i++) {
		const struct node *node = &topo->nodes[i];

		if (!node->domain || strcmp(node->domain, domain) != 0)
			continue;
		snprintf(text, sizeof(text), "domain %s %s (%s)", domain,
			 event->started ? "started" : "stopped", event->how);
		if (event->started)
			list_ports(r, node, text, sizeof(text));
		say(r, NETSIM_WATCH_DOMAIN, node->name, NULL, text);
	}
}

static bool was_limited(const struct domains *before, const char *tap)
{
	const struct domain *domain;
	const struct domain_port *port = domains_port_of(before, tap, &domain);

	return port && port->inbound;
}

/* Ports at whose root libvirt has put a qdisc, which the conditions of a profile replace. */
static void report_limits(const struct reporting *r)
{
	for (size_t i = 0; i < r->attachment->claims.count; i++) {
		const struct port_claim *claim = &r->attachment->claims.list[i];
		const struct domain *domain = NULL;
		const struct domain_port *port =
			claim->ifindex ? domains_port_of(r->d->now, claim->port, &domain) : NULL;
		char text[LINE], name[192];

		if (!port || !port->inbound || was_limited(r->d->before, claim->port))
			continue;
		snprintf(name, sizeof(name), "%s/%s", claim->node->name, claim->iface->name);
		snprintf(text, sizeof(text),
			 "libvirt limits it by <bandwidth> inbound, until netsim replaces the root "
			 "qdisc; to end that: virsh domiftune %s %s --inbound 0,0,0",
			 domain->name, claim->port);
		say(r, NETSIM_WATCH_DOMAIN, name, claim->port, text);
	}
}

void watch_domains_report(struct watch_domains *d, const struct attachment *attachment,
			  watch_report_fn *report, void *arg)
{
	const struct reporting r = {d, attachment, report, arg};

	if (!d->fresh || !d->now || !attachment->topo)
		return;
	d->fresh = false;
	report_contact(&r);
	for (size_t i = 0; i < d->now->event_count; i++)
		report_event(&r, &d->now->events[i]);
	report_limits(&r);
}
