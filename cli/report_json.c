// SPDX-License-Identifier: GPL-2.0-or-later
/* The report as JSON and CSV, in nanoseconds and bytes. */
#include <inttypes.h>

#include "out.h"
#include "report.h"

static json_t *number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

/* Counts of one direction, in the order of JSON and CSV. */
struct named {
	const char *name;
	uint64_t value;
};
#define COUNTS 13
static void counts_of(const struct netsim_flow_direction *way, struct named ret[COUNTS])
{
	const struct named all[COUNTS] = {
		{"packets", way->packets},     {"bytes", way->bytes},
		{"payload", way->payload},     {"fast", way->fast},
		{"timeout", way->timeout},     {"spurious", way->spurious},
		{"reordered", way->reordered}, {"resent", way->resent},
		{"dup_acks", way->dup_acks},   {"zero_windows", way->zero_windows},
		{"resets", way->resets},       {"gaps", way->gaps},
		{"silences", way->silences},
	};

	for (int i = 0; i < COUNTS; i++)
		ret[i] = all[i];
}

static json_t *json_rtt(const struct netsim_rtt *rtt, bool single)
{
	json_t *json;

	if (!rtt->count)
		return json_null();
	json = json_pack("{s:o, s:I, s:o, s:I}", "count", number(rtt->count), "min_ns",
			 (json_int_t)rtt->min_ns, "mean_ns", json_decimal(rtt->mean_ns, 0),
			 "max_ns", (json_int_t)rtt->max_ns);
	if (!single) {
		json_object_set_new(json, "p50_ns", json_integer(rtt->p50_ns));
		json_object_set_new(json, "p90_ns", json_integer(rtt->p90_ns));
		json_object_set_new(json, "p99_ns", json_integer(rtt->p99_ns));
	}
	return json;
}

static json_t *json_way(const struct netsim_flow_direction *way, bool single)
{
	json_t *json = json_object();
	struct named counts[COUNTS];

	counts_of(way, counts);
	for (int i = 0; i < COUNTS; i++)
		json_object_set_new(json, counts[i].name, number(counts[i].value));
	json_object_set_new(json, "rtt", json_rtt(&way->rtt, single));
	return json;
}

static json_t *json_bins(const struct netsim_analysis *a, const struct netsim_flow_row *row,
			 size_t way)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->bin_count; i++) {
		const struct netsim_flow_bin *bin = &row->bins[i];
		json_t *one = json_pack(
			"{s:o, s:i, s:i, s:i}", "bytes", number(bin->directions[way].bytes),
			"packets", bin->directions[way].packets, "retransmissions",
			bin->directions[way].retransmissions, "gaps", bin->directions[way].gaps);

		if (bin->directions[way].rtts) {
			json_object_set_new(one, "rtt_p50_ns",
					    json_integer(bin->directions[way].rtt_p50_ns));
			json_object_set_new(one, "rtt_p99_ns",
					    json_integer(bin->directions[way].rtt_p99_ns));
			json_object_set_new(one, "rtt_max_ns",
					    json_integer(bin->directions[way].rtt_max_ns));
		}
		json_array_append_new(list, one);
	}
	return list;
}

static void add_connection(json_t *json, const struct netsim_flow_row *row)
{
	char text[16];

	json_object_set_new(json, "protocol", json_string(analyze_protocol(row, text)));
	json_object_set_new(json, "client_port", json_integer(row->ports[0]));
	json_object_set_new(json, "server_port", json_integer(row->ports[1]));
	json_object_set_new(json, "vlan", row->vlan ? json_integer(row->vlan) : json_null());
	json_object_set_new(json, "first_ns", json_integer(row->first_ns));
	json_object_set_new(json, "last_ns", json_integer(row->last_ns));
	json_object_set_new(json, "closed", json_boolean(row->closed));
}

/* A connection has a client and a server, and no time series. */
static json_t *json_row(const struct netsim_analysis *a, const struct netsim_flow_row *row,
			const struct analyze_view *view, bool connection)
{
	static const char *const ends[2][2] = {{"a", "b"}, {"client", "server"}};
	static const char *const sent[2][2] = {{"from_a", "from_b"},
					       {"from_client", "from_server"}};
	json_t *json = json_object();

	if (row->class_name)
		json_object_set_new(json, "class", json_string(row->class_name));
	for (size_t i = 0; row->direction_count == 2 && i < 2; i++)
		json_object_set_new(json, ends[connection][i], text_or_null(row->ends[i]));
	json_object_set_new(json, "inner", json_boolean(row->inner));
	json_object_set_new(json, "connections", number(row->connections));
	json_object_set_new(json, "unanswered", number(row->unanswered));
	json_object_set_new(json, "refused", number(row->refused));
	json_object_set_new(json, "handshake", json_rtt(&row->handshake, connection));
	if (connection)
		add_connection(json, row);
	for (size_t i = 0; i < row->direction_count; i++) {
		json_t *way = json_way(&row->directions[i], connection);

		if (row->bins && view->verbose)
			json_object_set_new(way, "series", json_bins(a, row, i));
		json_object_set_new(json, row->direction_count == 1 ? "both" : sent[connection][i],
				    way);
	}
	return json;
}

static json_t *json_rows(const struct netsim_analysis *a, const struct netsim_flow_rows *rows,
			 const struct analyze_view *view, bool connection)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->count && (!view->top || i < view->top); i++)
		json_array_append_new(list, json_row(a, rows->list[i], view, connection));
	return list;
}

