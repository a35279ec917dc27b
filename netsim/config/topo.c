// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads a topology: fleet, networks and nodes; expands ranges. */
#include "netsim/config/topo.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/file_kind.h"
#include "netsim/config/topo_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/buf.h"
#include "netsim/util/name.h"

const char *const topo_node_kinds[] = {"netns", "tap", "attached", NULL};
const char *const topo_unclaimed[] = {"drop", "pass", NULL};

#define CPU_MOST     100000 /* percent of a processor */
#define MEMORY_LEAST (1 << 20)

enum { IN_NETNS = 1 << NODE_NETNS, IN_TAP = 1 << NODE_TAP, IN_ATTACHED = 1 << NODE_ATTACHED };

/* The file and a node as given; their parts are read later. */
struct raw_topo {
	struct text fleet, libvirt;
	const struct doc_node *networks, *nodes, *links;
};

struct raw_node {
	struct node n;
	struct texts roles;
	struct text user, group, domain;
	const struct doc_node *ifaces;
};

static bool bind_network_address(struct bind *b, const struct field *field,
				 const struct doc_node *node, void *ret)
{
	struct network *network = ret;

	return topo_bind_address(b, field->name, node, &network->addresses,
				 &network->address_count);
}

static bool bind_network_addresses(struct bind *b, const struct field *field,
				   const struct doc_node *node, void *ret)
{
	return bind_each(b, field, node, bind_network_address, ret);
}

static bool bind_ifname(struct bind *b, const struct field *field, const struct doc_node *node,
			void *ret)
{
	const char *text = bind_string(b, field->name, node);

	return text && topo_bind_ifname(b, field->name, text, &node->at, ret);
}

/* A share of one processor, "10%" or "250%", as the time in each 100 ms. */
static bool bind_cpu(struct bind *b, const struct field *field, const struct doc_node *node,
		     void *ret)
{
	const char *text = bind_string(b, field->name, node);
	size_t length = text ? strlen(text) : 0;
	char number[24] = "";
	uint64_t share;

	if (!text)
		return false;
	if (length && length <= sizeof(number) && text[length - 1] == '%')
		memcpy(number, text, length - 1);
	if (unit_parse_decimal(number, 1000, CPU_MOST * 1000ULL, &share) < 0 || share < 1000)
		return bind_refuse(
			b, &node->at,
			hint_f("write a share of one processor from 1%% to %d%%", CPU_MOST),
			"%s: \"%s\" is not valid", field->name, shown(text));
	*(uint32_t *)ret = (uint32_t)share;
	return true;
}

static bool bind_memory(struct bind *b, const struct field *field, const struct doc_node *node,
			void *ret)
{
	struct size *size = ret;

	return bind_size(b, field, node, ret) &&
	       (size->bytes >= MEMORY_LEAST ||
		bind_refuse(b, &node->at, "write at least 1MiB", "%s: too little", field->name));
}

static const struct field network_rows[] = {
	{.name = "vlans", .bind = topo_bind_network_vlans, .below = topo_vlan_rows},
	{FIELD(struct network, mtu, "mtu", bind_count), .min = 68, .max = 65535,
	 FIELD_AT(struct network, mtu_at)},
	{.name = "address", .bind = bind_network_addresses},
	{FIELD(struct network, bridge, "name", bind_ifname)},
	{FIELD(struct network, attached, "attached", bind_bool),
	 FIELD_AT(struct network, attached_at)},
	{FIELD(struct network, routed, "routed", bind_bool), FIELD_AT(struct network, routed_at)},
	{FIELD(struct network, uplink, "uplink", bind_ifname), FIELD_AT(struct network, uplink_at)},
	{FIELD(struct network, stp, "stp", bind_bool), FIELD_AT(struct network, stp_at)},
	{FIELD(struct network, unclaimed, "unclaimed", bind_word),
	 FIELD_HAS(struct network, has_unclaimed), .words = topo_unclaimed},
	{.name = "dhcp", .bind = topo_bind_dhcps, .below = topo_dhcp_rows},
	{0},
};

