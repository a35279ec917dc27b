// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses conditions given on a command line: "loss 5% delay 80ms". */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netsim/config/conditions.h"
#include "netsim/config/words.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"
#include "netsim/util/name.h"

#define TEXT_MAX  1023
#define WORDS_MAX 128

struct condition_reader {
	char text[TEXT_MAX + 1];
	const char *words[WORDS_MAX];
	size_t count, next;
	struct conditions *c;
	struct netsim_err *err;
};

static const char *peek(const struct condition_reader *r)
{
	return r->next < r->count ? r->words[r->next] : NULL;
}

static bool follows(const struct condition_reader *r, const char *word)
{
	const char *next = peek(r);

	return next && strcmp(next, word) == 0;
}

/* Fills the error; returns -EINVAL. */
#define refuse(r, hint, ...) refuse_((r), (hint), err_format((char[256]) {0}, 256, __VA_ARGS__))

static int refuse_(struct condition_reader *r, const char *hint, const char *what)
{
	err_set(r->err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s", what);
	if (hint)
		err_hint(r->err, "%s", hint);
	return -EINVAL;
}

/* Returns the value that follows a word, or NULL with the error filled. */
static const char *value(struct condition_reader *r, const char *word, const char *example)
{
	if (r->next < r->count)
		return r->words[r->next++];
	/* Alone: in a shell, the value may be the next word. */
	refuse(r,
	       hint_f(r->count == 1 ? "quote it with its value: '%s %s'" :
				      "write for example \"%s %s\"",
		      word, example),
	       "%s: no value follows", word);
	return NULL;
}

static int refuse_value(struct condition_reader *r, const char *word, const char *text,
			const char *unit, const char *why)
{
	if (unit && text[strspn(text, "0123456789.")] == '\0')
		return refuse(r, hint_f("write \"%s %s%s\"", word, shown(text), unit),
			      "%s: \"%s\" has no unit", word, shown(text));
	return refuse(r, why, "%s: \"%s\" is not valid", word, shown(text));
}

static int read_duration(struct condition_reader *r, const char *word, struct duration *ret)
{
	const char *text = value(r, word, "20ms"), *why = NULL;

	if (!text)
		return -EINVAL;
	return unit_parse_duration(text, ret, &why) < 0 ? refuse_value(r, word, text, "ms", why) :
							  0;
}

static int read_ratio(struct condition_reader *r, const char *word, struct ratio *ret)
{
	const char *text = value(r, word, "1%"), *why = NULL;

	if (!text)
		return -EINVAL;
	return unit_parse_ratio(text, ret, &why) < 0 ? refuse_value(r, word, text, "%", why) : 0;
}

static int read_rate_to(struct condition_reader *r, const char *word, struct rate *ret)
{
	const char *text = value(r, word, "10mbit"), *why = NULL;

	if (!text)
		return -EINVAL;
	if (unit_parse_rate(text, ret, &why) < 0)
		return refuse_value(r, word, text, "mbit", why);
	return ret->bps >= 8 ?
		       0 :
		       refuse(r, NULL, "%s: must be at least 8bit, not %s", word, shown(text));
}

static int read_rate(struct condition_reader *r, const char *word)
{
	return read_rate_to(r, word, &r->c->rate);
}

static int read_peak(struct condition_reader *r, const char *word)
{
	return read_rate_to(r, word, &r->c->peak);
}

static int read_burst(struct condition_reader *r, const char *word)
{
	const char *text = value(r, word, "64kB"), *why = NULL;

	if (!text)
		return -EINVAL;
	if (unit_parse_size(text, &r->c->burst, &why) < 0)
		return refuse_value(r, word, text, "kB", why);
	return r->c->burst.bytes ? 0 : refuse(r, NULL, "burst: must be above 0");
}

static int read_overhead(struct condition_reader *r, const char *word)
{
	const char *text = value(r, word, "44B"), *why = NULL;
	struct overhead *overhead = &r->c->overhead;
	struct size size;

	if (!text)
		return -EINVAL;
	if (unit_parse_size(text, &size, &why) < 0)
		return refuse_value(r, word, text, "B", why);
	if (size.bytes > OVERHEAD_MAX)
		return refuse(r, NULL, "overhead: must be at most %dB", OVERHEAD_MAX);
	*overhead = (struct overhead) {(uint32_t)size.bytes, follows(r, "atm")};
	r->next += overhead->atm;
	return 0;
}

static int read_queue(struct condition_reader *r, const char *word)
{
	const char *text = value(r, word, "50ms");
	struct queue *queue = &r->c->queue;
	struct duration time;
	struct size size;

	if (!text)
		return -EINVAL;
	if (unit_parse_duration(text, &time, NULL) == 0) {
		*queue = (struct queue) {QUEUE_TIME, (uint64_t)time.ns};
	} else if (unit_parse_size(text, &size, NULL) == 0) {
		*queue = (struct queue) {QUEUE_BYTES, size.bytes};
	} else if ((follows(r, "packets") || follows(r, "packet")) &&
		   unit_parse_count(text, 0, UINT32_MAX, &queue->value) == 0) {
		queue->unit = QUEUE_PACKETS;
		r->next++;
	} else {
		return refuse(r, "write for example \"50ms\", \"256KiB\" or \"100 packets\"",
			      "queue: \"%s\" is not a time, a size or a number of packets",
			      shown(text));
	}
	return queue->value ?
		       0 :
		       refuse(r, "a queue of 0 would stop all traffic", "queue: must be above 0");
}

static int read_delay(struct condition_reader *r, const char *word)
{
	return read_duration(r, word, &r->c->delay);
}

static int read_jitter(struct condition_reader *r, const char *word)
{
	return read_duration(r, word, &r->c->jitter);
}

static int read_distribution(struct condition_reader *r, const char *word)
{
	const char *text = value(r, word, "normal");
	int found = text ? words_find(words_distribution, text) : -1;

	if (!text)
		return -EINVAL;
	if (found < 0 && strpbrk(text, "/."))
		return refuse(r, "only a profile can name a file",
			      "distribution: \"%s\" is a file, which is not allowed here",
			      shown(text));
	if (found < 0)
		return refuse(r, "write uniform, normal, pareto or paretonormal",
			      "distribution: unknown word \"%s\"", shown(text));
	r->c->distribution = (enum distribution)found;
	return 0;
}

static int read_reorder(struct condition_reader *r, const char *word)
{
	const char *text = value(r, word, "allowed");

	if (!text)
		return -EINVAL;
	if (strcmp(text, "forbidden") == 0)
		r->c->reorder = REORDER_FORBIDDEN;
	else if (strcmp(text, "allowed") == 0)
		r->c->reorder = REORDER_ALLOWED;
	else if (unit_parse_ratio(text, &r->c->reorder_ratio, NULL) == 0)
		r->c->reorder = REORDER_RATIO;
	else
		return refuse(r, NULL, "reorder: \"%s\" is not forbidden, allowed or a ratio",
			      shown(text));
	return 0;
}

/* One parameter of a loss model. */
struct part {
	const char *word;
	struct ratio *ratio;
	bool required, given;
};

/* Reads the parameters that follow, in any order. */
static int read_parts(struct condition_reader *r, struct part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!follows(r, parts[i].word))
			continue;
		if (parts[i].given)
			return refuse(r, "keep one of the two", "loss: %s is given twice",
				      parts[i].word);
		r->next++;
		if (read_ratio(r, parts[i].word, parts[i].ratio) < 0)
			return -EINVAL;
		parts[i].given = true;
		i = SIZE_MAX; /* restart at the first */
	}
	return 0;
}

