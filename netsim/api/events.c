// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events of fleets: whenever something may have changed, compares the status with the one before.
 * Every command that changes a fleet holds its lock, so the lock file is closed after each change.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "netsim/api/handle.h"
#include "netsim/fleet/lock.h"
#include "netsim/kernel/notice.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define TRIES_MAX 20

struct events {
	struct netsim *ctx;
	struct netsim_events_opts o;
	struct notices *notices;
	int files;		      /* inotify */
	struct netsim_status *before; /* NULL at first */
	int64_t before_at;	      /* CLOCK_MONOTONIC, when it was read */
	struct netsim_err *err;
};

static void emit(const struct events *e, struct netsim_event event)
{
	if (!event.at_ns)
		event.at_ns = clock_ns(CLOCK_REALTIME);
	event.already = !e->before;
	e->o.event(e->o.arg, &event);
}

static const struct netsim_fleet *find_fleet(const struct netsim_status *status, const char *name)
{
	for (size_t i = 0; status && i < status->fleet_count; i++)
		if (strcmp(status->fleets[i]->name, name) == 0)
			return status->fleets[i];
	return NULL;
}

/* --- faults */

static const struct netsim_fault *find_fault(const struct netsim_fleet *fleet, uint32_t id)
{
	for (size_t i = 0; fleet && i < fleet->fault_count; i++)
		if (fleet->faults[i]->id == id)
			return fleet->faults[i];
	return NULL;
}

