// SPDX-License-Identifier: GPL-2.0-or-later
/* Members and leaders of workloads, asked of a store or of a recipe's command; selectors. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "netsim/api/run_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"
#include "netsim/words/selector.h"

#define PATIENCE    500000000LL	 /* ns for the answer of a member */
#define ELECTION_NS 5000000000LL /* for a leader, if there is none at first */
#define COMMAND_MS  2000	 /* for a recipe's command */
#define OUTPUT_MOST (64U * 1024) /* bytes that it may print */

static bool fill_endpoint(struct run *run, const struct run_member *m, struct etcd_endpoint *ret)
{
	const struct recipe *recipe = m->workload->recipe;

	*ret = (struct etcd_endpoint) {.node = m->node, .netns = m->netns};
	ret->url = work_fill(run, m->workload, m->node, recipe->folder, recipe->url.s);
	if (recipe->tls.ca.s) {
		ret->tls.ca =
			work_fill(run, m->workload, m->node, recipe->folder, recipe->tls.ca.s);
		ret->tls.cert =
			work_fill(run, m->workload, m->node, recipe->folder, recipe->tls.cert.s);
		ret->tls.key =
			work_fill(run, m->workload, m->node, recipe->folder, recipe->tls.key.s);
	}
	return ret->url && (!recipe->tls.ca.s || (ret->tls.ca && ret->tls.cert && ret->tls.key));
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
	if (w->recipe->store != RECIPE_STORE_ETCD)
		return 0;
	c->endpoints = calloc(c->count + 1, sizeof(*c->endpoints));
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
		free(c->endpoints);
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

static void record_answers(struct run *run, const struct run_cluster *c,
			   const struct etcd_answer *answers, int64_t time)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct etcd_reply *reply = &answers[i].reply;
		struct member_sample sample = {.time = time,
					       .silent = answers[i].outcome != ETCD_OK};
		const char *leader = NULL;

		for (size_t k = 0; !sample.silent && reply->leader && k < c->count; k++)
			if (answers[k].outcome == ETCD_OK &&
			    answers[k].reply.member == reply->leader)
				leader = c->members[k].node;
		if (!sample.silent) {
			sample.term = (int64_t)reply->raft_term;
			sample.revision = reply->revision;
			sample.applied = (int64_t)reply->applied_index;
		}
		record(run, c, i, &sample, leader);
	}
}

static int ask_store(struct run *run, const struct run_cluster *c, int64_t patience,
		     size_t *ret_leader, struct netsim_err *err)
{
	auto_free struct etcd_answer *answers = calloc(c->count + 1, sizeof(*answers));
	int r = answers ? etcd_ask(c->endpoints, c->count, ETCD_STATUS, "{}", patience, answers,
				   err) :
			  err_oom(err);

	if (r < 0)
		return r;
	if (ret_leader)
		r = etcd_find_leader(c->endpoints, answers, c->count, ret_leader, err);
	else
		record_answers(run, c, answers, run_now());
	for (size_t i = 0; i < c->count; i++)
		etcd_answer_done(&answers[i]);
	return r;
}

/* --- a command */

/* Runs a command in a node and returns its output; -EIO if it fails, or -ETIMEDOUT. */
static int run_command(const struct process_spec *spec, struct buf *ret, struct netsim_err *err)
{
	auto_close int fd = memfd_create("members", MFD_CLOEXEC);
	struct process_spec with = *spec;
	struct process_exit end;
	struct process process;
	struct pollfd poll_fd = {.events = POLLIN};
	char path[64];
	int r;

	if (fd < 0)
		return err_errno(err, -errno, NULL, "cannot create a memory file");
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	with.log = path;
	r = process_start(&with, &process, err);
	if (r < 0)
		return r;
	poll_fd.fd = process.pidfd;
	if (poll(&poll_fd, 1, COMMAND_MS) <= 0) {
		process_signal_group(&process, SIGKILL);
		r = err_set(err, NETSIM_ERR_FAILED, -ETIMEDOUT, NULL, "%s did not end",
			    spec->argv[0]);
	}
	process_collect(&process, true, &end);
	if (r == 0 && (end.killed || end.code))
		r = err_set(err, NETSIM_ERR_FAILED, -EIO, NULL, "%s %s", spec->argv[0],
			    process_exit_text(&end, (char[PROCESS_TEXT]) {0}));
	lseek(fd, 0, SEEK_SET);
	return r == 0 ? buf_read(ret, fd, OUTPUT_MOST) : r;
}

/* Finds the member whose line, "NODE leader", says that it leads. */
static size_t find_leader_line(const struct run_cluster *c, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char node[128], role[32];

		if (sscanf(line, "%127s %31s", node, role) != 2 || strcmp(role, "leader") != 0)
			continue;
		for (size_t i = 0; i < c->count; i++)
			if (strcmp(c->members[i].node, node) == 0)
				return i;
	}
	return SIZE_MAX;
}

