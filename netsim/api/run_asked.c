// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was asked of each pair of nodes while nothing changed, and what the programs at the ports
 * counted meanwhile; and the verification of the network before anything begins.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/run_parts.h"
#include "netsim/api/traffic.h"
#include "netsim/config/classes.h"
#include "netsim/kernel/mark.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/expected.h"
#include "netsim/util/auto.h"
#include "netsim/verify/judge.h"

#define RECORDS_MAX 200 /* of one time */

struct run_asked {
	struct netsim_traffic *before;
	uint64_t state; /* of the request, at the same time */
	uint32_t phase; /* name */
};

/* The request as it is recorded now. */
struct asking {
	struct run *run;
	struct fleet f;
	struct intent intent;
	struct intent profile; /* the same without faults; its lists belong to intent */
	bool edt;
	const char **classes; /* those with conditions of their own */
	size_t class_count;
	size_t records;
	struct netsim_err *err;
};

static void asking_done(struct asking *a)
{
	free(a->classes);
	intent_done(&a->intent);
	fleet_close(&a->f);
}

static int ask(struct asking *a)
{
	const char *name = a->run->s->topo->fleet;
	int r = traffic_open(a->run->ctx, name, &a->f, a->err);

	if (r == 0)
		r = intent_read_parsed(name, &a->intent, a->err);
	if (r == 0)
		r = engine_is_edt(&a->f, &a->edt, a->err);
	if (r == 0)
		r = expected_classes(&a->intent, &a->classes, &a->class_count, a->err);
	a->profile = a->intent;
	a->profile.fault_count = 0;
	return r;
}

static void mix(uint64_t *state, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		*state = (*state ^ bytes[i]) * 1099511628211ULL;
}

