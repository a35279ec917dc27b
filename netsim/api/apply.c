/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply and clear: resolve the targets to devices, and the profile to their conditions. */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "netsim/api/attach.h"
#include "netsim/api/machine.h"
#include "netsim/api/routers.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/fleet/target.h"
#include "netsim/kernel/mark.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/intent.h"
#include "netsim/shape/netem.h"
#include "netsim/shape/targets.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

/* The devices that a call shapes. */
struct selection {
	struct fleet fleet; /* without a name if none is up */
	bool *ports;	    /* true for each selected link of the model */
	char **bare;	    /* interfaces of this machine */
	size_t bare_count;
	bool whole; /* the whole fleet */
	int bare_lock;
};

static void selection_done(struct selection *s)
{
	for (size_t i = 0; i < s->bare_count; i++)
		free(s->bare[i]);
	free(s->bare);
	free(s->ports);
	fleet_close(&s->fleet);
	if (s->bare_lock >= 0)
		close(s->bare_lock);
}

static int select_bare(struct selection *s, const struct link *link, struct netsim_err *err)
{
	char **slot;

	if (strcmp(link->name, "lo") == 0) {
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "lo cannot be shaped");
		err_hint(err, "each packet crosses lo as egress and as ingress, and would be "
			      "delayed twice");
		return -EINVAL;
	}
	slot = array_push(s->bare, s->bare_count);
	if (!slot || !(*slot = strdup(link->name)))
		return err_oom(err);
	return 0;
}

/*
 * Selects what a word names: ports of the fleet (a target, or a port under its name on the host),
 * or an interface of this host.
 */
static int select_word(struct state *st, struct selection *s, const char *word,
		       struct netsim_err *err)
{
	const struct link *link = model_find_link(st->host, MODEL_HOST, word);
	struct netsim_err unknown = {0};
	int r = -ENOENT;

	if (s->fleet.model)
		r = target_ports(s->fleet.model, word, s->ports, &unknown);
	if (r == 0)
		return 0;
	for (size_t i = 0; s->fleet.model && i < s->fleet.model->link_count; i++)
		if (link_is_port(&s->fleet.model->links[i]) &&
		    strcmp(s->fleet.model->links[i].name, word) == 0) {
			s->ports[i] = true;
			return 0;
		}
	if (link)
		return select_bare(s, link, err);
	if (!s->fleet.model) {
		err_set(err, NETSIM_ERR_USAGE, r, NULL, "no interface named %s, and no fleet is up",
			word);
		return r;
	}
	if (err && err->kind == NETSIM_ERR_NONE)
		*err = unknown;
	return r;
}

static bool only_interfaces(const struct state *st, const struct netsim_apply_opts *what)
{
	for (size_t i = 0; i < what->target_count; i++) {
		const struct link *link = model_find_link(st->host, MODEL_HOST, what->targets[i]);
		struct mark mark;

		if (!link || MARK_IS_GROUP(link->group) ||
		    (mark_parse(link->alias, &mark) && mark.attached))
			return false;
	}
	return what->target_count > 0;
}

/* Chooses the fleet, and reads it under its lock unless this is a dry run. */
static int open_fleet(struct state *st, const struct netsim_apply_opts *what, struct selection *s,
		      struct netsim_err *err)
{
	int r;

	/* Targets that are all plain interfaces need no fleet. */
	if (!what->fleet && only_interfaces(st, what))
		return 0;
	r = target_fleet(st, what->fleet, &s->fleet.name, err);
	if (r < 0)
		return r == -ENOENT && !what->fleet ? 0 : r;
	if (!what->dry_run) {
		r = lock_take(s->fleet.name, &s->fleet.lock, err);
		if (r == 0)
			r = state_read_host(st, err);
	}
	if (r == 0)
		r = state_read(st, s->fleet.name, STATE_PORTS, &s->fleet.model, err);
	if (r == 0)
		r = topo_record_add_nodes(st, s->fleet.model, err);
	if (r < 0)
		return r;
	s->ports = calloc(s->fleet.model->link_count + 1, sizeof(*s->ports));
	return s->ports ? 0 : err_oom(err);
}

