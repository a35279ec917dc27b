/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <unistd.h>

#include "cmd.h"
#include "interrupt.h"
#include "matrix.h"
#include "out.h"
#include "progress.h"

#define MOST_REASONS 20

struct ping_args {
	struct common common;
	unsigned count;
	int64_t interval;
	const char *iface;
};

static const struct netsim_opt opts[] = {
	{'c', "count", NETSIM_OPT_NUMBER, offsetof(struct ping_args, count), "N",
	 "echo requests for each pair (10)"},
	{'i', "interval", NETSIM_OPT_DURATION, offsetof(struct ping_args, interval), "TIME",
	 "time between echo requests of a pair (100ms)"},
	{'I', "interface", NETSIM_OPT_TEXT, offsetof(struct ping_args, iface), "IFACE",
	 "use only the addresses of this interface"},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static const char *word_of(enum netsim_ping_result result)
{
	static const char *const words[] = {
		[NETSIM_PING_ANSWERED] = "answered", [NETSIM_PING_SILENT] = "silent",
		[NETSIM_PING_CUT] = "cut",	     [NETSIM_PING_LEAKED] = "leaked",
		[NETSIM_PING_CHANGED] = "changed",   [NETSIM_PING_NONE] = "none",
		[NETSIM_PING_DOWN] = "down",
	};

	return words[result];
}

static double loss_of(const struct netsim_ping *ping)
{
	return ping->sent ? 100.0 * (1 - (double)ping->received / ping->sent) : 0;
}

/* Digits after the point, for 0.043, 5.12, 20.4, 250. */
static int digits_for(double ms)
{
	return ms < 1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0;
}

static void write_cell(const struct netsim_ping *ping, char *cell)
{
	int used;

	switch (ping->result) {
	case NETSIM_PING_ANSWERED:
	case NETSIM_PING_LEAKED:
		used = snprintf(cell, MATRIX_CELL, "%s%.*f",
				ping->result == NETSIM_PING_LEAKED ? "!" : "",
				digits_for(ping->mean_ms), ping->mean_ms);
		if (ping->received < ping->sent)
			snprintf(cell + used, MATRIX_CELL - (size_t)used, " (-%.0f%%)",
				 loss_of(ping));
		break;
	case NETSIM_PING_SILENT:
		snprintf(cell, MATRIX_CELL, "lost");
		break;
	case NETSIM_PING_CUT:
		snprintf(cell, MATRIX_CELL, "x");
		break;
	case NETSIM_PING_CHANGED:
		snprintf(cell, MATRIX_CELL, "?");
		break;
	case NETSIM_PING_NONE:
		snprintf(cell, MATRIX_CELL, "-");
		break;
	case NETSIM_PING_DOWN:
		snprintf(cell, MATRIX_CELL, "down");
		break;
	}
}

static int print_matrix(const struct netsim_ping_matrix *m)
{
	size_t n = m->routes->node_count;
	char(*cells)[MATRIX_CELL] = calloc(n * n + 1, sizeof(*cells));

	if (!cells)
		return -1;
	for (size_t i = 0; i < n * n; i++)
		if (i / n == i % n)
			snprintf(cells[i], MATRIX_CELL, ".");
		else
			write_cell(m->list[i], cells[i]);
	const struct matrix_routes table = {m->routes, (const char(*)[MATRIX_CELL])cells};
	int r = matrix_print_routes("rtt in ms", &table, stdout);

	free(cells);
	return r;
}

static void print_list(const struct netsim_ping_matrix *m)
{
	static const char *const head[] = {"from",     "to",   "sent", "lost",
					   "min (ms)", "mean", "max",  "sd"};
	size_t n = m->routes->node_count;
	struct table table = {0};

	table_add(&table, head, 8);
	for (size_t i = 0; i < n * n; i++) {
		const struct netsim_ping *p = m->list[i];
		char numbers[6][24];

		if (!p->sent)
			continue;
		snprintf(numbers[0], sizeof(numbers[0]), "%u", p->sent);
		snprintf(numbers[1], sizeof(numbers[1]), "%.3g %%", loss_of(p));
		snprintf(numbers[2], sizeof(numbers[2]), "%.3f", p->min_ms);
		snprintf(numbers[3], sizeof(numbers[3]), "%.3f", p->mean_ms);
		snprintf(numbers[4], sizeof(numbers[4]), "%.3f", p->max_ms);
		snprintf(numbers[5], sizeof(numbers[5]), "%.3f", p->sd_ms);
		for (int c = 2; c < 6 && !p->received; c++)
			snprintf(numbers[c], sizeof(numbers[c]), "-");
		table_add(&table,
			  (const char *[]) {m->routes->nodes[i / n]->name,
					    m->routes->nodes[i % n]->name, numbers[0], numbers[1],
					    numbers[2], numbers[3], numbers[4], numbers[5]},
			  8);
	}
	table_print(&table, stdout);
}

/* All network namespaces share the limit of the neighbour table. */
static void report_neighbour_limit(const struct netsim_ping_matrix *m)
{
	if (m->neighbour_limit && m->failed)
		fprintf(stderr,
			"netsim: the kernel's neighbour table was full: it holds %u entries for "
			"all "
			"nodes; raise the host's net.ipv4.neigh.default.gc_thresh3 (and "
			"net.ipv6's)\n",
			m->neighbour_limit);
}

/* Prints a line for each pair that failed. */
static void print_failures(const struct netsim_ping_matrix *m)
{
	size_t n = m->routes->node_count, shown = 0;

	for (size_t i = 0; i < n * n && shown < MOST_REASONS; i++) {
		const char *from = m->routes->nodes[i / n]->name,
			   *to = m->routes->nodes[i % n]->name;

		if (m->list[i]->result == NETSIM_PING_SILENT)
			printf("%s > %s: no answer from %s\n", from, to, m->routes->list[i]->to);
		else if (m->list[i]->result == NETSIM_PING_LEAKED)
			printf("%s > %s: %u answers despite a %s\n", from, to, m->list[i]->received,
			       m->routes->list[i]->down ? "link that is down" : "partition");
		else
			continue;
		shown++;
	}
	if (m->failed > shown)
		printf("and %zu more\n", m->failed - shown);
}

/* Why pairs were not tried. */
static void print_reasons(const struct netsim_ping_matrix *m)
{
	enum { SENDER, ADDRESS, DETACHED, NETWORK, INTERRUPTED, REASONS };
	static const char *const texts[] = {
		[SENDER] = "nothing can be started in the sender, another machine",
		[ADDRESS] = "the address of the other machine is not known",
		[DETACHED] =
			"a node has no port or no address; netsim diff FILE shows what it lacks",
		[NETWORK] = "no network in common, and no route",
		[INTERRUPTED] = "interrupted before",
	};
	size_t n = m->routes->node_count, counts[REASONS] = {0};

	for (size_t i = 0; i < n * n; i++) {
		if (i / n == i % n || m->list[i]->result != NETSIM_PING_NONE)
			continue;
		counts[m->routes->nodes[i / n]->guest		 ? SENDER :
		       m->interrupted && *m->routes->list[i]->to ? INTERRUPTED :
		       m->routes->nodes[i % n]->guest		 ? ADDRESS :
		       m->routes->nodes[i / n]->detached || m->routes->nodes[i % n]->detached ?
							DETACHED :
							NETWORK]++;
	}
	for (size_t i = 0; i < REASONS; i++)
		if (counts[i])
			printf("not tried: %zu: %s\n", counts[i], texts[i]);
}

static void print_summary(const struct netsim_ping_matrix *m)
{
	static const char *const texts[] = {
		[NETSIM_PING_ANSWERED] = "answered",
		[NETSIM_PING_SILENT] = "did not answer",
		[NETSIM_PING_CUT] = "cut off (x)",
		[NETSIM_PING_LEAKED] = "answered despite a partition or a link that is down (!)",
		[NETSIM_PING_CHANGED] = "changed meanwhile (?)",
		[NETSIM_PING_DOWN] = "with a link down (down)",
		[NETSIM_PING_NONE] = "not tried (-)",
	};
	size_t n = m->routes->node_count, counts[NETSIM_PING_DOWN + 1] = {0};

	for (size_t i = 0; i < n * n; i++)
		if (i / n != i % n)
			counts[m->list[i]->result]++;
	printf("%zu pair%s", n * n - n, plural(n * n - n));
	for (size_t i = 0, any = 0; i <= NETSIM_PING_DOWN; i++)
		if (counts[i])
			printf("%s %zu %s", any++ ? "," : ":", counts[i], texts[i]);
	putchar('\n');
	print_reasons(m);
}

static void print_ping_json(const struct netsim_ping_matrix *m)
{
	json_t *pairs = json_array();
	size_t n = m->routes->node_count;

	for (size_t i = 0; i < n * n; i++) {
		const struct netsim_ping *p = m->list[i];
		json_t *rtt;

		if (i / n == i % n)
			continue;
		rtt = p->received ?
			      json_pack("{s:o, s:o, s:o, s:o}", "min", json_decimal(p->min_ms, 6),
					"mean", json_decimal(p->mean_ms, 6), "max",
					json_decimal(p->max_ms, 6), "sd",
					json_decimal(p->sd_ms, 6)) :
			      json_null();
		json_array_append_new(pairs, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:o, s:o}",
						       "from", m->routes->nodes[i / n]->name, "to",
						       m->routes->nodes[i % n]->name, "address",
						       m->routes->list[i]->to, "result",
						       word_of(p->result), "sent", (int)p->sent,
						       "received", (int)p->received, "loss_percent",
						       json_decimal(loss_of(p), 6), "rtt_ms", rtt));
	}
	print_json(json_pack("{s:s, s:o, s:o, s:I, s:b}", "fleet", m->routes->fleet, "interval_ms",
			     json_decimal(m->interval_s * 1e3, 6), "pairs", pairs, "failed",
			     (json_int_t)m->failed, "interrupted", m->interrupted));
}

