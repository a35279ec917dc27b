// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses the sentences of `expect:` and `abort:`. */
#include "netsim/config/expectation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/auto.h"
#include "netsim/util/name.h"
#include "netsim/util/unit.h"
#include "netsim/words/series.h"

#define TOKENS_MAX 12

/* How a quantity is written: its words, and the operators and statistics that it takes. */
static const struct quantity {
	const char *word, *second; /* "leader", "changes" */
	unsigned subjects;
	enum expect_unit unit;
	bool within;		 /* "within 5s" instead of an operator */
	bool bare;		 /* the operator may be left out */
	bool spread;		 /* has statistics */
	enum expect_operator op; /* of within, or if it is left out */
	const char *example;
} quantities[EXPECT_QUANTITIES] = {
	[EXPECT_AVAILABLE] = {.word = "available",
			      .subjects = EXPECT_PROBE,
			      .unit = EXPECT_SHARE,
			      .bare = true,
			      .op = EXPECT_AT_LEAST,
			      .example = "99.9%"},
	[EXPECT_OUTAGE] = {.word = "outage",
			   .subjects = EXPECT_PROBE,
			   .unit = EXPECT_NS,
			   .example = "<= 2s"},
	[EXPECT_RTT] = {.word = "rtt",
			.subjects = EXPECT_PROBE | EXPECT_PAIR,
			.unit = EXPECT_NS,
			.spread = true,
			.example = "<= 50ms"},
	[EXPECT_RECOVERS] = {.word = "recovers",
			     .subjects = EXPECT_PROBE,
			     .unit = EXPECT_NS,
			     .within = true,
			     .op = EXPECT_AT_MOST,
			     .example = "within 5s"},
	[EXPECT_RATE] = {.word = "rate",
			 .subjects = EXPECT_LEDGER | EXPECT_BLOCKS,
			 .unit = EXPECT_PER_SECOND,
			 .example = ">= 90/s"},
	[EXPECT_LOST] = {.word = "lost",
			 .subjects = EXPECT_LEDGER | EXPECT_BLOCKS,
			 .unit = EXPECT_COUNT,
			 .example = "= 0"},
	[EXPECT_STALE] = {.word = "stale",
			  .subjects = EXPECT_LEDGER | EXPECT_BLOCKS,
			  .unit = EXPECT_COUNT,
			  .example = "= 0"},
	[EXPECT_PHANTOM] = {.word = "phantom",
			    .subjects = EXPECT_LEDGER,
			    .unit = EXPECT_COUNT,
			    .example = "= 0"},
	[EXPECT_REORDERED] = {.word = "reordered",
			      .subjects = EXPECT_LEDGER,
			      .unit = EXPECT_COUNT,
			      .example = "= 0"},
	[EXPECT_TORN] = {.word = "torn",
			 .subjects = EXPECT_BLOCKS,
			 .unit = EXPECT_COUNT,
			 .example = "= 0"},
	[EXPECT_STALL] = {.word = "stall",
			  .subjects = EXPECT_BLOCKS,
			  .unit = EXPECT_NS,
			  .example = "<= 8s"},
	[EXPECT_LATENCY] = {.word = "latency",
			    .subjects = EXPECT_BLOCKS,
			    .unit = EXPECT_NS,
			    .spread = true,
			    .example = "p99 <= 50ms"},
	[EXPECT_LEADER_CHANGES] = {.word = "leader",
				   .second = "changes",
				   .subjects = EXPECT_STORE,
				   .unit = EXPECT_COUNT,
				   .example = "<= 1"},
	[EXPECT_AGREES] = {.word = "agrees",
			   .subjects = EXPECT_STORE,
			   .unit = EXPECT_NS,
			   .within = true,
			   .op = EXPECT_AT_MOST,
			   .example = "within 5s"},
	[EXPECT_LOSS] = {.word = "loss",
			 .subjects = EXPECT_PAIR,
			 .unit = EXPECT_SHARE,
			 .example = "<= 1%"},
	[EXPECT_PACKETS] = {.word = "packets",
			    .subjects = EXPECT_PAIR,
			    .unit = EXPECT_COUNT,
			    .example = ">= 100"},
	[EXPECT_METRIC] = {.word = "metric",
			   .subjects = EXPECT_METRICS,
			   .unit = EXPECT_REAL,
			   .example = "NAME increase <= 1"},
};

static const char *const statistics[EXPECT_STATISTICS] = {
	[EXPECT_DEFAULT] = "", [EXPECT_MEDIAN] = "median", [EXPECT_P90] = "p90",
	[EXPECT_P99] = "p99",  [EXPECT_MAX] = "max",	   [EXPECT_INCREASE] = "increase",
	[EXPECT_MIN] = "min",  [EXPECT_LAST] = "last",	   [EXPECT_MEAN] = "mean",
};

