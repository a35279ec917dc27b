/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rates.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"

const char *const rate_order_names[RATE_ORDERS] = {"bit/s", "packets/s", "dropped", "bytes",
						   "names"};

/* --- rows from two readings */

static void add_flow(struct netsim_flow *sum, const struct netsim_flow *flow)
{
	sum->packets += flow->packets;
	sum->bytes += flow->bytes;
	sum->copied += flow->copied;
	sum->corrupted += flow->corrupted;
	sum->oversized += flow->oversized;
	for (int i = 0; i < NETSIM_DROPS; i++)
		sum->dropped[i] += flow->dropped[i];
}

static uint64_t all_drops(const struct netsim_flow *flow)
{
	uint64_t drops = flow->oversized;

	for (int i = 0; i < NETSIM_DROPS; i++)
		drops += flow->dropped[i];
	return drops;
}

/* A counter that went back was reset in between. */
static double per_second(uint64_t before, uint64_t now, double seconds)
{
	uint64_t more = now >= before ? now - before : now;

	return seconds > 0 ? (double)more / seconds : 0;
}

static const struct netsim_flow *flow_before(const struct netsim_traffic *before, size_t *at,
					     const struct netsim_flow *flow)
{
	while (*at < before->flow_count && netsim_compare_flows(before->flows[*at], flow) < 0)
		++*at;
	if (*at < before->flow_count && netsim_compare_flows(before->flows[*at], flow) == 0)
		return before->flows[*at];
	return NULL;
}

static void add_rates(struct rate_row *row, const struct netsim_flow *before,
		      const struct netsim_flow *now, double seconds)
{
	static const struct netsim_flow nothing;

	if (!before)
		before = &nothing;
	add_flow(&row->total, now);
	row->drops += all_drops(now);
	row->packets += per_second(before->packets, now->packets, seconds);
	row->bits += 8 * per_second(before->bytes, now->bytes, seconds);
	row->dropped += per_second(all_drops(before), all_drops(now), seconds);
}

/* Overflow buckets are always present, even if unused. */
static bool is_empty(const struct netsim_flow *flow)
{
	return !flow->packets && !flow->bytes && !flow->copied && !flow->corrupted &&
	       !all_drops(flow);
}

static bool same_pair(const struct netsim_flow *a, const struct netsim_flow *b)
{
	struct netsim_flow x = {.from = a->from, .to = a->to};
	struct netsim_flow y = {.from = b->from, .to = b->to};

	return netsim_compare_flows(&x, &y) == 0;
}

int rates_make(const struct netsim_traffic *before, const struct netsim_traffic *now, bool by_class,
	       struct rates *ret)
{
	double seconds = before ? (double)(now->at_ns - before->at_ns) / 1e9 : 0;
	struct rate_row *row = NULL;
	size_t at = 0;

	*ret = (struct rates) {.rows = calloc(now->flow_count + 1, sizeof(*ret->rows))};
	if (!ret->rows)
		return -ENOMEM;
	for (size_t i = 0; i < now->flow_count; i++) {
		const struct netsim_flow *flow = now->flows[i];
		const struct netsim_flow *old;

		if (is_empty(flow))
			continue;
		old = before ? flow_before(before, &at, flow) : NULL;
		if (!row || by_class || !same_pair(&row->total, flow)) {
			row = &ret->rows[ret->count++];
			row->total.from = flow->from;
			row->total.to = flow->to;
			row->total.class_name = by_class ? flow->class_name : NULL;
		}
		add_rates(row, old, flow, seconds);
		add_rates(&ret->sum, old, flow, seconds);
	}
	return 0;
}

void rates_free(struct rates *rates)
{
	free(rates->rows);
	*rates = (struct rates) {0};
}

/* --- orders */

static int compare_numbers(double a, double b)
{
	return a > b ? -1 : a < b;
}

