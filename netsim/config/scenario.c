// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads a scenario: its fleet and profile first, then workloads, probes and timeline. */
#include "netsim/config/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/file_kind.h"
#include "netsim/config/scenario_parts.h"
#include "netsim/util/arena.h"
#include "netsim/util/name.h"

struct raw_scenario {
	struct text name, why;
	const struct doc_node *fleet, *profile, *start, *probes, *timeline, *abort;
	uint64_t seed;
};

static const struct field scenario_rows[] = {
	{FIELD(struct raw_scenario, name, "scenario", bind_text), .required = true},
	{FIELD(struct raw_scenario, why, "why", bind_text)},
	{FIELD(struct raw_scenario, fleet, "fleet", bind_node), .required = true},
	{FIELD(struct raw_scenario, profile, "profile", bind_node)},
	{FIELD(struct raw_scenario, seed, "seed", bind_count), .max = UINT64_MAX},
	{FIELD(struct raw_scenario, start, "start", bind_node), .nullable = true},
	{FIELD(struct raw_scenario, probes, "probes", bind_node), .nullable = true},
	{FIELD(struct raw_scenario, timeline, "timeline", bind_node), .required = true},
	{FIELD(struct raw_scenario, abort, "abort", bind_node)},
	{0},
};

/* Stores the text of a name or path; the caller reads a mapping itself. */
static bool read_name(struct bind *b, const char *key, const struct doc_node *node,
		      struct text *ret)
{
	const struct field field = {.name = key};

	if (node->kind == DOC_LIST)
		return bind_refuse(b, &node->at, NULL,
				   "%s: must be a name, a path or a mapping, not a list", key);
	return bind_text(b, &field, node, ret);
}

static bool read_fleet(struct bind *b, struct scenario *s, const struct doc_node *node)
{
	bool good;

	if (node->kind == DOC_MAP) {
		good = topo_read(s->file, node, &s->topo, b->diags) == 0;
	} else {
		if (!read_name(b, "fleet", node, &s->fleet))
			return false;
		s->fleet_path = scenario_find(b, s, "topo", &s->fleet);
		if (!s->fleet_path)
			return false;
		good = topo_load(s->fleet_path, &s->topo, b->diags) == 0;
	}
	b->mistakes += !good;
	return good;
}

static bool read_profile(struct bind *b, struct scenario *s, const struct doc_node *node)
{
	bool good;

	if (node->kind == DOC_MAP) {
		good = profile_read(s->file, node, &s->profile, b->diags) == 0;
	} else {
		if (!read_name(b, "profile", node, &s->profile_name))
			return false;
		s->profile_path = scenario_find(b, s, "profiles", &s->profile_name);
		if (!s->profile_path)
			return false;
		good = profile_load(s->profile_path, &s->profile, b->diags) == 0;
	}
	b->mistakes += !good;
	return good;
}

/* Reads the profile that is applied instead of the scenario's. */
static bool read_instead(struct bind *b, struct scenario *s)
{
	bool good;

	if (strcmp(s->instead.profile, SCENARIO_NO_PROFILE) == 0)
		return true;
	s->profile_path = arena_strdup(s, s->instead.profile);
	if (!s->profile_path)
		return bind_oom(b);
	s->profile_name.s = s->profile_path;
	good = profile_load(s->profile_path, &s->profile, b->diags) == 0;
	b->mistakes += !good;
	return good;
}

static bool read_parts(struct bind *b, struct scenario *s, const struct raw_scenario *raw)
{
	bool good = raw->fleet && read_fleet(b, s, raw->fleet);

	if (s->instead.profile)
		good &= read_instead(b, s);
	else if (raw->profile)
		good &= read_profile(b, s, raw->profile);
	if (s->instead.key && strcmp(s->instead.key, "for") != 0 && !s->varied)
		good &= scenario_vary_profile(b, s, raw->profile);
	/* Without the fleet, all but the names of nodes is checked. */
	s->any_node = !s->topo;
	if (s->any_node && !(s->topo = calloc(1, sizeof(*s->topo))))
		return bind_oom(b);
	if (s->profile)
		good &= scenario_warn_names(b, s, s->profile);
	if (raw->start)
		good &= scenario_read_start(b, s, raw->start);
	if (raw->probes)
		good &= scenario_read_probes(b, s, raw->probes);
	if (raw->timeline)
		good &= scenario_read_timeline(b, s, raw->timeline);
	if (raw->abort)
		good &= scenario_read_abort(b, s, raw->abort);
	return good;
}