static int lock_bare(struct state *st, const struct netsim_apply_opts *what, struct selection *s,
		     struct netsim_err *err)
{
	int r = 0;

	if (s->bare_count && !what->dry_run)
		r = lock_take(MARK_BARE, &s->bare_lock, err);
	return r == 0 && s->bare_lock >= 0 ? state_read_host(st, err) : r;
}

/* True if all interfaces of this machine, which is a node, are selected: these are its ports. */
static bool has_all_of_machine(const struct selection *s)
{
	bool all = model_machine(s->fleet.model) >= 0;

	for (size_t i = 0; i < s->fleet.model->link_count; i++)
		all &= s->ports[i] || !link_is_port(&s->fleet.model->links[i]);
	return all;
}

static int open_selection(struct state *st, const struct netsim_apply_opts *what,
			  struct selection *s, struct netsim_err *err)
{
	int r = state_read_host(st, err);

	*s = (struct selection) {.fleet = FLEET_NONE, .bare_lock = -1};
	s->fleet.st = st;
	if (r == 0)
		r = open_fleet(st, what, s, err);
	for (size_t i = 0; r == 0 && i < what->target_count; i++)
		r = select_word(st, s, what->targets[i], err);
	s->whole = s->fleet.model && (what->target_count == 0 || has_all_of_machine(s));
	for (size_t i = 0; r == 0 && s->whole && i < s->fleet.model->link_count; i++)
		s->ports[i] = link_is_port(&s->fleet.model->links[i]);
	return r == 0 ? lock_bare(st, what, s, err) : r;
}

static int check_frames(const struct link_conditions *c, unsigned mtu, const char *name,
			struct netsim_err *err)
{
	int r = conditions_check_frame(&c->up, mtu, name, err);

	return r == 0 ? conditions_check_frame(&c->down, mtu, name, err) : r;
}

static unsigned host_mtu(const struct state *st, const char *device)
{
	const struct link *link = model_find_link(st->host, MODEL_HOST, device);

	return link ? link->mtu : 0;
}

static int check_all_frames(const struct state *st, const struct netem_targets *targets,
			    struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < targets->count; i++)
		r = check_frames(&targets->list[i].conditions,
				 host_mtu(st, targets->list[i].device), targets->list[i].device,
				 err);
	return r;
}

/* One call of apply or clear. */
struct shaping {
	struct state *st;
	const struct netsim_apply_opts *opts;
	struct selection selection;
	struct intent_layer asked; /* no profile: clear */
	struct intent intent;	   /* of the fleet, including asked */
	struct netsim_apply *done;
	struct netsim_err *err;
	bool was_shaped, was_edt; /* the fleet, before the call */
	size_t lost_pairs;	  /* those of asked in which no node is meant */
};

static int note(struct shaping *run, const char *name, const struct link_conditions *c)
{
	struct netsim_shaped *shaped = arena_push(run->done, run->done->list, run->done->count);
	char up[160] = "", down[160] = "";

	if (!shaped)
		return err_oom(run->err);
	if (c && c->up.has)
		conditions_format(&c->up, up, sizeof(up));
	if (c && c->down.has)
		conditions_format(&c->down, down, sizeof(down));
	shaped->name = arena_strdup(run->done, name);
	shaped->up = arena_strdup(run->done, up);
	shaped->down = arena_strdup(run->done, down);
	return shaped->name && shaped->up && shaped->down ? 0 : err_oom(run->err);
}

/* One line for a cable: up is what its first end sends into it, down what the other one does. */
static int note_cable(struct shaping *run, const struct netem_targets *targets, size_t at)
{
	const struct netem_target *t = &targets->list[at], *other = t;
	struct link_conditions both;
	char name[256];

	for (size_t i = 0; other == t && i < targets->count; i++)
		if (i != at && targets->list[i].cable &&
		    strcmp(targets->list[i].node, t->node) == 0)
			other = &targets->list[i];
	if (other == t) {
		snprintf(name, sizeof(name), "%s/%s", t->node, t->cable);
		return note(run, name, &t->conditions);
	}
	both.up = (t->first ? t : other)->conditions.down;
	both.down = (t->first ? other : t)->conditions.down;
	return other > t ? note(run, t->node, &both) : 0;
}

