/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify: lists the paths of a fleet with their expected conditions; verify/ measures them. */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/api/inside.h"
#include "netsim/api/verify_parts.h"
#include "netsim/kernel/bridge_filter.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/policy/policy.h"
#include "netsim/shape/drift.h"
#include "netsim/shape/edt.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/expected.h"
#include "netsim/shape/intent.h"
#include "netsim/shape/netem.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#define FULL_MESH  40  /* up to this many places, every pair is measured */
#define NEARBY	   4   /* above that, distances 1, 3, 9, 27 in each direction of the list */
#define MORE_PAIRS 400 /* upper bound of other pairs, with conditions of their own, to measure */

static void view_done(struct view *v)
{
	verify_run_done(&v->run);
	intent_done(&v->intent);
	classes_free(v->classes);
	free(v->qdiscs.list);
	free(v->places);
	free(v->rows.list);
	free(v->inside);
	free(v->named);
	fleet_close(&v->fleet);
}

/* --- paths */

static bool connected(const struct view *v, size_t a, size_t b)
{
	const struct place *x = &v->places[a], *y = &v->places[b];
	const struct ip *ip = &v->run.links[a].ip;

	/* Guests only answer, and only the host pings them. */
	if (x->guest || (y->guest && x->node != MODEL_HOST))
		return false;
	return x->node != y->node && x->end != y->end && cable_connects(&x->at, &y->at) &&
	       ip->family == v->run.links[b].ip.family &&
	       (x->at.routed || ip_in_prefix(&v->run.links[b].ip, ip));
}

/* Samples pairs in a large fleet: each place has a few partners, near and far in the list. */
static bool is_sampled(const struct view *v, size_t a, size_t b)
{
	size_t n = v->place_count, distance = (b + n - a) % n, step = 1;

	if (n <= FULL_MESH)
		return true;
	for (int i = 0; i < NEARBY; i++, step *= 3)
		if (distance == step || n - distance == step)
			return true;
	return false;
}

static const char *name_of(const struct view *v, const struct place *place)
{
	return place->node == MODEL_HOST ? "host" : v->fleet.model->nodes[place->node].name;
}

static struct expected_end end_of(const struct view *v, const struct place *place)
{
	return (struct expected_end) {
		place->node == MODEL_HOST ? NULL : &v->fleet.model->nodes[place->node]};
}

/* Reads cuts from the intent or, if that is lost, from the policy in the kernel. */
static bool is_cut(const struct view *v, const struct place *from, const struct place *to,
		   const char *class)
{
	const struct expected_traffic traffic = {class, from->at.tag};

	int a = v->fleet.policy ? policy_node(v->fleet.policy, name_of(v, from)) : -1;
	int b = v->fleet.policy ? policy_node(v->fleet.policy, name_of(v, to)) : -1;

	if (expected_cut(&v->intent, end_of(v, from), end_of(v, to), traffic))
		return true;
	return !v->known && a >= 0 && b >= 0 && !policy_reaches(v->fleet.policy, a, b);
}

/* Returns whether the host's end of a place's cable is up now. */
static bool is_up(const struct view *v, const struct place *place)
{
	return !place->at.port || verify_port_is_up(v, place->at.port);
}

/* Returns the expected conditions of a place's cable. */
static int asked_of(const struct view *v, const struct place *place, struct link_conditions *ret,
		    enum expected_state *ret_state, struct netsim_err *err)
{
	*ret = (struct link_conditions) {0};
	*ret_state = EXPECTED_UP;
	return place->node == MODEL_HOST ?
		       0 :
		       verify_port(v, &(struct verify_port) {place->at.port, place->at.tag}, ret,
				   ret_state, err);
}

/* Expected conditions of a place. */
struct asked {
	struct link_conditions link;
	enum expected_state state;
};

static bool has_address(const struct class *class, const struct ip *ip)
{
	for (size_t i = 0; i < class->address_count; i++)
		if (ip_in_prefix(ip, &class->addresses[i]))
			return true;
	return !class->address_count;
}

/*
 * Chooses protocol and port of probes that match a class, and whose answers do; false if there are
 * none.
 */