static bool read_scenario(struct bind *b, struct scenario *s)
{
	const struct scope scope = {.what = "a scenario", .at = &s->doc->at};
	struct raw_scenario raw = {.seed = 0};
	bool varied = !s->instead.key || scenario_vary_timeline(b, s);
	bool good = bind_map(b, scenario_rows, s->doc, &scope, &raw);

	s->name = raw.name;
	s->why = raw.why;
	s->seed = raw.seed;
	s->at = raw.name.s ? raw.name.at : s->doc->at;
	if (raw.name.s && !name_is_plain(raw.name.s, SCENARIO_NAME_MAX))
		good = bind_refuse(b, &raw.name.at,
				   "letters, digits, '.', '-' and '_', first a letter or digit",
				   "\"%s\" is not valid as the name of a scenario",
				   shown(raw.name.s));
	return read_parts(b, s, &raw) && good && varied;
}

static void phase_done(struct phase *phase)
{
	for (size_t i = 0; i < phase->command_count; i++)
		step_done(&phase->commands[i]->step);
	for (size_t i = 0; i < phase->expect_count; i++)
		expectation_done(&phase->expect[i]->e);
}

void scenario_free(struct scenario *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->phase_count; i++)
		phase_done(s->phases[i]);
	for (size_t i = 0; i < s->abort_count; i++)
		expectation_done(&s->aborts[i]->e);
	for (size_t i = 0; i < s->workload_count; i++)
		recipe_free(s->workloads[i]->recipe);
	topo_free(s->topo);
	profile_free(s->profile);
	classes_free(s->classes);
	doc_free(s->profile_doc);
	doc_free(s->doc);
	arena_free(s);
}

static void auto_scenario_fn(struct scenario **s)
{
	scenario_free(*s);
}

static struct scenario *scenario_new(const char *file, struct netsim_diags *diags)
{
	struct scenario *s = arena_new(sizeof(*s));
	const char *slash = strrchr(file, '/');
	int length = slash == file ? 1 : slash ? (int)(slash - file) : 1;

	if (s) {
		s->file = arena_strdup(s, file);
		s->folder = arena_printf(s, "%.*s", length, slash ? file : ".");
		if (s->file && s->folder)
			return s;
	}
	arena_free(s);
	diag_add(diags, NULL, NULL, "out of memory");
	return NULL;
}

static int finish(struct scenario **s, struct scenario **ret, struct netsim_diags *diags)
{
	auto_bind struct bind b = {.diags = diags, .context = *s};
	bool good =
		(*s)->doc && file_kind_is(FILE_SCENARIO, (*s)->doc, diags) && read_scenario(&b, *s);

	diags_sort(diags);
	if (!good)
		return -EINVAL;
	*ret = take(*s);
	return 0;
}

int scenario_load(const char *path, const struct scenario_instead *instead, struct scenario **ret,
		  struct netsim_diags *diags)
{
	autofn(auto_scenario_fn) struct scenario *s = scenario_new(path, diags);

	if (!s)
		return -EINVAL;
	if (instead)
		s->instead = *instead;
	if (s->instead.key) {
		s->instead.key = arena_strdup(s, instead->key);
		s->instead.value = arena_strdup(s, instead->value);
		if (!s->instead.key || !s->instead.value)
			return -ENOMEM;
	}
	doc_load(s->file, &s->doc, diags);
	return finish(&s, ret, diags);
}

int scenario_parse(const char *file, const char *data, size_t len, struct scenario **ret,
		   struct netsim_diags *diags)
{
	autofn(auto_scenario_fn) struct scenario *s = scenario_new(file, diags);

	if (!s)
		return -EINVAL;
	doc_parse(s->file, data, len, &s->doc, diags);
	return finish(&s, ret, diags);
}
