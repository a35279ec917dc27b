// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints a profile: conditions common to both directions first, then those that differ. */
#include "netsim/config/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "netsim/config/words.h"
#include "netsim/util/quote.h"

/* Prints a key, preceded by a comma unless it is the first of its mapping. */
static void key(FILE *out, bool *first, const char *name)
{
	fprintf(out, "%s%s: ", *first ? "" : ", ", name);
	*first = false;
}

static void print_ratio(FILE *out, bool *first, const char *name, struct ratio ratio)
{
	char text[UNIT_TEXT];

	key(out, first, name);
	fputs(unit_format_ratio(ratio, text), out);
}

static void print_duration(FILE *out, bool *first, const char *name, struct duration duration)
{
	char text[UNIT_TEXT];

	key(out, first, name);
	fputs(unit_format_duration(duration, text), out);
}

static void print_size(FILE *out, bool *first, const char *name, struct size size)
{
	char text[UNIT_TEXT];

	key(out, first, name);
	fputs(unit_format_size(size, text), out);
}

static void print_queue(FILE *out, bool *first, const struct queue *queue)
{
	switch (queue->unit) {
	case QUEUE_TIME:
		print_duration(out, first, "queue", (struct duration) {(int64_t)queue->value});
		break;
	case QUEUE_BYTES:
		print_size(out, first, "queue", (struct size) {queue->value});
		break;
	case QUEUE_PACKETS:
		key(out, first, "queue");
		fprintf(out, "%" PRIu64 " packets", queue->value);
		break;
	}
}

static void print_loss(FILE *out, bool *outer, const struct loss *loss)
{
	bool first = false;

	if (loss->model == LOSS_RANDOM) {
		print_ratio(out, outer, "loss", loss->ratio);
		return;
	}
	key(out, outer, "loss");
	if (loss->model == LOSS_GILBERT_ELLIOTT) {
		fputs("{model: gilbert-elliott", out);
		print_ratio(out, &first, "p", loss->p);
		print_ratio(out, &first, "r", loss->r);
		print_ratio(out, &first, "bad", loss->bad);
		print_ratio(out, &first, "good", loss->good);
	} else {
		fputs("{model: 4-state", out);
		print_ratio(out, &first, "p13", loss->p13);
		print_ratio(out, &first, "p31", loss->p31);
		print_ratio(out, &first, "p32", loss->p32);
		print_ratio(out, &first, "p23", loss->p23);
		print_ratio(out, &first, "p14", loss->p14);
	}
	fputs("}", out);
}

static void print_slot(FILE *out, bool *outer, const struct slot *slot)
{
	bool first = true;

	key(out, outer, "slot");
	fputs("{", out);
	print_duration(out, &first, "min", slot->min);
	print_duration(out, &first, "max", slot->max);
	if (slot->packets) {
		key(out, &first, "packets");
		fprintf(out, "%" PRIu32, slot->packets);
	}
	if (slot->bytes.bytes)
		print_size(out, &first, "bytes", slot->bytes);
	fputs("}", out);
}

static void print_reorder(FILE *out, bool *first, const struct conditions *c)
{
	if (c->reorder == REORDER_RATIO) {
		print_ratio(out, first, "reorder", c->reorder_ratio);
		return;
	}
	key(out, first, "reorder");
	fputs(c->reorder == REORDER_ALLOWED ? "allowed" : "forbidden", out);
}

static void print_cond(FILE *out, bool *first, const struct conditions *c, enum cond cond)
{
	char text[UNIT_TEXT];

	switch (cond) {
	case COND_RATE:
		key(out, first, "rate");
		fputs(unit_format_rate(c->rate, text), out);
		break;
	case COND_BURST:
		print_size(out, first, "burst", c->burst);
		break;
	case COND_PEAK:
		key(out, first, "peak");
		fputs(unit_format_rate(c->peak, text), out);
		break;
	case COND_QUEUE:
		print_queue(out, first, &c->queue);
		break;
	case COND_OVERHEAD:
		key(out, first, "overhead");
		fprintf(out, "%" PRIu32 "B%s", c->overhead.bytes, c->overhead.atm ? " atm" : "");
		break;
	case COND_DELAY:
		print_duration(out, first, "delay", c->delay);
		break;
	case COND_JITTER:
		print_duration(out, first, "jitter", c->jitter);
		break;
	case COND_DISTRIBUTION:
		key(out, first, "distribution");
		quote_print(c->distribution == DIST_FILE ? c->table_file :
							   words_distribution[c->distribution],
			    out);
		break;
	case COND_REORDER:
		print_reorder(out, first, c);
		break;
	case COND_LOSS:
		print_loss(out, first, &c->loss);
		break;
	case COND_DUPLICATE:
		print_ratio(out, first, "duplicate", c->duplicate);
		break;
	case COND_CORRUPT:
		print_ratio(out, first, "corrupt", c->corrupt);
		break;
	case COND_LARGER:
		print_size(out, first, "larger", c->larger);
		break;
	case COND_HOLD:
		break;
	case COND_SLOT:
		print_slot(out, first, &c->slot);
		break;
	case COND_SEED:
		key(out, first, "seed");
		fprintf(out, "%" PRIu64, c->seed);
		break;
	case COND_TRACE:
		key(out, first, "trace");
		quote_print(c->trace_file, out);
		break;
	case COND_COUNT:
		break;
	}
}

