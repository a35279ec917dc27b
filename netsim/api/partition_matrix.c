/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/partition_matrix.h"

#include <errno.h>
#include <stdlib.h>

#include "netsim/config/matrix.h"
#include "netsim/fleet/target.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

static int mark(const void *arg, const char *word, bool *marks, struct netsim_err *err)
{
	return target_members(arg, word, marks, err);
}

/* Adds the marked nodes, by their numbers, as a group; the mark of the host comes last. */
static int add_group(const struct fleet *f, const bool *marks, struct matrix_groups *ret,
		     struct netsim_err *err)
{
	struct policy_group *group = array_push(ret->list, ret->count);

	if (!group)
		return err_oom(err);
	for (size_t i = 0; i <= f->model->node_count; i++) {
		uint16_t *slot = marks[i] ? array_push(group->nodes, group->count) : NULL;

		if (marks[i] && !slot)
			return err_oom(err);
		if (marks[i])
			*slot = i < f->model->node_count ?
					(uint16_t)policy_node(f->policy, f->model->nodes[i].name) :
					POLICY_HOST;
	}
	return 0;
}

static int make_groups(const struct fleet *f, const struct matrix_cuts *cuts,
		       struct matrix_groups *ret, struct netsim_err *err)
{
	struct matrix_pairs pairs;
	int r = matrix_pairs(cuts, PORT_BITS, &pairs);

	if (r == -ENOMEM)
		r = err_oom(err);
	else if (r < 0) {
		err_set(err, NETSIM_ERR_KERNEL, r, NULL,
			"the matrix needs more than the %d groups of all partitions", PORT_BITS);
		err_hint(err, "nodes that are cut off from the same others share one");
	}
	for (size_t i = 0; r == 0 && i < pairs.count; i++) {
		r = add_group(f, pairs.from + i * cuts->size, ret, err);
		if (r == 0)
			r = add_group(f, pairs.to + i * cuts->size, ret, err);
	}
	free(pairs.from);
	free(pairs.to);
	return r;
}

int matrix_groups_read(const struct fleet *f, const char *path, struct matrix_groups *ret,
		       struct netsim_diags *diags, struct netsim_err *err)
{
	const struct matrix_nodes nodes = {f->model->node_count, mark, f->model};
	auto_matrix struct matrix *matrix = NULL;
	auto_free struct netsim_diags *own = diags ? NULL : calloc(1, sizeof(*own));
	struct netsim_diags *all = diags ? diags : own;
	struct matrix_cuts cuts = {NULL, 0};
	int r = all ? matrix_load(path, &matrix, all) : err_oom(err);

	*ret = (struct matrix_groups) {.list = NULL};
	if (r == 0)
		r = matrix_resolve(matrix, &nodes, &cuts, all);
	if (r < 0 && own)
		r = err_first_mistake(all, err);
	else if (r == 0)
		r = make_groups(f, &cuts, ret, err);
	ret->mutual = r == 0 && matrix_is_mutual(&cuts);
	free(cuts.cut);
	return r;
}
