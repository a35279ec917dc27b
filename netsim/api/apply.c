/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply and clear: which devices a user means, and what the profile asks of them. */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "netsim/api/handle.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/target.h"
#include "netsim/kernel/mark.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/intent.h"
#include "netsim/shape/netem.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

/* What a call is about to shape. */
struct selection {
	struct fleet fleet; /* without a name where none is up */
	bool *ports;	    /* which of the model's links */
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
		err_hint(err, "both directions of what goes over it would be delayed twice");
		return -EINVAL;
	}
	slot = array_push(s->bare, s->bare_count);
	if (!slot || !(*slot = strdup(link->name)))
		return err_oom(err);
	return 0;
}

/* A node of the fleet, one of its ports by the kernel's name, or an interface. */
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
		err_set(err, NETSIM_ERR_USAGE, r, NULL,
			"there is no interface %s, and no fleet is up", word);
		return r;
	}
	if (err && err->kind == NETSIM_ERR_NONE)
		*err = unknown;
	return r;
}

static bool only_interfaces(const struct state *st, const struct netsim_shaping *what)
{
	for (size_t i = 0; i < what->target_count; i++) {
		const struct link *link = model_find_link(st->host, MODEL_HOST, what->targets[i]);

		if (!link || MARK_IS_GROUP(link->group))
			return false;
	}
	return what->target_count > 0;
}

/* Chooses the fleet, and reads it once nobody else can be changing it. */
static int open_fleet(struct state *st, const struct netsim_shaping *what, struct selection *s,
		      struct netsim_err *err)
{
	int r;

	/* An interface means the same whatever fleets are up beside it. */
	if (!what->fleet && only_interfaces(st, what))
		return 0;
	r = target_fleet(st, what->fleet, &s->fleet.name, err);
	if (r < 0)
		return r == -ENOENT && !what->fleet ? 0 : r;
	if (!what->dry) {
		r = lock_take(s->fleet.name, &s->fleet.lock, err);
		if (r == 0)
			r = state_read_host(st, err);
	}
	if (r == 0)
		r = state_read(st, s->fleet.name, STATE_PORTS, &s->fleet.model, err);
	if (r < 0)
		return r;
	s->ports = calloc(s->fleet.model->link_count + 1, sizeof(*s->ports));
	return s->ports ? 0 : err_oom(err);
}

static int lock_bare(struct state *st, const struct netsim_shaping *what, struct selection *s,
		     struct netsim_err *err)
{
	int r = 0;

	if (s->bare_count && !what->dry)
		r = lock_take(MARK_BARE, &s->bare_lock, err);
	return r == 0 && s->bare_lock >= 0 ? state_read_host(st, err) : r;
}

static int open_selection(struct netsim *ctx, const struct netsim_shaping *what,
			  struct selection *s, struct netsim_err *err)
{
	struct state *st = &ctx->state;
	int r = state_read_host(st, err);

	*s = (struct selection) {.fleet = FLEET_NONE, .bare_lock = -1};
	s->fleet.st = st;
	if (r == 0)
		r = open_fleet(st, what, s, err);
	for (size_t i = 0; r == 0 && i < what->target_count; i++)
		r = select_word(st, s, what->targets[i], err);
	s->whole = s->fleet.model && what->target_count == 0;
	for (size_t i = 0; r == 0 && s->whole && i < s->fleet.model->link_count; i++)
		s->ports[i] = link_is_port(&s->fleet.model->links[i]);
	return r == 0 ? lock_bare(st, what, s, err) : r;
}

static const char *fleet_name(const struct model *model, int *node, const struct link *link,
			      struct mark *mark)
{
	if (!mark_parse(link->alias, mark) || !mark->iface)
		return NULL;
	*node = model_find_node(model, mark->node);
	return *node >= 0 ? model->nodes[*node].name : NULL;
}

/* The ports of a selection as targets; their texts belong to model and *strings. */
static int fleet_targets(const struct selection *s, const struct intent *intent,
			 struct netem_target **ret, size_t *ret_count, struct netsim_lines *strings,
			 struct netsim_err *err)
{
	struct netem_target *targets = NULL;
	size_t count = 0;
	int r = 0, n = -1;