static int require_parts(struct condition_reader *r, const struct part *parts, size_t count,
			 const char *model, const char *example)
{
	for (size_t i = 0; i < count; i++)
		if (parts[i].required && !parts[i].given)
			return refuse(r, hint_f("write for example \"loss %s %s\"", model, example),
				      "loss: %s needs %s", model, parts[i].word);
	return 0;
}

/* A burst without a unit is a parameter of the loss model; with one it belongs to the rate. */
static bool model_burst_follows(const struct condition_reader *r)
{
	const char *next = r->next + 1 < r->count ? r->words[r->next + 1] : NULL;

	return follows(r, "burst") && next && next[strspn(next, "0123456789.")] == '\0';
}

static int read_mean(struct condition_reader *r, struct loss *loss, struct ratio mean)
{
	const char *text, *why;
	uint64_t burst;

	if (!model_burst_follows(r))
		return refuse(r, "write for example \"loss gilbert-elliott mean 2% burst 4\"",
			      "loss: mean needs a burst, the mean number of packets lost in a row");
	text = r->words[r->next + 1];
	r->next += 2;
	if (loss_parse_burst(text, &burst) < 0)
		return refuse(r, NULL, "burst: \"%s\" is not a number from 1 to %d", shown(text),
			      LOSS_BURST_MAX);
	return loss_from_mean(mean, burst, loss, &why) < 0 ? refuse(r, NULL, "loss: %s", why) : 0;
}