static int compare(const void *x, const void *y, void *arg)
{
	const struct rate_row *a = x, *b = y;
	int result = 0;

	switch (*(const enum rate_order *)arg) {
	case BY_BITS:
		result = compare_numbers(a->bits, b->bits);
		break;
	case BY_PACKETS:
		result = compare_numbers(a->packets, b->packets);
		break;
	case BY_DROPPED:
		result = compare_numbers(a->dropped, b->dropped);
		result = result ? result : compare_numbers((double)a->drops, (double)b->drops);
		break;
	case BY_BYTES:
	case BY_NAME:
	case RATE_ORDERS:
		break;
	}
	/* Among equal rates, the largest totals come first. */
	if (result == 0 && *(const enum rate_order *)arg != BY_NAME)
		result = compare_numbers((double)a->total.bytes, (double)b->total.bytes);
	return result ? result : netsim_compare_flows(&a->total, &b->total);
}

void rates_sort(struct rates *rates, enum rate_order order)
{
	if (rates->count)
		qsort_r(rates->rows, rates->count, sizeof(*rates->rows), compare, &order);
}

/* --- text */

/* Formats a figure; zero as "-". */
static const char *figure_of(double value, enum rate_order what, char text[static FIGURE_TEXT])
{
	if (value <= 0)
		return "-";
	return what == BY_BITS	? figure_rate(value, text) :
	       what == BY_BYTES ? figure_bytes(value, text) :
				  figure_short(value, text);
}

static void append(char line[RATE_LINE], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void append(char line[RATE_LINE], const char *fmt, ...)
{
	size_t used = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + used, RATE_LINE - used, fmt, ap);
	va_end(ap);
}

static const char *name_of(const char *node)
{
	return node ? node : "others";
}

/* Shortens a long name at the beginning, since numbers are at the end. */
static void append_name(char line[RATE_LINE], const char *name, int width)
{
	int length = (int)strlen(name);

	if (length > width && width > 0)
		append(line, "~%s", name + length - width + 1);
	else
		append(line, "%s", name);
}

static void pad_to(char line[RATE_LINE], int column)
{
	int used = (int)strlen(line);

	append(line, "%*s", column > used ? column - used : 0, "");
}

/* Length of "a > b". */
static int pair_length(const struct rate_row *row)
{
	return (int)(strlen(name_of(row->total.from)) + strlen(name_of(row->total.to))) + 3;
}

/* Columns of numbers, wide enough for their figures. */
#define CELL	   6
#define CELL_RATE  10
#define CELL_BYTES 8
static const struct {
	const char *head;
	enum rate_order what;
	int width;
} columns[] = {
	{"pkt/s", BY_PACKETS, CELL},	 {"bit/s", BY_BITS, CELL_RATE}, {"pkts", BY_PACKETS, CELL},
	{"bytes", BY_BYTES, CELL_BYTES}, {"part", BY_DROPPED, CELL},	{"down", BY_DROPPED, CELL},
	{"loss", BY_DROPPED, CELL},	 {"queue", BY_DROPPED, CELL},	{"size", BY_DROPPED, CELL},
};
#define COLUMNS	     9 /* the last is optional */
#define LIST_NUMBERS (6 * CELL + CELL_RATE + CELL_BYTES)
#define CLASS_LEAST  5 /* minimum width of the class column */

static int larger(int a, int b)
{
	return a > b ? a : b;
}

void rates_list(const struct rates *rates, bool by_class, int width, struct rate_list *ret)
{
	int pair = 4, class = by_class ? CLASS_LEAST : 0, room = width - LIST_NUMBERS;
	bool sizes = false;

	for (size_t i = 0; i < rates->count; i++) {
		const char *name = rates->rows[i].total.class_name;

		sizes |= rates->rows[i].total.oversized > 0;
		pair = larger(pair, pair_length(&rates->rows[i]));
		if (by_class && name)
			class = larger(class, (int)strlen(name));
	}
	room -= sizes ? CELL : 0;
	/* Narrow the class first, then the pair. */
	if (width > 0 && by_class && pair + 2 + class > room)
		class = larger(CLASS_LEAST, room - 2 - pair);
	if (width > 0 && pair + (by_class ? 2 + class : 0) > room)
		pair = larger(7, room - (by_class ? 2 + class : 0));
	*ret = (struct rate_list) {pair, class, sizes};
}

