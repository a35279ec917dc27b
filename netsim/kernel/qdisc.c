/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/qdisc.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <string.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"

/* A qdisc, with its kind, location and owner for error messages. */
struct target {
	struct tcmsg tcm;
	const char *kind;
	const struct netsim_loc *at; /* the location of the conditions, or NULL */
	const char *subject;
};

static void begin(struct rtnl *rt, uint16_t type, uint16_t flags, const struct target *s)
{
	rtnl_begin(rt, type, flags, s->at, "%s: %s: cannot %s", s->subject, s->kind,
		   type == RTM_DELQDISC	  ? "remove it" :
		   (flags & NLM_F_CREATE) ? "add it" :
					    "change it");
	rtnl_header(rt, &s->tcm, sizeof(s->tcm));
	rtnl_put_str(rt, TCA_KIND, s->kind);
}

static uint16_t flags_of(enum qdisc_verb verb)
{
	return verb == QDISC_ADD ? NLM_F_CREATE | NLM_F_REPLACE : 0;
}

void qdisc_put_netem(struct rtnl *rt, enum qdisc_verb verb, int ifindex, const struct netem *netem,
		     const struct netsim_loc *at, const char *subject)
{
	const struct target root = {
		.tcm = {.tcm_ifindex = ifindex, .tcm_parent = TC_H_ROOT, .tcm_handle = QDISC_ROOT},
		.kind = "netem",
		.at = at,
		.subject = subject};

	begin(rt, RTM_NEWQDISC, flags_of(verb), &root);
	rtnl_needs(rt, ENOENT, QDISC_NO_NETEM);
	netem_fill(rt, netem, at);
}

static void put_tbf(struct rtnl *rt, enum qdisc_verb verb, const struct target *s,
		    const struct tbf *tbf)
{
	begin(rt, RTM_NEWQDISC, flags_of(verb), s);
	rtnl_needs(rt, ENOENT,
		   "this kernel has no tbf: it lacks the module sch_tbf (see netsim doctor)");
	tbf_fill(rt, tbf, s->at);
}

void qdisc_put_tbf(struct rtnl *rt, enum qdisc_verb verb, int ifindex, const struct tbf *tbf,
		   const struct netsim_loc *at, const char *subject)
{
	const struct target child = {.tcm = {.tcm_ifindex = ifindex,
					     .tcm_parent = QDISC_ROOT | 1,
					     .tcm_handle = QDISC_CHILD},
				     .kind = "tbf",
				     .at = at,
				     .subject = subject};

	put_tbf(rt, verb, &child, tbf);
}

void qdisc_put_fq(struct rtnl *rt, int ifindex, uint32_t limit, const char *subject)
{
	const struct target fq = {.tcm = {.tcm_ifindex = ifindex,
					  .tcm_parent = QDISC_ROOT | 1,
					  .tcm_handle = QDISC_FQ},
				  .kind = "fq",
				  .subject = subject};
	uint32_t horizon = UINT32_MAX, off = 0; /* microseconds: more than an hour */
	size_t nest;

	begin(rt, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &fq);
	rtnl_needs(rt, ENOENT,
		   "this kernel has no fq: it lacks the module sch_fq (see netsim doctor)");
	nest = rtnl_nest(rt, TCA_OPTIONS);
	rtnl_put(rt, TCA_FQ_PLIMIT, &limit, sizeof(limit));
	rtnl_put(rt, TCA_FQ_FLOW_PLIMIT, &limit, sizeof(limit));
	rtnl_put(rt, TCA_FQ_RATE_ENABLE, &off, sizeof(off)); /* netsim alone paces */
	rtnl_put(rt, TCA_FQ_HORIZON, &horizon, sizeof(horizon));
	rtnl_nest_end(rt, nest);
}

void qdisc_put_tbf_root(struct rtnl *rt, int ifindex, const struct tbf *tbf, const char *subject)
{
	const struct target root = {
		.tcm = {.tcm_ifindex = ifindex, .tcm_parent = TC_H_ROOT, .tcm_handle = QDISC_CHILD},
		.kind = "tbf",
		.subject = subject};

	put_tbf(rt, QDISC_ADD, &root, tbf);
}

void qdisc_put_idle(struct rtnl *rt, int ifindex, const char *subject)
{
	qdisc_put_netem(rt, QDISC_ADD, ifindex, &NETEM_IDLE, NULL, subject);
}

static struct target clsact_of(int ifindex, const char *subject)
{
	return (struct target) {.tcm = {.tcm_ifindex = ifindex,
					.tcm_parent = TC_H_CLSACT,
					.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0)},
				.kind = "clsact",
				.subject = subject};
}

