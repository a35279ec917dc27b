/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "fault_print.h"
#include "figures.h"
#include "matrix.h"
#include "missing.h"
#include "out.h"
#include "prometheus.h"

struct status_args {
	struct common common;
	bool prometheus;
};

static const struct netsim_opt opts[] = {
	{0, "prometheus", NETSIM_OPT_FLAG, offsetof(struct status_args, prometheus), NULL,
	 "print metrics for node_exporter, including counters"},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

/* The node that this machine is, or NULL: it is the host of the fleet. */
static const struct netsim_node *machine_of(const struct netsim_fleet *fleet)
{
	for (size_t i = 0; i < fleet->node_count; i++)
		if (fleet->nodes[i]->machine)
			return fleet->nodes[i];
	return NULL;
}

static void print_head(const struct netsim_fleet *fleet)
{
	const struct netsim_node *machine = machine_of(fleet);
	size_t nodes = 0;

	for (size_t i = 0; i < fleet->node_count; i++)
		nodes += !fleet->nodes[i]->service;
	if (machine)
		printf("%s: this machine is %s of %zu node%s", fleet->name, machine->name, nodes,
		       plural(nodes));
	else
		printf("%s: %zu node%s, %zu network%s", fleet->name, nodes, plural(nodes),
		       fleet->network_count, plural(fleet->network_count));
	if (fleet->profile)
		printf(", profile %s%s (%s%s%s)", fleet->profile,
		       fleet->profile_changed ? " except on some nodes" : "",
		       engine_name(fleet->engine), fleet->engine_why ? ": " : "",
		       fleet->engine_why ? fleet->engine_why : "");
	printf(", %zu fault%s\n", fleet->fault_count, plural(fleet->fault_count));
}

/* Formats the drops by partitions, by qdiscs and conditions, and of packets that are too large. */
static void describe_drops(const struct netsim_port *port, char *buf, size_t size)
{
	const struct {
		uint64_t count;
		const char *why;
	} drops[] = {
		{port->cut_packets, "partition"},
		{port->to->drops + port->from->drops + port->lost_packets - port->oversized_packets,
		 "link"},
		{port->oversized_packets, "size"},
	};
	size_t used = 0;

	snprintf(buf, size, "-");
	for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]) && used < size; i++)
		if (drops[i].count)
			used += (size_t)snprintf(buf + used, size - used, "%s%" PRIu64 " %s",
						 used ? ", " : "", drops[i].count, drops[i].why);
}

static const char *kind_of(const struct netsim_node *node)
{
	return node->machine  ? "machine" :
	       node->attached ? "attached" :
	       node->tap      ? "tap" :
	       !node->inside  ? "lost" :
	       node->service  ? "dhcp" :
				"netns";
}

static void add_port(struct table *table, const struct netsim_fleet *fleet,
		     const struct netsim_node *node, size_t i, bool verbose)
{
	const struct netsim_port *port = node->ports[i];
	char name[128], reaches[48] = "", drops[96];

	if (node->port_count > 1 || verbose)
		snprintf(name, sizeof(name), "%s/%s", node->name, port->iface);
	else
		snprintf(name, sizeof(name), "%s", node->name);
	if (i == 0)
		snprintf(reaches, sizeof(reaches), "%zu of %zu", node->reaches,
			 fleet->node_count - 1);
	describe_drops(port, drops, sizeof(drops));
	const char *cells[] = {name, kind_of(node), NULL, reaches, drops, port->name};
	table_add_ways(table, cells, verbose ? 6 : 5, 2,
		       port->up ? or_dash(port->from->text) : "no carrier",
		       port->up ? or_dash(port->to->text) : "no carrier");
}

/* The row of a node that has lost its port, or of an attached one whose tap is not claimed yet. */
static void add_absent(struct table *table, const struct netsim_node *node, bool verbose)
{
	struct netsim_direction none = {.text = ""};
	const struct netsim_port gone = {.cut_packets = node->cut_packets,
					 .lost_packets = node->lost_packets,
					 .oversized_packets = node->oversized_packets,
					 .from = &none,
					 .to = &none};
	char drops[96];
	const char *cells[] = {
		node->name, kind_of(node), node->attached ? "unshaped" : "no port", "-", drops, "-",
	};

	describe_drops(&gone, drops, sizeof(drops));
	table_add(table, cells, verbose ? 6 : 5);
}

