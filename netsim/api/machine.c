/* SPDX-License-Identifier: GPL-2.0-or-later */
/* join: makes this machine a node of a topology's fleet. */
#include "netsim/api/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "netsim/api/attach.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/machine.h"
#include "netsim/fleet/target.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/kernel/mark.h"
#include "netsim/shape/intent.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

static const struct node *find_node(const struct topo *topo, const char *name)
{
	for (size_t i = 0; i < topo->node_count; i++)
		if (strcmp(topo->nodes[i].name, name) == 0)
			return &topo->nodes[i];
	return NULL;
}

static int refuse_name(const struct topo *topo, const char *name, bool given,
		       struct netsim_err *err)
{
	auto_free const char **names = calloc(topo->node_count + 1, sizeof(*names));
	const char *near;

	if (!names)
		return err_oom(err);
	for (size_t i = 0; i < topo->node_count; i++)
		names[i] = topo->nodes[i].name;
	near = name_nearest(name, names, topo->node_count);
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL,
		given ? "--as %s: %s has no such node" :
			"this machine's name is %s, and %s has no such node",
		name, topo->fleet);
	if (near)
		err_hint(err, "did you mean %s%s?", given ? "" : "--as ", near);
	else
		err_hint(err, "say which node it is: --as %s", topo->nodes[0].name);
	return -ENOENT;
}

/* Finds a node by its name or, if as is NULL, by the host name, with or without its domain. */
static int choose_node(const struct topo *topo, const char *as, const struct node **ret,
		       struct netsim_err *err)
{
	struct utsname host;
	char *dot;

	uname(&host);
	/* Without a topology, this machine is the first node. */
	if (strcmp(topo->fleet, TOPO_RECORD_ALONE) == 0) {
		*ret = &topo->nodes[0];
		return 0;
	}
	*ret = find_node(topo, as ? as : host.nodename);
	dot = strchr(host.nodename, '.');
	if (!*ret && !as && dot) {
		*dot = 0;
		*ret = find_node(topo, host.nodename);
	}
	return *ret ? 0 : refuse_name(topo, as ? as : host.nodename, as, err);
}

static int note(struct netsim_join *join, const struct state *st, const struct machine_place *place,
		struct netsim_err *err)
{
	join->fleet = arena_strdup(join, place->topo->fleet);
	join->node = arena_strdup(join, place->node->name);
	if (!join->fleet || !join->node)
		return err_oom(err);
	for (size_t i = 0; i < st->host->link_count; i++) {
		const struct link *link = &st->host->links[i];
		struct netsim_joined *joined;

		if (!link->machine || !state_is_ours(link, join->fleet))
			continue;
		joined = arena_push(join, join->list, join->count);
		if (!joined || !(joined->device = arena_strdup(join, link->name)))
			return err_oom(err);
	}
	return 0;
}

/*
 * Sets *ret to true if this machine is the host of a fleet that is up or, without a topology
 * (alone), a node of any fleet but TOPO_RECORD_ALONE.
 */
static int has_fleet(struct state *st, bool alone, bool *ret, struct netsim_err *err)
{
	char **names = NULL;
	size_t count = 0;
	int r = state_fleets(st, &names, &count, err);

	*ret = false;
	for (size_t i = 0; i < count; i++) {
		*ret |= !state_is_machine(st, names[i]) ||
			(alone && strcmp(names[i], TOPO_RECORD_ALONE) != 0);
		free(names[i]);
	}
	free(names);
	return r;
}

int machine_leave(struct state *st, const char *fleet, struct netsim_err *err)
{
	int r = attach_release(st, fleet, err);

	if (r < 0)
		return r;
	intent_remove(fleet);
	topo_record_remove(fleet);
	lock_remove(fleet);
	return 0;
}

static int join_now(struct state *st, const struct machine_place *place, bool fresh,
		    struct netsim_err *err)
{
	const char *fleet = place->topo->fleet;
	auto_close int lock = -1;
	int r = lock_take(fleet, &lock, err);

	if (r < 0)
		return r;
	r = state_read_host(st, err);
	if (r == 0)
		r = machine_check(st, place, err);
	/* The marks first: by them netsim_down() finds what is left if this process is killed. */
	if (r == 0)
		r = machine_mark(st, place, err);
	if (r == 0)
		r = topo_record_keep(place->topo, st->own_id, err);
	if (r < 0 && fresh)
		(void)machine_leave(st, fleet, NULL);
	return r;
}

/* If a dry run succeeds, it takes over the topology. */
static int join(struct state *st, struct topo **topo, const struct netsim_join_opts *o,
		struct netsim_join *ret, struct netsim_err *err)
{
	struct machine_place place = {.topo = *topo, .dry = o->dry_run};
	int r = choose_node(*topo, o->as, &place.node, err);

