// SPDX-License-Identifier: GPL-2.0-or-later
/* A measurement of live traffic as JSON: the analysis, and members for a live fleet only. */
#include "fault_print.h"
#include "port_changes.h"
#include "report.h"

static json_t *counters_of(const struct netsim_traffic *counted)
{
	json_t *list = json_array();

	for (size_t i = 0; counted && i < counted->flow_count; i++) {
		const struct netsim_flow *flow = counted->flows[i];

		json_array_append_new(list, json_pack("{s:s?, s:s?, s:s, s:I, s:I, s:o, s:I, s:I}",
						      "from", flow->from, "to", flow->to, "class",
						      flow->class_name, "packets",
						      (json_int_t)flow->packets, "bytes",
						      (json_int_t)flow->bytes, "dropped",
						      analyze_dropped_json(flow), "copied",
						      (json_int_t)flow->copied, "corrupted",
						      (json_int_t)flow->corrupted));
	}
	return list;
}

static json_t *faults_of(const struct netsim_measurement *m)
{
	json_t *list = json_array();
	char text[600];

	for (size_t i = 0; i < m->fault_count; i++) {
		const struct netsim_fault *fault = m->faults[i];

		json_array_append_new(
			list, json_pack("{s:i, s:s, s:I, s:o}", "fault", (int)fault->id, "text",
					fault_text(fault, text, sizeof(text)), "begin_ns",
					(json_int_t)fault->begin_ns, "end_ns",
					fault->end_ns ? json_integer(fault->end_ns) : json_null()));
	}
	return list;
}

json_t *measurement_object(const struct netsim_measurement *m, const struct analyze_view *view)
{
	json_t *json = analyze_object(m->analysis, m->counted, view);

	json_object_set_new(json, "fleet", json_string(m->fleet));
	json_object_set_new(json, "ports", json_integer((json_int_t)m->port_count));
	json_object_set_new(json, "missed", json_integer((json_int_t)m->missed));
	json_object_set_new(json, "gone", json_integer((json_int_t)m->gone_count));
	json_object_set_new(json, "one_end", json_boolean(m->one_end));
	json_object_set_new(json, "faults", faults_of(m));
	json_object_set_new(json, "changes", port_changes_json(m->changes, m->change_count));
	json_object_set_new(json, "counters", counters_of(m->counted));
	return json;
}