	for (size_t i = 0; r == 0 && s->fleet.model && i < s->fleet.model->link_count; i++) {
		const struct link *link = &s->fleet.model->links[i];
		struct netem_target *t;
		const char *name;
		struct mark mark;

		if (!s->ports[i] || !(name = fleet_name(s->fleet.model, &n, link, &mark)))
			continue;
		t = array_push(targets, count);
		if (!t || lines_add(strings, err, "%s", mark.iface) < 0) {
			r = err_oom(err);
			break;
		}
		t->device = link->name;
		t->node = name;
		t->iface = link->kind == LINK_VETH ? strings->list[strings->count - 1] : NULL;
		t->bridge = *link->master ? link->master : NULL;
		r = intent_port(intent, &s->fleet.model->nodes[n], mark.iface, &t->conditions, err);
	}
	if (r < 0) {
		free(targets);
		return r;
	}
	*ret = targets;
	*ret_count = count;
	return 0;
}

static int describe(struct netsim_lines *lines, const char *what, const struct link_conditions *c,
		    struct netsim_err *err)
{
	char up[160], down[160];

	conditions_format(&c->up, up, sizeof(up));
	conditions_format(&c->down, down, sizeof(down));
	return lines_add(lines, err, "%s\t%s\t%s", what, c->up.has ? up : "-",
			 c->down.has ? down : "-");
}

static int describe_ports(const struct netem_target *targets, size_t count,
			  struct netsim_lines *ret, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && ret && i < count; i++) {
		char what[256];

		snprintf(what, sizeof(what), "%s%s%s", targets[i].node, targets[i].iface ? "/" : "",
			 targets[i].iface ? targets[i].iface : "");
		r = describe(ret, what, &targets[i].conditions, err);
	}
	return r;
}

/* The selected ports as "node/iface", as the intent names them. */
static int list_ports(const struct selection *s, struct netsim_lines *ret, struct netsim_err *err)
{
	int r = 0, n;

	for (size_t i = 0; r == 0 && i < s->fleet.model->link_count; i++) {
		const char *name;
		struct mark mark;

		if (s->ports[i] &&
		    (name = fleet_name(s->fleet.model, &n, &s->fleet.model->links[i], &mark)))
			r = lines_add(ret, err, "%s/%s", name, mark.iface);
	}
	return r;
}

/* What will have been asked of the fleet, after this call. */
static int next_intent(const struct selection *s, const char *path,
		       const struct netsim_shaping *what, struct intent *ret,
		       struct netsim_diags *diags, struct netsim_err *err)
{
	struct netsim_lines ports = {0};
	int r = s->whole ? 0 : list_ports(s, &ports, err);

	intent_read(s->fleet.name, ret);
	if (r == 0)
		r = intent_add(ret, path, s->whole ? NULL : ports.list, ports.count, diags, err);
	if (s->whole)
		ret->engine = (enum engine)what->engine;
	if (r == 0)
		r = intent_parse(ret, err);
	netsim_lines_free(&ports);
	return r;
}

/* netem for the selected ports; if the programs did it before, for all of them. */
static int shape_by_netem(struct selection *s, const struct intent *intent,
			  struct netem_target *targets, size_t count, struct netsim_err *err)
{
	struct fleet *f = &s->fleet;
	struct netsim_lines strings = {0};
	struct netem_target *all = NULL;
	bool edt = false;
	int r = engine_is_edt(f, &edt, err);

	if (r == 0 && !edt)
		return netem_apply(f->st, f->name, targets, count, err);
	for (size_t i = 0; r == 0 && i < f->model->link_count; i++)
		s->ports[i] = link_is_port(&f->model->links[i]);
	if (r == 0)
		r = fleet_targets(s, intent, &all, &count, &strings, err);
	if (r == 0)
		r = engine_leave_edt(f, err);
	if (r == 0)
		r = netem_apply(f->st, f->name, all, count, err);
	free(all);
	netsim_lines_free(&strings);
	return r;
}

static int shape_by(enum engine engine, struct selection *s, const struct intent *intent,
		    struct netem_target *targets, size_t count, struct netsim_err *err)
{
	struct netsim_err why = {0};
	int r;

