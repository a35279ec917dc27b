// SPDX-License-Identifier: GPL-2.0-or-later
/* The workloads of a run: their texts filled in, started in order, watched, and ended. */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "netsim/api/run_parts.h"
#include "netsim/run/cgroup.h"
#include "netsim/run/ready.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#define GRACE 5000000000 /* ns from SIGTERM to SIGKILL */

/* --- texts */

static const char *address_of(const struct workload *w, const struct node *node,
			      char buf[static UNIT_TEXT])
{
	const struct ip *ip = workload_address(w, node);

	if (!ip)
		return "";
	unit_format_address(ip, buf);
	return buf;
}

/* The members that {members: ...} stands for. */
static struct template_member *list_members(const struct run *run, const struct workload *w,
					    char (*addresses)[UNIT_TEXT])
{
	struct template_member *list = calloc(w->nodes.count + 1, sizeof(*list));

	for (size_t i = 0; list && i < w->nodes.count; i++) {
		const struct node *node = &run->s->topo->nodes[w->nodes.list[i]];

		list[i] = (struct template_member) {node->name, address_of(w, node, addresses[i])};
	}
	return list;
}

/* The folder of the file that has the texts of a workload. */
static const char *folder_of(const struct run *run, const struct workload *w)
{
	return w->recipe ? w->recipe->folder : run->s->folder;
}

char *work_fill(const struct run *run, const struct workload *w, const char *node, const char *text)
{
	auto_free char(*addresses)[UNIT_TEXT] = calloc(w->nodes.count + 1, UNIT_TEXT);
	auto_free struct template_member *list = addresses ? list_members(run, w, addresses) : NULL;
	size_t index = run_node(run, node);
	char address[UNIT_TEXT], data[4096];
	struct template_values values = {
		.self = {node, ""}, .data = data, .folder = folder_of(run, w), .members = list};

	if (!list)
		return NULL;
	values.member_count = w->nodes.count;
	if (index < run->s->topo->node_count)
		values.self.address = address_of(w, &run->s->topo->nodes[index], address);
	snprintf(data, sizeof(data), "%s/data/%s@%s", run->folder, w->name, node);
	return template_fill(text, &values);
}

void work_free_texts(char **texts)
{
	for (size_t i = 0; texts && texts[i]; i++)
		free(texts[i]);
	free(texts);
}

char **work_fill_texts(const struct run *run, const struct workload *w, const char *node,
		       const struct texts *texts)
{
	char **filled = calloc(texts->count + 1, sizeof(*filled));

	for (size_t i = 0; filled && i < texts->count; i++) {
		filled[i] = work_fill(run, w, node, texts->list[i].s);
		if (!filled[i]) {
			work_free_texts(filled);
			return NULL;
		}
	}
	return filled;
}

static char **fill_env(const struct run *run, const struct workload *w, const char *node)
{
	const struct program *p = &w->program;
	char **filled = calloc(p->env_count + 1, sizeof(*filled));

	for (size_t i = 0; filled && i < p->env_count; i++) {
		auto_free char *value = work_fill(run, w, node, p->env[i]->value.s);

		if (!value || asprintf(&filled[i], "%s=%s", p->env[i]->name, value) < 0) {
			filled[i] = NULL;
			work_free_texts(filled);
			return NULL;
		}
	}
	return filled;
}

/* --- members */

static void on_end(void *arg, struct member *member, const struct member_end *end)
{
	struct run *run = arg;
	struct event event = {.kind = end->exit.killed ? EVENT_KILLED : EVENT_EXITED,
			      .time = end->exit.at,
			      .status = end->exit.code,
			      .asked = end->requested};
	char name[160], text[PROCESS_TEXT];
	bool ending;

	(void)member;
	snprintf(name, sizeof(name), "%s/%s", end->workload, end->node);
	pthread_mutex_lock(&run->lock_shared);
	ending = run->ending;
	pthread_mutex_unlock(&run->lock_shared);
	event.asked |= ending;
	recorder_event(run->rec, event, name, NULL);
	if (!event.asked)
		run_halt(run, false, "%s %s", name, process_exit_text(&end->exit, text));
}

