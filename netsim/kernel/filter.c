/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/filter.h"

#include <errno.h>
#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>

#include "netsim/kernel/mark.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/util/auto.h"

#define HANDLE 1

static uint16_t pref_of(enum filter_slot slot)
{
	return slot == FILTER_STAMP ? MARK_HANDLE - 1 : MARK_HANDLE;
}

static struct tcmsg address(int ifindex, enum filter_slot slot)
{
	uint32_t min = slot == FILTER_EGRESS ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS;

	return (struct tcmsg) {
		.tcm_ifindex = ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, min),
		.tcm_handle = HANDLE,
		.tcm_info = TC_H_MAKE((uint32_t)pref_of(slot) << 16, htobe16(ETH_P_ALL)),
	};
}

static void begin_add(struct rtnl *rt, const struct tcmsg *tcm, const char *what,
		      const char *subject)
{
	rtnl_begin(rt, RTM_NEWTFILTER, NLM_F_CREATE, NULL, "%s: cannot attach %s", subject, what);
	rtnl_header(rt, tcm, sizeof(*tcm));
	rtnl_put_str(rt, TCA_KIND, "bpf");
	rtnl_needs(rt, ENOENT,
		   "this kernel lacks the module cls_bpf or sch_ingress (see netsim doctor)");
}

void filter_put_prog(struct rtnl *rt, int ifindex, enum filter_slot slot, int prog_fd,
		     const char *name, const char *subject)
{
	struct tcmsg tcm = address(ifindex, slot);
	size_t nest;

	begin_add(rt, &tcm, name, subject);
	nest = rtnl_nest(rt, TCA_OPTIONS);
	rtnl_put_u32(rt, TCA_BPF_FD, (uint32_t)prog_fd);
	rtnl_put_str(rt, TCA_BPF_NAME, name);
	rtnl_put_u32(rt, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	rtnl_nest_end(rt, nest);
}

void filter_put_redirect(struct rtnl *rt, int ifindex, int to, uint32_t mark, const char *subject)
{
	struct tcmsg tcm = address(ifindex, FILTER_REDIRECT);
	/* A classic BPF program that matches every packet, or those with the mark. */
	struct sock_filter code[] = {
		{.code = BPF_LD | BPF_W | BPF_ABS, .k = (uint32_t)(SKF_AD_OFF + SKF_AD_MARK)},
		{.code = BPF_ALU | BPF_AND | BPF_K, .k = 0xffff0000U},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .k = mark, .jt = 1},
		{.code = BPF_RET | BPF_K, .k = 0},
		{.code = BPF_RET | BPF_K, .k = 0xffffffffU},
	};
	size_t first = mark ? 0 : ARRAY_SIZE(code) - 1, count = ARRAY_SIZE(code) - first;
	struct tc_mirred mirred = {
		.action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = (uint32_t)to};
	size_t options, actions, action, nest;

	begin_add(rt, &tcm, "the redirect to its IFB", subject);
	options = rtnl_nest(rt, TCA_OPTIONS);
	rtnl_put_u16(rt, TCA_BPF_OPS_LEN, (uint16_t)count);
	rtnl_put(rt, TCA_BPF_OPS, code + first, count * sizeof(*code));
	actions = rtnl_nest(rt, TCA_BPF_ACT);
	action = rtnl_nest(rt, 1);
	rtnl_put_str(rt, TCA_ACT_KIND, "mirred");
	nest = rtnl_nest(rt, TCA_ACT_OPTIONS);
	rtnl_put(rt, TCA_MIRRED_PARMS, &mirred, sizeof(mirred));
	rtnl_nest_end(rt, nest);
	rtnl_nest_end(rt, action);
	rtnl_nest_end(rt, actions);
	rtnl_nest_end(rt, options);
	rtnl_needs(rt, ENOENT,
		   "this kernel lacks the module cls_bpf or act_mirred (see netsim doctor)");
}

void filter_del(struct rtnl *rt, int ifindex, enum filter_slot slot, const char *subject)
{
	struct tcmsg tcm = address(ifindex, slot);

	tcm.tcm_handle = 0;
	rtnl_begin(rt, RTM_DELTFILTER, 0, NULL, "%s: cannot detach a filter", subject);
	rtnl_header(rt, &tcm, sizeof(tcm));
	rtnl_tolerate(rt, ENOENT);
}

/* Dumps all filters of the slot's hook; the dump is empty without clsact. */
static int dump(struct rtnl *rt, int ifindex, enum filter_slot slot, struct rtnl_reply *ret,
		struct netsim_err *err)
{
	struct tcmsg tcm = address(ifindex, slot);
	int r;

	tcm.tcm_handle = tcm.tcm_info = 0;
	rtnl_begin(rt, RTM_GETTFILTER, NLM_F_DUMP, NULL, "cannot read the filters");
	rtnl_header(rt, &tcm, sizeof(tcm));
	r = rtnl_ask(rt, ret, NULL);
	if (r == 0 || r == -EINVAL || r == -ENODEV || r == -ENOENT)
		return 0;
	return err_errno(err, r, NULL, "cannot read the filters");
}

int filter_drop_empty_clsact(struct rtnl *rt, int ifindex, const char *subject,
			     struct netsim_err *err)
{
	struct rtnl_reply in = {0}, out = {0};
	int r = dump(rt, ifindex, FILTER_REDIRECT, &in, err);

	if (r == 0)
		r = dump(rt, ifindex, FILTER_EGRESS, &out, err);
	if (r == 0 && !in.size && !out.size) {
		qdisc_del_clsact(rt, ifindex, subject);
		r = rtnl_send(rt, err);
	}
	free(in.data);
	free(out.data);
	return r;
}

/* Finds the options of netsim's filter in this slot; *data owns the memory. */
static int find(struct rtnl *rt, int ifindex, enum filter_slot slot, char **data,
		const struct nlattr **ret, struct netsim_err *err)
{
	struct rtnl_reply reply = {0};
	int r = dump(rt, ifindex, slot, &reply, err);

	*ret = NULL;
	if (r < 0)
		return r;
	*data = reply.data;
	rtnl_reply_each(&reply, msg)
	{
		const struct tcmsg *got = NLMSG_DATA(msg);
		const struct nlattr *a[TCA_MAX + 1];

		rtnl_parse(msg, sizeof(*got), a, TCA_MAX);
		if (got->tcm_info >> 16 == pref_of(slot) && got->tcm_handle == HANDLE &&
		    strcmp(rtnl_str(a[TCA_KIND]), "bpf") == 0)
			*ret = a[TCA_OPTIONS];
	}
	return 0;
}

int filter_prog_id(struct rtnl *rt, int ifindex, enum filter_slot slot, uint32_t *ret_id,
		   struct netsim_err *err)
{
	const struct nlattr *a[TCA_BPF_MAX + 1], *options;
	auto_free char *data = NULL;
	int r = find(rt, ifindex, slot, &data, &options, err);

	if (r < 0)
		return r;
	rtnl_parse_nest(options, a, TCA_BPF_MAX);
	*ret_id = rtnl_u32(a[TCA_BPF_ID]);
	return 0;
}

int filter_exists(struct rtnl *rt, int ifindex, enum filter_slot slot, bool *ret,
		  struct netsim_err *err)
{
	const struct nlattr *options;
	auto_free char *data = NULL;
	int r = find(rt, ifindex, slot, &data, &options, err);

	if (r == 0)
		*ret = options != NULL;
	return r;
}