static struct netsim_event fault_event(enum netsim_event_kind kind,
				       const struct netsim_fleet *fleet,
				       const struct netsim_fault *fault)
{
	return (struct netsim_event) {.kind = kind,
				      .fleet = fleet->name,
				      .name = fault->name,
				      .fault = fault->id,
				      .text = fault->text,
				      .problem = fault->problem,
				      .left_ns = fault->left_ns};
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* True if another fault of the same name is in force: fault --name put it in its place. */
static bool is_replaced(const struct netsim_fleet *now, const struct netsim_fault *fault)
{
	for (size_t i = 0; fault->name && i < now->fault_count; i++)
		if (same(now->faults[i]->name, fault->name))
			return true;
	return false;
}

/* One whose deadline has passed has expired, even if a command has removed it since. */
static void end_fault(const struct events *e, const struct netsim_fleet *now,
		      const struct netsim_fault *fault)
{
	struct netsim_event event = fault_event(NETSIM_EVENT_FAULT_HEALED, now, fault);
	int64_t since = clock_ns(CLOCK_MONOTONIC) - e->before_at;

	if (is_replaced(now, fault))
		event.kind = NETSIM_EVENT_FAULT_REPLACED;
	if (fault->left_ns >= 0 && fault->left_ns <= since) {
		event.kind = NETSIM_EVENT_FAULT_EXPIRED;
		event.at_ns = clock_ns(CLOCK_REALTIME) - (since - fault->left_ns);
	}
	event.left_ns = 0;
	event.problem = NULL; /* of the past */
	emit(e, event);
}

static void compare_faults(const struct events *e, const struct netsim_fleet *before,
			   const struct netsim_fleet *now)
{
	for (size_t i = 0; before && i < before->fault_count; i++)
		if (!find_fault(now, before->faults[i]->id))
			end_fault(e, now, before->faults[i]);
	for (size_t i = 0; i < now->fault_count; i++) {
		const struct netsim_fault *fault = now->faults[i];
		const struct netsim_fault *old = find_fault(before, fault->id);

		if (!old)
			emit(e, fault_event(NETSIM_EVENT_FAULT_BEGIN, now, fault));
		else if (!same(old->problem, fault->problem) || !same(old->text, fault->text))
			emit(e, fault_event(NETSIM_EVENT_FAULT_CHANGED, now, fault));
	}
}

/* --- ports */

/* "n100-1/eth1"; a tap whose interface has no name in the topology is called as in the host. */
static void name_port(const struct netsim_node *node, const struct netsim_port *port,
		      char text[static 128])
{
	snprintf(text, 128, "%s/%s", node->name, *port->iface ? port->iface : port->name);
}

/* The nodes of a fleet, and after them its cables between networks. */
static size_t count_owners(const struct netsim_fleet *fleet)
{
	return fleet ? fleet->node_count + fleet->cable_count : 0;
}

static const struct netsim_node *owner_at(const struct netsim_fleet *fleet, size_t i)
{
	return i < fleet->node_count ? fleet->nodes[i] : fleet->cables[i - fleet->node_count];
}

static const struct netsim_port *find_port(const struct netsim_fleet *fleet, const char *name,
					   const char *iface)
{
	for (size_t i = 0; i < count_owners(fleet); i++) {
		const struct netsim_node *node = owner_at(fleet, i);

		if (strcmp(node->name, name) != 0)
			continue;
		for (size_t p = 0; p < node->port_count; p++)
			if (strcmp(node->ports[p]->iface, iface) == 0)
				return node->ports[p];
	}
	return NULL;
}

static void port_event(const struct events *e, enum netsim_event_kind kind,
		       const struct netsim_fleet *fleet, const struct netsim_node *node,
		       const struct netsim_port *port)
{
	char name[128];

	name_port(node, port, name);
	emit(e, (struct netsim_event) {.kind = kind, .fleet = fleet->name, .name = name});
}

static void compare_ports(const struct events *e, const struct netsim_fleet *before,
			  const struct netsim_fleet *now)
{
	for (size_t i = 0; i < count_owners(before); i++)
		for (size_t p = 0; p < owner_at(before, i)->port_count; p++) {
			const struct netsim_node *node = owner_at(before, i);

			if (!find_port(now, node->name, node->ports[p]->iface))
				port_event(e, NETSIM_EVENT_PORT_GONE, now, node, node->ports[p]);
		}
	for (size_t i = 0; i < count_owners(now); i++)
		for (size_t p = 0; p < owner_at(now, i)->port_count; p++) {
			const struct netsim_node *node = owner_at(now, i);
			const struct netsim_port *port = node->ports[p];
			const struct netsim_port *old = find_port(before, node->name, port->iface);

			if (before && !old)
				port_event(e, NETSIM_EVENT_PORT_NEW, now, node, port);
			if (old ? old->up != port->up : !port->up)
				port_event(e,
					   port->up ? NETSIM_EVENT_PORT_UP : NETSIM_EVENT_PORT_DOWN,
					   now, node, port);
		}
}

/* --- fleets */

static void compare_fleet(const struct events *e, const struct netsim_fleet *before,
			  const struct netsim_fleet *now)
{
	if (!before)
		emit(e, (struct netsim_event) {.kind = NETSIM_EVENT_FLEET_UP, .fleet = now->name});
	if (before ? !same(before->profile, now->profile) : now->profile != NULL)
		emit(e, (struct netsim_event) {.kind = NETSIM_EVENT_PROFILE,
					       .fleet = now->name,
					       .name = now->profile});
	compare_ports(e, before, now);
	compare_faults(e, before, now);
}

static bool is_wanted(const struct events *e, const char *fleet)
{
	return !e->o.fleet || strcmp(fleet, e->o.fleet) == 0;
}

static void compare(const struct events *e, const struct netsim_status *now)
{
	for (size_t i = 0; e->before && i < e->before->fleet_count; i++)
		if (is_wanted(e, e->before->fleets[i]->name) &&
		    !find_fleet(now, e->before->fleets[i]->name))
			emit(e, (struct netsim_event) {.kind = NETSIM_EVENT_FLEET_DOWN,
						       .fleet = e->before->fleets[i]->name});
	for (size_t i = 0; i < now->fleet_count; i++)
		if (is_wanted(e, now->fleets[i]->name))
			compare_fleet(e, find_fleet(e->before, now->fleets[i]->name),
				      now->fleets[i]);
}

/* True if there were notifications, also those that have come since the wait. */
static bool drain_files(const struct events *e)
{
	char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	bool any = false;

	while (read(e->files, buf, sizeof(buf)) > 0)
		any = true;
	return any;
}

/*
 * Waits until no command is changing a fleet; true if one was. Its last notification, about the
 * lock file, comes just before the lock is free.
 */
static bool wait_for_commands(const struct netsim_status *status)
{
	bool any = false;

	for (size_t i = 0; status && i < status->fleet_count; i++)
		any |= lock_wait(status->fleets[i]->name);
	return any;
}

static bool is_stopped(const struct events *e)
{
	return e->o.stop && e->o.stop(e->o.arg);
}

/*
 * Reads the status and reports what differs. What was read while a command was at work may be that
 * of different moments: it is read again, unless commands follow each other all the time.
 */
static int look(struct events *e)
{
	struct netsim_status *now = NULL;
	int64_t at = 0;
	int r = 0;

	for (int tries = 0; r == 0 && !now && !is_stopped(e); tries++) {
		wait_for_commands(e->before);
		drain_files(e);
		at = clock_ns(CLOCK_MONOTONIC);
		r = netsim_status(e->ctx, NULL, &now, e->err);
		if (r == 0 && tries < TRIES_MAX && (wait_for_commands(now) || drain_files(e))) {
			netsim_status_free(now);
			now = NULL;
		}
	}
	if (r < 0 || !now)
		return r;
	compare(e, now);
	netsim_status_free(e->before);
	e->before = now;
	e->before_at = at;
	return 0;
}

/* --- waiting */

/* The directory comes with the first fleet, and goes with the last: then /run is watched. */
static void watch_files(struct events *e)
{
	inotify_add_watch(e->files, "/run", IN_CREATE | IN_ONLYDIR);
	inotify_add_watch(e->files, LOCK_DIR, IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR);
}

/* In ms from now to the next deadline, rounded up; -1: there is none. */
static int next_deadline(const struct events *e)
{
	int64_t next = INT64_MAX, since = clock_ns(CLOCK_MONOTONIC) - e->before_at;

	for (size_t i = 0; e->before && i < e->before->fleet_count; i++)
		for (size_t f = 0; f < e->before->fleets[i]->fault_count; f++) {
			int64_t left = e->before->fleets[i]->faults[f]->left_ns;

			if (left >= 0 && left < next)
				next = left;
		}
	if (next == INT64_MAX)
		return -1;
	next = next > since ? (next - since + 999999) / 1000000 : 1;
	return next > INT_MAX ? INT_MAX : (int)next;
}

static void take_notice(void *arg, const struct notice *notice)
{
	bool *changed = arg;

	*changed |= notice->kind == NOTICE_LINK || notice->kind == NOTICE_LOST;
}

static int follow(struct events *e)
{
	struct pollfd wait[] = {{.fd = notices_fd(e->notices), .events = POLLIN},
				{.fd = e->files, .events = POLLIN}};
	int r = 0;

	while (r == 0 && !is_stopped(e)) {
		int got = poll(wait, 2, next_deadline(e));
		bool changed = got == 0;

		if (got < 0 && errno != EINTR)
			return err_errno(e->err, -errno, NULL, "cannot wait for events");
		if (got < 0)
			continue;
		notices_read(e->notices, take_notice, &changed);
		changed |= drain_files(e);
		watch_files(e);
		r = changed ? look(e) : 0;
	}
	return r;
}

int netsim_events(struct netsim *ctx, const struct netsim_events_opts *opts, struct netsim_err *err)
{
	struct events e = {.ctx = ctx, .files = -1, .err = err};
	int r = opts_read(&e.o, sizeof(e.o), opts, err);

	/* Before the first look, so that no change is missed. */
	if (r == 0)
		r = notices_open(&e.notices, err);
	if (r == 0) {
		e.files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (e.files < 0)
			r = err_errno(err, -errno, NULL, "cannot watch " LOCK_DIR);
		else
			watch_files(&e);
	}
	if (r == 0)
		r = look(&e);
	if (r == 0)
		r = follow(&e);
	if (e.files >= 0)
		close(e.files);
	notices_close(e.notices);
	netsim_status_free(e.before);
	return r;
}