	ret->fresh = !state_is_machine(st, place.topo->fleet);
	if (r == 0)
		r = o->dry_run ? machine_check(st, &place, err) :
				 join_now(st, &place, ret->fresh, err);
	if (r == 0 && o->dry_run)
		r = machine_mark(st, &place, err);
	if (r == 0)
		r = note(ret, st, &place, err);
	if (r == 0 && o->dry_run) {
		st->assumed_topo = *topo;
		*topo = NULL;
	}
	return r;
}

static int load(const char *path, struct topo **ret, struct netsim_diags *diags,
		struct netsim_err *err)
{
	int r = topo_load(path, ret, diags);

	if (r < 0 || strcmp((*ret)->fleet, TOPO_RECORD_ALONE) != 0)
		return r;
	err_set(err, NETSIM_ERR_INPUT, -EINVAL, &(*ret)->at,
		"the name " TOPO_RECORD_ALONE " stands for a machine without a topology");
	err_hint(err, "give the fleet another name");
	return -EINVAL;
}

int netsim_join(struct netsim *ctx, const char *path, const struct netsim_join_opts *opts,
		struct netsim_join **ret, struct netsim_diags *diags, struct netsim_err *err)
{
	struct netsim_join *result = arena_new(sizeof(*result));
	struct state *st = &ctx->state;
	struct netsim_join_opts o;
	struct topo *topo = NULL;
	bool up = false;
	int r = result ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = state_read_host(st, err);
	if (r == 0 && (o.unless_up || !path))
		r = has_fleet(st, !path, &up, err);
	if (r == 0 && !up)
		r = path ? load(path, &topo, diags, err) :
			   machine_make_topo(st, o.words, o.word_count, &topo, err);
	if (r == 0 && topo)
		r = join(st, &topo, &o, result, err);
	topo_free(topo);
	if (r < 0)
		arena_free(result);
	else
		*ret = result;
	return r;
}

void netsim_join_free(struct netsim_join *join)
{
	arena_free(join);
}

/* --- targets */

/* True if a word of the given length names the machine, false if it names only others. */
static bool names_machine(const struct model *model, const char *word, size_t length)
{
	const struct model_node *machine = &model->nodes[model_machine(model)];
	char pattern[PORT_NODE_NAME * 2];

	snprintf(pattern, sizeof(pattern), "%.*s", (int)length, word);
	return name_match(pattern, machine->name, (const char *const *)machine->roles,
			  machine->role_count);
}

/* True if a target is known, but is no link or path of this machine. */
static bool is_foreign(const struct model *model, const char *word, const char *class)
{
	auto_free bool *marks = calloc(model->node_count + 1, sizeof(*marks));
	size_t first = strcspn(word, ":/");
	auto_free char *node = strndup(word, first);

	if (names_machine(model, word, first) || (class && !word[first]))
		return false;
	if (word[first] == ':' && names_machine(model, word + first + 1, strlen(word) - first - 1))
		return false;
	return marks && node &&
	       (strcmp(node, "host") == 0 || target_nodes(model, node, marks, NULL) > 0);
}

static int refuse_target(const struct model *model, const char *word, struct netsim_err *err)
{
	const char *machine = model->nodes[model_machine(model)].name;

	err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
		"%s: this machine is %s, and can change only its own links and paths", word,
		machine);
	if (strpbrk(word, ":/"))
		err_hint(err, "run this on that machine");
	else
		err_hint(err, "run this on that machine; the path to it is %s:%s", machine, word);
	return -EINVAL;
}

/* "n100-1/eth1" for the interface eth1 of this machine, else the word; NULL: no memory. */
static char *full_target(const struct model *model, const char *word)
{
	const struct link *link = model_find_link(model, MODEL_HOST, word);
	char text[MARK_TEXT];

	return strdup(link && link->machine ? mark_call(link->alias, link->name, text) : word);
}

int machine_copy_targets(const struct model *model, const struct machine_targets *targets,
			 char *buf, size_t size, struct netsim_err *err)
{
	bool machine = model_machine(model) >= 0;
	size_t used = 0;

	*buf = 0;
	for (size_t i = 0; i < targets->count; i++) {
		auto_free char *word = full_target(model, targets->words[i]);

		if (!word)
			return err_oom(err);
		if (machine && is_foreign(model, word, targets->class))
			return refuse_target(model, word, err);
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? " " : "", word);
		if (used < size)
			continue;
		err_set(err, NETSIM_ERR_USAGE, -E2BIG, NULL,
			"the list of targets is longer than %zu bytes", size - 1);
		err_hint(err, "use patterns, or several faults");
		return -E2BIG;
	}
	return 0;
}
