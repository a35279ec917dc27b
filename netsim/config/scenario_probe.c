// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads `probes:`. */
#include <string.h>

#include "netsim/config/scenario_parts.h"
#include "netsim/util/arena.h"

#define PROBE_PERIOD   100000000   /* ns, unless given */
#define PROBE_PATIENCE 1000000000  /* ns, unless given */
#define PROBE_FASTEST  1000000	   /* ns */
#define PAIR_LIMIT     30000000000 /* ns; the timeout is at most twice this */

const char *const scenario_needs[] = {
	[NEED_ANY] = "any",
	[NEED_MAJORITY] = "majority",
	[NEED_ALL] = "all",
	NULL,
};

const char *const scenario_probes[] = {
	[PROBE_HTTP] = "http",
	[PROBE_TCP] = "tcp",
	[PROBE_PING] = "ping",
	[PROBE_RUN] = "run",
	NULL,
};

/* A probe as the file gives it, with a target for each of http, tcp and ping. */
struct raw_probe {
	struct probe p;
	struct text targets[PROBE_RUN];
	struct netsim_loc every_at;
};

enum {
	IN_HTTP = 1 << PROBE_HTTP,
	IN_TCP = 1 << PROBE_TCP,
	IN_PING = 1 << PROBE_PING,
	IN_RUN = 1 << PROBE_RUN,
};

#define OF_TARGET (TEMPLATE_NODE | TEMPLATE_ADDRESS | TEMPLATE_FOLDER)

static const struct field probe_rows[] = {
	{FIELD(struct raw_probe, p.from, "from", scenario_bind_nodes), .required = true,
	 .nonzero = true, .max = 1},
	{FIELD(struct raw_probe, targets[PROBE_HTTP], "http", program_bind_template),
	 .max = OF_TARGET},
	{FIELD(struct raw_probe, targets[PROBE_TCP], "tcp", program_bind_template),
	 .max = OF_TARGET},
	{FIELD(struct raw_probe, targets[PROBE_PING], "ping", program_bind_template),
	 .max = OF_TARGET},
	{FIELD(struct raw_probe, p.run, "run", program_bind_command), .max = OF_TARGET},
	{FIELD(struct raw_probe, p.nodes, "nodes", scenario_bind_nodes)},
	{FIELD(struct raw_probe, p.need, "need", bind_word), .words = scenario_needs},
	{FIELD(struct raw_probe, p.every, "every", bind_duration), .nonzero = true, .unit = "ms",
	 FIELD_AT(struct raw_probe, every_at)},
	{FIELD(struct raw_probe, p.timeout, "timeout", bind_duration), .nonzero = true,
	 .unit = "ms"},
	{FIELD(struct raw_probe, p.status, "status", bind_count), .min = 100, .max = 599,
	 .in = IN_HTTP},
	{FIELD(struct raw_probe, p.body, "body", bind_text), .in = IN_HTTP},
	{FIELD(struct raw_probe, p.tls, "tls", bind_text), .in = IN_HTTP},
	{0},
};

/* Finds which of the four keys is given; -1 after reporting none or several. */
static int kind_of(struct bind *b, const struct doc_entry *entry)
{
	int kind = -1;

	for (int i = 0; scenario_probes[i]; i++) {
		const struct doc_entry *key = doc_find(entry->value, scenario_probes[i]);

		if (key && kind >= 0) {
			bind_refuse(b, &key->at, "remove one of them",
				    "\"%s\" and \"%s\" exclude each other", scenario_probes[kind],
				    scenario_probes[i]);
			return -1;
		}
		if (key)
			kind = i;
	}
	if (kind < 0 && entry->value->kind == DOC_MAP)
		bind_refuse(b, &entry->at, "write one of http, tcp, ping, run",
			    "the probe \"%s\" has nothing to send", shown(entry->key));
	else if (kind < 0)
		bind_refuse(b, &entry->value->at, "write {from: NODE, http: URL}",
			    "a probe must be a mapping, not %s", doc_kind_name(entry->value));
	return kind;
}

