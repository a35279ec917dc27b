// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads, resolves and prints matrices. */
#include "netsim/config/matrix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"
#include "netsim/util/quote.h"
#include "netsim/words/selector.h"

/* --- the file */

struct raw_matrix {
	const struct doc_node *cut;
};

static const struct field rows[] = {
	{FIELD(struct raw_matrix, cut, "cut", bind_node), .required = true, .nullable = true},
	{0},
};

/* A word that names nodes without the help of anything else. */
static bool check_word(struct bind *b, const struct text *word)
{
	size_t length = strcspn(word->s, ",/");

	if (selector_is(word->s))
		return bind_refuse(b, &word->at, "name nodes, or use --one-way with the selector",
				   "\"%s\": a matrix cannot have selectors", shown(word->s));
	if (word->s[length])
		return bind_refuse(b, &word->at,
				   word->s[length] == ',' ? "write each name by itself: [a, b]" :
							    "a matrix is between nodes",
				   "\"%s\" is not a node, pattern or @ROLE", shown(word->s));
	return *word->s || bind_refuse(b, &word->at, "name a node, a pattern, @ROLE or host",
				       "the name is empty");
}

static bool bind_to(struct bind *b, const struct doc_entry *entry, struct matrix_row *row)
{
	const struct field field = {.name = entry->key};
	bool good = bind_texts(b, &field, entry->value, &row->to);

	if (good && !row->to.count)
		return bind_refuse(b, &row->to.at, "name those that it cannot send to",
				   "%s: the list is empty", shown(entry->key));
	for (size_t i = 0; i < row->to.count; i++)
		good &= check_word(b, &row->to.list[i]);
	return good;
}

static bool read_row(struct bind *b, const struct doc_entry *entry, struct matrix *m)
{
	struct matrix_row *row = array_push(m->rows, m->count);
	bool good;

	if (!row)
		return bind_oom(b);
	row->from = (struct text) {bind_expand(b, entry->key, &entry->at), entry->at};
	good = row->from.s && check_word(b, &row->from);
	return bind_to(b, entry, row) && good;
}

static bool read_matrix(struct bind *b, struct matrix *m)
{
	const struct scope scope = {.what = "a matrix", .at = &m->doc->at};
	struct raw_matrix raw = {0};
	bool good = bind_map(b, rows, m->doc, &scope, &raw);

	if (!raw.cut)
		return good;
	m->at = raw.cut->at;
	if (raw.cut->kind != DOC_MAP && !doc_is_null(raw.cut))
		return bind_refuse(b, &raw.cut->at, "write {n1: [n2, n3]}: n1 cannot send to these",
				   "cut: must be a mapping, not %s", doc_kind_name(raw.cut));
	if (!raw.cut->count)
		return bind_refuse(b, &raw.cut->at, "write {n1: [n2, n3]}: n1 cannot send to these",
				   "cut: no node is cut off");
	for (size_t i = 0; i < raw.cut->count; i++)
		good &= read_row(b, &raw.cut->entries[i], m);
	return good;
}

void matrix_free(struct matrix *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++)
		free(m->rows[i].to.list);
	free(m->rows);
	doc_free(m->doc);
	free(m->file);
	free(m);
}

static struct matrix *matrix_new(const char *file, struct netsim_diags *diags)
{
	struct matrix *m = calloc(1, sizeof(*m));

	if (m)
		m->file = strdup(file);
	if (m && m->file)
		return m;
	matrix_free(m);
	diag_oom(diags);
	return NULL;
}

static int finish(struct matrix **m, struct matrix **ret, struct netsim_diags *diags)
{
	auto_bind struct bind b = {.diags = diags};
	bool good = (*m)->doc && read_matrix(&b, *m);

	diags_sort(diags);
	if (!good)
		return -EINVAL;
	*ret = take(*m);
	return 0;
}

int matrix_load(const char *path, struct matrix **ret, struct netsim_diags *diags)
{
	auto_matrix struct matrix *m = matrix_new(path, diags);

	if (!m)
		return -EINVAL;
	doc_load(m->file, &m->doc, diags);
	return finish(&m, ret, diags);
}

int matrix_parse(const char *file, const char *data, size_t len, struct matrix **ret,
		 struct netsim_diags *diags)
{
	auto_matrix struct matrix *m = matrix_new(file, diags);

	if (!m)
		return -EINVAL;
	doc_parse(m->file, data, len, &m->doc, diags);
	return finish(&m, ret, diags);
}

int matrix_print_yaml(const struct matrix *m, FILE *out)
{
	fputs("cut:\n", out);
	for (size_t i = 0; i < m->count; i++) {
		fputs("  ", out);
		quote_print(m->rows[i].from.s, out);
		fputs(": [", out);
		for (size_t k = 0; k < m->rows[i].to.count; k++) {
			fputs(k ? ", " : "", out);
			quote_print(m->rows[i].to.list[k].s, out);
		}
		fputs("]\n", out);
	}
	return ferror(out) ? -EIO : 0;
}

/* --- who cannot send to whom */

struct resolving {
	const struct matrix_nodes *nodes;
	struct matrix_cuts *cuts;
	bool *from, *to; /* marks */
	struct netsim_diags *diags;
};

