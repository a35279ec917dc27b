// SPDX-License-Identifier: GPL-2.0-or-later
/* Shared by all kinds of rows: names, and figures of one direction. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/flow/analysis_parts.h"
#include "netsim/util/array.h"

/* --- names */

int analysis_names_add(struct analysis_names *names, const struct ip *ip, const char *name)
{
	struct analysis_name *slot = array_push(names->list, names->count);

	if (!slot)
		return -ENOMEM;
	slot->ip = *ip;
	slot->ip.plen = ip->family == AF_INET6 ? 128 : 32;
	slot->name = strdup(name);
	return slot->name ? 0 : -ENOMEM;
}

int analysis_names_of(const struct topo *topo, struct analysis_names *ret)
{
	int r = 0;

	for (size_t n = 0; r == 0 && n < topo->network_count; n++)
		for (size_t i = 0; r == 0 && i < topo->networks[n].address_count; i++)
			r = analysis_names_add(ret, &topo->networks[n].addresses[i].ip, "host");
	for (size_t n = 0; r == 0 && n < topo->node_count; n++)
		for (size_t i = 0; r == 0 && i < topo->nodes[n].iface_count; i++) {
			const struct iface *iface = &topo->nodes[n].ifaces[i];

			for (size_t a = 0; r == 0 && a < iface->address_count; a++)
				r = analysis_names_add(ret, &iface->addresses[a].ip,
						       topo->nodes[n].name);
		}
	return r;
}

void analysis_names_done(struct analysis_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i].name);
	free(names->list);
	*names = (struct analysis_names) {0};
}

const char *builder_keep(struct builder *b, const char *text)
{
	char **slot = array_push(b->ret->names, b->ret->name_count);

	if (!slot)
		return NULL;
	*slot = strdup(text);
	return *slot;
}

/* Interns the text: names are compared by pointer. */
static const char *keep_once(struct builder *b, const char *text)
{
	for (size_t n = 0; n < b->ret->name_count; n++)
		if (strcmp(b->ret->names[n], text) == 0)
			return b->ret->names[n];
	return builder_keep(b, text);
}

const char *builder_view_name(const struct builder *b, uint16_t view)
{
	return b->names && view && view <= b->names->view_count ? b->names->views[view - 1] : NULL;
}

/* Link-local addresses are not routed, so their owner is the node that sent from one. */
static const char *name_of_sender(const struct builder *b, uint32_t number, const struct ip *ip)
{
	if (!ip_is_link_local(ip))
		return NULL;
	for (size_t g = 0; g < b->group_count; g++) {
		const struct flow_group *group = &b->groups[g];

		if ((group->addresses[0] == number && group->local == FLOW_FIRST_LOCAL) ||
		    (group->addresses[1] == number && group->local == FLOW_SECOND_LOCAL))
			return builder_view_name(b, group->view);
	}
	return NULL;
}

const char *builder_address_name(struct builder *b, uint32_t number)
{
	uint8_t version;
	const struct flow_address *address = flow_address(b->flow, number, &version);
	struct ip ip = {.family = version == 6 ? AF_INET6 : AF_INET,
			.plen = version == 6 ? 128 : 32};
	const char *sender;
	char text[UNIT_TEXT];

	if (number == FLOW_NO_ADDRESS)
		return "-";
	memcpy(ip.b, address, version == 6 ? 16 : 4);
	for (size_t i = 0; b->names && i < b->names->count; i++)
		if (ip_equal(&b->names->list[i].ip, &ip)) {
			snprintf(text, sizeof(text), "%.63s", b->names->list[i].name);
			return keep_once(b, text);
		}
	sender = name_of_sender(b, number, &ip);
	return sender ? keep_once(b, sender) : builder_keep(b, unit_format_address(&ip, text));
}

const char *builder_class_name(const struct builder *b, unsigned class)
{
	return b->classes && class < b->classes->count ? b->ret->names[class] : b->other;
}

bool builder_wants_row(const struct builder *b, const char *from, const char *to)
{
	for (size_t i = 0; b->names && i < b->names->only_count; i++)
		if ((from && strcmp(b->names->only[i], from) == 0) ||
		    (to && strcmp(b->names->only[i], to) == 0))
			return true;
	return !b->names || !b->names->only_count;
}

/* --- figures */

void builder_fill_rtt(const struct histogram *h, struct netsim_rtt *ret)
{
	ret->count = h->count;
	ret->min_ns = (int64_t)h->min;
	ret->max_ns = (int64_t)h->max;
	ret->mean_ns = histogram_mean(h);
	ret->p50_ns = (int64_t)histogram_percentile(h, 0.5);
	ret->p90_ns = (int64_t)histogram_percentile(h, 0.9);
	ret->p99_ns = (int64_t)histogram_percentile(h, 0.99);
}

void builder_add_counts(struct netsim_flow_direction *way, const uint64_t counts[FLOW_COUNTS])
{
	way->fast += counts[FLOW_FAST];
	way->timeout += counts[FLOW_TIMEOUT];
	way->spurious += counts[FLOW_SPURIOUS];
	way->reordered += counts[FLOW_REORDERED];
	way->resent += counts[FLOW_RESENT];
	way->dup_acks += counts[FLOW_DUP_ACKS];
	way->zero_windows += counts[FLOW_ZERO_WINDOWS];
	way->resets += counts[FLOW_RESETS];
}

static uint64_t row_bytes(const struct netsim_flow_row *row)
{
	return row->directions[0].bytes + row->directions[1].bytes;
}

int builder_compare_rows(const void *a, const void *b)
{
	const struct netsim_flow_row *x = a, *y = b;
	uint64_t p = row_bytes(x), q = row_bytes(y);

	if (p != q)
		return p < q ? 1 : -1;
	return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}
