// SPDX-License-Identifier: GPL-2.0-or-later
/* One command of a timeline. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/run_parts.h"
#include "netsim/config/conditions.h"
#include "netsim/run/cgroup.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

#define EXEC "exec" /* the workload's name in the cgroup of a step */

struct doing {
	struct run *run;
	const struct timeline_entry *entry;
	const struct step *step;
	int64_t for_ns; /* of a fault */
	struct netsim_err *err;
};

static int resolve_groups(const struct doing *d, const char *const *groups, size_t count,
			  struct words *ret)
{
	const struct selection_source source = cluster_source(d->run);

	return selection_groups(&source, groups, count, ret, d->err);
}

static int resolve_targets(const struct doing *d, const char *const *targets, size_t count,
			   struct words *ret)
{
	const struct selection_source source = cluster_source(d->run);

	return selection_targets(&source, targets, count, ret, d->err);
}

static int resolve(const struct doing *d, const char *words, char **ret)
{
	const struct selection_source source = cluster_source(d->run);

	return selection_resolve(&source, words, ret, d->err);
}

/* --- faults */

static int do_partition(const struct doing *d)
{
	struct netsim_partition_opts o = d->step->partition;
	auto_words struct words groups = {0};
	auto_free char *bridge = NULL;
	struct netsim_fault *fault = NULL;
	struct fault_scope scope = {.entry = d->entry,
				    .isolate = o.isolate,
				    .ring = o.ring,
				    .class_name = o.class_name,
				    .signs = FAULT_DROPS(NETSIM_DROP_PARTITION)};
	int r = resolve_groups(d, o.groups, o.group_count, &groups);

	if (r == 0 && o.bridge)
		r = resolve(d, o.bridge, &bridge);
	if (r < 0)
		return r;
	o.bridge = bridge;
	o.matrix = d->entry->command->path;
	o.size = sizeof(o);
	o.fleet = d->run->s->topo->fleet;
	o.groups = (const char *const *)groups.list;
	o.for_ns = o.for_ns ? o.for_ns : d->for_ns;
	r = netsim_partition(d->run->ctx, &o, &fault, d->err);
	if (r == 0)
		r = faults_add(d->run, fault, &scope, d->err);
	netsim_fault_free(fault);
	return r;
}

/*
 * Conditions that only qualify others, such as a distribution, must show what they did where the
 * fault has no others; a share of packets to reorder always must.
 */
static unsigned signs_of(const char *text)
{
	static const unsigned effects[COND_COUNT] = {
		[COND_RATE] = FAULT_ACTS(NETSIM_EFFECT_RATE),
		[COND_DELAY] = FAULT_ACTS(NETSIM_EFFECT_DELAY),
		[COND_JITTER] = FAULT_ACTS(NETSIM_EFFECT_DELAY),
		[COND_LOSS] = FAULT_ACTS(NETSIM_EFFECT_LOSS),
		[COND_DUPLICATE] = FAULT_ACTS(NETSIM_EFFECT_DUPLICATE),
		[COND_CORRUPT] = FAULT_ACTS(NETSIM_EFFECT_CORRUPT),
		[COND_LARGER] = FAULT_ACTS(NETSIM_EFFECT_LARGER),
		[COND_HOLD] = FAULT_ACTS(NETSIM_EFFECT_HOLD),
		[COND_SLOT] = FAULT_ACTS(NETSIM_EFFECT_SLOT),
	};
	static const unsigned qualities[COND_COUNT] = {
		[COND_QUEUE] = FAULT_ACTS(NETSIM_EFFECT_QUEUE),
		[COND_BURST] = FAULT_ACTS(NETSIM_EFFECT_BURST),
		[COND_PEAK] = FAULT_ACTS(NETSIM_EFFECT_PEAK),
		[COND_DISTRIBUTION] = FAULT_ACTS(NETSIM_EFFECT_DISTRIBUTION),
	};
	struct conditions c;
	unsigned signs = 0, quality = 0;

	if (conditions_parse(text, &c, NULL) < 0)
		return 0;
	for (int i = 0; i < COND_COUNT; i++)
		signs |= cond_has(&c, i) ? effects[i] : 0;
	for (int i = 0; i < COND_COUNT; i++)
		quality |= cond_has(&c, i) ? qualities[i] : 0;
	if (cond_has(&c, COND_REORDER) && c.reorder == REORDER_RATIO)
		signs |= FAULT_ACTS(NETSIM_EFFECT_REORDER);
	else if (cond_has(&c, COND_REORDER) && c.reorder == REORDER_ALLOWED)
		quality |= FAULT_ACTS(NETSIM_EFFECT_REORDER);
	return signs ? signs : quality;
}

