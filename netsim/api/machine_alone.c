/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine without a topology, whose peers are given by their addresses: makes a topology of them
 * and of those given before. A peer's name is its address, with - for : and _ for /.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "netsim/api/machine.h"
#include "netsim/fleet/target.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/kernel/route.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

struct alone {
	struct state *st;
	struct model_place *places; /* of the peers, each once */
	size_t place_count;
	const struct link **links; /* of the machine, each once */
	size_t link_count;
	struct netsim_err *err;
};

static bool same_place(const struct model_place *a, const struct model_place *b)
{
	return a->is_mac == b->is_mac &&
	       (a->is_mac ? memcmp(&a->mac, &b->mac, sizeof(a->mac)) == 0 :
			    a->ip.family == b->ip.family && a->ip.plen == b->ip.plen &&
				    ip_in_prefix(&a->ip, &b->ip));
}

static int add_place(struct alone *a, const struct model_place *place)
{
	struct model_place *slot;

	for (size_t i = 0; i < a->place_count; i++)
		if (same_place(&a->places[i], place))
			return 0;
	slot = array_push(a->places, a->place_count);
	if (!slot)
		return err_oom(a->err);
	*slot = *place;
	return 0;
}

static int add_link(struct alone *a, const struct link *link)
{
	const struct link **slot;

	for (size_t i = 0; i < a->link_count; i++)
		if (a->links[i] == link)
			return 0;
	slot = array_push(a->links, a->link_count);
	if (!slot)
		return err_oom(a->err);
	*slot = link;
	return 0;
}

/* --- what the user gave */

/* The part of a group or target that may be an address: all of it, or what follows "NODE:". */
static const char *address_part(const char *word)
{
	const char *colon = strchr(word, ':');
	struct model_place place;

	if (target_place(word, &place) || !colon)
		return word;
	return colon + 1;
}

/* The programs find only the node with the longest prefix, and would ignore the other's faults. */
static int check_place(const struct alone *a, const struct model_place *place)
{
	char text[UNIT_TEXT], known[UNIT_TEXT];

	for (size_t i = 0; !place->is_mac && i < a->place_count; i++) {
		const struct model_place *other = &a->places[i];

		if (other->is_mac || other->ip.plen >= place->ip.plen ||
		    !ip_in_prefix(&place->ip, &other->ip))
			continue;
		err_set(a->err, NETSIM_ERR_USAGE, -EINVAL, NULL,
			"%s is in %s, which is a node already", unit_format_ip(&place->ip, text),
			unit_format_ip(&other->ip, known));
		err_hint(a->err, "netsim down forgets all nodes");
		return -EINVAL;
	}
	return 0;
}

static int take_word(struct alone *a, const char *word)
{
	struct model_place place;
	int r;

	if (!target_place(address_part(word), &place))
		return 0;
	r = check_place(a, &place);
	return r == 0 ? add_place(a, &place) : r;
}

static int take_words(struct alone *a, const char *const *words, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		auto_free char *copy = strdup(words[i]);
		char *save = NULL;

		if (!copy)
			return err_oom(a->err);
		for (char *word = strtok_r(copy, ",", &save); r == 0 && word;
		     word = strtok_r(NULL, ",", &save))
			r = take_word(a, word);
	}
	return r;
}

/* --- what was given before */

static int take_before(struct alone *a)
{
	struct topo *topo = NULL;
	int r = topo_record_read(TOPO_RECORD_ALONE, &topo, a->err);

	for (size_t n = 0; r == 0 && topo && n < topo->node_count; n++)
		for (size_t i = 0; r == 0 && i < topo->nodes[n].iface_count; i++) {
			const struct iface *iface = &topo->nodes[n].ifaces[i];
			struct model_place place = {.is_mac = iface->has_mac, .mac = iface->mac};

			if (iface->address_count)
				place.ip = ip_subnet(&iface->addresses[0].ip);
			if (iface->has_mac || iface->address_count)
				r = add_place(a, &place);
		}
	topo_free(topo);
	for (size_t i = 0; r == 0 && i < a->st->host->link_count; i++)
		if (a->st->host->links[i].machine &&
		    state_is_ours(&a->st->host->links[i], TOPO_RECORD_ALONE))
			r = add_link(a, &a->st->host->links[i]);
	return r;
}

/* --- the interfaces */

static const struct link *link_by_index(const struct alone *a, int ifindex)
{
	for (size_t i = 0; i < a->st->host->link_count; i++)
		if (a->st->host->links[i].ifindex == ifindex)
			return &a->st->host->links[i];
	return NULL;
}

