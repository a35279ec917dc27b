// SPDX-License-Identifier: GPL-2.0-or-later
/* The profile file: conditions, for both directions or one, by node patterns. */
#include "netsim/profile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/bind.h"
#include "netsim/buf.h"
#include "netsim/dist.h"
#include "netsim/name.h"

#define PROFILE_NAME_MAX   63
#define PROFILE_TABLES_MAX 256

enum { IN_BOTH = 1, IN_ONE = 2 };
enum {
	IN_RANDOM = 1 << LOSS_RANDOM,
	IN_GILBERT = 1 << LOSS_GILBERT_ELLIOTT,
	IN_4STATE = 1 << LOSS_4STATE
};

static const char *const engines[] = {"auto", "netem", NULL};
static const char *const distributions[] = {"uniform", "normal", "pareto", "paretonormal", NULL};
static const char *const loss_models[] = {"random", "gilbert-elliott", "4-state", NULL};

/* A mapping of conditions as it is written. */
struct raw_conditions {
	struct conditions c;
	bool has_rtt;
	struct duration rtt;
	struct netsim_loc rtt_at;
	const struct doc_node *up, *down;
};

struct raw_profile {
	struct text name;
	uint32_t engine;
	const struct doc_node *defaults, *nodes;
};

static bool bind_queue(struct bind *b, const struct field *field, const struct doc_node *node,
		       void *ret)
{
	const char *text = bind_string(b, field->name, node);
	struct queue *queue = ret;
	struct duration time;
	struct size size;
	char count[24];
	size_t digits;

	if (!text)
		return false;
	digits = strspn(text, "0123456789");
	if (unit_parse_duration(text, &time, NULL) == 0) {
		*queue = (struct queue) {QUEUE_TIME, (uint64_t)time.ns};
	} else if (unit_parse_size(text, &size, NULL) == 0) {
		*queue = (struct queue) {QUEUE_BYTES, size.bytes};
	} else if (digits < sizeof(count) &&
		   (strcmp(text + digits, " packets") == 0 || strcmp(text, "1 packet") == 0)) {
		memcpy(count, text, digits);
		count[digits] = '\0';
		queue->unit = QUEUE_PACKETS;
		if (unit_parse_count(count, 0, UINT32_MAX, &queue->value) < 0)
			return bind_refuse(b, &node->at, NULL, "queue: \"%s\" is too many packets",
					   shown(text));
	} else {
		return bind_refuse(
			b, &node->at, "write for example \"50ms\", \"256KiB\" or \"100 packets\"",
			"queue: \"%s\" is not a time, a size or a number of packets", shown(text));
	}
	return queue->value || bind_refuse(b, &node->at, "a queue of 0 would stop all traffic",
					   "queue: must be above 0");
}

/* The path of a table, which a profile names relative to itself. */
static bool add_directory(struct buf *path, const char *profile, const char *table)
{
	const char *slash = strrchr(profile, '/');

	if (table[0] != '/' && slash)
		buf_add(path, profile, (size_t)(slash + 1 - profile));
	buf_puts(path, table);
	return !path->failed;
}

static bool read_table(struct bind *b, const char *name, const struct netsim_loc *at,
		       struct profile *profile, struct profile_table *ret)
{
	auto_buf struct buf path = {0};
	struct profile_table table = {0};
	int r = -ENOMEM;

	if (profile->table_count == PROFILE_TABLES_MAX)
		return bind_refuse(b, at, NULL, "distribution: more than %d tables",
				   PROFILE_TABLES_MAX);
	if (add_directory(&path, profile->file, name))
		r = dist_read(path.data, &table.table, &table.len);
	if (r == -ENOMEM)
		return bind_oom(b);
	if (r == -EINVAL)
		return bind_refuse(b, at, "it holds numbers from -32768 to 32767, and # comments",
				   "distribution: \"%s\" is not a table", shown(name));
	if (r == -E2BIG)
		return bind_refuse(b, at, NULL, "distribution: \"%s\" has more than %d numbers",
				   shown(name), DIST_MAX);
	if (r < 0)
		return bind_refuse(b, at, "it is looked for beside the profile",
				   "distribution: cannot read \"%s\": %s", shown(name),
				   strerror(-r));
	table.file = strdup(name);
	struct profile_table *slot =
		table.file ? array_push(profile->tables, profile->table_count) : NULL;

	if (!slot) {
		free(table.file);
		free(table.table);
		return bind_oom(b);
	}
	*slot = *ret = table;
	return true;
}

static bool find_table(struct bind *b, const char *name, const struct netsim_loc *at,
		       struct conditions *c)
{
	struct profile *profile = b->context;
	struct profile_table table = {0};