/* Up is what the first end sends into the cable, down what the second one does. */
static void add_cable(struct table *table, const struct netsim_node *cable, bool verbose)
{
	const struct netsim_port *ends[2] = {cable->ports[0], cable->ports[1]};
	struct netsim_port both = {
		.cut_packets = ends[0]->cut_packets + ends[1]->cut_packets,
		.lost_packets = ends[0]->lost_packets + ends[1]->lost_packets,
		.oversized_packets = ends[0]->oversized_packets + ends[1]->oversized_packets,
		.from = ends[0]->to,
		.to = ends[1]->to,
	};
	bool up = ends[0]->up && ends[1]->up;
	char drops[96], ports[64];

	describe_drops(&both, drops, sizeof(drops));
	snprintf(ports, sizeof(ports), "%s, %s", ends[0]->name, ends[1]->name);
	const char *cells[] = {cable->name, "cable", NULL, "", drops, ports};
	table_add_ways(table, cells, verbose ? 6 : 5, 2,
		       up ? or_dash(both.from->text) : "no carrier",
		       up ? or_dash(both.to->text) : "no carrier");
}

static void print_nodes(const struct netsim_fleet *fleet, bool verbose)
{
	static const char *const head[] = {"node",    "kind",	 "each way",
					   "reaches", "dropped", "port"};
	struct table table = {0};

	table_add(&table, head, verbose ? 6 : 5);
	for (size_t n = 0; n < fleet->node_count; n++) {
		for (size_t i = 0; i < fleet->nodes[n]->port_count; i++)
			add_port(&table, fleet, fleet->nodes[n], i, verbose);
		if (!fleet->nodes[n]->peer && !fleet->nodes[n]->port_count)
			add_absent(&table, fleet->nodes[n], verbose);
	}
	for (size_t i = 0; i < fleet->cable_count; i++)
		if (fleet->cables[i]->port_count == 2)
			add_cable(&table, fleet->cables[i], verbose);
	table_print(&table, stdout);
}

static const char *reach_name(const void *arg, size_t node)
{
	const struct netsim_fleet *fleet = arg;

	return fleet->nodes[node]->name;
}

static const char *reach_cell(const void *arg, size_t from, size_t to)
{
	const struct netsim_fleet *fleet = arg;

	if (machine_of(fleet) && !fleet->nodes[from]->machine && !fleet->nodes[to]->machine)
		return from == to ? "." : "?";
	return from == to ? "." : fleet->reach[from * fleet->node_count + to] ? "+" : "x";
}

static void print_matrix(const struct netsim_fleet *fleet)
{
	const struct matrix reach = {
		.count = fleet->node_count, .name = reach_name, .cell = reach_cell, .arg = fleet};

	printf("who reaches whom (rows send, columns receive):\n");
	(void)matrix_print(&reach, stdout);
}

static void print_faults(const struct netsim_fleet *fleet)
{
	char text[600];

	for (size_t i = 0; i < fleet->fault_count; i++) {
		const struct netsim_fault *fault = fleet->faults[i];

		printf("fault %u: %s", fault->id, fault_text(fault, text, sizeof(text)));
		if (fault->left_ns >= 0)
			printf(", %.1f s left", (double)fault->left_ns / 1e9);
		printf("%s%s\n", fault->problem ? "; not wholly in force: " : "",
		       fault->problem ? fault->problem : "");
	}
}

static void print_waiting(const struct netsim_fleet *fleet)
{
	char bytes[FIGURE_TEXT];

	if (fleet->waiting_packets)
		printf("%" PRIu64 " packet%s of %s wait%s\n", fleet->waiting_packets,
		       plural(fleet->waiting_packets),
		       figure_bytes((double)fleet->waiting_bytes, bytes),
		       fleet->waiting_packets == 1 ? "s" : "");
}

/* Prints what differs from the record, or what is not shaped. */
static void print_remarks(const struct netsim_fleet *fleet)
{
	for (size_t i = 0; i < fleet->differs_count; i++)
		printf("differs: %s\n", fleet->differs[i]);
	if (fleet->record)
		printf("profile and faults are unknown: %s\n", fleet->record);
	missing_print(fleet->missing, fleet->missing_count, "not shaped: ", stdout);
	for (size_t i = 0; i < fleet->node_count; i++)
		if (fleet->nodes[i]->unclaimed_packets)
			printf("%s: %" PRIu64 " packet%s dropped from ports that no node has\n",
			       fleet->nodes[i]->name, fleet->nodes[i]->unclaimed_packets,
			       plural(fleet->nodes[i]->unclaimed_packets));
}

