// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads traces: netsim's tables and Mahimahi's lists of deliveries. */
#include "netsim/config/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/conditions.h"
#include "netsim/config/doc.h"
#include "netsim/util/array.h"

#define COLUMNS_MAX    4
#define NS_PER_MS      1000000U
#define DELIVERY_BITS  12000U /* a line of a Mahimahi trace is one packet of 1500 bytes */
#define DELIVERIES_MAX 4000000U
#define WORD_MAX       64

enum column { COLUMN_TIME, COLUMN_RATE, COLUMN_DELAY, COLUMN_LOSS, COLUMN_COUNT };

static const char *const column_names[] = {"time", "rate", "delay", "loss"};
static const enum cond column_conds[] = {COND_COUNT, COND_RATE, COND_DELAY, COND_LOSS};

struct trace_reader {
	const char *file, *end;
	const char *next; /* the next line */
	unsigned line;
	struct netsim_diags *diags;
	struct trace *trace;
};

struct word {
	char text[WORD_MAX];
	struct netsim_loc at;
};

/* The words of one line; those beyond COLUMNS_MAX are dropped. */
struct trace_words {
	struct word list[COLUMNS_MAX];
	size_t count;
	struct netsim_loc extra; /* the location of the first one dropped; line 0: none */
};

void trace_free(struct trace *trace)
{
	if (!trace)
		return;
	free(trace->rows);
	free(trace->file);
	free(trace);
}