static int add_member(struct run *run, const struct workload *w, const char *node,
		      struct netsim_err *err)
{
	struct run_member *m = &run->members[run->member_count++];
	char netns[NETNS_TEXT], text[4096];
	bool host = strcmp(node, HOST_NAME) == 0;

	state_netns_name(run->s->topo->fleet, node, netns);
	*m = (struct run_member) {.workload = w, .node = node};
	m->netns = host ? NULL : strdup(netns);
	snprintf(text, sizeof(text), "%s/data/%s@%s", run->folder, w->name, node);
	m->data = strdup(text);
	snprintf(text, sizeof(text), "%s/logs/%s@%s.log", run->folder, w->name, node);
	m->log = strdup(text);
	snprintf(text, sizeof(text), "%s/%s", w->name, node);
	m->name = strdup(text);
	m->argv = work_fill_texts(run, w, node, &w->program.command);
	m->env = fill_env(run, w, node);
	if ((!host && !m->netns) || !m->data || !m->log || !m->name || !m->argv || !m->env)
		return err_oom(err);
	if (mkdir(m->data, 0700) < 0 && errno != EEXIST)
		return err_errno(err, -errno, NULL, "cannot create %s", m->data);
	m->spec = (struct process_spec) {.argv = (const char *const *)m->argv,
					 .env = (const char *const *)m->env,
					 .netns = m->netns,
					 .log = m->log,
					 .cgroup = -1};
	return members_add(run->processes, w->name, node, &m->spec, &m->member, err);
}

static int add_members(struct run *run, const struct workload *w, struct netsim_err *err)
{
	int r = 0;

	if (w->nodes.host)
		return add_member(run, w, HOST_NAME, err);
	for (size_t i = 0; r == 0 && i < w->nodes.count; i++)
		r = add_member(run, w, run->s->topo->nodes[w->nodes.list[i]].name, err);
	return r;
}

int work_prepare(struct run *run, struct netsim_err *err)
{
	size_t count = 0;
	int r;

	for (size_t i = 0; i < run->s->workload_count; i++)
		count += run->s->workloads[i]->nodes.count + 1;
	run->members = calloc(count + 1, sizeof(*run->members));
	if (!run->members)
		return err_oom(err);
	r = members_open(run->s->topo->fleet, run->ctx->state.own_id, on_end, run, &run->processes,
			 err);
	for (size_t i = 0; r == 0 && i < run->s->workload_count; i++)
		if (!workload_is_ledger(run->s->workloads[i]))
			r = add_members(run, run->s->workloads[i], err);
	return r;
}

/* --- readiness */

struct waiting {
	struct run *run;
	struct run_member *m;
};

static bool has_ended(void *arg, char *why, size_t size)
{
	struct waiting *waiting = arg;
	struct process_exit end;
	char text[PROCESS_TEXT];

	if (member_state(waiting->m->member, &end) == MEMBER_ENDED) {
		snprintf(why, size, "%s", process_exit_text(&end, text));
		return true;
	}
	if (!run_is_halted(waiting->run))
		return false;
	pthread_mutex_lock(&waiting->run->lock_shared);
	snprintf(why, size, "%s", waiting->run->why);
	pthread_mutex_unlock(&waiting->run->lock_shared);
	return true;
}

struct ready_texts {
	char *text, *ca, *cert, *key;
	char **command;
};

static void ready_texts_done(struct ready_texts *t)
{
	free(t->text);
	free(t->ca);
	free(t->cert);
	free(t->key);
	work_free_texts(t->command);
}