	for (size_t i = 0; i < profile->table_count; i++)
		if (strcmp(profile->tables[i].file, name) == 0)
			table = profile->tables[i];
	if (!table.file && !read_table(b, name, at, profile, &table))
		return false;
	c->distribution = DIST_FILE;
	c->table_file = table.file;
	c->table = table.table;
	c->table_len = table.len;
	return true;
}

static bool bind_distribution(struct bind *b, const struct field *field,
			      const struct doc_node *node, void *ret)
{
	struct conditions *c = &((struct raw_conditions *)ret)->c;
	const char *text = bind_string(b, field->name, node);
	struct field words = *field;
	size_t len;

	if (!text)
		return false;
	len = strlen(text);
	if (strchr(text, '/') || (len > 5 && strcmp(text + len - 5, ".dist") == 0))
		return find_table(b, text, &node->at, c);
	words.words = distributions;
	words.size = sizeof(c->distribution);
	return bind_word(b, &words, node, &c->distribution);
}

static bool bind_reorder(struct bind *b, const struct field *field, const struct doc_node *node,
			 void *ret)
{
	struct conditions *c = &((struct raw_conditions *)ret)->c;
	const char *text = bind_string(b, field->name, node);

	if (!text)
		return false;
	if (strcmp(text, "forbidden") == 0)
		c->reorder = REORDER_FORBIDDEN;
	else if (strcmp(text, "allowed") == 0)
		c->reorder = REORDER_ALLOWED;
	else if (unit_parse_ratio(text, &c->reorder_ratio, NULL) == 0)
		c->reorder = REORDER_RATIO;
	else
		return bind_refuse(b, &node->at, NULL,
				   "reorder: \"%s\" is not \"forbidden\", \"allowed\" or a ratio",
				   shown(text));
	return true;
}

#define LOSS(member, key) FIELD(struct loss, member, key, bind_ratio), .unit = "%"

static const struct field loss_rows[] = {
	{FIELD(struct loss, model, "model", bind_word), .words = loss_models, .required = true},
	{LOSS(ratio, "ratio"), .required = true, .in = IN_RANDOM},
	{LOSS(p, "p"), .required = true, .in = IN_GILBERT},
	{LOSS(r, "r"), .required = true, .in = IN_GILBERT},
	{LOSS(bad, "bad"), .in = IN_GILBERT},
	{LOSS(good, "good"), .in = IN_GILBERT},
	{LOSS(p13, "p13"), .required = true, .in = IN_4STATE},
	{LOSS(p31, "p31"), .required = true, .in = IN_4STATE},
	{LOSS(p32, "p32"), .in = IN_4STATE},
	{LOSS(p23, "p23"), .in = IN_4STATE},
	{LOSS(p14, "p14"), .in = IN_4STATE},
	{0},
};

/* From one state, two ways out and staying: together they are certain. */
static bool check_ways(struct bind *b, const struct doc_node *map, const char *one,
		       struct ratio one_ratio, const char *other, struct ratio other_ratio)
{
	return one_ratio.ppb + other_ratio.ppb <= RATIO_ONE ||
	       bind_refuse(b, &map->at, NULL, "loss: %s and %s together are above 100%%", one,
			   other);
}

static bool bind_loss(struct bind *b, const struct field *field, const struct doc_node *node,
		      void *ret)
{
	struct loss *loss = ret;
	const struct doc_node *model = doc_get(node, "model");
	struct scope scope = {.what = "loss", .at = &node->at, .hint = "look at its model"};
	struct field ratio = *field;

	*loss = (struct loss) {.bad = {RATIO_ONE}, .p23 = {RATIO_ONE}};
	if (node->kind != DOC_MAP) {
		ratio.unit = "%";
		ratio.size = sizeof(loss->ratio);
		return bind_ratio(b, &ratio, node, &loss->ratio);
	}
	for (unsigned i = 0; loss_models[i]; i++)
		if (model && model->kind == DOC_TEXT && strcmp(model->text, loss_models[i]) == 0) {
			scope.in = 1U << i;
			scope.what = i == LOSS_RANDOM ? "random loss" :
				     i == LOSS_4STATE ? "4-state loss" :
							"gilbert-elliott loss";
		}
	if (!scope.in) /* the model is wrong or missing; the other keys may be anybody's */
		scope.in = IN_RANDOM | IN_GILBERT | IN_4STATE;
	if (model && !doc_is_null(model) && scope.in == (IN_RANDOM | IN_GILBERT | IN_4STATE))
		return bind_word(b, loss_rows, model, &loss->model);
	if (!model)
		return bind_refuse(b, &node->at,
				   "write \"model: random\", \"gilbert-elliott\" or \"4-state\"",
				   "loss needs the key \"model\"");
	return bind_map(b, loss_rows, node, &scope, loss) &&
	       check_ways(b, node, "p13", loss->p13, "p14", loss->p14) &&
	       check_ways(b, node, "p31", loss->p31, "p32", loss->p32);
}

