// SPDX-License-Identifier: GPL-2.0-or-later
/* Resolves the names of nodes, workloads, probes and classes in a scenario. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/config/find.h"
#include "netsim/config/scenario_parts.h"
#include "netsim/util/arena.h"
#include "netsim/util/name.h"
#include "netsim/words/selector.h"

bool scenario_refuse(struct bind *b, const struct place *at, const char *hint, const char *fmt, ...)
{
	struct netsim_loc loc = doc_within(at->node, at->offset);
	char what[sizeof(((struct netsim_err *)0)->what)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return bind_refuse(b, &loc, hint, "%s", what);
}

static void fleet_done(struct profile_fleet *fleet)
{
	free(fleet->nodes);
	free(fleet->roles);
}

/* Lists the names of the nodes and their roles. */
static bool list_names(const struct topo *topo, struct profile_fleet *ret)
{
	ret->nodes = calloc(topo->node_count + 1, sizeof(*ret->nodes));
	ret->roles = calloc(topo->node_count * TOPO_ROLES_MAX + 1, sizeof(*ret->roles));
	for (size_t n = 0; ret->nodes && ret->roles && n < topo->node_count; n++) {
		ret->nodes[ret->node_count++] = topo->nodes[n].name;
		for (size_t i = 0; i < topo->nodes[n].role_count; i++)
			ret->roles[ret->role_count++] = topo->nodes[n].roles[i];
	}
	return ret->nodes && ret->roles;
}

/* word: a name or "@ROLE". Returns the most similar name of a node or role. */
static const char *nearest(const struct bind *b, const struct scenario *s, const char *word)
{
	autofn(fleet_done) struct profile_fleet fleet = {0};

	if (!list_names(s->topo, &fleet))
		return NULL;
	return *word == '@' ? bind_nearest(b, word + 1, fleet.roles, fleet.role_count) :
			      bind_nearest(b, word, fleet.nodes, fleet.node_count);
}

bool scenario_warn_names(struct bind *b, const struct scenario *s, const struct profile *profile)
{
	autofn(fleet_done) struct profile_fleet fleet = {0};

	if (s->any_node)
		return true;
	if (!list_names(s->topo, &fleet))
		return bind_oom(b);
	profile_warn_names(profile, &fleet, b->diags);
	profile_warn_pairs(profile, &fleet, b->diags);
	return true;
}

bool scenario_mark_nodes(struct bind *b, const struct scenario *s, const char *word,
			 const struct place *at, bool *marks)
{
	const char *near;
	bool found = s->any_node;

	for (size_t i = 0; i < s->topo->node_count; i++) {
		const struct node *node = &s->topo->nodes[i];

		if (!name_match(word, node->name, (const char *const *)node->roles,
				node->role_count))
			continue;
		found = true;
		if (marks)
			marks[i] = true;
	}
	if (found)
		return true;
	near = *word != '@' && name_is_pattern(word) ? NULL : nearest(b, s, word);
	return scenario_refuse(
		b, at,
		near ? hint_f("did you mean \"%s%s\"?", *word == '@' ? "@" : "", near) : NULL,
		name_is_pattern(word) ? "no node of the fleet %s matches \"%s\"" :
					"the fleet %s has no node \"%s\"",
		s->topo->fleet, shown(word));
}

bool workload_is_ledger(const struct workload *w)
{
	return w->kind == WORKLOAD_LEDGER || w->kind == WORKLOAD_BLOCKS;
}

bool scenario_has_members(const struct workload *w)
{
	return w->wrong || (w->recipe && recipe_has_members(w->recipe));
}

static bool check_selector(struct bind *b, const struct scenario *s, const char *word,
			   const struct place *at)
{
	struct selector selector;
	struct place within = *at;
	const struct workload *workload;
	const char *why;
	size_t bad;

	if (selector_parse(word, &selector, &bad, &why) < 0) {
		within.offset += bad;
		return scenario_refuse(b, &within, why, "\"%s\" is not a selector", shown(word));
	}
	within.offset += strlen(selector_words[selector.kind]) + 1;
	workload = scenario_need_workload(b, s, selector.workload, &within);
	if (!workload)
		return false;
	if (selector.kind == SELECTOR_MEMBERS || scenario_has_members(workload))
		return true;
	return scenario_refuse(b, &within, "its recipe needs store: etcd, or members",
			       "the leader of \"%s\" cannot be found", workload->name);
}