static size_t columns_of(const struct rate_list *list)
{
	return list->sizes ? COLUMNS : COLUMNS - 1;
}

void rates_list_head(const struct rate_list *list, char line[RATE_LINE])
{
	*line = 0;
	append(line, "%-*s", list->pair, "pair");
	if (list->class)
		append(line, "  %-*s", list->class, "class");
	for (size_t i = 0; i < columns_of(list); i++)
		append(line, "%*s", columns[i].width, columns[i].head);
}

void rates_list_row(const struct rate_list *list, const struct rate_row *row, char line[RATE_LINE])
{
	const struct netsim_flow *total = &row->total;
	const double numbers[COLUMNS] = {
		row->packets,
		row->bits,
		(double)total->packets,
		(double)total->bytes,
		(double)total->dropped[NETSIM_DROP_PARTITION],
		(double)total->dropped[NETSIM_DROP_DOWN],
		(double)total->dropped[NETSIM_DROP_LOSS],
		(double)total->dropped[NETSIM_DROP_QUEUE],
		(double)total->oversized,
	};
	const char *from = name_of(total->from), *to = name_of(total->to);
	int room = list->pair - 3, half = room / 2;
	char text[FIGURE_TEXT];

	*line = 0;
	/* Give the space that a short name leaves to the other one. */
	if ((int)strlen(from) < half)
		half = (int)strlen(from);
	else if ((int)strlen(to) < room - half)
		half = room - (int)strlen(to);
	append_name(line, from, half);
	append(line, " > ");
	append_name(line, to, room - half);
	pad_to(line, list->pair);
	if (list->class) {
		append(line, "  ");
		append_name(line, total->class_name ? total->class_name : "all", list->class);
		pad_to(line, list->pair + 2 + list->class);
	}
	for (size_t i = 0; i < columns_of(list); i++)
		append(line, "%*s", columns[i].width, figure_of(numbers[i], columns[i].what, text));
}

void rates_summary(const char *fleet, const struct rates *rates, char line[RATE_LINE])
{
	char packets[FIGURE_TEXT], bits[FIGURE_TEXT], dropped[FIGURE_TEXT];
	const struct rate_row *sum = &rates->sum;

	*line = 0;
	append(line, "%s: %s packets/s, %s/s, %s dropped/s", fleet,
	       figure_short(sum->packets, packets), figure_rate(sum->bits, bits),
	       figure_short(sum->dropped, dropped));
}

/* --- the matrix */

#define MATRIX_NAME  20 /* maximum width of names at the left */
#define MATRIX_CLASS 12
#define MATRIX_CELL  12 /* and of those above the columns */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static int compare_for_matrix(const void *x, const void *y)
{
	const struct rate_row *a = x, *b = y;
	/* netsim_compare_flows() compares from, to, class: swap class and to. */
	struct netsim_flow p = {
		.from = a->total.from, .to = a->total.class_name, .class_name = a->total.to};
	struct netsim_flow q = {
		.from = b->total.from, .to = b->total.class_name, .class_name = b->total.to};

	return netsim_compare_flows(&p, &q);
}

static int compare_columns(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void find_columns(struct rate_matrix *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->rates->count; i++)
		m->columns[i] = name_of(m->rates->rows[i].total.to);
	if (m->rates->count)
		qsort(m->columns, m->rates->count, sizeof(*m->columns), compare_columns);
	for (size_t i = 0; i < m->rates->count; i++)
		if (!count || strcmp(m->columns[count - 1], m->columns[i]) != 0)
			m->columns[count++] = m->columns[i];
	m->column_count = count;
}

static void find_rows(struct rate_matrix *m)
{
	for (size_t i = 0; i < m->rates->count; i++) {
		const struct netsim_flow *flow = &m->rates->rows[i].total;
		const struct netsim_flow *last = i ? &m->rates->rows[i - 1].total : NULL;

		if (!last || !same_text(last->from, flow->from) ||
		    !same_text(last->class_name, flow->class_name))
			m->starts[m->row_count++] = i;
		m->name = larger(m->name, (int)strlen(name_of(flow->from)));
		if (m->class && flow->class_name)
			m->class = larger(m->class, (int)strlen(flow->class_name));
	}
}

