// SPDX-License-Identifier: GPL-2.0-or-later
/* capture: writes the packets at the ports of a fleet to files, or prints a line for each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/api/handle.h"
#include "netsim/api/port_changes.h"
#include "netsim/config/classes.h"
#include "netsim/fleet/addresses.h"
#include "netsim/fleet/target.h"
#include "netsim/flow/flow.h"
#include "netsim/kernel/mark.h"
#include "netsim/packet/capture_set.h"
#include "netsim/packet/capture_text.h"
#include "netsim/packet/live.h"
#include "netsim/shape/engine.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define WAIT_MS	  100
#define NS_PER_MS 1000000LL
/* Upper bound of learned names: spoofed addresses must not exhaust the memory. */
#define NAMES_MOST 8192

struct capture_run {
	const struct netsim_capture_opts *how;
	struct netsim_capture *result;
	struct fleet fleet;
	struct class_set *classes;
	struct flow_classifier *classifier;
	bool wanted[FLOW_CLASSES];
	struct netsim_capture_class by_class[FLOW_CLASSES]; /* names belong to classes */
	const char **devices;				    /* kernel's names of the ports */
	char **names;					    /* "n100-1/eth1" */
	const char **nodes;				    /* "n100-1", owned by the model */
	size_t port_count;
	struct address_name *addresses;
	size_t address_count;
	struct live *live;
	struct capture_plan plan;
	struct capture_set *set;
	struct capture_totals *totals;
	int64_t begin_ns, looked_ns;
	int64_t end_ns;		    /* 0: not yet */
	int64_t since_ns, until_ns; /* CLOCK_REALTIME range in which all ports were open */
};

static int select_ports(const struct model *model, const struct netsim_capture_opts *how,
			bool *marks, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; !how->target_count && i < model->link_count; i++)
		marks[i] = link_is_port(&model->links[i]) && !model->links[i].cable;
	for (size_t t = 0; r == 0 && t < how->target_count; t++) {
		bool found = false;

		/* Also accepts the kernel's name of a port, like tcpdump. */
		for (size_t i = 0; i < model->link_count; i++)
			if (link_is_port(&model->links[i]) &&
			    strcmp(model->links[i].name, how->targets[t]) == 0)
				marks[i] = found = true;
		if (!found)
			r = target_ports(model, how->targets[t], marks, err);
	}
	return r;
}

static int add_port(struct capture_run *run, const struct link *link, struct netsim_err *err)
{
	struct mark mark;
	size_t devices = run->port_count, nodes = run->port_count;
	const char **device, **node;
	char **name;

	if (!mark_parse(link->alias, &mark) || !mark.iface)
		return 0;
	device = array_push(run->devices, devices);
	node = array_push(run->nodes, nodes);
	name = array_push(run->names, run->port_count);
	if (!device || !node || !name || asprintf(name, "%s/%s", mark.node, mark.iface) < 0)
		return err_oom(err);
	*device = link->name;
	*node = run->fleet.model->nodes[model_find_node(run->fleet.model, mark.node)].name;
	return 0;
}

static int find_ports(struct netsim *ctx, struct capture_run *run, struct netsim_err *err)
{
	auto_free bool *marks = NULL;
	int r = fleet_open(&ctx->state, run->how->fleet, FLEET_LOOK_INSIDE, &run->fleet, err);

	if (r < 0)
		return r;
	run->result->fleet = arena_strdup(run->result, run->fleet.name);
	if (!run->result->fleet)
		return err_oom(err);
	marks = calloc(run->fleet.model->link_count + 1, sizeof(*marks));
	if (!marks)
		return err_oom(err);
	r = select_ports(run->fleet.model, run->how, marks, err);
	for (size_t i = 0; r == 0 && i < run->fleet.model->link_count; i++)
		if (marks[i])
			r = add_port(run, &run->fleet.model->links[i], err);
	if (r == 0 && !run->port_count)
		r = err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "the fleet %s has no ports",
			    run->fleet.name);
	return r;
}

static int add_name(struct capture_run *run, const struct ip *ip, const char *name,
		    struct netsim_err *err)
{
	struct address_name *slot = array_push(run->addresses, run->address_count);

	if (!slot)
		return err_oom(err);
	*slot = (struct address_name) {*ip, name};
	return 0;
}