static int note_ports(struct shaping *run, const struct netem_targets *targets)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < targets->count; i++) {
		const struct netem_target *t = &targets->list[i];
		char name[256];

		if (t->cable) {
			r = note_cable(run, targets, i);
			continue;
		}

		snprintf(name, sizeof(name), "%s%s%s", t->node, t->iface ? "/" : "",
			 t->iface ? t->iface : "");
		r = note(run, name, &t->conditions);
	}
	return r;
}

/* Lists the selected ports as "node/iface", the form used by the intent; allocated in arena. */
static int list_ports(const struct selection *s, void *arena, char ***ret, size_t *count,
		      struct netsim_err *err)
{
	const struct model *model = s->fleet.model;

	*ret = arena_alloc(arena, (model->link_count + 1) * sizeof(**ret));
	*count = 0;
	for (size_t i = 0; *ret && i < model->link_count; i++) {
		struct mark mark;
		int n = s->ports[i] ? model_node_of_port(model, &model->links[i], &mark) : -1;

		if (n < 0)
			continue;
		(*ret)[*count] = arena_printf(arena, "%s/%s", model->nodes[n].name, mark.iface);
		if (!(*ret)[(*count)++])
			return err_oom(err);
	}
	return *ret ? 0 : err_oom(err);
}

/* Computes the intent of the fleet after this call. */
static int next_intent(struct shaping *run, struct intent *ret)
{
	const struct selection *s = &run->selection;
	void *arena = arena_new(0);
	char **ports = NULL;
	size_t count = 0;
	int r = !arena	 ? err_oom(run->err) :
		s->whole ? 0 :
			   list_ports(s, arena, &ports, &count, run->err);

	if (r == 0)
		r = intent_read(s->fleet.name, ret, run->err);
	run->was_shaped = ret->layer_count > 0;
	if (r == 0)
		r = intent_add(ret, &run->asked, ports, count, run->err);
	if (s->whole)
		ret->engine = (enum engine)run->opts->engine;
	if (r == 0)
		r = intent_parse(ret, run->err);
	arena_free(arena);
	return r;
}

/*
 * Shapes the selected ports by netem; or all ports, if the edt engine was in use before, or if
 * there are cables between networks: what all nodes send may have to cross them.
 */
static int shape_by_netem(struct selection *s, const struct intent *intent,
			  const struct netem_targets *targets, struct netsim_err *err)
{
	struct netem_targets all = {0};
	struct fleet *f = &s->fleet;
	bool edt = false;
	int r = engine_is_edt(f, &edt, err);

	if (r == 0 && !edt && !model_has_cables(f->model))
		return netem_apply(f->st, f->name, targets->list, targets->count, err);
	for (size_t i = 0; r == 0 && i < f->model->link_count; i++)
		s->ports[i] = link_is_port(&f->model->links[i]);
	if (r == 0)
		r = targets_make(s->fleet.model, s->ports, intent, &all, err);
	if (r == 0 && edt)
		r = engine_leave_edt(f, err);
	if (r == 0)
		r = netem_apply(f->st, f->name, all.list, all.count, err);
	targets_done(&all);
	return r;
}

/* After netem was refused: puts the record back in force, which is still the one before. */
static void return_to_edt(struct fleet *f)
{
	struct intent before;

	if (intent_read(f->name, &before, NULL) == 0 && intent_parse(&before, NULL) == 0)
		(void)engine_use_edt(f, &before, false, NULL);
	intent_done(&before);
}

static int shape_by(enum engine engine, struct selection *s, bool was_edt,
		    const struct intent *intent, const struct netem_targets *targets,
		    struct netsim_err *err)
{
	struct netsim_err why = {0};
	int r;