static int read_gilbert(struct condition_reader *r, struct loss *loss)
{
	struct ratio mean = {0};
	struct part parts[] = {
		{"p", &loss->p, true, false},	   {"r", &loss->r, true, false},
		{"bad", &loss->bad, false, false}, {"good", &loss->good, false, false},
		{"mean", &mean, false, false},
	};
	const struct part *last = &parts[ARRAY_SIZE(parts) - 1];

	if (read_parts(r, parts, ARRAY_SIZE(parts)) < 0)
		return -EINVAL;
	if (!last->given)
		return require_parts(r, parts, ARRAY_SIZE(parts), "gilbert-elliott", "p 1% r 10%");
	for (const struct part *part = parts; part < last; part++)
		if (part->given)
			return refuse(r, "give mean and burst, or p and r, bad and good",
				      "loss: %s cannot be combined with mean", part->word);
	return read_mean(r, loss, mean);
}

static int read_4state(struct condition_reader *r, struct loss *loss)
{
	struct part parts[] = {
		{"p13", &loss->p13, true, false},  {"p31", &loss->p31, true, false},
		{"p32", &loss->p32, false, false}, {"p23", &loss->p23, false, false},
		{"p14", &loss->p14, false, false},
	};

	if (read_parts(r, parts, ARRAY_SIZE(parts)) < 0 ||
	    require_parts(r, parts, ARRAY_SIZE(parts), "4-state", "p13 1% p31 20%") < 0)
		return -EINVAL;
	if (loss->p13.ppb + loss->p14.ppb > RATIO_ONE)
		return refuse(r, NULL, "loss: p13 and p14 add up to more than 100%%");
	if (loss->p31.ppb + loss->p32.ppb > RATIO_ONE)
		return refuse(r, NULL, "loss: p31 and p32 add up to more than 100%%");
	return 0;
}

static int read_loss(struct condition_reader *r, const char *word)
{
	struct loss *loss = &r->c->loss;

	*loss = (struct loss) {.bad = {RATIO_ONE}, .p23 = {RATIO_ONE}};
	if (follows(r, "gilbert-elliott")) {
		r->next++;
		loss->model = LOSS_GILBERT_ELLIOTT;
		return read_gilbert(r, loss);
	}
	if (follows(r, "4-state")) {
		r->next++;
		loss->model = LOSS_4STATE;
		return read_4state(r, loss);
	}
	return read_ratio(r, word, &loss->ratio);
}

