/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of the conditions of hops: a fleet with its numbers in a policy, and
 * entries as text. Include after cmocka.h.
 */
#ifndef TESTS_UNIT_FLEET_H
#define TESTS_UNIT_FLEET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/profile.h"
#include "netsim/policy/policy_parts.h"
#include "netsim/shape/edt.h"
#include "netsim/util/auto.h"

#define SECOND 1000000000ULL

/* Numbers: nodes 1 to 4, links from 11. */
static const char *const fleet_ports[] = {
	"netsim:f/a/eth0 @server", "netsim:f/a/eth1 @server", "netsim:f/b/eth0 @server",
	"netsim:f/c/eth0",	   "netsim:f/d/eth0",
};
static const uint16_t fleet_nodes[] = {1, 1, 2, 3, 4};
static const char *const fleet_names[] = {"host", "a", "b", "c", "d"};

static inline struct model *fleet_make(void)
{
	struct model *fleet = model_new("f");

	assert_non_null(fleet);
	for (int i = 1; i <= 4; i++) {
		struct model_node *node = model_add_node(fleet, fleet_names[i]);

		assert_non_null(node);
		if (i > 2)
			continue;
		node->roles = calloc(1, sizeof(*node->roles));
		assert_non_null(node->roles);
		node->roles[0] = strdup("server");
		node->role_count = 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fleet_ports); i++) {
		char name[8];
		struct link *link;

		snprintf(name, sizeof(name), "p%zu", i);
		link = model_add_link(fleet, MODEL_HOST, name, LINK_VETH);
		assert_non_null(link);
		link->alias = strdup(fleet_ports[i]);
		link->ifindex = (int)i + 100;
	}
	return fleet;
}

/* Sets this fleet's numbers in a policy whose memory is allocated. */
static inline void fleet_number(struct policy *policy, const struct model *fleet)
{
	policy->link_numbers = calloc(fleet->link_count + 1, sizeof(*policy->link_numbers));
	assert_non_null(policy->link_numbers);
	for (uint32_t i = 0; i < fleet->link_count; i++) {
		policy->link_numbers[i] = 11 + i;
		policy->links[11 + i].node = fleet_nodes[i];
	}
	for (size_t i = 0; i < fleet->node_count; i++)
		policy->names[i + 1] = fleet->nodes[i].name;
}

/* A policy in plain memory, without maps. */
static inline struct policy *fleet_policy(const struct model *fleet)
{
	struct policy *policy = policy_new();

	assert_non_null(policy);
	policy->control = calloc(1, sizeof(*policy->control));
	policy->nodes = calloc(2 * PORT_NODES, sizeof(*policy->nodes));
	policy->links = calloc(PORT_LINKS, sizeof(*policy->links));
	assert_true(policy->control && policy->nodes && policy->links);
	fleet_number(policy, fleet);
	return policy;
}

static inline void fleet_policy_free(struct policy *policy)
{
	free(policy->control);
	free(policy->nodes);
	free(policy->links);
	policy->control = NULL;
	policy->nodes = NULL;
	policy->links = NULL;
	policy_close(policy);
}

static inline struct profile *fleet_profile(const char *text)
{
	struct netsim_diags diags = {0};
	struct profile *profile = NULL;

	if (profile_parse("profiles/f.yaml", text, strlen(text), &profile, &diags) < 0)
		fail_msg("%s: %s", text, diags.list[0].what);
	return profile;
}

static inline int fleet_key(const struct port_key *key, char *buf, size_t size)
{
	const char *from = key->from < 5 ? fleet_names[key->from] : "*";
	const char *to = key->to < 5 ? fleet_names[key->to] : "*";
	int n = key->layer ? snprintf(buf, size, "%u ", key->layer) : 0;

	buf += n;
	size -= (size_t)n;
	switch (key->hop) {
	case PORT_HOP_UP:
		return n + snprintf(buf, size, "up %s", fleet_ports[key->from - 11] + 9);
	case PORT_HOP_DOWN:
		return n + snprintf(buf, size, "down %s", fleet_ports[key->to - 11] + 9);
	case PORT_HOP_VLAN:
		return n + snprintf(buf, size, "vlan %s %u", from, key->to);
	default:
		n += snprintf(buf, size, "%s>%s", from, to);
		return key->class ? n + snprintf(buf + strlen(buf), size - strlen(buf), " #%u",
						 key->class) :
				    n;
	}
}

static inline int fleet_compare_lines(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Formats entries, one per line, sorted: "1 up a/eth0 @server: delay 1ms". */
static inline char *fleet_text(const struct policy_entry *entries, size_t count)
{
	char(*lines)[256] = calloc(count + 1, sizeof(*lines));
	char *text = calloc(count + 1, sizeof(*lines));

	assert_true(lines && text);
	for (size_t i = 0; i < count; i++) {
		const struct port_conditions *c = &entries[i].conditions;
		struct conditions shown;
		char buf[160];
		int n = fleet_key(&entries[i].key, lines[i], sizeof(lines[i]));

		edt_read(c, &shown);
		conditions_format(&shown, buf, sizeof(buf));
		snprintf(lines[i] + n, sizeof(lines[i]) - (size_t)n, ": %s%s%s%s\n", buf,
			 c->has & PORT_HAS_TRACE ? " trace" : "",
			 !(c->has & PORT_HAS_DOWN) ? "" :
			 c->down_period		   ? " flaps" :
						     " is down",
			 c->deadline ? " until" : "");
	}
	qsort(lines, count, sizeof(*lines), fleet_compare_lines);
	for (size_t i = 0; i < count; i++)
		strcat(text, lines[i]);
	free(lines);
	return text;
}

static inline void fleet_expect(const struct policy_entry *entries, size_t count, const char *want)
{
	auto_free char *text = fleet_text(entries, count);

	if (strcmp(text, want) != 0)
		fail_msg("got:\n%swanted:\n%s", text, want);
}

#endif