static bool uses_target(const struct probe *p)
{
	const char *why, *hint;
	size_t bad;
	int places = 0;

	if (p->kind != PROBE_RUN)
		return template_check(p->target.s, OF_TARGET, &bad, &why, &hint) &
		       (TEMPLATE_NODE | TEMPLATE_ADDRESS);
	for (size_t i = 0; i < p->run.count; i++)
		places |= template_check(p->run.list[i].s, OF_TARGET, &bad, &why, &hint);
	return places & (TEMPLATE_NODE | TEMPLATE_ADDRESS);
}

static bool check_target(struct bind *b, const struct scenario *s, const struct probe *p)
{
	bool used = uses_target(p);
	const struct netsim_loc *at = p->kind == PROBE_RUN ? &p->run.at : &p->target.at;

	if (used && !p->nodes.words.given)
		return bind_refuse(b, at, "name the targets with \"nodes\"",
				   "%s: {node} and {address} need targets",
				   scenario_probes[p->kind]);
	if (!used && p->nodes.count > 1)
		return bind_refuse(b, at, "write {address} or {node}",
				   "%s: is the same for each of %zu targets",
				   scenario_probes[p->kind], p->nodes.count);
	for (size_t i = 0; used && i < p->nodes.count; i++)
		if (!scenario_address(&s->topo->nodes[p->nodes.list[i]]))
			return bind_refuse(b, &p->nodes.words.at, "give its interface an address",
					   "%s has no address for the probe \"%s\"",
					   s->topo->nodes[p->nodes.list[i]].name, p->name);
	return true;
}

static bool has_port(const char *target)
{
	const char *colon = strrchr(target, ':');
	uint64_t port;

	return colon && colon > target && unit_parse_count(colon + 1, 1, 65535, &port) == 0;
}

static bool check_form(struct bind *b, const struct probe *p)
{
	const char *target = p->target.s;

	if (p->nodes.host)
		return bind_refuse(b, &p->nodes.words.at, "write its address, without \"nodes\"",
				   "nodes: host is not a node");
	if (p->kind == PROBE_HTTP && strncmp(target, "http://", 7) != 0 &&
	    strncmp(target, "https://", 8) != 0)
		return bind_refuse(b, &p->target.at, "write \"http://{address}:PORT/PATH\"",
				   "http: \"%s\" is not a URL", shown(target));
	if (p->kind == PROBE_TCP && !has_port(target))
		return bind_refuse(b, &p->target.at, "write \"{address}:PORT\"",
				   "tcp: \"%s\" has no port", shown(target));
	return true;
}

/* Finds the recipe whose `tls` the probe uses. */
static bool find_client(struct bind *b, const struct scenario *s, const struct doc_entry *entry,
			struct probe *p)
{
	const struct place at = {doc_get(entry->value, "tls"), 0};
	const struct workload *w;

	if (!p->tls.s)
		return true;
	w = scenario_need_workload(b, s, p->tls.s, &at);
	if (!w || w->wrong)
		return w;
	if (!w->recipe || !w->recipe->tls.ca.s)
		return scenario_refuse(b, &at, "its recipe needs \"tls\"",
				       "tls: the workload \"%s\" has no client certificates",
				       w->name);
	p->client = w->recipe;
	return true;
}

