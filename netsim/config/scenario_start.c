// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads `start:`: workloads by recipe, by command, and ledgers. */
#include <stdlib.h>
#include <string.h>

#include "netsim/config/scenario_parts.h"
#include "netsim/util/arena.h"

#define LEDGER_RATE    100	 /* operations per second, unless given */
#define LEDGER_TIMEOUT 500000000 /* ns, unless given: below the election timeout of etcd */
#define BLOCKS_RATE    50
#define BLOCKS_TIMEOUT 30000000000 /* that of Linux for a command of a SCSI disk */

enum {
	IN_RECIPE = 1 << WORKLOAD_RECIPE,
	IN_RUN = 1 << WORKLOAD_RUN,
	IN_LEDGER = 1 << WORKLOAD_LEDGER,
	IN_BLOCKS = 1 << WORKLOAD_BLOCKS
};

/* A workload with the keys that exclude each other. */
struct raw_workload {
	struct workload w;
	struct node_set node;
	bool has_within;
};

static bool bind_per_second(struct bind *b, const struct field *field, const struct doc_node *node,
			    void *ret)
{
	const char *text = bind_string(b, field->name, node), *why;

	if (!text)
		return false;
	if (unit_parse_per_second(text, ret, &why) < 0)
		return bind_refuse(b, &node->at, why, "%s: \"%s\" is not a rate", field->name,
				   shown(text));
	return *(double *)ret > 0 ||
	       bind_refuse(b, &node->at, NULL, "%s: must be above 0", field->name);
}

static const struct field workload_rows[] = {
	{FIELD(struct raw_workload, w.use, "use", bind_text)},
	{FIELD(struct raw_workload, w.program.command, "run", program_bind_command),
	 .max = TEMPLATE_ALL},
	{FIELD(struct raw_workload, w.nodes, "nodes", scenario_bind_nodes), .nonzero = true},
	{FIELD(struct raw_workload, node, "node", scenario_bind_nodes), .nonzero = true, .max = 1},
	{FIELD(struct raw_workload, w.program, "env", program_bind_env), .in = IN_RECIPE | IN_RUN},
	{FIELD(struct raw_workload, w.program.ready, "ready", program_bind_ready), .in = IN_RUN,
	 .below = program_ready_rows},
	{FIELD(struct raw_workload, w.program.within, "within", bind_duration),
	 .in = IN_RECIPE | IN_RUN, .nonzero = true, .unit = "s",
	 FIELD_HAS(struct raw_workload, has_within)},
	{FIELD(struct raw_workload, w.interface, "interface", bind_text), .in = IN_RECIPE | IN_RUN},
	{FIELD(struct raw_workload, w.of, "of", bind_text), .in = IN_LEDGER | IN_BLOCKS},
	{FIELD(struct raw_workload, w.file, "file", bind_text), .in = IN_BLOCKS},
	{FIELD(struct raw_workload, w.rate, "rate", bind_per_second), .in = IN_LEDGER | IN_BLOCKS},
	{FIELD(struct raw_workload, w.timeout, "timeout", bind_duration),
	 .in = IN_LEDGER | IN_BLOCKS, .nonzero = true, .unit = "s"},
	{0},
};

static const struct {
	const char *what, *hint;
} kinds[] = {
	[WORKLOAD_RECIPE] = {"a workload with \"use\"", "it is the recipe's"},
	[WORKLOAD_RUN] = {"a workload with \"run\"", "it is a ledger's"},
	[WORKLOAD_LEDGER] = {"a ledger", "it runs no program"},
	[WORKLOAD_BLOCKS] = {"a block ledger", "it runs no program"},
};

static enum workload_kind kind_of(const struct doc_node *map)
{
	const struct doc_node *use = doc_get(map, "use");

	if (!use)
		return WORKLOAD_RUN;
	if (use->kind == DOC_TEXT && strcmp(use->text, SCENARIO_LEDGER) == 0)
		return WORKLOAD_LEDGER;
	if (use->kind == DOC_TEXT && strcmp(use->text, SCENARIO_BLOCKS) == 0)
		return WORKLOAD_BLOCKS;
	return WORKLOAD_RECIPE;
}

/* Adds the variables of a recipe that the workload does not set. */
static bool add_env(struct bind *b, const struct program *recipe, struct program *program)
{
	size_t own = program->env_count;

	for (size_t i = 0; i < recipe->env_count; i++) {
		struct env_var *var;
		bool set = false;

		for (size_t j = 0; j < own; j++)
			set |= strcmp(program->env[j]->name, recipe->env[i]->name) == 0;
		if (set)
			continue;
		var = arena_push(b->context, program->env, program->env_count);
		if (!var)
			return bind_oom(b);
		*var = *recipe->env[i];
	}
	return true;
}