bool scenario_check_word(struct bind *b, const struct scenario *s, const char *word,
			 const struct place *at, bool host)
{
	if (selector_is(word))
		return check_selector(b, s, word, at);
	if (host && strcmp(word, "host") == 0)
		return true;
	return scenario_mark_nodes(b, s, word, at, NULL);
}

/* Marks the nodes of one word of a key. */
static bool add_nodes(struct bind *b, const struct field *field, const struct doc_node *node,
		      struct node_set *set, bool *marks)
{
	const struct scenario *s = b->context;
	const struct place at = {node, 0};
	const char *word = bind_string(b, field->name, node);

	if (!word)
		return false;
	if (strcmp(word, "host") != 0)
		return scenario_mark_nodes(b, s, word, &at, marks);
	set->host = true;
	return true;
}

/* Appends the marked nodes. field->nonzero: refuses virtual machines, where nothing can start. */
static bool list_nodes(struct bind *b, const struct field *field, const struct doc_node *node,
		       struct node_set *set, const bool *marks)
{
	const struct scenario *s = b->context;

	set->list = arena_alloc(b->context, (s->topo->node_count + 1) * sizeof(*set->list));
	if (!set->list)
		return bind_oom(b);
	for (size_t i = 0; i < s->topo->node_count; i++) {
		if (!marks[i])
			continue;
		if (field->nonzero && s->topo->nodes[i].kind != NODE_NETNS)
			return bind_refuse(b, &node->at, "nothing can be started in its guest",
					   "%s: %s is a virtual machine", field->name,
					   s->topo->nodes[i].name);
		set->list[set->count++] = i;
	}
	if (set->host && set->count)
		return bind_refuse(b, &node->at, "write host alone, or nodes alone",
				   "%s: host is not a node", field->name);
	return true;
}

/* Stores the words as they are; the arena adopts their list. */
static bool keep_words(struct bind *b, const struct field *field, const struct doc_node *node,
		       struct texts *words)
{
	return bind_keep_texts(b, words, bind_texts(b, field, node, words));
}

/* field->max 1: one node; field->nonzero: something is started there. */
bool scenario_bind_nodes(struct bind *b, const struct field *field, const struct doc_node *node,
			 void *ret)
{
	const struct scenario *s = b->context;
	auto_free bool *marks = calloc(s->topo->node_count + 1, sizeof(*marks));
	struct node_set *set = ret;
	bool good = true;

	if (!marks)
		return bind_oom(b);
	if (node->kind != DOC_LIST)
		good = add_nodes(b, field, node, set, marks);
	for (size_t i = 0; node->kind == DOC_LIST && i < node->count; i++)
		good &= bind_spend(b, &node->items[i]->at) &&
			add_nodes(b, field, node->items[i], set, marks);
	if (!good || !keep_words(b, field, node, &set->words) ||
	    !list_nodes(b, field, node, set, marks))
		return false;
	if (!set->count && !set->host && !s->any_node)
		return bind_refuse(b, &node->at, NULL, "%s: there is no node", field->name);
	if (field->max == 1 && set->count > 1)
		return bind_refuse(b, &node->at, "name one node", "%s: this names %zu nodes",
				   field->name, set->count);
	return true;
}

struct workload *scenario_workload(const struct scenario *s, const char *name)
{
	for (size_t i = 0; i < s->workload_count; i++)
		if (strcmp(s->workloads[i]->name, name) == 0)
			return s->workloads[i];
	return NULL;
}

struct probe *scenario_probe(const struct scenario *s, const char *name)
{
	for (size_t i = 0; i < s->probe_count; i++)
		if (!s->probes[i]->of_pair && strcmp(s->probes[i]->name, name) == 0)
			return s->probes[i];
	return NULL;
}

struct workload *scenario_need_workload(struct bind *b, const struct scenario *s, const char *name,
					const struct place *at)
{
	struct workload *found = scenario_workload(s, name);
	auto_free const char **names = NULL;
	const char *near = NULL;

	if (found)
		return found;
	names = calloc(s->workload_count + 1, sizeof(*names));
	for (size_t i = 0; names && i < s->workload_count; i++)
		names[i] = s->workloads[i]->name;
	if (names)
		near = bind_nearest(b, name, names, s->workload_count);
	scenario_refuse(b, at, near ? hint_f("did you mean \"%s\"?", near) : "add it to \"start\"",
			"there is no workload \"%s\"", shown(name));
	return NULL;
}

