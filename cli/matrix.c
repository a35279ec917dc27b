/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "matrix.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"

static int wider(int width, const char *text)
{
	int length = (int)strlen(text);

	return length > width ? length : width;
}

static const char *cell_of(const struct matrix *m, size_t from, size_t to)
{
	return m->cell(m->arg, from, to);
}

static int names_width(const struct matrix *m)
{
	int width = m->corner ? (int)strlen(m->corner) : 0;

	for (size_t i = 0; i < m->count; i++)
		width = wider(width, m->name(m->arg, i));
	return width;
}

static int column_width(const struct matrix *m, size_t column)
{
	int width = m->corner ? wider(0, m->name(m->arg, column)) : 0;

	for (size_t i = 0; i < m->count; i++)
		width = wider(width, cell_of(m, i, column));
	return width;
}

/* Prints some columns of all rows. */
static void print_columns(const struct matrix *m, size_t begin, size_t end, FILE *out)
{
	int first = names_width(m), gap = m->corner ? 2 : 1;
	int widths[TEXT_COLUMNS]; /* a column takes one and its gap */

	for (size_t c = begin; c < end; c++)
		widths[c - begin] = column_width(m, c);
	for (size_t row = m->corner ? 0 : 1; row <= m->count; row++) {
		fprintf(out, "%-*s%s", first, row ? m->name(m->arg, row - 1) : m->corner,
			m->corner ? "" : " ");
		for (size_t c = begin; c < end; c++)
			fprintf(out, "%*s%*s", gap, "", widths[c - begin],
				row ? cell_of(m, row - 1, c) : m->name(m->arg, c));
		fputc('\n', out);
	}
}

/* Returns the end of the columns from begin on that fit; at least one does. */
static size_t fitting(const struct matrix *m, size_t begin)
{
	int left = TEXT_COLUMNS - names_width(m) - !m->corner;
	size_t end = begin;

	while (end < m->count) {
		left -= column_width(m, end) + (m->corner ? 2 : 1);
		if (left < 0 && end > begin)
			break;
		end++;
	}
	return end;
}

/* --- groups */

struct groups {
	const struct matrix *m;
	size_t *of;    /* of each node: its group */
	size_t *first; /* of each group: its first node */
	size_t count;
	char (*cells)[2 * MATRIX_CELL];
	char (*names)[32];
};

/* Whether two cells are the same word, or both figures, or both figures that are wrong. */
static bool same_kind(const char *a, const char *b)
{
	if (*a == '!')
		return *b == '!';
	return isdigit((unsigned char)*a) ? isdigit((unsigned char)*b) : strcmp(a, b) == 0;
}

static bool alike(const struct matrix *m, size_t a, size_t b)
{
	if (!same_kind(cell_of(m, a, b), cell_of(m, b, a)))
		return false;
	for (size_t i = 0; i < m->count; i++)
		if (i != a && i != b &&
		    (!same_kind(cell_of(m, a, i), cell_of(m, b, i)) ||
		     !same_kind(cell_of(m, i, a), cell_of(m, i, b))))
			return false;
	return true;
}

static void find_groups(struct groups *g)
{
	for (size_t i = 0; i < g->m->count; i++) {
		size_t group = 0;

		while (group < g->count && !alike(g->m, g->first[group], i))
			group++;
		if (group == g->count)
			g->first[g->count++] = i;
		g->of[i] = group;
	}
}

/* The figures of a group's cells: from the lowest to the highest, and the highest loss. */
struct range {
	const char *any, *low, *high, *loss;
};

/* "0.31 (-10%)": the part in parentheses, or "". */
static const char *note_in(const char *cell)
{
	const char *note = strchr(cell, '(');

	return note ? note : "";
}

static int compare(const char *a, const char *b)
{
	double x = strtod(a, NULL), y = strtod(b, NULL);

	return (x > y) - (x < y);
}

static void take_cell(struct range *range, const char *cell)
{
	const char *note = note_in(cell);

	range->any = cell;
	if (!isdigit((unsigned char)*cell))
		return;
	if (!range->low || compare(cell, range->low) < 0)
		range->low = cell;
	if (!range->high || compare(cell, range->high) > 0)
		range->high = cell;
	/* A note's figure follows "(-". */
	if (*note && (!range->loss || compare(note + 2, range->loss + 2) > 0))
		range->loss = note;
}

static void write_range(const struct range *range, char *ret, size_t size)
{
	int low = range->low ? (int)strcspn(range->low, " ") : 0;
	int high = range->high ? (int)strcspn(range->high, " ") : 0;

	if (!range->low)
		snprintf(ret, size, "%s", range->any ? range->any : ".");
	else if (compare(range->low, range->high) == 0)
		snprintf(ret, size, "%.*s", low, range->low);
	else
		snprintf(ret, size, "%.*s-%.*s", low, range->low, high, range->high);
	if (range->loss)
		snprintf(ret + strlen(ret), size - strlen(ret), " %s", range->loss);
}

static int fill_cells(struct groups *g)
{
	size_t n = g->m->count;
	struct range *ranges = calloc(g->count * g->count, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < n * n; i++)
		if (i / n != i % n)
			take_cell(&ranges[g->of[i / n] * g->count + g->of[i % n]],
				  cell_of(g->m, i / n, i % n));
	for (size_t i = 0; i < g->count * g->count; i++)
		write_range(&ranges[i], g->cells[i], sizeof(g->cells[i]));
	for (size_t i = 0; i < g->count; i++)
		snprintf(g->names[i], sizeof(g->names[i]), "group %zu", i + 1);
	free(ranges);
	return 0;
}

/* --- lists of nodes: "n100-[2-60], server" */