static const struct field node_rows[] = {
	{FIELD(struct raw_node, n.kind, "kind", bind_word), .words = topo_node_kinds},
	{FIELD(struct raw_node, roles, "roles", bind_texts)},
	{FIELD(struct raw_node, ifaces, "interfaces", bind_node), .required = true,
	 .below = topo_iface_rows},
	{FIELD(struct raw_node, n.forwarding, "forwarding", bind_bool),
	 FIELD_HAS(struct raw_node, n.has_forwarding), .in = IN_NETNS},
	{FIELD(struct raw_node, n.cpu_us, "cpu", bind_cpu), .in = IN_NETNS},
	{FIELD(struct raw_node, n.memory, "memory", bind_memory), .unit = "MiB", .in = IN_NETNS},
	{FIELD(struct raw_node, user, "user", bind_text), .in = IN_TAP},
	{FIELD(struct raw_node, group, "group", bind_text), .in = IN_TAP},
	{FIELD(struct raw_node, n.multi_queue, "multi_queue", bind_bool), .in = IN_TAP},
	{FIELD(struct raw_node, n.vnet_hdr, "vnet_hdr", bind_bool), .in = IN_TAP},
	{FIELD(struct raw_node, domain, "domain", bind_text), .in = IN_ATTACHED},
	{0},
};

static const struct field topo_rows[] = {
	{FIELD(struct raw_topo, fleet, "fleet", bind_text), .required = true},
	{FIELD(struct raw_topo, libvirt, "libvirt", bind_text)},
	{FIELD(struct raw_topo, networks, "networks", bind_node), .required = true,
	 .below = network_rows},
	{FIELD(struct raw_topo, nodes, "nodes", bind_node), .required = true, .nullable = true,
	 .below = node_rows},
	{FIELD(struct raw_topo, links, "links", bind_node), .below = topo_cable_rows},
	{0},
};

size_t topo_keys(const char **names, size_t max)
{
	return bind_keys(topo_rows, names, 0, max);
}

static void network_done(struct network *network)
{
	free(network->name);
	free(network->vlans);
	free(network->addresses);
	for (size_t i = 0; i < network->host_count; i++)
		topo_host_vlan_done(&network->hosts[i]);
	free(network->hosts);
	for (size_t i = 0; i < network->dhcp_count; i++)
		topo_dhcp_done(&network->dhcps[i]);
	free(network->dhcps);
}

static void node_done(struct node *node)
{
	for (size_t i = 0; i < node->role_count; i++)
		free(node->roles[i]);
	for (size_t i = 0; i < node->iface_count; i++) {
		free(node->ifaces[i].addresses);
		free(node->ifaces[i].routes);
		free(node->ifaces[i].vlans);
		free(node->ifaces[i].bond.members);
		free(node->ifaces[i].bond.member_at);
	}
	free(node->name);
	free(node->domain);
	free(node->roles);
	free(node->ifaces);
}

void topo_free(struct topo *topo)
{
	if (!topo)
		return;
	for (size_t i = 0; i < topo->network_count; i++)
		network_done(&topo->networks[i]);
	for (size_t i = 0; i < topo->node_count; i++)
		node_done(&topo->nodes[i]);
	for (size_t i = 0; i < topo->cable_count; i++)
		topo_cable_done(&topo->cables[i]);
	free(topo->networks);
	free(topo->nodes);
	free(topo->cables);
	free(topo->fleet);
	free(topo->libvirt);
	free(topo->file);
	free(topo);
}

static void auto_topo_fn(struct topo **topo)
{
	topo_free(*topo);
}

/* A fleet's name has no dot: in the names of namespaces, FLEET.NODE, a dot ends it. */
static bool check_fleet(struct bind *b, const struct text *fleet)
{
	if (!topo_check_name(b, "the name of a fleet", fleet->s, TOPO_FLEET_MAX, &fleet->at))
		return false;
	if (!strchr(fleet->s, '.'))
		return true;
	return bind_refuse(b, &fleet->at, "write '-' instead of '.'",
			   "the name of a fleet has no dots: \"%s\"", shown(fleet->s));
}