static int find_names(struct capture_run *run, struct netsim_err *err)
{
	auto_free struct known_address *list = NULL;
	size_t count = 0;
	int r = addresses_known(run->fleet.st, run->fleet.model, &list, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_name(run, &list[i].ip, list[i].name, err);
	return r;
}

/*
 * Learns link-local addresses that appear later or inside virtual machines. They are never
 * routed, so the node that sends from one owns it.
 */
static int learn_name(struct capture_run *run, const struct live_packet *live,
		      const struct packet *packet, struct netsim_err *err)
{
	struct ip ip = {.family = AF_INET6, .plen = 128};

	if (!live->sent || packet->version != 6 || !packet->source)
		return 0;
	memcpy(ip.b, packet->source, sizeof(ip.b));
	if (!ip_is_link_local(&ip) || run->address_count >= NAMES_MOST)
		return 0;
	for (size_t i = 0; i < run->address_count; i++)
		if (run->addresses[i].ip.family == AF_INET6 &&
		    memcmp(run->addresses[i].ip.b, ip.b, sizeof(ip.b)) == 0)
			return 0;
	return add_name(run, &ip, run->nodes[live->port], err);
}

static int want_class(struct capture_run *run, const char *name, struct netsim_err *err)
{
	const char *near = run->classes ? classes_nearest(run->classes, name) : NULL;
	size_t count = run->classes ? run->classes->count : 0;
	bool any = false;

	for (size_t i = 0; i <= count; i++) {
		const char *class = i < count ? run->classes->list[i].name : CLASS_OTHER;

		if (class_matches_name(class, name))
			any = run->wanted[i] = true;
	}
	if (any)
		return 0;
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "no class named %s", shown(name));
	if (near)
		err_hint(err, "did you mean %s?", near);
	return -ENOENT;
}

static int load_classes(struct capture_run *run, struct netsim_diags *diags, struct netsim_err *err)
{
	const struct netsim_capture_opts *how = run->how;
	int r = how->class_file ? classes_load(how->class_file, &run->classes, diags) :
				  engine_load_classes(NULL, &run->classes, err);
	size_t count = r == 0 && run->classes ? run->classes->count : 0;

	if (r < 0)
		return r;
	run->classifier = flow_classifier_new(run->classes);
	if (!run->classifier)
		return err_oom(err);
	for (size_t i = 0; i <= count; i++) {
		run->by_class[i].name =
			i < count ? run->classes->list[i].name : (char *)CLASS_OTHER;
		run->wanted[i] = !how->class_count;
	}
	for (size_t i = 0; r == 0 && i < how->class_count; i++)
		r = want_class(run, how->classes[i], err);
	return r;
}

static struct netsim_progress progress_of(const struct capture_run *run)
{
	return (struct netsim_progress) {
		.done = -1,
		.elapsed_ns = run->begin_ns ? clock_ns(CLOCK_MONOTONIC) - run->begin_ns : 0,
		.packets = run->result->packets,
		.bytes = run->result->bytes};
}

/* Reports the progress; returns true if the caller wants to stop. */
static bool is_stopped(void *arg)
{
	const struct capture_run *run = arg;
	const struct netsim_progress progress = progress_of(run);

	return run->how->progress && run->how->progress(run->how->arg, &progress);
}

static int open_files(struct capture_run *run, struct netsim_err *err)
{
	const struct netsim_capture_opts *how = run->how;

	if (!how->file && !how->dir)
		return 0;
	if (how->file && capture_write_is_pcap(how->file) && run->port_count > 1) {
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			"a .pcap file cannot record which of %zu ports a packet is from",
			run->port_count);
		err_hint(err, "name the file .pcapng, or capture at one port");
		return -EINVAL;
	}
	run->plan = (struct capture_plan) {.file = how->file,
					   .dir = how->dir,
					   .prefix = run->result->fleet,
					   .rotate_bytes = how->rotate_bytes,
					   .rotate_ns = how->rotate_ns,
					   .keep = how->keep_files,
					   .what = {.ports = (const char *const *)run->names,
						    .port_count = run->port_count,
						    .names = run->addresses,
						    .name_count = run->address_count,
						    .filter = how->filter,
						    .snap = how->snap_bytes,
						    .ended = is_stopped,
						    .arg = run}};
	return capture_set_open(&run->plan, &run->set, err);
}

static int make_result(struct capture_run *run, struct netsim_err *err)
{
	struct netsim_capture *result = run->result;

	run->totals = calloc(run->port_count, sizeof(*run->totals));
	if (!run->totals)
		return err_oom(err);
	for (size_t i = 0; i < run->port_count; i++) {
		struct netsim_capture_port *port =
			arena_push(result, result->ports, result->port_count);

		if (!port || !(port->name = arena_strdup(result, run->names[i])))
			return err_oom(err);
	}
	return 0;
}

static void read_totals(struct capture_run *run)
{
	for (size_t i = 0; i < run->port_count; i++) {
		struct live_counts counts;

		live_counts(run->live, i, &counts);
		run->totals[i] = (struct capture_totals) {counts.received, counts.dropped};
	}
}

