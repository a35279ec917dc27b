/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/netem.h"

#include <errno.h>
#include <string.h>

#include "netsim/kernel/filter.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/netns.h"
#include "netsim/kernel/offload.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/shape/ifb.h"
#include "netsim/shape/netem_params.h"
#include "netsim/util/auto.h"

/* The work on one target. */
struct job {
	const struct netem_target *target;
	struct netem_params out, in; /* egress and ingress of the device */
	bool idle, corrupts;
	char ifb[IFNAMSIZ];
	bool new_ifb;
	char *alias; /* of the IFB */
	int ifindex, ifb_ifindex;
};

struct applier {
	struct state *st;
	const char *fleet;
	bool bare;
	struct job *jobs;
	size_t count;
	struct dist_tables tables;
	struct qdiscs before;
	struct netsim_err *err;
};

/* True if the device is the node's own end, so that up is its egress. */
static bool is_own(const struct applier *a, const struct job *job)
{
	return a->bare || job->target->machine;
}

/* Names a target in messages: a bare interface belongs to no node. */
static const char *subject_of(const struct applier *a, const struct job *job)
{
	return a->bare ? job->target->device : job->target->node;
}

static int prepare_job(struct applier *a, struct job *job)
{
	const struct link *device = model_find_link(a->st->host, MODEL_HOST, job->target->device);
	const struct link_conditions *c = &job->target->conditions;
	const struct link *ifb;
	int r;

	if (!device)
		return err_set(a->err, NETSIM_ERR_KERNEL, -ENODEV, NULL,
			       "interface %s no longer exists", job->target->device);
	job->ifindex = device->ifindex;
	job->idle = !c->up.has && !c->down.has;
	r = netem_params_make(is_own(a, job) ? &c->up : &c->down, &a->tables, &job->out, a->err);
	if (r == 0)
		r = netem_params_make(is_own(a, job) ? &c->down : &c->up, &a->tables, &job->in,
				      a->err);
	netem_params_fit(&job->out, device->mtu);
	netem_params_fit(&job->in, device->mtu);
	ifb_name(job->target->device, job->ifb);
	if (r == 0)
		r = ifb_find(a->st, a->fleet, job->target->device, &ifb, a->err);
	if (r < 0)
		return r;
	job->ifb_ifindex = ifb ? ifb->ifindex : 0;
	job->new_ifb =
		!ifb && (a->bare || !netem_params_are_idle(&job->in.netem) || job->in.has_tbf);
	return 0;
}

int netem_check_root(const struct qdiscs *all, const struct link *device, struct netsim_err *err)
{
	const struct qdisc *root = qdisc_at_root(all, device->ifindex);
	char text[MARK_TEXT];
	struct mark mark;

	if (!root || root->handle == QDISC_ROOT)
		return 0;
	/* libvirt gives each tap a qdisc at its root, which netsim replaces. */
	if (mark_parse(device->alias, &mark) && mark.attached && !mark.machine)
		return 0;
	err_set(err, NETSIM_ERR_KERNEL, -EEXIST, NULL,
		"%s has a %s at its root that netsim did not make",
		mark_call(device->alias, device->name, text), root->kind);
	err_hint(err, "remove it with: tc qdisc delete dev %s root", device->name);
	return -EEXIST;
}

static int check_roots(struct applier *a)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->count; i++)
		r = netem_check_root(
			&a->before,
			model_find_link(a->st->host, MODEL_HOST, a->jobs[i].target->device),
			a->err);
	return r;
}

static int require_netem(struct applier *a)
{
	bool there = false;
	int r;

	for (size_t i = 0; i < a->before.count; i++)
		if (strcmp(a->before.list[i].kind, "netem") == 0)
			return 0;
	r = qdisc_has_netem(a->st->rt, a->jobs[0].ifindex, &there, a->err);
	if (r < 0 || there)
		return r;
	return err_set(a->err, NETSIM_ERR_ENV, -ENOENT, NULL, QDISC_NO_NETEM);
}