/* Reports an unknown class at its place in the recipe. */
static bool check_classes(struct bind *b, const struct recipe *recipe)
{
	const struct doc_node *list = doc_get(recipe->doc, "classes");
	bool good = true;

	for (size_t i = 0; i < recipe->classes.count; i++) {
		const struct place at = {list->kind == DOC_LIST ? list->items[i] : list, 0};

		good &= scenario_check_class(b, recipe->classes.list[i].s, &at);
	}
	return good;
}

static bool load_recipe(struct bind *b, const struct scenario *s, struct raw_workload *raw)
{
	struct workload *w = &raw->w;
	const char *path = scenario_find(b, s, "scenarios/recipes", &w->use);
	struct program own = w->program;

	if (!path)
		return false;
	if (recipe_load(path, &w->recipe, b->diags) < 0) {
		b->mistakes++;
		return false;
	}
	if (!check_classes(b, w->recipe))
		return false;
	w->program = w->recipe->program;
	w->program.env = own.env;
	w->program.env_count = own.env_count;
	if (raw->has_within)
		w->program.within = own.within;
	return add_env(b, &w->recipe->program, &w->program);
}

static uint32_t store_of(const struct workload *ledger)
{
	return ledger->kind == WORKLOAD_BLOCKS ? RECIPE_STORE_BLOCK : RECIPE_STORE_ETCD;
}

/* A workload with mistakes may be a store. */
static bool is_store(const struct workload *w, uint32_t store)
{
	return w->wrong || (w->recipe && w->recipe->store == store);
}

/* Finds the store of a ledger: the workload of that name, or the only one with a store. */
static bool find_store(struct bind *b, const struct scenario *s, struct workload *w,
		       const struct doc_entry *entry)
{
	const struct place at = {doc_get(entry->value, "of"), 0};
	const struct workload *found = NULL;

	if (w->of.s) {
		w->store = scenario_need_workload(b, s, w->of.s, &at);
		if (!w->store)
			return false;
		return is_store(w->store, store_of(w)) ||
		       bind_refuse(b, &w->of.at,
				   w->kind == WORKLOAD_BLOCKS ? "its recipe needs store: block" :
								"its recipe needs store: etcd",
				   "of: \"%s\" is not a store of this ledger", w->of.s);
	}
	for (size_t i = 0; i < s->workload_count; i++) {
		if (!is_store(s->workloads[i], store_of(w)))
			continue;
		if (found)
			return bind_refuse(b, &entry->at,
					   hint_f("write of: %s, or of: %s", found->name,
						  s->workloads[i]->name),
					   "there are several stores");
		found = s->workloads[i];
	}
	w->store = found;
	return found ||
	       bind_refuse(
		       b, &entry->at,
		       w->kind == WORKLOAD_BLOCKS ?
			       "start a workload with store: block before it, or write file: PATH" :
			       "start a workload with store: etcd before it",
		       "\"%s\" has no store to write to", entry->key);
}

/* A block device has one writer, on one node, and it is a store or a file. */
static bool find_device(struct bind *b, const struct scenario *s, struct workload *w,
			const struct doc_entry *entry)
{
	if (w->nodes.count + w->nodes.host > 1)
		return bind_refuse(b, &w->nodes.words.at, "write node: NODE",
				   "a block ledger writes from one node, not from %zu",
				   w->nodes.count);
	if (!w->file.s)
		return find_store(b, s, w, entry);
	if (w->of.s)
		return bind_refuse(b, &w->file.at, "remove one of them",
				   "\"of\" and \"file\" exclude each other");
	return *w->file.s == '/' ||
	       bind_refuse(b, &w->file.at, "write a path that begins with /",
			   "file: \"%s\" is not an absolute path", shown(w->file.s));
}

/* Moves `node` to the nodes; exactly one of the two keys is needed. */
static bool join_nodes(struct bind *b, const struct doc_entry *entry, struct raw_workload *raw)
{
	const struct doc_entry *node = doc_find(entry->value, "node");
	bool nodes = doc_get(entry->value, "nodes");

	if (node && nodes)
		return bind_refuse(b, &node->at, "remove one of them",
				   "\"node\" and \"nodes\" exclude each other");
	if (!node && !nodes)
		return bind_refuse(b, &entry->at, "write node: NODE, or nodes: \"@role\"",
				   "a workload needs the key \"node\" or \"nodes\"");
	if (node)
		raw->w.nodes = raw->node;
	return true;
}