static bool choose_probe(const struct class *class, const struct view *v, struct probe_path *probe)
{
	if ((class->vlan && class->vlan != v->places[probe->from].at.tag) || class->from.count ||
	    class->to.count ||
	    (!has_address(class, &v->run.links[probe->from].ip) &&
	     !has_address(class, &v->run.links[probe->to].ip)))
		return false;
	for (size_t i = 0; i < class->match_count; i++) {
		const struct class_match *match = &class->matches[i];

		if ((match->protocol != IPPROTO_TCP && match->protocol != IPPROTO_UDP) ||
		    !match->port_first)
			continue;
		probe->protocol = match->protocol;
		probe->port = match->port_first;
		return true;
	}
	return false;
}

/* Returns why the conditions of a hop cannot be measured; NULL: they can. */
static const char *why_of(const struct conditions *c, enum expected_state state)
{
	if (cond_has(c, COND_TRACE))
		return "a trace varies them";
	if (cond_has(c, COND_LARGER) && c->larger.bytes < PROBE_PACKET)
		return "the probes are larger than what passes";
	return state == EXPECTED_FLAPS ? "its link flaps" : NULL;
}

/* Sets *ret if a fault holds traffic of no class, or what a guest answers: nothing passes. */
static int is_held(const struct view *v, const struct place *from, const struct place *to,
		   const struct verify_path *path, bool *ret, struct netsim_err *err)
{
	struct conditions c = {0}, answer = {0};
	int r = 0;

	if (v->known)
		r = expected_path(&v->intent, end_of(v, from), end_of(v, to), NULL, &c, err);
	if (r == 0 && v->known && to->guest)
		r = expected_path(&v->intent, end_of(v, to), end_of(v, from), NULL, &answer, err);
	*ret = (path->up.has | path->down.has | c.has | answer.has) & 1U << COND_HOLD;
	return r;
}

/* Fills the expected conditions of a path between two places. */
static int fill_path(const struct view *v, size_t a, size_t b, const struct asked *asked,
		     struct verify_path *path, struct netsim_err *err)
{
	const struct place *from = &v->places[a], *to = &v->places[b];
	/* An echo crosses the guest's link in both directions. */
	const struct asked *sender = to->guest ? &asked[b] : &asked[a];
	int r = v->known ? expected_path(&v->intent, end_of(v, from), end_of(v, to), path->traffic,
					 &path->path, err) :
			   0;
	bool held = false;

	path->up = sender->link.up;
	path->down = asked[b].link.down;
	if (r == 0)
		r = verify_crossing(v, from, to, path, err);
	if (r == 0)
		r = is_held(v, from, to, path, &held, err);
	path->cut |= held || is_cut(v, from, to, NULL) || asked[a].state == EXPECTED_DOWN ||
		     asked[b].state == EXPECTED_DOWN;
	path->cut_alone = path->traffic && !path->cut &&
			  (is_cut(v, from, to, path->traffic) || cond_has(&path->path, COND_HOLD));
	path->cut |= path->cut_alone;
	if (to->guest) {
		path->echo = true;
		path->cut |= is_cut(v, to, from, NULL);
	}
	path->why_up = why_of(&path->up, sender->state);
	if (!path->why_path)
		path->why_path = why_of(&path->path, EXPECTED_UP);
	path->why_down = why_of(&path->down, asked[b].state);
	path->skip = path->why_up || path->why_path || path->why_down;
	return r;
}

/*
 * Chooses the pairs to measure: those sampled and, as far as there is room, others with
 * conditions of their own; counts those that are not measured.
 */
static bool choose_pair(struct view *v, size_t a, size_t b, struct netsim_err *err)
{
	enum verify_pair_choice choice = verify_choose_named(v, a, b);
	struct conditions c = {0};

	if (choice == VERIFY_PAIR_NEVER)
		return false;
	if (choice == VERIFY_PAIR_ALWAYS || is_sampled(v, a, b))
		return true;
	if (!v->known ||
	    expected_path(&v->intent, end_of(v, &v->places[a]), end_of(v, &v->places[b]), NULL, &c,
			  err) < 0 ||
	    !c.has)
		return false;
	if (v->more_pairs < MORE_PAIRS)
		return ++v->more_pairs;
	v->pairs_left++;
	return false;
}