/* netsim does not change a bridge of another program. */
static bool check_attached(struct bind *b, const struct network *network)
{
	const char *key = network->vlan_aware	 ? "vlans" :
			  network->mtu		 ? "mtu" :
			  network->address_count ? "address" :
			  network->dhcp_count	 ? "dhcp" :
			  network->stp		 ? "stp" :
			  *network->uplink	 ? "uplink" :
						   NULL;

	if (!network->attached || !key)
		return true;
	return bind_refuse(b, &network->attached_at, "the program that makes the bridge does this",
			   "network %s is attached, and cannot have \"%s\"", network->name, key);
}

/* The host routes to the uplink, so it has an address on the network. */
static bool check_uplink(struct bind *b, const struct topo *topo, const struct network *network)
{
	if (!*network->uplink)
		return true;
	if (!network->address_count)
		return bind_refuse(b, &network->uplink_at,
				   "write for example \"address: 10.0.0.254/24\"",
				   "network %s has an uplink, and needs an address of the host",
				   network->name);
	for (size_t i = 0; i < topo->network_count; i++)
		if (*topo->networks[i].uplink &&
		    strcmp(topo->networks[i].uplink, network->uplink) != 0)
			return bind_refuse(
				b, &network->uplink_at,
				hint_f("network %s has %s", topo->networks[i].name,
				       topo->networks[i].uplink),
				"uplink: all networks of a fleet must have the same one");
	return true;
}

/* Keeps a network with mistakes, so that its ports do not report it as missing. */
static bool read_network(struct bind *b, struct topo *topo, const struct doc_entry *entry)
{
	struct scope scope = {.what = "a network", .at = &entry->at};
	bool good =
		topo_check_name(b, "the name of a network", entry->key, TOPO_FLEET_MAX, &entry->at);
	auto_free char *name = strdup(entry->key);
	auto_buf struct buf full = {0};
	struct network *network;

	if (!bind_spend(b, &entry->at))
		return false;
	if (topo->network_count == TOPO_NETWORKS_MAX)
		return bind_refuse(b, &entry->at, NULL, "more than %d networks", TOPO_NETWORKS_MAX);
	buf_printf(&full, "%s-%s", topo->fleet, entry->key);
	if (!name || full.failed)
		return bind_oom(b);
	network = array_push(topo->networks, topo->network_count);
	if (!network)
		return bind_oom(b);
	network->at = entry->at;
	network->name = take(name);
	name_fit(full.data, network->bridge);
	return bind_map(b, network_rows, entry->value, &scope, network) &&
	       topo_check_routed(b, network, entry->value) && check_attached(b, network) &&
	       topo_name_host_vlans(b, network) && topo_check_dhcp(b, network) &&
	       check_uplink(b, topo, network) && good;
}

static bool read_networks(struct bind *b, struct topo *topo, const struct doc_node *map)
{
	bool good = true;

	if (map->kind != DOC_MAP || !map->count)
		return bind_refuse(b, &map->at,
				   "write a name and a colon for each network: \"lan:\"",
				   "networks: there must be at least one");
	for (size_t i = 0; i < map->count; i++)
		if (!read_network(b, topo, &map->entries[i]))
			good = false;
	return good;
}

static bool read_roles(struct bind *b, const struct texts *roles, struct node *node)
{
	for (size_t i = 0; i < roles->count; i++) {
		const struct text *role = &roles->list[i];

		if (!topo_check_name(b, "a role", role->s, TOPO_NAME_MAX, &role->at))
			return false;
		for (size_t j = 0; j < i; j++)
			if (strcmp(roles->list[j].s, role->s) == 0)
				return bind_refuse(b, &role->at, "remove one of them",
						   "role \"%s\" is given twice", role->s);
		if (i == TOPO_ROLES_MAX)
			return bind_refuse(b, &role->at, NULL, "more than %d roles",
					   TOPO_ROLES_MAX);
		char **slot = array_push(node->roles, node->role_count);

		if (slot)
			*slot = strdup(role->s);
		if (!slot || !*slot)
			return bind_oom(b);
	}
	return true;
}

