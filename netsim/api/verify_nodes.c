// SPDX-License-Identifier: GPL-2.0-or-later
/* The nodes that verify is about, if it is not about all of them. */
#include <stdlib.h>

#include "netsim/api/verify_parts.h"
#include "netsim/fleet/target.h"

#define MOST_NAMED 40 /* up to this many places of named nodes, all pairs of them are measured */

static bool is_named(const struct view *v, const struct place *place)
{
	const struct model *model = v->fleet.model;

	return v->named[place->node == MODEL_HOST ? model->node_count : (size_t)place->node];
}

/* Marks the ends of the named nodes, unless these are all. */
static int name_ends(struct view *v, struct netsim_err *err)
{
	bool all = true;

	v->run.about = calloc(v->run.end_count + 1, sizeof(*v->run.about));
	if (!v->run.about)
		return err_oom(err);
	for (size_t i = 0; i < v->place_count; i++) {
		const struct place *place = &v->places[i];

		v->run.about[place->end] = is_named(v, place);
		v->named_places += is_named(v, place);
		all &= is_named(v, place);
	}
	if (all) {
		free(v->run.about);
		v->run.about = NULL;
	}
	return 0;
}

int verify_name_nodes(struct view *v, const struct netsim_verify_opts *opts, struct netsim_err *err)
{
	int r = 0;

	if (!opts->node_count)
		return 0;
	v->named = calloc(v->fleet.model->node_count + 1, sizeof(*v->named));
	if (!v->named)
		return err_oom(err);
	for (size_t i = 0; r >= 0 && i < opts->node_count; i++)
		r = target_nodes_or_host(v->fleet.model, opts->nodes[i], v->named, err);
	return r < 0 ? r : name_ends(v, err);
}

enum verify_pair_choice verify_choose_named(const struct view *v, size_t a, size_t b)
{
	bool from = !v->named || is_named(v, &v->places[a]);
	bool to = !v->named || is_named(v, &v->places[b]);

	if (!from && !to)
		return VERIFY_PAIR_NEVER;
	return v->named && from && to && v->named_places <= MOST_NAMED ? VERIFY_PAIR_ALWAYS :
									 VERIFY_PAIR_PERHAPS;
}
