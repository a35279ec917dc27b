/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/state.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <string.h>

#include "netsim/kernel/addr.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/netns.h"
#include "netsim/kernel/route.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

int state_open(struct state *ret, struct netsim_err *err)
{
	struct state st = {.own_fd = -1};
	int r = netns_open_own(&st.own_fd, err);

	if (r == 0)
		r = netns_own_id(&st.own_id, err);
	if (r == 0)
		r = rtnl_open(&st.rt, err);
	if (r < 0)
		state_close(&st);
	else
		*ret = st;
	return r;
}

static void handle_free(struct handle *handle)
{
	if (!handle)
		return;
	if (handle->routes)
		nl_socket_free(handle->routes);
	rtnl_close(handle->rt);
	if (handle->fd >= 0)
		close(handle->fd);
	free(handle->netns);
	free(handle);
}

void state_forget_all(struct state *st)
{
	for (size_t i = 0; i < st->handle_count; i++)
		handle_free(st->handles[i]);
	free(st->handles);
	st->handles = NULL;
	st->handle_count = 0;
}

void state_close(struct state *st)
{
	state_forget_all(st);
	free(st->assumed);
	topo_free(st->assumed_topo);
	model_free(st->host);
	rtnl_close(st->rt);
	if (st->own_fd >= 0)
		close(st->own_fd);
	*st = (struct state) {.own_fd = -1};
}

static int by_ifindex(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

int state_assume(struct state *st, const char *device, const char *alias)
{
	struct assumed_mark *slot = array_push(st->assumed, st->assumed_count);

	if (!slot)
		return -ENOMEM;
	snprintf(slot->device, sizeof(slot->device), "%s", device);
	snprintf(slot->alias, sizeof(slot->alias), "%s", alias);
	return 0;
}

static int take_assumed(const struct state *st, struct model *host)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < st->assumed_count; i++) {
		struct link *link = model_find_link(host, MODEL_HOST, st->assumed[i].device);

		r = link ? link_take_alias(link, st->assumed[i].alias) : 0;
	}
	return r;
}

/* Reads all links, sorted by ifindex: in order of creation, which is that of the file. */
int state_read_host(struct state *st, struct netsim_err *err)
{
	struct model *host = model_new("");
	int r = host ? link_list(st->rt, host, MODEL_HOST, err) : err_oom(err);

	if (r == 0 && take_assumed(st, host) < 0)
		r = err_oom(err);
	if (r < 0) {
		model_free(host);
		return r;
	}
	if (host->link_count)
		qsort(host->links, host->link_count, sizeof(*host->links), by_ifindex);
	model_free(st->host);
	st->host = host;
	return 0;
}

void state_netns_name(const char *fleet, const char *node, char ret[static NETNS_TEXT])
{
	snprintf(ret, NETNS_TEXT, "%s.%s", fleet, node);
}

static int rtnl_open_here(void *arg, struct netsim_err *err)
{
	return rtnl_open(arg, err);
}

static int route_open_here(void *arg, struct netsim_err *err)
{
	return route_open(arg, err);
}

int state_rt_in(struct state *st, int fd, struct rtnl **ret, struct netsim_err *err)
{
	return netns_within(st->own_fd, fd, rtnl_open_here, ret, err);
}

static struct handle *find_handle(const struct state *st, const char *netns)
{
	for (size_t i = 0; i < st->handle_count; i++)
		if (strcmp(st->handles[i]->netns, netns) == 0)
			return st->handles[i];
	return NULL;
}

struct handle *state_adopt(struct state *st, const char *fleet, const char *node, int fd,
			   struct rtnl *rt)
{
	struct handle *handle = calloc(1, sizeof(*handle)), **slot;
	char name[NETNS_TEXT];

	state_netns_name(fleet, node, name);
	if (handle) {
		handle->fd = fd;
		handle->rt = rt;
		handle->netns = strdup(name);
	}
	slot = handle && handle->netns ? array_push(st->handles, st->handle_count) : NULL;
	if (!slot) {
		if (handle) {
			handle_free(handle);
		} else {
			rtnl_close(rt);
			close(fd);
		}
		return NULL;
	}
	*slot = handle;
	return handle;
}