static int do_fault(const struct doing *d)
{
	struct netsim_fault_opts o = d->step->fault;
	auto_words struct words targets = {0};
	struct netsim_fault *fault = NULL;
	struct fault_scope scope = {
		.entry = d->entry, .class_name = o.class_name, .signs = signs_of(o.conditions)};
	int r = 0;

	/* A fault of a class without targets concerns all nodes; without both, those of the one
	 * that it replaces. */
	if (o.target_count)
		r = resolve_targets(d, o.targets, o.target_count, &targets);
	else if (o.class_name)
		r = resolve_targets(d, (const char *const[]) {"*"}, 1, &targets);
	if (r < 0)
		return r;
	o.size = sizeof(o);
	o.fleet = d->run->s->topo->fleet;
	o.targets = scope.targets = (const char *const *)targets.list;
	o.target_count = scope.target_count = targets.count;
	o.for_ns = o.for_ns ? o.for_ns : d->for_ns;
	r = netsim_fault(d->run->ctx, &o, &fault, d->err);
	if (r == 0)
		r = faults_add(d->run, fault, &scope, d->err);
	netsim_fault_free(fault);
	return r;
}

/* A cable without a carrier has no counters. */
static int add_changes(const struct doing *d, const struct netsim_link *link,
		       struct fault_scope *scope)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < link->change_count; i++) {
		const struct netsim_link_change *change = link->changes[i];
		const char *target[] = {change->name};

		if (change->kind != NETSIM_LINK_FAULT || !change->fault)
			continue;
		scope->targets = target;
		scope->target_count = 1;
		r = faults_add(d->run, change->fault, scope, d->err);
	}
	return r;
}

static int do_link(const struct doing *d)
{
	struct netsim_link_opts o = d->step->link.opts;
	auto_words struct words targets = {0};
	struct netsim_link *link = NULL;
	struct fault_scope scope = {.entry = d->entry, .signs = FAULT_DROPS(NETSIM_DROP_DOWN)};
	int r = resolve_targets(d, o.targets, o.target_count, &targets);

	if (r < 0)
		return r;
	o.size = sizeof(o);
	o.fleet = d->run->s->topo->fleet;
	o.targets = (const char *const *)targets.list;
	o.target_count = targets.count;
	if (o.state != NETSIM_LINK_UP)
		o.for_ns = o.for_ns ? o.for_ns : d->for_ns;
	r = netsim_link(d->run->ctx, &o, &link, d->err);
	if (r == 0)
		r = add_changes(d, link, &scope);
	netsim_link_free(link);
	return r;
}

static int do_apply(const struct doing *d)
{
	struct netsim_apply_opts o = d->step->apply.opts;
	auto_words struct words targets = {0};
	struct netsim_diags diags = {0};
	struct netsim_apply *apply = NULL;
	int r = resolve_targets(d, o.targets, o.target_count, &targets);

	if (r < 0)
		return r;
	o.size = sizeof(o);
	o.fleet = d->run->s->topo->fleet;
	o.targets = (const char *const *)targets.list;
	o.target_count = targets.count;
	if (d->step->verb == STEP_CLEAR)
		r = netsim_clear(d->run->ctx, &o, &apply, d->err);
	else
		r = netsim_apply(d->run->ctx, d->entry->command->path, &o, &apply, &diags, d->err);
	if (r < 0 && diags.count)
		err_first_mistake(&diags, d->err);
	netsim_apply_free(apply);
	return r;
}

static int do_up(const struct doing *d)
{
	struct netsim_diags diags = {0};
	int r = run_bring_up(d->run, &diags, d->err);

	if (r < 0 && diags.count)
		err_first_mistake(&diags, d->err);
	return r;
}

/* --- workloads */

static int do_member(const struct doing *d, struct run_member *m)
{
	int r = 0;

	switch (d->step->verb) {
	case STEP_PAUSE:
		r = member_pause(m->member, d->err);
		m->paused |= r == 0;
		break;
	case STEP_CONTINUE:
		m->paused = false;
		r = member_continue(m->member, d->err);
		break;
	default:
		r = member_kill(m->member, d->step->workload.signal, d->err);
		break;
	}
	return r < 0 ? err_wrap(d->err, r, "%s", m->name) : 0;
}

/* Whether words without selectors ("a,b", a pattern, @role) name a member's node. */
static bool names(const struct run *run, const char *words, const struct run_member *m)
{
	size_t index = run_node(run, m->node);
	auto_free char *copy = strdup(words);
	char *save = NULL;

	for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; word;
	     word = strtok_r(NULL, ",", &save)) {
		const struct node *node =
			index < run->s->topo->node_count ? &run->s->topo->nodes[index] : NULL;

		if (strcmp(word, m->node) == 0 ||
		    (node && name_match(word, node->name, (const char *const *)node->roles,
					node->role_count)))
			return true;
	}
	return false;
}