bool trace_is_name(const char *path)
{
	size_t len = strlen(path);

	return len > 6 && strcmp(path + len - 6, ".trace") == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void split(const struct trace_reader *r, const char *line, const char *end,
		  struct trace_words *ret)
{
	const char *p = line;

	while (p < end) {
		const char *start;

		while (p < end && is_blank(*p))
			p++;
		if (p == end || *p == '#')
			return;
		start = p;
		while (p < end && !is_blank(*p) && *p != '#')
			p++;
		struct netsim_loc at = {r->file, r->line, (unsigned)(start - line) + 1};

		if (ret->count == COLUMNS_MAX) {
			ret->extra = ret->extra.line ? ret->extra : at;
			return;
		}
		struct word *word = &ret->list[ret->count++];
		size_t len = (size_t)(p - start);

		word->at = at;
		/* No valid word is this long, and truncating does not make it valid. */
		len = len < WORD_MAX ? len : WORD_MAX - 1;
		for (size_t i = 0; i < len; i++)
			word->text[i] = start[i] ? start[i] : '?';
		word->text[len] = '\0';
	}
}

/* Reads the next line with words on it; false at the end. */
static bool next_line(struct trace_reader *r, struct trace_words *ret)
{
	while (r->next < r->end) {
		const char *line = r->next;
		const char *end = memchr(line, '\n', (size_t)(r->end - line));

		if (!end)
			end = r->end;
		r->next = end + 1;
		r->line++;
		*ret = (struct trace_words) {0};
		split(r, line, end, ret);
		if (ret->count)
			return true;
	}
	return false;
}

/* --- netsim's own format */

struct trace_table {
	enum column columns[COLUMNS_MAX];
	size_t count;
	bool late;		/* the first row is not at 0, already reported */
	bool ended;		/* the closing row was read */
	struct netsim_loc last; /* the location of the last valid row */
};

static int read_header(struct trace_reader *r, const struct trace_words *words,
		       struct trace_table *table)
{
	for (size_t i = 0; i < words->count; i++) {
		const struct word *word = &words->list[i];
		enum column column = COLUMN_TIME;

		while (column < COLUMN_COUNT && strcmp(word->text, column_names[column]) != 0)
			column++;
		if (column == COLUMN_COUNT)
			return diag_add(r->diags, &word->at,
					"the columns are time, rate, delay and loss",
					"unknown column \"%s\"", shown(word->text));
		for (size_t j = 0; j < i; j++)
			if (table->columns[j] == column)
				return diag_add(r->diags, &word->at, NULL,
						"the column \"%s\" is given twice", word->text);
		table->columns[table->count++] = column;
		if (column != COLUMN_TIME)
			r->trace->has |= 1U << column_conds[column];
	}
	if (words->extra.line)
		return diag_add(r->diags, &words->extra, NULL, "too many columns");
	if (words->count == 1)
		return diag_add(r->diags, &words->list[0].at, "name rate, delay or loss as well",
				"the trace has only times");
	return 0;
}

static int refuse_value(struct trace_reader *r, const struct word *word, enum column column,
			const char *why)
{
	static const char *const units[] = {"s", "mbit", "ms", "%"};
	const char *text = word->text;

	if (text[strspn(text, "0123456789.")] == '\0')
		return diag_add(r->diags, &word->at,
				hint_f("write \"%s%s\"", shown(text), units[column]),
				"%s: \"%s\" has no unit", column_names[column], shown(text));
	return diag_add(r->diags, &word->at, why, "%s: \"%s\" is not valid", column_names[column],
			shown(word->text));
}

static int read_value(struct trace_reader *r, const struct word *word, enum column column,
		      struct trace_row *row)
{
	struct duration duration;
	const char *why = NULL;
	struct rate rate;

	switch (column) {
	case COLUMN_TIME:
	case COLUMN_DELAY:
		if (unit_parse_duration(word->text, &duration, &why) < 0)
			return refuse_value(r, word, column, why);
		if (column == COLUMN_TIME)
			row->at_ns = (uint64_t)duration.ns;
		else
			row->delay_ns = (uint64_t)duration.ns;
		return 0;
	case COLUMN_RATE:
		if (strcmp(word->text, "0") == 0)
			return 0;
		if (unit_parse_rate(word->text, &rate, &why) < 0)
			return refuse_value(r, word, column, why);
		if (rate.bps && rate.bps < 8)
			return refuse_value(r, word, column,
					    "a rate is at least 8bit, or 0 to pass nothing");
		row->rate_bps = rate.bps;
		return 0;
	case COLUMN_LOSS:
		if (unit_parse_ratio(word->text, &row->loss, &why) < 0)
			return refuse_value(r, word, column, why);
		return 0;
	case COLUMN_COUNT:
		break;
	}
	return 0;
}

static int check_time(struct trace_reader *r, const struct word *word, uint64_t at,
		      struct trace_table *table)
{
	const struct trace *trace = r->trace;
	const struct trace_row *before = trace->count ? &trace->rows[trace->count - 1] : NULL;
	char text[UNIT_TEXT];

	if (table->ended)
		return diag_add(r->diags, &word->at,
				"a time alone ends the trace, which repeats from there",
				"the trace has a row after its end");
	if (!before && table->late)
		return -EINVAL;
	table->late = !before && at != 0;
	if (table->late)
		return diag_add(r->diags, &word->at, "the first row is at 0s",
				"time: the trace begins at %s", shown(word->text));
	if (!before || at > before->at_ns)
		return 0;
	unit_format_duration((struct duration) {(int64_t)before->at_ns}, text);
	return diag_add(r->diags, &word->at,
			hint_f("it must be later than the row before it, at %s in line %u", text,
			       table->last.line),
			at == before->at_ns ? "time: %s is given twice" :
					      "time: %s goes back in time",
			shown(word->text));
}

/* Reads a row, or the closing row, which has only a time. */
static int read_row(struct trace_reader *r, const struct trace_words *words,
		    struct trace_table *table)
{
	const struct word *first = &words->list[0];
	struct trace_row row = {0}, *slot;
	int code = 0;

	if (words->count == 1)
		code = read_value(r, first, COLUMN_TIME, &row);
	else if (words->count != table->count || words->extra.line)
		return diag_add(r->diags, words->extra.line ? &words->extra : &first->at,
				"give every column a value, or a time alone to end the trace",
				"%zu%s values for %zu columns", words->count,
				words->extra.line ? " and more" : "", table->count);
	else
		for (size_t i = 0; i < table->count; i++)
			if (read_value(r, &words->list[i], table->columns[i], &row) < 0)
				code = -EINVAL;
	if (code == 0)
		code = check_time(r, first, row.at_ns, table);
	if (code < 0)
		return code;
	table->last = first->at;
	if (words->count == 1) {
		if (!r->trace->count)
			return diag_add(r->diags, &first->at, NULL, "the trace has no rows");
		r->trace->length_ns = row.at_ns;
		table->ended = true;
		return 0;
	}
	if (r->trace->count == TRACE_ROWS_MAX) {
		diag_add(r->diags, &first->at, NULL, "more than %d rows", TRACE_ROWS_MAX);
		return -E2BIG;
	}
	slot = array_push(r->trace->rows, r->trace->count);
	if (!slot)
		return diag_oom(r->diags);
	*slot = row;
	return 0;
}

static int read_table(struct trace_reader *r, const struct trace_words *header)
{
	struct trace_table table = {0};
	struct trace_words words;
	size_t mistakes = 0;
	int code = 0;

	if (read_header(r, header, &table) < 0)
		return -EINVAL;
	table.last = header->list[0].at;
	while (code != -E2BIG && mistakes <= 10 * NETSIM_DIAGS_MAX && next_line(r, &words)) {
		code = read_row(r, &words, &table);
		mistakes += code < 0;
	}
	if (!mistakes && !table.ended)
		return diag_add(r->diags, &table.last,
				"end it with a row of only a time, from which it repeats",
				r->trace->count ? "the trace has no end" : "the trace has no rows");
	return mistakes ? -EINVAL : 0;
}

/* --- Mahimahi's format */

struct deliveries {
	uint64_t *at; /* milliseconds, in ascending order, with repetitions */
	size_t count;
};

static int read_delivery(struct trace_reader *r, const struct trace_words *words,
			 struct deliveries *all)
{
	const struct word *word = &words->list[0];
	uint64_t at, *slot;

	if (words->count > 1)
		return diag_add(r->diags, &words->list[1].at, NULL,
				"a line of a packet-delivery trace is one number");
	if (unit_parse_count(word->text, 0, INT64_MAX / NS_PER_MS, &at) < 0)
		return diag_add(r->diags, &word->at,
				"a line of a packet-delivery trace is a time in whole milliseconds",
				"\"%s\" is not a time", shown(word->text));
	if (all->count && at < all->at[all->count - 1])
		return diag_add(r->diags, &word->at,
				hint_f("the line before it has %" PRIu64, all->at[all->count - 1]),
				"%s goes back in time", word->text);
	if (all->count == DELIVERIES_MAX)
		return diag_add(r->diags, &word->at, NULL, "more than %u deliveries",
				DELIVERIES_MAX);
	slot = array_push(all->at, all->count);
	if (!slot)
		return diag_oom(r->diags);
	*slot = at;
	return 0;
}

/* Appends a row if the rate changes; -E2BIG beyond TRACE_ROWS_MAX. */
static int add_rate(struct trace *trace, uint64_t at_ms, uint64_t bps)
{
	struct trace_row *row;

	if (trace->count && trace->rows[trace->count - 1].rate_bps == bps)
		return 0;
	if (trace->count == TRACE_ROWS_MAX)
		return -E2BIG;
	row = array_push(trace->rows, trace->count);
	if (!row)
		return -ENOMEM;
	*row = (struct trace_row) {.at_ns = at_ms * NS_PER_MS, .rate_bps = bps};
	return 0;
}

/*
 * Turns deliveries into rates, by counting those in each bin (in ms). A delivery at t uses
 * the capacity from t - 1 to t: a file with a single "1" is one packet per ms.
 */
static int fill_bins(const struct deliveries *all, uint64_t bin, struct trace *trace)
{
	uint64_t length = all->at[all->count - 1], next = 0;
	int r = 0;

	free(trace->rows);
	trace->rows = NULL;
	trace->count = 0;
	for (size_t i = 0, n; i < all->count && r == 0; i += n) {
		uint64_t start = (all->at[i] ? all->at[i] - 1 : 0) / bin * bin;
		uint64_t width = start + bin < length ? bin : length - start;

		for (n = 0; i + n < all->count && all->at[i + n] <= start + width; n++)
			continue;
		if (start > next)
			r = add_rate(trace, next, 0);
		if (r == 0)
			r = add_rate(trace, start, n * DELIVERY_BITS * 1000 / width);
		next = start + width;
	}
	return r;
}

static int read_deliveries(struct trace_reader *r, const struct trace_words *first)
{
	static const uint64_t bins[] = {1, 2, 5, 10, 20, 50, 100, 200, 500};
	struct deliveries all = {0};
	struct trace_words words = *first;
	int code;

	do
		code = read_delivery(r, &words, &all);
	while (code == 0 && next_line(r, &words));
	struct netsim_loc at = {r->file, r->line, 1};

	if (code == 0 && all.at[all.count - 1] == 0)
		code = diag_add(r->diags, &at, NULL, "the trace has no duration");
	if (code == 0) {
		code = -E2BIG;
		for (size_t i = 0; i < ARRAY_SIZE(bins) && code == -E2BIG; i++)
			code = fill_bins(&all, bins[i], r->trace);
		r->trace->has = 1U << COND_RATE;
		r->trace->length_ns = all.at[all.count - 1] * NS_PER_MS;
		if (code == -E2BIG)
			diag_add(r->diags, &at, "cut it into shorter traces",
				 "the rate changes more than %d times", TRACE_ROWS_MAX);
		if (code == -ENOMEM)
			diag_oom(r->diags);
	}
	free(all.at);
	return code < 0 ? -EINVAL : 0;
}

/* --- both */

static int read_trace(struct trace_reader *r)
{
	struct netsim_loc start = {r->file, 1, 1};
	struct trace_words words;

	if (!next_line(r, &words))
		return diag_add(r->diags, &start, NULL, "the file is empty");
	if (strcmp(words.list[0].text, column_names[COLUMN_TIME]) == 0)
		return read_table(r, &words);
	if (words.list[0].text[strspn(words.list[0].text, "0123456789")] == '\0')
		return read_deliveries(r, &words);
	return diag_add(r->diags, &words.list[0].at,
			"begin with the names of its columns: \"time rate delay loss\"",
			"a trace cannot begin with \"%s\"", shown(words.list[0].text));
}

int trace_parse(const char *file, const char *data, size_t len, struct trace **ret,
		struct netsim_diags *diags)
{
	struct trace *trace = calloc(1, sizeof(*trace));
	struct trace_reader r = {file, data + len, data, 0, diags, trace};
	int code;

	if (trace)
		trace->file = strdup(file);
	code = trace && trace->file ? read_trace(&r) : diag_oom(diags);
	if (diags)
		diags_sort(diags);
	if (code == 0)
		*ret = take(trace);
	trace_free(trace);
	return code;
}

int trace_load(const char *path, struct trace **ret, struct netsim_diags *diags)
{
	auto_free char *data = NULL;
	size_t len;

	if (doc_read(path, &data, &len, diags) < 0)
		return -EINVAL;
	return trace_parse(path, data, len, ret, diags);
}

int trace_print(const struct trace *trace, FILE *out)
{
	char text[UNIT_TEXT];

	fputs("time", out);
	for (enum column column = COLUMN_RATE; column < COLUMN_COUNT; column++)
		if (trace->has & 1U << column_conds[column])
			fprintf(out, " %s", column_names[column]);
	fputc('\n', out);
	for (size_t i = 0; i < trace->count; i++) {
		const struct trace_row *row = &trace->rows[i];

		fputs(unit_format_duration((struct duration) {(int64_t)row->at_ns}, text), out);
		if (trace->has & 1U << COND_RATE)
			fprintf(out, " %s", unit_format_rate((struct rate) {row->rate_bps}, text));
		if (trace->has & 1U << COND_DELAY)
			fprintf(out, " %s",
				unit_format_duration((struct duration) {(int64_t)row->delay_ns},
						     text));
		if (trace->has & 1U << COND_LOSS)
			fprintf(out, " %s", unit_format_ratio(row->loss, text));
		fputc('\n', out);
	}
	fprintf(out, "%s\n",
		unit_format_duration((struct duration) {(int64_t)trace->length_ns}, text));
	return ferror(out) ? -EIO : 0;
}