void state_forget(struct state *st, const char *fleet, const char *node)
{
	char name[NETNS_TEXT];

	state_netns_name(fleet, node, name);
	for (size_t i = 0; i < st->handle_count; i++) {
		if (strcmp(st->handles[i]->netns, name) != 0)
			continue;
		handle_free(st->handles[i]);
		st->handles[i] = st->handles[st->handle_count - 1];
		/* The array keeps its size, as array_push() derives the capacity from counts. */
		st->handles[st->handle_count - 1] = NULL;
		st->handle_count--;
		return;
	}
}

/* Checks the mark on lo: returns -ENOENT unless it names this node of this fleet. */
static int check_mark(struct state *st, struct rtnl *rt, const char *fleet, const char *node,
		      struct netsim_err *err)
{
	struct ifinfomsg ifi = {.ifi_index = 1};
	const struct nlattr *a[IFLA_MAX + 1];
	auto_free char *data = NULL;
	struct rtnl_reply reply = {0};
	struct mark mark;
	int r;

	rtnl_begin(rt, RTM_GETLINK, 0, NULL, "%s: cannot read lo", node);
	rtnl_header(rt, &ifi, sizeof(ifi));
	r = rtnl_ask(rt, &reply, err);
	if (r < 0)
		return r;
	data = reply.data;
	rtnl_reply_each(&reply, msg)
	{
		rtnl_parse(msg, sizeof(ifi), a, IFLA_MAX);
		if (mark_parse(rtnl_str(a[IFLA_IFALIAS]), &mark) && !mark.iface &&
		    strcmp(mark.fleet, fleet) == 0 && strcmp(mark.node, node) == 0 &&
		    mark.host == st->own_id)
			return 0;
	}
	return -ENOENT;
}

int state_handle(struct state *st, const char *fleet, const char *node, struct handle **ret,
		 struct netsim_err *err)
{
	char name[NETNS_TEXT];
	struct rtnl *rt = NULL;
	int fd = -1, r;

	state_netns_name(fleet, node, name);
	*ret = find_handle(st, name);
	if (*ret)
		return 0;
	r = netns_open(name, &fd, err);
	if (r < 0)
		return r;
	r = state_rt_in(st, fd, &rt, err);
	if (r < 0)
		err_wrap(err, r, "%s", name);
	if (r == 0)
		r = check_mark(st, rt, fleet, node, err);
	if (r < 0) {
		rtnl_close(rt);
		close(fd);
		return r;
	}
	*ret = state_adopt(st, fleet, node, fd, rt);
	return *ret ? 0 : err_oom(err);
}

bool state_is_ours(const struct link *link, const char *fleet)
{
	uint32_t group = mark_group(fleet);
	bool grouped = link->group == group || link->group == MARK_DOOMED(group);
	struct mark mark;

	if (!link->alias)
		return grouped;
	return mark_parse(link->alias, &mark) && strcmp(mark.fleet, fleet) == 0 &&
	       (grouped || mark.attached);
}

bool state_made(const struct link *link, const char *fleet)
{
	return MARK_IS_GROUP(link->group) && state_is_ours(link, fleet);
}

bool state_is_machine(const struct state *st, const char *fleet)
{
	for (size_t i = 0; i < st->host->link_count; i++)
		if (st->host->links[i].machine && state_is_ours(&st->host->links[i], fleet))
			return true;
	return false;
}

bool state_shares_group(const struct state *st, const char *fleet, uint32_t group)
{
	for (size_t i = 0; i < st->host->link_count; i++)
		if (st->host->links[i].group == group && !state_is_ours(&st->host->links[i], fleet))
			return true;
	return false;
}

static char *copy_text(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;

	*failed |= text && !copy;
	return copy;
}

static bool copy_link(struct model *model, const struct link *from)
{
	struct link *to = array_push(model->links, model->link_count);
	bool failed = !to;

	if (failed)
		return false;
	*to = *from;
	to->addrs = NULL;
	to->routes = NULL;
	to->addr_count = to->route_count = 0;
	to->vlans = NULL;
	to->alias = copy_text(from->alias, &failed);
	if (from->vlan_count) {
		/* A power of two, as array_push() requires. */
		size_t capacity = 1;

		while (capacity < from->vlan_count)
			capacity *= 2;
		to->vlans = calloc(capacity, sizeof(*to->vlans));
		if (to->vlans)
			memcpy(to->vlans, from->vlans, from->vlan_count * sizeof(*to->vlans));
		failed |= !to->vlans;
	}
	return !failed;
}

static struct model_node *get_node(struct model *model, const char *name)
{
	int i = model_find_node(model, name);