/* Adds a path for a class of traffic; class NULL: for traffic of no class. */
static int add_path(struct view *v, size_t a, size_t b, const struct asked *asked,
		    const struct class *class, struct netsim_err *err)
{
	const struct place *from = &v->places[a], *to = &v->places[b];
	struct probe_path probe = {.from = a, .to = b};
	struct verify_path *path;

	if (class && (to->guest || !choose_probe(class, v, &probe)))
		return 0;
	path = verify_run_add(&v->run);
	if (!path)
		return err_oom(err);
	path->from = from->end;
	path->to = to->end;
	path->from_name = from->name;
	path->to_name = to->name;
	path->traffic = class ? class->name : NULL;
	if (to->guest)
		probe.protocol = IPPROTO_ICMP;
	v->run.probes[v->run.path_count - 1] = probe;
	return fill_path(v, a, b, asked, path, err);
}

/* Returns the expected conditions of each place now; the caller frees *ret. */
static int ask_places(const struct view *v, struct asked **ret, struct netsim_err *err)
{
	int r;

	*ret = calloc(v->place_count + 1, sizeof(**ret));
	r = *ret ? 0 : err_oom(err);
	for (size_t i = 0; r == 0 && i < v->place_count; i++)
		r = asked_of(v, &v->places[i], &(*ret)[i].link, &(*ret)[i].state, err);
	return r;
}

/*
 * Adds a path for each pair that can exchange packets: one for traffic of no class,
 * and one for each class with separate conditions.
 */
static int collect_paths(struct view *v, struct netsim_err *err)
{
	auto_free const char **classes = NULL;
	auto_free struct asked *asked = NULL;
	size_t class_count = 0;
	int r = ask_places(v, &asked, err);

	if (r == 0)
		r = expected_classes(&v->intent, &classes, &class_count, err);
	for (size_t a = 0; r == 0 && a < v->place_count; a++)
		for (size_t b = 0; r == 0 && b < v->place_count; b++) {
			if (!connected(v, a, b) || !choose_pair(v, a, b, err))
				continue;
			r = add_path(v, a, b, asked, NULL, err);
			for (size_t c = 0; r == 0 && v->classes && c < v->classes->count; c++)
				if (verify_has_class(&v->classes->list[c], classes, class_count))
					r = add_path(v, a, b, asked, &v->classes->list[c], err);
		}
	return r;
}

/* --- the intent */

/* Returns whether a profile, not only faults, has conditions of a link in the programs. */
static bool has_base(const struct view *v, size_t link)
{
	const struct policy *policy = v->fleet.policy;
	uint16_t number = policy ? policy_link(policy, link) : 0;
	const struct port_key up = {.from = number, .hop = PORT_HOP_UP};
	const struct port_key down = {.to = number, .hop = PORT_HOP_DOWN};
	struct port_conditions c;

	return number && (policy_base_at(policy, policy_slot(policy), up, &c) == 0 ||
			  policy_base_at(policy, policy_slot(policy), down, &c) == 0);
}

static bool any_shaped(const struct view *v)
{
	for (size_t i = 0; i < v->fleet.model->link_count; i++) {
		struct link_conditions c;

		if (!link_is_port(&v->fleet.model->links[i]))
			continue;
		netem_seen(v->fleet.st, &v->qdiscs, &v->fleet.model->links[i], &c);
		if (c.up.has || c.down.has || has_base(v, i))
			return true;
	}
	return false;
}

