/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/expected.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/classes.h"
#include "netsim/policy/policy.h"
#include "netsim/util/ring.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

static bool alive(const struct intent *intent, const struct intent_fault *fault)
{
	return !fault->deadline || intent->now < fault->deadline;
}

static const char *end_name(struct expected_end end)
{
	return end.node ? end.node->name : "host";
}

static struct profile_end profile_end(struct expected_end end)
{
	struct profile_end ret = {.name = end_name(end)};

	if (end.node) {
		ret.roles = (const char *const *)end.node->roles;
		ret.role_count = end.node->role_count;
	}
	return ret;
}

/* True if a target's word of the given length (not terminated) names the end. */
static bool names_end(const char *word, size_t length, struct expected_end end)
{
	char pattern[128];

	if (length >= sizeof(pattern))
		return false;
	memcpy(pattern, word, length);
	pattern[length] = 0;
	if (!end.node || strcmp(pattern, "host") == 0)
		return !end.node && strcmp(pattern, "host") == 0;
	return name_match(pattern, end.node->name, (const char *const *)end.node->roles,
			  end.node->role_count);
}

/* Returns the next word and its length in *ret; NULL after the last. */
static const char *next_word(const char **rest, size_t *ret)
{
	const char *word = *rest ? *rest + strspn(*rest, " ") : "";

	*ret = strcspn(word, " ");
	*rest = word + *ret;
	return *ret ? word : NULL;
}

/* True for a fault without a class whose targets include the port. */
static bool affects_link(const struct intent_fault *fault, const struct expected_port *port)
{
	struct expected_end end = {port->node};
	const char *rest = fault->targets, *word;
	size_t length;

	if (fault->class)
		return false;
	while ((word = next_word(&rest, &length))) {
		const char *slash = memchr(word, '/', length);
		size_t name = slash ? (size_t)(slash - word) : length;

		if (memchr(word, ':', length) || !names_end(word, name, end))
			continue;
		if (!slash || (strlen(port->iface) == length - name - 1 &&
			       memcmp(slash + 1, port->iface, length - name - 1) == 0))
			return true;
	}
	return false;
}

/* True if a fault changes the path between two ends, for this class. */
static bool affects_path(const struct intent_fault *fault, struct expected_end from,
			 struct expected_end to, const char *class)
{
	const char *rest = fault->targets, *word;
	size_t length;

	if (fault->class && (!class || !class_matches_name(class, fault->class)))
		return false;
	while ((word = next_word(&rest, &length))) {
		const char *colon = memchr(word, ':', length);
		size_t first = colon ? (size_t)(colon - word) : length;

		if (colon && names_end(word, first, from) &&
		    names_end(colon + 1, length - first - 1, to))
			return true;
		if (!colon && fault->class &&
		    (names_end(word, length, from) || names_end(word, length, to)))
			return true;
	}
	return false;
}

/* The fault of a VLAN names the interface inside the node, not the port. */
static bool affects_vlan(const struct intent_fault *fault, const struct expected_port *port)
{
	struct expected_end end = {port->node};
	const char *rest = fault->targets, *word;
	size_t length;

	if (!port->vlan || fault->vlan != port->vlan)
		return false;
	while ((word = next_word(&rest, &length))) {
		const char *slash = memchr(word, '/', length);

		if (slash && names_end(word, (size_t)(slash - word), end))
			return true;
	}
	return false;
}

static int merge_fault(const struct intent_fault *fault, struct conditions *c,
		       struct netsim_err *err)
{
	struct conditions more;
	int r = conditions_parse(fault->conditions ? fault->conditions : "none", &more, err);

	if (r == 0)
		conditions_merge(c, &more);
	return r;
}

int expected_link(const struct intent *intent, const struct expected_port *port,
		  struct link_conditions *ret, enum expected_state *ret_state,
		  struct netsim_err *err)
{
	int r = intent_port(intent, port->node, port->iface, ret, err);

	*ret_state = EXPECTED_UP;
	for (size_t i = 0; r == 0 && i < intent->fault_count; i++) {
		const struct intent_fault *fault = &intent->faults[i];
		bool link = fault->kind == PORT_FAULT_LINK;

		if (!alive(intent, fault) || (!link && fault->kind != PORT_FAULT_CONDITIONS) ||
		    !(fault->vlan ? affects_vlan(fault, port) : affects_link(fault, port)))
			continue;
		if (link) {
			*ret_state = fault->period_ns ? EXPECTED_FLAPS : EXPECTED_DOWN;
			continue;
		}
		r = merge_fault(fault, &ret->up, err);
		if (r == 0)
			r = merge_fault(fault, &ret->down, err);
	}
	return r;
}