static int make_ifbs(struct applier *a)
{
	auto_free const char **devices = calloc(a->count, sizeof(*devices));
	size_t count = 0;

	if (!devices)
		return err_oom(a->err);
	for (size_t i = 0; i < a->count; i++)
		if (a->jobs[i].new_ifb)
			devices[count++] = a->jobs[i].target->device;
	return ifb_add(a->st, a->fleet, devices, count, a->err);
}

static void put_direction(struct applier *a, int ifindex, const struct netem_params *params,
			  bool fresh, const char *subject)
{
	bool has_root = !fresh && qdisc_find(&a->before, ifindex, QDISC_ROOT);
	bool has_child = !fresh && qdisc_find(&a->before, ifindex, QDISC_CHILD);

	/* The tbf is below netem, so netem has to be there first. */
	if (!has_root)
		qdisc_put_netem(a->st->rt, QDISC_ADD, ifindex, &params->netem, params->at, subject);
	if (params->has_tbf)
		qdisc_put_tbf(a->st->rt, has_child ? QDISC_CHANGE : QDISC_ADD, ifindex,
			      &params->tbf, params->at, subject);
	else if (has_child)
		qdisc_put_tbf(a->st->rt, QDISC_CHANGE, ifindex, &TBF_IDLE, NULL, subject);
	if (has_root)
		qdisc_put_netem(a->st->rt, QDISC_CHANGE, ifindex, &params->netem, params->at,
				subject);
}

static void put_ifb(struct applier *a, struct job *job)
{
	struct link want = {.alias = job->alias};

	put_direction(a, job->ifb_ifindex, &job->in, job->new_ifb, subject_of(a, job));
	if (job->new_ifb || job->alias)
		link_set(a->st->rt, &want, job->ifb_ifindex, LINK_SET_UP | LINK_SET_ALIAS, 0,
			 job->ifb);
	qdisc_add_clsact(a->st->rt, job->ifindex, job->target->device);
	filter_put_redirect(a->st->rt, job->ifindex, job->ifb_ifindex, 0, job->target->device);
}

static int put_all(struct applier *a)
{
	for (size_t i = 0; i < a->count; i++) {
		struct job *job = &a->jobs[i];
		const struct link *ifb = model_find_link(a->st->host, MODEL_HOST, job->ifb);
		bool has_root = qdisc_find(&a->before, job->ifindex, QDISC_ROOT);

		job->ifb_ifindex = ifb ? ifb->ifindex : 0;
		if (has_root || !netem_params_are_idle(&job->out.netem) || job->out.has_tbf)
			put_direction(a, job->ifindex, &job->out, false, subject_of(a, job));
		if (ifb)
			put_ifb(a, job);
	}
	return rtnl_send(a->st->rt, a->err);
}

static bool same_overhead(struct overhead a, struct overhead b)
{
	return a.bytes == b.bytes && a.atm == b.atm;
}

static bool same_netem(const struct netem *a, const struct netem *b)
{
	return a->delay == b->delay && a->jitter == b->jitter && a->limit == b->limit &&
	       a->duplicate == b->duplicate && a->corrupt == b->corrupt &&
	       a->reorder == b->reorder && a->rate == b->rate &&
	       same_overhead(a->overhead, b->overhead) && a->loss_model == b->loss_model &&
	       a->loss == b->loss && a->p == b->p && a->r == b->r && a->bad == b->bad &&
	       a->good == b->good && a->p13 == b->p13 && a->p31 == b->p31 && a->p32 == b->p32 &&
	       a->p23 == b->p23 && a->p14 == b->p14 && a->slot_min == b->slot_min &&
	       a->slot_max == b->slot_max;
}

static bool same_tbf(const struct tbf *a, const struct tbf *b)
{
	return a->rate == b->rate && a->peak == b->peak && same_overhead(a->overhead, b->overhead);
}

