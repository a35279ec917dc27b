// SPDX-License-Identifier: GPL-2.0-or-later
/* What verify cannot measure: each has a row that says why. */
#include <stdio.h>
#include <string.h>

#include "netsim/api/verify_parts.h"
#include "netsim/config/classes.h"
#include "netsim/shape/expected.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

bool verify_has_class(const struct class *class, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (class_matches_name(class->name, names[i]))
			return true;
	return false;
}

static int add_unmeasured(struct verify_rows *ret, const char *subject, const char *why,
			  struct netsim_err *err)
{
	struct verify_row *row = array_push(ret->list, ret->count);

	if (!row)
		return err_oom(err);
	row->verdict = NETSIM_UNPROVED;
	snprintf(row->subject, sizeof(row->subject), "%s", subject);
	snprintf(row->what, sizeof(row->what), "conditions");
	snprintf(row->why, sizeof(row->why), "%s", why);
	return 0;
}

static int add_pairs_left(struct view *v, struct netsim_err *err)
{
	char why[96];

	snprintf(why, sizeof(why), "%zu more pairs not measured: too many for one run",
		 v->pairs_left);
	return add_unmeasured(&v->rows, "all", why, err);
}

/* The host has a row if it is named and has no path. */
static int add_host_apart(struct view *v, struct netsim_err *err)
{
	bool has_path = !v->named[v->fleet.model->node_count];

	for (size_t p = 0; p < v->run.path_count; p++)
		has_path |= v->places[v->run.probes[p].from].node == MODEL_HOST ||
			    v->places[v->run.probes[p].to].node == MODEL_HOST;
	return has_path ? 0 :
			  add_unmeasured(&v->rows, "host",
					 "it shares no network with any of the nodes", err);
}

static int add_nodes_apart(struct view *v, struct netsim_err *err)
{
	int r = 0;

	for (size_t n = 0; r == 0 && n < v->fleet.model->node_count; n++) {
		const struct model_node *node = &v->fleet.model->nodes[n];
		bool has_path = node->cable || (v->named && !v->named[n]);

		for (size_t p = 0; p < v->run.path_count; p++)
			has_path |= v->places[v->run.probes[p].from].node == (int)n ||
				    v->places[v->run.probes[p].to].node == (int)n;
		if (node->is_tap && !has_path)
			r = add_unmeasured(
				&v->rows, node->name,
				"the guest's address is not known: ping it from the host", err);
		else if (!has_path)
			r = add_unmeasured(&v->rows, node->name,
					   "no other node is in its network and VLAN", err);
	}
	return r < 0 || !v->named ? r : add_host_apart(v, err);
}

/* Of classes with conditions, those that no probe is in. */
static int add_classes_apart(struct view *v, struct netsim_err *err)
{
	auto_free const char **names = NULL;
	size_t count = 0;
	int r = expected_classes(&v->intent, &names, &count, err);

	for (size_t c = 0; r == 0 && v->classes && c < v->classes->count; c++) {
		const struct class *class = &v->classes->list[c];
		char subject[40];
		bool has_path = !verify_has_class(class, names, count);

		for (size_t p = 0; p < v->run.path_count && !has_path; p++)
			has_path = v->run.paths[p].traffic == class->name;
		snprintf(subject, sizeof(subject), "class %s", class->name);
		if (!has_path)
			r = add_unmeasured(&v->rows, subject,
					   v->named ? "no TCP or UDP probe to or from these "
						      "nodes is in it, both ways" :
						      "no TCP or UDP probe between nodes is in "
						      "it, both ways",
					   err);
	}
	return r;
}

int verify_apart(struct view *v, struct netsim_err *err)
{
	int r = v->pairs_left ? add_pairs_left(v, err) : 0;

	if (r == 0)
		r = add_nodes_apart(v, err);
	return r == 0 ? add_classes_apart(v, err) : r;
}
