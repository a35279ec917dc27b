/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to the profile code: profile.c (the file as a whole), profile_conditions.c
 * (one mapping of conditions), profile_resolve.c (conditions of a node or a path).
 */
#ifndef NETSIM_PROFILE_PARTS_H
#define NETSIM_PROFILE_PARTS_H

#include "netsim/config/bind.h"
#include "netsim/config/profile.h"
#include "netsim/util/buf.h"

/* All keys of an entry with conditions; read by functions of profile_conditions.c. */
extern const struct field profile_conditions_rows[];

/*
 * Read one entry of a profile; at is the location of its key. b->context is the
 * profile. Return false after reporting a mistake.
 */
bool profile_read_link(struct bind *b, const char *what, const struct netsim_loc *at,
		       const struct doc_node *node, struct link_conditions *ret);
bool profile_read_pair(struct bind *b, const struct doc_node *node, struct profile_pair *ret);
bool profile_read_class(struct bind *b, const struct netsim_loc *at, const struct doc_node *node,
			struct conditions *ret);

/* Builds profile->pair_index; call it after all pairs are read. False: out of memory. */
bool profile_index_pairs(struct profile *profile);
void profile_index_free(struct pair_index *index);

/* Checks a pattern for nodes: a key of `nodes:`, or an end of a pair. */
bool profile_check_pattern(struct bind *b, const char *pattern, const struct netsim_loc *at);

/* Appends the path of a file named in the profile: relative names start at its directory. */
bool profile_path(struct buf *path, const struct profile *profile, const char *file);

/* Warns of delays under which, with netem, no address could be resolved. */
void profile_warn_unresolved(const struct profile *profile, struct netsim_diags *diags);

#endif
