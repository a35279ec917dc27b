/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/edt_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/kernel/filter.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/shape/ifb.h"
#include "netsim/shape/netem.h"
#include "netsim/util/auto.h"

#define LIMIT_MIN 10000
#define LIMIT_MAX 1000000
#define PER_MS	  1000 /* packets in flight for each millisecond of delay */

uint32_t edt_queue_limit(uint64_t longest)
{
	uint64_t limit = LIMIT_MIN + longest / 1000000 * PER_MS;

	return limit > LIMIT_MAX ? LIMIT_MAX : (uint32_t)limit;
}

/* The addresses of a bridge of another program are not in the model, and may come later. */
static bool is_attached(const struct link *bridge)
{
	struct mark mark;

	return mark_parse(bridge->alias, &mark) && mark.attached;
}

bool edt_queue_has_host_at(const struct model *model, const struct link *link)
{
	return link->routed || (link->kind == LINK_BRIDGE && link->node == MODEL_HOST &&
				(model_has_host(model, link) || link->ovs || is_attached(link)));
}

/* True for a link whose ingress is redirected to an IFB while the programs hold packets. */
static bool has_ifb(const struct model *model, const struct link *link)
{
	return edt_queue_has_host_at(model, link) || link->machine;
}

bool edt_queue_has_ifb(const struct model *model)
{
	for (size_t i = 0; i < model->link_count; i++)
		if (has_ifb(model, &model->links[i]))
			return true;
	return false;
}

bool edt_queue_has_host(const struct model *model)
{
	/* What the host routes from a node must show that, or it would be taken for unclaimed. */
	if (model->awaits_routed)
		return true;
	for (size_t i = 0; i < model->link_count; i++)
		if (edt_queue_has_host_at(model, &model->links[i]))
			return true;
	return false;
}

static void put_fq(struct state *st, const struct qdiscs *all, int ifindex, uint32_t limit,
		   const char *subject)
{
	if (!qdisc_find(all, ifindex, QDISC_ROOT))
		qdisc_put_netem(st->rt, QDISC_ADD, ifindex, &NETEM_HOLD(limit), NULL, subject);
	qdisc_put_fq(st->rt, ifindex, limit, subject);
}

/*
 * Adds the missing IFBs of all links that have one. Sets redirected for those
 * links, by index, that redirect frames to their IFB already.
 */
static int make_ifbs(struct fleet *f, bool *redirected, struct netsim_err *err)
{
	const struct model *model = f->model;
	auto_free const char **missing = calloc(model->link_count + 1, sizeof(*missing));
	size_t count = 0;
	int r = missing ? 0 : err_oom(err);

	for (size_t i = 0; r == 0 && i < model->link_count; i++) {
		const struct link *ifb = NULL;

		if (!has_ifb(model, &model->links[i]))
			continue;
		r = ifb_find(f->st, f->name, model->links[i].name, &ifb, err);
		if (r == 0 && ifb)
			r = filter_exists(f->st->rt, model->links[i].ifindex, FILTER_REDIRECT,
					  &redirected[i], err);
		else if (r == 0)
			missing[count++] = model->links[i].name;
	}
	return r == 0 ? ifb_add(f->st, f->name, missing, count, err) : r;
}

/*
 * Attaches the program that delays packets to the host, or to the machine. Does nothing when a
 * policy in force changes: its program is attached already, and loading takes time.
 */
static int attach_program(struct fleet *f, const struct link *ifb, const struct qdiscs *all,
			  struct netsim_err *err)
{
	struct rtnl *rt = f->st->rt;
	int r;

	if (!policy_has_hold(f->policy) && qdisc_find(all, ifb->ifindex, QDISC_CLSACT))
		return 0;
	r = policy_load_hold(f->policy, err);
	if (r < 0)
		return r;
	qdisc_add_clsact(rt, ifb->ifindex, ifb->name);
	policy_put_hold(f->policy, rt, ifb->ifindex, ifb->name);
	return 0;
}

static int redirect(struct fleet *f, const struct link *link)
{
	const struct link *ifb;
	char name[IFNAMSIZ], text[MARK_TEXT];

	ifb_name(link->name, name);
	ifb = model_find_link(f->st->host, MODEL_HOST, name);
	if (!ifb)
		return -ENODEV; /* removed meanwhile, with its port */
	filter_put_redirect(f->st->rt, link->ifindex, ifb->ifindex,
			    link->machine ? 0 : PORT_MARK_HOST,
			    mark_call(link->alias, link->name, text));
	return 0;
}

/*
 * Redirects frames to the host through the IFB of the bridge or port, where ns_hold delays them,
 * and those to a machine through that of its interface, where ns_in_hold does. On a port, netem may
 * have redirected all frames, and does so until edt_queue_take_over().
 */
static int hold_for_host(struct fleet *f, const struct link *link, const struct qdiscs *all,
			 uint32_t limit, struct netsim_err *err)
{
	const struct link *ifb;
	int r = ifb_find(f->st, f->name, link->name, &ifb, err);
	struct link want = {.alias = link->alias};

	if (r == 0 && !ifb)
		r = -ENODEV; /* removed meanwhile, with its port */
	if (r == 0)
		r = attach_program(f, ifb, all, err);
	if (r < 0)
		return r;
	put_fq(f->st, all, ifb->ifindex, limit, ifb->name);
	link_set(f->st->rt, &want, ifb->ifindex, LINK_SET_UP | LINK_SET_ALIAS, 0, ifb->name);
	return 0;
}

