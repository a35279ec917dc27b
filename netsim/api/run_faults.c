// SPDX-License-Identifier: GPL-2.0-or-later
/* Faults of a run, from beginning to end, and their effect in the ports' counters. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/run_parts.h"
#include "netsim/config/classes.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"
#include "netsim/util/ring.h"

void faults_look(struct run *run)
{
	const struct netsim_traffic_opts how =
		NETSIM_OPTS(struct netsim_traffic_opts, .fleet = run->s->topo->fleet);
	struct netsim_traffic *now = NULL;

	if (netsim_traffic(run->ctx, &how, &now, NULL) < 0)
		return;
	netsim_traffic_free(run->before);
	run->before = now;
	run->ended_signs = 0;
}

/* --- the pairs that a fault concerns */

/* Marks the nodes of words, "a,@role,host"; an interface counts as its node. */
static void mark(const struct run *run, const char *words, bool *marks)
{
	const struct topo *topo = run->s->topo;
	auto_free char *copy = strdup(words);
	char *save = NULL;

	for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; word;
	     word = strtok_r(NULL, ",", &save)) {
		word[strcspn(word, "/")] = '\0';
		if (strcmp(word, HOST_NAME) == 0)
			marks[topo->node_count] = true;
		for (size_t i = 0; i < topo->node_count; i++)
			if (name_match(word, topo->nodes[i].name,
				       (const char *const *)topo->nodes[i].roles,
				       topo->nodes[i].role_count))
				marks[i] = true;
	}
}

static void hit(struct run_fault *f, size_t nodes, const bool *from, const bool *to)
{
	for (size_t a = 0; a <= nodes; a++)
		for (size_t b = 0; b <= nodes; b++)
			f->hits[a * (nodes + 1) + b] |= from[a] && to[b] && a != b;
}

static void spare(struct run_fault *f, size_t nodes, const bool *group)
{
	for (size_t a = 0; a <= nodes; a++)
		for (size_t b = 0; b <= nodes; b++)
			f->hits[a * (nodes + 1) + b] &= !(group[a] && group[b]);
}

/* Marks the pairs that a ring cuts; words: its nodes, "a,b,c", in the order of the ring. */
static int hit_ring(const struct run *run, const char *words, struct run_fault *f)
{
	size_t nodes = run->s->topo->node_count, count = 0;
	auto_free size_t *ring = calloc(nodes + 1, sizeof(*ring));
	auto_free char *copy = strdup(words);
	char *save = NULL;

	if (!ring || !copy)
		return -ENOMEM;
	for (char *word = strtok_r(copy, ",", &save); word && count <= nodes;
	     word = strtok_r(NULL, ",", &save))
		ring[count++] = run_node(run, word);
	for (size_t a = 0; a < count; a++)
		for (size_t b = 0; b < count; b++)
			f->hits[ring[a] * (nodes + 1) + ring[b]] |= ring_cuts(count, a, b);
	return 0;
}

/* Marks the pairs between groups or, with isolate or ring, those inside the only group. */
static int hit_groups(const struct run *run, const struct netsim_fault *fault,
		      const struct fault_scope *scope, struct run_fault *f)
{
	size_t nodes = run->s->topo->node_count, count = fault->group_count;
	auto_free bool *marks = calloc((count + 1) * (nodes + 1), sizeof(*marks));

	if (!marks)
		return -ENOMEM;
	if (scope->ring)
		return hit_ring(run, fault->groups[0], f);
	for (size_t g = 0; g < count; g++)
		mark(run, fault->groups[g], marks + g * (nodes + 1));
	for (size_t g = 0; fault->pairs && g < count; g += 2)
		hit(f, nodes, marks + g * (nodes + 1), marks + (g + 1) * (nodes + 1));
	if (fault->pairs)
		return 0;
	if (scope->isolate)
		hit(f, nodes, marks, marks);
	for (size_t a = 0; a < count; a++)
		for (size_t b = 0; b < count; b++)
			if (a != b)
				hit(f, nodes, marks + a * (nodes + 1), marks + b * (nodes + 1));
	/* Groups can overlap: two nodes of one group are not cut off from each other. */
	for (size_t g = 0; g < count && !scope->isolate; g++)
		spare(f, nodes, marks + g * (nodes + 1));
	return 0;
}

/* The index of a cable between networks, by its name or that of one of its ends, or -1. */
static int cable_of(const struct run *run, const char *name)
{
	const struct topo *topo = run->s->topo;
	size_t length = strcspn(name, "/");

	for (size_t i = 0; i < topo->cable_count; i++)
		if (strlen(topo->cables[i].name) == length &&
		    memcmp(topo->cables[i].name, name, length) == 0)
			return (int)i;
	return -1;
}