static void print_limits(const struct netsim_fleet *fleet)
{
	for (size_t i = 0; i < fleet->node_count; i++) {
		const struct netsim_node *node = fleet->nodes[i];

		if (node->cpu_percent > 0)
			printf("%s: cpu %g%%\n", node->name, node->cpu_percent);
		if (node->memory_bytes)
			printf("%s: memory %.4g MiB\n", node->name,
			       (double)node->memory_bytes / (1 << 20));
	}
}

/* Servers, and clients that do not run. */
static void print_services(const struct netsim_fleet *fleet)
{
	for (size_t i = 0; i < fleet->service_count; i++) {
		const struct netsim_service *service = fleet->services[i];

		if (service->iface && service->runs)
			continue;
		printf("%s%s%s: %s %s\n", service->node, service->iface ? "/" : "",
		       service->iface ? service->iface : "", service->program,
		       service->runs ? "runs" : "does not run; netsim up starts it");
	}
}

#define PATHS_SHOWN 20

static void print_paths(const struct netsim_fleet *fleet, bool verbose)
{
	static const char *const head[] = {"path", "class", "conditions"};
	size_t shown =
		verbose || fleet->path_count <= PATHS_SHOWN ? fleet->path_count : PATHS_SHOWN;
	struct table table = {0};
	char name[160];

	if (!fleet->path_count)
		return;
	table_add(&table, head, 3);
	for (size_t i = 0; i < shown; i++) {
		const struct netsim_path *path = fleet->paths[i];

		snprintf(name, sizeof(name), "%s > %s", path->from ? path->from : "any",
			 path->to ? path->to : "any");
		const char *cells[] = {name, path->class_name ? path->class_name : "all",
				       path->text};
		table_add(&table, cells, 3);
	}
	table_print(&table, stdout);
	if (shown < fleet->path_count)
		printf("and %zu more (-v shows all)\n", fleet->path_count - shown);
}

static void print_text(const struct common *args, const struct netsim_status *status)
{
	for (size_t i = 0; i < status->fleet_count; i++) {
		if (i)
			putchar('\n');
		print_head(status->fleets[i]);
		ovs_print(status->fleets[i]->ovs, status->fleets[i]->ovs_count);
		print_nodes(status->fleets[i], args->verbose);
		print_paths(status->fleets[i], args->verbose);
		if (args->verbose || status->fleets[i]->fault_count)
			print_matrix(status->fleets[i]);
		print_faults(status->fleets[i]);
		print_waiting(status->fleets[i]);
		print_remarks(status->fleets[i]);
		print_limits(status->fleets[i]);
		print_services(status->fleets[i]);
	}
	for (size_t i = 0; i < status->bare_count; i++)
		printf("%s: up %s, down %s\n", status->bare[i]->device,
		       or_dash(status->bare[i]->out->text), or_dash(status->bare[i]->in->text));
	if (!status->fleet_count && !status->bare_count)
		printf("no fleet is up, and no interface is shaped\n");
}

/* null: not counted, which differs from 0 */
static json_t *json_counter(bool counted, uint64_t value)
{
	return counted ? json_integer((json_int_t)value) : json_null();
}

static json_t *json_direction(const struct netsim_direction *d)
{
	return json_pack("{s:s, s:o*, s:o, s:o, s:I, s:i}", "conditions", d->text, "values",
			 json_conditions(d->text), "packets", json_counter(d->counted, d->packets),
			 "bytes", json_counter(d->counted, d->bytes), "dropped",
			 (json_int_t)d->drops, "queued", (int)d->queued);
}

static json_t *json_port(const struct netsim_port *port)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:o, s:I, s:I, s:I}", "interface",
			 port->iface, "port", port->name, "bridge", port->bridge, "routed",
			 port->routed, "up_state", port->up, "up", json_direction(port->from),
			 "down", json_direction(port->to), "dropped_by_partitions",
			 (json_int_t)port->cut_packets, "dropped_by_conditions",
			 (json_int_t)port->lost_packets, "dropped_oversized",
			 (json_int_t)port->oversized_packets);
}