	if (engine == ENGINE_EDT)
		return engine_use_edt(&s->fleet, intent, false, err);
	r = shape_by_netem(s, intent, targets, &why);
	r = r == 0 ? engine_put_classes(&s->fleet, intent, err) :
		     engine_without_netem(&s->fleet, intent, r, &why, err);
	if (r < 0 && was_edt)
		return_to_edt(&s->fleet);
	return r;
}

/* Fills in the engine in use, and the numbers of pairs and classes in the profile. */
static int note_engine(struct shaping *run, enum engine chosen)
{
	const struct profile *whole = intent_whole(&run->intent);
	bool edt = chosen == ENGINE_EDT;
	int r = run->opts->dry_run ? 0 : engine_is_edt(&run->selection.fleet, &edt, run->err);

	if (r < 0 || !run->intent.layer_count)
		return r;
	run->done->engine = edt ? NETSIM_ENGINE_EDT : NETSIM_ENGINE_NETEM;
	run->done->moved = run->was_shaped && edt != run->was_edt;
	run->done->pair_count = whole ? whole->pair_count - run->lost_pairs : 0;
	run->done->class_count = whole ? whole->class_count : 0;
	return 0;
}

/* Lists the ports of attached nodes that do not exist now. */
static int note_missing(struct shaping *run)
{
	struct attachment attachment;
	int r = attach_look(run->st, run->selection.fleet.name, &attachment, run->err);

	if (r == 0)
		r = attach_list(run->done, &attachment, &run->done->missing,
				&run->done->missing_count, run->err);
	attach_done(&attachment);
	return r;
}

static int shape_fleet(struct shaping *run)
{
	struct selection *s = &run->selection;
	bool dry = run->opts->dry_run;
	struct netem_targets targets = {0};
	struct intent_draft record = {.text = NULL};
	struct intent *intent = &run->intent;
	enum engine engine;
	int r = next_intent(run, intent);

	if (r == 0)
		r = engine_choose(&s->fleet, intent, s->whole, &engine, run->err);
	if (r == 0)
		r = engine_is_edt(&s->fleet, &run->was_edt, run->err);
	if (r == 0)
		r = targets_make(s->fleet.model, s->ports, intent, &targets, run->err);
	if (r == 0)
		r = check_all_frames(run->st, &targets, run->err);
	if (r == 0)
		r = note_ports(run, &targets);
	if (r == 0 && !dry)
		r = intent_draft(s->fleet.name, intent, &record, run->err);
	if (r == 0 && !dry)
		r = shape_by(engine, s, run->was_edt, intent, &targets, run->err);
	if (r == 0 && !dry)
		r = intent_publish(&record, run->err);
	intent_discard(&record);
	if (r == 0)
		r = note_engine(run, engine);
	if (r == 0)
		r = note_missing(run);
	targets_done(&targets);
	return r;
}

/* Refuses a name that no entry under nodes matches: it would silently get the default. */
static int check_as(const struct profile *profile, const char *name, struct netsim_err *err)
{
	auto_free const char **names = calloc(profile->rule_count + 1, sizeof(*names));
	const char *near;
	size_t count = 0;

	if (!names)
		return err_oom(err);
	for (size_t i = 0; i < profile->rule_count; i++) {
		const char *pattern = profile->rules[i].pattern;

		if (pattern && name_match(pattern, name, NULL, 0))
			return 0;
		if (pattern)
			names[count++] = pattern;
	}
	if (!count)
		return 0;
	near = name_nearest(name, names, count);
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "--as %s: the profile has no entry for it",
		name);
	if (near)
		err_hint(err, "did you mean %s?", near);
	else
		err_hint(err, "its entries are %s%s%s%s", names[0], count > 1 ? ", " : "",
			 count > 1 ? names[1] : "", count > 2 ? ", ..." : "");
	return -ENOENT;
}