void qdisc_add_clsact(struct rtnl *rt, int ifindex, const char *subject)
{
	const struct target clsact = clsact_of(ifindex, subject);

	begin(rt, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &clsact);
	rtnl_tolerate(rt, EEXIST);
	rtnl_needs(
		rt, ENOENT,
		"this kernel has no clsact: it lacks the module sch_ingress (see netsim doctor)");
}

void qdisc_del_clsact(struct rtnl *rt, int ifindex, const char *subject)
{
	const struct target clsact = clsact_of(ifindex, subject);

	begin(rt, RTM_DELQDISC, 0, &clsact);
	rtnl_tolerate(rt, ENOENT);
}

void qdisc_del_root(struct rtnl *rt, int ifindex, const char *subject)
{
	const struct target root = {
		.tcm = {.tcm_ifindex = ifindex, .tcm_parent = TC_H_ROOT, .tcm_handle = QDISC_ROOT},
		.kind = "netem",
		.subject = subject};

	begin(rt, RTM_DELQDISC, 0, &root);
	rtnl_tolerate(rt, ENOENT);
}

int qdisc_has_netem(struct rtnl *rt, int ifindex, bool *ret, struct netsim_err *err)
{
	struct netsim_err why = {0};
	int r;

	qdisc_put_idle(rt, ifindex, "root");
	r = rtnl_send(rt, &why);
	if (r < 0 && r != -ENOENT) {
		if (err && err->kind == NETSIM_ERR_NONE)
			*err = why;
		return r;
	}
	*ret = r == 0;
	return 0;
}

static void parse_stats(const struct nlattr *nest, struct qdisc *q)
{
	const struct nlattr *a[TCA_STATS_MAX + 1];
	struct gnet_stats_basic basic = {0};
	struct gnet_stats_queue queue = {0};

	rtnl_parse_nest(nest, a, TCA_STATS_MAX);
	if (a[TCA_STATS_BASIC] && a[TCA_STATS_BASIC]->nla_len >= NLA_HDRLEN + 12)
		memcpy(&basic, a[TCA_STATS_BASIC] + 1, 12);
	if (a[TCA_STATS_QUEUE] && a[TCA_STATS_QUEUE]->nla_len >= NLA_HDRLEN + sizeof(queue))
		memcpy(&queue, a[TCA_STATS_QUEUE] + 1, sizeof(queue));
	q->bytes = basic.bytes;
	q->packets = basic.packets;
	q->drops = queue.drops;
	q->queued = queue.qlen;
}

static void parse(const struct nlmsghdr *msg, struct qdisc *q)
{
	const struct tcmsg *tcm = NLMSG_DATA(msg);
	const struct nlattr *a[TCA_MAX + 1];

	rtnl_parse(msg, sizeof(*tcm), a, TCA_MAX);
	q->ifindex = tcm->tcm_ifindex;
	q->handle = tcm->tcm_handle;
	q->parent = tcm->tcm_parent;
	snprintf(q->kind, sizeof(q->kind), "%s", rtnl_str(a[TCA_KIND]));
	parse_stats(a[TCA_STATS2], q);
	if (strcmp(q->kind, "netem") == 0)
		netem_parse(a[TCA_OPTIONS], q);
	if (strcmp(q->kind, "tbf") == 0)
		tbf_parse(a[TCA_OPTIONS], q);
}

int qdisc_list(struct rtnl *rt, struct qdiscs *ret, struct netsim_err *err)
{
	struct tcmsg tcm = {.tcm_family = AF_UNSPEC};
	struct qdiscs all = {0};
	auto_free char *data = NULL;
	struct rtnl_reply reply = {0};
	int r;

	rtnl_begin(rt, RTM_GETQDISC, NLM_F_DUMP, NULL, "cannot read the qdiscs");
	rtnl_header(rt, &tcm, sizeof(tcm));
	r = rtnl_ask(rt, &reply, err);
	if (r < 0)
		return r;
	data = reply.data;
	rtnl_reply_each(&reply, msg)
	{
		struct qdisc *q = array_push(all.list, all.count);

		if (!q) {
			free(all.list);
			return err_oom(err);
		}
		parse(msg, q);
	}
	*ret = all;
	return 0;
}

const struct qdisc *qdisc_find(const struct qdiscs *all, int ifindex, uint32_t handle)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].ifindex == ifindex && all->list[i].handle == handle)
			return &all->list[i];
	return NULL;
}

bool qdisc_has_ingress(const struct qdiscs *all, int ifindex)
{
	const struct qdisc *qdisc = qdisc_find(all, ifindex, QDISC_CLSACT);

	return qdisc && strcmp(qdisc->kind, "ingress") == 0;
}

const struct qdisc *qdisc_at_root(const struct qdiscs *all, int ifindex)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].ifindex == ifindex && all->list[i].parent == TC_H_ROOT &&
		    all->list[i].handle)
			return &all->list[i];
	return NULL;
}