static int compare(struct applier *a, const struct qdiscs *now, int ifindex,
		   const struct netem_params *params, const char *subject)
{
	const struct qdisc *root = qdisc_find(now, ifindex, QDISC_ROOT);
	const struct qdisc *child = qdisc_find(now, ifindex, QDISC_CHILD);

	if (!root && netem_params_are_idle(&params->netem) && !params->has_tbf)
		return 0;
	if (root && params->seed_at && !root->has_seed) {
		err_set(a->err, NETSIM_ERR_ENV, -EOPNOTSUPP, params->seed_at,
			"this kernel's netem takes no seed");
		err_hint(a->err, "it needs Linux 6.7 or later; --engine edt takes a seed anywhere");
		return -EOPNOTSUPP;
	}
	if (root && same_netem(&root->netem, &params->netem) &&
	    (!params->has_tbf || (child && same_tbf(&child->tbf, &params->tbf))))
		return 0;
	return err_set(a->err, NETSIM_ERR_KERNEL, -EIO, params->at,
		       "%s: the kernel's qdisc differs from the requested one", subject);
}

static int read_back(struct applier *a)
{
	struct qdiscs now = {0};
	int r = qdisc_list(a->st->rt, &now, a->err);

	for (size_t i = 0; r == 0 && i < a->count; i++) {
		const struct job *job = &a->jobs[i];

		r = compare(a, &now, job->ifindex, &job->out, subject_of(a, job));
		if (r == 0 && job->ifb_ifindex)
			r = compare(a, &now, job->ifb_ifindex, &job->in, subject_of(a, job));
	}
	free(now.list);
	return r;
}

static int switch_inside(void *arg, struct netsim_err *err)
{
	const struct job *job = arg;
	bool on = job->idle && !job->target->crosses;
	int r = offload_set(job->target->iface, OFFLOAD_SEND, on, NULL, err);

	/* With checksum offload on, the receiver would not notice corruption. */
	if (r == 0 && (job->corrupts || job->idle))
		r = offload_set(job->target->iface, OFFLOAD_CHECKSUM, !job->corrupts, NULL, err);
	return r;
}

static bool device_is_idle(const struct qdiscs *now, int ifindex)
{
	const struct qdisc *root = qdisc_find(now, ifindex, QDISC_ROOT);

	return !root || netem_params_are_idle(&root->netem);
}

bool netem_is_idle(const struct state *st, const struct qdiscs *now, const struct link *port)
{
	const struct link *ifb;
	char name[IFNAMSIZ];

	ifb_name(port->name, name);
	ifb = model_find_link(st->host, MODEL_HOST, name);
	return device_is_idle(now, port->ifindex) && (!ifb || device_is_idle(now, ifb->ifindex));
}

/* False for a device of another program that did not have the offload: its mark says so. */
static bool had_offload(const struct state *st, const char *device)
{
	const struct link *link = model_find_link(st->host, MODEL_HOST, device);
	struct mark mark;

	return !link || !mark_parse(link->alias, &mark) || !mark.attached || mark.tso;
}

/*
 * The host sends through the bridge, so its offload is off while any port is shaped; or, on a
 * routed network, through the port itself.
 */
static int switch_bridge(struct applier *a, const struct qdiscs *now, const struct job *job)
{
	const char *bridge = job->target->bridge;
	/* The programs need no qdisc for losses alone. */
	bool idle = job->idle && had_offload(a->st, bridge);

	for (size_t i = 0; i < a->st->host->link_count; i++) {
		const struct link *port = &a->st->host->links[i];

		if (link_is_port(port) &&
		    strcmp(port->routed ? port->name : port->master, bridge) == 0)
			idle = idle && netem_is_idle(a->st, now, port);
	}
	return offload_set(bridge, OFFLOAD_SEND, idle, NULL, a->err);
}