static int shape_bare(struct shaping *run, const struct profile *profile)
{
	const struct selection *s = &run->selection;
	auto_free struct netem_target *targets = calloc(s->bare_count + 1, sizeof(*targets));
	struct utsname host;
	int r = 0;

	if (!targets)
		return err_oom(run->err);
	uname(&host);
	if (run->opts->as)
		r = check_as(profile, run->opts->as, run->err);
	for (size_t i = 0; r == 0 && i < s->bare_count; i++) {
		targets[i].device = s->bare[i];
		targets[i].node = run->opts->as ? run->opts->as : host.nodename;
		r = profile_resolve(profile, targets[i].node, NULL, 0, &targets[i].conditions,
				    run->err);
		if (r == 0)
			r = check_frames(&targets[i].conditions, host_mtu(run->st, s->bare[i]),
					 s->bare[i], run->err);
		if (r == 0)
			r = note(run, s->bare[i], &targets[i].conditions);
	}
	if (r == 0 && !run->opts->dry_run)
		r = netem_apply_bare(run->st, targets, s->bare_count, run->err);
	return r;
}

static int clear_bare(struct shaping *run)
{
	const struct selection *s = &run->selection;
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->bare_count; i++) {
		bool was = true;

		if (!run->opts->dry_run)
			r = netem_clear_bare(run->st, s->bare[i], &was, run->err);
		if (r == 0 && was)
			r = note(run, s->bare[i], NULL);
	}
	if (s->bare_lock >= 0)
		lock_remove(MARK_BARE);
	return r;
}

/* Plain interfaces have no peers, and only netem: refuses what needs a fleet. */
static int refuse_for_bare(const struct profile *profile, struct netsim_err *err)
{
	const struct netsim_loc *at = profile->pair_count  ? &profile->pairs[0].at :
				      profile->class_count ? &profile->classes[0].at :
							     NULL;

	if (at) {
		err_set(err, NETSIM_ERR_INPUT, -EINVAL, at,
			"pairs and classes need a fleet; this target is an interface");
		return -EINVAL;
	}
	if (profile->trace_count)
		return err_set(err, NETSIM_ERR_INPUT, -EINVAL, &profile->at,
			       "a trace needs the edt engine, which needs a fleet");
	at = profile_find(profile, COND_LARGER);
	return at ? err_set(err, NETSIM_ERR_INPUT, -EINVAL, at,
			    "larger needs the programs at ports, which need a fleet") :
		    0;
}

/* Shapes the selection; profile is NULL to clear it. */
static int shape(struct shaping *run, const struct profile *profile)
{
	struct selection *s = &run->selection;
	bool ports = s->whole;
	int r = 0;

	for (size_t i = 0; s->fleet.model && i < s->fleet.model->link_count; i++)
		ports |= s->ports[i];
	if (s->bare_count && profile)
		r = refuse_for_bare(profile, run->err);
	if (r == 0 && ports)
		r = shape_fleet(run);
	if (r == 0 && s->bare_count)
		r = profile ? shape_bare(run, profile) : clear_bare(run);
	return r;
}

static int refuse_selection(const struct shaping *run, struct netsim_err *err)
{
	const struct selection *s = &run->selection;

	if (!s->fleet.name && !s->bare_count) {
		err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL,
			"no fleet is up, and no interface is given");
		err_hint(err,
			 "build a fleet with `netsim up FILE`, or name an interface: "
			 "netsim apply %s eth1",
			 run->asked.profile);
		return -ENOENT;
	}
	if (run->opts->as && !s->bare_count)
		return err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			       "--as is only for interfaces: ports of a fleet use the entry of "
			       "their node");
	return 0;
}

static int finish(struct shaping *run, int r, struct netsim_apply **ret)
{
	selection_done(&run->selection);
	intent_layer_done(&run->asked);
	intent_done(&run->intent);
	if (r < 0)
		arena_free(run->done);
	else
		*ret = run->done;
	return r;
}

