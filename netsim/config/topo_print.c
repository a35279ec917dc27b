// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints a topology, with ranges expanded and defaults filled in. */
#include "netsim/config/topo_parts.h"

#include <errno.h>
#include <stdio.h>

#include "netsim/util/quote.h"

static void print_list(const char *key, const struct ip_at *list, size_t count, FILE *out)
{
	char text[UNIT_TEXT];

	fputs(key, out);
	fputs(count > 1 ? "[" : "", out);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		quote_print(unit_format_ip(&list[i].ip, text), out);
	}
	fputs(count > 1 ? "]" : "", out);
}

static void print_addresses(bool dhcp, const struct ip_at *list, size_t count, FILE *out)
{
	char text[UNIT_TEXT];
	bool several = count + dhcp > 1;

	if (!count && !dhcp)
		return;
	fputs(several ? ", address: [" : ", address: ", out);
	fputs(dhcp ? "dhcp" : "", out);
	for (size_t i = 0; i < count; i++) {
		if (i || dhcp)
			fputs(", ", out);
		quote_print(unit_format_ip(&list[i].ip, text), out);
	}
	fputs(several ? "]" : "", out);
}

static void print_vlans(const struct vlan_id *vlans, size_t count, FILE *out)
{
	if (!count)
		return;
	fputs(", vlans: [", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%u", i ? ", " : "", vlans[i].id);
	fputs("]", out);
}

static void print_dhcp(const struct dhcp *dhcp, FILE *out)
{
	char text[UNIT_TEXT];

	fputs("{server: ", out);
	quote_print(unit_format_ip(&dhcp->server, text), out);
	if (dhcp->has_pool) {
		fprintf(out, ", pool: %s", unit_format_address(&dhcp->first, text));
		fprintf(out, "-%s", unit_format_address(&dhcp->last, text));
	}
	fprintf(out, ", lease: %s", unit_format_duration(dhcp->lease, text));
	if (dhcp->has_router)
		fprintf(out, ", router: %s", unit_format_address(&dhcp->router, text));
	for (size_t i = 0; i < dhcp->dns_count; i++)
		fprintf(out, "%s%s", i ? ", " : ", dns: [",
			unit_format_address(&dhcp->dns[i], text));
	fputs(dhcp->dns_count ? "]" : "", out);
	if (dhcp->vlan)
		fprintf(out, ", vlan: %u", dhcp->vlan);
	fputs("}", out);
}

static void print_dhcps(const struct network *network, FILE *out)
{
	fputs(network->dhcp_count > 1 ? ", dhcp: [" : network->dhcp_count ? ", dhcp: " : "", out);
	for (size_t i = 0; i < network->dhcp_count; i++) {
		fputs(i ? ", " : "", out);
		print_dhcp(&network->dhcps[i], out);
	}
	fputs(network->dhcp_count > 1 ? "]" : "", out);
}

/* The VLANs of a network in which the host has addresses. */
static void print_host_vlans(const struct network *network, FILE *out)
{
	fputs(", vlans: {", out);
	for (size_t i = 0; i < network->vlan_count; i++) {
		const struct host_vlan *host = NULL;

		for (size_t j = 0; !host && j < network->host_count; j++)
			if (network->hosts[j].id == network->vlans[i].id)
				host = &network->hosts[j];
		fprintf(out, "%s%u: {", i ? ", " : "", network->vlans[i].id);
		if (host)
			print_list("address: ", host->addresses, host->address_count, out);
		fputs("}", out);
	}
	fputs("}", out);
}

static void print_network(const struct network *network, FILE *out)
{
	fputs("  ", out);
	quote_print(network->name, out);
	fputs(network->routed ? ": {routed: true" : ": {name: ", out);
	if (!network->routed)
		quote_print(network->bridge, out);
	if (network->host_count)
		print_host_vlans(network, out);
	else
		print_vlans(network->vlans, network->vlan_count, out);
	if (network->attached)
		fputs(", attached: true", out);
	if (*network->uplink) {
		fputs(", uplink: ", out);
		quote_print(network->uplink, out);
	}
	if (network->mtu)
		fprintf(out, ", mtu: %u", network->mtu);
	print_addresses(false, network->addresses, network->address_count, out);
	print_dhcps(network, out);
	if (network->stp)
		fputs(", stp: true", out);
	if (network->has_unclaimed || network->unclaimed == UNCLAIMED_DROP)
		fprintf(out, ", unclaimed: %s", topo_unclaimed[network->unclaimed]);
	fputs("}\n", out);
}

static void print_routes(const struct iface *iface, FILE *out)
{
	char text[UNIT_TEXT];

	if (!iface->route_count)
		return;
	fputs(", routes: [", out);
	for (size_t i = 0; i < iface->route_count; i++) {
		const struct route *route = &iface->routes[i];

		fputs(i ? ", {to: " : "{to: ", out);
		quote_print(route->to.family ? unit_format_ip(&route->to, text) : "default", out);
		fputs(", via: ", out);
		quote_print(unit_format_address(&route->via, text), out);
		fputs("}", out);
	}
	fputs("]", out);
}

static void print_targets(const char *key, const struct bond_targets *targets, FILE *out)
{
	char text[UNIT_TEXT];

	if (!targets->count)
		return;
	fprintf(out, ", %s: [", key);
	for (size_t i = 0; i < targets->count; i++) {
		fputs(i ? ", " : "", out);
		quote_print(unit_format_address(&targets->list[i], text), out);
	}
	fputs("]", out);
}

static void print_bond(const struct node *node, const struct iface *iface, FILE *out)
{
	const struct bond *bond = &iface->bond;
	const struct bond_options *options = &bond->options;
	char text[UNIT_TEXT];

	fputs("bond: [", out);
	for (size_t i = 0; i < bond->member_count; i++) {
		fputs(i ? ", " : "", out);
		quote_print(node->ifaces[bond->members[i]].name, out);
	}
	fprintf(out, "], mode: %s", bond_modes[options->mode]);
	if (bond->lag) {
		fputs(", lag: true, port: ", out);
		quote_print(iface->port, out);
	} else if (bond->has_lag) {
		fputs(", lag: false", out);
	}
	if (options->has_primary) {
		fputs(", primary: ", out);
		quote_print(options->primary, out);
	}
	for (unsigned i = 0; i < BOND_OPTIONS; i++)
		if (options->values[i].has)
			fprintf(out, ", %s: %s", bond_option_info[i].name,
				bond_format_value(i, options->values[i].value, text));
	print_targets("arp_ip_target", &options->arp_targets, out);
	print_targets("ns_ip6_target", &options->ns_targets, out);
	if (options->has_system)
		fprintf(out, ", ad_actor_system: \"%s\"", unit_format_mac(options->system, text));
}

static void print_kind(const struct topo *topo, const struct node *node, const struct iface *iface,
		       FILE *out)
{
	switch (iface->kind) {
	case IFACE_PORT:
		fputs("network: ", out);
		quote_print(topo->networks[iface->network].name, out);
		if (*iface->port)
			fputs(", port: ", out);
		if (*iface->port)
			quote_print(iface->port, out);
		if (iface->access)
			fprintf(out, ", access: %u", iface->access);
		if (iface->native)
			fprintf(out, ", native: %u", iface->native);
		print_vlans(iface->vlans, iface->vlan_count, out);
		if (iface->has_prio)
			fprintf(out, ", prio: %d", iface->prio);
		break;
	case IFACE_BOND:
		print_bond(node, iface, out);
		break;
	case IFACE_VLAN:
		fprintf(out, "vlan: %u, link: ", iface->vlan);
		quote_print(node->ifaces[iface->lower].name, out);
		fprintf(out, ", protocol: %s", topo_vlan_protocols[iface->vlan_qinq]);
		break;
	}
}

static void print_iface(const struct topo *topo, const struct node *node, const struct iface *iface,
			FILE *out)
{
	char text[UNIT_TEXT];

	fputs("      ", out);
	quote_print(iface->name, out);
	fputs(": {", out);
	print_kind(topo, node, iface, out);
	if (iface->has_mac)
		fprintf(out, ", mac: \"%s\"", unit_format_mac(iface->mac, text));
	if (iface->mtu)
		fprintf(out, ", mtu: %u", iface->mtu);
	print_addresses(iface->dhcp, iface->addresses, iface->address_count, out);
	if (iface->has_reserve)
		fprintf(out, ", reserve: %s", unit_format_address(&iface->reserve, text));
	print_routes(iface, out);
	fputs("}\n", out);
}

/* A line of an optional key. */
static void print_text(const char *key, const char *text, FILE *out)
{
	if (!text)
		return;
	fputs(key, out);
	quote_print(text, out);
	fputs("\n", out);
}

static void print_node(const struct topo *topo, const struct node *node, FILE *out)
{
	char text[UNIT_TEXT];

	fputs("  ", out);
	quote_print(node->name, out);
	fprintf(out, ":\n    kind: %s\n", topo_node_kinds[node->kind]);
	print_text("    domain: ", node->domain, out);
	if (node->role_count)
		fputs("    roles: [", out);
	for (size_t i = 0; i < node->role_count; i++) {
		fputs(i ? ", " : "", out);
		quote_print(node->roles[i], out);
	}
	if (node->role_count)
		fputs("]\n", out);
	if (node->has_forwarding)
		fprintf(out, "    forwarding: %s\n", node->forwarding ? "true" : "false");
	if (node->cpu_us)
		fprintf(out, "    cpu: %g%%\n", (double)node->cpu_us / 1000);
	if (node->memory.bytes)
		fprintf(out, "    memory: %s\n", unit_format_size(node->memory, text));
	if (node->has_owner)
		fprintf(out, "    user: %u\n", node->owner);
	if (node->has_group)
		fprintf(out, "    group: %u\n", node->group);
	if (node->kind == NODE_TAP)
		fprintf(out, "    multi_queue: %s\n    vnet_hdr: %s\n",
			node->multi_queue ? "true" : "false", node->vnet_hdr ? "true" : "false");
	fputs("    interfaces:\n", out);
	for (size_t i = 0; i < node->iface_count; i++)
		print_iface(topo, node, &node->ifaces[i], out);
}

static void print_cables(const struct topo *topo, FILE *out)
{
	for (size_t i = 0; i < topo->cable_count; i++) {
		const struct cable *cable = &topo->cables[i];

		fputs(i ? "  " : "links:\n  ", out);
		quote_print(cable->name, out);
		fputs(": {between: [", out);
		quote_print(topo->networks[cable->networks[0]].name, out);
		fputs(", ", out);
		quote_print(topo->networks[cable->networks[1]].name, out);
		fputs("]", out);
		print_vlans(cable->vlans, cable->vlan_count, out);
		if (cable->mtu)
			fprintf(out, ", mtu: %u", cable->mtu);
		fputs("}\n", out);
	}
}

int topo_print(const struct topo *topo, FILE *out)
{
	fputs("fleet: ", out);
	quote_print(topo->fleet, out);
	fputs("\n", out);
	print_text("libvirt: ", topo->libvirt, out);
	fputs("networks:\n", out);
	for (size_t i = 0; i < topo->network_count; i++)
		print_network(&topo->networks[i], out);
	fputs(topo->node_count ? "nodes:\n" : "nodes: {}\n", out);
	for (size_t i = 0; i < topo->node_count; i++)
		print_node(topo, &topo->nodes[i], out);
	print_cables(topo, out);
	return ferror(out) ? -EIO : 0;
}