static bool mark(struct resolving *r, const struct text *word, bool *marks)
{
	struct netsim_err err = {0};

	memset(marks, 0, r->cuts->size * sizeof(*marks));
	if (r->nodes->mark(r->nodes->arg, word->s, marks, &err) >= 0)
		return true;
	diag_add(r->diags, &word->at, *err.hint ? err.hint : NULL, "%s", err.what);
	return false;
}

/* Cuts the pairs of two words; refuses what has no effect. */
static bool cut_pairs(struct resolving *r, const struct text *from, const struct text *to)
{
	size_t size = r->cuts->size, pairs = 0, fresh = 0;

	for (size_t a = 0; a < size; a++)
		for (size_t b = 0; r->from[a] && b < size; b++) {
			bool *cut = &r->cuts->cut[a * size + b];

			if (!r->to[b] || a == b)
				continue;
			pairs++;
			fresh += !*cut;
			*cut = true;
		}
	if (!pairs)
		diag_add(r->diags, &to->at, NULL, "%s: a node always reaches itself",
			 shown(from->s));
	else if (!fresh)
		diag_add(r->diags, &to->at, "remove it", "\"%s\" cannot send to \"%s\" already",
			 shown(from->s), shown(to->s));
	return fresh;
}

static bool resolve_row(struct resolving *r, const struct matrix_row *row)
{
	bool known = mark(r, &row->from, r->from), good = known;

	for (size_t i = 0; i < row->to.count; i++)
		good &= mark(r, &row->to.list[i], r->to) &&
			(!known || cut_pairs(r, &row->from, &row->to.list[i]));
	return good;
}

int matrix_resolve(const struct matrix *m, const struct matrix_nodes *nodes,
		   struct matrix_cuts *ret, struct netsim_diags *diags)
{
	size_t size = nodes->count + 1;
	auto_free bool *marks = calloc(2 * size, sizeof(*marks));
	struct resolving r = {nodes, ret, marks, marks ? marks + size : NULL, diags};
	bool good = true;

	*ret = (struct matrix_cuts) {calloc(size * size, sizeof(*ret->cut)), size};
	if (!marks || !ret->cut)
		good = diag_oom(diags) == 0;
	for (size_t i = 0; marks && ret->cut && i < m->count; i++)
		good &= resolve_row(&r, &m->rows[i]);
	diags_sort(diags);
	return good ? 0 : -EINVAL;
}

bool matrix_is_mutual(const struct matrix_cuts *cuts)
{
	for (size_t a = 0; a < cuts->size; a++)
		for (size_t b = 0; b < a; b++)
			if (cuts->cut[a * cuts->size + b] != cuts->cut[b * cuts->size + a])
				return false;
	return true;
}

/* --- pairs of groups */

/* Whether the cuts of a row, from or to one node, are those of a pair, apart from the node itself.
 */
static bool fits(const bool *row, const struct matrix_pairs *pairs, size_t pair, size_t size,
		 size_t node)
{
	const bool *from = pairs->from + pair * size, *to = pairs->to + pair * size;
	size_t members = 0;

	for (size_t x = 0; x < size; x++)
		members += from[x];
	for (size_t x = 0; x < size; x++)
		if (row[x] != to[x] && x != node && !(row[x] && from[x] && members == 1))
			return false;
	return true;
}

static int add_row(const bool *row, size_t node, size_t size, size_t most,
		   struct matrix_pairs *pairs)
{
	size_t pair = 0;
	bool any = false;

	for (size_t x = 0; x < size; x++)
		any |= row[x];
	if (!any)
		return 0;
	while (pair < pairs->count && !fits(row, pairs, pair, size, node))
		pair++;
	if (pair == most)
		return -ENOSPC;
	pairs->count += pair == pairs->count;
	pairs->from[pair * size + node] = true;
	for (size_t x = 0; x < size; x++)
		pairs->to[pair * size + x] |= row[x];
	return 0;
}

/* Nodes whose rows of the matrix are equal share a pair. */
static int add_rows(const struct matrix_cuts *cuts, bool by_receiver, size_t most,
		    struct matrix_pairs *ret)
{
	size_t size = cuts->size;
	auto_free bool *row = calloc(size, sizeof(*row));
	int r = 0;

	*ret = (struct matrix_pairs) {calloc((most + 1) * size, sizeof(*ret->from)),
				      calloc((most + 1) * size, sizeof(*ret->to)), 0};
	if (!row || !ret->from || !ret->to)
		return -ENOMEM;
	for (size_t a = 0; r == 0 && a < size; a++) {
		for (size_t b = 0; b < size; b++)
			row[b] = cuts->cut[by_receiver ? b * size + a : a * size + b];
		r = add_row(row, a, size, most, ret);
	}
	return r;
}

int matrix_pairs(const struct matrix_cuts *cuts, size_t most, struct matrix_pairs *ret)
{
	struct matrix_pairs other;
	int r = add_rows(cuts, false, most, ret);
	int by_receiver = add_rows(cuts, true, r == 0 ? ret->count : most, &other);
	struct matrix_pairs unused = other;

	if (by_receiver == 0 && (r < 0 || other.count < ret->count)) {
		unused = *ret;
		*ret = (struct matrix_pairs) {other.to, other.from, other.count};
		r = 0;
	}
	free(unused.from);
	free(unused.to);
	return r;
}
