// SPDX-License-Identifier: GPL-2.0-or-later
/* Members and leaders of workloads, from a store or a recipe's command; selectors. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/run_parts.h"
#include "netsim/run/cluster.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"
#include "netsim/util/name.h"

#define ELECTION_NS 5000000000LL /* to wait for a leader, if there is none at first */
#define PATIENCE    1000000000LL /* ns for the answer of a member about its state */

static bool fill_endpoint(struct run *run, const struct run_member *m, struct etcd_endpoint *ret)
{
	const struct recipe *recipe = m->workload->recipe;

	*ret = (struct etcd_endpoint) {.node = m->node, .netns = m->netns};
	ret->url = work_fill(run, m->workload, m->node, recipe->url.s);
	if (recipe->tls.ca.s) {
		ret->tls.ca = work_fill(run, m->workload, m->node, recipe->tls.ca.s);
		ret->tls.cert = work_fill(run, m->workload, m->node, recipe->tls.cert.s);
		ret->tls.key = work_fill(run, m->workload, m->node, recipe->tls.key.s);
	}
	return ret->url && (!recipe->tls.ca.s || (ret->tls.ca && ret->tls.cert && ret->tls.key));
}

static void free_commands(struct run_cluster *c)
{
	for (size_t i = 0; c->commands && i < c->count; i++)
		work_free_texts((char **)c->commands[i].argv);
	free(c->commands);
}

/* Fills in the command `members` of each member, which runs as the member does. */
static int fill_commands(struct run *run, struct run_cluster *c, struct netsim_err *err)
{
	c->commands = calloc(c->count + 1, sizeof(*c->commands));
	for (size_t i = 0; c->commands && i < c->count; i++) {
		c->commands[i] = c->members[i].spec;
		c->commands[i].argv = (const char *const *)work_fill_texts(
			run, c->workload, c->members[i].node, &c->workload->recipe->members);
		if (!c->commands[i].argv)
			return err_oom(err);
	}
	return c->commands ? 0 : err_oom(err);
}

static int add_cluster(struct run *run, const struct workload *w, struct netsim_err *err)
{
	struct run_cluster *c = array_push(run->clusters, run->cluster_count);
	size_t first = 0;

	if (!c)
		return err_oom(err);
	while (run->members[first].workload != w)
		first++;
	c->workload = w;
	c->members = &run->members[first];
	c->count = w->nodes.host ? 1 : w->nodes.count;
	c->nodes = calloc(c->count + 1, sizeof(*c->nodes));
	if (!c->nodes)
		return err_oom(err);
	for (size_t i = 0; i < c->count; i++)
		c->nodes[i] = c->members[i].node;
	if (w->recipe->store != RECIPE_STORE_ETCD)
		return fill_commands(run, c, err);
	c->endpoints = calloc(c->count + 1, sizeof(*c->endpoints));
	c->ids = calloc(c->count + 1, sizeof(*c->ids));
	if (!c->ids)
		return err_oom(err);
	for (size_t i = 0; i < c->count; i++)
		if (!c->endpoints || !fill_endpoint(run, &c->members[i], &c->endpoints[i]))
			return err_oom(err);
	return 0;
}

int cluster_prepare(struct run *run, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->s->workload_count; i++) {
		const struct workload *w = run->s->workloads[i];

		if (w->recipe && recipe_has_members(w->recipe))
			r = add_cluster(run, w, err);
	}
	return r;
}

void cluster_free(struct run *run)
{
	for (size_t i = 0; i < run->cluster_count; i++) {
		struct run_cluster *c = &run->clusters[i];

		for (size_t k = 0; c->endpoints && k < c->count; k++) {
			free((char *)c->endpoints[k].url);
			free((char *)c->endpoints[k].tls.ca);
			free((char *)c->endpoints[k].tls.cert);
			free((char *)c->endpoints[k].tls.key);
		}
		free_commands(c);
		free(c->endpoints);
		free(c->ids);
		free(c->nodes);
		free(c->leader);
	}
	free(run->clusters);
	run->clusters = NULL;
	run->cluster_count = 0;
}

struct run_cluster *cluster_of(struct run *run, const char *workload)
{
	for (size_t i = 0; i < run->cluster_count; i++)
		if (strcmp(run->clusters[i].workload->name, workload) == 0)
			return &run->clusters[i];
	return NULL;
}

/* --- a store */

static void record(struct run *run, const struct run_cluster *c, size_t i,
		   struct member_sample *sample, const char *leader)
{
	sample->workload = recorder_name(run->rec, c->workload->name);
	sample->member = recorder_name(run->rec, c->members[i].node);
	sample->leader = leader ? recorder_name(run->rec, leader) : 0;
	recorder_add(run->rec, EVIDENCE_MEMBER, sample);
}

