// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads one mapping of conditions: of a node, a direction, a pair or a class. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "netsim/config/dist.h"
#include "netsim/config/profile_parts.h"
#include "netsim/config/trace.h"
#include "netsim/config/words.h"
#include "netsim/util/array.h"
#include "netsim/util/name.h"

#define PROFILE_TABLES_MAX 256
#define PROFILE_TRACES_MAX 64

/* Contexts of a mapping of conditions, for field.in; below, those of loss models. */
enum { IN_NODE = 1, IN_ONE = 2, IN_PAIR = 4, IN_CLASS = 8 };
enum {
	IN_RANDOM = 1 << LOSS_RANDOM,
	IN_GILBERT = 1 << LOSS_GILBERT_ELLIOTT,
	IN_4STATE = 1 << LOSS_4STATE
};

static const char *const loss_models[] = {"random", "gilbert-elliott", "4-state", NULL};

/* A mapping of conditions as the file gives it. */
struct raw_conditions {
	struct conditions c;
	bool has_rtt;
	struct duration rtt;
	struct netsim_loc rtt_at;
	const struct doc_node *up, *down;
	const struct doc_node *between;
	struct text from, to;
};

/* A loss as the file gives it. */
struct raw_loss {
	struct loss loss;
	bool has_mean, has_burst;
	struct ratio mean;
	uint64_t burst;
	struct netsim_loc mean_at, burst_at;
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

/* "44B" or "44B atm". */
static bool bind_overhead(struct bind *b, const struct field *field, const struct doc_node *node,
			  void *ret)
{
	const char *text = bind_string(b, field->name, node), *blank;
	struct overhead *overhead = ret;
	char bytes[24] = "";
	struct size size;

	if (!text)
		return false;
	blank = strchr(text, ' ');
	if (!blank)
		blank = text + strlen(text);
	snprintf(bytes, sizeof(bytes), "%.*s", (int)(blank - text), text);
	overhead->atm = strcmp(blank, " atm") == 0;
	if ((*blank && !overhead->atm) || unit_parse_size(bytes, &size, NULL) < 0)
		return bind_refuse(b, &node->at, "write for example \"44B\" or \"44B atm\"",
				   "overhead: \"%s\" is not a number of bytes", shown(text));
	if (size.bytes > OVERHEAD_MAX)
		return bind_refuse(b, &node->at, NULL, "overhead: must be at most %dB",
				   OVERHEAD_MAX);
	overhead->bytes = (uint32_t)size.bytes;
	return true;
}

bool profile_path(struct buf *path, const struct profile *profile, const char *file)
{
	const char *slash = strrchr(profile->file, '/');

	if (file[0] != '/' && slash)
		buf_add(path, profile->file, (size_t)(slash + 1 - profile->file));
	buf_puts(path, file);
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
	if (profile_path(&path, profile, name))
		r = dist_read(path.data, &table.table, &table.len);
	if (r == -ENOMEM)
		return bind_oom(b);
	if (r == -EINVAL)
		return bind_refuse(b, at, "it holds numbers from -32768 to 32767, and # comments",
				   "distribution: \"%s\" is not a table", shown(name));
	if (r == -E2BIG)
		return bind_refuse(b, at, NULL, "distribution: \"%s\" has more than %d numbers",
				   shown(name), DIST_MAX);
	if (err_is_lack(r)) {
		b->mistakes++;
		diag_errno(b->diags, at, r, "distribution: cannot read its file");
		return false;
	}
	if (r < 0)
		return bind_refuse(b, at, "the path is relative to the profile",
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
	words.words = words_distribution;
	words.size = sizeof(c->distribution);
	return bind_word(b, &words, node, &c->distribution);
}

/* A missing trace is a mistake of the profile; mistakes inside it have locations there. */
static bool read_trace(struct bind *b, const char *name, const struct netsim_loc *at,
		       struct profile *profile, struct profile_trace *ret)
{
	auto_buf struct buf path = {0};
	struct profile_trace trace = {0};
	struct stat st;

	if (profile->trace_count == PROFILE_TRACES_MAX)
		return bind_refuse(b, at, NULL, "trace: more than %d traces", PROFILE_TRACES_MAX);
	if (!profile_path(&path, profile, name))
		return bind_oom(b);
	if (stat(path.data, &st) < 0)
		return bind_refuse(b, at, "the path is relative to the profile",
				   "trace: cannot read \"%s\": %s", shown(name), strerror(errno));
	if (!S_ISREG(st.st_mode))
		return bind_refuse(b, at, NULL, "trace: \"%s\" is not a file", shown(name));
	if (trace_load(path.data, &trace.trace, b->diags) < 0) {
		b->mistakes++;
		return false;
	}
	trace.file = strdup(name);
	struct profile_trace *slot =
		trace.file ? array_push(profile->traces, profile->trace_count) : NULL;

	if (!slot) {
		free(trace.file);
		trace_free(trace.trace);
		return bind_oom(b);
	}
	*slot = *ret = trace;
	return true;
}

static bool bind_trace(struct bind *b, const struct field *field, const struct doc_node *node,
		       void *ret)
{
	struct conditions *c = &((struct raw_conditions *)ret)->c;
	const char *name = bind_string(b, field->name, node);
	struct profile *profile = b->context;
	struct profile_trace trace = {0};

	if (!name)
		return false;
	for (size_t i = 0; i < profile->trace_count; i++)
		if (strcmp(profile->traces[i].file, name) == 0)
			trace = profile->traces[i];
	if (!trace.file && !read_trace(b, name, &node->at, profile, &trace))
		return false;
	c->trace_file = trace.file;
	c->trace = trace.trace;
	c->trace_has = trace.trace->has;
	return true;
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

static bool bind_burst(struct bind *b, const struct field *field, const struct doc_node *node,
		       void *ret)
{
	const char *text = bind_string(b, field->name, node);

	if (!text)
		return false;
	return loss_parse_burst(text, ret) == 0 ||
	       bind_refuse(b, &node->at, "write the mean number of packets lost in a row: 4",
			   "burst: \"%s\" is not a number from 1 to %d", shown(text),
			   LOSS_BURST_MAX);
}

#define LOSS(member, key) FIELD(struct raw_loss, loss.member, key, bind_ratio), .unit = "%"

static const struct field loss_rows[] = {
	{FIELD(struct raw_loss, loss.model, "model", bind_word), .words = loss_models,
	 .required = true},
	{LOSS(ratio, "ratio"), .required = true, .in = IN_RANDOM},
	{LOSS(p, "p"), .in = IN_GILBERT},
	{LOSS(r, "r"), .in = IN_GILBERT},
	{LOSS(bad, "bad"), .in = IN_GILBERT},
	{LOSS(good, "good"), .in = IN_GILBERT},
	{FIELD(struct raw_loss, mean, "mean", bind_ratio), .unit = "%", .in = IN_GILBERT,
	 FIELD_HAS(struct raw_loss, has_mean), FIELD_AT(struct raw_loss, mean_at)},
	{FIELD(struct raw_loss, burst, "burst", bind_burst), .in = IN_GILBERT,
	 FIELD_HAS(struct raw_loss, has_burst), FIELD_AT(struct raw_loss, burst_at)},
	{LOSS(p13, "p13"), .required = true, .in = IN_4STATE},
	{LOSS(p31, "p31"), .required = true, .in = IN_4STATE},
	{LOSS(p32, "p32"), .in = IN_4STATE},
	{LOSS(p23, "p23"), .in = IN_4STATE},
	{LOSS(p14, "p14"), .in = IN_4STATE},
	{0},
};

/* Gilbert-Elliott is given either by mean and burst or by p, r, bad and good, not by both. */
static bool finish_gilbert(struct bind *b, const struct doc_node *map, struct raw_loss *raw)
{
	static const char *const own[] = {"p", "r", "bad", "good"};
	bool good = true, mean = doc_get(map, "mean") || doc_get(map, "burst");
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		const struct doc_entry *entry = doc_find(map, own[i]);

		if (mean && entry)
			good = bind_refuse(b, &entry->at,
					   "give mean and burst, or p and r, bad and good",
					   "%s: cannot be combined with %s", own[i],
					   doc_get(map, "mean") ? "mean" : "burst");
		else if (!mean && !entry && i < 2)
			good = bind_refuse(b, &map->at, NULL,
					   "gilbert-elliott loss needs the key \"%s\"", own[i]);
	}
	if (mean && good && !doc_get(map, "mean"))
		return bind_refuse(b, &raw->burst_at, "give the mean loss as well: \"mean: 2%\"",
				   "burst: needs a mean");
	if (mean && good && !doc_get(map, "burst"))
		return bind_refuse(b, &raw->mean_at, "give the mean burst as well: \"burst: 4\"",
				   "mean: needs a burst");
	if (!good || !raw->has_mean || !raw->has_burst)
		return good;
	return loss_from_mean(raw->mean, raw->burst, &raw->loss, &why) == 0 ||
	       bind_refuse(b, &raw->mean_at, NULL, "mean: %s", why);
}

/* Checks that the probabilities of the two transitions out of a state add up to 1 at most. */
static bool check_ways(struct bind *b, const struct doc_node *map, const char *one,
		       struct ratio one_ratio, const char *other, struct ratio other_ratio)
{
	return one_ratio.ppb + other_ratio.ppb <= RATIO_ONE ||
	       bind_refuse(b, &map->at, NULL, "loss: %s and %s add up to more than 100%%", one,
			   other);
}

static bool bind_loss(struct bind *b, const struct field *field, const struct doc_node *node,
		      void *ret)
{
	struct raw_loss raw = {.loss = {.bad = {RATIO_ONE}, .p23 = {RATIO_ONE}}};
	struct loss *loss = ret;
	const struct doc_node *model = doc_get(node, "model");
	struct scope scope = {.what = "loss", .at = &node->at, .hint = "check its model"};
	struct field ratio = *field;

	*loss = raw.loss;
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
	if (!scope.in) /* the model is invalid or missing: accept the keys of all models */
		scope.in = IN_RANDOM | IN_GILBERT | IN_4STATE;
	if (model && !doc_is_null(model) && scope.in == (IN_RANDOM | IN_GILBERT | IN_4STATE))
		return bind_word(b, loss_rows, model, &loss->model);
	if (!model)
		return bind_refuse(b, &node->at,
				   "write \"model: random\", \"gilbert-elliott\" or \"4-state\"",
				   "loss needs the key \"model\"");
	if (!bind_map(b, loss_rows, node, &scope, &raw) ||
	    (raw.loss.model == LOSS_GILBERT_ELLIOTT && !finish_gilbert(b, node, &raw)))
		return false;
	*loss = raw.loss;
	return check_ways(b, node, "p13", loss->p13, "p14", loss->p14) &&
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
/* For conditions that fill several members. */
#define COND_WHOLE(cond, key, fn)                                                   \
	.name = (key), .bind = (fn), FIELD_BIT(struct raw_conditions, c.has, cond), \
	FIELD_AT(struct raw_conditions, c.at[cond])

const struct field profile_conditions_rows[] = {
	{COND(COND_RATE, rate, "rate", bind_rate), .unit = "mbit", .nonzero = true, .min = 8},
	{COND(COND_BURST, burst, "burst", bind_size), .unit = "kB", .nonzero = true},
	{COND(COND_PEAK, peak, "peak", bind_rate), .unit = "mbit", .nonzero = true, .min = 8},
	{COND(COND_QUEUE, queue, "queue", bind_queue)},
	{COND(COND_OVERHEAD, overhead, "overhead", bind_overhead)},
	{COND(COND_DELAY, delay, "delay", bind_duration), .unit = "ms"},
	{FIELD(struct raw_conditions, rtt, "rtt", bind_duration),
	 FIELD_HAS(struct raw_conditions, has_rtt), FIELD_AT(struct raw_conditions, rtt_at),
	 .unit = "ms", .in = IN_NODE | IN_PAIR | IN_CLASS},
	{COND(COND_JITTER, jitter, "jitter", bind_duration), .unit = "ms"},
	{COND_WHOLE(COND_DISTRIBUTION, "distribution", bind_distribution)},
	{COND_WHOLE(COND_REORDER, "reorder", bind_reorder)},
	{COND(COND_LOSS, loss, "loss", bind_loss), .below = loss_rows},
	{COND(COND_DUPLICATE, duplicate, "duplicate", bind_ratio), .unit = "%"},
	{COND(COND_CORRUPT, corrupt, "corrupt", bind_ratio), .unit = "%"},
	{COND(COND_LARGER, larger, "larger", bind_size), .unit = "B", .nonzero = true,
	 .max = LARGER_MAX},
	{COND(COND_SLOT, slot, "slot", bind_slot), .below = slot_rows},
	{COND(COND_SEED, seed, "seed", bind_count), .max = UINT64_MAX},
	{COND_WHOLE(COND_TRACE, "trace", bind_trace)},
	{FIELD(struct raw_conditions, between, "between", bind_node), .in = IN_PAIR},
	{FIELD(struct raw_conditions, from, "from", bind_text), .in = IN_PAIR},
	{FIELD(struct raw_conditions, to, "to", bind_text), .in = IN_PAIR},
	{FIELD(struct raw_conditions, up, "up", bind_node), .in = IN_NODE, .nullable = true},
	{FIELD(struct raw_conditions, down, "down", bind_node), .in = IN_NODE, .nullable = true},
	{.name = "hold",
	 .mistake =
		 "only a fault holds packets, because it ends: netsim fault hold n100-1 --for 5s"},
	{.name = "correlation",
	 .mistake = "netem's correlation changes the loss itself; for bursts, write \"loss: "
		    "{model: gilbert-elliott, mean: 2%, burst: 4}\""},
	{.name = "latency",
	 .mistake = "\"delay\" is the one-way delay, \"queue\" bounds the queue (tbf's latency)"},
	{0},
};

static void set_time(struct conditions *c, enum cond cond, struct duration *member, int64_t ns,
		     const struct netsim_loc *at)
{
	member->ns = ns;
	c->has |= 1U << cond;
	c->at[cond] = *at;
}

static bool check_entry(struct bind *b, const struct raw_conditions *raw)
{
	return !raw->has_rtt || !cond_has(&raw->c, COND_DELAY) ||
	       bind_refuse(b, &raw->c.at[COND_DELAY], "keep one of the two",
			   "delay: cannot be combined with rtt");
}

static bool read_direction(struct bind *b, const char *what, const struct doc_node *node,
			   const struct raw_conditions *both, struct conditions *ret)
{
	struct scope scope = {.what = what,
			      .in = IN_ONE,
			      .hint = "an rtt covers both directions; write \"delay\" here"};
	struct raw_conditions one = {0};

	if (!node)
		return true;
	scope.at = &node->at;
	if (!doc_get(node, "rtt"))
		scope.hint = NULL;
	if (!bind_map(b, profile_conditions_rows, node, &scope, &one))
		return false;
	if (both->has_rtt && cond_has(&one.c, COND_DELAY))
		return bind_refuse(b, &one.c.at[COND_DELAY], "keep one of the two",
				   "delay: cannot be combined with rtt");
	conditions_merge(ret, &one.c);
	return true;
}

/* Splits a round-trip time in two; down gets the odd nanosecond. */
static void halve(struct link_conditions *ret, enum cond cond, struct duration time,
		  const struct netsim_loc *at)
{
	struct duration *up = cond == COND_DELAY ? &ret->up.delay : &ret->up.jitter;
	struct duration *down = cond == COND_DELAY ? &ret->down.delay : &ret->down.jitter;

	set_time(&ret->up, cond, up, time.ns / 2, at);
	set_time(&ret->down, cond, down, time.ns - time.ns / 2, at);
}

bool profile_read_link(struct bind *b, const char *what, const struct netsim_loc *at,
		       const struct doc_node *node, struct link_conditions *ret)
{
	struct scope scope = {.what = what,
			      .at = at,
			      .in = IN_NODE,
			      .hint = "it belongs to an entry of \"pairs\""};
	struct raw_conditions raw = {0};
	bool good = bind_map(b, profile_conditions_rows, node, &scope, &raw);

	good &= check_entry(b, &raw);
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

static bool is_address(const char *text)
{
	const char *why;
	struct ip ip;

	return unit_parse_address(text, &ip, &why) == 0 || unit_parse_prefix(text, &ip, &why) == 0;
}

bool profile_check_pattern(struct bind *b, const char *pattern, const struct netsim_loc *at)
{
	struct name_range range;
	const char *p = pattern + (*pattern == '@');
	bool role = *pattern == '@';

	if (!*p)
		return bind_refuse(b, at, NULL, "\"%s\" names no node", shown(pattern));
	if (is_address(pattern))
		return bind_refuse(b, at,
				   "name the node that has it; a class with \"address\" has "
				   "conditions of its own",
				   "\"%s\" is an address, not a node", shown(pattern));
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
		return bind_refuse(b, at, "write a node, a pattern like \"n-*\", or \"@role\"",
				   "\"%s\" is not a pattern for nodes", shown(pattern));
	return true;
}

/* For entries with identical directions: halves the round-trip time, rounding down. */
static void halve_alike(struct raw_conditions *raw)
{
	struct conditions *c = &raw->c;

	if (!raw->has_rtt)
		return;
	set_time(c, COND_DELAY, &c->delay, raw->rtt.ns / 2, &raw->rtt_at);
	if (cond_has(c, COND_JITTER))
		c->jitter.ns /= 2;
}

static bool read_end(struct bind *b, const struct text *end, char **ret, struct netsim_loc *ret_at)
{
	if (!profile_check_pattern(b, end->s, &end->at))
		return false;
	*ret = strdup(end->s);
	*ret_at = end->at;
	return *ret || bind_oom(b);
}

static bool read_ends(struct bind *b, const struct text *from, const struct text *to,
		      struct profile_pair *ret)
{
	bool good = read_end(b, from, &ret->from, &ret->from_at);

	good &= read_end(b, to, &ret->to, &ret->to_at);
	if (good && strcmp(from->s, to->s) == 0 && !name_is_pattern(to->s))
		return bind_refuse(b, &to->at, NULL, "a pair needs two nodes, not \"%s\" twice",
				   shown(to->s));
	return good;
}

static bool read_between(struct bind *b, const struct doc_node *list, struct profile_pair *ret)
{
	struct text ends[2] = {0};

	if (list->kind != DOC_LIST || list->count != 2)
		return bind_refuse(b, &list->at, "write \"between: [A, B]\"",
				   "between: a pair needs two nodes");
	for (size_t i = 0; i < 2; i++) {
		ends[i] = (struct text) {bind_string(b, "between", list->items[i]),
					 list->items[i]->at};
		if (!ends[i].s)
			return false;
	}
	ret->both = true;
	return read_ends(b, &ends[0], &ends[1], ret);
}

static bool read_way(struct bind *b, const struct doc_node *node, const struct raw_conditions *raw,
		     struct profile_pair *ret)
{
	const struct doc_entry *from = doc_find(node, "from"), *to = doc_find(node, "to");

	if (raw->between && (from || to))
		return bind_refuse(
			b, from ? &from->at : &to->at,
			"write \"between\" for both directions, \"from\" and \"to\" for one",
			"%s: cannot be combined with between", from ? "from" : "to");
	if (raw->between)
		return read_between(b, raw->between, ret);
	if (!from || !to)
		return bind_refuse(b, from || to ? &(from ? from : to)->at : &node->at,
				   "write \"between: [A, B]\", or \"from: A\" and \"to: B\"",
				   "a pair needs two nodes");
	if (raw->has_rtt)
		return bind_refuse(b, &raw->rtt_at, "write \"delay\" for one direction",
				   "rtt: covers both directions, the pair only one");
	return raw->from.s && raw->to.s && read_ends(b, &raw->from, &raw->to, ret);
}

bool profile_read_pair(struct bind *b, const struct doc_node *node, struct profile_pair *ret)
{
	struct scope scope = {.what = "a pair",
			      .at = &node->at,
			      .in = IN_PAIR,
			      .hint = "write an entry with \"from\" and \"to\" for each direction"};
	struct raw_conditions raw = {0};
	bool good = bind_map(b, profile_conditions_rows, node, &scope, &raw);

	good &= check_entry(b, &raw);
	ret->at = node->at;
	if (!good || !read_way(b, node, &raw, ret))
		return false;
	halve_alike(&raw);
	ret->conditions.up = raw.c;
	if (ret->both)
		ret->conditions.down = raw.c;
	return true;
}

bool profile_read_class(struct bind *b, const struct netsim_loc *at, const struct doc_node *node,
			struct conditions *ret)
{
	struct scope scope = {
		.what = "a class",
		.at = at,
		.in = IN_CLASS,
		.hint = "the conditions of a class apply between all nodes, in both directions"};
	struct raw_conditions raw = {0};
	bool good = bind_map(b, profile_conditions_rows, node, &scope, &raw);

	good &= check_entry(b, &raw);
	halve_alike(&raw);
	*ret = raw.c;
	return good;
}
