// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/judge/edge.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "netsim/util/auto.h"
#include "netsim/util/err.h"
#include "netsim/util/unit.h"

#define DIGITS 3 /* of a value that is tried */

static const struct {
	const char *key;
	enum edge_unit unit;
} keys[] = {
	{"delay", EDGE_DURATION}, {"rtt", EDGE_DURATION},    {"jitter", EDGE_DURATION},
	{"for", EDGE_DURATION},	  {"rate", EDGE_RATE},	     {"loss", EDGE_RATIO},
	{"corrupt", EDGE_RATIO},  {"duplicate", EDGE_RATIO}, {"larger", EDGE_SIZE},
	{"peak", EDGE_RATE},
};

/* --- values */

static int parse_value(enum edge_unit unit, const char *text, double *ret, const char **why)
{
	struct duration duration = {0};
	struct ratio ratio = {0};
	struct rate rate = {0};
	struct size size = {0};
	int r;

	switch (unit) {
	case EDGE_DURATION:
		r = unit_parse_duration(text, &duration, why);
		*ret = (double)duration.ns;
		return r;
	case EDGE_RATE:
		r = unit_parse_rate(text, &rate, why);
		*ret = (double)rate.bps;
		return r;
	case EDGE_SIZE:
		r = unit_parse_size(text, &size, why);
		*ret = (double)size.bytes;
		return r;
	case EDGE_RATIO:
		break;
	}
	r = unit_parse_ratio(text, &ratio, why);
	*ret = (double)ratio.ppb / RATIO_ONE;
	return r;
}

const char *edge_value(const struct edge *edge, double value, char buf[static EDGE_TEXT])
{
	char text[UNIT_TEXT];

	switch (edge->unit) {
	case EDGE_DURATION:
		unit_format_duration((struct duration) {llround(value)}, text);
		break;
	case EDGE_RATE:
		unit_format_rate((struct rate) {(uint64_t)llround(value)}, text);
		break;
	case EDGE_SIZE:
		unit_format_size((struct size) {(uint64_t)llround(value)}, text);
		break;
	case EDGE_RATIO:
		unit_format_ratio((struct ratio) {(uint32_t)lround(value * RATIO_ONE)}, text);
		break;
	}
	snprintf(buf, EDGE_TEXT, "%s", text);
	return buf;
}

static int find_key(const char *word, size_t length, struct edge *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].key) == length && memcmp(keys[i].key, word, length) == 0) {
			snprintf(ret->key, sizeof(ret->key), "%s", keys[i].key);
			ret->unit = keys[i].unit;
			return 0;
		}
	return -EINVAL;
}

#define refuse(err, ...) err_set((err), NETSIM_ERR_USAGE, -EINVAL, NULL, __VA_ARGS__)

static int read_end(const char *text, size_t length, struct edge *edge, double *ret,
		    struct netsim_err *err)
{
	const char *why = NULL;
	char word[64];

	if (length >= sizeof(word))
		return refuse(err, "\"%.*s\" is too long", 60, text);
	memcpy(word, text, length);
	word[length] = '\0';
	if (parse_value(edge->unit, word, ret, &why) < 0)
		return refuse(err, "\"%s\" is no value of %s: %s", shown(word), edge->key, why);
	return 0;
}

int edge_parse(const char *range, double within, struct edge *ret, struct netsim_err *err)
{
	const char *blank = strchr(range, ' '), *dots = strstr(range, "..");
	int r;

	*ret = (struct edge) {.within = within};
	if (!blank || !dots || dots < blank)
		return refuse(err, "\"%s\" is no range; write for example delay 10ms..500ms",
			      shown(range));
	if (find_key(range, (size_t)(blank - range), ret) < 0)
		return refuse(err,
			      "\"%.*s\" has no edge; write delay, rtt, jitter, loss, corrupt, "
			      "duplicate, larger, rate, peak or for",
			      (int)(blank - range), range);
	blank += strspn(blank, " ");
	r = read_end(blank, (size_t)(dots - blank), ret, &ret->ends[0], err);
	if (r == 0)
		r = read_end(dots + 2, strlen(dots + 2), ret, &ret->ends[1], err);
	if (r == 0 && ret->ends[0] == ret->ends[1])
		return refuse(err, "both ends of the range are the same");
	return r;
}

/* --- the search */

/* The values that are known to be borne and not to be, nearest to each other. */
struct known {
	double bears, breaks;
	double near, far; /* the unproved values nearest to each; NAN: none */
};

static bool is_inside(double value, const struct known *k)
{
	return (value > k->bears) != (value > k->breaks) && value != k->bears && value != k->breaks;
}

static struct known find_known(const struct edge *edge)
{
	bool first_bears = edge->tries[0].verdict == NETSIM_AS_ASKED;
	struct known k = {edge->ends[!first_bears], edge->ends[first_bears], NAN, NAN};

