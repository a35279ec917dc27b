/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "figures.h"
#include "interrupt.h"
#include "iperf_result.h"
#include "iperf_run.h"
#include "matrix.h"
#include "out.h"
#include "progress.h"

/* The default port and the limits of iperf3. */
#define PORT	      5201
#define MOST_SECONDS  86400
#define MOST_OMITTED  600
#define MOST_PARALLEL 128
#define LEAST_MSS     88
#define MOST_MSS      9216

#define SECOND		1000000000
#define DEFAULT_SECONDS 10
#define MATRIX_SECONDS	2 /* for each pair */

struct iperf_args {
	struct common common;
	bool udp, reverse, both, matrix;
	uint64_t rate;
	int64_t time, omit;
	unsigned parallel, mss, port;
	const char *congestion, *address, *iface;
};

static const struct netsim_opt opts[] = {
	{'t', "time", NETSIM_OPT_DURATION, offsetof(struct iperf_args, time), "TIME",
	 "duration of a measurement (10s, in a matrix 2s)"},
	{'O', "omit", NETSIM_OPT_DURATION, offsetof(struct iperf_args, omit), "TIME",
	 "leave the first TIME out of the result"},
	{'P', "parallel", NETSIM_OPT_NUMBER, offsetof(struct iperf_args, parallel), "N",
	 "number of parallel streams (1)"},
	{'R', "reverse", NETSIM_OPT_FLAG, offsetof(struct iperf_args, reverse), NULL,
	 "the second node sends to the first"},
	{0, "both", NETSIM_OPT_FLAG, offsetof(struct iperf_args, both), NULL,
	 "both send at the same time"},
	{'u', "udp", NETSIM_OPT_FLAG, offsetof(struct iperf_args, udp), NULL,
	 "UDP instead of TCP; needs --rate"},
	{'b', "rate", NETSIM_OPT_RATE, offsetof(struct iperf_args, rate), "RATE",
	 "the maximum rate of each stream"},
	{'C', "congestion", NETSIM_OPT_TEXT, offsetof(struct iperf_args, congestion), "NAME",
	 "TCP congestion control, such as cubic"},
	{'M', "mss", NETSIM_OPT_NUMBER, offsetof(struct iperf_args, mss), "BYTES",
	 "maximum size of TCP segments"},
	{'p', "port", NETSIM_OPT_NUMBER, offsetof(struct iperf_args, port), "PORT",
	 "server port (5201)"},
	{0, "address", NETSIM_OPT_TEXT, offsetof(struct iperf_args, address), "ADDRESS",
	 "the second node's address, or that of any iperf3 -s"},
	{'I', "interface", NETSIM_OPT_TEXT, offsetof(struct iperf_args, iface), "IFACE",
	 "use the addresses of this interface"},
	{'m', "matrix", NETSIM_OPT_FLAG, offsetof(struct iperf_args, matrix), NULL,
	 "all pairs of these nodes (default: all), one by one"},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

/* Shared by all runs, with their results. */
struct session {
	const struct iperf_args *args;
	struct iperf_run run;
	char numbers[5][24]; /* numbers in run.options as text */
	char helper[4096];
	json_t *results, *raw; /* for --json */
	struct table table;
	size_t done, count, failed;
	bool interrupted;
};

/* --- arguments */

static int check_seconds(const char *name, int64_t ns, unsigned most, struct netsim_err *err)
{
	if (ns % SECOND == 0 && ns / SECOND <= most)
		return 0;
	return usage_error(err, &cmd_iperf, "--%s must be in whole seconds, at most %u", name,
			   most);
}

static int check_protocol(const struct iperf_args *args, struct netsim_err *err)
{
	if (args->reverse && args->both)
		return usage_error(err, &cmd_iperf, "--reverse and --both exclude each other");
	if (args->udp && !args->rate)
		return usage_error(err, &cmd_iperf,
				   "--udp needs --rate: UDP has no congestion control");
	if (args->udp && (args->congestion || args->mss))
		return usage_error(err, &cmd_iperf, "--%s is for TCP; --udp excludes it",
				   args->mss ? "mss" : "congestion");
	return 0;
}

static int check_words(const struct iperf_args *args, struct netsim_err *err)
{
	const struct common *common = &args->common;

	if (args->matrix && args->address)
		return usage_error(err, &cmd_iperf, "--matrix and --address exclude each other");
	if (args->matrix && args->both)
		return usage_error(err, &cmd_iperf,
				   "--matrix measures both directions of each pair anyway; omit "
				   "--both");
	if (args->matrix || common->count == 2 || (common->count == 1 && args->address))
		return 0;
	return common->count < 2 ?
		       usage_error(err, &cmd_iperf,
				   "missing argument, expected two nodes, or one and --address") :
		       usage_error(err, &cmd_iperf,
				   "unexpected argument %s; more than two nodes need "
				   "--matrix",
				   common->words[2]);
}

static int check(const struct iperf_args *args, struct netsim_err *err)
{
	int r = check_words(args, err);

	if (r == 0)
		r = check_protocol(args, err);
	if (r == 0)
		r = check_seconds("time", args->time, MOST_SECONDS, err);
	if (r == 0)
		r = check_seconds("omit", args->omit, MOST_OMITTED, err);
	if (r < 0)
		return r;
	if (args->parallel > MOST_PARALLEL)
		return usage_error(err, &cmd_iperf, "--parallel %u: at most %d", args->parallel,
				   MOST_PARALLEL);
	if (args->port > UINT16_MAX)
		return usage_error(err, &cmd_iperf, "--port %u: at most %d", args->port,
				   UINT16_MAX);
	if (args->mss && (args->mss < LEAST_MSS || args->mss > MOST_MSS))
		return usage_error(err, &cmd_iperf, "--mss %u: from %d to %d", args->mss, LEAST_MSS,
				   MOST_MSS);
	return 0;
}

static unsigned seconds_of(const struct iperf_args *args)
{
	if (args->time)
		return (unsigned)(args->time / SECOND);
	return args->matrix ? MATRIX_SECONDS : DEFAULT_SECONDS;
}

/* Sets the client's options, in iperf3's form. */
static void set_options(struct session *s)
{
	const struct iperf_args *args = s->args;
	const struct {
		const char *option;
		uint64_t value; /* 0: omit */
	} numbers[] = {{"-t", seconds_of(args)},
		       {"-O", (uint64_t)(args->omit / SECOND)},
		       {"-P", args->parallel},
		       {"-b", args->rate},
		       {"-M", args->mss}};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!numbers[i].value)
			continue;
		snprintf(s->numbers[i], sizeof(s->numbers[i]), "%llu",
			 (unsigned long long)numbers[i].value);
		s->run.options[count++] = numbers[i].option;
		s->run.options[count++] = s->numbers[i];
	}
	if (args->udp)
		s->run.options[count++] = "-u";
	if (args->reverse)
		s->run.options[count++] = "-R";
	if (args->both)
		s->run.options[count++] = "--bidir";
	if (args->congestion) {
		s->run.options[count++] = "-C";
		s->run.options[count++] = args->congestion;
	}
	s->run.seconds = seconds_of(args) + (unsigned)(args->omit / SECOND);
	s->run.port = args->port ? args->port : PORT;
}

