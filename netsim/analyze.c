// SPDX-License-Identifier: GPL-2.0-or-later
/* Groups are added up to rows of classes, of pairs, and of both. */
#include "netsim/analyze.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/array.h"

/* --- names */

static int add_name(struct analyze_names *names, const struct ip *ip, const char *name)
{
	struct analyze_name *slot = array_push(names->list, names->count);

	if (!slot)
		return -ENOMEM;
	slot->ip = *ip;
	slot->ip.plen = ip->family == AF_INET6 ? 128 : 32;
	slot->name = strdup(name);
	return slot->name ? 0 : -ENOMEM;
}

int analyze_names_of(const struct topo *topo, struct analyze_names *ret)
{
	int r = 0;

	for (size_t n = 0; r == 0 && n < topo->network_count; n++)
		for (size_t i = 0; r == 0 && i < topo->networks[n].address_count; i++)
			r = add_name(ret, &topo->networks[n].addresses[i].ip, "host");
	for (size_t n = 0; r == 0 && n < topo->node_count; n++)
		for (size_t i = 0; r == 0 && i < topo->nodes[n].iface_count; i++) {
			const struct iface *iface = &topo->nodes[n].ifaces[i];

			for (size_t a = 0; r == 0 && a < iface->address_count; a++)
				r = add_name(ret, &iface->addresses[a].ip, topo->nodes[n].name);
		}
	return r;
}

void analyze_names_done(struct analyze_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i].name);
	free(names->list);
	*names = (struct analyze_names) {0};
}

/* What the rows are made with. */
struct making {
	const struct flow *flow;
	const struct class_set *classes;
	const struct analyze_names *names;
	struct netsim_analysis *ret;
	const struct flow_group *groups;
	size_t group_count;
	const char *(*ends)[2]; /* of each group */
	const char *other;
};

static const char *keep_text(struct making *m, const char *text)
{
	char **slot = array_push(m->ret->names, m->ret->name_count);

	if (!slot)
		return NULL;
	*slot = strdup(text);
	return *slot;
}

/* NULL when memory ran out. */
static const char *name_of(struct making *m, uint32_t number)
{
	uint8_t version;
	const struct flow_address *address = flow_address(m->flow, number, &version);
	struct ip ip = {.family = version == 6 ? AF_INET6 : AF_INET,
			.plen = version == 6 ? 128 : 32};
	char text[UNIT_TEXT];

	if (number == FLOW_NO_ADDRESS)
		return "-";
	memcpy(ip.b, address, version == 6 ? 16 : 4);
	for (size_t i = 0; m->names && i < m->names->count; i++)
		if (ip_equal(&m->names->list[i].ip, &ip)) {
			snprintf(text, sizeof(text), "%.63s", m->names->list[i].name);
			/* Names are compared by their place. */
			for (size_t n = 0; n < m->ret->name_count; n++)
				if (strcmp(m->ret->names[n], text) == 0)
					return m->ret->names[n];
			return keep_text(m, text);
		}
	return keep_text(m, unit_format_address(&ip, text));
}

static const char *class_name(const struct making *m, unsigned class)
{
	return m->classes && class < m->classes->count ? m->ret->names[class] : m->other;
}

/* Groups of one pair share their names; there are a thousand of them at most. */
static bool name_groups(struct making *m)
{
	for (size_t g = 0; g < m->group_count; g++) {
		const struct flow_group *group = &m->groups[g];

		for (int i = 0; i < 2; i++) {
			if (!group->addresses[0] && !group->addresses[1]) {
				m->ends[g][i] = NULL;
				continue;
			}
			for (size_t n = 0; n <= g && !m->ends[g][i]; n++)
				for (int k = 0; k < 2 && (n < g || k < i); k++)
					if (m->groups[n].addresses[k] == group->addresses[i])
						m->ends[g][i] = m->ends[n][k];
			if (!m->ends[g][i])
				m->ends[g][i] = name_of(m, group->addresses[i]);
			if (!m->ends[g][i])
				return false;
		}
	}
	return true;
}

