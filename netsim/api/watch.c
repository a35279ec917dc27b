/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch: waits for notifications about a fleet's ports, and then does what netsim up does for
 * ports: claims those of attached nodes, and restores the profile and the faults. It keeps no
 * state that it needs; the kernel and the record have it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/api/attach.h"
#include "netsim/api/mend.h"
#include "netsim/api/watch_domains.h"
#include "netsim/api/watch_paths.h"
#include "netsim/api/watch_scope.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/fleet/target.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/notice.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define SECOND	     1000000000LL
#define REPAIRS	     8 /* of a port within REPAIRS_SPAN: another program fights back */
#define REPAIRS_SPAN (10 * SECOND)
#define MINUTE	     (60 * SECOND)
#define TIMES_MAX    64
#define RETRY_FIRST  (SECOND / 50) /* after a pass that failed; each time twice as long */
#define RETRY_MAX    SECOND

/* The repairs of one interface, until it is removed. */
struct repairs {
	int ifindex;
	bool left, told;
	unsigned pass; /* the latest pass with a repair; several differences count once */
	int64_t times[TIMES_MAX]; /* CLOCK_MONOTONIC, a ring */
	size_t count;
};

/* A repair, until the lock is released and it is reported. */
struct mended {
	char name[MARK_TEXT], device[IFNAMSIZ], text[128];
	int64_t after_ns;
	unsigned times;
};

/* A port as it was after the pass before. */
struct seen_port {
	char name[MARK_TEXT], device[IFNAMSIZ];
	int ifindex;
};

/* The reason reported last for a missing port, so that it is reported once. */
struct told {
	char name[192], why[CLAIM_TEXT];
};

struct watch {
	struct netsim *ctx;
	struct netsim_watch_opts o;
	char *fleet; /* NULL: none is up */
	struct notices *notices;
	struct watch_domains domains;
	struct watch_scope scope;
	struct seen_port *ports;
	size_t port_count;
	struct repairs *repairs;
	size_t repairs_count;
	struct mended *mended;
	size_t mended_count;
	struct told *told;
	size_t told_count, missing;
	unsigned pass; /* counts the passes */
	bool changed, ready;
	bool noticed_link; /* not only an answer of libvirt */
	bool noticed_tc;
	int64_t noticed;    /* when the first of the changes was noticed */
	unsigned failures;  /* passes in a row */
	int64_t not_before; /* the next pass */
	/* The failures that were reported last: of a pass, and of the host's paths. */
	char problem[sizeof(((struct netsim_err *)0)->what)];
	char path_problem[sizeof(((struct netsim_err *)0)->what)];
	struct netsim_err *err;
};

static void report(const struct watch *w, struct netsim_watch_event event)
{
	if (w->o.event)
		w->o.event(w->o.arg, &event);
}

static void report_of(void *arg, const struct netsim_watch_event *event)
{
	report(arg, *event);
}

static bool is_stopped(const struct watch *w)
{
	return w->o.stop && w->o.stop(w->o.arg);
}

static int64_t since_notice(const struct watch *w)
{
	return w->noticed ? clock_ns(CLOCK_MONOTONIC) - w->noticed : 0;
}

/* --- repairs */

static struct repairs *repairs_of(struct watch *w, int ifindex)
{
	struct repairs *slot;

	for (size_t i = 0; i < w->repairs_count; i++)
		if (w->repairs[i].ifindex == ifindex)
			return &w->repairs[i];
	slot = array_push(w->repairs, w->repairs_count);
	if (slot)
		slot->ifindex = ifindex;
	return slot;
}

/* The number of repairs since a time; only the latest TIMES_MAX are known. */
static unsigned repairs_since(const struct repairs *repairs, int64_t time)
{
	unsigned count = 0;

	for (size_t i = 0; i < TIMES_MAX && i < repairs->count; i++)
		count += repairs->times[i] >= time;
	return count;
}

static bool leave(void *arg, int ifindex)
{
	const struct watch *w = arg;

	for (size_t i = 0; i < w->repairs_count; i++)
		if (w->repairs[i].ifindex == ifindex)
			return w->repairs[i].left;
	return false;
}

static const struct link *link_of(const struct watch *w, int ifindex)
{
	const struct model *host = w->ctx->state.host;

	for (size_t i = 0; i < host->link_count; i++)
		if (host->links[i].ifindex == ifindex)
			return &host->links[i];
	return NULL;
}

