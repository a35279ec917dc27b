/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/uplink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/kernel/forwarding.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/nat.h"
#include "netsim/util/array.h"
#include "netsim/util/name.h"

#define WAS_OFF "forwarding was off on"

struct paths {
	struct nat_path *list;
	size_t count;
	const char *uplink; /* NULL: no network has one */
};

static int add_path(struct paths *paths, const char *in, const char *out)
{
	struct nat_path *path = array_push(paths->list, paths->count);

	if (!path)
		return -ENOMEM;
	snprintf(path->in, IFNAMSIZ, "%s", in);
	snprintf(path->out, IFNAMSIZ, "%s", out);
	return 0;
}

/* The ports of a routed network have exact names, also those that another program makes. */
static int add_ports(const struct topo *topo, size_t network, struct paths *paths)
{
	int r = 0;

	for (size_t i = 0; i < topo->node_count; i++)
		for (size_t j = 0; r == 0 && j < topo->nodes[i].iface_count; j++) {
			const struct iface *iface = &topo->nodes[i].ifaces[j];

			if (iface->kind == IFACE_PORT && iface->network == network)
				r = add_path(paths, iface->port, topo->networks[network].uplink);
		}
	return r;
}

static int list_paths(const struct topo *topo, struct paths *ret, struct netsim_err *err)
{
	int r = 0;

	*ret = (struct paths) {0};
	for (size_t i = 0; r == 0 && i < topo->network_count; i++) {
		const struct network *network = &topo->networks[i];

		if (!*network->uplink)
			continue;
		ret->uplink = network->uplink;
		r = network->routed ? add_ports(topo, i, ret) :
				      add_path(ret, network->bridge, network->uplink);
		for (size_t j = 0; r == 0 && j < network->host_count; j++)
			r = add_path(ret, network->hosts[j].device, network->uplink);
	}
	return r < 0 ? err_oom(err) : 0;
}

/* A hash of the rules, by which the table is compared with the file. */
static unsigned hash_of(const struct paths *paths)
{
	unsigned hash = 0;

	for (size_t i = 0; i < paths->count; i++)
		hash = hash * 31 + name_hash(paths->list[i].in) * 7 + name_hash(paths->list[i].out);
	return hash;
}

/* The uplink whose forwarding was off according to the record, or "". */
static const char *recorded(const struct nat_seen *seen)
{
	const char *at = strstr(seen->comment, WAS_OFF " ");

	return at ? at + sizeof(WAS_OFF) : "";
}

static void format_comment(const struct paths *paths, bool was_off, char comment[NAT_COMMENT])
{
	int used = snprintf(comment, NAT_COMMENT, "%08x", hash_of(paths));

	if (was_off)
		snprintf(comment + used, NAT_COMMENT - (size_t)used, "; " WAS_OFF " %s",
			 paths->uplink);
}

static bool is_same(const struct nat_seen *seen, const struct paths *paths)
{
	char hash[16];

	if (!paths->uplink || !seen->exists)
		return !paths->uplink && !seen->exists;
	snprintf(hash, sizeof(hash), "%08x", hash_of(paths));
	return strncmp(seen->comment, hash, strlen(hash)) == 0 && seen->rules == paths->count &&
	       forwarding_is_on(AF_INET, paths->uplink);
}

int uplink_check(const struct state *st, const struct topo *topo, struct netsim_err *err)
{
	for (size_t i = 0; i < topo->network_count; i++) {
		const struct network *network = &topo->networks[i];

		if (!*network->uplink)
			continue;
		if (!model_find_link(st->host, MODEL_HOST, network->uplink))
			return err_set(err, NETSIM_ERR_KERNEL, -ENODEV, &network->uplink_at,
				       "there is no interface %s", network->uplink);
		return nat_check(topo->fleet, err);
	}
	return 0;
}

int uplink_describe(const struct topo *topo, bool is_up, char *buf, size_t size,
		    struct netsim_err *err)
{
	struct nat_seen seen;
	struct paths paths;
	int r = list_paths(topo, &paths, err);

	*buf = 0;
	if (r == 0)
		r = nat_read(topo->fleet, &seen, err);
	if (r == -EPERM && !is_up) {
		seen = (struct nat_seen) {0};
		if (err)
			*err = (struct netsim_err) {0};
		r = 0;
	}
	if (r == 0 && !is_same(&seen, &paths))
		snprintf(buf, size, "%c table inet netsim-%s: masquerade%s%s",
			 !paths.uplink ? '-' :
			 seen.exists   ? '~' :
					 '+',
			 topo->fleet, paths.uplink ? " on " : "", paths.uplink ? paths.uplink : "");
	free(paths.list);
	return r;
}

static int set_forwarding(struct state *st, const char *device, bool on, struct netsim_err *err)
{
	const struct link *link = model_find_link(st->host, MODEL_HOST, device);

	if (!link || forwarding_is_on(AF_INET, device) == on)
		return 0;
	link_set_forwarding(st->rt, link->ifindex, on, device);
	return rtnl_send(st->rt, err);
}

/* The record comes first, so that later changes can be undone even after a crash. */
static int put(struct state *st, const struct topo *topo, const struct nat_seen *seen,
	       const struct paths *paths, struct netsim_err *err)
{
	const char *before = recorded(seen);
	bool same = strcmp(before, paths->uplink) == 0;
	char comment[NAT_COMMENT];
	int r = *before && !same ? set_forwarding(st, before, false, err) : 0;

	format_comment(paths, same || !forwarding_is_on(AF_INET, paths->uplink), comment);
	if (r == 0)
		r = nat_put(topo->fleet, paths->list, paths->count, comment, err);
	return r == 0 ? set_forwarding(st, paths->uplink, true, err) : r;
}

int uplink_apply(struct state *st, const struct topo *topo, size_t *ret_steps,
		 struct netsim_err *err)
{
	struct nat_seen seen;
	struct paths paths;
	int r = list_paths(topo, &paths, err);

	if (r == 0)
		r = nat_read(topo->fleet, &seen, err);
	if (r == 0 && !is_same(&seen, &paths)) {
		r = paths.uplink ? put(st, topo, &seen, &paths, err) :
				   uplink_remove(st, topo->fleet, err);
		*ret_steps += r == 0;
	}
	/* The bridges are the fleet's: what is set there goes with them. */
	for (size_t i = 0; r == 0 && i < topo->network_count; i++)
		if (!topo->networks[i].routed && (paths.uplink || seen.exists))
			r = set_forwarding(st, topo->networks[i].bridge, *topo->networks[i].uplink,
					   err);
	free(paths.list);
	return r;
}

int uplink_table(const char *fleet, char ret[static UPLINK_TABLE], struct netsim_err *err)
{
	struct nat_seen seen;
	int r = nat_read(fleet, &seen, err);

	*ret = 0;
	if (r == 0 && seen.exists)
		snprintf(ret, UPLINK_TABLE, "netsim-%s", fleet);
	return r;
}

int uplink_remove(struct state *st, const char *fleet, struct netsim_err *err)
{
	struct nat_seen seen;
	int r = nat_read(fleet, &seen, err);

	if (r == 0 && seen.exists && *recorded(&seen))
		r = set_forwarding(st, recorded(&seen), false, err);
	return r == 0 && seen.exists ? nat_del(fleet, err) : r;
}