static int fill_ready(const struct run *run, const struct run_member *m, struct ready_texts *ret)
{
	const struct workload *w = m->workload;
	const struct ready *ready = &w->program.ready;

	*ret = (struct ready_texts) {0};
	if (ready->text.s && !(ret->text = work_fill(run, w, m->node, ready->text.s)))
		return -ENOMEM;
	if (ready->kind == READY_RUN &&
	    !(ret->command = work_fill_texts(run, w, m->node, &ready->run)))
		return -ENOMEM;
	if (!w->recipe || !w->recipe->tls.ca.s)
		return 0;
	ret->ca = work_fill(run, w, m->node, w->recipe->tls.ca.s);
	ret->cert = work_fill(run, w, m->node, w->recipe->tls.cert.s);
	ret->key = work_fill(run, w, m->node, w->recipe->tls.key.s);
	return ret->ca && ret->cert && ret->key ? 0 : -ENOMEM;
}

static int wait_ready(struct run *run, struct run_member *m, struct netsim_err *err)
{
	const struct ready *ready = &m->workload->program.ready;
	struct waiting waiting = {run, m};
	autofn(ready_texts_done) struct ready_texts texts;
	struct ready_spec spec;
	char address[UNIT_TEXT] = "";
	size_t node = run_node(run, m->node);
	int r = fill_ready(run, m, &texts);

	if (r < 0)
		return err_oom(err);
	if (node < run->s->topo->node_count)
		address_of(m->workload, &run->s->topo->nodes[node], address);
	spec = (struct ready_spec) {.kind = ready->kind,
				    .who = m->name,
				    .netns = m->netns,
				    .host = address,
				    .port = ready->port,
				    .url = texts.text,
				    .ca = texts.ca,
				    .cert = texts.cert,
				    .key = texts.key,
				    .run = (const char *const *)texts.command,
				    .cgroup = m->spec.cgroup,
				    .text = texts.text,
				    .log = m->log,
				    .log_start = member_log_start(m->member),
				    .within = m->workload->program.within.ns,
				    .stop = has_ended,
				    .arg = &waiting};
	r = ready_wait(&spec, err);
	if (r == 0)
		recorder_event(run->rec, (struct event) {.kind = EVENT_READY}, m->name, NULL);
	return r;
}

static int start(struct run *run, struct run_member *m, struct netsim_err *err)
{
	int r = member_start(m->member, err);

	if (r < 0)
		return err_wrap(err, r, "%s", m->name);
	recorder_event(run->rec, (struct event) {.kind = EVENT_STARTED}, m->name, NULL);
	return 0;
}

int work_start(struct run *run, const struct workload *w, struct netsim_err *err)
{
	for (size_t i = 0; i < run->member_count; i++)
		run->members[i].chosen = run->members[i].workload == w;
	return work_start_chosen(run, err);
}

/* A member of a cluster may be ready only once others run, so all start before one is waited for.
 */
int work_start_chosen(struct run *run, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->member_count; i++)
		if (run->members[i].chosen)
			r = start(run, &run->members[i], err);
	for (size_t i = 0; r == 0 && i < run->member_count; i++)
		if (run->members[i].chosen)
			r = wait_ready(run, &run->members[i], err);
	return r;
}

int work_continue_all(struct run *run, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->member_count; i++) {
		struct run_member *m = &run->members[i];

		if (!m->paused)
			continue;
		m->paused = false;
		if (member_state(m->member, NULL) == MEMBER_PAUSED)
			r = member_continue(m->member, err);
	}
	return r;
}

/* --- the end */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) < 0 ? -1 : 0;
}

int work_end(struct run *run, struct netsim_err *err)
{
	char data[4096];
	int r = 0;

	pthread_mutex_lock(&run->lock_shared);
	run->ending = true;
	pthread_mutex_unlock(&run->lock_shared);
	if (run->o.keep)
		return 0;
	if (run->processes)
		r = members_end(run->processes, GRACE, NULL, err);
	snprintf(data, sizeof(data), "%s/data", run->folder);
	nftw(data, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return r;
}

void work_free(struct run *run)
{
	members_free(run->processes);
	for (size_t i = 0; i < run->member_count; i++) {
		struct run_member *m = &run->members[i];

		free((char *)m->netns);
		free((char *)m->data);
		free(m->log);
		free(m->name);
		work_free_texts(m->argv);
		work_free_texts(m->env);
	}
	free(run->members);
	run->processes = NULL;
	run->members = NULL;
	run->member_count = 0;
}