static void on_mended(void *arg, const struct drift *drift)
{
	struct watch *w = arg;
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	struct repairs *repairs = repairs_of(w, drift->ifindex);
	const struct link *link = link_of(w, drift->ifindex);
	struct mended *mended = array_push(w->mended, w->mended_count);

	if (repairs && repairs->pass != w->pass)
		repairs->times[repairs->count++ % TIMES_MAX] = now;
	if (repairs) {
		repairs->pass = w->pass;
		repairs->left |= repairs_since(repairs, now - REPAIRS_SPAN) >= REPAIRS;
	}
	if (!mended)
		return;
	snprintf(mended->name, sizeof(mended->name), "%s", drift->place);
	snprintf(mended->device, sizeof(mended->device), "%s", link ? link->name : "");
	snprintf(mended->text, sizeof(mended->text), "%s", drift->what);
	mended->after_ns = since_notice(w);
	mended->times = repairs ? repairs_since(repairs, now - MINUTE) : 1;
}

static void report_mended(struct watch *w)
{
	for (size_t i = 0; i < w->mended_count; i++)
		report(w, (struct netsim_watch_event) {.kind = NETSIM_WATCH_MENDED,
						       .name = w->mended[i].name,
						       .device = w->mended[i].device,
						       .text = w->mended[i].text,
						       .after_ns = w->mended[i].after_ns,
						       .times = w->mended[i].times});
	free(w->mended);
	w->mended = NULL;
	w->mended_count = 0;
}

/* Forgets the repairs of interfaces that were removed. */
static void prune_repairs(struct watch *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->repairs_count; i++)
		if (link_of(w, w->repairs[i].ifindex))
			w->repairs[kept++] = w->repairs[i];
	/* The array keeps its size, as array_push() derives the capacity from counts. */
	memset(w->repairs + kept, 0, (w->repairs_count - kept) * sizeof(*w->repairs));
	w->repairs_count = kept;
}

/* --- one pass */

/* Reports the ports that the fleet had after the pass before, and has no longer. */
static void report_gone(struct watch *w)
{
	const struct model *host = w->ctx->state.host;

	for (size_t i = 0; i < w->port_count; i++) {
		const struct seen_port *old = &w->ports[i];
		const struct link *now = model_find_link(host, MODEL_HOST, old->device);

		if (!now || now->ifindex != old->ifindex || !state_is_ours(now, w->fleet))
			report(w, (struct netsim_watch_event) {.kind = NETSIM_WATCH_GONE,
							       .name = old->name,
							       .device = old->device});
	}
}

static void see_ports(struct watch *w)
{
	const struct model *host = w->ctx->state.host;

	free(w->ports);
	w->ports = NULL;
	w->port_count = 0;
	for (size_t i = 0; i < host->link_count; i++) {
		const struct link *link = &host->links[i];
		struct seen_port *port;
		char text[MARK_TEXT];

		if (!link_is_port(link) || !state_is_ours(link, w->fleet))
			continue;
		port = array_push(w->ports, w->port_count);
		if (!port)
			return;
		snprintf(port->name, sizeof(port->name), "%s",
			 mark_call(link->alias, link->name, text));
		memcpy(port->device, link->name, IFNAMSIZ);
		port->ifindex = link->ifindex;
	}
}

/* Returns whether a port was there before: at the pass before or, at the first, in the kernel. */
static bool was_there(const struct watch *w, const struct port_claim *claim,
		      const struct model *before)
{
	const struct link *old = model_find_link(before, MODEL_HOST, claim->port);

	if (!w->ready)
		return old && old->ifindex == claim->ifindex;
	for (size_t i = 0; i < w->port_count; i++)
		if (w->ports[i].ifindex == claim->ifindex)
			return true;
	return false;
}

/* A pass that failed may have claimed a port: what counts is what was reported before. */
static void report_shaped(struct watch *w, const struct attachment *attachment,
			  const struct model *before)
{
	for (size_t i = 0; i < attachment->claims.count; i++) {
		const struct port_claim *claim = &attachment->claims.list[i];
		char name[192];

		if (!claim->ifindex || !claim->marked || was_there(w, claim, before))
			continue;
		snprintf(name, sizeof(name), "%s/%s", claim->node->name, claim->iface->name);
		report(w, (struct netsim_watch_event) {.kind = NETSIM_WATCH_SHAPED,
						       .name = name,
						       .device = claim->port,
						       .after_ns = since_notice(w)});
	}
}

static struct told *told_of(struct watch *w, const char *name)
{
	struct told *slot;