bool scenario_check_name(struct bind *b, const struct scenario *s, const char *what,
			 const struct doc_entry *entry)
{
	if (!name_is_plain(entry->key, SCENARIO_NAME_MAX))
		return bind_refuse(
			b, &entry->at, "letters, digits, '.', '-' and '_', first a letter or digit",
			"\"%s\" is not valid as the name of %s", shown(entry->key), what);
	if (!scenario_workload(s, entry->key) && !scenario_probe(s, entry->key))
		return true;
	return bind_refuse(b, &entry->at, "choose another name",
			   "\"%s\" is the name of a workload already", shown(entry->key));
}

static bool is_class(const struct class_set *set, const char *name)
{
	if (strcmp(name, CLASS_OTHER) == 0)
		return true;
	for (size_t i = 0; i < set->count; i++)
		if (class_matches_name(set->list[i].name, name))
			return true;
	return false;
}

/* Reads the class file of the profile, or the default one, at its first use. */
static bool load_classes(struct bind *b, struct scenario *s, const struct place *at)
{
	char path[FIND_PATH];
	int r;

	if (s->classes || s->classes_wrong)
		return s->classes;
	s->classes_wrong = true;
	if (s->profile && s->profile->class_file)
		r = profile_load_classes(s->profile, &s->classes, b->diags);
	else if (find_named("profiles", "classes", path) < 0)
		return scenario_refuse(b, at, NULL,
				       "there is no profiles/classes.yaml here, in /etc/netsim or "
				       "in " NETSIM_DATADIR);
	else
		r = classes_load(path, &s->classes, b->diags);
	b->mistakes += r < 0;
	return r == 0;
}

bool scenario_check_class(struct bind *b, const char *name, const struct place *at)
{
	struct scenario *s = b->context;
	const char *near;

	if (!load_classes(b, s, at))
		return false;
	if (is_class(s->classes, name))
		return true;
	near = classes_nearest(s->classes, name);
	return scenario_refuse(b, at, near ? hint_f("did you mean \"%s\"?", near) : NULL,
			       "%s has no class \"%s\"", shown(s->classes->file), shown(name));
}

char *scenario_path(struct bind *b, const struct scenario *s, const char *word)
{
	char *path = *word != '/' && strchr(s->file, '/') ?
			     arena_printf(b->context, "%s/%s", s->folder, word) :
			     arena_strdup(b->context, word);

	if (!path)
		bind_oom(b);
	return path;
}

char *scenario_find(struct bind *b, const struct scenario *s, const char *folder,
		    const struct text *name)
{
	auto_free char *near = NULL;
	char path[FIND_PATH];
	char *found;

	if (find_is_path(name->s)) {
		found = scenario_path(b, s, name->s);
		if (found && access(found, F_OK) < 0) {
			bind_refuse(b, &name->at, NULL, "cannot open %s: %s", found,
				    strerror(errno));
			return NULL;
		}
		return found;
	}
	if (find_named(folder, name->s, path) < 0) {
		near = find_nearest(folder, name->s);
		bind_refuse(b, &name->at, near ? hint_f("did you mean \"%s\"?", near) : NULL,
			    "there is no %s/%s.yaml here, in /etc/netsim or in " NETSIM_DATADIR,
			    folder, shown(name->s));
		return NULL;
	}
	found = arena_strdup(b->context, path);
	if (!found)
		bind_oom(b);
	return found;
}

const struct ip *scenario_address(const struct node *node)
{
	for (size_t i = 0; i < node->iface_count; i++)
		if (node->ifaces[i].address_count)
			return &node->ifaces[i].addresses[0].ip;
	return NULL;
}

const struct ip *workload_address(const struct workload *w, const struct node *node)
{
	if (!w->interface.s)
		return scenario_address(node);
	for (size_t i = 0; i < node->iface_count; i++)
		if (strcmp(node->ifaces[i].name, w->interface.s) == 0)
			return node->ifaces[i].address_count ? &node->ifaces[i].addresses[0].ip :
							       NULL;
	return NULL;
}