/* What an end sends into the cable is down at its port. */
static json_t *json_cables(const struct netsim_fleet *fleet)
{
	json_t *cables = json_array();

	for (size_t i = 0; i < fleet->cable_count; i++) {
		const struct netsim_node *cable = fleet->cables[i];
		json_t *ends = json_array();

		for (size_t p = 0; p < cable->port_count; p++)
			json_array_append_new(ends, json_port(cable->ports[p]));
		json_array_append_new(cables,
				      json_pack("{s:s, s:o}", "name", cable->name, "ends", ends));
	}
	return cables;
}

static json_t *json_node(const struct netsim_fleet *fleet, size_t n)
{
	const struct netsim_node *node = fleet->nodes[n];
	json_t *ports = json_array(), *roles = json_array(), *reaches = json_array();

	for (size_t i = 0; i < node->port_count; i++)
		json_array_append_new(ports, json_port(node->ports[i]));
	for (size_t i = 0; i < node->role_count; i++)
		json_array_append_new(roles, json_string(node->roles[i]));
	for (size_t i = 0; i < fleet->node_count; i++)
		if (i != n && fleet->reach[n * fleet->node_count + i])
			json_array_append_new(reaches, json_string(fleet->nodes[i]->name));
	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:b, s:o*, s:o*}", "name",
		node->name, "kind",
		node->machine  ? "machine" :
		node->peer     ? "peer" :
		node->attached ? "attached" :
		node->tap      ? "tap" :
		node->service  ? "dhcp" :
				 "netns",
		"roles", roles, "ports", ports, "reaches", reaches, "dropped_by_partitions",
		(json_int_t)node->cut_packets, "dropped_by_conditions",
		(json_int_t)node->lost_packets, "dropped_unclaimed",
		(json_int_t)node->unclaimed_packets, "dropped_oversized",
		(json_int_t)node->oversized_packets, "forwarding", node->forwards, "cpu_percent",
		node->cpu_percent > 0 ? json_decimal(node->cpu_percent, 6) : NULL, "memory_bytes",
		node->memory_bytes ? json_integer((json_int_t)node->memory_bytes) : NULL);
}

static json_t *json_paths(const struct netsim_fleet *fleet)
{
	json_t *paths = json_array();

	for (size_t i = 0; i < fleet->path_count; i++) {
		const struct netsim_path *path = fleet->paths[i];

		json_array_append_new(paths, json_pack("{s:s?, s:s?, s:s?, s:s, s:o*}", "from",
						       path->from, "to", path->to, "class",
						       path->class_name, "conditions", path->text,
						       "values", json_conditions(path->text)));
	}
	return paths;
}

static json_t *json_texts(const char *const *list, size_t count)
{
	json_t *texts = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(texts, json_string(list[i]));
	return texts;
}

static json_t *json_services(const struct netsim_fleet *fleet)
{
	json_t *services = json_array();

	for (size_t i = 0; i < fleet->service_count; i++) {
		const struct netsim_service *service = fleet->services[i];

		json_array_append_new(services,
				      json_pack("{s:s, s:s, s:s?, s:b}", "node", service->node,
						"program", service->program, "interface",
						service->iface, "runs", service->runs));
	}
	return services;
}

static json_t *json_fleet(const struct netsim_fleet *fleet)
{
	json_t *nodes = json_array(), *networks = json_array(), *faults = json_array();
	char text[600];

	for (size_t i = 0; i < fleet->node_count; i++)
		json_array_append_new(nodes, json_node(fleet, i));
	for (size_t i = 0; i < fleet->network_count; i++)
		json_array_append_new(networks, json_string(fleet->networks[i]));
	for (size_t i = 0; i < fleet->fault_count; i++) {
		const struct netsim_fault *f = fleet->faults[i];

		json_array_append_new(
			faults,
			json_pack("{s:i, s:s?, s:b, s:s, s:o*, s:o, s:s?, s:o*, s:o*, s:o*}",
				  "fault", (int)f->id, "name", f->name, "l2", f->l2, "text",
				  fault_text(f, text, sizeof(text)), "values",
				  f->conditions ? json_conditions(f->conditions) : NULL, "left",
				  f->left_ns < 0 ? json_null() :
						   json_seconds((double)f->left_ns / 1e9),
				  "problem", f->problem, "reject", f->reject ? json_true() : NULL,
				  "groups", json_groups(f), "cuts", json_cuts(f)));
	}
	return json_pack(
		"{s:s, s:s?, s:b, s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:{s:I, s:I}, s:o, s:s?, "
		"s:o, s:o, s:o}",
		"fleet", fleet->name, "profile", fleet->profile, "profile_changed",
		fleet->profile_changed, "engine", engine_name(fleet->engine), "engine_why",
		fleet->engine_why, "bridges", networks, "nodes", nodes, "cables",
		json_cables(fleet), "paths", json_paths(fleet), "faults", faults, "waiting",
		"packets", (json_int_t)fleet->waiting_packets, "bytes",
		(json_int_t)fleet->waiting_bytes, "differs",
		json_texts(fleet->differs, fleet->differs_count), "record", fleet->record,
		"missing", missing_json(fleet->missing, fleet->missing_count), "services",
		json_services(fleet), "ovs", ovs_json(fleet->ovs, fleet->ovs_count));
}