static const char *const operators[] = {
	[EXPECT_EQUAL] = "=",	  [EXPECT_BELOW] = "<", [EXPECT_AT_MOST] = "<=",
	[EXPECT_AT_LEAST] = ">=", [EXPECT_ABOVE] = ">",
};

struct token {
	char *text;
	size_t at;
};

/* The words of a sentence; tokens after the last one are empty. */
struct sentence {
	struct token tokens[TOKENS_MAX + 1];
	size_t count, next;
	size_t end; /* the offset after the last word */
	size_t *bad;
	struct netsim_err *err;
};

static bool is_operator(char c)
{
	return c == '=' || c == '<' || c == '>';
}

/* The length of the labels of a series, from '{' to '}'; what is quoted may contain both. */
static size_t labels_length(const char *text)
{
	bool quoted = false;
	size_t length = 0;

	while (text[length] && (quoted || text[length] != '}')) {
		if (text[length] == '"')
			quoted = !quoted;
		length += quoted && text[length] == '\\' && text[length + 1] ? 2 : 1;
	}
	return length + (text[length] == '}');
}

/* The length of the operator, or of the word, at text. */
static size_t token_length(const char *text)
{
	size_t length = 0;
	bool of_operator = is_operator(*text);

	while (text[length] && !strchr(" \t\r\n", text[length]) &&
	       is_operator(text[length]) == of_operator)
		length += text[length] == '{' ? labels_length(text + length) : 1;
	return length;
}

/* Splits text at blanks and around operators; copies the words to room, each with a NUL. */
static int split(struct sentence *s, const char *text, char *room)
{
	size_t at = 0;

	while (true) {
		at += strspn(text + at, " \t\r\n");
		if (!text[at])
			break;
		size_t length = token_length(text + at);

		if (s->count == TOKENS_MAX) {
			*s->bad = at;
			return err_set(s->err, NETSIM_ERR_INPUT, -EINVAL, NULL,
				       "the sentence is too long");
		}
		memcpy(room, text + at, length);
		room[length] = '\0';
		s->tokens[s->count++] = (struct token) {room, at};
		room += length + 1;
		at += length;
		s->end = at;
	}
	return 0;
}

static const char *peek(const struct sentence *s)
{
	return s->next < s->count ? s->tokens[s->next].text : "";
}

/* Fills the error, at the next word; returns -EINVAL. */
#define refuse(s, hint, ...) refuse_((s), (hint), err_format((char[256]) {0}, 256, __VA_ARGS__))

static int refuse_(struct sentence *s, const char *hint, const char *what)
{
	*s->bad = s->next < s->count ? s->tokens[s->next].at : s->end;
	err_set(s->err, NETSIM_ERR_INPUT, -EINVAL, NULL, "%s", what);
	if (hint)
		err_hint(s->err, "%s", hint);
	return -EINVAL;
}

/* The same for the next word; at the end of the sentence, reports that `what` is missing. */
static int refuse_word(struct sentence *s, const char *hint, const char *what, const char *wrong)
{
	char text[128];

	if (!*peek(s))
		return refuse(s, hint, "%s is missing", what);
	snprintf(text, sizeof(text), "\"%s\" %s", shown(peek(s)), wrong);
	return refuse_(s, hint, text);
}

/* Takes the next word as a copy, with its offset. */
static int copy(struct sentence *s, char **ret, size_t *ret_at)
{
	*ret_at = s->tokens[s->next].at;
	*ret = strdup(s->tokens[s->next++].text);
	return *ret ? 0 : err_oom(s->err);
}

static int find_quantity(const char *word)
{
	for (int i = 0; i < EXPECT_QUANTITIES; i++)
		if (strcmp(quantities[i].word, word) == 0)
			return i;
	return -1;
}