/* A target is a pair, "a:b", a node with all its traffic, or a cable. */
static int hit_targets(const struct run *run, const struct fault_scope *scope, struct run_fault *f)
{
	size_t nodes = run->s->topo->node_count;

	for (size_t i = 0; i < scope->target_count; i++) {
		auto_free bool *marks = calloc(2 * (nodes + 1), sizeof(*marks));
		auto_free char *text = strdup(scope->targets[i]);
		char *colon = text ? strchr(text, ':') : NULL;
		int cable = text ? cable_of(run, text) : -1;

		if (!marks || !text)
			return -ENOMEM;
		if (cable >= 0) {
			f->cables[cable] = true;
			continue;
		}
		if (colon) {
			*colon = '\0';
			mark(run, colon + 1, marks + nodes + 1);
		} else {
			memset(marks + nodes + 1, true, nodes + 1);
		}
		mark(run, text, marks);
		hit(f, nodes, marks, marks + nodes + 1);
		hit(f, nodes, marks + nodes + 1, marks);
	}
	return 0;
}

static void add_flow(const struct netsim_flow *flow, struct fault_counts *sum)
{
	sum->offered += (int64_t)(flow->packets + flow->oversized);
	for (int d = 0; d < NETSIM_DROPS; d++) {
		sum->offered += (int64_t)flow->dropped[d];
		sum->shown[d] += (int64_t)flow->dropped[d];
	}
	for (int e = 0; e < NETSIM_EFFECTS; e++)
		sum->shown[NETSIM_DROPS + e] += (int64_t)flow->affected[e];
}

/* What enters a cable is counted from the node that sent it, to the cable. */
static bool concerns(const struct run *run, const struct run_fault *f,
		     const struct netsim_flow *flow)
{
	size_t nodes = run->s->topo->node_count;
	int cable = cable_of(run, flow->to);

	if (cable >= 0)
		return f->cables[cable];
	return f->hits[run_node(run, flow->from) * (nodes + 1) + run_node(run, flow->to)];
}

/* Adds up the counters of the pairs. */
static void count(const struct run *run, const struct netsim_traffic *traffic,
		  const struct run_fault *f, struct fault_counts *ret)
{
	*ret = (struct fault_counts) {0};
	for (size_t i = 0; traffic && i < traffic->flow_count; i++) {
		const struct netsim_flow *flow = traffic->flows[i];

		if (f->class_name && !class_matches_name(flow->class_name, f->class_name))
			continue;
		if (flow->from && concerns(run, f, flow))
			add_flow(flow, ret);
	}
}

/* The packets that show the sign of which there are the fewest, or the most. */
static int64_t count_of_sign(const struct run_fault *f, const struct fault_counts *now, bool most)
{
	int64_t result = -1;

	for (int i = 0; i < FAULT_SIGNS; i++) {
		int64_t count = now->shown[i] - f->before.shown[i];

		if (!(f->signs >> i & 1))
			continue;
		count = count > 0 ? count : 0;
		if (result < 0 || (count > result) == most)
			result = count;
	}
	return result > 0 ? result : 0;
}

/* --- faults that follow each other */

/* Whether two faults show in the same counters of some pair. */
static bool share_signs(const struct run *run, const struct run_fault *a, const struct run_fault *b)
{
	size_t nodes = run->s->topo->node_count + 1;

	for (size_t i = 0; a->signs & b->signs && i < nodes * nodes; i++)
		if (a->hits[i] && b->hits[i])
			return true;
	return false;
}

/*
 * A fault that is about to end when another one begins, as at the end of a phase, is judged by the
 * counters that were read ahead of that: later ones also show the other one.
 */
static void settle(const struct run *run, const struct run_fault *next, struct run_fault *f)
{
	int64_t looked = run->before ? run->before->at_ns : 0;
	struct fault_counts now;

	if (!f->deadline || f->deadline > next->begin + LOOK_AHEAD || f->begin >= looked ||
	    !share_signs(run, f, next))
		return;
	count(run, run->before, f, &now);
	for (int i = 0; i < FAULT_SIGNS; i++)
		if (f->signs & next->signs & ~f->settled & 1U << i)
			f->last.shown[i] = now.shown[i];
	f->settled |= f->signs & next->signs;
}