static int read_duplicate(struct condition_reader *r, const char *word)
{
	return read_ratio(r, word, &r->c->duplicate);
}

static int read_corrupt(struct condition_reader *r, const char *word)
{
	return read_ratio(r, word, &r->c->corrupt);
}

static int read_larger(struct condition_reader *r, const char *word)
{
	const char *text = value(r, word, "1000B"), *why = NULL;

	if (!text)
		return -EINVAL;
	if (unit_parse_size(text, &r->c->larger, &why) < 0)
		return refuse_value(r, word, text, "B", why);
	if (!r->c->larger.bytes)
		return refuse(r, "to drop all packets, write \"loss 100%\"",
			      "larger: must be above 0");
	return r->c->larger.bytes <= LARGER_MAX ?
		       0 :
		       refuse(r, NULL, "larger: must be at most %dB", LARGER_MAX);
}

static int read_hold(struct condition_reader *r, const char *word)
{
	(void)r;
	(void)word;
	return 0;
}

/* "5ms" or "1ms..2ms", optionally followed by "3 packets" and "4kB". */
static int read_slot(struct condition_reader *r, const char *word)
{
	const char *text = value(r, word, "20ms"), *why = NULL, *dots;
	struct slot *slot = &r->c->slot;
	char min[UNIT_TEXT];
	uint64_t packets;

	if (!text)
		return -EINVAL;
	*slot = (struct slot) {0};
	dots = strstr(text, "..");
	err_format(min, sizeof(min), "%.*s", dots ? (int)(dots - text) : UNIT_TEXT, text);
	if (unit_parse_duration(min, &slot->min, &why) < 0 ||
	    unit_parse_duration(dots ? dots + 2 : min, &slot->max, &why) < 0)
		return refuse_value(r, word, text, "ms", why);
	if (slot->max.ns == 0)
		return refuse(r, NULL, "slot: must be above 0");
	if (slot->max.ns < slot->min.ns)
		return refuse(r, NULL, "slot: the range \"%s\" runs backwards", shown(text));
	if (r->next + 1 < r->count && strncmp(r->words[r->next + 1], "packet", 6) == 0) {
		if (unit_parse_count(peek(r), 1, INT32_MAX, &packets) < 0)
			return refuse(r, NULL, "slot: \"%s\" is not a number of packets",
				      shown(peek(r)));
		slot->packets = (uint32_t)packets;
		r->next += 2;
	}
	if (peek(r) && unit_parse_size(peek(r), &slot->bytes, NULL) == 0) {
		r->next++;
		if (!slot->bytes.bytes || slot->bytes.bytes > INT32_MAX)
			return refuse(r, NULL, "slot: bytes must be above 0 and below 2GiB");
	}
	return 0;
}

static int read_seed(struct condition_reader *r, const char *word)
{
	const char *text = value(r, word, "7");

	if (!text)
		return -EINVAL;
	return unit_parse_count(text, 0, UINT64_MAX, &r->c->seed) < 0 ?
		       refuse(r, NULL, "seed: \"%s\" is not a whole number", shown(text)) :
		       0;
}

static const struct {
	const char *word;
	enum cond cond;
	int (*read)(struct condition_reader *r, const char *word);
} conditions[] = {
	{"rate", COND_RATE, read_rate},
	{"burst", COND_BURST, read_burst},
	{"peak", COND_PEAK, read_peak},
	{"queue", COND_QUEUE, read_queue},
	{"overhead", COND_OVERHEAD, read_overhead},
	{"delay", COND_DELAY, read_delay},
	{"jitter", COND_JITTER, read_jitter},
	{"distribution", COND_DISTRIBUTION, read_distribution},
	{"reorder", COND_REORDER, read_reorder},
	{"loss", COND_LOSS, read_loss},
	{"duplicate", COND_DUPLICATE, read_duplicate},
	{"corrupt", COND_CORRUPT, read_corrupt},
	{"larger", COND_LARGER, read_larger},
	{"hold", COND_HOLD, read_hold},
	{"slot", COND_SLOT, read_slot},
	{"seed", COND_SEED, read_seed},
};