static bool show_progress(void *arg, const struct netsim_progress *progress)
{
	const bool *shown = arg;

	if (*shown)
		progress_line("pinging: %.0f %%", progress->done * 100);
	return interrupted();
}

static int verdict(const struct netsim_ping_matrix *m)
{
	size_t n = m->routes->node_count;

	if (m->interrupted)
		return EXIT_INTERRUPTED;
	if (m->failed)
		return exit_status(NETSIM_ERR_FAILED);
	for (size_t i = 0; i < n * n; i++)
		if (m->list[i]->result != NETSIM_PING_NONE)
			return 0;
	return exit_status(NETSIM_ERR_UNPROVED);
}

static int run(const void *p, struct netsim_err *err)
{
	const struct ping_args *args = p;
	const struct common *common = &args->common;
	bool shown = progress_wanted(common);
	struct netsim_ping_opts how = NETSIM_OPTS(
		struct netsim_ping_opts, .fleet = common->fleet,
		.nodes = (const char *const *)common->words, .node_count = (size_t)common->count,
		.iface = args->iface, .count = args->count, .interval_ns = args->interval,
		.progress = show_progress, .arg = &shown);
	struct netsim_ping_matrix *m = NULL;
	struct netsim *ctx = NULL;
	int r = netsim_open(&ctx, err);

	interrupt_catch();
	if (r == 0)
		r = netsim_ping_matrix(ctx, &how, &m, err);
	netsim_close(ctx);
	progress_clear();
	if (r == 0 && m->routes->node_count < 2) {
		netsim_ping_matrix_free(m);
		r = usage_error(err, &cmd_ping_matrix, "needs at least two nodes");
	}
	if (r < 0)
		return r;
	if (common->json) {
		print_ping_json(m);
	} else {
		if (common->verbose)
			print_list(m);
		else if (!common->quiet)
			print_matrix(m);
		print_failures(m);
		if (!common->quiet)
			print_summary(m);
	}
	report_neighbour_limit(m);
	report_interrupted(m->interrupted);
	r = verdict(m);
	netsim_ping_matrix_free(m);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "[NODE]...",
	.summary = "Ping between all nodes at once: a table of round-trip times.",
	.opts = opts,
	.max = -1,
};

const struct cmd cmd_ping_matrix = {
	.name = "ping-matrix",
	.syntax = &syntax,
	.size = sizeof(struct ping_args),
	.run = run,
};