static bool is_running(const struct run_member *m)
{
	enum member_state state = member_state(m->member, NULL);

	return state == MEMBER_RUNNING || state == MEMBER_PAUSED;
}

static int do_workload(const struct doing *d)
{
	const struct step_workload *words = &d->step->workload;
	auto_free char *nodes = NULL;
	size_t count = 0;
	int r = 0;

	if (!words->name)
		return work_continue_all(d->run, d->err);
	if (words->node)
		r = resolve(d, words->node, &nodes);
	for (size_t i = 0; r == 0 && i < d->run->member_count; i++) {
		struct run_member *m = &d->run->members[i];

		m->chosen = strcmp(m->workload->name, words->name) == 0 &&
			    (!nodes || names(d->run, nodes, m));
		if (m->chosen && d->step->verb != STEP_START)
			r = do_member(d, m);
		/* Of a whole workload, only members that do not run are started. */
		if (m->chosen && !nodes && is_running(m))
			m->chosen = false;
		count += m->chosen;
	}
	if (r < 0 || d->step->verb != STEP_START)
		return r;
	if (!nodes && !count)
		return err_set(d->err, NETSIM_ERR_USAGE, -EBUSY, NULL,
			       "%s is already running in every node", words->name);
	return work_start_chosen(d->run, d->err);
}

/* --- exec */

/* Waits for the end of a command, or of the timeline. */
static int wait_exec(const struct doing *d, struct process *process, const char *program)
{
	struct pollfd poll_fd = {process->pidfd, POLLIN, 0};
	char text[PROCESS_TEXT];
	struct process_exit end;
	bool halted = false;

	while (poll(&poll_fd, 1, 50) == 0 && !halted)
		halted = run_is_halted(d->run);
	if (halted)
		process_signal_group(process, SIGKILL);
	process_collect(process, true, &end);
	if (halted)
		return err_set(d->err, NETSIM_ERR_FAILED, -ECANCELED, NULL, "%s was stopped",
			       program);
	if (end.killed || end.code)
		return err_set(d->err, NETSIM_ERR_FAILED, -EIO, NULL, "%s %s", program,
			       process_exit_text(&end, text));
	return 0;
}

static int do_exec(const struct doing *d)
{
	const struct netsim_exec_words *words = &d->step->exec;
	auto_free char *node = NULL;
	char netns[NETNS_TEXT], log[4096];
	struct process_spec spec = {.argv = (const char *const *)words->command, .log = log};
	struct cgroup cgroup = {NULL, -1};
	struct process process;
	int r = resolve(d, words->node, &node);

	if (r < 0)
		return r;
	state_netns_name(d->run->s->topo->fleet, node, netns);
	spec.netns = netns;
	snprintf(log, sizeof(log), "%s/logs/exec.log", d->run->folder);
	r = cgroup_open(d->run->s->topo->fleet, d->run->ctx->state.own_id, EXEC, node, &cgroup,
			d->err);
	if (r < 0)
		return r;
	spec.cgroup = cgroup.procs;
	r = process_start(&spec, &process, d->err);
	if (r == 0)
		r = wait_exec(d, &process, words->command[0]);
	/* Also kills the processes that the command left behind. */
	cgroup_kill(&cgroup, run_now() + 5000000000, NULL);
	cgroup_remove(&cgroup, NULL);
	cgroup_close(&cgroup);
	return r;
}

int step_run(struct run *run, const struct timeline_entry *entry, int64_t phase_end,
	     struct netsim_err *err)
{
	struct doing d = {.run = run, .entry = entry, .step = &entry->command->step, .err = err};

	if (entry->command->phase_deadline) {
		d.for_ns = phase_end - run_now();
		d.for_ns = d.for_ns > 0 ? d.for_ns : entry->phase->lasts.ns;
	}
	switch (d.step->verb) {
	case STEP_PARTITION:
		return do_partition(&d);
	case STEP_FAULT:
		return do_fault(&d);
	case STEP_LINK:
		return do_link(&d);
	case STEP_APPLY:
	case STEP_CLEAR:
		return do_apply(&d);
	case STEP_HEAL:
		return faults_heal(run, &d.step->heal.opts, err);
	case STEP_EXEC:
		return do_exec(&d);
	case STEP_PAUSE:
	case STEP_CONTINUE:
	case STEP_KILL:
	case STEP_START:
		return do_workload(&d);
	case STEP_UP:
		return do_up(&d);
	case STEP_COUNT:
		break;
	}
	return 0;
}
