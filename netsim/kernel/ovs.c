/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/ovs.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "netsim/kernel/mark.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

#define RUN_DIR	  "/var/run/openvswitch"
#define WAIT_S	  2
#define TABLES	  4
#define PATH_TEXT sizeof(((struct sockaddr_un *)0)->sun_path)

/* One transaction, so that all tables are of the same instant (RFC 7047). */
static const char request[] =
	"{\"id\":0,\"method\":\"transact\",\"params\":[\"Open_vSwitch\","
	"{\"op\":\"select\",\"table\":\"Bridge\",\"where\":[],"
	"\"columns\":[\"_uuid\",\"name\",\"datapath_type\",\"ports\"]},"
	"{\"op\":\"select\",\"table\":\"Port\",\"where\":[],"
	"\"columns\":[\"_uuid\",\"interfaces\",\"qos\"]},"
	"{\"op\":\"select\",\"table\":\"Interface\",\"where\":[],"
	"\"columns\":[\"_uuid\",\"name\",\"type\",\"external_ids\",\"ingress_policing_rate\"]},"
	"{\"op\":\"select\",\"table\":\"QoS\",\"where\":[],\"columns\":[\"_uuid\",\"type\"]}]}";

enum table { BRIDGES, PORTS, INTERFACES, QOSES };

void ovs_done(struct ovs *ovs)
{
	free(ovs->bridges);
	free(ovs->ports);
	*ovs = (struct ovs) {0};
}

/* --- the socket */