static const struct field slot_rows[] = {
	{FIELD(struct slot, min, "min", bind_duration), .unit = "ms", .required = true},
	{FIELD(struct slot, max, "max", bind_duration), .unit = "ms"},
	{FIELD(struct slot, packets, "packets", bind_count), .min = 1, .max = INT32_MAX},
	{FIELD(struct slot, bytes, "bytes", bind_size), .unit = "B", .nonzero = true},
	{0},
};

static bool bind_slot(struct bind *b, const struct field *field, const struct doc_node *node,
		      void *ret)
{
	struct scope scope = {.what = "slot", .at = &node->at};
	struct slot *slot = ret;
	struct field time = *field;

	*slot = (struct slot) {0};
	if (node->kind != DOC_MAP) {
		time.unit = "ms";
		time.size = sizeof(slot->min);
		if (!bind_duration(b, &time, node, &slot->min))
			return false;
	} else if (!bind_map(b, slot_rows, node, &scope, slot)) {
		return false;
	}
	if (node->kind != DOC_MAP || !doc_get(node, "max"))
		slot->max = slot->min;
	if (slot->bytes.bytes > INT32_MAX)
		return bind_refuse(b, &node->at, NULL, "slot: bytes must be below 2GiB");
	if (slot->max.ns == 0)
		return bind_refuse(b, &node->at, NULL, "slot: must be above 0");
	return slot->max.ns >= slot->min.ns ||
	       bind_refuse(b, &node->at, NULL, "slot: max is below min");
}

#define COND(cond, member, key, fn)                            \
	FIELD(struct raw_conditions, c.member, key, fn),       \
		FIELD_BIT(struct raw_conditions, c.has, cond), \
		FIELD_AT(struct raw_conditions, c.at[cond])
/* For those that fill several members. */
#define COND_WHOLE(cond, key, fn)                                                   \
	.name = (key), .bind = (fn), FIELD_BIT(struct raw_conditions, c.has, cond), \
	FIELD_AT(struct raw_conditions, c.at[cond])

static const struct field conditions_rows[] = {
	{COND(COND_RATE, rate, "rate", bind_rate), .unit = "mbit", .nonzero = true, .min = 8},
	{COND(COND_BURST, burst, "burst", bind_size), .unit = "kB", .nonzero = true},
	{COND(COND_QUEUE, queue, "queue", bind_queue)},
	{COND(COND_DELAY, delay, "delay", bind_duration), .unit = "ms"},
	{FIELD(struct raw_conditions, rtt, "rtt", bind_duration),
	 FIELD_HAS(struct raw_conditions, has_rtt), FIELD_AT(struct raw_conditions, rtt_at),
	 .unit = "ms", .in = IN_BOTH},
	{COND(COND_JITTER, jitter, "jitter", bind_duration), .unit = "ms"},
	{COND_WHOLE(COND_DISTRIBUTION, "distribution", bind_distribution)},
	{COND_WHOLE(COND_REORDER, "reorder", bind_reorder)},
	{COND(COND_LOSS, loss, "loss", bind_loss), .below = loss_rows},
	{COND(COND_DUPLICATE, duplicate, "duplicate", bind_ratio), .unit = "%"},
	{COND(COND_CORRUPT, corrupt, "corrupt", bind_ratio), .unit = "%"},
	{COND(COND_SLOT, slot, "slot", bind_slot), .below = slot_rows},
	{COND(COND_SEED, seed, "seed", bind_count), .max = UINT64_MAX},
	{FIELD(struct raw_conditions, up, "up", bind_node), .in = IN_BOTH, .nullable = true},
	{FIELD(struct raw_conditions, down, "down", bind_node), .in = IN_BOTH, .nullable = true},
	{.name = "latency",
	 .mistake = "\"delay\" is the one-way delay, \"queue\" bounds the queue (tbf's latency)"},
	{0},
};

static const struct field profile_rows[] = {
	{FIELD(struct raw_profile, name, "profile", bind_text)},
	{FIELD(struct raw_profile, engine, "engine", bind_word), .words = engines},
	{FIELD(struct raw_profile, defaults, "default", bind_node), .nullable = true,
	 .below = conditions_rows},
	{FIELD(struct raw_profile, nodes, "nodes", bind_node), .nullable = true,
	 .below = conditions_rows},
	{0},
};

size_t profile_keys(const char **names, size_t max)
{
	return bind_keys(profile_rows, names, 0, max);
}

static void set_time(struct conditions *c, enum cond cond, struct duration *member, int64_t ns,
		     const struct netsim_loc *at)
{
	member->ns = ns;
	c->has |= 1U << cond;
	c->at[cond] = *at;
}

