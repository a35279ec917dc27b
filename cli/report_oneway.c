// SPDX-License-Identifier: GPL-2.0-or-later
/* One-way rows, of packets matched between sender and receiver: text and JSON. */
#include <inttypes.h>
#include <string.h>

#include "figures.h"
#include "out.h"
#include "report.h"

static const char *const reasons[NETSIM_DROPS] = {
	[NETSIM_DROP_PARTITION] = "partition",
	[NETSIM_DROP_DOWN] = "down",
	[NETSIM_DROP_LOSS] = "loss",
	[NETSIM_DROP_QUEUE] = "queue",
};

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static const struct netsim_flow *counters_of(const struct netsim_traffic *counted,
					     const struct netsim_one_way *row)
{
	for (size_t i = 0; counted && i < counted->flow_count; i++) {
		const struct netsim_flow *flow = counted->flows[i];

		if (same(flow->from, row->from) && same(flow->to, row->to) &&
		    same(flow->class_name, row->class_name))
			return flow;
	}
	return NULL;
}

static const char *delay(const struct netsim_one_way *row, double ns, char *text)
{
	return row->delay.count ? figure_duration(ns, text) : "-";
}

/* Two significant digits: 0.01, 2.0, 13. */
static const char *percent(const struct netsim_one_way *row, char *text)
{
	double share = row->sent ? 100.0 * (double)row->lost / (double)row->sent : 0;

	if (!row->lost)
		return "0";
	snprintf(text, FIGURE_TEXT, share < 1 ? "%.2f" : share < 10 ? "%.1f" : "%.0f", share);
	return text;
}

static void print_counters(const struct netsim_flow *flow)
{
	const char *before = "      the ports' programs dropped ";

	for (int i = 0; flow && i < NETSIM_DROPS; i++) {
		if (!flow->dropped[i])
			continue;
		printf("%s%" PRIu64 " (%s)", before, flow->dropped[i], reasons[i]);
		before = ", ";
	}
	if (flow && flow->oversized) {
		printf("%s%" PRIu64 " (size)", before, flow->oversized);
		before = ", ";
	}
	if (*before == ',')
		putchar('\n');
}

static void print_row(const struct netsim_one_way *row)
{
	char t[9][FIGURE_TEXT];

	printf("%s > %s, %s\n", row->from ? row->from : "many others",
	       row->to ? row->to : "many others", row->class_name);
	printf("%-8s %7s %7s %5s %5s %5s %7s %7s %7s %7s\n", "", figure_count(row->sent, t[0]),
	       figure_count(row->lost, t[1]), percent(row, t[2]),
	       figure_count(row->reordered, t[3]), figure_count(row->duplicated, t[4]),
	       delay(row, (double)row->delay.p50_ns, t[5]),
	       delay(row, (double)row->delay.p99_ns, t[6]),
	       delay(row, (double)row->delay.max_ns, t[7]), delay(row, row->jitter_ns, t[8]));
}

void analyze_one_way_text(const struct netsim_analysis *a, const struct netsim_traffic *counted,
			  const struct analyze_view *view)
{
	size_t shown = view->top && a->one_way_count > view->top ? view->top : a->one_way_count;

	if (!shown)
		return;
	printf("\n%-8s %7s %7s %5s %5s %5s %7s %7s %7s %7s\n", "one way", "sent", "lost", "%",
	       "late", "twice", "p50", "p99", "max", "jitter");
	for (size_t i = 0; i < shown; i++) {
		print_row(a->one_way[i]);
		print_counters(counters_of(counted, a->one_way[i]));
	}
	if (a->one_way_count > shown)
		printf("and %zu more (--top 0 shows all)\n", a->one_way_count - shown);
}

/* --- JSON */

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *json_delay(const struct netsim_one_way *row)
{
	const struct netsim_rtt *d = &row->delay;

	if (!d->count)
		return json_null();
	return json_pack("{s:I, s:o, s:I, s:I, s:I, s:I, s:o}", "min_ns", (json_int_t)d->min_ns,
			 "mean_ns", json_decimal(d->mean_ns, 0), "p50_ns", (json_int_t)d->p50_ns,
			 "p90_ns", (json_int_t)d->p90_ns, "p99_ns", (json_int_t)d->p99_ns, "max_ns",
			 (json_int_t)d->max_ns, "jitter_ns", json_decimal(row->jitter_ns, 0));
}

static json_t *json_bins(const struct netsim_analysis *a, const struct netsim_one_way *row)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->one_way_bin_count; i++) {
		const struct netsim_one_way_bin *bin = &row->bins[i];
		json_t *one = json_pack("{s:I, s:I}", "delivered", (json_int_t)bin->delivered,
					"lost", (json_int_t)bin->lost);

		if (bin->delivered) {
			json_object_set_new(one, "mean_ns", json_integer(bin->delay_mean_ns));
			json_object_set_new(one, "max_ns", json_integer(bin->delay_max_ns));
		}
		json_array_append_new(list, one);
	}
	return list;
}

json_t *analyze_dropped_json(const struct netsim_flow *flow)
{
	json_t *json = json_object();

	for (int i = 0; i < NETSIM_DROPS; i++)
		json_object_set_new(json, reasons[i], number(flow->dropped[i]));
	json_object_set_new(json, "size", number(flow->oversized));
	return json;
}

static json_t *json_row(const struct netsim_analysis *a, const struct netsim_one_way *row,
			const struct netsim_traffic *counted, const struct analyze_view *view)
{
	json_t *json = json_object();

	json_object_set_new(json, "from", text_or_null(row->from));
	json_object_set_new(json, "to", text_or_null(row->to));
	json_object_set_new(json, "class", json_string(row->class_name));
	json_object_set_new(json, "sent", number(row->sent));
	json_object_set_new(json, "delivered", number(row->delivered));
	json_object_set_new(json, "lost", number(row->lost));
	json_object_set_new(json, "flying", number(row->in_flight));
	json_object_set_new(json, "duplicated", number(row->duplicated));
	json_object_set_new(json, "reordered", number(row->reordered));
	json_object_set_new(json, "delay", json_delay(row));
	if (counted) {
		const struct netsim_flow none = {0}, *flow = counters_of(counted, row);

		json_object_set_new(json, "dropped", analyze_dropped_json(flow ? flow : &none));
	}
	if (row->bins && view->verbose)
		json_object_set_new(json, "series", json_bins(a, row));
	return json;
}

json_t *analyze_one_way_json(const struct netsim_analysis *a, const struct netsim_traffic *counted,
			     const struct analyze_view *view)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->one_way_count && (!view->top || i < view->top); i++)
		json_array_append_new(list, json_row(a, a->one_way[i], counted, view));
	return json_pack("{s:o, s:o, s:o, s:I, s:I}", "rows", list, "elsewhere",
			 number(a->unobserved), "strays", number(a->unmatched), "first_ns",
			 (json_int_t)a->one_way_first_ns, "bin_ns", (json_int_t)a->one_way_bin_ns);
}