static bool cond_equal(const struct conditions *a, const struct conditions *b, enum cond cond)
{
	char text_a[1024] = "", text_b[1024] = "";
	struct conditions one = *a, other = *b;

	if (cond_has(a, cond) != cond_has(b, cond))
		return false;
	one.has = other.has = 1U << cond;
	conditions_format(&one, text_a, sizeof(text_a));
	conditions_format(&other, text_b, sizeof(text_b));
	return strcmp(text_a, text_b) == 0 && one.table == other.table;
}

/* Prints the conditions selected by the bits of which, separated by commas. */
static void print_some(FILE *out, bool *first, const struct conditions *c, unsigned which)
{
	for (enum cond cond = 0; cond < COND_COUNT; cond++)
		if (c->has & which & 1U << cond)
			print_cond(out, first, c, cond);
}

static void print_direction(FILE *out, bool *outer, const char *name, const struct conditions *c,
			    unsigned which)
{
	bool first = true;

	if (!(c->has & which))
		return;
	key(out, outer, name);
	fputs("{", out);
	print_some(out, &first, c, which);
	fputs("}", out);
}

static void print_conditions(FILE *out, const struct link_conditions *link)
{
	unsigned differ = 0;
	bool first = true;

	fputs("{", out);
	for (enum cond cond = 0; cond < COND_COUNT; cond++) {
		if (!cond_equal(&link->up, &link->down, cond))
			differ |= 1U << cond;
		else if (cond_has(&link->up, cond))
			print_cond(out, &first, &link->up, cond);
	}
	print_direction(out, &first, "up", &link->up, differ);
	print_direction(out, &first, "down", &link->down, differ);
	fputs("}\n", out);
}

static void print_rules(const struct profile *profile, FILE *out)
{
	bool nodes = false;

	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct profile_rule *rule = &profile->rules[i];

		if (rule->pattern && !nodes)
			fputs("nodes:\n", out);
		nodes |= rule->pattern != NULL;
		if (rule->pattern) {
			fputs("  ", out);
			quote_print(rule->pattern, out);
		} else {
			fputs("default", out);
		}
		fputs(": ", out);
		print_conditions(out, &rule->conditions);
	}
}

static void print_pairs(const struct profile *profile, FILE *out)
{
	if (profile->pair_count)
		fputs("pairs:\n", out);
	for (size_t i = 0; i < profile->pair_count; i++) {
		const struct profile_pair *pair = &profile->pairs[i];
		bool first = false;

		fputs(pair->both ? "  - {between: [" : "  - {from: ", out);
		quote_print(pair->from, out);
		fputs(pair->both ? ", " : ", to: ", out);
		quote_print(pair->to, out);
		fputs(pair->both ? "]" : "", out);
		print_some(out, &first, &pair->conditions.up, ~0U);
		fputs("}\n", out);
	}
}

static void print_classes(const struct profile *profile, FILE *out)
{
	if (profile->class_file_name) {
		fputs("class-file: ", out);
		quote_print(profile->class_file_name, out);
		fputs("\n", out);
	}
	if (profile->class_count)
		fputs("classes:\n", out);
	for (size_t i = 0; i < profile->class_count; i++) {
		bool first = true;

		fputs("  ", out);
		quote_print(profile->classes[i].name, out);
		fputs(": {", out);
		print_some(out, &first, &profile->classes[i].conditions, ~0U);
		fputs("}\n", out);
	}
}

int profile_print(const struct profile *profile, FILE *out)
{
	fputs("profile: ", out);
	quote_print(profile->name, out);
	fprintf(out, "\nengine: %s\n", words_engine[profile->engine]);
	print_rules(profile, out);
	print_pairs(profile, out);
	print_classes(profile, out);
	return ferror(out) ? -EIO : 0;
}