int expected_path(const struct intent *intent, struct expected_end from, struct expected_end to,
		  const char *class, struct conditions *ret, struct netsim_err *err)
{
	const struct profile *profile = intent_whole(intent);
	int r = 0;

	*ret = (struct conditions) {0};
	if (profile)
		r = profile_resolve_pair(profile, profile_end(from), profile_end(to), ret, err);
	for (int exact = 0; r == 0 && class && profile && exact <= 1; exact++)
		for (size_t i = 0; i < profile->class_count; i++)
			if (class_matches_name(class, profile->classes[i].name) &&
			    (strcmp(class, profile->classes[i].name) == 0) == exact)
				conditions_merge(ret, &profile->classes[i].conditions);
	for (size_t i = 0; r == 0 && i < intent->fault_count; i++) {
		const struct intent_fault *fault = &intent->faults[i];

		if (alive(intent, fault) && fault->kind == PORT_FAULT_CONDITIONS &&
		    affects_path(fault, from, to, class))
			r = merge_fault(fault, ret, err);
	}
	return r;
}

/* The index of a node's group in a partition, -1: none; in a ring, its place. */
static int group_of(const struct intent_fault *fault, const char *name)
{
	bool ring = fault->kind == PORT_FAULT_RING;
	size_t length = strlen(name), part;
	int place = 0;

	for (size_t i = 0; i < fault->group_count; i++)
		for (const char *p = fault->groups[i]; *p; p += part + (p[part] == ',')) {
			part = strcspn(p, ",");
			if (part == length && memcmp(p, name, length) == 0)
				return ring ? place : (int)i;
			place++;
		}
	return -1;
}

/* Whether a list "a,b,c" has a name. */
static bool lists(const char *list, const char *name)
{
	size_t length = strlen(name), part;

	for (const char *p = list; *p; p += part + (p[part] == ',')) {
		part = strcspn(p, ",");
		if (part == length && memcmp(p, name, length) == 0)
			return true;
	}
	return false;
}

/* Whether some group of a partition has both nodes. */
static bool share_group(const struct intent_fault *fault, const char *a, const char *b)
{
	for (size_t i = 0; i < fault->group_count; i++)
		if (lists(fault->groups[i], a) && lists(fault->groups[i], b))
			return true;
	return false;
}

/* Of groups in pairs, the first of each two cannot send to the second. */
static bool cuts_pair(const struct intent_fault *fault, const char *from, const char *to)
{
	for (size_t i = 0; i + 1 < fault->group_count; i += 2)
		if (lists(fault->groups[i], from) && lists(fault->groups[i + 1], to))
			return true;
	return false;
}

static size_t ring_size(const struct intent_fault *fault)
{
	size_t count = 1;

	for (const char *p = fault->groups[0]; *p; p++)
		count += *p == ',';
	return count;
}

static bool affects_traffic(const struct intent_fault *fault, struct expected_traffic traffic)
{
	if (fault->vlan && fault->vlan != traffic.vlan)
		return false;
	return !fault->class || (traffic.class && class_matches_name(traffic.class, fault->class));
}

/* Whether a partition cuts one node off from sending to another one. */
static bool cuts(const struct intent_fault *fault, const char *from, const char *to)
{
	int a, b;

	if (policy_has_pairs((enum port_fault_kind)fault->kind))
		return cuts_pair(fault, from, to);
	a = group_of(fault, from);
	b = group_of(fault, to);
	if (a < 0 || b < 0)
		return false;
	if (fault->kind == PORT_FAULT_RING)
		return ring_cuts(ring_size(fault), (size_t)a, (size_t)b);
	return fault->kind == PORT_FAULT_ISOLATE || !share_group(fault, from, to);
}

bool expected_cut(const struct intent *intent, struct expected_end from, struct expected_end to,
		  struct expected_traffic traffic)
{
	for (size_t i = 0; i < intent->fault_count; i++) {
		const struct intent_fault *fault = &intent->faults[i];

		if (alive(intent, fault) && from.node != to.node &&
		    affects_traffic(fault, traffic) && cuts(fault, end_name(from), end_name(to)))
			return true;
	}
	return false;
}

static int add_class(const char *class, const char ***ret, size_t *count)
{
	const char **slot;

	for (size_t i = 0; i < *count; i++)
		if (strcmp((*ret)[i], class) == 0)
			return 0;
	slot = array_push(*ret, *count);
	if (!slot)
		return -ENOMEM;
	*slot = class;
	return 0;
}

int expected_classes(const struct intent *intent, const char ***ret, size_t *count,
		     struct netsim_err *err)
{
	const struct profile *profile = intent_whole(intent);
	int r = 0;

	*ret = NULL;
	*count = 0;
	for (size_t i = 0; r == 0 && profile && i < profile->class_count; i++)
		r = add_class(profile->classes[i].name, ret, count);
	for (size_t i = 0; r == 0 && i < intent->fault_count; i++)
		if (alive(intent, &intent->faults[i]) && intent->faults[i].class)
			r = add_class(intent->faults[i].class, ret, count);
	return r < 0 ? err_oom(err) : 0;
}