static int switch_bridges(struct applier *a)
{
	const char *last = "";
	struct qdiscs now = {0};
	int r = qdisc_list(a->st->rt, &now, a->err);

	for (size_t i = 0; r == 0 && i < a->count; i++) {
		const char *bridge = a->jobs[i].target->bridge;

		if (!bridge || strcmp(bridge, last) == 0)
			continue;
		r = switch_bridge(a, &now, &a->jobs[i]);
		last = bridge;
	}
	free(now.list);
	return r;
}

int netem_restore_offloads(const struct link *device, struct netsim_err *err)
{
	struct mark mark;
	int r = 0;

	if (!mark_parse(device->alias, &mark))
		return 0;
	for (enum offload which = OFFLOAD_SEND; r == 0 && which <= OFFLOAD_CHECKSUM; which++) {
		bool was = which == OFFLOAD_SEND    ? mark.tso :
			   which == OFFLOAD_RECEIVE ? mark.gro :
						      mark.csum;

		if (was && !offload_is_on(device->name, which))
			r = offload_set(device->name, which, true, NULL, err);
	}
	return r;
}

/* This machine is both the sender and the receiver; its mark has what to restore. */
static int switch_machine(struct applier *a, const struct job *job)
{
	const char *device = job->target->device;
	const struct link *link = model_find_link(a->st->host, MODEL_HOST, device);
	int r;

	if (job->idle)
		return link ? netem_restore_offloads(link, a->err) : 0;
	r = offload_set(device, OFFLOAD_SEND, false, NULL, a->err);
	if (r == 0)
		r = offload_set(device, OFFLOAD_RECEIVE, false, NULL, a->err);
	if (r == 0 && job->corrupts)
		r = offload_set(device, OFFLOAD_CHECKSUM, false, NULL, a->err);
	return r;
}

/* Senders into a shaped link must not build super-packets. */
static int switch_offloads(struct applier *a)
{
	int r = a->bare ? 0 : switch_bridges(a);

	for (size_t i = 0; r == 0 && !a->bare && i < a->count; i++) {
		struct job *job = &a->jobs[i];
		struct handle *handle;

		if (job->target->machine)
			r = switch_machine(a, job);
		if (!job->target->iface)
			continue;
		r = state_handle(a->st, a->fleet, job->target->node, &handle, a->err);
		if (r == 0)
			r = netns_within(a->st->own_fd, handle->fd, switch_inside, job, a->err);
		else if (r == -ENOENT)
			r = 0; /* the network namespace is gone, and its offloads with it */
	}
	return r;
}

int netem_set_offloads(struct state *st, const char *fleet, const struct netem_target *targets,
		       size_t count, struct netem_use use, struct netsim_err *err)
{
	auto_free struct job *jobs = calloc(count + 1, sizeof(*jobs));
	struct applier a = {.st = st, .fleet = fleet, .jobs = jobs, .count = count, .err = err};

	if (!jobs)
		return err_oom(err);
	for (size_t i = 0; i < count; i++)
		jobs[i] = (struct job) {
			.target = &targets[i], .idle = use.idle, .corrupts = use.corrupts};
	return switch_offloads(&a);
}

static void restore_direction(struct applier *a, int ifindex, const char *subject)
{
	const struct qdisc *root = qdisc_find(&a->before, ifindex, QDISC_ROOT);
	const struct qdisc *child = qdisc_find(&a->before, ifindex, QDISC_CHILD);

	if (child)
		qdisc_put_tbf(a->st->rt, QDISC_CHANGE, ifindex, &child->tbf, NULL, subject);
	if (root)
		qdisc_put_netem(a->st->rt, QDISC_CHANGE, ifindex, &root->netem, NULL, subject);
	else
		qdisc_del_root(a->st->rt, ifindex, subject);
}

