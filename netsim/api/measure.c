// SPDX-License-Identifier: GPL-2.0-or-later
/* measure: follows the packets at all ports of a fleet live. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/api/measure_faults.h"
#include "netsim/api/port_changes.h"
#include "netsim/api/publish.h"
#include "netsim/api/traffic.h"
#include "netsim/fleet/addresses.h"
#include "netsim/fleet/target.h"
#include "netsim/flow/analysis.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/neigh.h"
#include "netsim/packet/capture_names.h"
#include "netsim/packet/live.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/clock.h"

#define SNAP		192 /* also covers the headers inside VXLAN */
#define WAIT_MS		100
#define NS_PER_MS	1000000
#define FLIGHT_LEAST_NS 100000000 /* wait for packets in flight at the end */
#define FLIGHT_MOST_NS	2000000000

/* Bytes per port, enough for half a second without reading; less with many ports. */
#define BUFFER	     (16U << 20)
#define BUFFER_LEAST (4U << 20)
#define BUFFER_TOTAL (192U << 20)

struct measure {
	const struct netsim_measure_opts *how;
	struct netsim_measurement *ret;
	struct fleet fleet;
	struct class_set *classes;
	struct analysis_names names;
	struct capture_names own; /* its views are the nodes */
	const char **ports, **only;
	const char **port_names; /* "n100-1/eth1", in the arena of ret */
	uint16_t *views;	 /* of each port */
	size_t port_count, only_count;
	struct live *live;
	struct flow *flow;
	struct oneway *oneway;
	uint64_t packets;
	/* Counters of the programs. */
	struct fleet counting;
	struct netsim_traffic *before, *after;
	/* Range of send times measured; before it not all ports were open. */
	int64_t begin_ns, until_ns;
	uint64_t steady_ns; /* CLOCK_MONOTONIC at the beginning */
};

static void measure_done(struct measure *m)
{
	live_close(m->live);
	fleet_close(&m->counting);
	netsim_traffic_free(m->before);
	netsim_traffic_free(m->after);
	flow_free(m->flow);
	oneway_free(m->oneway);
	analysis_names_done(&m->names);
	capture_names_done(&m->own);
	classes_free(m->classes);
	free(m->ports);
	free(m->only);
	free(m->views);
	fleet_close(&m->fleet);
}

/* --- the fleet */

/* Sets *ret to the view of the node behind a port, or to 0 if the link is not a port. */
static int view_of(struct measure *m, const struct link *link, uint16_t *ret,
		   struct netsim_err *err)
{
	struct mark mark;

	*ret = 0;
	if (!link_is_port(link) || link->cable || !mark_parse(link->alias, &mark) ||
	    capture_names_view(&m->own, mark.node, strlen(mark.node), ret))
		return 0;
	return err_oom(err);
}

static int find_ports(struct measure *m, struct netsim_err *err)
{
	char text[MARK_TEXT];

	m->ports = calloc(m->fleet.model->link_count + 1, sizeof(*m->ports));
	m->views = calloc(m->fleet.model->link_count + 1, sizeof(*m->views));
	m->port_names =
		arena_alloc(m->ret, (m->fleet.model->link_count + 1) * sizeof(*m->port_names));
	if (!m->ports || !m->views || !m->port_names)
		return err_oom(err);
	for (size_t i = 0; i < m->fleet.model->link_count; i++) {
		const struct link *link = &m->fleet.model->links[i];

		if (view_of(m, link, &m->views[m->port_count], err) < 0)
			return -ENOMEM;
		if (!m->views[m->port_count])
			continue;
		m->port_names[m->port_count] =
			arena_strdup(m->ret, mark_call(link->alias, link->name, text));
		if (!m->port_names[m->port_count])
			return err_oom(err);
		m->ports[m->port_count++] = link->name;
	}
	if (m->port_count)
		return 0;
	return err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "the fleet %s has no ports",
		       m->fleet.model->fleet);
}