/*
 * getpwnam_r() and getgrnam_r() need a buffer whose size is not known in advance. It is on the
 * heap, because a thread's stack may be no larger.
 */
#define ACCOUNT_ROOM (64 << 10)

static bool find_user(const char *name, uint32_t *ret)
{
	auto_free char *room = malloc(ACCOUNT_ROOM);
	struct passwd pw, *found = NULL;

	if (room && getpwnam_r(name, &pw, room, ACCOUNT_ROOM, &found) == 0 && found)
		*ret = pw.pw_uid;
	return found;
}

static bool find_group(const char *name, uint32_t *ret)
{
	auto_free char *room = malloc(ACCOUNT_ROOM);
	struct group gr, *found = NULL;

	if (room && getgrnam_r(name, &gr, room, ACCOUNT_ROOM, &found) == 0 && found)
		*ret = gr.gr_gid;
	return found;
}

/* Accounts that can own a tap device: users or groups. */
struct accounts {
	const char *what;
	bool (*find)(const char *name, uint32_t *ret);
};
static const struct accounts users = {"user", find_user}, groups = {"group", find_group};

static bool read_owner(struct bind *b, const struct accounts *accounts, const struct text *text,
		       bool *has, uint32_t *ret)
{
	uint64_t number;

	if (!text->s)
		return true;
	*has = true;
	if (unit_parse_count(text->s, 0, UINT32_MAX - 1, &number) == 0) {
		*ret = (uint32_t)number;
		return true;
	}
	return accounts->find(text->s, ret) ||
	       bind_refuse(b, &text->at, "write a name known on this machine, or a number",
			   "%s: there is no %s \"%s\"", accounts->what, accounts->what,
			   shown(text->s));
}

static bool read_domain(struct bind *b, const struct text *text, struct node *node)
{
	if (!text->s)
		return true;
	/* A wrong name is kept, so that no port is reported as lacking one. */
	node->domain = strdup(text->s);
	node->domain_at = text->at;
	if (!node->domain)
		return bind_oom(b);
	return (*text->s && !strpbrk(text->s, "/\n")) ||
	       bind_refuse(b, &text->at, "virsh list --all shows the names",
			   "domain: \"%s\" is not valid as the name of a libvirt domain",
			   shown(text->s));
}

/* The kind decides which keys a node has, so it is read first; a wrong one is reported later. */
static enum node_kind kind_of(const struct doc_node *map)
{
	const struct doc_node *kind = doc_get(map, "kind");

	for (unsigned i = 0; kind && kind->kind == DOC_TEXT && topo_node_kinds[i]; i++)
		if (strcmp(kind->text, topo_node_kinds[i]) == 0)
			return i;
	return NODE_NETNS;
}

static bool read_node_rest(struct bind *b, const struct topo *topo, const struct doc_entry *entry,
			   struct raw_node *raw)
{
	struct node *node = &raw->n;
	struct raw_ifaces raws = {0};
	static const char *const what[] = {[NODE_NETNS] = "a node of kind netns",
					   [NODE_TAP] = "a node",
					   [NODE_ATTACHED] = "a node of kind attached"};
	static const char tap[] = "it is an option of a tap that netsim makes, with \"kind: tap\"";
	static const char *const hints[] = {
		[NODE_NETNS] = "it is for virtual machines, which are of another \"kind\"",
		[NODE_TAP] = "it is for the machines of another program, with \"kind: attached\"",
		[NODE_ATTACHED] = tap,
	};
	enum node_kind kind = kind_of(entry->value);
	struct scope scope = {
		.what = what[kind],
		.at = &entry->at,
		.in = 1U << kind,
		.hint = hints[kind],
	};
	bool good;