/* The signs that packets can show without this fault: other faults may have affected them. */
static unsigned signs_of_others(const struct run *run, const struct run_fault *f)
{
	unsigned signs = run->ended_signs;

	for (size_t i = 0; i < run->fault_count; i++)
		if (&run->faults[i] != f && share_signs(run, &run->faults[i], f))
			signs |= run->faults[i].signs;
	return signs;
}

/* --- begin */

/* Ends the fault whose place another one takes; faults_expire() records that. */
static const struct run_fault *end_replaced(const struct run *run, const struct netsim_fault *fault,
					    const struct run_fault *next)
{
	for (size_t i = 0; fault->replaces && i < run->fault_count; i++)
		if (run->faults[i].id == fault->replaces) {
			run->faults[i].deadline = next->begin;
			return &run->faults[i];
		}
	return NULL;
}

/* Marks the pairs that a fault concerns: without words of its own, those of the one it replaces. */
static int find_hits(const struct run *run, const struct netsim_fault *fault,
		     const struct fault_scope *scope, struct run_fault *f)
{
	const struct run_fault *old = end_replaced(run, fault, f);
	size_t nodes = run->s->topo->node_count + 1;
	const char *class = scope->class_name;

	if (fault->kind != NETSIM_FAULT_PARTITION && !scope->target_count && old) {
		memcpy(f->hits, old->hits, nodes * nodes * sizeof(*f->hits));
		memcpy(f->cables, old->cables, run->s->topo->cable_count * sizeof(*f->cables));
		class = old->class_name;
	}
	f->class_name = class ? strdup(class) : NULL;
	if (class && !f->class_name)
		return -ENOMEM;
	return fault->kind == NETSIM_FAULT_PARTITION ? hit_groups(run, fault, scope, f) :
						       hit_targets(run, scope, f);
}

int faults_add(struct run *run, const struct netsim_fault *fault, const struct fault_scope *scope,
	       struct netsim_err *err)
{
	struct run_fault *f = array_push(run->faults, run->fault_count);
	size_t nodes = run->s->topo->node_count;
	struct fault_counts after;
	unsigned others;
	int r;

	if (!f)
		return err_oom(err);
	f->id = fault->id;
	f->begin = run_now();
	f->deadline = (int64_t)fault->deadline_ns;
	/* On a late machine, it may have ended while it was added. */
	if (f->deadline && f->deadline < f->begin)
		f->deadline = f->begin;
	f->signs = scope->signs;
	f->phase = recorder_name(run->rec, scope->entry->phase->name);
	f->repetition = scope->entry->phase->repeated ? scope->entry->repetition : 0;
	f->text = strdup(fault->text);
	f->hits = calloc((nodes + 1) * (nodes + 1), sizeof(*f->hits));
	f->cables = calloc(run->s->topo->cable_count + 1, sizeof(*f->cables));
	if (!f->text || !f->hits || !f->cables)
		return err_oom(err);
	recorder_event(run->rec,
		       (struct event) {.kind = EVENT_FAULT_BEGIN,
				       .time = f->begin,
				       .phase = f->phase,
				       .repetition = f->repetition},
		       f->text, NULL);
	r = find_hits(run, fault, scope, f);
	if (r < 0)
		return err_oom(err);
	for (size_t i = 0; i + 1 < run->fault_count; i++)
		settle(run, f, &run->faults[i]);
	others = signs_of_others(run, f);
	count(run, run->before, f, &f->before);
	faults_look(run);
	count(run, run->before, f, &after);
	for (int i = 0; i < FAULT_SIGNS; i++)
		if (others >> i & 1)
			f->before.shown[i] = after.shown[i];
	/* Packets count from now on; of earlier ones, those that the fault has affected already. */
	f->before.offered = after.offered - count_of_sign(f, &after, true);
	return 0;
}

/* --- end */