int rates_matrix(struct rates *rates, bool by_class, enum rate_order shown, struct rate_matrix *ret)
{
	struct rate_matrix m = {
		.rates = rates,
		.shown = shown,
		.columns = calloc(rates->count + 1, sizeof(*m.columns)),
		.starts = calloc(rates->count + 1, sizeof(*m.starts)),
		.name = 4,
		.class = by_class ? CLASS_LEAST : 0,
		.cell = shown == BY_BITS  ? CELL_RATE - 1 :
			shown == BY_BYTES ? CELL_BYTES - 1 :
					    CELL - 1,
	};

	if (!m.columns || !m.starts) {
		rates_matrix_free(&m);
		return -ENOMEM;
	}
	if (rates->count)
		qsort(rates->rows, rates->count, sizeof(*rates->rows), compare_for_matrix);
	find_columns(&m);
	find_rows(&m);
	for (size_t i = 0; i < m.column_count; i++)
		m.cell = larger(m.cell, (int)strlen(m.columns[i]));
	m.name = m.name < MATRIX_NAME ? m.name : MATRIX_NAME;
	m.class = m.class < MATRIX_CLASS ? m.class : MATRIX_CLASS;
	m.cell = m.cell < MATRIX_CELL ? m.cell : MATRIX_CELL;
	*ret = m;
	return 0;
}

void rates_matrix_free(struct rate_matrix *m)
{
	free(m->columns);
	free(m->starts);
	*m = (struct rate_matrix) {0};
}

static bool room_for(const struct rate_matrix *m, const char *line, int width)
{
	return (int)strlen(line) + 1 + m->cell <= width;
}

static void append_cell(const struct rate_matrix *m, const char *text, char line[RATE_LINE])
{
	char cut[RATE_LINE] = "";

	append_name(cut, text, m->cell);
	append(line, " %*s", m->cell, cut);
}

static void begin_line(const struct rate_matrix *m, const char *name, const char *class,
		       char line[RATE_LINE])
{
	*line = 0;
	append_name(line, name, m->name);
	pad_to(line, m->name);
	if (!m->class)
		return;
	append(line, "  ");
	append_name(line, class ? class : "all", m->class);
	pad_to(line, m->name + 2 + m->class);
}

void rates_matrix_head(const struct rate_matrix *m, size_t first, int width, char line[RATE_LINE])
{
	begin_line(m, "from", "class", line);
	for (size_t i = first; i < m->column_count && room_for(m, line, width); i++)
		append_cell(m, m->columns[i], line);
}

static double cell_value(const struct rate_row *row, enum rate_order shown)
{
	switch (shown) {
	case BY_PACKETS:
		return row->packets;
	case BY_DROPPED:
		return (double)row->drops;
	case BY_BYTES:
		return (double)row->total.bytes;
	case BY_BITS:
	case BY_NAME:
	case RATE_ORDERS:
		break;
	}
	return row->bits;
}

void rates_matrix_row(const struct rate_matrix *m, size_t row, size_t first, int width,
		      char line[RATE_LINE])
{
	const struct rate_row *at = &m->rates->rows[m->starts[row]];
	const struct rate_row *end =
		&m->rates->rows[row + 1 < m->row_count ? m->starts[row + 1] : m->rates->count];
	char text[FIGURE_TEXT];

	begin_line(m, name_of(at->total.from), at->total.class_name, line);
	for (size_t i = first; i < m->column_count && room_for(m, line, width); i++) {
		double value = 0;

		for (const struct rate_row *r = at; r < end; r++)
			if (strcmp(name_of(r->total.to), m->columns[i]) == 0)
				value = cell_value(r, m->shown);
		append_cell(m, figure_of(value, m->shown, text), line);
	}
}