/* Reads the words of a quantity that one of these subjects has. */
static int read_quantity(struct sentence *s, unsigned subjects, struct expectation *e)
{
	const char *names[EXPECT_QUANTITIES], *near, *word = peek(s);
	char buf[128];
	int found = find_quantity(word);
	size_t count = 0;

	if (found >= 0 && quantities[found].subjects & subjects) {
		e->quantity_at = s->tokens[s->next].at;
		e->quantity = (enum expect_quantity)found;
		e->unit = quantities[found].unit;
		s->next++;
		if (!quantities[found].second)
			return 0;
		if (strcmp(peek(s), quantities[found].second) != 0)
			return refuse(s, hint_f("write \"%s %s\"", word, quantities[found].second),
				      "\"%s\" does not follow \"%s\"", quantities[found].second,
				      word);
		s->next++;
		return 0;
	}
	for (int i = 0; i < EXPECT_QUANTITIES; i++)
		if (quantities[i].subjects & subjects)
			names[count++] = quantities[i].word;
	near = name_nearest(word, names, count);
	if (near)
		return refuse(s, hint_f("did you mean \"%s\"?", near), "\"%s\" is not a quantity",
			      shown(word));
	return refuse_word(s,
			   hint_f("write one of %s", expectation_words(subjects, buf, sizeof(buf))),
			   "the quantity", "is not a quantity");
}

static void read_statistic(struct sentence *s, struct expectation *e)
{
	if (!quantities[e->quantity].spread)
		return;
	for (int i = 1; i <= EXPECT_MAX; i++)
		if (strcmp(statistics[i], peek(s)) == 0) {
			e->statistic = (enum expect_statistic)i;
			s->next++;
			return;
		}
}

/* Reads the series and the statistic of a metric: NAME{labels} increase. */
static int read_metric(struct sentence *s, struct expectation *e)
{
	const char *word = peek(s);
	struct series series;

	if (series_parse(word, strlen(word), &series, NULL) != (int)strlen(word))
		return refuse_word(s, "write name or name{label=\"value\"}", "the series",
				   "is not a series of metrics");
	if (copy(s, &e->series, &e->series_at) < 0)
		return -ENOMEM;
	for (int i = 1; i < EXPECT_STATISTICS; i++)
		if (strcmp(statistics[i], peek(s)) == 0) {
			e->statistic = (enum expect_statistic)i;
			s->next++;
			return 0;
		}
	return refuse_word(s,
			   "write increase, min, max or last, or of a histogram mean, median, p90 "
			   "or p99",
			   "the statistic", "is not a statistic");
}

/* Splits A:B. */
static int read_pair(struct sentence *s, struct expectation *e)
{
	const char *word = peek(s), *colon = strchr(word, ':');

	if (!colon || colon == word || !colon[1] || strchr(colon + 1, ':'))
		return refuse_word(s, "write A:B, from one node to another", "the pair",
				   "is not a pair");
	e->from_at = s->tokens[s->next].at;
	e->to_at = e->from_at + (size_t)(colon - word) + 1;
	e->from = strndup(word, (size_t)(colon - word));
	e->to = strdup(colon + 1);
	e->pair = strdup(word);
	s->next++;
	return e->from && e->to && e->pair ? 0 : err_oom(s->err);
}

static int read_class(struct sentence *s, struct expectation *e)
{
	if (strcmp(peek(s), "class") != 0)
		return 0;
	s->next++;
	if (!*peek(s))
		return refuse(s, NULL, "the name of the class is missing");
	return copy(s, &e->class_name, &e->class_at);
}

/* Reads the operator, or the word that stands for it. */
static int read_operator(struct sentence *s, struct expectation *e)
{
	const struct quantity *quantity = &quantities[e->quantity];
	const char *word = peek(s);
	const char *example = quantity->example;

	e->op = quantity->op;
	if (quantity->within) {
		if (strcmp(word, "within") != 0)
			return refuse(s, hint_f("write \"%s %s\"", quantity->word, example),
				      "\"within\" does not follow \"%s\"", quantity->word);
		s->next++;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++)
		if (strcmp(operators[i], word) == 0) {
			e->op = (enum expect_operator)i;
			s->next++;
			return 0;
		}
	if (quantity->bare && *word && !is_operator(*word))
		return 0;
	if (is_operator(*word))
		return refuse(s, "the operators are =, <, <=, >= and >", "unknown operator \"%s\"",
			      shown(word));
	return refuse_word(s, hint_f("write \"%s %s\"", expectation_word(e->quantity), example),
			   "the operator", "is not an operator");
}

/* A number, or a duration, which metrics have in seconds. */
static int parse_real(const char *text, double *ret, const char **why)
{
	struct duration duration = {0};
	char *end;

	if (strspn(text, "0123456789.") == strlen(text) && *text) {
		*ret = strtod(text, &end);
		if (!*end)
			return 0;
	}
	if (unit_parse_duration(text, &duration, why) < 0) {
		*why = "write a number such as 1 or 0.25, or a duration such as 10ms";
		return -EINVAL;
	}
	*ret = (double)duration.ns / 1e9;
	return 0;
}