/* --- sums */

/* A row while it is added up. */
struct sum {
	struct netsim_flow_row row;
	struct histogram rtt[2], handshake;
};

struct sums {
	struct sum *list;
	size_t count;
};

static void sums_done(struct sums *sums)
{
	for (size_t i = 0; i < sums->count; i++) {
		struct sum *sum = &sums->list[i];

		histogram_done(&sum->handshake);
		histogram_done(&sum->rtt[0]);
		histogram_done(&sum->rtt[1]);
	}
	free(sums->list);
}

static void fill_rtt(const struct histogram *h, struct netsim_rtt *ret)
{
	ret->count = h->count;
	ret->min = (int64_t)h->min;
	ret->max = (int64_t)h->max;
	ret->mean = histogram_mean(h);
	ret->p50 = (int64_t)histogram_percentile(h, 0.5);
	ret->p90 = (int64_t)histogram_percentile(h, 0.9);
	ret->p99 = (int64_t)histogram_percentile(h, 0.99);
}

static void add_counts(struct netsim_flow_way *way, const uint64_t counts[FLOW_COUNTS])
{
	way->fast += counts[FLOW_FAST];
	way->timeout += counts[FLOW_TIMEOUT];
	way->spurious += counts[FLOW_SPURIOUS];
	way->reordered += counts[FLOW_REORDERED];
	way->resent += counts[FLOW_RESENT];
	way->dup_acks += counts[FLOW_DUP_ACKS];
	way->zero_windows += counts[FLOW_ZERO_WINDOWS];
	way->resets += counts[FLOW_RESETS];
	way->gaps += counts[FLOW_GAP_COUNT];
}

/* turned: the group's first way is the row's second. */
static bool add_group(struct sum *sum, const struct flow_group *group, bool turned)
{
	bool good = histogram_merge(&sum->handshake, &group->handshake);

	sum->row.connections += group->connections;
	sum->row.unanswered += group->unanswered;
	sum->row.refused += group->refused;
	for (unsigned i = 0; i < 2; i++) {
		const struct flow_way *from = &group->ways[i];
		unsigned to = sum->row.way_count == 1 ? 0 : turned ? 1 - i : i;
		struct netsim_flow_way *way = &sum->row.ways[to];

		way->packets += from->packets;
		way->bytes += from->bytes;
		way->payload += from->payload;
		way->silences += from->silences;
		add_counts(way, from->counts);
		good &= histogram_merge(&sum->rtt[to], &from->rtt);
	}
	return good;
}

/* Whether the row has these ends, and the other way round. */
static bool is_row(const struct netsim_flow_row *row, const char *const ends[2], const char *class,
		   bool inner, bool *ret_turned)
{
	*ret_turned = false;
	if (row->class != class || row->inner != inner)
		return false;
	if (row->ends[0] == ends[0] && row->ends[1] == ends[1])
		return true;
	*ret_turned = row->ends[0] == ends[1] && row->ends[1] == ends[0];
	return *ret_turned;
}

/* What rows are told apart by. */
enum by { BY_CLASS, BY_PAIR, BY_BOTH };

/* The row that a group belongs to. */
static bool is_row_of(const struct making *m, enum by by, const struct netsim_flow_row *row,
		      size_t g, bool *ret_turned)
{
	static const char *const any[2];

	return is_row(row, by == BY_CLASS ? any : m->ends[g],
		      by == BY_PAIR ? NULL : class_name(m, m->groups[g].class), m->groups[g].inner,
		      ret_turned);
}

static struct sum *find_sum(const struct making *m, enum by by, struct sums *sums, size_t g,
			    bool *ret_turned)
{
	struct sum *sum;

	for (size_t i = 0; i < sums->count; i++)
		if (is_row_of(m, by, &sums->list[i].row, g, ret_turned))
			return &sums->list[i];
	*ret_turned = false;
	sum = array_push(sums->list, sums->count);
	if (!sum)
		return NULL;
	sum->row.way_count = by == BY_CLASS ? 1 : 2;
	sum->row.inner = m->groups[g].inner;
	sum->row.class = by == BY_PAIR ? NULL : class_name(m, m->groups[g].class);
	for (int i = 0; by != BY_CLASS && i < 2; i++)
		sum->row.ends[i] = m->ends[g][i];
	return sum;
}