	for (size_t i = 2; i < edge->count; i++) {
		const struct edge_try *try = &edge->tries[i];

		if (try->verdict == NETSIM_AS_ASKED && is_inside(try->value, &k))
			k.bears = try->value;
		else if (try->verdict == NETSIM_NOT_AS_ASKED && is_inside(try->value, &k))
			k.breaks = try->value;
	}
	for (size_t i = 2; i < edge->count; i++) {
		const struct edge_try *try = &edge->tries[i];

		if (try->verdict != NETSIM_UNPROVED || !is_inside(try->value, &k))
			continue;
		if (isnan(k.near) || fabs(try->value - k.bears) < fabs(k.near - k.bears))
			k.near = try->value;
		if (isnan(k.far) || fabs(try->value - k.breaks) < fabs(k.far - k.breaks))
			k.far = try->value;
	}
	return k;
}

static double gap(double a, double b)
{
	return fabs(a - b) / fmax(a, b);
}

/* A value with a few digits, as people write it. */
static double rounded(double value)
{
	double unit = pow(10, floor(log10(value)) - DIGITS + 1);

	return round(value / unit) * unit;
}

static double middle(double a, double b)
{
	return rounded(a > 0 && b > 0 ? sqrt(a * b) : (a + b) / 2);
}

static bool try_value(struct edge *edge, double value)
{
	edge->next = value;
	return true;
}

static bool end_search(struct edge *edge, enum netsim_edge_state state)
{
	edge->state = state;
	return false;
}

/* The middle of the wider gap beside the values that are known. */
static bool bisect(struct edge *edge)
{
	struct known k = find_known(edge);
	double from = k.bears, to = isnan(k.near) ? k.breaks : k.near, value;

	if (!isnan(k.far) && gap(k.far, k.breaks) > gap(from, to)) {
		from = k.far;
		to = k.breaks;
	}
	value = middle(from, to);
	if (edge->unit == EDGE_SIZE)
		value = round(value);
	if (gap(k.bears, k.breaks) <= edge->within)
		return end_search(edge, NETSIM_EDGE_FOUND);
	if (gap(from, to) <= edge->within || edge->count == NETSIM_EDGE_RUNS || value == from ||
	    value == to)
		return end_search(edge, NETSIM_EDGE_UNPROVED);
	return try_value(edge, value);
}

bool edge_next(struct edge *edge)
{
	enum netsim_verdict first = edge->tries[0].verdict, second = edge->tries[1].verdict;

	if (edge->state != NETSIM_EDGE_SEARCHING)
		return false;
	if (edge->count > 0 && first == NETSIM_UNPROVED)
		return end_search(edge, NETSIM_EDGE_UNPROVED);
	if (edge->count < 2)
		return try_value(edge, edge->ends[edge->count]);
	if (second == NETSIM_UNPROVED)
		return end_search(edge, NETSIM_EDGE_UNPROVED);
	if (first == second)
		return end_search(edge,
				  first == NETSIM_AS_ASKED ? NETSIM_EDGE_ALL : NETSIM_EDGE_NONE);
	return bisect(edge);
}

void edge_tell(struct edge *edge, enum netsim_verdict verdict)
{
	if (edge->count < NETSIM_EDGE_RUNS)
		edge->tries[edge->count++] = (struct edge_try) {edge->next, verdict};
}

/* --- in words */

static void list_unproved(const struct edge *edge, char *buf)
{
	const char *before = "; unproved at ";
	char value[EDGE_TEXT];

	for (size_t i = 0; i < edge->count; i++) {
		size_t used = strlen(buf);

		if (edge->tries[i].verdict != NETSIM_UNPROVED)
			continue;
		snprintf(buf + used, EDGE_TEXT - used, "%s%s", before,
			 edge_value(edge, edge->tries[i].value, value));
		before = ", ";
	}
}

const char *edge_text(const struct edge *edge, char buf[static EDGE_TEXT])
{
	char a[EDGE_TEXT], b[EDGE_TEXT];
	struct known k;
	bool decided = edge->count > 1 && edge->tries[0].verdict != NETSIM_UNPROVED &&
		       edge->tries[1].verdict != NETSIM_UNPROVED;

	edge_value(edge, edge->ends[0], a);
	edge_value(edge, edge->ends[1], b);
	if (edge->state == NETSIM_EDGE_ALL) {
		err_format(buf, EDGE_TEXT, "bears %s %s and %s", edge->key, a, b);
		return buf;
	}
	if (edge->state == NETSIM_EDGE_NONE) {
		err_format(buf, EDGE_TEXT, "bears neither %s %s nor %s", edge->key, a, b);
		return buf;
	}
	if (!decided || edge->tries[0].verdict == edge->tries[1].verdict) {
		err_format(buf, EDGE_TEXT, "%s: no edge", edge->key);
		list_unproved(edge, buf);
		return buf;
	}
	k = find_known(edge);
	err_format(buf, EDGE_TEXT, "bears %s %s, not %s", edge->key, edge_value(edge, k.bears, a),
		   edge_value(edge, k.breaks, b));
	list_unproved(edge, buf);
	return buf;
}