static int show(struct capture_run *run, const struct live_packet *live,
		const struct packet *packet, unsigned class, struct netsim_err *err)
{
	int r = learn_name(run, live, packet, err);
	char from[UNIT_TEXT], to[UNIT_TEXT], what[96];
	struct netsim_captured captured = {
		.time_ns = live->time_ns,
		.from = capture_text_end(packet, packet->source, run->addresses, run->address_count,
					 from),
		.to = capture_text_end(packet, packet->destination, run->addresses,
				       run->address_count, to),
		.class_name = run->by_class[class].name,
		.port = run->names[live->port],
		.sent = live->sent,
		.length = live->length,
		.what = what};

	capture_text_what(packet, what, sizeof(what));
	if (r == 0)
		run->how->packet(run->how->arg, &captured);
	return r;
}

static int take_in(struct capture_run *run, const struct live_packet *live, struct netsim_err *err)
{
	const struct capture_written written = {.time_ns = live->time_ns,
						.data = live->data,
						.captured = live->captured,
						.length = live->length,
						.port = live->port,
						.sent = live->sent};
	struct netsim_capture_port *port = run->result->ports[live->port];
	struct packet packet, inner;
	unsigned class;

	packet_decode(PACKET_ETHERNET, live->data, live->captured, live->length, &packet);
	class = flow_classify(run->classifier, &packet);
	if (!run->wanted[class] &&
	    !(packet_inner(&packet, &inner) && run->wanted[flow_classify(run->classifier, &inner)]))
		return 0;
	run->by_class[class].packets++;
	run->by_class[class].bytes += live->length;
	port->packets++;
	port->bytes += live->length;
	run->result->packets++;
	run->result->bytes += live->length;
	if (run->set)
		return capture_set_add(run->set, &written, run->totals, err);
	return run->how->packet ? show(run, live, &packet, class, err) : 0;
}

/*
 * Drops packets from before the last port opened or after the first one closed: they were
 * seen at one end only and would count as lost. Packets arrive in order: if one after the first
 * accepted packet has a time before since_ns, the clock was set back, and it is accepted.
 */
static int take_between(struct capture_run *run, const struct live_packet *live,
			struct netsim_err *err)
{
	if (live->time_ns < run->since_ns || live->time_ns >= run->until_ns)
		return 0;
	run->since_ns = INT64_MIN;
	return take_in(run, live, err);
}

/* Reports changes of ports; *ret_end is true if none is left or the caller wants to stop. */
static int look_at_ports(struct capture_run *run, bool *ret_end, struct netsim_err *err)
{
	struct netsim_capture *result = run->result;
	const struct port_changes changes = {.root = result,
					     .list = &result->changes,
					     .count = &result->change_count,
					     .names = (const char *const *)run->names,
					     .progress = run->how->progress,
					     .arg = run->how->arg};
	const struct netsim_progress progress = progress_of(run);
	size_t left = run->port_count;
	int r = port_changes_look(&changes, run->live, &progress, ret_end, err);

	for (size_t i = 0; i < run->port_count; i++) {
		result->ports[i]->gone = live_gone(run->live, i);
		left -= result->ports[i]->gone;
	}
	*ret_end |= !left;
	return r;
}

/* Ends the capture at its deadline, even if this is noticed later. */
static void end(struct capture_run *run, bool over)
{
	int64_t wall = clock_ns(CLOCK_REALTIME), now = clock_ns(CLOCK_MONOTONIC);

	live_stop(run->live);
	run->end_ns = over ? run->begin_ns + run->how->for_ns : now;
	run->until_ns = wall - (now - run->end_ns);
}

/* Periodic work, every WAIT_MS: progress, counters, flushing, and the end of the capture. */
static int tick(struct capture_run *run, bool idle, struct netsim_err *err)
{
	const struct netsim_capture_opts *how = run->how;
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	bool over = how->for_ns && now - run->begin_ns >= how->for_ns, last = false;
	int r = 0;

	if (!idle && (!over || run->end_ns) && now - run->looked_ns < WAIT_MS * NS_PER_MS)
		return 0;
	run->looked_ns = now;
	if (!run->end_ns)
		r = look_at_ports(run, &last, err);
	if (!run->end_ns && (over || last || is_stopped(run)))
		end(run, over);
	read_totals(run);
	if (r == 0 && run->set)
		r = capture_set_flush(run->set, err);
	return r;
}

static int wait_of(const struct capture_run *run)
{
	int64_t left = run->how->for_ns ?
			       (run->how->for_ns - (clock_ns(CLOCK_MONOTONIC) - run->begin_ns)) /
					       NS_PER_MS +
				       1 :
			       WAIT_MS;

	return left < 0 ? 0 : left > WAIT_MS ? WAIT_MS : (int)left;
}