static int ask_member(struct run *run, const struct run_cluster *c, const struct run_member *m,
		      size_t *ret_leader, struct netsim_err *err)
{
	const struct recipe *recipe = c->workload->recipe;
	auto_free char **argv = calloc(recipe->members.count + 1, sizeof(*argv));
	struct process_spec spec = m->spec;
	auto_buf struct buf out = {0};
	int r = argv ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < recipe->members.count; i++) {
		argv[i] = work_fill(run, c->workload, m->node, recipe->folder,
				    recipe->members.list[i].s);
		r = argv[i] ? 0 : -ENOMEM;
	}
	if (r == 0) {
		spec.argv = (const char *const *)argv;
		r = run_command(&spec, &out, err);
	}
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	if (r < 0)
		return r == -ENOMEM ? err_oom(err) : r;
	*ret_leader = out.data ? find_leader_line(c, out.data) : SIZE_MAX;
	return 0;
}

static int ask_command(struct run *run, struct run_cluster *c, size_t *ret_leader,
		       struct netsim_err *err)
{
	struct netsim_err last = {0};
	int r = -ENOENT;

	for (size_t i = 0; r < 0 && i < c->count; i++) {
		last = (struct netsim_err) {0};
		r = ask_member(run, c, &c->members[i], ret_leader, &last);
	}
	if (r < 0)
		return err_set(err, NETSIM_ERR_FAILED, r, NULL, "no leader: %s", last.what);
	if (*ret_leader == SIZE_MAX)
		return err_set(err, NETSIM_ERR_FAILED, -ENOENT, NULL,
			       "no leader: the command `members` names none");
	return 0;
}

/* A command gives no terms: a new leader counts as one. */
static void record_command(struct run *run, struct run_cluster *c)
{
	size_t leader = SIZE_MAX;
	bool known = ask_command(run, c, &leader, NULL) == 0;
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

/* Asks a store again while it has no leader: members may elect one, or be slow to answer. */
int cluster_ask(struct run *run, struct run_cluster *c, size_t *ret_leader, struct netsim_err *err)
{
	int64_t until = run_now() + ELECTION_NS;
	struct netsim_err last = {0};
	int r;

	if (!c->endpoints)
		return ask_command(run, c, ret_leader, err);
	r = ask_store(run, c, PATIENCE, ret_leader, &last);
	while (r == -ENOENT && run_now() < until && run_sleep(run, run_now() + PATIENCE / 5)) {
		last = (struct netsim_err) {0};
		r = ask_store(run, c, 4 * PATIENCE, ret_leader, &last);
	}
	if (r < 0 && err)
		*err = last;
	return r;
}

void cluster_record(struct run *run, struct run_cluster *c)
{
	if (c->endpoints)
		ask_store(run, c, PATIENCE, NULL, NULL);
	else
		record_command(run, c);
}

/* --- selectors */

/* Whether a selector takes a member; nth: its number among the followers. */
static bool takes(enum selector_kind kind, size_t count, bool is_leader, size_t nth)
{
	size_t minority = (count - 1) / 2, majority = count / 2 + 1;

	switch (kind) {
	case SELECTOR_LEADER:
		return is_leader;
	case SELECTOR_FOLLOWERS:
		return !is_leader;
	case SELECTOR_MAJORITY:
		/* The last followers; the leader only if they are too few. */
		return is_leader ? majority == count : nth + majority >= count - 1;
	case SELECTOR_MINORITY:
		/* The leader, also alone of two, and the first followers. */
		return is_leader || nth + 1 < minority;
	case SELECTOR_MEMBERS:
	case SELECTOR_COUNT:
		break;
	}
	return true;
}

static int resolve_one(struct run *run, const char *word, struct buf *out, struct netsim_err *err)
{
	struct selector selector;
	struct run_cluster *c;
	auto_buf struct buf names = {0};
	const char *why;
	size_t bad, leader = 0, nth = 0;
	int r;

	if (selector_parse(word, &selector, &bad, &why) < 0 ||
	    !(c = cluster_of(run, selector.workload)))
		return err_set(err, NETSIM_ERR_INPUT, -EINVAL, NULL, "%s is not a selector", word);
	r = selector.kind == SELECTOR_MEMBERS ? 0 : cluster_ask(run, c, &leader, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->count; i++) {
		bool leads = i == leader;

		if (takes(selector.kind, c->count, leads, nth))
			buf_printf(&names, "%s%s", names.len ? "," : "", c->members[i].node);
		nth += !leads;
	}
	if (names.failed)
		return err_oom(err);
	if (!names.len)
		return err_set(err, NETSIM_ERR_FAILED, -ENOENT, NULL, "%s has no members", word);
	buf_puts(out, names.data);
	recorder_event(run->rec, (struct event) {.kind = EVENT_NOTE}, word, names.data);
	return 0;
}

int cluster_resolve(struct run *run, const char *words, char **ret, struct netsim_err *err)
{
	struct buf out = {0};
	auto_free char *copy = strdup(words);
	char *save = NULL;
	int r = copy ? 0 : err_oom(err);

	for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; r == 0 && word;
	     word = strtok_r(NULL, ",", &save)) {
		if (out.len)
			buf_puts(&out, ",");
		if (selector_is(word))
			r = resolve_one(run, word, &out, err);
		else
			buf_puts(&out, word);
	}
	if (r < 0) {
		buf_done(&out);
		return r;
	}
	*ret = buf_take(&out);
	return *ret ? 0 : err_oom(err);
}