	if (engine == ENGINE_EDT)
		return engine_use_edt(&s->fleet, intent, false, err);
	r = shape_by_netem(s, intent, targets, count, &why);
	/* Profiles without delay or rate work without netem. */
	if (r == -ENOENT && why.kind == NETSIM_ERR_ENV && intent->engine == ENGINE_AUTO &&
	    engine_use_edt(&s->fleet, intent, true, NULL) == 0)
		return 0;
	if (r < 0 && err && err->kind == NETSIM_ERR_NONE)
		*err = why;
	return r;
}

static int shape_fleet(struct selection *s, const char *path, const struct netsim_shaping *what,
		       struct netsim_lines *ret, struct netsim_diags *diags, struct netsim_err *err)
{
	struct netem_target *targets = NULL;
	struct netsim_lines strings = {0};
	struct intent intent = {0};
	enum engine engine;
	size_t count = 0;
	int r = next_intent(s, path, what, &intent, diags, err);

	if (r == 0)
		r = engine_choose(&s->fleet, &intent, s->whole, &engine, err);
	if (r == 0)
		r = fleet_targets(s, &intent, &targets, &count, &strings, err);
	if (r == 0)
		r = describe_ports(targets, count, ret, err);
	if (r == 0 && !what->dry)
		r = shape_by(engine, s, &intent, targets, count, err);
	if (r == 0 && !what->dry)
		r = intent_write(s->fleet.name, &intent, err);
	free(targets);
	netsim_lines_free(&strings);
	intent_done(&intent);
	return r;
}

static int shape_bare(struct netsim *ctx, const struct selection *s, const struct profile *profile,
		      const struct netsim_shaping *what, struct netsim_lines *ret,
		      struct netsim_err *err)
{
	auto_free struct netem_target *targets = calloc(s->bare_count + 1, sizeof(*targets));
	struct utsname host;
	int r = 0;

	if (!targets)
		return err_oom(err);
	uname(&host);
	for (size_t i = 0; r == 0 && i < s->bare_count; i++) {
		targets[i].device = s->bare[i];
		targets[i].node = what->as ? what->as : host.nodename;
		r = profile_resolve(profile, targets[i].node, NULL, 0, &targets[i].conditions, err);
		if (r == 0)
			r = describe(ret, s->bare[i], &targets[i].conditions, err);
	}
	if (r == 0 && !what->dry)
		r = netem_apply_bare(&ctx->state, targets, s->bare_count, err);
	return r;
}

/* A profile for one interface has no other nodes to speak of. */
static int refuse_for_bare(const struct profile *profile, struct netsim_err *err)
{
	const struct netsim_loc *at = profile->pair_count  ? &profile->pairs[0].at :
				      profile->class_count ? &profile->classes[0].at :
							     NULL;

	if (at) {
		err_set(err, NETSIM_ERR_INPUT, -EINVAL, at,
			"pairs and classes are for a fleet, not for an interface");
		return -EINVAL;
	}
	if (profile->trace_count) {
		err_set(err, NETSIM_ERR_INPUT, -EINVAL, &profile->at,
			"a trace needs the edt engine, which needs a fleet");
		return -EINVAL;
	}
	return 0;
}

static int shape(struct netsim *ctx, struct selection *s, const struct profile *profile,
		 const char *path, const struct netsim_shaping *what, struct netsim_lines *ret,
		 struct netsim_diags *diags, struct netsim_err *err)
{
	bool ports = s->whole;
	int r = 0;

	for (size_t i = 0; s->fleet.model && i < s->fleet.model->link_count; i++)
		ports |= s->ports[i];
	if (s->bare_count && profile)
		r = refuse_for_bare(profile, err);
	if (r == 0 && ports)
		r = shape_fleet(s, path, what, ret, diags, err);
	if (r == 0 && s->bare_count && profile)
		r = shape_bare(ctx, s, profile, what, ret, err);
	for (size_t i = 0; r == 0 && !profile && i < s->bare_count; i++) {
		bool was = true;

		if (!what->dry)
			r = netem_clear_bare(&ctx->state, s->bare[i], &was, err);
		if (r == 0 && was)
			r = lines_add(ret, err, "%s\t-\t-", s->bare[i]);
	}
	if (s->bare_lock >= 0 && !profile)
		lock_remove(MARK_BARE);
	return r;
}