int edt_queue_missing(int r, struct netsim_err *why, const char *what, struct netsim_err *err)
{
	if (r == -ENOENT) {
		why->kind = NETSIM_ERR_ENV;
		*why->hint = 0;
		err_hint(why,
			 "%s needs sch_fq and sch_netem: modprobe them, or use a kernel that has "
			 "them (see netsim doctor)",
			 what);
	}
	if (err && err->kind == NETSIM_ERR_NONE)
		*err = *why;
	return r;
}

int edt_queue_prepare(struct fleet *f, uint32_t limit, struct netsim_err *err)
{
	const struct model *model = f->model;
	struct state *st = f->st;
	struct netsim_err why = {0};
	struct qdiscs all = {0};
	auto_free bool *redirected = calloc(model->link_count + 1, sizeof(*redirected));
	int r = redirected ? qdisc_list(st->rt, &all, err) : err_oom(err);

	for (size_t i = 0; r == 0 && i < model->link_count; i++) {
		const struct link *link = &model->links[i];
		char text[MARK_TEXT];

		if (!link_is_port(link))
			continue;
		r = netem_check_root(&all, link, &why);
		if (r == 0)
			put_fq(st, &all, link->ifindex, limit,
			       mark_call(link->alias, link->name, text));
	}
	/* Send now: a kernel without fq or netem fails before IFBs are added. */
	if (r == 0)
		r = rtnl_send(st->rt, &why);
	if (r == 0)
		r = make_ifbs(f, redirected, &why);
	for (size_t i = 0; r == 0 && i < model->link_count; i++)
		if (has_ifb(model, &model->links[i]))
			r = hold_for_host(f, &model->links[i], &all, limit, &why);
	for (size_t i = 0; r == 0 && i < model->link_count; i++)
		if (has_ifb(model, &model->links[i]) && !redirected[i])
			r = redirect(f, &model->links[i]);
	if (r == 0)
		r = rtnl_send(st->rt, &why);
	else
		rtnl_reset(st->rt);
	free(all.list);
	return r < 0 ? edt_queue_missing(r, &why, "the edt engine", err) : 0;
}

int edt_queue_take_over(struct fleet *f, uint32_t limit, struct netsim_err *err)
{
	const struct model *model = f->model;
	struct state *st = f->st;

	for (size_t i = 0; i < model->link_count; i++) {
		const struct link *link = &model->links[i], *ifb;
		char name[IFNAMSIZ], text[MARK_TEXT];
		const char *subject = mark_call(link->alias, link->name, text);

		if (!link_is_port(link))
			continue;
		qdisc_put_netem(st->rt, QDISC_CHANGE, link->ifindex, &NETEM_HOLD(limit), NULL,
				subject);
		ifb_name(link->name, name);
		ifb = model_find_link(st->host, MODEL_HOST, name);
		if (ifb && link->machine)
			qdisc_put_netem(st->rt, QDISC_CHANGE, ifb->ifindex, &NETEM_HOLD(limit),
					NULL, subject);
		if (!ifb || link->machine)
			continue;
		if (link->routed)
			(void)redirect(f, link);
		else
			filter_del(st->rt, link->ifindex, FILTER_REDIRECT, subject);
		qdisc_put_netem(st->rt, QDISC_CHANGE, ifb->ifindex,
				link->routed ? &NETEM_HOLD(limit) : &NETEM_IDLE, NULL, subject);
	}
	return rtnl_send(st->rt, err);
}

/* The IFB of a routed port or of a machine's interface: netem may use it again. */
static void release_port(struct fleet *f, const struct link *link, const struct qdiscs *all)
{
	const struct qdisc *root;
	const struct link *ifb;
	char name[IFNAMSIZ];

	ifb_name(link->name, name);
	ifb = model_find_link(f->st->host, MODEL_HOST, name);
	root = ifb ? qdisc_find(all, ifb->ifindex, QDISC_ROOT) : NULL;
	if (!root || root->netem.rate != NETEM_HOLD_RATE)
		return;
	filter_del(f->st->rt, link->ifindex, FILTER_REDIRECT, link->name);
	qdisc_put_netem(f->st->rt, QDISC_CHANGE, ifb->ifindex, &NETEM_IDLE, NULL, ifb->name);
}

int edt_queue_release(struct fleet *f, struct netsim_err *err)
{
	const struct model *model = f->model;
	struct state *st = f->st;
	struct qdiscs all = {0};
	int r = qdisc_list(st->rt, &all, err);

	for (size_t i = 0; r == 0 && i < model->link_count; i++) {
		const struct link *link = &model->links[i];
		const struct qdisc *root = qdisc_find(&all, link->ifindex, QDISC_ROOT);
		char text[MARK_TEXT];

		if (link_is_port(link) && root && root->netem.rate == NETEM_HOLD_RATE)
			qdisc_put_netem(st->rt, QDISC_CHANGE, link->ifindex, &NETEM_IDLE, NULL,
					mark_call(link->alias, link->name, text));
		if (link->routed || link->machine)
			release_port(f, link, &all);
		else if (has_ifb(model, link) && qdisc_find(&all, link->ifindex, QDISC_CLSACT))
			filter_del(st->rt, link->ifindex, FILTER_REDIRECT, link->name);
	}
	free(all.list);
	return r == 0 ? rtnl_send(st->rt, err) : r;
}