static void restore(struct applier *a)
{
	struct netsim_err ignored = {0};

	for (size_t i = 0; i < a->count; i++) {
		const struct job *job = &a->jobs[i];

		restore_direction(a, job->ifindex, job->target->device);
		if (job->ifb_ifindex && !job->new_ifb)
			restore_direction(a, job->ifb_ifindex, job->ifb);
		if (job->new_ifb)
			filter_del(a->st->rt, job->ifindex, FILTER_REDIRECT, job->target->device);
	}
	(void)rtnl_send(a->st->rt, &ignored);
	if (state_read_host(a->st, &ignored) < 0)
		return;
	for (size_t i = 0; i < a->count; i++) {
		const struct link *ifb = model_find_link(a->st->host, MODEL_HOST, a->jobs[i].ifb);

		if (ifb && a->jobs[i].new_ifb && state_is_ours(ifb, a->fleet))
			link_del(a->st->rt, ifb->ifindex, ifb->name);
	}
	(void)rtnl_send(a->st->rt, &ignored);
}

static int set_aliases(struct applier *a)
{
	for (size_t i = 0; i < a->count; i++) {
		struct job *job = &a->jobs[i];
		const struct link *port =
			model_find_link(a->st->host, MODEL_HOST, job->target->device);
		bool tso = false, gro = false;
		char alias[MARK_TEXT];

		if (!job->new_ifb)
			continue;
		if (!a->bare) {
			job->alias = strdup(port->alias ? port->alias : "");
		} else {
			if (offload_set(job->target->device, OFFLOAD_SEND, false, &tso, a->err) <
				    0 ||
			    offload_set(job->target->device, OFFLOAD_RECEIVE, false, &gro, a->err) <
				    0)
				return a->err ? a->err->code : -EIO;
			mark_format(&(struct mark) {.fleet = MARK_BARE,
						    .node = job->target->device,
						    .tso = tso,
						    .gro = gro},
				    alias);
			job->alias = strdup(alias);
		}
		if (!job->alias)
			return err_oom(a->err);
	}
	return 0;
}

static int run(struct applier *a)
{
	int r = qdisc_list(a->st->rt, &a->before, a->err);
	bool any = false;

	for (size_t i = 0; r == 0 && i < a->count; i++) {
		r = prepare_job(a, &a->jobs[i]);
		any |= !a->jobs[i].idle;
	}
	if (r == 0)
		r = check_roots(a);
	if (r == 0 && any)
		r = require_netem(a);
	if (r < 0)
		return r;
	r = make_ifbs(a);
	if (r == 0)
		r = set_aliases(a);
	if (r == 0)
		r = put_all(a);
	if (r == 0)
		r = read_back(a);
	if (r == 0)
		r = switch_offloads(a);
	if (r < 0)
		restore(a);
	return r;
}

static int apply(struct state *st, const char *fleet, bool bare, const struct netem_target *targets,
		 size_t count, struct netsim_err *err)
{
	struct applier a = {.st = st, .fleet = fleet, .bare = bare, .count = count, .err = err};
	int r;

	if (!count)
		return 0;
	a.jobs = calloc(count, sizeof(*a.jobs));
	if (!a.jobs)
		return err_oom(err);
	for (size_t i = 0; i < count; i++)
		a.jobs[i].target = &targets[i];
	r = run(&a);
	for (size_t i = 0; i < count; i++)
		free(a.jobs[i].alias);
	free(a.jobs);
	free(a.before.list);
	dist_tables_done(&a.tables);
	return r;
}

int netem_apply(struct state *st, const char *fleet, const struct netem_target *targets,
		size_t count, struct netsim_err *err)
{
	return apply(st, fleet, false, targets, count, err);
}

int netem_apply_bare(struct state *st, const struct netem_target *targets, size_t count,
		     struct netsim_err *err)
{
	return apply(st, MARK_BARE, true, targets, count, err);
}