	for (size_t i = 0; i < w->told_count; i++)
		if (strcmp(w->told[i].name, name) == 0)
			return &w->told[i];
	slot = array_push(w->told, w->told_count);
	if (slot)
		snprintf(slot->name, sizeof(slot->name), "%s", name);
	return slot;
}

/* Reports each missing port once for each reason. */
static void report_missing(struct watch *w, const struct attachment *attachment)
{
	w->missing = 0;
	for (size_t i = 0; i < attachment->claims.count; i++) {
		const struct port_claim *claim = &attachment->claims.list[i];
		char name[192], why[CLAIM_TEXT] = "";
		struct told *told;

		snprintf(name, sizeof(name), "%s/%s", claim->node->name, claim->iface->name);
		w->missing += attach_misses(claim, why);
		told = told_of(w, name);
		if (!told || strcmp(told->why, why) == 0)
			continue;
		snprintf(told->why, sizeof(told->why), "%s", why);
		if (*why)
			report(w, (struct netsim_watch_event) {
					  .kind = NETSIM_WATCH_MISSING, .name = name, .text = why});
	}
}

/* Reports, once, the ports that are left alone from now on. */
static void report_left(struct watch *w)
{
	for (size_t i = 0; i < w->repairs_count; i++) {
		struct repairs *repairs = &w->repairs[i];
		const struct link *link = link_of(w, repairs->ifindex);
		char text[MARK_TEXT];

		if (!repairs->left || repairs->told || !link)
			continue;
		repairs->told = true;
		report(w, (struct netsim_watch_event) {
				  .kind = NETSIM_WATCH_LEFT,
				  .name = mark_call(link->alias, link->name, text),
				  .device = link->name});
	}
}

static void report_problems(const struct watch *w, const struct netsim_up *up)
{
	for (size_t i = 0; i < up->problem_count; i++)
		report(w, (struct netsim_watch_event) {.kind = NETSIM_WATCH_PROBLEM,
						       .name = w->fleet,
						       .text = up->problems[i]->text});
}

static int is_up(struct watch *w, bool *ret)
{
	auto_free char *found = NULL;
	int r = target_fleet(&w->ctx->state, w->fleet, &found, NULL);

	*ret = r == 0;
	return r == -ENOENT ? 0 : r;
}

static bool has_ovs(const struct model *fleet)
{
	for (size_t i = 0; i < fleet->link_count; i++)
		if (fleet->links[i].ovs)
			return true;
	return false;
}

/* A failure is reported once: ports do not depend on it, and their repair goes on. */
static int mend_paths(struct watch *w, const struct topo *topo, const struct mend_opts *opts,
		      struct netsim_up *up)
{
	struct netsim_problem *problem;
	struct netsim_err why = {0};

	if (state_is_machine(&w->ctx->state, w->fleet))
		return 0;
	for (size_t i = 0; i < topo->network_count; i++)
		if (*topo->networks[i].uplink)
			notices_add_tables(w->notices);
	(void)watch_paths_mend(&w->ctx->state, topo, opts, &why);
	if (strcmp(w->path_problem, why.what) == 0)
		return 0;
	memcpy(w->path_problem, why.what, sizeof(w->path_problem));
	if (!*why.what)
		return 0;
	problem = arena_push(up, up->problems, up->problem_count);
	if (problem)
		problem->text = arena_strdup(up, why.what);
	return problem && problem->text ? 0 : err_oom(w->err);
}

/* Repairs what differs, under the lock. */
static int repair(struct watch *w, struct model **ret_before, struct attachment *ret,
		  struct netsim_up *up)
{
	const struct mend_opts opts = {.leave = leave, .mended = on_mended, .arg = w};
	struct state *st = &w->ctx->state;
	struct topo *topo = NULL;
	int r = topo_record_read(w->fleet, &topo, w->err);

	if (r == 0)
		r = state_read(st, w->fleet, STATE_PORTS, ret_before, w->err);
	/* While Open vSwitch starts, its database is slow: known ports do not wait for it. */
	if (r == 0 && has_ovs(*ret_before)) {
		r = api_mend(w->ctx, *ret_before, up, &opts, w->err);
		up->problem_count = 0;
	}
	if (r == 0 && topo)
		r = attach_bridges(st, topo, w->err);
	/* Before anything can fail: what follows is repeated at the next notification. */
	if (r == 0)
		r = watch_scope_read(&w->scope, st->host, w->fleet, topo, w->err);
	watch_domains_expect(&w->domains, topo);
	if (r == 0)
		r = attach_refresh(st, w->fleet, w->domains.now, ret, w->err);
	if (r == 0)
		r = attach_cables(st, w->fleet, ret, false, w->err);
	if (r == 0)
		r = attach_guard(w->ctx, w->fleet, w->err);
	if (r == 0)
		r = api_mend(w->ctx, *ret_before, up, &opts, w->err);
	if (r == 0 && topo)
		r = mend_paths(w, topo, &opts, up);
	/* Once more, with the IFBs that were made. */
	if (r == 0)
		r = watch_scope_read(&w->scope, st->host, w->fleet, topo, w->err);
	topo_free(topo);
	return r;
}