/* --- results */

static json_t *number_or_null(bool known, double value)
{
	return known ? json_decimal(value, 6) : json_null();
}

static json_t *flow_json(const struct iperf_flow *f)
{
	json_t *json = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "from", f->from, "to", f->to,
				 "seconds", json_decimal(f->seconds, 3), "rate_bps",
				 json_decimal(f->bps, 0), "sent_bps", json_decimal(f->sent_bps, 0),
				 "bytes", json_decimal(f->bytes, 0));
	json_t *rtt = f->has_rtt ? json_pack("{s:o, s:o, s:o}", "min", json_decimal(f->rtt_min, 6),
					     "mean", json_decimal(f->rtt_mean, 6), "max",
					     json_decimal(f->rtt_max, 6)) :
				   json_null();

	json_object_set_new(json, "retransmissions",
			    f->has_retransmissions ? json_integer((json_int_t)f->retransmissions) :
						     json_null());
	json_object_set_new(json, "rtt_ms", rtt);
	json_object_set_new(json, "jitter_ms", number_or_null(f->udp, f->jitter));
	json_object_set_new(json, "loss_percent", number_or_null(f->udp, f->loss));
	json_object_set_new(json, "error", json_null());
	return json;
}

static void add_flow_row(struct session *s, const struct iperf_flow *f)
{
	char rate[32], sent[32], first[64] = "-", second[64] = "-";

	if (f->udp) {
		snprintf(first, sizeof(first), "%.2f %% (%.0f of %.0f)", f->loss, f->lost,
			 f->packets);
		figure_duration(f->jitter * 1e6, second);
	} else if (f->has_retransmissions) {
		snprintf(first, sizeof(first), "%.0f", f->retransmissions);
	}
	if (f->has_rtt)
		snprintf(second, sizeof(second), "%.2f / %.2f / %.2f ms", f->rtt_min, f->rtt_mean,
			 f->rtt_max);
	if (!s->table.rows)
		table_add(&s->table,
			  (const char *[]) {"from", "to", "rate", "sent",
					    f->udp ? "lost" : "retransmissions",
					    f->udp ? "jitter" : "rtt (min / mean / max)"},
			  6);
	table_add(&s->table,
		  (const char *[]) {f->from, f->to, figure_rate(f->bps, rate),
				    figure_rate(f->sent_bps, sent), first, second},
		  6);
}