/* Other programs' words for conditions. */
static const char *known_as(const char *word)
{
	static const struct {
		const char *word, *condition;
	} others[] = {
		{"latency", "delay"},	      {"bandwidth", "rate"},	 {"throughput", "rate"},
		{"packetloss", "loss"},	      {"packet-loss", "loss"},	 {"drop", "loss"},
		{"duplication", "duplicate"}, {"corruption", "corrupt"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(others[i].word, word) == 0)
			return others[i].condition;
	return NULL;
}

static int refuse_word(struct condition_reader *r, const char *word)
{
	const char *names[ARRAY_SIZE(conditions)], *nearest = known_as(word);

	if (strcmp(word, "rtt") == 0)
		return refuse(r, "write \"delay\", the one-way delay",
			      "rtt: allowed only in a profile");
	if (strcmp(word, "correlation") == 0)
		return refuse(r, "for bursts, write \"loss gilbert-elliott mean 2% burst 4\"",
			      "correlation: netem's changes the loss itself");
	if (strcmp(word, "trace") == 0)
		return refuse(r, NULL, "trace: allowed only in a profile");
	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++)
		names[i] = conditions[i].word;
	if (!nearest)
		nearest = name_nearest(word, names, ARRAY_SIZE(names));
	return refuse(r,
		      nearest ? hint_f("did you mean \"%s\"?", nearest) :
				"the conditions are rate, burst, peak, queue, overhead, "
				"delay, jitter, distribution, reorder, loss, duplicate, corrupt, "
				"larger, hold, slot, seed",
		      "\"%s\" is not a condition", shown(word));
}

static int read_condition(struct condition_reader *r)
{
	const char *word = r->words[r->next];
	struct rate rate;
	size_t i = 0;

	/* The short forms of conditions_format(): a leading rate, a bare distribution. */
	if (r->next == 0 && unit_parse_rate(word, &rate, NULL) == 0) {
		word = "rate";
	} else if (words_find(words_distribution, word) >= 0) {
		word = "distribution";
	} else {
		r->next++;
	}
	while (i < ARRAY_SIZE(conditions) && strcmp(conditions[i].word, word) != 0)
		i++;
	if (i == ARRAY_SIZE(conditions))
		return refuse_word(r, word);
	if (cond_has(r->c, conditions[i].cond))
		return refuse(r, "keep one of the two", "%s is given twice", word);
	if (conditions[i].read(r, word) < 0)
		return -EINVAL;
	r->c->has |= 1U << conditions[i].cond;
	return 0;
}

static int split(struct condition_reader *r, const char *text)
{
	char *rest;

	if (strlen(text) > TEXT_MAX)
		return refuse(r, NULL, "the conditions are longer than %d characters", TEXT_MAX);
	memcpy(r->text, text, strlen(text) + 1);
	for (char *word = strtok_r(r->text, " \t\n", &rest); word;
	     word = strtok_r(NULL, " \t\n", &rest)) {
		if (r->count == WORDS_MAX)
			return refuse(r, NULL, "the conditions have more than %d words", WORDS_MAX);
		r->words[r->count++] = word;
	}
	if (!r->count)
		return refuse(r, "write for example \"loss 5% delay 80ms\"", "no conditions given");
	return 0;
}

int conditions_parse(const char *text, struct conditions *ret, struct netsim_err *err)
{
	struct conditions c = {0};
	struct condition_reader r = {.c = &c, .err = err};

	if (split(&r, text) < 0)
		return -EINVAL;
	if (r.count == 1 && follows(&r, "none"))
		r.next++;
	while (r.next < r.count)
		if (read_condition(&r) < 0)
			return -EINVAL;
	*ret = c;
	return 0;
}