/* Repairs the fleet; *ret_up is false if it was removed meanwhile. */
static int pass_over(struct watch *w, bool *ret_up)
{
	struct netsim_up *up = arena_new(sizeof(*up));
	struct attachment attachment = {0};
	struct model *before = NULL;
	auto_close int lock = -1;
	bool mended;
	int r = up && (up->fleet = arena_strdup(up, w->fleet)) ? 0 : err_oom(w->err);

	w->pass++;
	state_forget_all(&w->ctx->state);
	if (r == 0)
		r = lock_take(w->fleet, &lock, w->err);
	if (r == 0)
		r = state_read_host(&w->ctx->state, w->err);
	if (r == 0)
		r = is_up(w, ret_up);
	if (r == 0 && !*ret_up)
		lock_remove(w->fleet);
	else if (r == 0)
		r = repair(w, &before, &attachment, up);
	if (lock >= 0)
		close(take_fd(&lock));
	mended = w->mended_count;
	report_mended(w);
	if (r == 0 && *ret_up) {
		report_gone(w);
		report_left(w);
		prune_repairs(w);
		report_shaped(w, &attachment, before);
		see_ports(w);
		report_missing(w, &attachment);
		watch_domains_report(&w->domains, &attachment, report_of, w);
		if (w->noticed_link)
			watch_domains_ask(&w->domains, &attachment, mended || w->noticed_tc);
		report_problems(w, up);
	}
	attach_done(&attachment);
	model_free(before);
	arena_free(up);
	return r;
}

/*
 * Finds the fleet, once; *ret is false if there is none, or several without a name, and *why says
 * so. With once, this ends the call.
 */
static int find_fleet(struct watch *w, bool *ret, struct netsim_err *why)
{
	int r = state_read_host(&w->ctx->state, w->err);

	if (r < 0)
		return r;
	r = w->fleet ? is_up(w, ret) : 0;
	if (r < 0 || (w->fleet && *ret))
		return r;
	free(w->fleet);
	w->fleet = NULL;
	r = target_need_fleet(&w->ctx->state, w->o.fleet, &w->fleet, why);
	*ret = r == 0;
	if (r == 0 || !w->o.once)
		return 0;
	if (w->err && w->err->kind == NETSIM_ERR_NONE)
		*w->err = *why;
	return r;
}

/* The fleet is not up: its ports and what was reported of them no longer count. */
static void wait_for_fleet(struct watch *w, const struct netsim_err *why)
{
	if (w->ready || !w->noticed)
		report(w, (struct netsim_watch_event) {.kind = NETSIM_WATCH_WAITING,
						       .text = *why->what ? why->what : NULL});
	w->ready = false;
	watch_scope_done(&w->scope);
	watch_domains_done(&w->domains);
	free(w->fleet);
	free(w->ports);
	free(w->told);
	w->fleet = NULL;
	w->ports = NULL;
	w->told = NULL;
	w->port_count = w->told_count = 0;
}

/*
 * A repair that fails may cause notifications itself, by what it has done and undone, so that the
 * next pass waits, and more so each time.
 */
static void slow_down(struct watch *w)
{
	int64_t wait = RETRY_FIRST;

	for (unsigned i = 0; i < w->failures && wait < RETRY_MAX; i++)
		wait *= 2;
	w->failures++;
	w->not_before = clock_ns(CLOCK_MONOTONIC) + (wait < RETRY_MAX ? wait : RETRY_MAX);
}

/*
 * After a pass that failed: a tap that was removed meanwhile is reported by a notification. Any
 * other error is reported once, and tried again once something changes.
 */
static int go_on(struct watch *w)
{
	struct netsim_err *err = w->err;

	if (err && err->code != -ENODEV && err->code != -ENXIO) {
		slow_down(w);
		if (strcmp(w->problem, err->what) != 0)
			report(w, (struct netsim_watch_event) {.kind = NETSIM_WATCH_PROBLEM,
							       .text = err->what});
		memcpy(w->problem, err->what, sizeof(w->problem));
	}
	if (err)
		*err = (struct netsim_err) {0};
	return 0;
}

