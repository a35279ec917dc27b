/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prometheus.h"

#include <inttypes.h>
#include <string.h>

#include "out.h"

/*
 * The format requires all samples of a metric family to be adjacent, so each family is
 * written by a separate walk over the fleets.
 */
struct writer {
	FILE *out;
	const struct netsim_status *status;
	struct netsim_traffic *const *traffic;
	size_t traffic_count;
	const char *family;
	int labels; /* number written for the current sample */
};

static void family(struct writer *w, const char *name, const char *type, const char *help)
{
	w->family = name;
	fprintf(w->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void begin(struct writer *w)
{
	fputs(w->family, w->out);
	w->labels = 0;
}

static void label(struct writer *w, const char *name, const char *value)
{
	fprintf(w->out, "%c%s=\"", w->labels++ ? ',' : '{', name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			fputc('\\', w->out);
		if (*value == '\n')
			fputs("\\n", w->out);
		else
			fputc(*value, w->out);
	}
	fputc('"', w->out);
}

static void end_count(struct writer *w, uint64_t value)
{
	fprintf(w->out, "%s %" PRIu64 "\n", w->labels ? "}" : "", value);
}

static void end_seconds(struct writer *w, int64_t ns)
{
	fprintf(w->out, "%s %.3f\n", w->labels ? "}" : "", (double)ns / 1e9);
}

/* --- fleets and nodes */

static void fleets(struct writer *w)
{
	const struct netsim_status *status = w->status;

	family(w, "netsim_fleet_info", "gauge", "The profile and the engine of a fleet.");
	for (size_t i = 0; i < status->fleet_count; i++) {
		const struct netsim_fleet *fleet = status->fleets[i];
		const char *engine = engine_name(fleet->engine);

		begin(w);
		label(w, "fleet", fleet->name);
		label(w, "profile", fleet->profile ? fleet->profile : "");
		label(w, "engine", engine ? engine : "");
		end_count(w, 1);
	}
	family(w, "netsim_fleet_nodes", "gauge", "Number of nodes of a fleet.");
	for (size_t i = 0; i < status->fleet_count; i++) {
		begin(w);
		label(w, "fleet", status->fleets[i]->name);
		end_count(w, status->fleets[i]->node_count);
	}
	family(w, "netsim_node_reaches", "gauge",
	       "Number of other nodes that a node's frames reach.");
	for (size_t i = 0; i < status->fleet_count; i++)
		for (size_t n = 0; n < status->fleets[i]->node_count; n++) {
			begin(w);
			label(w, "fleet", status->fleets[i]->name);
			label(w, "node", status->fleets[i]->nodes[n]->name);
			end_count(w, status->fleets[i]->nodes[n]->reaches);
		}
}

static void fault_labels(struct writer *w, const struct netsim_fleet *fleet,
			 const struct netsim_fault *fault)
{
	char number[16], text[600];

	snprintf(number, sizeof(number), "%" PRIu32, fault->id);
	snprintf(text, sizeof(text), "%s%s%s", fault->name ? fault->name : "",
		 fault->name ? ": " : "", fault->text);
	begin(w);
	label(w, "fleet", fleet->name);
	label(w, "fault", number);
	label(w, "name", fault->name ? fault->name : "");
	label(w, "text", text);
}

/* waiting_family(W, NAME, HELP, MEMBER): the numbers of struct netsim_fleet at that offset */
static void waiting_family(struct writer *w, const char *name, const char *help, size_t member)
{
	const struct netsim_status *status = w->status;

	family(w, name, "gauge", help);
	for (size_t i = 0; i < status->fleet_count; i++) {
		begin(w);
		label(w, "fleet", status->fleets[i]->name);
		end_count(w, *(const uint64_t *)((const char *)status->fleets[i] + member));
	}
}

static void waiting(struct writer *w)
{
	waiting_family(w, "netsim_waiting_packets", "Packets that wait because faults hold them.",
		       offsetof(struct netsim_fleet, waiting_packets));
	waiting_family(w, "netsim_waiting_bytes", "Bytes of the packets that wait.",
		       offsetof(struct netsim_fleet, waiting_bytes));
}

static void faults(struct writer *w)
{
	const struct netsim_status *status = w->status;

	family(w, "netsim_fault_active", "gauge", "Faults that are in force.");
	for (size_t i = 0; i < status->fleet_count; i++)
		for (size_t f = 0; f < status->fleets[i]->fault_count; f++) {
			fault_labels(w, status->fleets[i], status->fleets[i]->faults[f]);
			end_count(w, !status->fleets[i]->faults[f]->problem);
		}
	family(w, "netsim_fault_left_seconds", "gauge", "Seconds until the deadline of a fault.");
	for (size_t i = 0; i < status->fleet_count; i++)
		for (size_t f = 0; f < status->fleets[i]->fault_count; f++) {
			const struct netsim_fault *fault = status->fleets[i]->faults[f];

			if (fault->left_ns < 0)
				continue;
			fault_labels(w, status->fleets[i], fault);
			end_seconds(w, fault->left_ns);
		}
}

/* --- links */

static void port_labels(struct writer *w, const struct netsim_fleet *fleet,
			const struct netsim_node *node, const struct netsim_port *port)
{
	begin(w);
	label(w, "fleet", fleet->name);
	label(w, "node", node->name);
	label(w, "interface", port->iface);
	label(w, "port", port->name);
}

enum figure { PACKETS, BYTES, DROPS, QUEUED };

static uint64_t figure_of(const struct netsim_direction *d, enum figure figure)
{
	switch (figure) {
	case PACKETS:
		return d->packets;
	case BYTES:
		return d->bytes;
	case DROPS:
		return d->drops;
	case QUEUED:
		break;
	}
	return d->queued;
}

/* Without a qdisc of netsim's, what passed is not known: 0 would be wrong. */
static bool is_known(const struct netsim_direction *d, enum figure figure)
{
	return d->counted || (figure != PACKETS && figure != BYTES);
}

static void port_figure(struct writer *w, enum figure figure, const struct netsim_direction *d,
			const char *direction)
{
	label(w, "direction", direction);
	end_count(w, figure_of(d, figure));
}

static void port_figures(struct writer *w, enum figure figure, const struct netsim_fleet *fleet,
			 const struct netsim_node *node, const struct netsim_port *port)
{
	if (is_known(port->from, figure)) {
		port_labels(w, fleet, node, port);
		port_figure(w, figure, port->from, "up");
	}
	if (is_known(port->to, figure)) {
		port_labels(w, fleet, node, port);
		port_figure(w, figure, port->to, "down");
	}
}

static void bare_figures(struct writer *w, enum figure figure, const struct netsim_bare *bare)
{
	begin(w);
	label(w, "interface", bare->device);
	label(w, "direction", "up");
	end_count(w, figure_of(bare->out, figure));
	begin(w);
	label(w, "interface", bare->device);
	label(w, "direction", "down");
	end_count(w, figure_of(bare->in, figure));
}

/* Writes the counters of the qdiscs; without a qdisc, nothing is dropped or queued in it. */
static void link_figures(struct writer *w, enum figure figure)
{
	const struct netsim_status *status = w->status;

	for (size_t i = 0; i < status->fleet_count; i++) {
		const struct netsim_fleet *fleet = status->fleets[i];

		for (size_t n = 0; n < fleet->node_count; n++)
			for (size_t p = 0; p < fleet->nodes[n]->port_count; p++)
				port_figures(w, figure, fleet, fleet->nodes[n],
					     fleet->nodes[n]->ports[p]);
		for (size_t n = 0; n < fleet->cable_count; n++)
			for (size_t p = 0; p < fleet->cables[n]->port_count; p++)
				port_figures(w, figure, fleet, fleet->cables[n],
					     fleet->cables[n]->ports[p]);
	}
	for (size_t i = 0; i < status->bare_count; i++)
		bare_figures(w, figure, status->bare[i]);
}

static void links_up(struct writer *w, const struct netsim_fleet *fleet,
		     const struct netsim_node *node)
{
	for (size_t p = 0; p < node->port_count; p++) {
		port_labels(w, fleet, node, node->ports[p]);
		end_count(w, node->ports[p]->up);
	}
}

static void links(struct writer *w)
{
	const struct netsim_status *status = w->status;

	family(w, "netsim_link_up", "gauge", "Whether the port of a link is up (1) or not (0).");
	for (size_t i = 0; i < status->fleet_count; i++) {
		const struct netsim_fleet *fleet = status->fleets[i];

		for (size_t n = 0; n < fleet->node_count; n++)
			links_up(w, fleet, fleet->nodes[n]);
		for (size_t n = 0; n < fleet->cable_count; n++)
			links_up(w, fleet, fleet->cables[n]);
	}
	family(w, "netsim_link_packets_total", "counter",
	       "Packets that passed the qdisc of a link.");
	link_figures(w, PACKETS);
	family(w, "netsim_link_bytes_total", "counter", "Bytes that passed the qdisc of a link.");
	link_figures(w, BYTES);
	family(w, "netsim_link_dropped_total", "counter",
	       "Packets that the qdisc of a link dropped.");
	link_figures(w, DROPS);
	family(w, "netsim_link_queued_packets", "gauge", "Packets queued at a link.");
	link_figures(w, QUEUED);
}

/* --- traffic */

static void flow_labels(struct writer *w, const struct netsim_traffic *traffic,
			const struct netsim_flow *flow)
{
	begin(w);
	label(w, "fleet", traffic->fleet);
	label(w, "from", flow->from ? flow->from : "");
	label(w, "to", flow->to ? flow->to : "");
	label(w, "class", flow->class_name);
}

static void flow_family(struct writer *w, const char *name, const char *help, size_t member)
{
	family(w, name, "counter", help);
	for (size_t i = 0; i < w->traffic_count; i++)
		for (size_t f = 0; f < w->traffic[i]->flow_count; f++) {
			const struct netsim_flow *flow = w->traffic[i]->flows[f];
			uint64_t value;

			memcpy(&value, (const char *)flow + member, sizeof(value));
			flow_labels(w, w->traffic[i], flow);
			end_count(w, value);
		}
}

static void drops(struct writer *w)
{
	static const char *const reasons[] = {"partition", "down", "loss", "queue", "size"};

	family(w, "netsim_dropped_total", "counter",
	       "Packets that were dropped between two nodes.");
	for (size_t i = 0; i < w->traffic_count; i++)
		for (size_t f = 0; f < w->traffic[i]->flow_count; f++)
			for (int why = 0; why <= NETSIM_DROPS; why++) {
				const struct netsim_flow *flow = w->traffic[i]->flows[f];

				flow_labels(w, w->traffic[i], flow);
				label(w, "reason", reasons[why]);
				end_count(w, why < NETSIM_DROPS ? flow->dropped[why] :
								  flow->oversized);
			}
}

void prometheus_print(FILE *out, const struct netsim_status *status,
		      struct netsim_traffic *const *traffic, size_t count)
{
	struct writer w = {
		.out = out, .status = status, .traffic = traffic, .traffic_count = count};

	fleets(&w);
	faults(&w);
	waiting(&w);
	links(&w);
	flow_family(&w, "netsim_packets_total", "Packets that passed between two nodes.",
		    offsetof(struct netsim_flow, packets));
	flow_family(&w, "netsim_bytes_total", "Bytes that passed between two nodes.",
		    offsetof(struct netsim_flow, bytes));
	drops(&w);
	flow_family(&w, "netsim_copied_total", "Duplicated packets.",
		    offsetof(struct netsim_flow, copied));
	flow_family(&w, "netsim_corrupted_total", "Corrupted packets.",
		    offsetof(struct netsim_flow, corrupted));
	flow_family(&w, "netsim_held_total", "Packets that faults have held.",
		    offsetof(struct netsim_flow, affected[NETSIM_EFFECT_HOLD]));
}
