// SPDX-License-Identifier: GPL-2.0-or-later
/* `netsim check`: determines the kind of a file, then calls its reader. */
#include "netsim/config/check.h"

#include "netsim/config/classes.h"
#include "netsim/config/doc.h"
#include "netsim/config/file_kind.h"
#include "netsim/config/matrix.h"
#include "netsim/config/profile.h"
#include "netsim/config/recipe.h"
#include "netsim/config/scenario.h"
#include "netsim/config/topo.h"
#include "netsim/config/trace.h"

static enum file_kind kind_of(const char *path, const char *data, size_t len)
{
	auto_doc struct doc_node *doc = NULL;
	struct netsim_diags ignored = {0};

	if (trace_is_name(path))
		return FILE_TRACE;
	return doc_parse(path, data, len, &doc, &ignored) < 0 ? FILE_UNKNOWN : file_kind_of(doc);
}

static int check_topo(const char *path, const char *data, size_t len, FILE *out,
		      struct netsim_diags *diags)
{
	struct topo *topo;
	int r = topo_parse(path, data, len, &topo, diags);

	if (r < 0)
		return r;
	r = out ? topo_print(topo, out) : 0;
	topo_free(topo);
	return r;
}

/* Loads the class file only if the profile names classes or a class file. */
static int check_profile(const char *path, const char *data, size_t len, FILE *out,
			 struct netsim_diags *diags)
{
	struct class_set *set = NULL;
	struct profile *profile;
	int r = profile_parse(path, data, len, &profile, diags);

	if (r < 0)
		return r;
	r = profile_check(profile, diags);
	if (r == 0 && (profile->class_count || profile->class_file))
		r = profile_load_classes(profile, &set, diags);
	if (set)
		r = profile_check_classes(profile, set, diags);
	if (r == 0 && out)
		r = profile_print(profile, out);
	classes_free(set);
	profile_free(profile);
	return r;
}

static int check_classes(const char *path, const char *data, size_t len, FILE *out,
			 struct netsim_diags *diags)
{
	struct class_set *set;
	int r = classes_parse(path, data, len, &set, diags);

	if (r < 0)
		return r;
	r = out ? classes_print(set, out) : 0;
	classes_free(set);
	return r;
}

static int check_scenario(const char *path, const char *data, size_t len, FILE *out,
			  struct netsim_diags *diags)
{
	struct scenario *scenario;
	int r = scenario_parse(path, data, len, &scenario, diags);

	if (r < 0)
		return r;
	r = out ? scenario_print(scenario, out) : 0;
	scenario_free(scenario);
	return r;
}

static int check_recipe(const char *path, const char *data, size_t len, FILE *out,
			struct netsim_diags *diags)
{
	struct recipe *recipe;
	int r = recipe_parse(path, data, len, &recipe, diags);

	if (r < 0)
		return r;
	r = out ? recipe_print(recipe, out) : 0;
	recipe_free(recipe);
	return r;
}

static int check_trace(const char *path, const char *data, size_t len, FILE *out,
		       struct netsim_diags *diags)
{
	struct trace *trace;
	int r = trace_parse(path, data, len, &trace, diags);

	if (r < 0)
		return r;
	r = out ? trace_print(trace, out) : 0;
	trace_free(trace);
	return r;
}

static int check_matrix(const char *path, const char *data, size_t len, FILE *out,
			struct netsim_diags *diags)
{
	struct matrix *matrix;
	int r = matrix_parse(path, data, len, &matrix, diags);

	if (r < 0)
		return r;
	r = out ? matrix_print_yaml(matrix, out) : 0;
	matrix_free(matrix);
	return r;
}

int check_file(const char *path, FILE *out, const char **ret_kind, struct netsim_diags *diags)
{
	auto_free char *data = NULL;
	enum file_kind kind = FILE_UNKNOWN;
	size_t len;
	int r = doc_read(path, &data, &len, diags);

	if (r == 0)
		kind = kind_of(path, data, len);
	if (ret_kind)
		*ret_kind = file_kind_name(kind);
	if (r < 0)
		return r;
	switch (kind) {
	case FILE_TRACE:
		return check_trace(path, data, len, out, diags);
	case FILE_PROFILE:
		return check_profile(path, data, len, out, diags);
	case FILE_CLASSES:
		return check_classes(path, data, len, out, diags);
	case FILE_SCENARIO:
		return check_scenario(path, data, len, out, diags);
	case FILE_RECIPE:
		return check_recipe(path, data, len, out, diags);
	case FILE_MATRIX:
		return check_matrix(path, data, len, out, diags);
	case FILE_UNKNOWN:
	case FILE_TOPO:
		break;
	}
	/* The message on a file of unknown kind is the same for every kind. */
	return check_topo(path, data, len, out, diags);
}