int netem_clear_bare(struct state *st, const char *device, bool *ret_was, struct netsim_err *err)
{
	const struct link *link = model_find_link(st->host, MODEL_HOST, device), *ifb;
	char name[IFNAMSIZ];
	struct mark mark;
	int r;

	ifb_name(device, name);
	ifb = model_find_link(st->host, MODEL_HOST, name);
	*ret_was = ifb && state_is_ours(ifb, MARK_BARE);
	if (!*ret_was)
		return 0;
	if (mark_parse(ifb->alias, &mark) && link) {
		if (mark.tso)
			(void)offload_set(device, OFFLOAD_SEND, true, NULL, NULL);
		if (mark.gro)
			(void)offload_set(device, OFFLOAD_RECEIVE, true, NULL, NULL);
	}
	if (link) {
		filter_del(st->rt, link->ifindex, FILTER_REDIRECT, device);
		qdisc_del_root(st->rt, link->ifindex, device);
	}
	link_del(st->rt, ifb->ifindex, name);
	r = rtnl_send(st->rt, err);
	if (r == 0 && link)
		r = filter_drop_empty_clsact(st->rt, link->ifindex, device, err);
	return r;
}

/* Returns the first difference at one device, or NULL. */
static const char *difference(const struct qdiscs *all, int ifindex,
			      const struct netem_params *params)
{
	const struct qdisc *root = qdisc_find(all, ifindex, QDISC_ROOT);
	const struct qdisc *child = qdisc_find(all, ifindex, QDISC_CHILD);
	const struct qdisc *other = qdisc_at_root(all, ifindex);
	bool idle = netem_params_are_idle(&params->netem) && !params->has_tbf;

	if (other && other != root)
		return FOREIGN_ROOT;
	if (!root)
		return idle ? NULL : NO_NETEM;
	if (!same_netem(&root->netem, &params->netem))
		return "its netem differs";
	if (params->has_tbf && (!child || !same_tbf(&child->tbf, &params->tbf)))
		return child ? "its tbf differs" : "its tbf is missing";
	return NULL;
}

/* The same for packets from the node, which pass the device's IFB. */
static int ingress_difference(struct applier *a, const struct job *job, const char **ret)
{
	bool redirected = false;
	int r;

	if (job->new_ifb) {
		*ret = "its IFB is missing";
		return 0;
	}
	if (!job->ifb_ifindex || (netem_params_are_idle(&job->in.netem) && !job->in.has_tbf))
		return 0;
	*ret = difference(&a->before, job->ifb_ifindex, &job->in);
	r = *ret ? 0 : filter_exists(a->st->rt, job->ifindex, FILTER_REDIRECT, &redirected, a->err);
	if (r == 0 && !*ret && !redirected)
		*ret = "the redirect to its IFB is missing";
	return r;
}

int netem_differs(struct state *st, const char *fleet, const struct qdiscs *all,
		  const struct netem_target *target, const char **ret, struct netsim_err *err)
{
	struct applier a = {.st = st, .fleet = fleet, .before = *all, .err = err};
	struct job job = {.target = target};
	int r = prepare_job(&a, &job);

	*ret = r == 0 ? difference(all, job.ifindex, &job.out) : NULL;
	if (r == 0 && !*ret)
		r = ingress_difference(&a, &job, ret);
	dist_tables_done(&a.tables);
	return r;
}

static void read_shape(const struct qdiscs *all, int ifindex, struct conditions *ret)
{
	const struct qdisc *root = qdisc_find(all, ifindex, QDISC_ROOT);
	const struct qdisc *child = qdisc_find(all, ifindex, QDISC_CHILD);

	if (root)
		netem_params_read(&root->netem, child ? &child->tbf : NULL, ret);
}

void netem_seen(const struct state *st, const struct qdiscs *all, const struct link *device,
		struct link_conditions *ret)
{
	const struct link *ifb;
	char name[IFNAMSIZ];

	*ret = (struct link_conditions) {0};
	ifb_name(device->name, name);
	ifb = model_find_link(st->host, MODEL_HOST, name);
	read_shape(all, device->ifindex, device->machine ? &ret->up : &ret->down);
	if (ifb && MARK_IS_GROUP(ifb->group))
		read_shape(all, ifb->ifindex, device->machine ? &ret->down : &ret->up);
}
