/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/park.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "netsim/kernel/filter.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/shape/edt_queue.h"
#include "netsim/util/name.h"

#define LIMIT		 (2 * PORT_PARKED) /* of the qdiscs: the programs stop before */
#define CARRIER_PAUSE_NS 2000000
#define CARRIER_TRIES	 1000
#define MTU		 65535 /* the longest of veths: whatever passes a port passes the pair */

void park_name(const char *fleet, bool in, char ret[static IFNAMSIZ])
{
	char full[NETNS_TEXT];

	snprintf(full, sizeof(full), "%s.%s", fleet, in ? "hold" : "held");
	name_fit(full, ret);
}

static int refuse(const char *why, struct netsim_err *err)
{
	return err_set(err, NETSIM_ERR_ENV, -EOPNOTSUPP, NULL, "packets cannot be held %s", why);
}

/* LACP frames end at the other end of their cable, where the programs cannot take them. */
static bool names_lacp(const struct policy *policy, const char *fault_class)
{
	const struct port_slot *slot = policy_slot(policy);

	for (uint32_t i = 1; *fault_class && i < PORT_CLASSES; i++) {
		const char *name = policy_class_in(policy, slot, i);

		if (name && class_matches_name(name, fault_class) &&
		    policy_class_names_lacp(policy, slot, i))
			return true;
	}
	return false;
}

int park_check(const struct policy *policy, const struct model *model, const char *fault_class,
	       struct netsim_err *err)
{
	if (names_lacp(policy, fault_class)) {
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "LACP frames cannot be held");
		err_hint(err, "'loss 100%%' drops them");
		return -EINVAL;
	}
	if (model_machine(model) >= 0)
		return refuse("by a machine that is itself a node", err);
	if (model_is_routed(model) || model->awaits_routed)
		return refuse("on a routed network", err);
	for (size_t i = 0; i < model->link_count; i++)
		if (model->links[i].ovs)
			return refuse("on a bridge of Open vSwitch", err);
	return 0;
}

/* Finds both ends of the pair; NULL: missing. -EEXIST with err if one is not the fleet's. */
static int find_ends(const struct fleet *f, const struct link *ret[2], struct netsim_err *err)
{
	for (int i = 0; i < 2; i++) {
		char name[IFNAMSIZ];

		park_name(f->name, i == 0, name);
		ret[i] = model_find_link(f->st->host, MODEL_HOST, name);
		if (ret[i] && !state_made(ret[i], f->name))
			return err_set(err, NETSIM_ERR_KERNEL, -EEXIST, NULL,
				       "a link %s exists that netsim did not make", name);
	}
	return 0;
}

static int add_pair(struct fleet *f, struct netsim_err *err)
{
	struct link in = {.group = mark_group(f->name), .mtu = MTU};
	int r;

	park_name(f->name, true, in.name);
	park_name(f->name, false, in.peer);
	link_add_veth(f->st->rt, &in, f->st->own_fd, in.name);
	r = rtnl_send(f->st->rt, err);
	return r == 0 ? state_read_host(f->st, err) : r;
}

/* Marks an end, also one that a killed process has left without a mark. */
static void set_up(struct fleet *f, const struct link *end)
{
	const struct mark mark = {.fleet = f->name, .node = MARK_HOLD};
	char alias[MARK_TEXT];
	struct link want = {.alias = alias};

	mark_format(&mark, alias);
	link_set_no_ipv6(f->st->rt, end->ifindex, end->name);
	link_set(f->st->rt, &want, end->ifindex, LINK_SET_ALIAS | LINK_SET_UP, 0, end->name);
}

/* Finds the ends, and makes them if they are missing; *ret_made: true if it did. */
static int get_ends(struct fleet *f, const struct link *ends[2], bool *ret_made,
		    struct netsim_err *err)
{
	int r = find_ends(f, ends, err);

	*ret_made = r == 0 && (!ends[0] || !ends[1]);
	if (r < 0 || !*ret_made)
		return r;
	r = add_pair(f, err);
	if (r == 0)
		r = find_ends(f, ends, err);
	if (r == 0 && (!ends[0] || !ends[1]))
		r = err_set(err, NETSIM_ERR_KERNEL, -ENODEV, NULL, "%s: removed meanwhile",
			    f->name);
	return r;
}

