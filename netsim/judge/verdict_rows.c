// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows of the verdict, and look-ups that all of its parts need. */
#include <errno.h>
#include <stdlib.h>

#include "netsim/judge/verdict_parts.h"
#include "netsim/util/arena.h"
#include "netsim/util/err.h"

const char *verdict_name(const struct judging *j, uint32_t number)
{
	return text_table_get(&j->ev->names, number);
}

const struct ledger_verdict *verdict_ledger(const struct judging *j, uint32_t name)
{
	for (size_t i = 0; i < j->ledger_count; i++)
		if (j->ledgers[i].name == name)
			return &j->ledgers[i].verdict;
	return NULL;
}

struct verdict_row *verdict_add_row(struct judging *j, const char *phase, const char *text)
{
	struct verdict_row *row = arena_push(j->ret, j->ret->rows, j->ret->row_count);

	if (!row)
		return NULL;
	row->phase = arena_strdup(j->ret, phase);
	row->text = arena_strdup(j->ret, text);
	row->claim = SIZE_MAX;
	row->when = -1;
	row->shows = row->why = row->line = "";
	return row->phase && row->text ? row : NULL;
}

int verdict_set_line(struct judging *j, struct verdict_row *row, const char *details)
{
	char where[64], line[1024];

	if (row->repetitions)
		err_format(where, sizeof(where), "%s %u/%u", row->phase, row->repetition,
			   row->repetitions);
	else if (row->repetition)
		err_format(where, sizeof(where), "%s %u", row->phase, row->repetition);
	else
		err_format(where, sizeof(where), "%s", row->phase);
	err_format(line, sizeof(line), "%s: %s: %s%s%s", verdict_word(row->result), where,
		   row->text, *details ? ": " : "", details);
	row->line = arena_strdup(j->ret, line);
	return row->line ? 0 : -ENOMEM;
}
