/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/topo_record.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netsim/fleet/claim.h"
#include "netsim/fleet/lock.h"
#include "netsim/fleet/run_file.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"
#include "netsim/util/name.h"

#define PATH_TEXT 160
/* The first line of a record, before the inode of a network namespace. */
#define NETNS_LINE "# network namespace "	   /* in which the fleet exists by its record */
#define BUILT_LINE "# built in network namespace " /* in which the kernel has the fleet */
#define FLEET_MAX  32

static void path_of(const char *fleet, char path[static PATH_TEXT])
{
	snprintf(path, PATH_TEXT, LOCK_DIR "/%s.yaml", fleet);
}

static int print(const struct topo *topo, const char *line, uint64_t netns, char **ret)
{
	size_t size = 0;
	FILE *out = open_memstream(ret, &size);
	int r;

	if (out)
		fprintf(out, "%s%" PRIu64 "\n", line, netns);
	r = out ? topo_print(topo, out) : -ENOMEM;
	return out && fclose(out) != 0 ? -ENOMEM : r;
}

static int replace(const char *path, const char *text, struct netsim_err *err)
{
	char fresh[PATH_TEXT + 8];
	int r = lock_make_dir(err);

	if (r < 0)
		return r;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	r = run_file_create(fresh, text);
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(fresh);
	return r < 0 ? err_errno(err, r, NULL, "cannot write %s", path) : 0;
}

static int keep(const struct topo *topo, const char *line, uint64_t netns, struct netsim_err *err)
{
	auto_free char *text = NULL;
	char path[PATH_TEXT];

	path_of(topo->fleet, path);
	if (print(topo, line, netns, &text) < 0)
		return err_oom(err);
	return replace(path, text, err);
}

int topo_record_keep(const struct topo *topo, uint64_t netns, struct netsim_err *err)
{
	return keep(topo, NETNS_LINE, netns, err);
}

int topo_record_write(const struct topo *topo, uint64_t netns, struct netsim_err *err)
{
	return keep(topo, claim_is_needed(topo) ? NETNS_LINE : BUILT_LINE, netns, err);
}

int topo_record_read(const char *fleet, struct topo **ret, struct netsim_err *err)
{
	/* On the heap: callers have diagnostics of their own on a stack that may be small. */
	auto_free struct netsim_diags *diags = calloc(1, sizeof(*diags));
	auto_buf struct buf text = {0};
	char path[PATH_TEXT];
	bool exists;
	int r;

	*ret = NULL;
	if (!diags)
		return err_oom(err);
	path_of(fleet, path);
	r = run_file_read(path, &text, &exists, err);
	if (r < 0 || !exists)
		return r;
	if (topo_parse(path, text.data ? text.data : "", text.len, ret, diags) < 0)
		return err_first_mistake(diags, err);
	return 0;
}

int topo_record_look(const struct state *st, const char *fleet, const struct topo **ret,
		     struct topo **ret_owned, struct netsim_err *err)
{
	int r = 0;

	*ret_owned = NULL;
	*ret = st->assumed_topo;
	if (!*ret || strcmp((*ret)->fleet, fleet) != 0) {
		r = topo_record_read(fleet, ret_owned, err);
		*ret = *ret_owned;
	}
	return r;
}

void topo_record_remove(const char *fleet)
{
	char path[PATH_TEXT];

	path_of(fleet, path);
	unlink(path);
	snprintf(path + strlen(path), sizeof(path) - strlen(path), ".new");
	unlink(path); /* left by a writer that was killed */
}

/* The number after a prefix, or 0. */
static uint64_t number_after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return text && strncmp(text, prefix, length) == 0 ? strtoull(text + length, NULL, 10) : 0;
}

/*
 * Sets *ret to the namespace in the first line of a record, 0 if there is none; *ret_alone, if the
 * fleet exists by its record.
 */
static int netns_of(const char *fleet, bool *ret_alone, uint64_t *ret, struct netsim_err *err)
{
	auto_buf struct buf text = {0};
	char path[PATH_TEXT];
	bool exists = false;
	int r;

	path_of(fleet, path);
	r = run_file_read(path, &text, &exists, err);
	*ret = r == 0 && exists ? number_after(text.data, NETNS_LINE) : 0;
	*ret_alone = *ret;
	if (r == 0 && exists && !*ret)
		*ret = number_after(text.data, BUILT_LINE);
	return r;
}

int topo_record_read_here(const struct state *st, const char *fleet, struct topo **ret,
			  struct netsim_err *err)
{
	uint64_t netns;
	bool alone;
	int r = netns_of(fleet, &alone, &netns, err);