	if (doc_get(entry->value, "forwarding") || doc_get(entry->value, "cpu") ||
	    doc_get(entry->value, "memory"))
		scope.hint = "a guest decides that itself; the key is for the kind netns";
	good = bind_map(b, node_rows, entry->value, &scope, raw);
	good &= read_roles(b, &raw->roles, node);
	good &= read_owner(b, &users, &raw->user, &node->has_owner, &node->owner);
	good &= read_owner(b, &groups, &raw->group, &node->has_group, &node->group);
	good &= read_domain(b, &raw->domain, node);
	if (!raw->ifaces)
		return false;
	if (!topo_read_ifaces(b, topo, node, raw->ifaces, &raws))
		good = false;
	else if (!topo_resolve_node(b, topo, node, &raws))
		good = false;
	raw_ifaces_done(&raws);
	return good;
}

static bool read_node(struct bind *b, struct topo *topo, const struct doc_entry *entry,
		      const char *name)
{
	struct raw_node raw = {0};
	bool good;

	if (!bind_spend(b, &entry->at) ||
	    !topo_check_name(b, "the name of a node", name, TOPO_NAME_MAX, &entry->at))
		return false;
	if (strcmp(name, "host") == 0)
		return bind_refuse(b, &entry->at, "choose another name",
				   "\"host\" is this machine, not a node");
	if (topo->node_count == TOPO_NODES_MAX)
		return bind_refuse(b, &entry->at, NULL, "more than %d nodes", TOPO_NODES_MAX);
	raw.n.at = entry->at;
	raw.n.vnet_hdr = true;
	raw.n.name = strdup(name);
	good = raw.n.name ? read_node_rest(b, topo, entry, &raw) : bind_oom(b);
	free(raw.roles.list);
	struct node *node = good ? array_push(topo->nodes, topo->node_count) : NULL;

	if (node)
		*node = raw.n;
	else
		node_done(&raw.n);
	return good && (node || bind_oom(b));
}

static bool check_range(struct bind *b, const struct doc_entry *entry,
			const struct name_range *range)
{
	const char *rest = entry->key + range->start + range->len;

	if (strpbrk(rest, "[]"))
		return bind_refuse(b, &entry->at, NULL, "\"%s\" has more than one range",
				   shown(entry->key));
	if (range->first > range->last)
		return bind_refuse(b, &entry->at,
				   hint_f("write \"[%0*u-%0*u]\"", range->width, range->last,
					  range->width, range->first),
				   "\"%s\": the range is empty", shown(entry->key));
	if (range->last - range->first >= TOPO_RANGE_MAX)
		return bind_refuse(b, &entry->at, NULL, "\"%s\" expands to more than %d nodes",
				   shown(entry->key), TOPO_RANGE_MAX);
	return true;
}

/* Stops at the first number with a mistake: the others would repeat it. */
static bool read_range(struct bind *b, struct topo *topo, const struct doc_entry *entry,
		       const struct name_range *range)
{
	bool good = check_range(b, entry, range);
	char number[16];

	for (unsigned n = range->first; good && n <= range->last; n++) {
		auto_buf struct buf name = {0};

		snprintf(number, sizeof(number), "%0*u", range->width, n);
		buf_add(&name, entry->key, range->start);
		buf_puts(&name, number);
		buf_puts(&name, entry->key + range->start + range->len);
		b->number = number;
		good = name.failed ? bind_oom(b) : read_node(b, topo, entry, name.data);
		b->number = NULL;
	}
	return good;
}

static bool read_nodes(struct bind *b, struct topo *topo, const struct doc_node *map)
{
	bool good = true;

	if (doc_is_null(map))
		return true;
	if (map->kind != DOC_MAP)
		return bind_refuse(b, &map->at, NULL, "nodes: must be a mapping, not %s",
				   doc_kind_name(map));
	for (size_t i = 0; i < map->count; i++) {
		const struct doc_entry *entry = &map->entries[i];
		struct name_range range;
		int r = name_range_find(entry->key, &range);

		if (r < 0)
			good = bind_refuse(b, &entry->at, "a range looks like \"n-[1-5]\"",
					   "\"%s\" is not valid as the name of a node",
					   shown(entry->key));
		else if (r > 0)
			good &= read_range(b, topo, entry, &range);
		else
			good &= read_node(b, topo, entry, entry->key);
	}
	return good;
}

