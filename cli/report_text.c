// SPDX-License-Identifier: GPL-2.0-or-later
/* The report as text: figures with units, in 80 columns. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "figures.h"
#include "out.h"
#include "report.h"

#define CELL FIGURE_TEXT
#define NS   1000000000

static const char *rtt(const struct netsim_rtt *r, int64_t value, char text[CELL])
{
	return r->count ? figure_duration((double)value, text) : "-";
}

static const char *clock_time(int64_t ns, char text[CELL])
{
	time_t seconds = (time_t)(ns / NS - (ns % NS < 0));
	struct tm tm;
	size_t used = localtime_r(&seconds, &tm) ? strftime(text, CELL, "%H:%M:%S", &tm) : 0;

	snprintf(text + used, CELL - used, ".%06d", (int)((ns - (int64_t)seconds * NS) / 1000));
	return text;
}

static uint64_t retransmissions(const struct netsim_flow_direction *way)
{
	return way->fast + way->timeout + way->spurious;
}

/* Prints eight columns of figures; single connections show the mean RTT, not the median. */
static void print_figures(const struct netsim_analysis *a, const char *label,
			  const struct netsim_flow_direction *way, bool single, int64_t lasted_ns)
{
	char t[8][CELL];
	double seconds = (double)(lasted_ns > 0 ? lasted_ns : a->last_ns - a->first_ns) / NS;
	bool rated = seconds > 0 && way->packets > 1;

	printf("%-19s %7s %7s %9s %5s %7s %7s %7s %4s\n", label, figure_count(way->packets, t[0]),
	       figure_bytes((double)way->bytes, t[1]),
	       rated ? figure_rate((double)way->bytes * 8 / seconds, t[2]) : "-",
	       figure_count(retransmissions(way), t[3]),
	       rtt(&way->rtt, single ? (int64_t)way->rtt.mean_ns : way->rtt.p50_ns, t[4]),
	       rtt(&way->rtt, single ? way->rtt.min_ns : way->rtt.p99_ns, t[5]),
	       rtt(&way->rtt, way->rtt.max_ns, t[6]), figure_count(way->gaps, t[7]));
}

static void print_head(const char *title, bool single)
{
	printf("\n%-19s %7s %7s %9s %5s %7s %7s %7s %4s\n", title, "packets", "bytes", "rate",
	       "retr", single ? "rtt" : "rtt p50", single ? "min" : "p99", "max", "gaps");
}

/* Prints events that occurred: "fast 3, timeout 1, out of order 7". */
static void print_events(const struct netsim_flow_direction *way)
{
	const struct {
		const char *name;
		uint64_t value;
	} events[] = {{"fast", way->fast},
		      {"timeout", way->timeout},
		      {"spurious", way->spurious},
		      {"out of order", way->reordered},
		      {"duplicate acks", way->dup_acks},
		      {"zero windows", way->zero_windows},
		      {"resets", way->resets},
		      {"silences", way->silences}};
	int column = 0;

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		char text[64];
		int length;

		if (!events[i].value)
			continue;
		length = snprintf(text, sizeof(text), "%s %" PRIu64, events[i].name,
				  events[i].value);
		if (column && column + length + 2 > 79) {
			printf(",\n");
			column = 0;
		}
		column += printf("%s%s", column ? ", " : "      ", text);
	}
	if (column)
		putchar('\n');
}

static void print_opening(const struct netsim_flow_row *row)
{
	char t[2][CELL];

	if (row->handshake.count > 1)
		printf("      handshake p50 %s, p99 %s, of %" PRIu64 "\n",
		       figure_duration((double)row->handshake.p50_ns, t[0]),
		       figure_duration((double)row->handshake.p99_ns, t[1]), row->handshake.count);
	if (row->unanswered || row->refused)
		printf("      not answered %" PRIu64 ", refused %" PRIu64 "\n", row->unanswered,
		       row->refused);
}

static size_t shown_rows(const struct netsim_flow_rows *rows, const struct analyze_view *view)
{
	return view->top && rows->count > view->top ? view->top : rows->count;
}

static void print_left_out(size_t left)
{
	if (left)
		printf("and %zu more (--top 0 shows all)\n", left);
}

static void print_classes(const struct netsim_analysis *a, const struct analyze_view *view)
{
	print_head("class", false);
	for (size_t i = 0; i < shown_rows(&a->classes, view); i++) {
		const struct netsim_flow_row *row = a->classes.list[i];
		char label[64];

		snprintf(label, sizeof(label), "%s%.30s", row->inner ? "in vxlan: " : "",
			 row->class_name);
		if (strlen(label) > 19) {
			puts(label);
			*label = 0;
		}
		print_figures(a, label, &row->directions[0], false, 0);
		print_events(&row->directions[0]);
		print_opening(row);
	}
	print_left_out(a->classes.count - shown_rows(&a->classes, view));
}