	return i >= 0 ? &model->nodes[i] : model_add_node(model, name);
}

/* Adds the node of a port, with its roles, from the port's alias. */
static bool take_port(struct model *model, const struct link *link)
{
	struct model_node *node;
	char name[NETNS_TEXT];
	struct mark mark;

	if (!link_is_port(link) || link->cable || !mark_parse(link->alias, &mark) || !mark.iface)
		return true;
	node = get_node(model, mark.node);
	if (!node)
		return false;
	node->is_tap = link->kind == LINK_TAP && !mark.machine;
	node->attached |= mark.attached;
	node->service |= mark.service;
	node->machine |= mark.machine;
	if (!node->is_tap && !node->netns && !mark.machine) {
		state_netns_name(model->fleet, node->name, name);
		node->netns = strdup(name);
		if (!node->netns)
			return false;
	}
	for (size_t i = 0; node->role_count < mark.role_count && i < mark.role_count; i++) {
		char **role = array_push(node->roles, node->role_count);

		if (!role || !(*role = strdup(mark.roles[i])))
			return false;
	}
	return true;
}

/* Adds the cables between networks, after all nodes. */
static int take_cables(struct model *model)
{
	for (size_t i = 0; i < model->link_count; i++) {
		const struct link *link = &model->links[i];
		struct model_node *node;
		struct mark mark;

		if (!link->cable || !mark_parse(link->alias, &mark))
			continue;
		node = get_node(model, mark.node);
		if (!node)
			return -ENOMEM;
		node->cable = true;
		if (link->cable == 1)
			snprintf(node->first, sizeof(node->first), "%s", mark.iface);
	}
	return 0;
}

/* Reads the host's routes to the nodes of routed networks. */
static int read_host_routes(struct model *model, struct netsim_err *err)
{
	struct nl_sock *sock = NULL;
	int r;

	if (!model_is_routed(model))
		return 0;
	r = route_open(&sock, err);
	if (r == 0)
		r = route_list(sock, model, MODEL_HOST, err);
	if (sock)
		nl_socket_free(sock);
	return r;
}

static int read_ports(struct state *st, struct model *model, struct netsim_err *err)
{
	int r;

	for (size_t i = 0; i < st->host->link_count; i++) {
		const struct link *link = &st->host->links[i];

		if (!state_is_ours(link, model->fleet))
			continue;
		if (!copy_link(model, link) || !take_port(model, link))
			return err_oom(err);
	}
	r = addr_list(st->rt, model, MODEL_HOST, err);
	return r == 0 ? read_host_routes(model, err) : r;
}

/* Reads the namespaces of nodes, including nodes that have lost all their ports. */
static int read_names(struct state *st, struct model *model, struct netsim_err *err)
{
	char prefix[NETNS_TEXT], **names = NULL;
	size_t count = 0;
	int r;

	for (size_t i = 0; i < model->node_count; i++) {
		free(model->nodes[i].netns);
		model->nodes[i].netns = NULL;
	}
	state_netns_name(model->fleet, "", prefix);
	r = netns_list(prefix, &names, &count, err);
	for (size_t i = 0; i < count; i++) {
		const char *name = names[i] + strlen(prefix);
		struct handle *handle;

		if (r == 0)
			r = state_handle(st, model->fleet, name, &handle, err);
		if (r == 0) {
			struct model_node *node = get_node(model, name);

			if (node)
				node->netns = take(names[i]);
			else
				r = err_oom(err);
		}
		if (r == -ENOENT)
			r = 0;
		free(names[i]);
	}
	free(names);
	return r;
}

static int read_inside(struct state *st, struct model *model, int ns, struct netsim_err *err)
{
	struct handle *handle;
	int r = state_handle(st, model->fleet, model->nodes[ns].name, &handle, err);

	if (r == 0)
		r = link_list(handle->rt, model, ns, err);
	if (r == 0)
		r = addr_list(handle->rt, model, ns, err);
	if (r == 0)
		r = netns_within(st->own_fd, handle->fd, forwarding_read_here,
				 &model->nodes[ns].forwarding, err);
	if (r < 0 || handle->no_routes)
		return r;
	if (!handle->routes)
		r = netns_within(st->own_fd, handle->fd, route_open_here, &handle->routes, err);
	if (r == 0)
		r = route_list(handle->routes, model, ns, err);
	return r;
}