/* Unless the file says otherwise, networks with attached nodes drop frames from unknown ports. */
static void default_unclaimed(struct topo *topo)
{
	for (size_t i = 0; i < topo->network_count; i++)
		if (!topo->networks[i].has_unclaimed)
			topo->networks[i].unclaimed = UNCLAIMED_PASS;
	for (size_t i = 0; i < topo->node_count; i++) {
		const struct node *node = &topo->nodes[i];

		for (size_t j = 0; node->kind == NODE_ATTACHED && j < node->iface_count; j++) {
			struct network *network = &topo->networks[node->ifaces[j].network];

			if (!network->has_unclaimed)
				network->unclaimed = UNCLAIMED_DROP;
		}
	}
}

static bool read_libvirt(struct bind *b, const struct text *uri, struct topo *topo)
{
	bool used = false;

	if (!uri->s)
		return true;
	for (size_t i = 0; i < topo->node_count; i++)
		used |= topo->nodes[i].domain != NULL;
	if (!used)
		diag_warn(b->diags, &uri->at, "libvirt is not asked: no node has a \"domain\"");
	topo->libvirt = strdup(uri->s);
	return topo->libvirt || bind_oom(b);
}

static bool read_topo(struct bind *b, struct topo *topo, const struct doc_node *doc)
{
	struct scope scope = {.what = "a topology", .at = &doc->at};
	struct raw_topo raw = {0};
	bool good = bind_map(b, topo_rows, doc, &scope, &raw);

	if (raw.fleet.s)
		good &= check_fleet(b, &raw.fleet);
	topo->at = raw.fleet.s ? raw.fleet.at : doc->at;
	topo->fleet = strdup(raw.fleet.s ? raw.fleet.s : "");
	if (!topo->fleet)
		return bind_oom(b);
	if (raw.networks)
		good &= read_networks(b, topo, raw.networks);
	if (raw.nodes)
		good &= read_nodes(b, topo, raw.nodes);
	if (raw.links)
		good &= topo_read_cables(b, topo, raw.links);
	if (good)
		good = read_libvirt(b, &raw.libvirt, topo);
	default_unclaimed(topo);
	good &= topo_check_cables(b, topo);
	return topo_check_fleet(b, topo) && good;
}

/* doc is NULL if reading failed; diags then hold the reason. */
static int finish(struct topo **topo, const struct doc_node *doc, struct topo **ret,
		  struct netsim_diags *diags)
{
	auto_bind struct bind b = {.diags = diags};
	bool good = doc && file_kind_is(FILE_TOPO, doc, diags) && read_topo(&b, *topo, doc);

	diags_sort(diags);
	if (!good)
		return -EINVAL;
	*ret = take(*topo);
	return 0;
}

static struct topo *topo_new(const char *file, struct netsim_diags *diags)
{
	struct topo *topo = calloc(1, sizeof(*topo));

	if (topo)
		topo->file = strdup(file);
	if (topo && topo->file)
		return topo;
	free(topo);
	diag_oom(diags);
	return NULL;
}

int topo_load(const char *path, struct topo **ret, struct netsim_diags *diags)
{
	autofn(auto_topo_fn) struct topo *topo = topo_new(path, diags);
	auto_doc struct doc_node *doc = NULL;

	if (!topo)
		return -EINVAL;
	doc_load(topo->file, &doc, diags);
	return finish(&topo, doc, ret, diags);
}

int topo_parse(const char *file, const char *data, size_t len, struct topo **ret,
	       struct netsim_diags *diags)
{
	autofn(auto_topo_fn) struct topo *topo = topo_new(file, diags);
	auto_doc struct doc_node *doc = NULL;

	if (!topo)
		return -EINVAL;
	doc_parse(topo->file, data, len, &doc, diags);
	return finish(&topo, doc, ret, diags);
}

int topo_read(const char *file, const struct doc_node *doc, struct topo **ret,
	      struct netsim_diags *diags)
{
	autofn(auto_topo_fn) struct topo *topo = topo_new(file, diags);

	return topo ? finish(&topo, doc, ret, diags) : -EINVAL;
}