static int find_intent(struct view *v, struct netsim_err *err)
{
	const struct profile *whole;
	int r;

	r = intent_read_parsed(v->fleet.model->fleet, &v->intent, err);
	if (r < 0)
		return r;
	whole = intent_whole(&v->intent);
	v->known = v->intent.layer_count || v->intent.fault_count || v->intent.pulled_count;
	v->from_kernel = !v->intent.layer_count && any_shaped(v);
	if (whole)
		snprintf(v->basis, sizeof(v->basis), "profile %s%s", whole->name,
			 v->intent.layer_count > 1 ? " (some nodes have another)" : "");
	else if (v->intent.layer_count)
		snprintf(v->basis, sizeof(v->basis), "profiles for some nodes");
	else if (v->from_kernel)
		snprintf(v->basis, sizeof(v->basis),
			 "the kernel's state (the record of the profile is lost)");
	else
		snprintf(v->basis, sizeof(v->basis), "no profile (everything passes)");
	return engine_load_classes(whole, &v->classes, err);
}

static bool tell(void *arg, const char *what, double done)
{
	const struct netsim_verify_opts *o = arg;

	return o->progress &&
	       o->progress(o->arg, &(struct netsim_progress) {.what = what, .done = done});
}

static int open_view(struct netsim *ctx, const struct netsim_verify_opts *o, struct view *v,
		     struct netsim_err *err)
{
	struct fleet *f = &v->fleet;
	int r = fleet_open(&ctx->state, o->fleet, FLEET_LOOK_INSIDE, f, err);

	v->run = (struct verify_run) {
		.own_fd = ctx->state.own_fd, .quick = o->quick, .progress = tell, .arg = (void *)o};
	if (r == 0)
		r = fleet_find_policy(f, err);
	if (r == 0)
		r = qdisc_list(f->st->rt, &v->qdiscs, err);
	if (r == 0)
		r = find_intent(v, err);
	if (r == 0)
		r = verify_places(v, err);
	if (r == 0)
		r = verify_name_nodes(v, o, err);
	return r == 0 ? collect_paths(v, err) : r;
}

static const char changed[] = "its conditions changed during the measurement";

static bool differs(const struct conditions *a, const struct conditions *b)
{
	char was[1024], is[1024];

	conditions_format(a, was, sizeof(was));
	conditions_format(b, is, sizeof(is));
	return strcmp(was, is) != 0;
}

/* Skips a path whose expected conditions have changed; returns true if they have. */
static bool skip_if_changed(struct verify_path *path, const struct verify_path *now)
{
	bool up = differs(&path->up, &now->up), down = differs(&path->down, &now->down);
	bool between = differs(&path->path, &now->path) || path->cut != now->cut;

	if (up)
		path->why_up = changed;
	if (between)
		path->why_path = changed;
	if (down)
		path->why_down = changed;
	path->skip |= up || between || down;
	return up || between || down;
}

/* Skips paths affected by a partition, fault or profile that began or ended in this time. */
static int skip_changed(struct view *v, struct netsim_err *err)
{
	auto_free struct asked *asked = NULL;
	struct intent before = v->intent;
	bool any = false;
	int r;

	r = intent_read_parsed(v->fleet.model->fleet, &v->intent, err);
	if (r == 0)
		r = ask_places(v, &asked, err);
	for (size_t p = 0; r == 0 && p < v->run.path_count; p++) {
		const struct probe_path *probe = &v->run.probes[p];
		struct verify_path now = {.traffic = v->run.paths[p].traffic};

		r = fill_path(v, probe->from, probe->to, asked, &now, err);
		any |= skip_if_changed(&v->run.paths[p], &now);
	}
	for (size_t i = 0; any && i < v->run.rate_count; i++)
		if (!verify_rate_fits(&v->run.rates[i]))
			v->run.rates[i].why = changed;
	intent_done(&v->intent);
	v->intent = before;
	return r;
}

/* Describes the qdiscs inside the nodes in lists[0] (up) and lists[1]; NULL if there are none. */
static int look_inside(struct view *v, const char **lists[2], struct netsim_err *err)
{
	int r = 0;

	free(v->inside);
	v->inside = calloc(v->run.end_count + 1, sizeof(*v->inside));
	if (!v->inside)
		return err_oom(err);
	for (size_t i = 0; r == 0 && i < v->place_count; i++) {
		const struct place *place = &v->places[i];
		struct inside *inside = &v->inside[place->end];

		if (!place->link || *inside->up || *inside->down)
			continue;
		r = inside_describe(v->fleet.st, v->fleet.model, place->link, true, inside->up,
				    sizeof(inside->up), err);
		if (r == 0)
			r = inside_describe(v->fleet.st, v->fleet.model, place->link, false,
					    inside->down, sizeof(inside->down), err);
	}
	for (size_t e = 0; e < v->run.end_count; e++) {
		lists[0][e] = *v->inside[e].up ? v->inside[e].up : NULL;
		lists[1][e] = *v->inside[e].down ? v->inside[e].down : NULL;
	}
	return r;
}