static void print_status_json(const struct netsim_status *status)
{
	json_t *fleets = json_array(), *bare = json_array();

	for (size_t i = 0; i < status->fleet_count; i++)
		json_array_append_new(fleets, json_fleet(status->fleets[i]));
	for (size_t i = 0; i < status->bare_count; i++)
		json_array_append_new(bare, json_pack("{s:s, s:o, s:o}", "interface",
						      status->bare[i]->device, "up",
						      json_direction(status->bare[i]->out), "down",
						      json_direction(status->bare[i]->in)));
	print_json(json_pack("{s:o, s:o}", "fleets", fleets, "interfaces", bare));
}

static void print_names(const struct netsim_status *status)
{
	for (size_t i = 0; i < status->fleet_count; i++)
		for (size_t n = 0; n < status->fleets[i]->node_count; n++)
			puts(status->fleets[i]->nodes[n]->name);
	for (size_t i = 0; i < status->fleet_count; i++)
		for (size_t n = 0; n < status->fleets[i]->cable_count; n++)
			puts(status->fleets[i]->cables[n]->name);
}

/* dry: leaves out traffic; reading it would attach programs to fleets that lack them. */
static int print_metrics(struct netsim *ctx, const struct netsim_status *status, bool dry,
			 struct netsim_err *err)
{
	struct netsim_traffic **traffic = calloc(status->fleet_count + 1, sizeof(*traffic));
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; traffic && !dry && r == 0 && i < status->fleet_count; i++) {
		const struct netsim_traffic_opts request =
			NETSIM_OPTS(struct netsim_traffic_opts, .fleet = status->fleets[i]->name);

		r = netsim_traffic(ctx, &request, &traffic[count], err);
		count += r == 0;
	}
	if (r == 0)
		prometheus_print(stdout, status, traffic, count);
	for (size_t i = 0; i < count; i++)
		netsim_traffic_free(traffic[i]);
	free(traffic);
	return r;
}

static int run(const void *p, struct netsim_err *err)
{
	const struct status_args *all = p;
	const struct common *args = &all->common;
	const char *fleet = args->count ? args->words[0] : args->fleet;
	const struct netsim_status_opts request =
		NETSIM_OPTS(struct netsim_status_opts, .fleet = fleet);
	struct netsim_status *status = NULL;
	struct netsim *ctx = NULL;
	int r = 0;

	if (all->prometheus && args->json)
		r = usage_error(err, &cmd_status, "--prometheus and --json exclude each other");
	if (r == 0)
		r = netsim_open(&ctx, err);
	if (r == 0)
		r = netsim_status(ctx, &request, &status, err);
	if (r == 0 && all->prometheus)
		r = print_metrics(ctx, status, args->dry, err);
	else if (r == 0 && args->json)
		print_status_json(status);
	else if (r == 0 && args->quiet)
		print_names(status);
	else if (r == 0)
		print_text(args, status);
	netsim_close(ctx);
	netsim_status_free(status);
	return r;
}

static const struct netsim_syntax syntax = {
	.args = "[FLEET]",
	.summary = "Show fleets, links and faults; with -q only the names of nodes.",
	.opts = opts,
	.max = 1,
};

const struct cmd cmd_status = {
	.name = "status",
	.syntax = &syntax,
	.size = sizeof(struct status_args),
	.run = run,
};