static bool read_direction(struct bind *b, const char *what, const struct doc_node *node,
			   const struct raw_conditions *both, struct conditions *ret)
{
	struct scope scope = {.what = what,
			      .in = IN_ONE,
			      .hint = "a round trip has both directions; write \"delay\" here"};
	struct raw_conditions one = {0};

	if (!node)
		return true;
	scope.at = &node->at;
	if (!bind_map(b, conditions_rows, node, &scope, &one))
		return false;
	if (both->has_rtt && cond_has(&one.c, COND_DELAY))
		return bind_refuse(b, &one.c.at[COND_DELAY], "keep one of the two",
				   "delay: there is an rtt beside it");
	conditions_merge(ret, &one.c);
	return true;
}

/* Half of a round trip's time, the odd nanosecond on the way down. */
static void halve(struct link_conditions *ret, enum cond cond, struct duration time,
		  const struct netsim_loc *at)
{
	struct duration *up = cond == COND_DELAY ? &ret->up.delay : &ret->up.jitter;
	struct duration *down = cond == COND_DELAY ? &ret->down.delay : &ret->down.jitter;

	set_time(&ret->up, cond, up, time.ns / 2, at);
	set_time(&ret->down, cond, down, time.ns - time.ns / 2, at);
}

static bool read_conditions(struct bind *b, const char *what, const struct netsim_loc *at,
			    const struct doc_node *node, struct link_conditions *ret)
{
	struct scope scope = {.what = what, .at = at, .in = IN_BOTH};
	struct raw_conditions raw = {0};
	bool good = bind_map(b, conditions_rows, node, &scope, &raw);

	if (raw.has_rtt && cond_has(&raw.c, COND_DELAY))
		good = bind_refuse(b, &raw.c.at[COND_DELAY], "keep one of the two",
				   "delay: there is an rtt beside it");
	ret->up = ret->down = raw.c;
	if (raw.has_rtt) {
		halve(ret, COND_DELAY, raw.rtt, &raw.rtt_at);
		if (cond_has(&raw.c, COND_JITTER))
			halve(ret, COND_JITTER, raw.c.jitter, &raw.c.at[COND_JITTER]);
	}
	good &= read_direction(b, "up", raw.up, &raw, &ret->up);
	good &= read_direction(b, "down", raw.down, &raw, &ret->down);
	return good;
}

static bool check_pattern(struct bind *b, const char *pattern, const struct netsim_loc *at)
{
	struct name_range range;
	const char *p = pattern + (*pattern == '@');
	bool role = *pattern == '@';

	if (!*p)
		return bind_refuse(b, at, NULL, "\"%s\" names no node", shown(pattern));
	for (const char *open; (open = strpbrk(p, "[]")); p = open + range.start + range.len) {
		if (role || name_range_find(open, &range) != 1)
			return bind_refuse(b, at, "a range looks like \"n-[1-5]\"",
					   "\"%s\" is not a pattern for nodes", shown(pattern));
		if (range.first > range.last)
			return bind_refuse(b, at, NULL, "\"%s\": the range is empty",
					   shown(pattern));
	}
	p = pattern + role;
	if (p[strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-*?[]")])
		return bind_refuse(b, at, "write a node, a pattern as \"n-*\", or \"@role\"",
				   "\"%s\" is not a pattern for nodes", shown(pattern));
	return true;
}

/* pattern NULL: the default. */
static bool read_rule(struct bind *b, struct profile *profile, const char *pattern,
		      const struct netsim_loc *at, const struct doc_node *node)
{
	struct profile_rule *rule;

	if (!bind_spend(b, at) || (pattern && !check_pattern(b, pattern, at)))
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
	return read_conditions(b, pattern ? "a node's conditions" : "default", at, node,
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

/* A profile without a name is called as its file, as far as that can be a name. */
static bool name_profile(struct bind *b, struct profile *profile, const struct text *name)
{
	const char *slash = strrchr(profile->file, '/'), *dot;

	if (name->s) {
		profile->name = strdup(name->s);
		if (!profile->name)
			return bind_oom(b);
		return name_is_plain(name->s, PROFILE_NAME_MAX) ||
		       bind_refuse(b, &name->at, "letters, digits, '.', '-' and '_'",
				   "\"%s\" is not possible as the name of a profile",
				   shown(name->s));
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
	return good;
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

/* doc is NULL where it could not be read; diags say why then. */
static int finish(struct profile **profile, const struct doc_node *doc, struct profile **ret,
		  struct netsim_diags *diags)
{
	auto_bind struct bind b = {.diags = diags, .context = *profile};
	bool good = doc && read_profile(&b, *profile, doc);

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
	diag_add(diags, NULL, NULL, "out of memory");
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