static bool read_probe(struct bind *b, struct scenario *s, const struct doc_entry *entry)
{
	struct raw_probe raw = {.p = {.name = entry->key,
				      .at = entry->at,
				      .every = {PROBE_PERIOD},
				      .timeout = {PROBE_PATIENCE},
				      .status = 200}};
	struct scope scope = {.what = "a probe", .at = &entry->at, .hint = "it is for http"};
	struct probe *probe;
	bool good;
	int kind;

	if (!bind_spend(b, &entry->at) || !scenario_check_name(b, s, "a probe", entry))
		return false;
	kind = kind_of(b, entry);
	scope.in = kind < 0 ? IN_HTTP : 1U << kind;
	raw.p.kind = kind < 0 ? PROBE_HTTP : (enum probe_kind)kind;
	good = entry->value->kind == DOC_MAP && bind_map(b, probe_rows, entry->value, &scope, &raw);
	if (kind >= 0 && kind < PROBE_RUN)
		raw.p.target = raw.targets[kind];
	if (good && raw.p.every.ns < PROBE_FASTEST)
		good = bind_refuse(b, &raw.every_at, NULL, "every: must be at least 1ms");
	if (good && kind >= 0)
		good = check_form(b, &raw.p) && check_target(b, s, &raw.p) &&
		       find_client(b, s, entry, &raw.p);
	/* Kept with mistakes, so that no sentence reports it as missing. */
	probe = arena_push(b->context, s->probes, s->probe_count);
	if (!probe)
		return bind_oom(b);
	*probe = raw.p;
	return good && kind >= 0;
}

bool scenario_read_probes(struct bind *b, struct scenario *s, const struct doc_node *map)
{
	bool good = true;

	if (map->kind != DOC_MAP && !doc_is_null(map))
		return bind_refuse(b, &map->at, "write NAME: {from: NODE, http: URL}",
				   "probes: must be a mapping, not %s", doc_kind_name(map));
	for (size_t i = 0; i < map->count; i++)
		good &= read_probe(b, s, &map->entries[i]);
	return good;
}

/* --- pairs */

static struct probe *get_pair_probe(struct scenario *s, const char *pair)
{
	struct probe *probe;

	for (size_t i = 0; i < s->probe_count; i++)
		if (strcmp(s->probes[i]->name, pair) == 0)
			return s->probes[i];
	probe = arena_push(s, s->probes, s->probe_count);
	if (!probe)
		return NULL;
	*probe = (struct probe) {.name = arena_strdup(s, pair),
				 .kind = PROBE_PING,
				 .target = {.s = "{address}"},
				 .every = {PROBE_PERIOD},
				 .timeout = {PROBE_PATIENCE},
				 .status = 200,
				 .of_pair = true};
	return probe->name ? probe : NULL;
}

/* Sets the one node of a set; NULL: the host. */
static bool set_node(struct bind *b, const struct scenario *s, const struct node *node,
		     struct node_set *set)
{
	set->host = !node;
	set->count = node ? 1 : 0;
	set->list = arena_alloc(b->context, sizeof(*set->list));
	if (set->list && node)
		*set->list = (size_t)(node - s->topo->nodes);
	return set->list != NULL;
}

const struct probe *scenario_pair_probe(struct bind *b, struct scenario *s,
					const struct expectation *e,
					const struct node *const ends[2], const struct place at[2])
{
	const struct node *from = ends[0], *to = ends[1];
	struct probe *probe;
	int64_t longest = e->value < PAIR_LIMIT ? 2 * (int64_t)e->value : 2 * PAIR_LIMIT;

	if (from && from->kind != NODE_NETNS) {
		scenario_refuse(b, &at[0], to && to->kind == NODE_NETNS ? "write B:A" : NULL,
				"%s is a virtual machine, and nothing in it can ping", from->name);
		return NULL;
	}
	if (!to) {
		scenario_refuse(b, &at[1], "write host:NODE", "the host cannot be pinged");
		return NULL;
	}
	if (!scenario_address(to)) {
		scenario_refuse(b, &at[1], "give its interface an address", "%s has no address",
				to->name);
		return NULL;
	}
	probe = get_pair_probe(s, e->pair);
	if (!probe || !set_node(b, s, from, &probe->from) || !set_node(b, s, to, &probe->nodes)) {
		bind_oom(b);
		return NULL;
	}
	/* Wait for twice the sentence's value, so that the round trip of a late answer is known. */
	if (probe->timeout.ns < longest)
		probe->timeout.ns = longest;
	return probe;
}