static void mix_text(uint64_t *state, const char *text)
{
	mix(state, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* A hash of all that was asked and is in force. */
static uint64_t state_of(const struct intent *intent)
{
	uint64_t state = 14695981039346656037ULL;

	for (size_t i = 0; i < intent->layer_count; i++) {
		mix_text(&state, intent->layers[i].text);
		for (size_t k = 0; k < intent->layers[i].port_count; k++)
			mix_text(&state, intent->layers[i].ports[k]);
	}
	for (size_t i = 0; i < intent->fault_count; i++)
		if (!intent->faults[i].deadline || intent->now < intent->faults[i].deadline)
			mix(&state, &intent->faults[i].id, sizeof(intent->faults[i].id));
	for (size_t i = 0; i < intent->pulled_count; i++)
		mix_text(&state, intent->pulled[i]);
	return state;
}

/* --- one end */

/* The conditions of a node's links; those of the host have none. */
struct end {
	struct expected_end at;
	struct link_conditions link;
	enum expected_state state;
	bool netem; /* qdiscs lose, copy, damage or hold up its packets */
	bool found, mixed;
};

static bool differs(const struct conditions *a, const struct conditions *b)
{
	char one[1024], other[1024];

	conditions_format(a, one, sizeof(one));
	conditions_format(b, other, sizeof(other));
	return strcmp(one, other) != 0;
}

/* Whether counters of all packets that come say little about those that leave. */
static bool spoils(const struct conditions *c)
{
	return cond_has(c, COND_RATE) || cond_has(c, COND_LOSS) || cond_has(c, COND_DUPLICATE) ||
	       cond_has(c, COND_CORRUPT);
}

static int add_port(struct asking *a, const char *iface, struct end *end)
{
	const struct expected_port port = {end->at.node, iface, 0};
	struct link_conditions link, base;
	enum expected_state state, ignored;
	int r = expected_link(&a->intent, &port, &link, &state, a->err);

	if (r == 0)
		r = expected_link(&a->profile, &port, &base, &ignored, a->err);
	if (r < 0)
		return r;
	if (end->found)
		end->mixed |= differs(&link.up, &end->link.up) ||
			      differs(&link.down, &end->link.down) || state != end->state;
	end->link = link;
	end->state = state;
	end->netem |= !a->edt && (spoils(&base.up) || spoils(&base.down));
	end->found = true;
	return 0;
}

static int find_end(struct asking *a, const char *name, struct end *ret)
{
	const struct model *model = a->f.model;
	int node = model_find_node(model, name), r = 0;

	*ret = (struct end) {.at = {node >= 0 ? &model->nodes[node] : NULL}};
	for (size_t i = 0; r == 0 && node >= 0 && i < model->link_count; i++) {
		struct mark mark;

		if (!link_is_port(&model->links[i]) || !mark_parse(model->links[i].alias, &mark) ||
		    !mark.iface || strcmp(mark.node, name) != 0)
			continue;
		r = add_port(a, mark.iface, ret);
	}
	return r;
}

/* --- a pair */

static double share_of(struct ratio ratio)
{
	return (double)ratio.ppb / RATIO_ONE;
}

static double either(double a, double b)
{
	return 1 - (1 - a) * (1 - b);
}

/* Adds the conditions of a hop: delays add up, losses combine, the lowest rate rules. */
static void add_hop(const struct conditions *c, struct asked *asked)
{
	double jitter = verify_jitter(c) * 1e6, bursts = verify_bursts(c);

	asked->delay += cond_has(c, COND_DELAY) ? c->delay.ns : 0;
	asked->jitter =
		(int64_t)sqrt((double)asked->jitter * (double)asked->jitter + jitter * jitter);
	asked->loss = either(asked->loss, verify_loss(c));
	asked->bursts = bursts > asked->bursts ? bursts : asked->bursts;
	if (cond_has(c, COND_DUPLICATE))
		asked->duplicate = either(asked->duplicate, share_of(c->duplicate));
	if (cond_has(c, COND_CORRUPT))
		asked->corrupt = either(asked->corrupt, share_of(c->corrupt));
	if (cond_has(c, COND_RATE) && (!asked->rate || (int64_t)c->rate.bps < asked->rate))
		asked->rate = (int64_t)c->rate.bps;
	if (cond_has(c, COND_TRACE))
		asked->state = ASKED_VARIES;
}

/*
 * Fills what is asked between two ends; false: nothing, or nothing passes, which the effect of
 * the fault shows.
 */
static bool fill(struct asking *a, const struct end ends[2], const char *class, struct asked *asked)
{
	const struct expected_traffic traffic = {class, 0};
	struct conditions path;

	if (expected_cut(&a->intent, ends[0].at, ends[1].at, traffic) ||
	    expected_path(&a->intent, ends[0].at, ends[1].at, class, &path, a->err) < 0 ||
	    ends[0].state != EXPECTED_UP || ends[1].state != EXPECTED_UP ||
	    ((path.has | ends[0].link.up.has | ends[1].link.down.has) & 1U << COND_HOLD))
		return false;
	asked->bursts = 1;
	add_hop(&ends[0].link.up, asked);
	add_hop(&path, asked);
	add_hop(&ends[1].link.down, asked);
	if (ends[0].mixed || ends[1].mixed)
		asked->state = ASKED_MIXED;
	asked->uncounted = ends[0].netem || ends[1].netem;
	return true;
}

static bool asks(const struct asked *asked)
{
	return asked->delay || asked->rate || asked->loss > 0 || asked->duplicate > 0 ||
	       asked->corrupt > 0 || asked->state != ASKED_STEADY;
}

/* The class whose conditions the flow has; NULL: those of all traffic. */
static const char *class_of(const struct asking *a, const struct netsim_flow *flow)
{
	for (size_t i = 0; i < a->class_count; i++)
		if (class_matches_name(flow->class_name, a->classes[i]))
			return flow->class_name;
	return NULL;
}

static void add_flow(const struct netsim_flow *flow, struct asked *asked)
{
	asked->packets += (int64_t)flow->packets;
	asked->bytes += (int64_t)flow->bytes;
	asked->lost += (int64_t)flow->dropped[NETSIM_DROP_LOSS];
	asked->queued += (int64_t)flow->dropped[NETSIM_DROP_QUEUE];
	asked->copied += (int64_t)flow->copied;
	asked->corrupted += (int64_t)flow->corrupted;
}

static void record(struct asking *a, const struct netsim_flow *flow, const char *class,
		   struct asked *asked)
{
	asked->from = recorder_name(a->run->rec, flow->from);
	asked->to = recorder_name(a->run->rec, flow->to);
	asked->class = class ? recorder_name(a->run->rec, class) : 0;
	asked->phase = a->run->asked->phase;
	recorder_add(a->run->rec, EVIDENCE_ASKED, asked);
	a->records++;
}

/* Records the pair of the flows first to end - 1: once for all, and for each class of its own. */
static int record_pair(struct asking *a, const struct netsim_traffic *counts, size_t first,
		       size_t end)
{
	const struct netsim_flow *const *flows = (const struct netsim_flow *const *)counts->flows;
	const struct asked time = {.begin = a->run->asked->before->at_ns, .end = counts->at_ns};
	struct asked all = time;
	struct end ends[2];
	int r = find_end(a, flows[first]->from, &ends[0]);

	if (r == 0)
		r = find_end(a, flows[first]->to, &ends[1]);
	for (size_t i = first; r == 0 && i < end; i++) {
		const char *class = class_of(a, flows[i]);
		struct asked one = time;

		add_flow(flows[i], class ? &one : &all);
		if (class && fill(a, ends, class, &one) && asks(&one))
			record(a, flows[i], class, &one);
	}
	if (r == 0 && fill(a, ends, NULL, &all) && asks(&all))
		record(a, flows[first], NULL, &all);
	return r;
}

static int record_pairs(struct asking *a, const struct netsim_traffic *counts)
{
	int r = 0;

	for (size_t i = 0, end; r == 0 && i < counts->flow_count; i = end) {
		const struct netsim_flow *flow = counts->flows[i];

		for (end = i + 1;
		     end < counts->flow_count && flow->from && counts->flows[end]->from &&
		     strcmp(counts->flows[end]->from, flow->from) == 0 &&
		     strcmp(counts->flows[end]->to, flow->to) == 0;
		     end++)
			;
		if (flow->from && a->records < RECORDS_MAX)
			r = record_pair(a, counts, i, end);
	}
	return r;
}

/* --- over a time */

static void forget(struct run *run)
{
	if (run->asked)
		netsim_traffic_free(run->asked->before);
	free(run->asked);
	run->asked = NULL;
}

void asked_begin(struct run *run, const struct timeline_entry *entry)
{
	autofn(asking_done) struct asking a = {.run = run, .f = FLEET_NONE};
	struct netsim_err err = {0};

	a.err = &err;
	forget(run);
	if (ask(&a) < 0)
		return;
	run->asked = calloc(1, sizeof(*run->asked));
	if (!run->asked)
		return;
	run->asked->state = state_of(&a.intent);
	run->asked->phase = recorder_name(run->rec, entry->phase->name);
	if (traffic_read(&a.f, &run->asked->before, &err) < 0)
		forget(run);
}

void asked_end(struct run *run)
{
	autofn(asking_done) struct asking a = {.run = run, .f = FLEET_NONE};
	struct netsim_traffic *now = NULL;
	struct netsim_err err = {0};

	a.err = &err;
	/* The counters first: what has changed meanwhile shows in the request. */
	if (run->asked && ask(&a) == 0 && state_of(&a.intent) == run->asked->state &&
	    traffic_read(&a.f, &now, &err) == 0) {
		traffic_subtract(run->asked->before, now);
		(void)record_pairs(&a, now);
	}
	netsim_traffic_free(now);
	forget(run);
}

/* --- before the timeline */

static bool is_over(void *arg, const struct netsim_progress *now)
{
	(void)now;
	return run_is_halted(arg);
}

static void record_row(struct run *run, const struct netsim_verify_row *row)
{
	static const uint8_t results[] = {[NETSIM_AS_ASKED] = VERIFIED_AS_ASKED,
					  [NETSIM_NOT_AS_ASKED] = VERIFIED_NOT_AS_ASKED,
					  [NETSIM_UNPROVED] = VERIFIED_UNPROVED,
					  [NETSIM_LEFT_OUT] = VERIFIED_LEFT_OUT};
	const struct verified verified = {.subject = recorder_name(run->rec, row->subject),
					  .what = recorder_name(run->rec, row->what),
					  .asked = recorder_name(run->rec, row->asked),
					  .measured = recorder_name(run->rec, row->measured),
					  .why = recorder_name(run->rec, row->why),
					  .result = results[row->verdict]};

	recorder_add(run->rec, EVIDENCE_VERIFIED, &verified);
}

int asked_verify(struct run *run, struct netsim_err *err)
{
	const struct netsim_verify_opts how =
		NETSIM_OPTS(struct netsim_verify_opts, .fleet = run->s->topo->fleet, .quick = true,
			    .progress = is_over, .arg = run);
	struct netsim_verify *verify = NULL;
	int r = netsim_verify(run->ctx, &how, &verify, err);

	for (size_t i = 0; r == 0 && i < verify->row_count; i++)
		record_row(run, verify->rows[i]);
	netsim_verify_free(verify);
	return r;
}

void asked_free(struct run *run)
{
	forget(run);
}