/* Learns a member's ID, and returns the node of its leader, also of one that is silent now. */
static const char *learn_leader(struct run *run, struct run_cluster *c, size_t i,
				const struct etcd_reply *reply)
{
	const char *leader = NULL;

	pthread_mutex_lock(&run->lock_shared);
	c->ids[i] = reply->member;
	for (size_t k = 0; reply->leader && k < c->count; k++)
		if (c->ids[k] == reply->leader)
			leader = c->members[k].node;
	pthread_mutex_unlock(&run->lock_shared);
	return leader;
}

bool cluster_ask(struct run *run, struct run_cluster *c, size_t i, struct etcd_call *call)
{
	const struct etcd_reply *reply = &call->answer.reply;
	struct member_sample sample = {0};
	const char *leader = NULL;

	buf_puts(etcd_call_body(call), "{}");
	etcd_call_wait(call, &c->endpoints[i], ETCD_STATUS, PATIENCE);
	sample.time = run_now();
	sample.silent = call->answer.outcome != ETCD_OK;
	if (!sample.silent) {
		sample.term = (int64_t)reply->raft_term;
		sample.revision = reply->revision;
		sample.applied = (int64_t)reply->applied_index;
		leader = learn_leader(run, c, i, reply);
	}
	record(run, c, i, &sample, leader);
	return !sample.silent;
}

/* --- a command */

static struct cluster view(const struct run_cluster *c)
{
	return (struct cluster) {c->nodes, c->endpoints, c->commands, c->count, CLUSTER_PATIENCE};
}

/* A command reports no terms: each new leader begins one. */
void cluster_run_command(struct run *run, struct run_cluster *c)
{
	size_t leader = SIZE_MAX;
	const struct cluster cluster = view(c);
	bool known = cluster_leader(&cluster, &leader, NULL) == 0;
	int64_t time = run_now();

	if (known && (!c->leader || strcmp(c->leader, c->members[leader].node) != 0)) {
		free(c->leader);
		c->leader = strdup(c->members[leader].node);
		c->term++;
	}
	for (size_t i = 0; i < c->count; i++) {
		struct member_sample sample = {.time = time, .term = c->term, .silent = !known};

		record(run, c, i, &sample, known ? c->members[leader].node : NULL);
	}
}

/* --- selectors */

/*
 * Asks again, for up to ELECTION_NS, while there is no leader: an election may be in progress, or
 * members slow to answer.
 */
static int select_members(struct run *run, const struct run_cluster *c, enum selector_kind kind,
			  char **ret, struct netsim_err *err)
{
	int64_t until = run_now() + ELECTION_NS;
	struct cluster cluster = view(c);
	struct netsim_err last = {0};
	int r = cluster_select(&cluster, kind, ret, &last);

	cluster.patience *= 4;
	while (r == -ENOENT && run_now() < until && run_sleep(run, run_now() + 100000000LL)) {
		last = (struct netsim_err) {0};
		r = cluster_select(&cluster, kind, ret, &last);
	}
	if (r < 0 && err)
		*err = last;
	return r;
}

static int resolve_one(void *arg, const struct selector *selector, const char *word, char **ret,
		       struct netsim_err *err)
{
	struct run *run = arg;
	const struct run_cluster *c = cluster_of(run, selector->workload);
	int r;

	if (!c)
		return err_set(err, NETSIM_ERR_INPUT, -EINVAL, NULL, "%s is not a selector", word);
	r = select_members(run, c, selector->kind, ret, err);
	if (r == 0)
		recorder_event(run->rec, (struct event) {.kind = EVENT_SELECTED}, word, *ret);
	return r;
}

/* Records the nodes of a pattern or role. */
static int look(void *arg, const char *word)
{
	struct run *run = arg;
	const struct topo *topo = run->s->topo;
	auto_buf struct buf nodes = {0};
	int found = 0;

	if (run_node(run, word) < topo->node_count)
		return 1;
	for (size_t i = 0; i < topo->node_count; i++) {
		const struct node *node = &topo->nodes[i];

		if (!name_match(word, node->name, (const char *const *)node->roles,
				node->role_count))
			continue;
		buf_printf(&nodes, "%s%s", nodes.len ? "," : "", node->name);
		found++;
	}
	if (nodes.data)
		recorder_event(run->rec, (struct event) {.kind = EVENT_SELECTED}, word, nodes.data);
	return found;
}

struct selection_source cluster_source(struct run *run)
{
	return (struct selection_source) {resolve_one, look, run};
}