/* Explains failed reach: by a link that is down, or by the host's bridge filter. */
static void explain_reach(const struct view *v, struct verify_row *row)
{
	for (size_t i = 0; i < v->place_count; i++) {
		const struct place *place = &v->places[i];
		const char *end = v->run.ends[place->end], *at = strstr(row->subject, end);
		size_t length = strlen(end);

		if (is_up(v, place) || !at ||
		    (at[length] && at[length] != ' ' && at[length] != '/') ||
		    (at > row->subject && at[-1] != ' '))
			continue;
		snprintf(row->why, sizeof(row->why), "the link of %s is down", end);
		return;
	}
	if (!*row->why)
		bridge_filter_describe(model_is_routed(v->fleet.model), row->why, sizeof(row->why));
}

static int judge(struct view *v, struct netsim_err *err)
{
	auto_free const char **up = calloc(v->run.end_count + 1, sizeof(*up));
	auto_free const char **down = calloc(v->run.end_count + 1, sizeof(*down));
	const struct verify_input in = {.ends = (const char *const *)v->run.ends,
					.end_count = v->run.end_count,
					.about = v->run.about,
					.paths = v->run.paths,
					.path_count = v->run.path_count,
					.rates = v->run.rates,
					.rate_count = v->run.rate_count,
					.timer_slack = v->run.timer_slack,
					.stray = v->run.stray,
					.stall = v->run.stall,
					.stall_sd = v->run.stall_sd,
					.quick = v->run.quick,
					.inside_up = up,
					.inside_down = down};
	int r = up && down ? skip_changed(v, err) : err_oom(err);

	free(v->rows.list);
	v->rows = (struct verify_rows) {0};
	if (r == 0)
		r = state_read_host(v->fleet.st, err);
	if (r == 0)
		r = look_inside(v, (const char **[]) {up, down}, err);
	if (r == 0)
		r = verify_judge(&in, &v->rows, err);
	for (size_t i = 0; r == 0 && i < v->rows.count; i++)
		if (v->rows.list[i].verdict == NETSIM_NOT_AS_ASKED &&
		    strcmp(v->rows.list[i].what, "reach") == 0)
			explain_reach(v, &v->rows.list[i]);
	return r == 0 ? verify_apart(v, err) : r;
}

static bool has_failed(const struct view *v)
{
	for (size_t i = 0; i < v->rows.count; i++)
		if (v->rows.list[i].verdict == NETSIM_NOT_AS_ASKED)
			return true;
	return false;
}

static bool publish_row(struct netsim_verify *verify, const struct verify_row *from)
{
	struct netsim_verify_row *row = arena_push(verify, verify->rows, verify->row_count);

	if (!row)
		return false;
	row->subject = arena_strdup(verify, from->subject);
	row->what = arena_strdup(verify, from->what);
	row->asked = arena_strdup(verify, from->asked);
	row->measured = arena_strdup(verify, from->measured);
	row->why = arena_strdup(verify, from->why);
	row->verdict = from->verdict;
	row->values = from->values;
	verify->as_asked += from->verdict == NETSIM_AS_ASKED;
	verify->failed += from->verdict == NETSIM_NOT_AS_ASKED;
	verify->unmeasured += from->verdict == NETSIM_UNPROVED;
	verify->left_out += from->verdict == NETSIM_LEFT_OUT;
	return row->subject && row->what && row->asked && row->measured && row->why;
}