/* A fleet's nodes are known only now; the file of an interface has no names to compare. */
static void warn_names(struct shaping *run, struct netsim_diags *diags)
{
	const struct model *model = run->selection.fleet.model;
	auto_free const char **nodes = NULL, **roles = NULL;
	struct profile_fleet fleet = {0};

	if (!model)
		return;
	nodes = calloc(model->node_count + 1, sizeof(*nodes));
	roles = calloc(model->node_count * TOPO_ROLES_MAX + 1, sizeof(*roles));
	if (!nodes || !roles)
		return;
	fleet = (struct profile_fleet) {.nodes = nodes, .roles = roles};
	for (size_t n = 0; n < model->node_count; n++) {
		const struct model_node *node = &model->nodes[n];

		nodes[fleet.node_count++] = node->name;
		for (size_t i = 0; i < node->role_count && i < TOPO_ROLES_MAX; i++)
			roles[fleet.role_count++] = node->roles[i];
	}
	profile_warn_names(run->asked.parsed, &fleet, diags);
	if (fleet.node_count && run->selection.whole)
		run->lost_pairs = profile_warn_pairs(run->asked.parsed, &fleet, diags);
}

int netsim_apply(struct netsim *ctx, const char *profile, const struct netsim_apply_opts *opts,
		 struct netsim_apply **ret, struct netsim_diags *diags, struct netsim_err *err)
{
	struct netsim_apply_opts o;
	struct shaping run = {.st = &ctx->state,
			      .opts = &o,
			      .selection = {.fleet = FLEET_NONE, .bare_lock = -1},
			      .done = arena_new(sizeof(*run.done)),
			      .err = err};
	int r = run.done ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = intent_load(profile, &run.asked, diags, err);
	if (r == 0)
		r = open_selection(run.st, &o, &run.selection, err);
	if (r == 0)
		r = refuse_selection(&run, err);
	if (r == 0)
		warn_names(&run, diags);
	if (r == 0 && run.selection.fleet.model)
		r = routers_check_profile(&run.selection.fleet, run.asked.parsed, err);
	if (r == 0)
		r = shape(&run, run.asked.parsed);
	return finish(&run, r, ret);
}

/* clear on a machine that is a node: leaves its interfaces as it found them. */
static int leave(struct shaping *run)
{
	const struct selection *s = &run->selection;
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->fleet.model->link_count; i++)
		if (s->ports[i])
			r = note(run, s->fleet.model->links[i].name, NULL);
	if (r == 0 && !run->opts->dry_run)
		r = machine_leave(run->st, s->fleet.name, run->err);
	if (r == 0 && s->bare_count)
		r = clear_bare(run);
	return r;
}

/* clear without fleet and target: selects every interface that netsim shaped. */
static int select_all_bare(struct state *st, struct selection *s, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < st->host->link_count; i++) {
		const struct link *ifb = &st->host->links[i], *link;
		struct mark mark;

		if (!state_is_ours(ifb, MARK_BARE) || !mark_parse(ifb->alias, &mark))
			continue;
		link = model_find_link(st->host, MODEL_HOST, mark.node);
		r = select_bare(s, link ? link : ifb, err);
	}
	return r;
}

int netsim_clear(struct netsim *ctx, const struct netsim_apply_opts *opts,
		 struct netsim_apply **ret, struct netsim_err *err)
{
	struct netsim_apply_opts o;
	struct shaping run = {.st = &ctx->state,
			      .opts = &o,
			      .selection = {.fleet = FLEET_NONE, .bare_lock = -1},
			      .done = arena_new(sizeof(*run.done)),
			      .err = err};
	struct selection *s = &run.selection;
	int r = run.done ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = open_selection(run.st, &o, s, err);
	if (r == 0 && !s->fleet.name && o.target_count == 0) {
		r = select_all_bare(run.st, s, err);
		if (r == 0)
			r = lock_bare(run.st, &o, s, err);
	}
	if (r == 0)
		r = s->whole && model_machine(s->fleet.model) >= 0 ? leave(&run) :
								     shape(&run, NULL);
	return finish(&run, r, ret);
}

void netsim_apply_free(struct netsim_apply *apply)
{
	arena_free(apply);
}
