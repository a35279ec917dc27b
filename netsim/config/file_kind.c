/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/config/file_kind.h"

#include "netsim/config/classes.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

const char *file_kind_name(enum file_kind kind)
{
	static const char *const names[] = {
		[FILE_UNKNOWN] = NULL,	      [FILE_TOPO] = "topology",
		[FILE_PROFILE] = "profile",   [FILE_CLASSES] = "classes",
		[FILE_SCENARIO] = "scenario", [FILE_RECIPE] = "recipe",
		[FILE_TRACE] = "trace",	      [FILE_MATRIX] = "matrix",
	};

	return names[kind];
}

enum file_kind file_kind_of(const struct doc_node *doc)
{
	static const char *const keys[] = {"profile", "default", "engine",     "nodes",
					   "pairs",   "classes", "class-file", NULL};

	if (doc_get(doc, "scenario") || doc_get(doc, "timeline"))
		return FILE_SCENARIO;
	if (doc_get(doc, "recipe"))
		return FILE_RECIPE;
	if (doc_get(doc, "fleet") || doc_get(doc, "networks"))
		return FILE_TOPO;
	if (doc_find(doc, "cut"))
		return FILE_MATRIX;
	if (classes_is_file(doc))
		return FILE_CLASSES;
	for (size_t i = 0; keys[i]; i++)
		if (doc_get(doc, keys[i]))
			return FILE_PROFILE;
	return FILE_UNKNOWN;
}

/* Keys that only one kind of file has, and what to do with such a file. */
static const struct {
	enum file_kind kind;
	const char *key, *use;
} sure[] = {
	{FILE_SCENARIO, "timeline", "run it with netsim run"},
	{FILE_SCENARIO, "scenario", "run it with netsim run"},
	{FILE_RECIPE, "recipe", "a scenario starts it as a workload"},
	{FILE_TOPO, "networks", "build it with netsim up"},
	{FILE_PROFILE, "default", "put it in force with netsim apply"},
	{FILE_PROFILE, "pairs", "put it in force with netsim apply"},
	{FILE_PROFILE, "class-file", "put it in force with netsim apply"},
};

bool file_kind_is(enum file_kind wanted, const struct doc_node *doc, struct netsim_diags *diags)
{
	size_t other = ARRAY_SIZE(sure);

	for (size_t i = 0; i < ARRAY_SIZE(sure); i++) {
		if (!doc_find(doc, sure[i].key))
			continue;
		if (sure[i].kind == wanted)
			return true;
		if (other == ARRAY_SIZE(sure))
			other = i;
	}
	if (other == ARRAY_SIZE(sure))
		return true;
	diag_add(diags, &doc_find(doc, sure[other].key)->at, sure[other].use,
		 "this is a %s, not a %s", file_kind_name(sure[other].kind),
		 file_kind_name(wanted));
	return false;
}
