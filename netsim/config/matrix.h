/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The matrix of a partition, a file: which nodes cannot send to which others. */
#ifndef NETSIM_CONFIG_MATRIX_H
#define NETSIM_CONFIG_MATRIX_H

#include <stdbool.h>
#include <stdio.h>

#include "netsim/config/bind.h"

struct matrix_row {
	struct text from; /* a node, a pattern, @role or host */
	struct texts to;
};

struct matrix {
	struct matrix_row *rows;
	size_t count;
	struct netsim_loc at; /* of the rows */
	char *file;
	struct doc_node *doc; /* has the texts */
};

/* Read a file; -EINVAL with diags filled if it has mistakes. The caller frees *ret. */
int matrix_load(const char *path, struct matrix **ret, struct netsim_diags *diags);
int matrix_parse(const char *file, const char *data, size_t len, struct matrix **ret,
		 struct netsim_diags *diags);
void matrix_free(struct matrix *matrix);

static inline void auto_matrix_fn(struct matrix **matrix)
{
	matrix_free(*matrix);
}
#define auto_matrix autofn(auto_matrix_fn)

/* Prints it as YAML; 0 or -EIO. */
int matrix_print_yaml(const struct matrix *matrix, FILE *out);

/* The nodes that the words of a matrix can name. */
struct matrix_nodes {
	size_t count; /* the host comes after the last one */
	/* Marks the nodes of a word; below 0, with err filled, if there are none. */
	int (*mark)(const void *arg, const char *word, bool *marks, struct netsim_err *err);
	const void *arg;
};

/* Who cannot send to whom: cut[from * size + to]. */
struct matrix_cuts {
	bool *cut;
	size_t size; /* the nodes and the host */
};

/*
 * Finds the nodes of all words. A node that a pattern or role names on both sides still reaches
 * itself. Refuses (-EINVAL) words that name nobody, and those that add no cut. The caller frees
 * ret->cut.
 */
int matrix_resolve(const struct matrix *matrix, const struct matrix_nodes *nodes,
		   struct matrix_cuts *ret, struct netsim_diags *diags);

/* Whether each cut is one in both directions. */
bool matrix_is_mutual(const struct matrix_cuts *cuts);

/* Pairs of groups: the nodes of from[pair * size] cannot send to those of to[pair * size]. */
struct matrix_pairs {
	bool *from, *to;
	size_t count;
};

/*
 * Finds few pairs of groups that have all cuts together, and no others, except of nodes from
 * themselves. -ENOSPC if there are more than `most`, else 0 or -ENOMEM. The caller frees from and
 * to, also on failure.
 */
int matrix_pairs(const struct matrix_cuts *cuts, size_t most, struct matrix_pairs *ret);

#endif
