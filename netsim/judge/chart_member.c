// SPDX-License-Identifier: GPL-2.0-or-later
/* The members of the chart's JSON. */
#include <inttypes.h>

#include "netsim/judge/chart_parts.h"

void chart_key(struct chart *c, bool first, const char *name)
{
	buf_printf(&c->out, "%s\"%s\":", first ? "" : ",", name);
}

void chart_text(struct chart *c, bool first, const char *name, uint32_t number)
{
	chart_key(c, first, name);
	record_quote(&c->out, text_table_get(&c->ev->names, number));
}

void chart_number(struct chart *c, bool first, const char *name, int64_t value)
{
	chart_key(c, first, name);
	buf_printf(&c->out, "%" PRId64, value);
}

void chart_when(struct chart *c, bool first, const char *name, int64_t time)
{
	chart_number(c, first, name, time - c->origin);
}

size_t chart_bin(const struct chart *c, int64_t time)
{
	int64_t bin = (time - c->from) / c->bin;

	return bin < 0 ? 0 : (size_t)bin < c->bins ? (size_t)bin : c->bins - 1;
}