/* Parses a value in a unit; on failure, *why describes valid input. */
static int parse_value(const char *text, enum expect_unit unit, double *ret, const char **why)
{
	struct duration duration = {0};
	struct ratio ratio = {0};
	uint64_t count = 0;
	int r;

	switch (unit) {
	case EXPECT_NS:
		r = unit_parse_duration(text, &duration, why);
		*ret = (double)duration.ns;
		return r;
	case EXPECT_SHARE:
		r = unit_parse_ratio(text, &ratio, why);
		*ret = (double)ratio.ppb / RATIO_ONE;
		return r;
	case EXPECT_PER_SECOND:
		return unit_parse_per_second(text, ret, why);
	case EXPECT_REAL:
		return parse_real(text, ret, why);
	case EXPECT_COUNT:
		break;
	}
	*why = "write a whole number";
	r = unit_parse_count(text, 0, 1000000000000, &count);
	*ret = (double)count;
	return r;
}

static int read_value(struct sentence *s, struct expectation *e)
{
	const char *text = peek(s), *why = NULL;
	static const char *const nouns[] = {[EXPECT_NS] = "a duration",
					    [EXPECT_SHARE] = "a ratio",
					    [EXPECT_PER_SECOND] = "a rate",
					    [EXPECT_COUNT] = "a number",
					    [EXPECT_REAL] = "a number"};

	if (!*text)
		return refuse(s,
			      hint_f("write \"%s %s\"", expectation_word(e->quantity),
				     quantities[e->quantity].example),
			      "the value is missing");
	if (parse_value(text, e->unit, &e->value, &why) < 0)
		return refuse(s, why, "\"%s\" is not %s", shown(text), nouns[e->unit]);
	s->next++;
	if (s->next < s->count)
		return refuse(s, NULL, "\"%s\" follows the end of the sentence", shown(peek(s)));
	return 0;
}

/* "loss A:B ..." begins with its quantity, and "api rtt ..." with a name. */
static bool begins_with_pair(const struct sentence *s)
{
	int found = find_quantity(peek(s));

	return found >= 0 && quantities[found].subjects & EXPECT_PAIR &&
	       (s->count == 1 || find_quantity(s->tokens[1].text) < 0);
}

static int read_sentence(struct sentence *s, struct expectation *e)
{
	bool pair = begins_with_pair(s);
	int r;

	if (!s->count)
		return refuse(s, "write for example \"api outage <= 2s\"", "the sentence is empty");
	if (pair) {
		r = read_quantity(s, EXPECT_PAIR, e);
		if (r == 0)
			r = read_pair(s, e);
		if (r == 0)
			r = read_class(s, e);
	} else {
		r = copy(s, &e->name, &e->name_at);
		if (r == 0)
			r = read_quantity(s,
					  EXPECT_PROBE | EXPECT_LEDGER | EXPECT_BLOCKS |
						  EXPECT_STORE | EXPECT_METRICS,
					  e);
		if (r == 0 && e->quantity == EXPECT_METRIC)
			r = read_metric(s, e);
	}
	if (r == 0)
		read_statistic(s, e);
	if (r == 0)
		r = read_operator(s, e);
	return r < 0 ? r : read_value(s, e);
}

int expectation_parse(const char *text, struct expectation *ret, size_t *bad,
		      struct netsim_err *err)
{
	struct sentence s = {.bad = bad, .err = err};
	auto_free char *room = malloc(2 * strlen(text) + 1);
	struct expectation e = {.text = strdup(text)};
	int r = room && e.text ? split(&s, text, room) : err_oom(err);

	if (r == 0)
		r = read_sentence(&s, &e);
	if (r < 0)
		expectation_done(&e);
	else
		*ret = e;
	return r;
}

void expectation_done(struct expectation *e)
{
	free(e->text);
	free(e->name);
	free(e->pair);
	free(e->from);
	free(e->to);
	free(e->class_name);
	free(e->series);
	*e = (struct expectation) {.text = NULL};
}

unsigned expectation_subjects(enum expect_quantity quantity)
{
	return quantities[quantity].subjects;
}

bool expectation_needs_end(enum expect_quantity quantity)
{
	return quantities[quantity].within ||
	       quantities[quantity].subjects & (EXPECT_LEDGER | EXPECT_BLOCKS);
}

const char *expectation_word(enum expect_quantity quantity)
{
	return quantity == EXPECT_LEADER_CHANGES ? "leader changes" : quantities[quantity].word;
}

const char *expectation_words(unsigned subject, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (int i = 0; i < EXPECT_QUANTITIES; i++)
		if (quantities[i].subjects & subject && used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
						 expectation_word((enum expect_quantity)i));
	return buf;
}

const char *expectation_operator(enum expect_operator op)
{
	return operators[op];
}