int netsim_apply(struct netsim *ctx, const char *profile_path, const struct netsim_shaping *what,
		 struct netsim_lines *ret, struct netsim_diags *diags, struct netsim_err *err)
{
	struct profile *profile = NULL;
	struct selection s = {0};
	int r = profile_load(profile_path, &profile, diags);

	if (r < 0)
		return r;
	r = open_selection(ctx, what, &s, err);
	if (r == 0 && !s.fleet.name && !s.bare_count) {
		r = err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL,
			    "no fleet is up, and no interface was named");
		err_hint(err,
			 "build a fleet with `netsim up FILE`, or name an interface: "
			 "netsim apply %s eth1",
			 profile->name);
	}
	if (r == 0 && what->as && !s.bare_count)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "--as is for interfaces: a fleet's nodes have names");
	if (r == 0)
		r = shape(ctx, &s, profile, profile_path, what, ret, diags, err);
	selection_done(&s);
	profile_free(profile);
	return r;
}

/* With no fleet and no target, clear means every interface that netsim shaped. */
static int select_all_bare(struct netsim *ctx, struct selection *s, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ctx->state.host->link_count; i++) {
		const struct link *ifb = &ctx->state.host->links[i], *link;
		struct mark mark;

		if (!state_is_ours(ifb, MARK_BARE) || !mark_parse(ifb->alias, &mark))
			continue;
		link = model_find_link(ctx->state.host, MODEL_HOST, mark.node);
		r = select_bare(s, link ? link : ifb, err);
	}
	return r;
}

int netsim_clear(struct netsim *ctx, const struct netsim_shaping *what, struct netsim_lines *ret,
		 struct netsim_err *err)
{
	struct selection s = {0};
	int r = open_selection(ctx, what, &s, err);

	if (r == 0 && !s.fleet.name && what->target_count == 0) {
		r = select_all_bare(ctx, &s, err);
		if (r == 0)
			r = lock_bare(&ctx->state, what, &s, err);
	}
	if (r == 0)
		r = shape(ctx, &s, NULL, NULL, what, ret, NULL, err);
	selection_done(&s);
	return r;
}

static bool was_there(const struct model *before, const struct link *link)
{
	const struct link *old = model_find_link(before, MODEL_HOST, link->name);

	return old && old->ifindex == link->ifindex;
}

static size_t select_new(struct selection *s, const struct model *before)
{
	const struct model *now = s->fleet.model;
	size_t count = 0;

	for (size_t i = 0; i < now->link_count; i++)
		if (link_is_port(&now->links[i]) && !was_there(before, &now->links[i])) {
			s->ports[i] = true;
			count++;
		}
	return count;
}

int api_shape_new(struct netsim *ctx, const struct model *before, const char *fleet, size_t *ret,
		  struct netsim_err *err)
{
	struct selection s = {.bare_lock = -1};
	struct netem_target *targets = NULL;
	struct netsim_lines strings = {0};
	struct intent intent;
	bool edt = false;
	size_t count = 0;
	int r = fleet_read(&ctx->state, fleet, &s.fleet, err);

	intent_read(fleet, &intent);
	if (r == 0) {
		s.ports = calloc(s.fleet.model->link_count + 1, sizeof(*s.ports));
		r = s.ports ? intent_parse(&intent, err) : err_oom(err);
	}
	if (r == 0)
		count = select_new(&s, before);
	*ret = intent.layer_count ? count : 0;
	if (r == 0 && count)
		r = engine_is_edt(&s.fleet, &edt, err);
	if (r == 0 && edt)
		r = engine_use_edt(&s.fleet, &intent, false, err);
	else if (r == 0 && *ret)
		r = fleet_targets(&s, &intent, &targets, &count, &strings, err);
	if (r == 0 && targets)
		r = netem_apply(&ctx->state, fleet, targets, count, err);
	free(targets);
	netsim_lines_free(&strings);
	intent_done(&intent);
	selection_done(&s);
	return r;
}
