// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads a profile: conditions by node pattern, pair and class. */
#include "netsim/config/profile.h"

#include <ctype.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/config/classes.h"
#include "netsim/config/file_kind.h"
#include "netsim/config/find.h"
#include "netsim/config/profile_parts.h"
#include "netsim/config/trace.h"
#include "netsim/config/words.h"
#include "netsim/util/array.h"
#include "netsim/util/name.h"

#define PROFILE_NAME_MAX 63

struct raw_profile {
	struct text name;
	uint32_t engine;
	const struct doc_node *defaults, *nodes, *pairs, *classes;
	struct text class_file;
};

static const struct field profile_rows[] = {
	{FIELD(struct raw_profile, name, "profile", bind_text)},
	{FIELD(struct raw_profile, engine, "engine", bind_word), .words = words_engine},
	{FIELD(struct raw_profile, defaults, "default", bind_node), .nullable = true,
	 .below = profile_conditions_rows},
	{FIELD(struct raw_profile, nodes, "nodes", bind_node), .nullable = true,
	 .below = profile_conditions_rows},
	{FIELD(struct raw_profile, pairs, "pairs", bind_node), .nullable = true},
	{FIELD(struct raw_profile, classes, "classes", bind_node), .nullable = true},
	{FIELD(struct raw_profile, class_file, "class-file", bind_text)},
	{0},
};

size_t profile_keys(const char **names, size_t max)
{
	return bind_keys(profile_rows, names, 0, max);
}

/* pattern NULL: the entry `default:`. */
static bool read_rule(struct bind *b, struct profile *profile, const char *pattern,
		      const struct netsim_loc *at, const struct doc_node *node)
{
	struct profile_rule *rule;

	if (!bind_spend(b, at) || (pattern && !profile_check_pattern(b, pattern, at)))
		return false;
	rule = array_push(profile->rules, profile->rule_count);
	if (!rule)
		return bind_oom(b);
	rule->at = *at;
	if (pattern) {
		rule->pattern = strdup(pattern);
		if (!rule->pattern)
			return bind_oom(b);
	}
	return profile_read_link(b, pattern ? "a node's conditions" : "default", at, node,
				 &rule->conditions);
}

static bool read_nodes(struct bind *b, struct profile *profile, const struct doc_node *map)
{
	bool good = true;

	if (map->kind != DOC_MAP && !doc_is_null(map))
		return bind_refuse(b, &map->at, NULL, "nodes: must be a mapping, not %s",
				   doc_kind_name(map));
	for (size_t i = 0; i < map->count; i++)
		good &= read_rule(b, profile, map->entries[i].key, &map->entries[i].at,
				  map->entries[i].value);
	return good;
}

static bool read_pairs(struct bind *b, struct profile *profile, const struct doc_node *list)
{
	bool good = true;

	if (list->kind != DOC_LIST && !doc_is_null(list))
		return bind_refuse(b, &list->at, "begin each with \"- \": \"- {between: [A, B]}\"",
				   "pairs: must be a list, not %s", doc_kind_name(list));
	for (size_t i = 0; i < list->count; i++) {
		struct profile_pair *pair;

		if (!bind_spend(b, &list->items[i]->at))
			return false;
		pair = array_push(profile->pairs, profile->pair_count);
		if (!pair)
			return bind_oom(b);
		good &= profile_read_pair(b, list->items[i], pair);
	}
	return good;
}

static bool read_class(struct bind *b, struct profile *profile, const struct doc_entry *entry)
{
	struct profile_class *class;

	if (!bind_spend(b, &entry->at))
		return false;
	if (strcmp(entry->key, CLASS_OTHER) == 0)
		return bind_refuse(b, &entry->at,
				   "traffic of no class has the conditions of its pair",
				   "\"" CLASS_OTHER "\" is not a class");
	class = array_push(profile->classes, profile->class_count);
	if (!class)
		return bind_oom(b);
	class->at = entry->at;
	class->name = strdup(entry->key);
	return class->name ? profile_read_class(b, &entry->at, entry->value, &class->conditions) :
			     bind_oom(b);
}

