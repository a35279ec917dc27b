// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/api/run_claims.h"

#include "netsim/judge/ledger.h"

void claim_make(const struct expectation *e, const char *phase, unsigned repetitions,
		struct claim *ret)
{
	static const struct {
		enum claim_quantity quantity;
		unsigned findings;
	} quantities[EXPECT_QUANTITIES] = {
		[EXPECT_AVAILABLE] = {CLAIM_AVAILABLE, 0},
		[EXPECT_OUTAGE] = {CLAIM_OUTAGE, 0},
		[EXPECT_RTT] = {CLAIM_RTT, 0},
		[EXPECT_RECOVERS] = {CLAIM_RECOVERS, 0},
		[EXPECT_RATE] = {CLAIM_RATE, 0},
		[EXPECT_LOST] = {CLAIM_FINDING, 1U << FINDING_LOST},
		[EXPECT_STALE] = {CLAIM_FINDING, 1U << FINDING_STALE},
		[EXPECT_PHANTOM] = {CLAIM_FINDING, 1U << FINDING_PHANTOM},
		[EXPECT_REORDERED] = {CLAIM_FINDING, 1U << FINDING_REORDERED},
		[EXPECT_TORN] = {CLAIM_FINDING, 1U << FINDING_TORN},
		[EXPECT_STALL] = {CLAIM_STALL, 0},
		[EXPECT_LATENCY] = {CLAIM_LATENCY, 0},
		[EXPECT_LEADER_CHANGES] = {CLAIM_LEADER_CHANGES, 0},
		[EXPECT_AGREES] = {CLAIM_AGREES, 0},
		[EXPECT_LOSS] = {CLAIM_LOSS, 0},
		[EXPECT_PACKETS] = {CLAIM_PACKETS, 0},
		[EXPECT_METRIC] = {CLAIM_METRIC, 0},
	};
	static const enum claim_statistic statistics[EXPECT_STATISTICS] = {
		[EXPECT_DEFAULT] = STATISTIC_NONE, [EXPECT_MEDIAN] = STATISTIC_MEDIAN,
		[EXPECT_P90] = STATISTIC_P90,	   [EXPECT_P99] = STATISTIC_P99,
		[EXPECT_MAX] = STATISTIC_MAX,	   [EXPECT_INCREASE] = STATISTIC_INCREASE,
		[EXPECT_MIN] = STATISTIC_MIN,	   [EXPECT_LAST] = STATISTIC_LAST,
		[EXPECT_MEAN] = STATISTIC_MEAN,
	};
	static const enum claim_operator operators[] = {
		[EXPECT_EQUAL] = OPERATOR_EQ,	[EXPECT_BELOW] = OPERATOR_LT,
		[EXPECT_AT_MOST] = OPERATOR_LE, [EXPECT_AT_LEAST] = OPERATOR_GE,
		[EXPECT_ABOVE] = OPERATOR_GT,
	};

	*ret = (struct claim) {.phase = phase,
			       .repetitions = repetitions,
			       .text = e->text,
			       .subject = e->name		    ? e->name :
					  e->quantity == EXPECT_RTT ? e->pair :
								      e->from,
			       .to = e->to,
			       .class = e->class_name,
			       .series = e->series,
			       .quantity = quantities[e->quantity].quantity,
			       .findings = quantities[e->quantity].findings,
			       .statistic = statistics[e->statistic],
			       .op = operators[e->op],
			       .value = e->value};
}