static int follow(struct capture_run *run, struct netsim_err *err)
{
	const struct netsim_capture_opts *how = run->how;
	struct live_packet packet;
	int r = 0;

	run->begin_ns = run->looked_ns = clock_ns(CLOCK_MONOTONIC);
	run->since_ns = run->result->begin_ns = clock_ns(CLOCK_REALTIME);
	run->until_ns = INT64_MAX;
	while (r >= 0 && !(how->count && run->result->packets >= how->count)) {
		bool was_ending = run->end_ns;

		r = live_next(run->live, wait_of(run), &packet, err);
		if (r == 0 && was_ending)
			break;
		if (r > 0) {
			r = take_between(run, &packet, err);
			if (r == 0)
				r = tick(run, false, err);
		} else if (r == 0) {
			r = tick(run, true, err);
		}
	}
	live_stop(run->live);
	run->result->elapsed_ns =
		(run->end_ns ? run->end_ns : clock_ns(CLOCK_MONOTONIC)) - run->begin_ns;
	/* EPIPE: the reader closed standard output; this ends the capture normally. */
	return r == -EPIPE && how->file && strcmp(how->file, "-") == 0 ? 0 : r;
}

static int sum_up(struct capture_run *run, struct netsim_err *err)
{
	struct netsim_capture *result = run->result;
	bool end;

	read_totals(run);
	if (look_at_ports(run, &end, err) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < run->port_count; i++) {
		result->ports[i]->received = run->totals[i].received;
		result->ports[i]->dropped = run->totals[i].dropped;
		result->received += run->totals[i].received;
		result->dropped += run->totals[i].dropped;
	}
	for (size_t i = 0; i < FLOW_CLASSES; i++) {
		struct netsim_capture_class *class;

		if (!run->by_class[i].packets)
			continue;
		class = arena_push(result, result->classes, result->class_count);
		if (!class || !(class->name = arena_strdup(result, run->by_class[i].name)))
			return err_oom(err);
		class->packets = run->by_class[i].packets;
		class->bytes = run->by_class[i].bytes;
	}
	return 0;
}

static int capture(struct netsim *ctx, struct capture_run *run, struct netsim_diags *diags,
		   struct netsim_err *err)
{
	const struct netsim_capture_opts *how = run->how;
	struct live_options options = {.filter = how->filter,
				       .snap = how->snap_bytes,
				       .buffer = how->buffer_bytes,
				       .only_sent = how->only_sent,
				       .only_delivered = how->only_delivered};
	int r = find_ports(ctx, run, err);

	if (r == 0)
		r = load_classes(run, diags, err);
	if (r == 0)
		r = find_names(run, err);
	if (r == 0)
		r = make_result(run, err);
	if (r < 0 || how->dry_run)
		return r;
	/* Before the files are opened: an invalid filter must not truncate an existing file. */
	options.own = model_machine(run->fleet.model) >= 0;
	r = live_open(run->devices, run->port_count, &options, &run->live, err);
	if (r == 0)
		r = open_files(run, err);
	if (r == 0)
		r = follow(run, err);
	if (r == 0)
		r = sum_up(run, err);
	if (run->set) {
		struct netsim_err ignored = {0};
		int closed;

		run->result->files = capture_set_files(run->set);
		closed = capture_set_close(run->set, r == 0 ? run->totals : NULL,
					   clock_ns(CLOCK_REALTIME), r == 0 ? err : &ignored);
		if (r == 0 && closed != -EPIPE)
			r = closed;
	}
	return r;
}

static void run_done(struct capture_run *run)
{
	live_close(run->live);
	for (size_t i = 0; i < run->port_count; i++)
		free(run->names[i]);
	free(run->names);
	free(run->devices);
	free(run->nodes);
	free(run->addresses);
	free(run->totals);
	flow_classifier_free(run->classifier);
	classes_free(run->classes);
	model_free(run->fleet.model);
}

int netsim_capture(struct netsim *ctx, const struct netsim_capture_opts *opts,
		   struct netsim_capture **ret, struct netsim_diags *diags, struct netsim_err *err)
{
	struct netsim_capture_opts o;
	struct capture_run run = {
		.how = &o, .result = arena_new(sizeof(*run.result)), .fleet = FLEET_NONE};
	int r = run.result ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = capture(ctx, &run, diags, err);
	run_done(&run);
	if (r < 0)
		arena_free(run.result);
	else
		*ret = run.result;
	return r;
}

void netsim_capture_free(struct netsim_capture *capture)
{
	arena_free(capture);
}
