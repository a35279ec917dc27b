/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/pkt_sched.h>
#include <math.h>
#include <string.h>

#include "netsim/kernel/qdisc.h"

#define TICK_NS 64 /* tbf counts its buffer in steps of 2^6 ns */

static struct tc_ratespec spec_of(uint64_t rate, struct overhead overhead)
{
	return (struct tc_ratespec) {
		.rate = rate > 0xffffffffU ? 0xffffffffU : (uint32_t)rate,
		.overhead = (uint16_t)overhead.bytes,
		.linklayer = overhead.atm ? TC_LINKLAYER_ATM : TC_LINKLAYER_ETHERNET,
	};
}

void tbf_fill(struct rtnl *rt, const struct tbf *tbf, const struct netsim_loc *at)
{
	struct tc_tbf_qopt qopt = {.rate = spec_of(tbf->rate, tbf->overhead), .limit = tbf->limit};
	size_t nest = rtnl_nest(rt, TCA_OPTIONS);

	if (tbf->peak)
		qopt.peakrate = spec_of(tbf->peak, tbf->overhead);
	rtnl_at(rt, at);
	rtnl_put(rt, TCA_TBF_PARMS, &qopt, sizeof(qopt));
	rtnl_put_u32(rt, TCA_TBF_BURST, tbf->burst);
	if (tbf->rate > 0xffffffffU)
		rtnl_put_u64(rt, TCA_TBF_RATE64, tbf->rate);
	if (tbf->peak)
		rtnl_put_u32(rt, TCA_TBF_PBURST, tbf->peak_burst);
	if (tbf->peak > 0xffffffffU)
		rtnl_put_u64(rt, TCA_TBF_PRATE64, tbf->peak);
	rtnl_nest_end(rt, nest);
}

/* The kernel reports a bucket as its transmission time at its rate. */
static uint32_t bucket_of(uint32_t ticks, uint64_t rate, struct overhead overhead)
{
	double bytes = (double)ticks * TICK_NS * (double)rate / 1e9 + 0.5;

	if (overhead.atm)
		bytes = floor(bytes / CELL) * CELL_PAYLOAD;
	bytes = fmax(bytes - overhead.bytes, 0);
	return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

void tbf_parse(const struct nlattr *options, struct qdisc *ret)
{
	const struct nlattr *a[TCA_TBF_MAX + 1];
	struct tc_tbf_qopt qopt = {0};

	rtnl_parse_nest(options, a, TCA_TBF_MAX);
	if (a[TCA_TBF_PARMS] && a[TCA_TBF_PARMS]->nla_len >= NLA_HDRLEN + sizeof(qopt))
		memcpy(&qopt, a[TCA_TBF_PARMS] + 1, sizeof(qopt));
	ret->tbf.rate = a[TCA_TBF_RATE64] ? rtnl_u64(a[TCA_TBF_RATE64]) : qopt.rate.rate;
	ret->tbf.limit = qopt.limit;
	ret->tbf.overhead =
		(struct overhead) {qopt.rate.overhead, qopt.rate.linklayer == TC_LINKLAYER_ATM};
	ret->tbf.burst = bucket_of(qopt.buffer, ret->tbf.rate, ret->tbf.overhead);
	ret->tbf.peak = a[TCA_TBF_PRATE64] ? rtnl_u64(a[TCA_TBF_PRATE64]) : qopt.peakrate.rate;
	ret->tbf.peak_burst = bucket_of(qopt.mtu, ret->tbf.peak, ret->tbf.overhead);
}