static const char *end_of(const struct netsim_flow_row *row, int i)
{
	return row->ends[i] ? row->ends[i] : "many others";
}

static void print_ways(const struct netsim_analysis *a, const struct netsim_flow_row *row,
		       bool single)
{
	static const char *const arrows[2] = {"   >", "   <"};

	for (int i = 0; i < 2; i++) {
		if (!row->directions[i].packets)
			continue;
		print_figures(a, arrows[i], &row->directions[i], single,
			      single ? row->last_ns - row->first_ns : 0);
		print_events(&row->directions[i]);
	}
}

static void print_pair(const struct netsim_analysis *a, const struct netsim_flow_row *row)
{
	printf("%s > %s%s%s%s\n", end_of(row, 0), end_of(row, 1), row->class_name ? ", " : "",
	       row->class_name ? row->class_name : "", row->inner ? ", in vxlan" : "");
	print_ways(a, row, false);
	print_opening(row);
}

/* Returns the end with a multicast or broadcast address, or -1; nodes have names. */
static int multicast_end(const struct netsim_flow_row *row)
{
	uint8_t ip[16];

	for (int i = 0; i < 2; i++) {
		if (!row->ends[i])
			continue;
		if (inet_pton(AF_INET6, row->ends[i], ip) == 1 && ip[0] == 0xff)
			return i;
		if (inet_pton(AF_INET, row->ends[i], ip) == 1 &&
		    (ip[0] >> 4 == 14 || strcmp(row->ends[i], "255.255.255.255") == 0))
			return i;
	}
	return -1;
}

static bool is_folded(const struct netsim_flow_row *row, const struct analyze_view *view)
{
	return !view->verbose && multicast_end(row) >= 0;
}

/* Folds multicast rows of a class into one row; keeps the sender if there is only one. */
static void add_multicast(struct netsim_flow_row *sum, const struct netsim_flow_row *row)
{
	int to = multicast_end(row);

	if (!sum->ends[0]) {
		sum->ends[0] = row->ends[1 - to];
		sum->ends[1] = "multicast";
	} else if (strcmp(sum->ends[0], row->ends[1 - to]) != 0) {
		sum->ends[0] = "several";
	}
	for (int i = 0; i < 2; i++) {
		sum->directions[0].packets += row->directions[i].packets;
		sum->directions[0].bytes += row->directions[i].bytes;
		sum->directions[0].gaps += row->directions[i].gaps;
		sum->directions[0].silences += row->directions[i].silences;
	}
}

static bool is_same_kind(const struct netsim_flow_row *a, const struct netsim_flow_row *b)
{
	return a->inner == b->inner &&
	       (!a->class_name || strcmp(a->class_name, b->class_name) == 0);
}

static void print_multicasts(const struct netsim_analysis *a, const struct netsim_flow_rows *rows,
			     const struct analyze_view *view)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct netsim_flow_row *row = rows->list[i];
		struct netsim_flow_row sum = {.class_name = row->class_name, .inner = row->inner};
		bool first = is_folded(row, view);

		for (size_t k = 0; first && k < i; k++)
			first = !is_folded(rows->list[k], view) ||
				!is_same_kind(row, rows->list[k]);
		for (size_t k = i; first && k < rows->count; k++)
			if (is_folded(rows->list[k], view) && is_same_kind(row, rows->list[k]))
				add_multicast(&sum, rows->list[k]);
		if (first)
			print_pair(a, &sum);
	}
}

static void print_pairs(const struct netsim_analysis *a, const struct netsim_flow_rows *rows,
			const struct analyze_view *view)
{
	size_t room = view->top ? view->top : SIZE_MAX, left = 0;

	print_head("between", false);
	for (size_t i = 0; i < rows->count; i++) {
		if (is_folded(rows->list[i], view))
			continue;
		if (room) {
			print_pair(a, rows->list[i]);
			room--;
		} else {
			left++;
		}
	}
	print_left_out(left);
	print_multicasts(a, rows, view);
}

const char *analyze_protocol(const struct netsim_flow_row *row, char *text)
{
	if (!row->version || (row->ports[0] == 0x0806 && row->protocol == 0)) {
		if (row->ports[0] == 0x0806)
			return "arp";
		snprintf(text, 16, "0x%04x", row->ports[0]);
		return text;
	}
	switch (row->protocol) {
	case 1:
		return "icmp";
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 58:
		return "icmpv6";
	default:
		snprintf(text, 16, "ip %u", row->protocol);
		return text;
	}
}

