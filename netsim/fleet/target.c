/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/target.h"

#include <errno.h>
#include <string.h>

#include "netsim/fleet/topo_record.h"
#include "netsim/kernel/mark.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

static void free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* Links left by an interrupted run may have the fleet's group, but no alias. */
static bool has_group(const struct state *st, const char *fleet)
{
	for (size_t i = 0; i < st->host->link_count; i++)
		if (state_is_ours(&st->host->links[i], fleet))
			return true;
	return false;
}

static int choose_fleet(struct state *st, char **names, size_t count, const char *name, char **ret,
			struct netsim_err *err)
{
	const char *near;

	if (!name && count == 0)
		return -ENOENT;
	if (!name && count > 1) {
		err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL, "there are %zu fleets", count);
		err_hint(err, "choose one with --fleet: %s, %s%s", names[0], names[1],
			 count > 2 ? ", ..." : "");
		return -EINVAL;
	}
	for (size_t i = 0; i < count; i++)
		if (!name || strcmp(names[i], name) == 0) {
			*ret = strdup(names[i]);
			return *ret ? 0 : err_oom(err);
		}
	if (has_group(st, name)) {
		*ret = strdup(name);
		return *ret ? 0 : err_oom(err);
	}
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "there is no fleet %s", name);
	near = name_nearest(name, (const char *const *)names, count);
	if (near)
		err_hint(err, "did you mean %s?", near);
	return -ENOENT;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int target_fleets(struct state *st, char ***ret, size_t *ret_count, struct netsim_err *err)
{
	char **names = NULL;
	size_t count = 0;
	int r = state_fleets(st, &names, &count, err);

	if (r == 0)
		r = topo_record_fleets(st->own_id, &names, &count, err);
	if (r < 0) {
		free_names(names, count);
		return r;
	}
	if (count)
		qsort(names, count, sizeof(*names), by_name);
	*ret = names;
	*ret_count = count;
	return 0;
}

int target_fleet(struct state *st, const char *name, char **ret, struct netsim_err *err)
{
	char **names = NULL;
	size_t count = 0;
	int r = target_fleets(st, &names, &count, err);

	*ret = NULL;
	if (r == 0)
		r = choose_fleet(st, names, count, name, ret, err);
	free_names(names, count);
	return r;
}

/* An interface that is shaped without a fleet may be what the user means. */
static void hint_fleet(const struct model *host, struct netsim_err *err)
{
	for (size_t i = 0; i < host->link_count; i++) {
		struct mark mark;

		if (!state_is_ours(&host->links[i], MARK_BARE) ||
		    !mark_parse(host->links[i].alias, &mark))
			continue;
		err_hint(err,
			 "%s is shaped without one, which only apply, clear and status know; "
			 "build one with: netsim up FILE",
			 mark.node);
		return;
	}
	err_hint(err, "build one with: netsim up FILE");
}

int target_need_fleet(struct state *st, const char *name, char **ret, struct netsim_err *err)
{
	int r = target_fleet(st, name, ret, err);

	if (r == -ENOENT && !name) {
		err_set(err, NETSIM_ERR_USAGE, r, NULL, "no fleet is up");
		hint_fleet(st->host, err);
	}
	return r;
}

static int unknown_node(const struct model *model, const char *word, struct netsim_err *err)
{
	auto_free const char **names = NULL;
	bool role = *word == '@';
	const char *near = NULL;
	size_t count = 0;

	for (size_t i = 0; i < model->node_count; i++)
		count += 1 + model->nodes[i].role_count;
	names = calloc(count + 1, sizeof(*names));
	if (!names)
		return err_oom(err);
	count = 0;
	for (size_t i = 0; i < model->node_count; i++) {
		for (size_t k = 0; role && k < model->nodes[i].role_count; k++)
			names[count++] = model->nodes[i].roles[k];
		if (!role)
			names[count++] = model->nodes[i].name;
	}
	if (role || !name_is_pattern(word))
		near = name_nearest(word + role, names, count);
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL,
		name_is_pattern(word) ? "no node of the fleet %s matches %s" :
					"the fleet %s has no node %s",
		model->fleet, word);
	if (strchr(word, ','))
		err_hint(err, "separate the names by blanks");
	else if (near)
		err_hint(err, "did you mean %s%s?", role ? "@" : "", near);
	return -ENOENT;
}

bool target_place(const char *word, struct model_place *ret)
{
	const char *why;

	*ret = (struct model_place) {.is_mac = true};
	if (unit_parse_mac(word, &ret->mac, &why) == 0)
		return true;
	ret->is_mac = false;
	if (unit_parse_address(word, &ret->ip, &why) < 0 &&
	    unit_parse_prefix(word, &ret->ip, &why) < 0)
		return false;
	ret->ip = ip_subnet(&ret->ip);
	return true;
}

/* True if a word is an address of the node, or a prefix of one, as a machine knows it. */
static bool is_at(const struct model_node *node, const char *word)
{
	struct model_place asked;

	if (!node->place_count || !target_place(word, &asked))
		return false;
	for (size_t i = 0; i < node->place_count; i++) {
		const struct model_place *place = &node->places[i];

		if (place->is_mac != asked.is_mac)
			continue;
		if (place->is_mac ? memcmp(&place->mac, &asked.mac, sizeof(asked.mac)) == 0 :
				    place->ip.family == asked.ip.family &&
					    place->ip.plen >= asked.ip.plen &&
					    ip_in_prefix(&place->ip, &asked.ip))
			return true;
	}
	return false;
}

