/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file of netsim is, by its keys. */
#ifndef NETSIM_FILE_KIND_H
#define NETSIM_FILE_KIND_H

#include <stdbool.h>

#include "netsim/config/doc.h"

enum file_kind {
	FILE_UNKNOWN,
	FILE_TOPO,
	FILE_PROFILE,
	FILE_CLASSES,
	FILE_SCENARIO,
	FILE_RECIPE,
	FILE_TRACE,
	FILE_MATRIX,
};

/* "topology", "profile"; NULL for FILE_UNKNOWN */
const char *file_kind_name(enum file_kind kind);

/* The kind that a YAML file most likely has, mistakes in it notwithstanding. */
enum file_kind file_kind_of(const struct doc_node *doc);

/*
 * False, with one line in diags, if a file is clearly of another kind than the wanted one: the
 * mistakes that a reader of the wanted kind would find in it say nothing.
 */
bool file_kind_is(enum file_kind wanted, const struct doc_node *doc, struct netsim_diags *diags);

#endif
