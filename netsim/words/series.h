/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Series of metrics, as name{label="value"}, and the text in which Prometheus reads their values.
 * Pure: no I/O.
 */
#ifndef NETSIM_WORDS_SERIES_H
#define NETSIM_WORDS_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#define SERIES_NAME   128
#define SERIES_LABELS 16

struct series_label {
	char name[64];
	char value[160];
};

struct series {
	char name[SERIES_NAME];
	struct series_label labels[SERIES_LABELS];
	size_t label_count;
};

/*
 * Parses the series that a text of len bytes begins with. Returns the number of bytes taken, or
 * -EINVAL with the offset of what is wrong in *bad (may be NULL), or -E2BIG for one that is longer
 * than struct series allows.
 */
int series_parse(const char *text, size_t len, struct series *ret, size_t *bad);

/* The value of a label, or NULL. */
const char *series_label(const struct series *series, const char *name);

/*
 * Whether a series is of the metric that a pattern names: it has the name, with "_bucket", "_sum"
 * or "_count" if the metric is a histogram, and all labels of the pattern.
 */
bool series_matches(const struct series *pattern, const struct series *series);
/* The same with an exact suffix of the name; "": none. */
bool series_is(const struct series *pattern, const char *suffix, const struct series *series);

/* --- the text of an endpoint */

enum metric_type { METRIC_UNTYPED, METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_SUMMARY };

/* Reads a text line by line; begin with {.at = text, .end = text + len}. */
struct metrics_reader {
	const char *at, *end;
	char family[SERIES_NAME]; /* of the last line "# TYPE" */
	enum metric_type type;	  /* of family */
};

struct metrics_value {
	struct series series;
	const char *text; /* the series as it is written */
	size_t len;
	double value;
	enum metric_type type;
};

/* Reads the next value, and skips lines that are no series. False: the text has ended. */
bool metrics_next(struct metrics_reader *reader, struct metrics_value *ret);

#endif
