/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/pkt_sched.h>
#include <math.h>
#include <string.h>

#include "netsim/kernel/qdisc.h"

#define TICK_NS 64 /* tbf counts its buffer in steps of 2^6 ns */

void tbf_fill(struct rtnl *rt, const struct tbf *tbf, const struct netsim_loc *at)
{
	struct tc_tbf_qopt qopt = {
		.rate = {.rate = tbf->rate > 0xffffffffU ? 0xffffffffU : (uint32_t)tbf->rate,
			 .overhead = (uint16_t)tbf->overhead.bytes,
			 .linklayer = tbf->overhead.atm ? TC_LINKLAYER_ATM : TC_LINKLAYER_ETHERNET},
		.limit = tbf->limit,
	};
	size_t nest = rtnl_nest(rt, TCA_OPTIONS);

	rtnl_at(rt, at);
	rtnl_put(rt, TCA_TBF_PARMS, &qopt, sizeof(qopt));
	rtnl_put_u32(rt, TCA_TBF_BURST, tbf->burst);
	if (tbf->rate > 0xffffffffU)
		rtnl_put_u64(rt, TCA_TBF_RATE64, tbf->rate);
	rtnl_nest_end(rt, nest);
}

void tbf_parse(const struct nlattr *options, struct qdisc *ret)
{
	const struct nlattr *a[TCA_TBF_MAX + 1];
	struct tc_tbf_qopt qopt = {0};
	double burst;

	rtnl_parse_nest(options, a, TCA_TBF_MAX);
	if (a[TCA_TBF_PARMS] && a[TCA_TBF_PARMS]->nla_len >= NLA_HDRLEN + sizeof(qopt))
		memcpy(&qopt, a[TCA_TBF_PARMS] + 1, sizeof(qopt));
	ret->tbf.rate = a[TCA_TBF_RATE64] ? rtnl_u64(a[TCA_TBF_RATE64]) : qopt.rate.rate;
	ret->tbf.limit = qopt.limit;
	ret->tbf.overhead =
		(struct overhead) {qopt.rate.overhead, qopt.rate.linklayer == TC_LINKLAYER_ATM};
	/* The kernel reports the burst as its transmission time at this rate. */
	burst = (double)qopt.buffer * TICK_NS * (double)ret->tbf.rate / 1e9 + 0.5;
	if (ret->tbf.overhead.atm)
		burst = floor(burst / CELL) * CELL_PAYLOAD;
	burst = fmax(burst - ret->tbf.overhead.bytes, 0);
	ret->tbf.burst = burst < UINT32_MAX ? (uint32_t)burst : UINT32_MAX;
}