/* Adds the JSON row of a pair that could not be measured. */
static void add_failure(struct session *s, const char *from, const char *to, const char *why)
{
	json_array_append_new(s->results, json_pack("{s:s, s:s, s:n, s:s}", "from", from, "to", to,
						    "rate_bps", "error", why));
}

/* --- one pair */

static void show_progress(void *arg, unsigned second, double out, double in)
{
	const struct session *s = arg;
	char out_text[32], in_text[32], pair[48] = "";

	if (s->count > 1)
		snprintf(pair, sizeof(pair), "%zu of %zu, ", s->done + 1, s->count);
	progress_line("%s%s > %s: %u of %u s, %s out, %s in at %s", pair, s->run.from,
		      s->run.server ? s->run.server : s->run.address, second, s->run.seconds,
		      figure_rate(out, out_text), figure_rate(in, in_text), s->run.device);
}

static int refuse(struct netsim_err *err, enum netsim_err_kind kind, const char *hint,
		  const char *from, const char *to, const char *why)
{
	err->kind = kind;
	err->code = -EINVAL;
	snprintf(err->what, sizeof(err->what), "%.64s > %.64s: %s", from, to, why);
	snprintf(err->hint, sizeof(err->hint), "%s", hint);
	return -EINVAL;
}

/* Refuses routes that cannot be measured. */
static int check_route(const struct session *s, const struct netsim_peer *from,
		       const struct netsim_peer *to, const struct netsim_route *route,
		       struct netsim_err *err)
{
	if (from->guest)
		return refuse(err, NETSIM_ERR_USAGE,
			      "name it second, with --reverse to make it send", from->name,
			      to->name, "no program can be started in another machine");
	if (route->cut)
		return refuse(err, NETSIM_ERR_FAILED, "see netsim status; end it with netsim heal",
			      from->name, to->name, "a partition cuts them off from each other");
	if (route->down)
		return refuse(err, NETSIM_ERR_FAILED,
			      "see netsim status; end it with netsim link up", from->name, to->name,
			      "the link of one of the two is down");
	if (*route->to || s->args->address)
		return 0;
	if (to->guest)
		return refuse(err, NETSIM_ERR_FAILED,
			      "ping it from the host first, or give it with --address", from->name,
			      to->name, "the address of that machine is not known");
	return refuse(err, NETSIM_ERR_FAILED, "netsim status -v lists their networks", from->name,
		      to->name, "no network in common, and no route");
}

/* Adds the results of a pair; returns their number. After an interrupt, those until then. */
static int measure(struct session *s, const char *from, const char *to, struct iperf_flow flows[2],
		   struct netsim_err *err)
{
	json_t *client = NULL, *server = NULL;
	int r = iperf_run(&s->run, &client, &server, err), count = 0;