static int find_only(struct measure *m, struct netsim_err *err)
{
	auto_free bool *marks = calloc(m->fleet.model->node_count + 1, sizeof(*marks));
	bool host = false;
	int r = 0;

	m->only = calloc(m->fleet.model->node_count + 1, sizeof(*m->only));
	if (!marks || !m->only)
		return err_oom(err);
	for (size_t i = 0; r >= 0 && i < m->how->node_count; i++) {
		if (strcmp(m->how->nodes[i], "host") == 0 &&
		    model_find_node(m->fleet.model, "host") < 0)
			host = true;
		else
			r = target_nodes(m->fleet.model, m->how->nodes[i], marks, err);
	}
	for (size_t i = 0; i < m->fleet.model->node_count; i++)
		if (marks[i])
			m->only[m->only_count++] = m->fleet.model->nodes[i].name;
	if (host)
		m->only[m->only_count++] = "host";
	return r < 0 ? r : 0;
}

static int find_names(struct measure *m, struct netsim_err *err)
{
	auto_free struct known_address *addresses = NULL;
	size_t count = 0;
	int r = addresses_known(m->fleet.st, m->fleet.model, &addresses, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++)
		if (analysis_names_add(&m->names, &addresses[i].ip, addresses[i].name) < 0)
			r = err_oom(err);
	m->names.views = m->own.views;
	m->names.view_count = m->own.view_count;
	m->names.only = m->only;
	m->names.only_count = m->only_count;
	return r;
}

/* Seeds the addresses of a node on a routed network, to which the host has routes. */
static int seed_routes(struct measure *m, const struct link *port, struct netsim_err *err)
{
	uint16_t view;
	int r = view_of(m, port, &view, err);

	for (size_t i = 0; r == 0 && view && i < port->route_count; i++)
		oneway_seed_ip(m->oneway, &port->routes[i].to, view);
	return r;
}

/* Seeds the MAC addresses that bridges have learned, and those of the nodes' interfaces. */
static int seed_addresses(struct measure *m, struct netsim_err *err)
{
	auto_free struct neigh_mac *learned = NULL;
	size_t count = 0;
	int r = neigh_bridged(m->fleet.st->rt, &learned, &count, err);
	uint16_t view;

	for (size_t i = 0; r == 0 && i < count; i++)
		for (size_t l = 0; r == 0 && l < m->fleet.model->link_count; l++) {
			const struct link *link = &m->fleet.model->links[l];

			if (link->node != MODEL_HOST || link->ifindex != learned[i].port)
				continue;
			r = view_of(m, link, &view, err);
			if (view)
				oneway_seed_mac(m->oneway, &learned[i].mac, view);
		}
	for (size_t l = 0; r == 0 && l < m->fleet.model->link_count; l++) {
		const struct link *link = &m->fleet.model->links[l];
		const char *node =
			link->node == MODEL_HOST ? NULL : m->fleet.model->nodes[link->node].name;

		if (!node)
			r = seed_routes(m, link, err);
		if (!node || !link->has_mac)
			continue;
		if (!capture_names_view(&m->own, node, strlen(node), &view))
			r = err_oom(err);
		else if (view)
			oneway_seed_mac(m->oneway, &link->mac, view);
	}
	return r;
}

static int look_at_fleet(struct measure *m, struct netsim *ctx, struct netsim_err *err)
{
	int r = fleet_open(&ctx->state, m->how->fleet, FLEET_LOOK_INSIDE, &m->fleet, err);

	if (r == 0 && !(m->ret->fleet = arena_strdup(m->ret, m->fleet.name)))
		r = err_oom(err);
	if (r == 0)
		r = find_ports(m, err);
	m->ret->port_count = m->port_count;
	m->ret->one_end = r == 0 && model_machine(m->fleet.model) >= 0;
	return r == 0 ? find_only(m, err) : r;
}

/* --- counters */

/* Missing counters do not fail the measurement; the result gives the reason. */
static void note_uncounted(struct measure *m, const struct netsim_err *err)
{
	m->ret->uncounted = arena_strdup(m->ret, err->what);
}

static void open_counters(struct measure *m, struct netsim *ctx)
{
	struct netsim_err err = {0};

	if (traffic_open(ctx, m->fleet.name, &m->counting, &err) < 0)
		note_uncounted(m, &err);
}

static void read_counters(struct measure *m, struct netsim_traffic **ret)
{
	struct netsim_err err = {0};

	if (!m->ret->uncounted && traffic_read(&m->counting, ret, &err) < 0)
		note_uncounted(m, &err);
}

/* --- packets */