static int open_socket(const char *path, int *ret)
{
	const struct timeval wait = {.tv_sec = WAIT_S};
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	*ret = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*ret < 0)
		return -errno;
	(void)setsockopt(*ret, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(*ret, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(*ret, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return -errno;
	return send(*ret, request, sizeof(request) - 1, MSG_NOSIGNAL) ==
			       (ssize_t)(sizeof(request) - 1) ?
		       0 :
		       -EPIPE;
}

/* Reads messages until the reply; the server may send requests of its own (echo). */
static int read_reply(int fd, json_t **ret)
{
	auto_fclose FILE *in = fdopen(fd, "r");
	json_error_t error;
	json_t *reply = NULL;

	if (!in) {
		close(fd);
		return -ENOMEM;
	}
	for (;;) {
		reply = json_loadf(in, JSON_DISABLE_EOF_CHECK, &error);
		if (!reply)
			return ferror(in) ? -ETIMEDOUT : -EPROTO;
		if (!json_object_get(reply, "method"))
			break;
		json_decref(reply);
	}
	*ret = reply;
	return 0;
}

static int ask(const char *path, json_t **ret)
{
	int fd = -1, r = open_socket(path, &fd);

	if (r == 0)
		return read_reply(fd, ret);
	if (fd >= 0)
		close(fd);
	return r;
}

/* --- the tables */

static const char *string_in(const json_t *row, const char *column)
{
	const char *text = json_string_value(json_object_get(row, column));

	return text ? text : "";
}

/* A reference is ["uuid", TEXT]; a column is one, or ["set", [...]] of any number of them. */
static const char *reference(const json_t *column, size_t i)
{
	const char *kind = json_string_value(json_array_get(column, 0));

	if (kind && strcmp(kind, "set") == 0)
		return reference(json_array_get(json_array_get(column, 1), i), 0);
	return kind && i == 0 ? json_string_value(json_array_get(column, 1)) : NULL;
}

/* Indexes the rows of the tables in a reply by their UUIDs. */
static int index_rows(const json_t *reply, json_t *ret[TABLES])
{
	const json_t *results = json_object_get(reply, "result");

	for (size_t i = 0; i < TABLES; i++) {
		json_t *rows = json_object_get(json_array_get(results, i), "rows");

		if (!json_is_array(rows))
			return -EPROTO;
		ret[i] = json_object();
		for (size_t n = 0; n < json_array_size(rows); n++) {
			json_t *row = json_array_get(rows, n);
			const char *uuid = reference(json_object_get(row, "_uuid"), 0);

			if (!uuid || json_object_set(ret[i], uuid, row) < 0)
				return uuid ? -ENOMEM : -EPROTO;
		}
	}
	return 0;
}

/* The value of a key in ["map", [[KEY, VALUE]...]]. */
static const char *value_in(const json_t *map, const char *key)
{
	const json_t *pairs = json_array_get(map, 1);

	for (size_t i = 0; i < json_array_size(pairs); i++) {
		const json_t *pair = json_array_get(pairs, i);
		const char *own = json_string_value(json_array_get(pair, 0));

		if (own && strcmp(own, key) == 0)
			return json_string_value(json_array_get(pair, 1));
	}
	return NULL;
}

static int add_port(struct ovs *ovs, const struct ovs_bridge *bridge, const json_t *interface,
		    const char *qos)
{
	const char *name = string_in(interface, "name");
	const char *type = string_in(interface, "type");
	const char *mac = value_in(json_object_get(interface, "external_ids"), "attached-mac");
	struct ovs_port *port;

	/* "" is a device that something else made: a tap, for example. */
	if ((*type && strcmp(type, "system") != 0) || !*name || strlen(name) >= IFNAMSIZ)
		return 0;
	port = array_push(ovs->ports, ovs->port_count);
	if (!port)
		return -ENOMEM;
	memcpy(port->name, name, strlen(name) + 1);
	memcpy(port->bridge, bridge->name, IFNAMSIZ);
	port->userspace = bridge->userspace;
	port->policed = json_integer_value(json_object_get(interface, "ingress_policing_rate")) > 0;
	snprintf(port->qos, sizeof(port->qos), "%s", qos);
	port->has_mac = mac && unit_parse_mac(mac, &port->mac, NULL) == 0;
	return 0;
}

static int read_ports(struct ovs *ovs, const struct ovs_bridge *bridge, const json_t *list,
		      json_t *const tables[TABLES])
{
	const char *uuid;
	int r = 0;

	for (size_t i = 0; r == 0 && (uuid = reference(list, i)); i++) {
		const json_t *port = json_object_get(tables[PORTS], uuid), *qos = NULL;
		const json_t *interfaces = json_object_get(port, "interfaces");

		uuid = reference(json_object_get(port, "qos"), 0);
		if (uuid)
			qos = json_object_get(tables[QOSES], uuid);
		for (size_t j = 0; r == 0 && (uuid = reference(interfaces, j)); j++)
			r = add_port(ovs, bridge, json_object_get(tables[INTERFACES], uuid),
				     string_in(qos, "type"));
	}
	return r;
}

static int read_bridges(struct ovs *ovs, json_t *const tables[TABLES])
{
	const char *uuid;
	json_t *row;
	int r = 0;

	json_object_foreach(tables[BRIDGES], uuid, row)
	{
		const char *name = string_in(row, "name");
		struct ovs_bridge *bridge;

		if (r < 0 || !*name || strlen(name) >= IFNAMSIZ)
			continue;
		bridge = array_push(ovs->bridges, ovs->bridge_count);
		if (!bridge)
			return -ENOMEM;
		memcpy(bridge->name, name, strlen(name) + 1);
		bridge->userspace = strcmp(string_in(row, "datapath_type"), "netdev") == 0;
		r = read_ports(ovs, bridge, json_object_get(row, "ports"), tables);
	}
	return r;
}

int ovs_read(struct ovs *ret, struct netsim_err *err)
{
	const char *dir = getenv("OVS_RUNDIR");
	json_t *reply = NULL, *tables[TABLES] = {NULL};
	char path[PATH_TEXT];
	int r;

	*ret = (struct ovs) {0};
	snprintf(path, sizeof(path), "%s/db.sock", dir && *dir ? dir : RUN_DIR);
	r = ask(path, &reply);
	if (r == 0)
		r = index_rows(reply, tables);
	if (r == 0)
		r = read_bridges(ret, tables);
	for (size_t i = 0; i < TABLES; i++)
		json_decref(tables[i]);
	json_decref(reply);
	if (r == 0)
		return 0;
	ovs_done(ret);
	if (r == -ENOMEM)
		return err_oom(err);
	snprintf(ret->why, sizeof(ret->why), "%s: %s", path,
		 r == -EPROTO ? "the answer is not understood" : strerror(-r));
	return 0;
}

/* --- links */

const struct ovs_bridge *ovs_find_bridge(const struct ovs *ovs, const char *name)
{
	for (size_t i = 0; i < ovs->bridge_count; i++)
		if (strcmp(ovs->bridges[i].name, name) == 0)
			return &ovs->bridges[i];
	return NULL;
}

const struct ovs_port *ovs_find_port(const struct ovs *ovs, const char *name)
{
	for (size_t i = 0; i < ovs->port_count; i++)
		if (strcmp(ovs->ports[i].name, name) == 0)
			return &ovs->ports[i];
	return NULL;
}

/* True if the datapath has the port, which a kernel datapath shows as its master. */
static bool has_datapath(const struct link *link, bool userspace)
{
	return strcmp(link->master, userspace ? "" : OVS_SYSTEM) == 0;
}

static void show_port(struct link *link, const char *bridge, bool userspace)
{
	link->ovs = true;
	link->userspace = userspace;
	snprintf(link->master, sizeof(link->master), "%s", bridge);
}

void ovs_read_mark(struct link *link)
{
	struct mark mark;

	/* An IFB has the alias of its port or bridge. */
	if ((link->kind != LINK_TAP && link->kind != LINK_OVS) || !mark_parse(link->alias, &mark) ||
	    !mark.ovs)
		return;
	if (!mark.iface) {
		link->kind = LINK_BRIDGE;
		link->ovs = true;
		link->userspace = mark.userspace;
	} else if (has_datapath(link, mark.userspace)) {
		show_port(link, mark.ovs, mark.userspace);
		link->has_guest = mark.has_guest;
		link->guest = mark.guest;
	}
}

/* Undoes ovs_read_mark() for a port, whose mark may be older than the database. */
static void forget_mark(struct link *link)
{
	if (!link->ovs || link->kind == LINK_BRIDGE)
		return;
	snprintf(link->master, sizeof(link->master), "%s", link->userspace ? "" : OVS_SYSTEM);
	link->ovs = link->userspace = false;
}

void ovs_show(const struct ovs *ovs, struct model *host)
{
	for (size_t i = 0; i < host->link_count; i++) {
		struct link *link = &host->links[i];
		const struct ovs_bridge *bridge = ovs_find_bridge(ovs, link->name);
		const struct ovs_port *port = ovs_find_port(ovs, link->name);

		forget_mark(link);
		if (bridge &&
		    (link->ovs || link->kind == (bridge->userspace ? LINK_TAP : LINK_OVS))) {
			link->kind = LINK_BRIDGE;
			link->ovs = true;
			link->userspace = bridge->userspace;
		} else if (port && has_datapath(link, port->userspace)) {
			show_port(link, port->bridge, port->userspace);
		}
	}
}

int ovs_add_macs(const struct ovs *ovs, const struct model *host, struct neigh_mac **macs,
		 size_t *count, struct netsim_err *err)
{
	for (size_t i = 0; i < ovs->port_count; i++) {
		const struct link *link = model_find_link(host, MODEL_HOST, ovs->ports[i].name);
		struct neigh_mac *slot;

		if (!ovs->ports[i].has_mac || !link)
			continue;
		slot = array_push(*macs, *count);
		if (!slot)
			return err_oom(err);
		*slot = (struct neigh_mac) {link->ifindex, ovs->ports[i].mac};
	}
	return 0;
}
