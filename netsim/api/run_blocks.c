// SPDX-License-Identifier: GPL-2.0-or-later
/* The block ledgers of a run: their operations as evidence. */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "netsim/api/run_parts.h"
#include "netsim/run/block_ledger.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#define FILE_URL    "file://"
#define READY_NS    30000000000LL /* for the first acknowledged write */
#define FINAL_NS    30000000000LL /* for the last reads */
#define RETRY_PAUSE 50000000LL

struct run_blocks {
	struct run *run;
	const struct workload *workload;
	struct block_ledger_spec spec;
	struct block_ledger *ledger; /* NULL: ended */
	char *url, *netns;
	char *device; /* what is opened: the url, or the path by which netsim sees a member's file
		       */
	uint32_t name;
	_Atomic bool acknowledged;
};

static void on_op(void *arg, const struct block_ledger_op *op)
{
	static const uint8_t results[] = {
		[BLOCK_OK] = OP_OK, [BLOCK_FAILED] = OP_FAILED, [BLOCK_UNKNOWN] = OP_UNKNOWN};
	struct run_blocks *b = arg;
	struct block_operation record = {.begin = op->begin,
					 .end = op->end,
					 .lateness = op->write ? op->begin - op->due : 0,
					 .number = op->number,
					 .ledger = b->name,
					 .block = op->block,
					 .kind = op->write ? BLOCK_WRITE : BLOCK_READ,
					 .result = results[op->outcome]};

	if (op->seen)
		record.seen = recorder_value(b->run->rec, op->seen);
	recorder_add(b->run->rec, EVIDENCE_BLOCK, &record);
	if (op->write && op->outcome == BLOCK_OK)
		b->acknowledged = true;
}

/* --- begin */

static int fill_url(struct run_blocks *b, struct netsim_err *err)
{
	const struct workload *store = b->workload->store;
	const char *node = HOST_NAME;

	if (store && !store->nodes.host)
		node = b->run->s->topo->nodes[store->nodes.list[0]].name;
	b->url = store ? work_fill(b->run, store, node, store->recipe->url.s) :
			 strdup(b->workload->file.s);
	return b->url ? 0 : err_oom(err);
}

/* The process of a store's only member. */
static pid_t process_of(const struct run_blocks *b)
{
	for (size_t i = 0; i < b->run->member_count; i++)
		if (b->run->members[i].workload == b->workload->store)
			return member_pid(b->run->members[i].member);
	return -1;
}

/* Members have a mount namespace of their own, in which they mount what others do not see. */
static int fill_device(struct run_blocks *b, struct netsim_err *err)
{
	if (strncmp(b->url, FILE_URL, strlen(FILE_URL)) != 0)
		b->device = strdup(b->url);
	else if (asprintf(&b->device, "/proc/%d/root%s", (int)process_of(b),
			  b->url + strlen(FILE_URL)) < 0)
		b->device = NULL;
	return b->device ? 0 : err_oom(err);
}

static int fill_netns(struct run_blocks *b, struct netsim_err *err)
{
	const struct topo *topo = b->run->s->topo;
	char netns[NETNS_TEXT];

	if (b->workload->nodes.host)
		return 0;
	state_netns_name(topo->fleet, topo->nodes[b->workload->nodes.list[0]].name, netns);
	b->netns = strdup(netns);
	return b->netns ? 0 : err_oom(err);
}

static int prepare(struct run *run, const struct workload *w, struct run_blocks *b,
		   struct netsim_err *err)
{
	int r;

	*b = (struct run_blocks) {.run = run, .workload = w};
	b->name = recorder_name(run->rec, w->name);
	r = fill_url(b, err);
	if (r == 0)
		r = fill_device(b, err);
	if (r == 0)
		r = fill_netns(b, err);
	if (r < 0)
		return r;
	b->spec = (struct block_ledger_spec) {.url = b->device,
					      .netns = b->netns,
					      .rate = w->rate,
					      .timeout = w->timeout.ns,
					      .on_op = on_op,
					      .arg = b};
	/* Not the seed: content of an earlier run with the same seed must not pass for this one's.
	 */
	if (getrandom(&b->spec.run, sizeof(b->spec.run), 0) != sizeof(b->spec.run))
		return err_errno(err, -errno, NULL, "cannot get random bytes");
	return 0;
}

static int wait_acknowledged(struct run_blocks *b, struct netsim_err *err)
{
	int64_t until = run_now() + READY_NS;
	char why[200];

	while (!b->acknowledged) {
		if (!run_sleep(b->run, run_now() + RETRY_PAUSE))
			return err_set(err, NETSIM_ERR_FAILED, -ECANCELED, NULL, "%s: %s",
				       b->workload->name, b->run->why);
		if (run_now() < until)
			continue;
		block_ledger_why(b->ledger, why, sizeof(why));
		return err_set(err, NETSIM_ERR_FAILED, -ETIMEDOUT, NULL,
			       "%s: %s acknowledged no write within 30 s%s%s", b->workload->name,
			       b->url, *why ? ": " : "", why);
	}
	return 0;
}

int blocks_start(struct run *run, const struct workload *w, struct netsim_err *err)
{
	struct run_blocks *b;
	int r;

	/* Allocated once: the ledgers' threads keep pointers to them. */
	if (!run->blocks)
		run->blocks = calloc(run->s->workload_count, sizeof(*run->blocks));
	if (!run->blocks)
		return err_oom(err);
	b = &run->blocks[run->block_count++];
	r = prepare(run, w, b, err);
	if (r == 0)
		r = block_ledger_start(&b->spec, &b->ledger, err);
	return r == 0 ? wait_acknowledged(b, err) : r;
}

/* --- end */

void blocks_end(struct run *run)
{
	for (size_t i = 0; i < run->block_count; i++) {
		if (run->blocks[i].ledger)
			block_ledger_finish(run->blocks[i].ledger, FINAL_NS);
		/* Closes files before the workloads end that mount them. */
		block_ledger_free(run->blocks[i].ledger);
		run->blocks[i].ledger = NULL;
	}
}

void blocks_free(struct run *run)
{
	for (size_t i = 0; i < run->block_count; i++) {
		block_ledger_free(run->blocks[i].ledger);
		free(run->blocks[i].url);
		free(run->blocks[i].netns);
		free(run->blocks[i].device);
	}
	free(run->blocks);
	run->blocks = NULL;
	run->block_count = 0;
}