static bool sum_up(const struct making *m, enum by by, struct sums *sums)
{
	for (size_t g = 0; g < m->group_count; g++) {
		bool turned;
		struct sum *sum = find_sum(m, by, sums, g, &turned);

		if (!sum || !add_group(sum, &m->groups[g], turned))
			return false;
	}
	return true;
}

/* --- over time: only of the rows with most traffic, so that it stays small */

#define SERIES_ROWS 64

static bool add_bins(struct netsim_flow_row *row, struct histogram (*rtt)[2],
		     const struct flow_group *group, bool turned, size_t bins)
{
	bool good = true;

	for (size_t i = 0; i < bins && i < group->bin_count; i++)
		for (unsigned w = 0; w < 2; w++) {
			unsigned to = row->way_count == 1 ? 0 : turned ? 1 - w : w;
			struct netsim_flow_bin *bin = &row->bins[i];

			bin->ways[to].bytes += group->bins[i].ways[w].bytes;
			bin->ways[to].packets += group->bins[i].ways[w].packets;
			bin->ways[to].retransmissions += group->bins[i].ways[w].retransmissions;
			bin->ways[to].gaps += group->bins[i].ways[w].gaps;
			rtt[i][to].bits = HISTOGRAM_COARSE;
			if (group->bins[i].ways[w].rtt)
				good &= histogram_merge(&rtt[i][to], group->bins[i].ways[w].rtt);
		}
	return good;
}

static void finish_bin(struct netsim_flow_bin *bin, struct histogram rtt[2])
{
	for (int w = 0; w < 2; w++) {
		bin->ways[w].rtts = (uint32_t)rtt[w].count;
		bin->ways[w].rtt_p50 = (int64_t)histogram_percentile(&rtt[w], 0.5);
		bin->ways[w].rtt_p99 = (int64_t)histogram_percentile(&rtt[w], 0.99);
		bin->ways[w].rtt_max = (int64_t)rtt[w].max;
		histogram_done(&rtt[w]);
	}
}

static bool make_series(const struct making *m, enum by by, struct netsim_flow_row *row)
{
	size_t bins = m->ret->bin_count;
	struct histogram(*rtt)[2] = calloc(bins + 1, sizeof(*rtt));
	bool good, turned;

	row->bins = calloc(bins + 1, sizeof(*row->bins));
	good = row->bins && rtt;
	for (size_t g = 0; good && g < m->group_count; g++)
		if (is_row_of(m, by, row, g, &turned))
			good = add_bins(row, rtt, &m->groups[g], turned, bins);
	for (size_t i = 0; rtt && row->bins && i < bins; i++)
		finish_bin(&row->bins[i], rtt[i]);
	free(rtt);
	return good;
}

static uint64_t row_bytes(const struct netsim_flow_row *row)
{
	return row->ways[0].bytes + row->ways[1].bytes;
}