static bool read_classes(struct bind *b, struct profile *profile, const struct doc_node *map)
{
	bool good = true;

	if (map->kind != DOC_MAP && !doc_is_null(map))
		return bind_refuse(b, &map->at, NULL, "classes: must be a mapping, not %s",
				   doc_kind_name(map));
	for (size_t i = 0; i < map->count; i++)
		good &= read_class(b, profile, &map->entries[i]);
	return good;
}

static bool read_class_file(struct bind *b, struct profile *profile, const struct text *name)
{
	auto_buf struct buf path = {0};

	if (!name->s)
		return true;
	if (!*name->s)
		return bind_refuse(b, &name->at, NULL, "class-file: the path is empty");
	profile->class_file_at = name->at;
	profile->class_file_name = strdup(name->s);
	if (profile_path(&path, profile, name->s))
		profile->class_file = buf_take(&path);
	return (profile->class_file_name && profile->class_file) || bind_oom(b);
}

/* Without `profile:`, the name comes from the file name, with invalid characters replaced. */
static bool name_profile(struct bind *b, struct profile *profile, const struct text *name)
{
	const char *slash = strrchr(profile->file, '/'), *dot;

	if (name->s) {
		profile->name = strdup(name->s);
		if (!profile->name)
			return bind_oom(b);
		return name_is_plain(name->s, PROFILE_NAME_MAX) ||
		       bind_refuse(b, &name->at, "letters, digits, '.', '-' and '_'",
				   "\"%s\" is not valid as the name of a profile", shown(name->s));
	}
	slash = slash ? slash + 1 : profile->file;
	dot = strrchr(slash, '.');
	profile->name = dot && dot > slash ? strndup(slash, (size_t)(dot - slash)) : strdup(slash);
	if (!profile->name)
		return bind_oom(b);
	for (char *p = profile->name; *p; p++)
		if (!isalnum((unsigned char)*p) && (p == profile->name || !strchr(".-_", *p)))
			*p = p == profile->name ? 'x' : '-';
	if (strlen(profile->name) > PROFILE_NAME_MAX)
		profile->name[PROFILE_NAME_MAX] = '\0';
	return true;
}

static bool read_profile(struct bind *b, struct profile *profile, const struct doc_node *doc)
{
	struct scope scope = {.what = "a profile", .at = &doc->at};
	struct raw_profile raw = {0};
	bool good = bind_map(b, profile_rows, doc, &scope, &raw);
	const struct doc_entry *defaults = doc_find(doc, "default");

	profile->at = raw.name.s ? raw.name.at : doc->at;
	profile->engine = raw.engine;
	if (doc->kind == DOC_MAP)
		good &= name_profile(b, profile, &raw.name);
	else if (doc_is_null(doc))
		good = bind_refuse(b, &doc->at, NULL, "the file is empty");
	if (raw.defaults)
		good &= read_rule(b, profile, NULL, &defaults->at, raw.defaults);
	if (raw.nodes)
		good &= read_nodes(b, profile, raw.nodes);
	if (raw.pairs)
		good &= read_pairs(b, profile, raw.pairs);
	if (raw.classes)
		good &= read_classes(b, profile, raw.classes);
	good &= read_class_file(b, profile, &raw.class_file);
	profile_warn_unresolved(profile, b->diags);
	return good && (profile_index_pairs(profile) || bind_oom(b));
}

void profile_free(struct profile *profile)
{
	if (!profile)
		return;
	for (size_t i = 0; i < profile->rule_count; i++)
		free(profile->rules[i].pattern);
	for (size_t i = 0; i < profile->table_count; i++) {
		free(profile->tables[i].file);
		free(profile->tables[i].table);
	}
	for (size_t i = 0; i < profile->pair_count; i++) {
		free(profile->pairs[i].from);
		free(profile->pairs[i].to);
	}
	for (size_t i = 0; i < profile->class_count; i++)
		free(profile->classes[i].name);
	for (size_t i = 0; i < profile->trace_count; i++) {
		free(profile->traces[i].file);
		trace_free(profile->traces[i].trace);
	}
	profile_index_free(profile->pair_index);
	free(profile->pairs);
	free(profile->classes);
	free(profile->traces);
	free(profile->class_file);
	free(profile->class_file_name);
	free(profile->rules);
	free(profile->tables);
	free(profile->name);
	free(profile->file);
	free(profile);
}

