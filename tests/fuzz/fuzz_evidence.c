// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arbitrary lines as the evidence of a run: they are read or refused at a line, and what is read
 * is judged and drawn. Records that are written are read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/judge/chart.h"
#include "netsim/judge/evidence.h"
#include "netsim/judge/junit.h"
#include "netsim/judge/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct claim claims[] = {
	{.phase = "cut",
	 .repetitions = 2,
	 .text = "api outage <= 1s",
	 .subject = "api",
	 .quantity = CLAIM_OUTAGE,
	 .op = OPERATOR_LE,
	 .value = 1e9},
	{.phase = "cut",
	 .repetitions = 2,
	 .text = "api rtt p90 <= 1ms",
	 .subject = "api",
	 .quantity = CLAIM_RTT,
	 .statistic = STATISTIC_P90,
	 .op = OPERATOR_LE,
	 .value = 1e6},
	{.phase = "cut",
	 .text = "api available 99%",
	 .subject = "api",
	 .quantity = CLAIM_AVAILABLE,
	 .op = OPERATOR_GE,
	 .value = 0.99},
	{.phase = "cut",
	 .text = "ledger lost = 0",
	 .subject = "ledger",
	 .quantity = CLAIM_FINDING,
	 .findings = 1,
	 .op = OPERATOR_EQ},
	{.phase = "cut",
	 .text = "etcd leader changes = 1",
	 .subject = "etcd",
	 .quantity = CLAIM_LEADER_CHANGES,
	 .op = OPERATOR_EQ,
	 .value = 1},
	{.phase = "cut",
	 .text = "etcd agrees within 1s",
	 .subject = "etcd",
	 .quantity = CLAIM_AGREES,
	 .op = OPERATOR_LE,
	 .value = 1e9},
	{.phase = "cut",
	 .text = "loss a:b <= 1%",
	 .subject = "a",
	 .to = "b",
	 .quantity = CLAIM_LOSS,
	 .op = OPERATOR_LE,
	 .value = 0.01},
	{.phase = "cut",
	 .text = "etcd metric leaders increase <= 1",
	 .subject = "etcd",
	 .series = "leaders",
	 .quantity = CLAIM_METRIC,
	 .statistic = STATISTIC_INCREASE,
	 .op = OPERATOR_LE,
	 .value = 1},
	{.phase = "cut",
	 .text = "etcd metric took_seconds p99 <= 1",
	 .subject = "etcd",
	 .series = "took_seconds",
	 .quantity = CLAIM_METRIC,
	 .statistic = STATISTIC_P99,
	 .op = OPERATOR_LE,
	 .value = 1},
};
#define CLAIMS (sizeof(claims) / sizeof(claims[0]))

static void judge(const struct evidence *ev)
{
	struct netsim_err err = {0};
	struct verdict *verdict = NULL;
	int r = verdict_make(ev, claims, CLAIMS, &verdict, &err);

	if (r < 0) {
		if (!err.what[0])
			abort();
		return;
	}
	free(verdict_json(verdict));
	free(junit_verdict(verdict));
	free(chart_json(ev, claims, CLAIMS));
	verdict_free(verdict);
}

/* Samples, because they are most of a file. */
static void read_again(const struct evidence *ev)
{
	struct evidence copy = {0};
	struct evidence_file file = {.name = "copy"};
	struct buf out = {0};

	for (size_t i = 0; i < ev->sample_count; i++)
		evidence_write(ev, EVIDENCE_SAMPLE, &ev->samples[i], &out);
	if (!out.failed && out.data && evidence_read(&copy, &file, out.data, out.len, NULL) < 0)
		abort();
	if (!out.failed && copy.sample_count != ev->sample_count)
		abort();
	evidence_done(&copy);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evidence ev = {0};
	struct evidence_file file = {.name = "events.jsonl"};
	struct netsim_err err = {0};

	if (evidence_read(&ev, &file, (const char *)data, size, &err) < 0) {
		if (!err.what[0] || !err.loc.line)
			abort();
	} else {
		read_again(&ev);
		judge(&ev);
	}
	evidence_done(&ev);
	return 0;
}