int target_nodes(const struct model *model, const char *word, bool *marks, struct netsim_err *err)
{
	int found = 0;

	for (size_t i = 0; i < model->node_count; i++) {
		const struct model_node *node = &model->nodes[i];

		/* Patterns are for nodes; a cable must be named. */
		if (node->cable ? strcmp(word, node->name) != 0 :
				  !name_match(word, node->name, (const char *const *)node->roles,
					      node->role_count) &&
					  !is_at(node, word))
			continue;
		marks[i] = true;
		found++;
	}
	return found ? found : unknown_node(model, word, err);
}

int target_nodes_or_host(const struct model *model, const char *word, bool *marks,
			 struct netsim_err *err)
{
	if (strcmp(word, "host") != 0 || model_find_node(model, "host") >= 0)
		return target_nodes(model, word, marks, err);
	marks[model->node_count] = true;
	return 1;
}

static bool port_is(const struct link *link, const char *node, const char *iface)
{
	struct mark mark;

	return link_is_port(link) && mark_parse(link->alias, &mark) && mark.iface &&
	       strcmp(mark.node, node) == 0 && (!iface || strcmp(mark.iface, iface) == 0);
}

/* The interfaces of marked nodes that have ports. */
struct iface_names {
	char (*names)[IFNAMSIZ];
	const char **list;
	size_t count;
};

static bool list_ifaces(const struct model *model, const bool *marks, struct iface_names *ret)
{
	ret->names = calloc(model->link_count + 1, sizeof(*ret->names));
	ret->list = calloc(model->link_count + 1, sizeof(*ret->list));
	for (size_t i = 0; ret->names && ret->list && i < model->link_count; i++) {
		const struct link *link = &model->links[i];
		struct mark mark;
		int node;

		if (!link_is_port(link) || !mark_parse(link->alias, &mark) || !mark.iface)
			continue;
		node = model_find_node(model, mark.node);
		if (node < 0 || !marks[node])
			continue;
		snprintf(ret->names[ret->count], IFNAMSIZ, "%s", mark.iface);
		ret->list[ret->count] = ret->names[ret->count];
		ret->count++;
	}
	return ret->names && ret->list;
}

bool target_hint_port(const struct model *model, const char *word, struct netsim_err *err)
{
	auto_free char *node = strdup(word);
	auto_free bool *marks = calloc(model->node_count + 1, sizeof(*marks));
	char *iface = node ? strchr(node, '/') : NULL;
	struct iface_names ifaces = {0};
	const char *near = NULL;

	if (!iface || !marks)
		return false;
	*iface++ = 0;
	if (target_nodes(model, node, marks, NULL) >= 0 && list_ifaces(model, marks, &ifaces))
		near = name_nearest(iface, ifaces.list, ifaces.count);
	if (near)
		err_hint(err, "did you mean %s/%s?", node, near);
	free(ifaces.names);
	free(ifaces.list);
	return near;
}

int target_ports(const struct model *model, const char *word, bool *ports, struct netsim_err *err)
{
	auto_free char *node = strdup(word);
	auto_free bool *marks = calloc(model->node_count + 1, sizeof(*marks));
	char *iface = node ? strchr(node, '/') : NULL;
	bool any = false;
	int r;

	if (!node || !marks)
		return err_oom(err);
	if (iface)
		*iface++ = 0;
	r = target_nodes(model, node, marks, err);
	if (r < 0)
		return r;
	for (size_t n = 0; n < model->node_count; n++)
		for (size_t i = 0; marks[n] && i < model->link_count; i++)
			if (port_is(&model->links[i], model->nodes[n].name, iface))
				any = ports[i] = true;
	if (any)
		return 0;
	err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "%s has no port", word);
	target_hint_port(model, word, err);
	return -ENOENT;
}

static int add_number(struct policy_group *group, int number, struct netsim_err *err)
{
	uint16_t *slot;

	for (size_t i = 0; i < group->count; i++)
		if (group->nodes[i] == number)
			return 0;
	slot = array_push(group->nodes, group->count);
	if (!slot)
		return err_oom(err);
	*slot = (uint16_t)number;
	return 0;
}

int target_members(const struct model *model, const char *word, bool *marks, struct netsim_err *err)
{
	int r;

	if (strcmp(word, "host") == 0) {
		marks[model->node_count] = true;
		return 1;
	}
	r = target_nodes(model, word, marks, err);
	for (size_t i = 0; r >= 0 && i < model->node_count; i++)
		if (marks[i] && model->nodes[i].cable) {
			err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
				"%s is a cable between networks, and no node", word);
			err_hint(err, "netsim link down %s parts the networks", word);
			r = -EINVAL;
		}
	return r;
}

static int add_word(const struct model *model, const struct policy *policy, const char *word,
		    struct policy_group *group, struct netsim_err *err)
{
	auto_free bool *marks = calloc(model->node_count + 1, sizeof(*marks));
	int r = marks ? target_members(model, word, marks, err) : err_oom(err);

	for (size_t i = 0; r >= 0 && i < model->node_count; i++)
		if (marks[i])
			r = add_number(group, policy_node(policy, model->nodes[i].name), err);
	if (r >= 0 && marks[model->node_count])
		r = add_number(group, POLICY_HOST, err);
	return r < 0 ? r : 0;
}

int target_group(const struct model *model, const struct policy *policy, const char *words,
		 struct policy_group *ret, struct netsim_err *err)
{
	auto_free char *copy = strdup(words);
	struct policy_group group = {0};
	char *save = NULL;
	int r = copy ? 0 : err_oom(err);

	for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; word && r == 0;
	     word = strtok_r(NULL, ",", &save))
		r = add_word(model, policy, word, &group, err);
	if (r == 0 && !group.count)
		r = err_set(err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			    "a group is empty: name nodes, @ROLE or host");
	if (r < 0)
		free(group.nodes);
	else
		*ret = group;
	return r;
}
