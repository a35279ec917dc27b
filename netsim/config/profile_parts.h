/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files that read a profile share: profile.c (the file as a whole),
 * profile_conditions.c (one mapping of conditions), profile_resolve.c (what it
 * comes to for a node or a path). For nobody else.
 */
#ifndef NETSIM_PROFILE_PARTS_H
#define NETSIM_PROFILE_PARTS_H

#include "netsim/config/bind.h"
#include "netsim/config/profile.h"
#include "netsim/util/buf.h"

/* All keys that an entry with conditions can have; the rows are of profile_conditions.c. */
extern const struct field profile_conditions_rows[];

/*
 * Each reads what one entry of a profile says, at being its key. The context of
 * b is the profile. False after having reported what is wrong.
 */
bool profile_read_link(struct bind *b, const char *what, const struct netsim_loc *at,
		       const struct doc_node *node, struct link_conditions *ret);
bool profile_read_pair(struct bind *b, const struct doc_node *node, struct profile_pair *ret);
bool profile_read_class(struct bind *b, const struct netsim_loc *at, const struct doc_node *node,
			struct conditions *ret);

/* Makes profile->pair_index when all pairs are read; false when memory ran out. */
bool profile_index_pairs(struct profile *profile);
void profile_index_free(struct pair_index *index);

/* A key of `nodes:`, an end of a pair. */
bool profile_check_pattern(struct bind *b, const char *pattern, const struct netsim_loc *at);

/* The path of a file that the profile names relative to itself. */
bool profile_path(struct buf *path, const struct profile *profile, const char *file);

#endif