static bool has_interface(const struct node *node, const char *name)
{
	for (size_t i = 0; i < node->iface_count; i++)
		if (strcmp(node->ifaces[i].name, name) == 0)
			return true;
	return false;
}

/* The interface must exist on every node, with an address. */
static bool check_interface(struct bind *b, const struct scenario *s, const struct workload *w)
{
	for (size_t i = 0; w->interface.s && i < w->nodes.count; i++) {
		const struct node *node = &s->topo->nodes[w->nodes.list[i]];

		if (!has_interface(node, w->interface.s))
			return bind_refuse(b, &w->interface.at, NULL, "%s has no interface \"%s\"",
					   node->name, shown(w->interface.s));
		if (!workload_address(w, node))
			return bind_refuse(b, &w->interface.at, "give it one in the topology",
					   "%s/%s has no address", node->name, w->interface.s);
	}
	return true;
}

/* {address} and {members: ...} need an address of every node. */
static bool check_addresses(struct bind *b, const struct scenario *s, const struct workload *w)
{
	bool needed = false;
	size_t bad;
	const char *why, *hint;

	for (size_t i = 0; i < w->program.command.count; i++) {
		int places = template_check(w->program.command.list[i].s, TEMPLATE_ALL, &bad, &why,
					    &hint);

		needed |= places > 0 && places & (TEMPLATE_ADDRESS | TEMPLATE_MEMBERS);
	}
	for (size_t i = 0; needed && i < w->nodes.count; i++)
		if (!workload_address(w, &s->topo->nodes[w->nodes.list[i]]))
			return bind_refuse(b, &w->nodes.words.at, "give its interface an address",
					   "%s has no address for \"%s\"",
					   s->topo->nodes[w->nodes.list[i]].name, w->name);
	return true;
}

static bool finish_workload(struct bind *b, const struct scenario *s, struct raw_workload *raw,
			    const struct doc_entry *entry)
{
	struct workload *w = &raw->w;
	bool good = join_nodes(b, entry, raw);

	if (w->kind == WORKLOAD_RUN && !w->program.command.given)
		return bind_refuse(b, &entry->at, "write use: RECIPE, or run: [PROGRAM, ...]",
				   "a workload needs the key \"use\" or \"run\"");
	if (w->kind == WORKLOAD_RECIPE && w->use.s)
		good = load_recipe(b, s, raw) && good;
	if (w->kind == WORKLOAD_LEDGER)
		good = find_store(b, s, w, entry) && good;
	if (w->kind == WORKLOAD_BLOCKS)
		good = find_device(b, s, w, entry) && good;
	return good && check_interface(b, s, w) && check_addresses(b, s, w);
}

static bool read_workload(struct bind *b, struct scenario *s, const struct doc_entry *entry)
{
	enum workload_kind kind = kind_of(entry->value);
	const struct doc_entry *run = doc_find(entry->value, "run");
	const struct scope scope = {.what = kinds[kind].what,
				    .at = &entry->at,
				    .in = 1U << kind,
				    .hint = kinds[kind].hint};
	struct raw_workload raw = {
		.w = {.name = entry->key,
		      .at = entry->at,
		      .kind = kind,
		      .rate = kind == WORKLOAD_BLOCKS ? BLOCKS_RATE : LEDGER_RATE}};
	struct workload *w;
	bool good;

	raw.w.program.within.ns = PROGRAM_WITHIN;
	raw.w.timeout.ns = kind == WORKLOAD_BLOCKS ? BLOCKS_TIMEOUT : LEDGER_TIMEOUT;
	if (!bind_spend(b, &entry->at) || !scenario_check_name(b, s, "a workload", entry))
		return false;
	if (kind != WORKLOAD_RUN && run)
		good = bind_refuse(b, &run->at, "remove one of them",
				   "\"use\" and \"run\" exclude each other");
	else
		good = bind_map(b, workload_rows, entry->value, &scope, &raw);
	if (good)
		good = finish_workload(b, s, &raw, entry);
	/* Kept with mistakes, so that nothing else reports it as missing. */
	w = arena_push(b->context, s->workloads, s->workload_count);
	if (!w) {
		recipe_free(raw.w.recipe);
		return bind_oom(b);
	}
	*w = raw.w;
	w->wrong = !good;
	return good;
}

bool scenario_read_start(struct bind *b, struct scenario *s, const struct doc_node *map)
{
	bool good = true;

	if (map->kind != DOC_MAP && !doc_is_null(map))
		return bind_refuse(b, &map->at, "write NAME: {use: RECIPE, nodes: ...}",
				   "start: must be a mapping, not %s", doc_kind_name(map));
	for (size_t i = 0; i < map->count; i++)
		good &= read_workload(b, s, &map->entries[i]);
	return good;
}