static bool has_ports(const struct netsim_flow_row *row)
{
	return row->version && (row->protocol == 6 || row->protocol == 17);
}

static void print_end(const struct netsim_flow_row *row, int i)
{
	const char *name = end_of(row, i);
	bool colons = strchr(name, ':') != NULL;

	if (has_ports(row))
		printf("%s%s%s:%u", colons ? "[" : "", name, colons ? "]" : "", row->ports[i]);
	else
		fputs(name, stdout);
}

static void print_connection(const struct netsim_analysis *a, const struct netsim_flow_row *row)
{
	char text[CELL];

	print_end(row, 0);
	fputs(" > ", stdout);
	print_end(row, 1);
	printf("  %s", row->class_name);
	if (!has_ports(row))
		printf(" %s", analyze_protocol(row, text));
	if (row->vlan)
		printf(", vlan %u", row->vlan);
	if (row->inner)
		printf(", in vxlan");
	if (row->handshake.count)
		printf(", opened in %s", figure_duration((double)row->handshake.min_ns, text));
	puts(row->unanswered ? ", not answered" : row->refused ? ", refused" : "");
	print_ways(a, row, true);
}

static void print_connections(const struct netsim_analysis *a, const struct analyze_view *view)
{
	size_t shown = shown_rows(&a->connection_rows, view);

	print_head("connection", true);
	for (size_t i = 0; i < shown; i++)
		print_connection(a, a->connection_rows.list[i]);
	if (a->connections > shown)
		printf("and %" PRIu64 " more%s\n", a->connections - shown,
		       a->folded ? "" : " (--top 0 shows all)");
}

static void print_gap(const struct netsim_flow_gap *gap)
{
	char t[3][CELL];

	printf("%s %8s  %s:%u > %s:%u %s, limit %s%s\n", clock_time(gap->begin_ns, t[0]),
	       figure_duration((double)(gap->end_ns - gap->begin_ns), t[1]),
	       gap->from ? gap->from : "-", gap->from_port, gap->to ? gap->to : "-", gap->to_port,
	       gap->class_name, figure_duration((double)gap->limit_ns, t[2]),
	       gap->whole ? "" : " (others were not)");
}

/* Prints gaps of a whole class first: a single connection may just have been idle. */
static void print_gaps(const struct netsim_analysis *a, const struct analyze_view *view)
{
	size_t room = view->top ? view->top : SIZE_MAX, shown = 0;
	uint64_t left;

	if (!a->gap_count)
		return;
	printf("\nsilent for longer than their class tolerates\n");
	for (int whole = 1; whole >= 0; whole--)
		for (size_t i = 0; i < a->gap_count && shown < room; i++)
			if (a->gaps[i]->whole == whole) {
				print_gap(a->gaps[i]);
				shown++;
			}
	left = a->gap_count - shown + a->gaps_more;
	if (left)
		printf("and %" PRIu64 " more\n", left);
}

static void print_summary(const struct netsim_analysis *a)
{
	char t[3][CELL];

	printf("%" PRIu64 " packet%s, %s", a->packets, plural(a->packets),
	       figure_bytes((double)a->bytes, t[0]));
	if (a->packets)
		printf(", %s from %s", figure_duration((double)(a->last_ns - a->first_ns), t[1]),
		       clock_time(a->first_ns, t[2]));
	printf(", %" PRIu64 " connection%s\n", a->connections, plural(a->connections));
	if (a->inner)
		printf("%" PRIu64 " of the packets carry another one in VXLAN, which counts in "
		       "separate rows\n",
		       a->inner);
	if (a->folded)
		printf("%" PRIu64 " connections have no separate line: there were too many\n",
		       a->folded);
	if (a->unordered)
		printf("%" PRIu64 " packets are earlier than the one before them\n", a->unordered);
	if (a->captured > a->packets)
		printf("the packets were captured %" PRIu64 " times in all; each counts once\n",
		       a->captured);
}

void analyze_text(const struct netsim_analysis *a, const struct netsim_traffic *counted,
		  const struct analyze_view *view)
{
	if (!view->quiet)
		print_summary(a);
	if (!a->packets)
		return;
	if (view->by == BY_DEFAULT || view->by == BY_CLASS)
		print_classes(a, view);
	if (view->by == BY_PAIR)
		print_pairs(a, &a->pairs, view);
	if (view->by == BY_DEFAULT)
		print_pairs(a, &a->flows, view);
	if (view->by == BY_CONNECTION)
		print_connections(a, view);
	analyze_one_way_text(a, counted, view);
	if (!view->quiet)
		print_gaps(a, view);
}