	progress_clear();
	if (r == 0)
		count = iperf_flows(client, server, from, to, flows);
	else if (r == -EINTR)
		count = iperf_flows_so_far(client, server, from, to, flows);
	if (!count) {
		json_decref(client);
		json_decref(server);
		return r;
	}
	s->interrupted |= r == -EINTR;
	for (int i = 0; i < count; i++) {
		add_flow_row(s, &flows[i]);
		json_array_append_new(s->results, flow_json(&flows[i]));
	}
	json_array_append_new(s->raw, json_pack("{s:o, s:o}", "client", client, "server",
						server ? server : json_null()));
	return count;
}

static void set_pair(struct session *s, const struct netsim_routes *routes, size_t from, size_t to)
{
	const struct netsim_route *route = routes->list[from * routes->node_count + to];

	s->run.from = routes->nodes[from]->name;
	s->run.server = routes->nodes[to]->guest ? NULL : routes->nodes[to]->name;
	s->run.address = s->args->address ? s->args->address : route->to;
	s->run.device = route->device;
}

/* Adds the row of a pair whose measurement was interrupted, and has no result. */
static void add_interrupted(struct session *s, const char *from, const char *to,
			    struct netsim_err *err)
{
	s->interrupted = true;
	add_failure(s, from, to, *err->what ? err->what : "interrupted before it was measured");
}

static int status_of(const struct session *s)
{
	report_interrupted(s->interrupted);
	return s->interrupted ? EXIT_INTERRUPTED : s->failed ? exit_status(NETSIM_ERR_FAILED) : 0;
}

static int print_all(struct session *s, const char *fleet)
{
	if (s->args->common.json)
		print_json(json_pack("{s:s, s:s, s:i, s:O, s:O, s:I, s:b}", "fleet", fleet,
				     "protocol", s->args->udp ? "udp" : "tcp", "seconds",
				     (int)seconds_of(s->args), "results", s->results, "iperf",
				     s->raw, "failed", (json_int_t)s->failed, "interrupted",
				     s->interrupted));
	else if (s->table.rows)
		table_print(&s->table, stdout);
	return status_of(s);
}

/* Prints the result of one pair, or that there is none. */
static int conclude(struct session *s, const struct netsim_routes *routes, int r,
		    struct netsim_err *err)
{
	if (r != -EINTR)
		return r < 0 ? r : print_all(s, routes->fleet);
	add_interrupted(s, s->run.from, s->run.server ? s->run.server : s->run.address, err);
	return print_all(s, routes->fleet);
}

static int run_pair(struct session *s, const struct netsim_routes *routes, struct netsim_err *err)
{
	struct iperf_flow flows[2];
	int r;

	if (routes->node_count != 2)
		return usage_error(err, &cmd_iperf, "expected two nodes; these words match %zu",
				   routes->node_count);
	r = check_route(s, routes->nodes[0], routes->nodes[1], routes->list[1], err);
	if (r < 0)
		return r;
	set_pair(s, routes, 0, 1);
	s->count = 1;
	r = measure(s, routes->nodes[0]->name, routes->nodes[1]->name, flows, err);
	return conclude(s, routes, r, err);
}

/* Measures to a server outside netsim. */
static int run_to_address(struct session *s, const struct netsim_routes *routes,
			  struct netsim_err *err)
{
	struct iperf_flow flows[2];
	int r;

	if (routes->node_count != 1)
		return usage_error(err, &cmd_iperf,
				   "--address takes one node; this word matches %zu",
				   routes->node_count);
	if (routes->nodes[0]->guest)
		return refuse(err, NETSIM_ERR_USAGE, "use host, or another node",
			      routes->nodes[0]->name, s->args->address,
			      "no program can be started in a virtual machine");
	s->run.from = routes->nodes[0]->name;
	s->run.address = s->args->address;
	s->run.device = "";
	s->count = 1;
	r = measure(s, s->run.from, s->run.address, flows, err);
	return conclude(s, routes, r, err);
}

/* --- all pairs */

struct failures {
	char **list;
	size_t count;
};

static void run_cell(struct session *s, const struct netsim_routes *routes, size_t i, char *cell,
		     struct failures *failures)
{
	size_t n = routes->node_count;
	const struct netsim_peer *from = routes->nodes[i / n], *to = routes->nodes[i % n];
	const struct netsim_route *route = routes->list[i];
	struct netsim_err err = {0};
	struct iperf_flow flows[2];
	int r;