static int publish(const struct view *v, struct netsim_verify **ret, struct netsim_err *err)
{
	struct netsim_verify *verify = arena_new(sizeof(*verify));
	bool good = verify != NULL;

	if (good) {
		verify->from_kernel = v->from_kernel;
		verify->interrupted = v->run.stopped;
		verify->timer_slack_ms = v->run.timer_slack;
		verify->fleet = arena_strdup(verify, v->fleet.name);
		verify->basis = arena_strdup(verify, v->basis);
		good = verify->fleet && verify->basis;
	}
	for (size_t i = 0; good && i < v->rows.count; i++)
		good = publish_row(verify, &v->rows.list[i]);
	if (!good) {
		arena_free(verify);
		return err_oom(err);
	}
	*ret = verify;
	return 0;
}

static int measure(struct view *v, struct netsim_err *err)
{
	int r = verify_measure(&v->run, err);

	return r == 0 ? judge(v, err) : r;
}

/* A failure counts if it was measured twice, apart from rates, which are measured once. */
static void leave_unconfirmed(struct view *v)
{
	for (size_t i = 0; i < v->rows.count; i++) {
		struct verify_row *row = &v->rows.list[i];
		char why[sizeof(row->why)];

		if (row->verdict != NETSIM_NOT_AS_ASKED || strncmp(row->what, "rate", 4) == 0)
			continue;
		row->verdict = NETSIM_UNPROVED;
		snprintf(why, sizeof(why), "%s", row->why);
		snprintf(row->why, sizeof(row->why),
			 "not as asked, but interrupted before it was measured again%s%.200s",
			 *why ? "; " : "", why);
	}
}

/*
 * Measures again after a failure: a stalled machine is temporary, a wrong link is not. The rows of
 * the first measurement remain if this one is interrupted.
 */
static int measure_again(struct view *v, struct netsim_err *err)
{
	int r = v->run.stopped ? 0 : verify_measure(&v->run, err);

	if (r == 0 && !v->run.stopped)
		return judge(v, err);
	leave_unconfirmed(v);
	return r;
}

/* Whether verify is about the node of a place such as "n100-1/eth1". */
static bool is_about(const struct view *v, const char *place)
{
	auto_free char *node = strndup(place, strcspn(place, "/"));
	int number = node ? model_find_node(v->fleet.model, node) : -1;

	return !v->named || (number >= 0 && v->named[number]);
}

/* A port that is not there cannot be measured, but was asked for. */
static int add_lost_ports(struct view *v, struct netsim_err *err)
{
	struct drifts drifts = {0};
	int r = state_read_host(v->fleet.st, err);

	if (r == 0)
		r = drift_read(&v->fleet, &v->intent, &drifts, err);
	for (size_t i = 0; r == 0 && i < drifts.count; i++) {
		struct verify_row *row;

		if (!drifts.list[i].missing || !is_about(v, drifts.list[i].place))
			continue;
		row = array_push(v->rows.list, v->rows.count);
		if (!row) {
			r = err_oom(err);
			break;
		}
		*row = (struct verify_row) {.verdict = NETSIM_NOT_AS_ASKED, .what = "port"};
		verify_values(row, NULL, NAN, NAN);
		snprintf(row->subject, sizeof(row->subject), "%s", drifts.list[i].place);
		snprintf(row->asked, sizeof(row->asked), "there");
		snprintf(row->measured, sizeof(row->measured), "missing");
	}
	drifts_done(&drifts);
	return r;
}

int netsim_verify(struct netsim *ctx, const struct netsim_verify_opts *opts,
		  struct netsim_verify **ret, struct netsim_err *err)
{
	struct view v = {.fleet = FLEET_NONE};
	struct netsim_verify_opts o;
	bool alone;
	int r = opts_read(&o, sizeof(o), opts, err);

	if (r == 0)
		r = open_view(ctx, &o, &v, err);
	alone = r == 0 && model_machine(v.fleet.model) >= 0;
	if (r == 0)
		r = alone ? verify_machine(&v, err) : measure(&v, err);
	if (r == 0 && !alone && has_failed(&v))
		r = measure_again(&v, err);
	if (r == 0 && !alone)
		r = add_lost_ports(&v, err);
	if (r == 0)
		r = publish(&v, ret, err);
	view_done(&v);
	return r;
}

void netsim_verify_free(struct netsim_verify *verify)
{
	arena_free(verify);
}