static int compare_rows(const void *a, const void *b)
{
	const struct netsim_flow_row *x = a, *y = b;
	uint64_t p = row_bytes(x), q = row_bytes(y);

	if (p != q)
		return p < q ? 1 : -1;
	return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

static bool make_rows(struct making *m, enum by by, struct netsim_flow_rows *ret)
{
	struct sums sums = {0};
	bool good = sum_up(m, by, &sums);

	if (good)
		ret->list = calloc(sums.count ? sums.count : 1, sizeof(*ret->list));
	good = good && ret->list;
	for (size_t i = 0; good && i < sums.count; i++) {
		struct sum *sum = &sums.list[i];

		for (int w = 0; w < 2; w++)
			fill_rtt(&sum->rtt[w], &sum->row.ways[w].rtt);
		fill_rtt(&sum->handshake, &sum->row.handshake);
		ret->list[ret->count++] = sum->row;
	}
	if (good)
		qsort(ret->list, ret->count, sizeof(*ret->list), compare_rows);
	for (size_t i = 0; good && i < ret->count && i < SERIES_ROWS; i++)
		good = make_series(m, by, &ret->list[i]);
	sums_done(&sums);
	return good;
}

/* --- connections */

static bool fill_connection(struct making *m, const struct flow_summary *s,
			    struct netsim_flow_row *ret)
{
	const struct flow_group *group = &m->groups[s->group];
	bool many = !m->ends[s->group][0];

	*ret = (struct netsim_flow_row) {
		.class = class_name(m, group->class),
		.inner = group->inner,
		.way_count = 2,
		.connections = 1,
		.unanswered = s->syn && !s->answered,
		.refused = s->syn && s->refused,
		.version = s->version,
		.protocol = s->protocol,
		.ports = {s->ports[0], s->ports[1]},
		.vlan = s->vlan,
		.first_ns = s->first_ns,
		.last_ns = s->last_ns,
		.closed = s->closed,
	};
	if (s->handshake_ns >= 0)
		ret->handshake = (struct netsim_rtt) {1,
						      s->handshake_ns,
						      s->handshake_ns,
						      s->handshake_ns,
						      s->handshake_ns,
						      s->handshake_ns,
						      (double)s->handshake_ns};
	for (unsigned i = 0; i < 2; i++) {
		struct netsim_flow_way *way = &ret->ways[i];

		/* A pair of many groups has no names of its own. */
		ret->ends[i] = many ? name_of(m, s->addresses[i]) :
				      m->ends[s->group][i == 0 ? s->first_way : 1 - s->first_way];
		if (!ret->ends[i])
			return false;
		way->packets = s->sides[i].packets;
		way->bytes = s->sides[i].bytes;
		way->payload = s->sides[i].payload;
		way->rtt = (struct netsim_rtt) {.count = s->sides[i].rtt_count,
						.min = s->sides[i].rtt_min,
						.max = s->sides[i].rtt_max,
						.mean = s->sides[i].rtt_mean};
		add_counts(way, s->sides[i].counts);
	}
	return true;
}

/* Those with most bytes, by a heap whose top is the least of them. */
struct choice {
	uint64_t bytes;
	uint32_t number;
};

static void sift(struct choice *heap, size_t count, size_t i)
{
	for (;;) {
		size_t least = i;
		struct choice swap;

		for (size_t c = 2 * i + 1; c < 2 * i + 3 && c < count; c++)
			if (heap[c].bytes < heap[least].bytes)
				least = c;
		if (least == i)
			return;
		swap = heap[i];
		heap[i] = heap[least];
		heap[least] = swap;
		i = least;
	}
}

static struct choice *choose(const struct flow *flow, size_t wanted, size_t *ret_count)
{
	uint32_t all = flow_connections(flow);
	struct choice *heap;
	size_t count = 0;

	if (!wanted || wanted > all)
		wanted = all;
	heap = calloc(wanted ? wanted : 1, sizeof(*heap));
	for (uint32_t i = 0; heap && i < all; i++) {
		struct choice one = {flow_connection_bytes(flow, i), i};

		if (count < wanted) {
			heap[count++] = one;
			if (count == wanted)
				for (size_t n = count; n-- > 0;)
					sift(heap, count, n);
		} else if (wanted && one.bytes > heap[0].bytes) {
			heap[0] = one;
			sift(heap, count, 0);
		}
	}
	*ret_count = count;
	return heap;
}

static bool make_connections(struct making *m, size_t wanted)
{
	struct netsim_flow_rows *rows = &m->ret->connection_rows;
	size_t count;
	struct choice *chosen = choose(m->flow, wanted, &count);
	struct flow_summary summary;
	bool good = chosen != NULL;

	if (good)
		rows->list = calloc(count ? count : 1, sizeof(*rows->list));
	good = good && rows->list;
	for (size_t i = 0; good && i < count; i++)
		if (flow_summary(m->flow, chosen[i].number, &summary))
			good = fill_connection(m, &summary, &rows->list[rows->count++]);
	if (good)
		qsort(rows->list, rows->count, sizeof(*rows->list), compare_rows);
	free(chosen);
	return good;
}

/* --- all */

static bool make_gaps(struct making *m)
{
	const struct flow_gap *gaps;
	size_t count = flow_gaps(m->flow, &gaps);

	m->ret->gaps = calloc(count ? count : 1, sizeof(*m->ret->gaps));
	for (size_t i = 0; m->ret->gaps && i < count; i++) {
		const struct flow_group *group = &m->groups[gaps[i].group];
		unsigned way = gaps[i].way;

		m->ret->gaps[i] = (struct netsim_flow_gap) {
			.from = m->ends[gaps[i].group][way],
			.to = m->ends[gaps[i].group][1 - way],
			.class = class_name(m, group->class),
			.from_port = gaps[i].source_port,
			.to_port = gaps[i].destination_port,
			.inner = group->inner,
			.whole = gaps[i].whole,
			.begin_ns = gaps[i].begin_ns,
			.end_ns = gaps[i].end_ns,
		};
	}
	m->ret->gap_count = m->ret->gaps ? count : 0;
	return m->ret->gaps != NULL;
}

static void fill_totals(struct making *m)
{
	struct flow_totals totals;
	const struct flow_gap *gaps;

	flow_totals(m->flow, &totals);
	m->ret->packets = totals.packets;
	m->ret->bytes = totals.bytes;
	m->ret->inner = totals.inner;
	m->ret->connections = totals.connections;
	m->ret->folded = totals.folded;
	m->ret->unordered = totals.unordered;
	m->ret->first_ns = totals.first_ns;
	m->ret->last_ns = totals.last_ns;
	m->ret->bin_ns = totals.bin_ns;
	m->ret->gaps_more = totals.gaps - flow_gaps(m->flow, &gaps);
	if (totals.packets)
		m->ret->bin_count =
			(size_t)(((uint64_t)totals.last_ns - (uint64_t)totals.first_ns) /
				 (uint64_t)totals.bin_ns) +
			1;
	/* Bins are wide enough for all that came in order. */
	if (m->ret->bin_count > FLOW_BINS)
		m->ret->bin_count = FLOW_BINS;
}

int analyze_rows(const struct flow *flow, const struct class_set *classes,
		 const struct analyze_names *names, size_t connections, struct netsim_analysis *ret,
		 struct netsim_err *err)
{
	struct making m = {.flow = flow, .classes = classes, .names = names, .ret = ret};
	bool good = true;

	fill_totals(&m);
	/* The classes' names come first: class_name() counts on it. */
	for (size_t i = 0; good && classes && i < classes->count; i++)
		good = keep_text(&m, classes->list[i].name) != NULL;
	m.other = good ? keep_text(&m, CLASS_OTHER) : NULL;
	m.group_count = flow_groups(flow, &m.groups);
	m.ends = calloc(m.group_count + 1, sizeof(*m.ends));
	good = m.other && m.ends && name_groups(&m) && make_rows(&m, BY_CLASS, &ret->classes) &&
	       make_rows(&m, BY_PAIR, &ret->pairs) && make_rows(&m, BY_BOTH, &ret->flows) &&
	       make_connections(&m, connections) && make_gaps(&m);
	free(m.ends);
	return good ? 0 : err_oom(err);
}

static void rows_done(struct netsim_flow_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->list[i].bins);
	free(rows->list);
}

void analysis_done(struct netsim_analysis *analysis)
{
	rows_done(&analysis->classes);
	rows_done(&analysis->pairs);
	rows_done(&analysis->flows);
	rows_done(&analysis->connection_rows);
	free(analysis->gaps);
	for (size_t i = 0; i < analysis->problem_count; i++)
		free(analysis->problems[i].file);
	free(analysis->problems);
	for (size_t i = 0; i < analysis->name_count; i++)
		free(analysis->names[i]);
	free(analysis->names);
	*analysis = (struct netsim_analysis) {0};
}