static int take_packet(struct measure *m, const struct live_packet *live, struct netsim_err *err)
{
	struct packet packet;

	if (live->time_ns < m->begin_ns)
		return 0;
	/* Packets arrive in order: an earlier time from now on means that the clock was set. */
	m->begin_ns = INT64_MIN;
	packet_decode(PACKET_ETHERNET, live->data, live->captured, live->length, &packet);
	packet.view = m->views[live->port];
	packet.seen = live->sent ? PACKET_SENT : PACKET_DELIVERED;
	if (live->time_ns <= m->until_ns) {
		m->packets++;
		if (!flow_add(m->flow, &packet, live->time_ns))
			return err_oom(err);
	} else if (live->sent) {
		return 0;
	}
	/* One-way delay and loss need the packets at both ends. */
	if (m->ret->one_end)
		return 0;
	return oneway_add(m->oneway, &packet, live->time_ns) ? 0 : err_oom(err);
}

static bool all_gone(const struct measure *m)
{
	for (size_t i = 0; i < m->port_count; i++)
		if (!live_gone(m->live, i))
			return false;
	return true;
}

/* Reports changes of ports; *ret_end is true if none is left or the caller wants to stop. */
static int look_at_ports(struct measure *m, const struct netsim_progress *now, bool *ret_end,
			 struct netsim_err *err)
{
	const struct port_changes changes = {.root = m->ret,
					     .list = &m->ret->changes,
					     .count = &m->ret->change_count,
					     .names = m->port_names,
					     .progress = m->how->progress,
					     .arg = m->how->arg};
	int r = port_changes_look(&changes, m->live, now, ret_end, err);

	*ret_end |= all_gone(m);
	return r;
}

static int look_at_faults(struct measure *m, struct netsim_err *err)
{
	return measure_faults_look(m->counting.policy, m->steady_ns, m->ret, err);
}

/* Periodic work: ports, faults and progress. */
static int look_around(struct measure *m, int64_t elapsed_ns, bool *ret_end, struct netsim_err *err)
{
	const struct netsim_progress now = {
		.done = -1, .packets = m->packets, .elapsed_ns = elapsed_ns};
	int r = look_at_ports(m, &now, ret_end, err);

	if (r == 0 && !*ret_end)
		r = look_at_faults(m, err);
	if (r == 0 && !*ret_end)
		*ret_end = m->how->progress && m->how->progress(m->how->arg, &now);
	return r;
}

/* Time to wait for a packet: up to the end or the next periodic check, in ms. */
static int wait_ms(int64_t left_ns, int64_t since_asked_ns)
{
	int64_t next_ns = WAIT_MS * NS_PER_MS - since_asked_ns;

	if (left_ns < next_ns)
		next_ns = left_ns;
	return next_ns < 0 ? 0 : (int)(next_ns / NS_PER_MS) + 1;
}

/*
 * Follows packets for duration_ns; with ask, ends earlier if the caller stops it or no port is
 * left. Uses CLOCK_MONOTONIC, so setting the clock does not matter.
 */
static int follow(struct measure *m, int64_t duration_ns, bool ask, struct netsim_err *err)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC), asked = begin, at = begin;
	bool end = false;

	for (;;) {
		struct live_packet packet;
		int r = live_next(m->live, wait_ms(duration_ns - (at - begin), at - asked), &packet,
				  err);

		if (r > 0)
			r = take_packet(m, &packet, err);
		if (r < 0)
			return r;
		at = clock_ns(CLOCK_MONOTONIC);
		if (at - begin >= duration_ns)
			return 0;
		if (at - asked < WAIT_MS * NS_PER_MS)
			continue;
		asked = at;
		if (!ask)
			continue;
		r = look_around(m, at - begin, &end, err);
		if (r < 0 || end)
			return r;
	}
}