static json_t *json_gaps(const struct netsim_analysis *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->gap_count; i++) {
		const struct netsim_flow_gap *gap = a->gaps[i];

		json_array_append_new(
			list,
			json_pack("{s:o, s:o, s:s, s:i, s:i, s:b, s:b, s:I, s:I, s:I}", "from",
				  text_or_null(gap->from), "to", text_or_null(gap->to), "class",
				  gap->class_name, "from_port", gap->from_port, "to_port",
				  gap->to_port, "inner", gap->inner, "whole", gap->whole,
				  "begin_ns", (json_int_t)gap->begin_ns, "end_ns",
				  (json_int_t)gap->end_ns, "limit_ns", (json_int_t)gap->limit_ns));
	}
	return list;
}

static json_t *json_problems(const struct netsim_analysis *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->problem_count; i++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:s}", "file",
						      json_words(a->problems[i]->file), "offset",
						      number(a->problems[i]->offset), "what",
						      a->problems[i]->what));
	return list;
}

json_t *analyze_object(const struct netsim_analysis *a, const struct netsim_traffic *counted,
		       const struct analyze_view *view)
{
	json_t *json = json_object();

	json_object_set_new(json, "packets", number(a->packets));
	json_object_set_new(json, "bytes", number(a->bytes));
	json_object_set_new(json, "captured", number(a->captured));
	json_object_set_new(json, "inner_packets", number(a->inner));
	json_object_set_new(json, "class_count", number(a->classes.count));
	json_object_set_new(json, "pair_count", number(a->pairs.count));
	json_object_set_new(json, "flow_count", number(a->flows.count));
	json_object_set_new(json, "connection_count", number(a->connections));
	json_object_set_new(json, "folded", number(a->folded));
	json_object_set_new(json, "unordered", number(a->unordered));
	json_object_set_new(json, "first_ns", json_integer(a->first_ns));
	json_object_set_new(json, "last_ns", json_integer(a->last_ns));
	json_object_set_new(json, "bin_ns", json_integer(a->bin_ns));
	if (view->by == BY_DEFAULT || view->by == BY_CLASS)
		json_object_set_new(json, "classes", json_rows(a, &a->classes, view, false));
	if (view->by == BY_DEFAULT || view->by == BY_PAIR)
		json_object_set_new(json, "pairs", json_rows(a, &a->pairs, view, false));
	if (view->by == BY_DEFAULT)
		json_object_set_new(json, "flows", json_rows(a, &a->flows, view, false));
	if (view->by == BY_DEFAULT || view->by == BY_CONNECTION)
		json_object_set_new(json, "connections",
				    json_rows(a, &a->connection_rows, view, true));
	json_object_set_new(json, "one_way", analyze_one_way_json(a, counted, view));
	json_object_set_new(json, "gaps", json_gaps(a));
	json_object_set_new(json, "gaps_not_listed", number(a->gaps_more));
	json_object_set_new(json, "problems", json_problems(a));
	return json;
}

/* --- CSV: a row for each direction */

static void csv_head(void)
{
	struct named counts[COUNTS];

	counts_of(&(struct netsim_flow_direction) {0}, counts);
	printf("from,from_port,to,to_port,protocol,class,inner,vlan,first_ns,last_ns,connections,"
	       "unanswered,refused,handshake_ns");
	for (int i = 0; i < COUNTS; i++)
		printf(",%s", counts[i].name);
	puts(",rtt_count,rtt_min_ns,rtt_mean_ns,rtt_p50_ns,rtt_p90_ns,rtt_p99_ns,rtt_max_ns");
}

static void csv_rtt(const struct netsim_rtt *rtt, bool single)
{
	printf(",%" PRIu64, rtt->count);
	if (!rtt->count)
		fputs(",,,,,,", stdout);
	else if (single)
		printf(",%" PRId64 ",%.0f,,,,%" PRId64, rtt->min_ns, rtt->mean_ns, rtt->max_ns);
	else
		printf(",%" PRId64 ",%.0f,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64,
		       rtt->min_ns, rtt->mean_ns, rtt->p50_ns, rtt->p90_ns, rtt->p99_ns,
		       rtt->max_ns);
}

/* Names need no quoting: nodes, classes and addresses have no commas. */
static void csv_row(const struct netsim_flow_row *row, size_t way, bool connection)
{
	const char *from = row->ends[way], *to = row->ends[1 - way];
	struct named counts[COUNTS];
	char text[16];

	printf("%s,", from ? from : "");
	if (connection)
		printf("%u", row->ports[way]);
	printf(",%s,", to ? to : "");
	if (connection)
		printf("%u,%s", row->ports[1 - way], analyze_protocol(row, text));
	else
		putchar(',');
	printf(",%s,%d,%u,", row->class_name ? row->class_name : "", row->inner, row->vlan);
	if (connection)
		printf("%" PRId64 ",%" PRId64, row->first_ns, row->last_ns);
	else
		putchar(',');
	printf(",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", row->connections, row->unanswered,
	       row->refused);
	if (row->handshake.count)
		printf("%" PRId64, connection ? row->handshake.min_ns : row->handshake.p50_ns);
	counts_of(&row->directions[way], counts);
	for (int i = 0; i < COUNTS; i++)
		printf(",%" PRIu64, counts[i].value);
	csv_rtt(&row->directions[way].rtt, connection);
	putchar('\n');
}

void analyze_csv(const struct netsim_analysis *a, const struct analyze_view *view)
{
	const struct netsim_flow_rows *rows = view->by == BY_CONNECTION ? &a->connection_rows :
					      view->by == BY_CLASS	? &a->classes :
					      view->by == BY_PAIR	? &a->pairs :
									  &a->flows;

	csv_head();
	for (size_t i = 0; i < rows->count && (!view->top || i < view->top); i++)
		for (size_t w = 0; w < rows->list[i]->direction_count; w++)
			csv_row(rows->list[i], w, view->by == BY_CONNECTION);
}