static void auto_profile_fn(struct profile **profile)
{
	profile_free(*profile);
}

/* doc is NULL if reading failed; diags then hold the reason. */
static int finish(struct profile **profile, const struct doc_node *doc, struct profile **ret,
		  struct netsim_diags *diags)
{
	auto_bind struct bind b = {.diags = diags, .context = *profile};
	bool good =
		doc && file_kind_is(FILE_PROFILE, doc, diags) && read_profile(&b, *profile, doc);

	diags_sort(diags);
	if (!good)
		return -EINVAL;
	*ret = take(*profile);
	return 0;
}

static struct profile *profile_new(const char *file, struct netsim_diags *diags)
{
	struct profile *profile = calloc(1, sizeof(*profile));

	if (profile)
		profile->file = strdup(file);
	if (profile && profile->file)
		return profile;
	free(profile);
	diag_oom(diags);
	return NULL;
}

int profile_load(const char *path, struct profile **ret, struct netsim_diags *diags)
{
	autofn(auto_profile_fn) struct profile *profile = profile_new(path, diags);
	auto_doc struct doc_node *doc = NULL;

	if (!profile)
		return -EINVAL;
	doc_load(profile->file, &doc, diags);
	return finish(&profile, doc, ret, diags);
}

int profile_parse(const char *file, const char *data, size_t len, struct profile **ret,
		  struct netsim_diags *diags)
{
	autofn(auto_profile_fn) struct profile *profile = profile_new(file, diags);
	auto_doc struct doc_node *doc = NULL;

	if (!profile)
		return -EINVAL;
	doc_parse(profile->file, data, len, &doc, diags);
	return finish(&profile, doc, ret, diags);
}

int profile_read(const char *file, const struct doc_node *doc, struct profile **ret,
		 struct netsim_diags *diags)
{
	autofn(auto_profile_fn) struct profile *profile = profile_new(file, diags);

	return profile ? finish(&profile, doc, ret, diags) : -EINVAL;
}

int profile_load_classes(const struct profile *profile, struct class_set **ret,
			 struct netsim_diags *diags)
{
	char path[FIND_PATH];

	if (profile->class_file && access(profile->class_file, R_OK) < 0)
		return diag_add(diags, &profile->class_file_at,
				"the path is relative to the profile",
				"class-file: cannot read \"%s\": %s",
				shown(profile->class_file_name), strerror(errno));
	if (profile->class_file)
		return classes_load(profile->class_file, ret, diags);
	if (find_named("profiles", "classes", path) < 0)
		return diag_add(diags, &profile->at, "name one with \"class-file\"",
				"there is no profiles/classes.yaml here, in /etc/netsim or "
				"in " NETSIM_DATADIR);
	return classes_load(path, ret, diags);
}

static bool any_is_meant(const struct class_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (class_matches_name(set->list[i].name, name))
			return true;
	return false;
}

/* LACP frames end at the other end of the cable, but classes of a profile concern paths. */
static bool lacp_is_meant(const struct class_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		for (size_t m = 0;
		     strcmp(set->list[i].name, name) == 0 && m < set->list[i].match_count; m++)
			if (set->list[i].matches[m].ethertype == ETH_P_SLOW)
				return true;
	return false;
}

int profile_check_classes(const struct profile *profile, const struct class_set *set,
			  struct netsim_diags *diags)
{
	int r = 0;

	for (size_t i = 0; i < profile->class_count; i++) {
		const struct profile_class *class = &profile->classes[i];
		const char *nearest;

		if (lacp_is_meant(set, class->name)) {
			r = diag_add(
				diags, &class->at, "use netsim fault --class, which affects cables",
				"%s: LACP frames pass no path between nodes", shown(class->name));
			continue;
		}
		if (any_is_meant(set, class->name))
			continue;
		nearest = classes_nearest(set, class->name);
		r = diag_add(diags, &class->at,
			     nearest ? hint_f("did you mean \"%s\"?", nearest) :
				       "add it to the class file, or name another one with "
				       "\"class-file\"",
			     "%s has no class \"%s\"", shown(set->file), shown(class->name));
	}
	return r;
}