/* Splits "n100-7" into the length of "n100-" and 7; false without a number. */
static bool split_name(const char *name, size_t *ret_length, unsigned long *ret)
{
	size_t length = strlen(name);

	while (length && isdigit((unsigned char)name[length - 1]))
		length--;
	*ret_length = length;
	*ret = strtoul(name + length, NULL, 10);
	return name[length] && (name[length] != '0' || !name[length + 1]);
}

static bool follows(const char *name, const char *next)
{
	size_t length[2];
	unsigned long number[2];

	return split_name(name, &length[0], &number[0]) &&
	       split_name(next, &length[1], &number[1]) && length[0] == length[1] &&
	       strncmp(name, next, length[0]) == 0 && number[1] == number[0] + 1;
}

static size_t next_member(const struct groups *g, size_t group, size_t from)
{
	while (from < g->m->count && g->of[from] != group)
		from++;
	return from;
}

static void print_members(const struct groups *g, size_t group, FILE *out)
{
	size_t members = 0, i = g->first[group];
	char label[64];
	struct wrap wrap;

	for (size_t k = 0; k < g->m->count; k++)
		members += g->of[k] == group;
	snprintf(label, sizeof(label), "%s, %zu node%s:", g->names[group], members,
		 plural(members));
	wrap_begin(&wrap, out, label, 2);
	while (i < g->m->count) {
		const char *begin = g->m->name(g->m->arg, i), *end = begin;
		size_t next = next_member(g, group, i + 1), length;
		unsigned long number;

		for (; next < g->m->count && follows(end, g->m->name(g->m->arg, next));
		     next = next_member(g, group, next + 1))
			end = g->m->name(g->m->arg, next);
		(void)split_name(begin, &length, &number);
		if (end == begin)
			wrap_word(&wrap, "%s%s", begin, next < g->m->count ? "," : "");
		else
			wrap_word(&wrap, "%.*s[%lu-%s]%s", (int)length, begin, number, end + length,
				  next < g->m->count ? "," : "");
		i = next;
	}
	wrap_end(&wrap);
}

static const char *group_name(const void *arg, size_t group)
{
	const struct groups *g = arg;

	return g->names[group];
}

static const char *group_cell(const void *arg, size_t from, size_t to)
{
	const struct groups *g = arg;

	return g->cells[from * g->count + to];
}

/* --- one line per node, if nearly every node differs from all others */

#define GROUPS_MOST 24
#define KINDS_MOST  8

/* Prints "n100-1  0.011-0.031: 97, lost: 2". */
static void print_row(const struct matrix *m, size_t row, int width, FILE *out)
{
	struct range kinds[KINDS_MOST] = {0};
	size_t counts[KINDS_MOST] = {0}, count = 0;
	char label[160], text[2 * MATRIX_CELL];
	struct wrap wrap;

	for (size_t c = 0; c < m->count; c++) {
		size_t kind = 0;

		while (c != row && kind < count && !same_kind(kinds[kind].any, cell_of(m, row, c)))
			kind++;
		if (c == row || kind == KINDS_MOST)
			continue;
		count += kind == count;
		take_cell(&kinds[kind], cell_of(m, row, c));
		counts[kind]++;
	}
	snprintf(label, sizeof(label), "%-*s", width, m->name(m->arg, row));
	wrap_begin(&wrap, out, label, 2);
	for (size_t i = 0; i < count; i++) {
		write_range(&kinds[i], text, sizeof(text));
		wrap_word(&wrap, "%s: %zu%s", text, counts[i], i + 1 < count ? "," : "");
	}
	wrap_end(&wrap);
}

static void print_rows(const struct matrix *m, FILE *out)
{
	int width = names_width(m) + 1;

	if (m->corner)
		fprintf(out, "%s, by node (--json has all pairs)\n", m->corner);
	for (size_t i = 0; i < m->count; i++)
		print_row(m, i, width, out);
}

static int print_groups(const struct matrix *m, FILE *out)
{
	struct groups g = {.m = m,
			   .of = calloc(m->count, sizeof(*g.of)),
			   .first = calloc(m->count, sizeof(*g.first))};
	int r = -ENOMEM;

	if (g.of && g.first)
		find_groups(&g);
	g.cells = calloc(g.count * g.count + 1, sizeof(*g.cells));
	g.names = calloc(g.count + 1, sizeof(*g.names));
	if (g.count && g.cells && g.names)
		r = fill_cells(&g);
	if (r == 0 && g.count > GROUPS_MOST) {
		print_rows(m, out);
	} else if (r == 0) {
		const struct matrix groups = {.corner = m->corner ? m->corner : "",
					      .count = g.count,
					      .name = group_name,
					      .cell = group_cell,
					      .arg = &g};

		for (size_t begin = 0, end; begin < g.count; begin = end) {
			end = fitting(&groups, begin);
			print_columns(&groups, begin, end, out);
		}
		for (size_t i = 0; i < g.count; i++)
			print_members(&g, i, out);
	}
	free(g.of);
	free(g.first);
	free(g.cells);
	free(g.names);
	return r;
}

int matrix_print(const struct matrix *m, FILE *out)
{
	if (fitting(m, 0) < m->count)
		return print_groups(m, out);
	print_columns(m, 0, m->count, out);
	return 0;
}

static const char *route_name(const void *arg, size_t node)
{
	const struct matrix_routes *m = arg;

	return m->routes->nodes[node]->name;
}

static const char *route_cell(const void *arg, size_t from, size_t to)
{
	const struct matrix_routes *m = arg;

	return m->cells[from * m->routes->node_count + to];
}

int matrix_print_routes(const char *corner, const struct matrix_routes *routes, FILE *out)
{
	const struct matrix m = {.corner = corner,
				 .count = routes->routes->node_count,
				 .name = route_name,
				 .cell = route_cell,
				 .arg = routes};

	return matrix_print(&m, out);
}