/* A MAC address does not say which interface leads to it: only one may be up. */
static int find_only_link(struct alone *a, const char *text)
{
	const struct link *found = NULL;
	size_t count = 0;

	for (size_t i = 0; i < a->st->host->link_count; i++) {
		const struct link *link = &a->st->host->links[i];

		if (!link->up || strcmp(link->name, "lo") == 0 || *link->master ||
		    MARK_IS_GROUP(link->group))
			continue;
		found = link;
		count++;
	}
	if (count == 1)
		return add_link(a, found);
	err_set(a->err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s: %zu interfaces are up", text, count);
	err_hint(a->err, "give the IP address, whose route shows the interface, or a topology");
	return -EINVAL;
}

static int find_link(struct alone *a, const struct model_place *place)
{
	const struct link *link;
	char text[UNIT_TEXT];
	int ifindex = 0, r;

	if (place->is_mac)
		return a->link_count ? 0 : find_only_link(a, unit_format_mac(place->mac, text));
	r = route_device(a->st->rt, &place->ip, &ifindex, a->err);
	link = r == 0 ? link_by_index(a, ifindex) : NULL;
	if (r < 0)
		return r;
	if (link && strcmp(link->name, "lo") != 0)
		return add_link(a, link);
	return err_set(a->err, NETSIM_ERR_USAGE, -EINVAL, NULL, "%s is this machine's own address",
		       unit_format_address(&place->ip, text));
}

/* --- the topology */

/* A prefix is written with its first host's address, because no interface can have the subnet's. */
static void print_peer(const struct model_place *place, FILE *out)
{
	char text[UNIT_TEXT], name[UNIT_TEXT];
	struct ip ip = place->ip;
	uint8_t bits = ip.family == AF_INET ? 32 : 128;

	if (place->is_mac)
		unit_format_mac(place->mac, text);
	else if (ip.plen == bits)
		unit_format_address(&ip, text);
	else
		unit_format_ip(&ip, text);
	snprintf(name, sizeof(name), "%s", text);
	for (char *c = name; *c; c++)
		*c = *c == ':' ? '-' : *c == '/' ? '_' : *c;
	if (name[0] == '-')
		name[0] = '0';
	if (!place->is_mac && ip.plen + 1 < bits)
		ip.b[bits / 8 - 1] |= 1;
	fprintf(out, "  \"%s\": {kind: tap, interfaces: {peer: {network: any, %s: \"%s\"}}}\n",
		name, place->is_mac ? "mac" : "address",
		place->is_mac ? text : unit_format_ip(&ip, text));
}

static void print_machine(const struct alone *a, FILE *out)
{
	struct utsname host;

	uname(&host);
	host.nodename[strcspn(host.nodename, ".")] = 0;
	fprintf(out, "  \"%s\": {kind: tap, interfaces: {",
		name_is_plain(host.nodename, PORT_NODE_NAME - 1) ? host.nodename : "me");
	for (size_t i = 0; i < a->link_count; i++)
		fprintf(out, "%s\"%s\": {network: any}", i ? ", " : "", a->links[i]->name);
	fprintf(out, "}}\n");
}

static int make_topo(const struct alone *a, struct topo **ret)
{
	struct netsim_diags diags = {0};
	auto_free char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return err_oom(a->err);
	fprintf(out, "fleet: " TOPO_RECORD_ALONE "\nnetworks: {any: {}}\nnodes:\n");
	print_machine(a, out);
	for (size_t i = 0; i < a->place_count; i++)
		print_peer(&a->places[i], out);
	if (fclose(out) != 0)
		return err_oom(a->err);
	if (topo_parse(TOPO_RECORD_ALONE, text, size, ret, &diags) < 0)
		return err_first_mistake(&diags, a->err);
	return 0;
}

int machine_make_topo(struct state *st, const char *const *words, size_t count, struct topo **ret,
		      struct netsim_err *err)
{
	struct alone a = {.st = st, .err = err};
	size_t fresh;
	int r = take_before(&a);

	*ret = NULL;
	fresh = a.place_count;
	if (r == 0)
		r = take_words(&a, words, count);
	for (size_t i = fresh; r == 0 && i < a.place_count; i++)
		r = find_link(&a, &a.places[i]);
	if (r == 0 && a.place_count > fresh)
		r = make_topo(&a, ret);
	free(a.places);
	free(a.links);
	return r;
}