static int look(struct watch *w)
{
	struct netsim_err why = {0};
	bool found = false;
	int r = find_fleet(w, &found, &why);

	if (r == 0 && found)
		r = watch_domains_follow(&w->domains, w->fleet, w->err);
	if (r == 0 && found)
		r = pass_over(w, &found);
	/* libvirt's part was unknown until now, because the fleet had no domains before. */
	if (r == 0 && found && !w->domains.unwanted && !w->domains.now) {
		r = watch_domains_follow(&w->domains, w->fleet, w->err);
		if (r == 0)
			r = pass_over(w, &found);
	}
	if (r == 0 && !found && !w->o.once) {
		wait_for_fleet(w, &why);
		return 0;
	}
	if (r < 0 && !w->o.once)
		return go_on(w);
	w->failures = 0;
	w->not_before = 0;
	*w->problem = 0;
	if (r == 0 && !w->ready)
		report(w,
		       (struct netsim_watch_event) {.kind = NETSIM_WATCH_READY, .name = w->fleet});
	w->ready |= r == 0;
	return r;
}

/* --- notifications */

static bool concerns(const struct watch *w, const struct notice *notice)
{
	/* A bridge has learned an address: it matters only at a tap that has no node yet. */
	for (size_t i = 0; notice->kind == NOTICE_LEARNED && i < w->port_count; i++)
		if (w->ports[i].ifindex == notice->ifindex)
			return false;
	return watch_scope_has(&w->scope, w->ctx->state.host, notice);
}

static void take_notice(void *arg, const struct notice *notice)
{
	struct watch *w = arg;

	if ((w->noticed_link && (w->noticed_tc || notice->kind != NOTICE_TC)) ||
	    !concerns(w, notice) || (notice->kind == NOTICE_TC && leave(w, notice->ifindex)))
		return;
	w->noticed_tc |= notice->kind == NOTICE_TC;
	if (w->noticed_link)
		return;
	w->changed = w->noticed_link = true;
	w->noticed = clock_ns(CLOCK_MONOTONIC);
}

/* Waits for notifications, or until a pass that was put off is due. */
static int wait_for_notice(struct watch *w)
{
	struct pollfd wait[] = {{notices_fd(w->notices), POLLIN, 0},
				{watch_domains_fd(&w->domains), POLLIN, 0},
				{notices_table_fd(w->notices), POLLIN, 0}};
	int64_t left = w->not_before - clock_ns(CLOCK_MONOTONIC);
	int ms = !w->changed ? -1 : left > 0 ? (int)(left / 1000000 + 1) : 0;

	if (poll(wait, 3, ms) < 0 && errno != EINTR)
		return err_errno(w->err, -errno, NULL, "cannot watch the network");
	if (wait[1].fd >= 0 && wait[1].revents) {
		watch_domains_take(&w->domains);
		w->changed = true;
		w->noticed = clock_ns(CLOCK_MONOTONIC);
	}
	notices_read(w->notices, take_notice, w);
	return 0;
}

static int follow(struct watch *w)
{
	int r = 0;

	while (r == 0 && !is_stopped(w)) {
		r = wait_for_notice(w);
		if (r < 0 || !w->changed || clock_ns(CLOCK_MONOTONIC) < w->not_before)
			continue;
		r = look(w);
		w->changed = w->noticed_link = w->noticed_tc = false;
	}
	return r;
}

int netsim_watch(struct netsim *ctx, const struct netsim_watch_opts *opts, size_t *ret_missing,
		 struct netsim_err *err)
{
	struct watch w = {.ctx = ctx, .err = err};
	int r = opts_read(&w.o, sizeof(w.o), opts, err);

	w.domains.silent = w.o.once;
	/* Before the first look, so that no change is missed. */
	if (r == 0)
		r = notices_open(&w.notices, err);
	if (r == 0)
		r = look(&w);
	if (r == 0 && !w.o.once)
		r = follow(&w);
	if (ret_missing)
		*ret_missing = w.missing;
	if (r == 0 && w.o.once && w.domains.now && *w.domains.now->why)
		r = err_set(err, NETSIM_ERR_ENV, -ENOTCONN, NULL, "libvirt does not answer: %s",
			    w.domains.now->why);
	notices_close(w.notices);
	watch_domains_done(&w.domains);
	watch_scope_done(&w.scope);
	free(w.ports);
	free(w.mended);
	free(w.repairs);
	free(w.told);
	free(w.fleet);
	return r;
}