/* Measures, then waits for packets still in flight: twice the longest one-way delay seen. */
static int follow_to_the_end(struct measure *m, struct netsim_err *err)
{
	int64_t duration = m->how->duration_ns ? m->how->duration_ns : INT64_MAX, flight;
	struct live_packet packet;
	int r;

	read_counters(m, &m->before);
	m->begin_ns = clock_ns(CLOCK_REALTIME);
	m->steady_ns = policy_now();
	if (__builtin_add_overflow(m->begin_ns, duration, &m->until_ns))
		m->until_ns = INT64_MAX;
	r = look_at_faults(m, err);
	if (r == 0)
		r = follow(m, duration, true, err);
	if (r == 0)
		r = look_at_faults(m, err);
	if (r < 0)
		return r;
	if (clock_ns(CLOCK_REALTIME) < m->until_ns)
		m->until_ns = clock_ns(CLOCK_REALTIME);
	read_counters(m, &m->after);
	flight = oneway_longest(m->oneway) * 2;
	if (flight < FLIGHT_LEAST_NS)
		flight = FLIGHT_LEAST_NS;
	if (flight > FLIGHT_MOST_NS)
		flight = FLIGHT_MOST_NS;
	r = follow(m, flight, false, err);
	live_stop(m->live);
	while (r == 0 && (r = live_next(m->live, 0, &packet, err)) > 0)
		r = take_packet(m, &packet, err);
	flow_finish(m->flow);
	oneway_finish(m->oneway, m->until_ns + flight);
	return r;
}

/* --- the measurement */

static void count_missed(struct measure *m)
{
	for (size_t i = 0; i < m->port_count; i++) {
		struct live_counts counts;

		live_counts(m->live, i, &counts);
		m->ret->missed += counts.dropped;
		m->ret->gone_count += live_gone(m->live, i);
	}
}

static void give_counted(struct measure *m)
{
	if (m->ret->uncounted || !m->before || !m->after)
		return;
	traffic_subtract(m->before, m->after);
	m->ret->counted = m->after;
	m->after = NULL;
}

static int measure(struct measure *m, struct netsim *ctx, struct netsim_diags *diags,
		   struct netsim_err *err)
{
	const struct netsim_progress last = {.done = -1};
	struct live_options options = {.snap = SNAP};
	struct analysis analysis = {0};
	bool end;
	int r = classes_open(m->how->class_file, &m->classes, diags, err);

	if (r == 0)
		r = look_at_fleet(m, ctx, err);
	if (r == 0)
		r = flow_new(m->classes, 0, &m->flow, err);
	if (r == 0)
		r = oneway_new(m->classes, 0, &m->oneway, err);
	if (r == 0)
		r = seed_addresses(m, err);
	if (r < 0)
		return r;
	if (BUFFER_TOTAL / m->port_count >= BUFFER_LEAST)
		options.buffer = BUFFER_TOTAL / m->port_count < BUFFER ?
					 (uint32_t)(BUFFER_TOTAL / m->port_count) :
					 BUFFER;
	/* Before the ports open: loading programs can take longer than their buffers last. */
	open_counters(m, ctx);
	options.own = m->ret->one_end;
	r = live_open(m->ports, m->port_count, &options, &m->live, err);
	if (r == 0)
		r = follow_to_the_end(m, err);
	if (r == 0)
		r = look_at_ports(m, &last, &end, err);
	if (r == 0) {
		count_missed(m);
		give_counted(m);
		/* At the end: addresses of guests are known once they have sent. */
		r = find_names(m, err);
	}
	if (r == 0)
		r = analysis_rows(&(struct analysis_input) {.flow = m->flow,
							    .oneway = m->oneway,
							    .classes = m->classes,
							    .names = &m->names,
							    .connections = m->how->connections},
				  &analysis, err);
	if (r < 0)
		analysis_done(&analysis);
	else
		r = analysis_publish(&analysis, &m->ret->analysis, err);
	return r;
}

int netsim_measure(struct netsim *ctx, const struct netsim_measure_opts *opts,
		   struct netsim_measurement **ret, struct netsim_diags *diags,
		   struct netsim_err *err)
{
	struct netsim_measure_opts o;
	struct measure m = {.how = &o,
			    .ret = arena_new(sizeof(*m.ret)),
			    .fleet = FLEET_NONE,
			    .counting = FLEET_NONE};
	int r = m.ret ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (r == 0)
		r = measure(&m, ctx, diags, err);
	measure_done(&m);
	if (r < 0)
		netsim_measurement_free(m.ret);
	else
		*ret = m.ret;
	return r;
}

void netsim_measurement_free(struct netsim_measurement *measurement)
{
	if (measurement) {
		netsim_analysis_free(measurement->analysis);
		netsim_traffic_free(measurement->counted);
	}
	arena_free(measurement);
}