	snprintf(cell, MATRIX_CELL, "%s",
		 i / n == i % n ? "." :
		 route->cut	? "x" :
		 route->down	? "down" :
				  "-");
	if (i / n == i % n)
		return;
	if (check_route(s, from, to, route, &err) < 0) {
		add_failure(s, from->name, to->name, err.what);
		return;
	}
	set_pair(s, routes, i / n, i % n);
	r = interrupted() ? -EINTR : measure(s, from->name, to->name, flows, &err);
	if (r == -EINTR) {
		add_interrupted(s, from->name, to->name, &err);
		return;
	}
	if (r > 0) {
		snprintf(cell, MATRIX_CELL, "%.*f",
			 flows[0].bps < 1e7 ? 2 :
			 flows[0].bps < 1e8 ? 1 :
					      0,
			 flows[0].bps / 1e6);
	} else {
		snprintf(cell, MATRIX_CELL, "failed");
		add_failure(s, from->name, to->name, err.what);
		failures->list[failures->count++] = strdup(err.what);
		s->failed++;
	}
	s->done++;
}

static int run_matrix(struct session *s, const struct netsim_routes *routes, struct netsim_err *err)
{
	size_t n = routes->node_count;
	char(*cells)[MATRIX_CELL] = calloc(n * n + 1, sizeof(*cells));
	struct failures failures = {.list = calloc(n * n + 1, sizeof(char *))};
	int r = 0;

	if (n < 2)
		r = usage_error(err, &cmd_iperf, "--matrix takes at least two nodes");
	if (!cells || !failures.list)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < n * n; i++)
		s->count += i / n != i % n && !routes->nodes[i / n]->guest &&
			    *routes->list[i]->to && !routes->list[i]->cut && !routes->list[i]->down;
	for (size_t i = 0; r == 0 && i < n * n; i++)
		run_cell(s, routes, i, cells[i], &failures);
	if (r == 0 && !s->args->common.json) {
		const struct matrix_routes table = {routes, (const char(*)[MATRIX_CELL])cells};

		r = matrix_print_routes(s->args->reverse ? "mbit, to row" : "mbit", &table, stdout);
		for (size_t i = 0; i < failures.count; i++)
			printf("%s\n", failures.list[i]);
		if (s->args->common.verbose)
			r = print_all(s, routes->fleet);
		else
			r = status_of(s);
	} else if (r == 0) {
		r = print_all(s, routes->fleet);
	}
	for (size_t i = 0; i < failures.count; i++)
		free(failures.list[i]);
	free(failures.list);
	free(cells);
	return r;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct iperf_args *args = p;
	const struct common *common = &args->common;
	const struct netsim_routes_opts request =
		NETSIM_OPTS(struct netsim_routes_opts, .fleet = common->fleet,
			    .nodes = (const char *const *)common->words,
			    .node_count = (size_t)common->count, .iface = args->iface);
	struct session s = {.args = args, .results = json_array(), .raw = json_array()};
	struct netsim_routes *routes = NULL;
	struct netsim *ctx = NULL;
	int r = check(args, err);

	if (r == 0)
		r = netsim_find_helper("netsim-iperf", s.helper, sizeof(s.helper), err);
	if (r == 0)
		r = netsim_open(&ctx, err);
	if (r == 0)
		r = netsim_routes(ctx, &request, &routes, err);
	netsim_close(ctx);
	s.run.helper = s.helper;
	s.run.fleet = routes ? routes->fleet : NULL;
	set_options(&s);
	if (progress_wanted(common))
		s.run.progress = show_progress;
	s.run.arg = &s;
	interrupt_catch();
	if (r == 0)
		r = args->matrix       ? run_matrix(&s, routes, err) :
		    common->count == 1 ? run_to_address(&s, routes, err) :
					 run_pair(&s, routes, err);
	json_decref(s.results);
	json_decref(s.raw);
	free(s.table.cells);
	netsim_routes_free(routes);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "[NODE]...",
	.summary = "Measure the throughput from one node to another, or of all pairs.",
	.opts = opts,
	.max = -1,
};

const struct cmd cmd_iperf = {
	.name = "iperf",
	.syntax = &syntax,
	.size = sizeof(struct iperf_args),
	.run = run,
};