/* Of a fault that has several signs, if there are any: "delay 4000, loss 12". */
static const char *signs_text(const struct run_fault *f, const struct fault_counts *now, char *buf,
			      size_t size)
{
	static const char *const words[FAULT_SIGNS] = {
		[NETSIM_DROP_PARTITION] = "partition",
		[NETSIM_DROP_DOWN] = "down",
		[NETSIM_DROP_LOSS] = "loss",
		[NETSIM_DROP_QUEUE] = "queue",
		[NETSIM_DROPS + NETSIM_EFFECT_RATE] = "rate",
		[NETSIM_DROPS + NETSIM_EFFECT_DELAY] = "delay",
		[NETSIM_DROPS + NETSIM_EFFECT_LOSS] = "loss",
		[NETSIM_DROPS + NETSIM_EFFECT_DUPLICATE] = "duplicate",
		[NETSIM_DROPS + NETSIM_EFFECT_CORRUPT] = "corrupt",
		[NETSIM_DROPS + NETSIM_EFFECT_LARGER] = "larger",
		[NETSIM_DROPS + NETSIM_EFFECT_SLOT] = "slot",
		[NETSIM_DROPS + NETSIM_EFFECT_HOLD] = "hold",
		[NETSIM_DROPS + NETSIM_EFFECT_QUEUE] = "queue",
		[NETSIM_DROPS + NETSIM_EFFECT_BURST] = "burst",
		[NETSIM_DROPS + NETSIM_EFFECT_REORDER] = "reorder",
		[NETSIM_DROPS + NETSIM_EFFECT_DISTRIBUTION] = "distribution",
		[NETSIM_DROPS + NETSIM_EFFECT_PEAK] = "peak",
	};
	size_t length = 0;

	*buf = '\0';
	if (!(f->signs & (f->signs - 1)) || !count_of_sign(f, now, true))
		return NULL;
	for (int i = 0; i < FAULT_SIGNS && length < size; i++)
		if (f->signs >> i & 1)
			length += (size_t)snprintf(buf + length, size - length, "%s%s %" PRId64,
						   length ? ", " : "", words[i],
						   now->shown[i] - f->before.shown[i]);
	return buf;
}

static void end(struct run *run, const struct netsim_traffic *traffic, struct run_fault *f,
		int64_t time)
{
	struct fault_counts now;
	char text[256];
	struct event event = {.kind = EVENT_FAULT_END,
			      .time = time,
			      .phase = f->phase,
			      .repetition = f->repetition};

	count(run, traffic, f, &now);
	for (int i = 0; i < FAULT_SIGNS; i++)
		if (f->settled >> i & 1)
			now.shown[i] = f->last.shown[i];
	event.offered = now.offered > f->before.offered ? now.offered - f->before.offered : 0;
	event.affected = count_of_sign(f, &now, false);
	/* Held packets have not passed yet. */
	if (event.offered < event.affected)
		event.offered = event.affected;
	/* Without traffic, even a fault that has no counters has certainly had no effect. */
	event.uncounted = !f->signs && event.offered;
	recorder_event(run->rec, event, f->text, signs_text(f, &now, text, sizeof(text)));
	run->ended_signs |= f->signs;
	free(f->text);
	free(f->hits);
	free(f->cables);
	free(f->class_name);
	run->fault_count--;
	*f = run->faults[run->fault_count];
}

int64_t faults_expire(struct run *run)
{
	int64_t next = INT64_MAX, now = run_now();
	bool looked = false;

	for (size_t i = 0; i < run->fault_count;) {
		struct run_fault *f = &run->faults[i];

		if (!f->deadline || f->deadline > now) {
			if (f->deadline && f->deadline < next)
				next = f->deadline;
			i++;
			continue;
		}
		if (!looked)
			faults_look(run);
		looked = true;
		end(run, run->before, f, f->deadline);
	}
	return next;
}

static bool is_healed(const struct netsim_heal *healed, uint32_t id)
{
	for (size_t i = 0; i < healed->fault_count; i++)
		if (healed->faults[i]->id == id)
			return true;
	return false;
}

int faults_heal(struct run *run, const struct netsim_heal_opts *opts, struct netsim_err *err)
{
	struct netsim_heal_opts o = *opts;
	struct netsim_heal *healed = NULL;
	int64_t time;
	int r;

	o.fleet = run->s->topo->fleet;
	r = netsim_heal(run->ctx, &o, &healed, err);
	time = run_now();
	if (r < 0)
		return r;
	if (run->fault_count)
		faults_look(run);
	for (size_t i = 0; i < run->fault_count;) {
		struct run_fault *f = &run->faults[i];
		bool expired = f->deadline && f->deadline <= time;

		/* One that the kernel has ended at its deadline is not among those healed. */
		if (expired || !o.fault_count || is_healed(healed, f->id))
			end(run, run->before, f, expired ? f->deadline : time);
		else
			i++;
	}
	netsim_heal_free(healed);
	return 0;
}

void faults_free(struct run *run)
{
	for (size_t i = 0; i < run->fault_count; i++) {
		free(run->faults[i].text);
		free(run->faults[i].hits);
		free(run->faults[i].cables);
		free(run->faults[i].class_name);
	}
	free(run->faults);
	run->faults = NULL;
	run->fault_count = 0;
	netsim_traffic_free(run->before);
	netsim_traffic_free(run->pairs);
	run->before = run->pairs = NULL;
}