/* Until the kernel has noticed that the pair carries frames, it drops what enters. */
static int wait_for_carrier(struct fleet *f, struct netsim_err *err)
{
	struct timespec pause = {.tv_nsec = CARRIER_PAUSE_NS};
	const struct link *ends[2];

	for (int i = 0; i < CARRIER_TRIES; i++) {
		int r = state_read_host(f->st, err);

		if (r == 0)
			r = find_ends(f, ends, err);
		if (r < 0 || (ends[0] && ends[1] && ends[0]->running && ends[1]->running))
			return r;
		nanosleep(&pause, NULL);
	}
	return err_set(err, NETSIM_ERR_KERNEL, -ETIMEDOUT, NULL,
		       "the pair of veths for held packets gets no carrier");
}

static int put_queue(struct fleet *f, const struct link *in, struct netsim_err *err)
{
	struct rtnl *rt = f->st->rt;
	struct qdiscs all = {0};
	int r = qdisc_list(rt, &all, err);

	if (r == 0 && !qdisc_find(&all, in->ifindex, QDISC_ROOT))
		qdisc_put_netem(rt, QDISC_ADD, in->ifindex, &NETEM_HOLD(LIMIT), NULL, in->name);
	if (r == 0)
		qdisc_put_fq(rt, in->ifindex, LIMIT, in->name);
	free(all.list);
	return r == 0 ? rtnl_send(rt, err) : r;
}

int park_prepare(struct fleet *f, struct netsim_err *err)
{
	const struct link *ends[2];
	struct rtnl *rt = f->st->rt;
	struct netsim_err why = {0};
	int r = policy_load_park(f->policy, err), in;
	bool made;

	if (r == 0)
		r = get_ends(f, ends, &made, err);
	if (r < 0)
		return r;
	in = ends[0]->ifindex;
	r = put_queue(f, ends[0], &why);
	if (r == 0) {
		policy_put_park(f->policy, rt, ends[0]->ifindex, ends[1]->ifindex, ends[0]->name);
		set_up(f, ends[0]);
		set_up(f, ends[1]);
		r = rtnl_send(rt, &why);
	}
	if (r == 0)
		r = wait_for_carrier(f, &why);
	if (r < 0 && made) {
		link_del(rt, in, f->name);
		(void)rtnl_send(rt, NULL);
	}
	if (r < 0)
		return edt_queue_missing(r, &why, "holding packets", err);
	policy_use_park(f->policy, in);
	return 0;
}

static int lacks_program(struct fleet *f, int ifindex, enum filter_slot slot, bool *ret,
			 struct netsim_err *err)
{
	bool has = false;
	int r = filter_exists(f->st->rt, ifindex, slot, &has, err);

	*ret |= !has;
	return r;
}

int park_differs(struct fleet *f, const struct qdiscs *all, const char **ret,
		 struct netsim_err *err)
{
	const struct link *ends[2];
	const struct qdisc *root;
	bool lacks = false;
	int r = find_ends(f, ends, err);

	*ret = NULL;
	if (r < 0)
		return r;
	if (!ends[0] || !ends[1]) {
		*ret = "the pair of veths for held packets is missing";
		return 0;
	}
	r = lacks_program(f, ends[0]->ifindex, FILTER_EGRESS, &lacks, err);
	if (r == 0)
		r = lacks_program(f, ends[1]->ifindex, FILTER_STAMP, &lacks, err);
	root = qdisc_find(all, ends[0]->ifindex, QDISC_ROOT);
	if (lacks)
		*ret = "a program for held packets is missing";
	else if (!ends[0]->up || !ends[1]->up)
		*ret = "the pair of veths for held packets is down";
	else if (!root || root->netem.rate != NETEM_HOLD_RATE || root->netem.delay ||
		 root->netem.loss || !qdisc_find(all, ends[0]->ifindex, QDISC_FQ))
		*ret = "the queue for held packets is missing";
	return r;
}