static struct link *other_end(struct model *model, const struct link *end, const char *cable)
{
	for (size_t i = 0; i < model->link_count; i++) {
		struct link *link = &model->links[i];
		struct mark mark;

		if (link->cable && link->cable != end->cable && mark_parse(link->alias, &mark) &&
		    strcmp(mark.node, cable) == 0)
			return link;
	}
	return NULL;
}

/* Sets the peers of veths in nodes, and of cables' ends, from the aliases of ports. */
static void name_peers(struct model *model)
{
	for (size_t i = 0; i < model->link_count; i++) {
		const struct link *port = &model->links[i];
		struct link *inside;
		struct mark mark;
		int ns;

		if (!link_is_port(port) || !mark_parse(port->alias, &mark) || !mark.iface)
			continue;
		ns = model_find_node(model, mark.node);
		if (port->cable)
			inside = other_end(model, port, mark.node);
		else
			inside = ns >= 0 ? model_find_link(model, ns, mark.iface) : NULL;
		if (inside)
			memcpy(inside->peer, port->name, IFNAMSIZ);
	}
}

int state_read(struct state *st, const char *fleet, enum state_depth depth, struct model **ret,
	       struct netsim_err *err)
{
	struct model *model = model_new(fleet);
	int r = model ? read_ports(st, model, err) : err_oom(err);

	if (r == 0 && depth >= STATE_NODES)
		r = read_names(st, model, err);
	if (r == 0 && take_cables(model) < 0)
		r = err_oom(err);
	for (size_t i = 0; r == 0 && depth == STATE_ALL && i < model->node_count; i++)
		if (model->nodes[i].netns)
			r = read_inside(st, model, (int)i, err);
	if (r == 0)
		name_peers(model);
	if (r < 0)
		model_free(model);
	else
		*ret = model;
	return r;
}

static bool has_name(char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int add_name(char ***names, size_t *count, const char *name)
{
	char **slot;

	if (has_name(*names, *count, name))
		return 0;
	slot = array_push(*names, *count);
	if (!slot)
		return -ENOMEM;
	*slot = strdup(name);
	return *slot ? 0 : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int state_owns_netns(struct state *st, const char *fleet, const char *node, bool *ret,
		     struct netsim_err *err)
{
	char name[NETNS_TEXT], mark[MARK_TEXT];
	struct handle *handle;
	int r;

	state_netns_name(fleet, node, name);
	snprintf(mark, sizeof(mark), MARK_PREFIX "%s/", fleet);
	r = netns_is_stale(name, mark, ret, err);
	if (r < 0 || *ret)
		return r;
	r = state_handle(st, fleet, node, &handle, err);
	*ret = r == 0;
	return r == -ENOENT ? 0 : r;
}

/* Adds fleets that have only namespaces and no links left here. */
static int fleets_of_names(struct state *st, char ***fleets, size_t *fleet_count,
			   struct netsim_err *err)
{
	char **names = NULL;
	size_t count = 0;
	int r = netns_list("", &names, &count, err);

	for (size_t i = 0; i < count; i++) {
		char *dot = strchr(names[i], '.');
		bool ours = false;

		if (dot)
			*dot = 0;
		if (r == 0 && dot && !has_name(*fleets, *fleet_count, names[i]))
			r = state_owns_netns(st, names[i], dot + 1, &ours, err);
		if (r == 0 && ours && add_name(fleets, fleet_count, names[i]) < 0)
			r = err_oom(err);
		free(names[i]);
	}
	free(names);
	return r;
}

int state_fleets(struct state *st, char ***ret, size_t *ret_count, struct netsim_err *err)
{
	char **fleets = NULL;
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < st->host->link_count; i++) {
		const struct link *link = &st->host->links[i];
		struct mark mark;

		if (mark_parse(link->alias, &mark) && strcmp(mark.fleet, MARK_BARE) != 0 &&
		    state_is_ours(link, mark.fleet) && add_name(&fleets, &count, mark.fleet) < 0)
			r = err_oom(err);
	}
	if (r == 0)
		r = fleets_of_names(st, &fleets, &count, err);
	if (r < 0) {
		for (size_t i = 0; i < count; i++)
			free(fleets[i]);
		free(fleets);
		return r;
	}
	if (count)
		qsort(fleets, count, sizeof(*fleets), by_name);
	*ret = fleets;
	*ret_count = count;
	return 0;
}