	*ret = NULL;
	return r == 0 && netns == st->own_id ? topo_record_read(fleet, ret, err) : r;
}

/* True if a fleet's record was written in this network namespace. */
static bool is_of(const char *fleet, uint64_t netns)
{
	uint64_t found;
	bool alone;

	return netns_of(fleet, &alone, &found, NULL) == 0 && alone && found == netns;
}

static int add_fleet(char ***names, size_t *count, const char *name)
{
	char **slot;

	for (size_t i = 0; i < *count; i++)
		if (strcmp((*names)[i], name) == 0)
			return 0;
	slot = array_push(*names, *count);
	if (slot && (*slot = strdup(name)))
		return 0;
	*count -= slot != NULL;
	return -ENOMEM;
}

int topo_record_fleets(uint64_t netns, char ***names, size_t *count, struct netsim_err *err)
{
	DIR *dir = opendir(LOCK_DIR);
	struct dirent *entry;
	int r = 0;

	while (dir && r == 0 && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');
		char name[FLEET_MAX + 1];
		size_t length = dot ? (size_t)(dot - entry->d_name) : 0;

		if (!length || length > FLEET_MAX || strcmp(dot, ".yaml") != 0)
			continue;
		memcpy(name, entry->d_name, length);
		name[length] = '\0';
		if (name_is_plain(name, FLEET_MAX) && is_of(name, netns))
			r = add_fleet(names, count, name);
	}
	if (dir)
		closedir(dir);
	return r < 0 ? err_oom(err) : 0;
}

static int add_place(struct model_node *node, const struct model_place *place)
{
	struct model_place *slot = array_push(node->places, node->place_count);

	if (!slot)
		return -ENOMEM;
	*slot = *place;
	return 0;
}

/* An address in a topology is that of one interface, with the prefix of its network. */
static int add_places(struct model_node *node, const struct node *from, bool prefixes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->iface_count; i++) {
		const struct iface *iface = &from->ifaces[i];

		if (iface->has_mac)
			r = add_place(node,
				      &(struct model_place) {.is_mac = true, .mac = iface->mac});
		for (size_t a = 0; r == 0 && a < iface->address_count; a++) {
			struct model_place place = {.ip = iface->addresses[a].ip};

			if (!prefixes)
				place.ip.plen = place.ip.family == AF_INET ? 32 : 128;
			place.ip = ip_subnet(&place.ip);
			r = add_place(node, &place);
		}
	}
	return r;
}

static int add_node(struct model *model, const struct node *from, bool peer)
{
	struct model_node *node = model_add_node(model, from->name);

	if (!node)
		return -ENOMEM;
	node->is_tap = node->attached = !peer;
	node->peer = peer;
	for (size_t i = 0; i < from->role_count; i++) {
		char **role = array_push(node->roles, node->role_count);

		if (!role || !(*role = strdup(from->roles[i])))
			return -ENOMEM;
	}
	return peer ? add_places(node, from, strcmp(model->fleet, TOPO_RECORD_ALONE) == 0) : 0;
}

static bool awaits_routed(const struct topo *topo)
{
	for (size_t i = 0; i < topo->node_count; i++)
		for (size_t j = 0;
		     topo->nodes[i].kind == NODE_ATTACHED && j < topo->nodes[i].iface_count; j++) {
			const struct network *network =
				&topo->networks[topo->nodes[i].ifaces[j].network];

			if (network->routed && network->unclaimed == UNCLAIMED_DROP)
				return true;
		}
	return false;
}

int topo_record_add_nodes(const struct state *st, struct model *model, struct netsim_err *err)
{
	bool machine = model_machine(model) >= 0;
	const struct topo *topo = NULL;
	struct topo *owned = NULL;
	uint64_t netns;
	bool alone;
	int r = netns_of(model->fleet, &alone, &netns, err);

	/* Only such records have nodes that the kernel lacks; the others may be large. */
	if (r == 0 && (st->assumed_topo || alone))
		r = topo_record_look(st, model->fleet, &topo, &owned, err);
	model->awaits_routed = r == 0 && topo && !machine && awaits_routed(topo);
	for (size_t i = 0; r == 0 && topo && i < topo->node_count; i++)
		if ((machine || topo->nodes[i].kind == NODE_ATTACHED) &&
		    model_find_node(model, topo->nodes[i].name) < 0 &&
		    add_node(model, &topo->nodes[i], machine) < 0)
			r = err_oom(err);
	topo_free(owned);
	return r;
}
