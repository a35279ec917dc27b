/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to the topology code: topo.c (networks, nodes), topo_iface.c (interfaces as
 * given), topo_bond.c (options of bonds), topo_node.c (references between them), topo_check.c (the
 * fleet as a whole), topo_dhcp.c (DHCP servers and their clients), topo_cable.c (cables between
 * networks).
 */
#ifndef NETSIM_TOPO_PARTS_H
#define NETSIM_TOPO_PARTS_H

#include "netsim/config/bind.h"
#include "netsim/config/topo.h"

#define TOPO_NAME_MAX	  63
#define TOPO_FLEET_MAX	  32
#define TOPO_NETWORKS_MAX 1024
#define TOPO_NODES_MAX	  4096
#define TOPO_RANGE_MAX	  1024
#define TOPO_IFACES_MAX	  65536
#define TOPO_STACK_MAX	  8 /* of bonds and VLANs: the kernel's limit on nested devices */
#define TOPO_MTU_DEFAULT  1500
#define TOPO_MTU_IPV6	  1280
#define TOPO_MTU_TAP	  65521 /* 65535 without the Ethernet header */
#define TOPO_PORTS_MAX	  1023	/* of a bridge: BR_MAX_PORTS without number 0 */
#define TOPO_ALIAS_MAX	  255	/* of a link: IFALIASZ without its NUL */
#define NOWHERE		  SIZE_MAX

/* An interface as the file gives it; references to other interfaces are names at first. */
struct raw_iface {
	struct iface i; /* without references; owns its arrays */
	struct text network, port, link, primary;
	struct texts members;
	size_t *member; /* the members' indices, NOWHERE if unknown */
	size_t lower;	/* of a VLAN: the index of link, NOWHERE if unknown */
	size_t bond;	/* the index of the bond it is a member of, or NOWHERE */
	size_t depth;	/* 0 for a port, else 1 above the deepest below; NOWHERE: unknown */
	size_t place;	/* rank in the order of creation */
};

struct raw_ifaces {
	struct raw_iface *list;
	size_t count;
};

void raw_ifaces_done(struct raw_ifaces *raws);

extern const struct field topo_iface_rows[];

/* Words of the file; a word's index is its value. */
extern const char *const topo_node_kinds[];
extern const char *const topo_unclaimed[];
extern const char *const topo_vlan_protocols[];

/* Reads `interfaces:` of a node. */
bool topo_read_ifaces(struct bind *b, const struct topo *topo, const struct node *node,
		      const struct doc_node *map, struct raw_ifaces *ret);

/* Values of bonds, into struct bond_value.value, struct bond_targets and iface.prio. */
bind_fn topo_bind_milliseconds, topo_bind_switch, topo_bind_targets, topo_bind_prio;
/* Checks the options of a bond against its mode and each other. */
bool topo_check_bond(struct bind *b, struct raw_iface *raw);

/* Resolves and checks references between interfaces, and moves them into node, in order. */
bool topo_resolve_node(struct bind *b, const struct topo *topo, struct node *node,
		       struct raw_ifaces *raws);

/* Checks the keys (map) of a routed network, and the addresses and the name of one of its ports.
 */
bool topo_check_routed(struct bind *b, const struct network *network, const struct doc_node *map);
bool topo_check_routed_port(struct bind *b, const struct network *network, const struct node *node,
			    const struct iface *iface);
/* Adds the default routes via the host to an interface of a routed network without routes. */
bool topo_route_by_host(struct bind *b, const struct network *network, struct iface *iface);

/* Checks the routes of a node against each other and against all its addresses. */
bool topo_check_routes(struct bind *b, const struct node *node);
/* Warns of gateways that are nodes which need not forward packets. */
void topo_warn_gateways(struct bind *b, const struct topo *topo, const struct node *node);

/* The L2 segment of an interface: its network and VLAN tags, outermost tag first. */
struct topo_segment {
	size_t network;
	uint32_t tags[TOPO_STACK_MAX]; /* bit 16: 802.1ad */
	size_t tag_count;
};

/* The port below all bonds and VLANs. */
const struct iface *topo_lowest(const struct node *node, const struct iface *iface);
/*
 * The network whose addresses must differ from those of this one: itself, or the first routed one,
 * because the host has one routing table for all its routed networks.
 */
size_t topo_domain(const struct topo *topo, size_t network);
struct topo_segment topo_segment_of(const struct topo *topo, const struct node *node,
				    const struct iface *iface);

/*
 * Cables make one segment of several networks. Fills ret, of network_count entries: for each
 * network, one with which cables join it for frames with this outermost tag, or itself.
 * topo_first_joined() follows these to the first network of all that are joined.
 */
void topo_join(const struct topo *topo, uint32_t tag, size_t *ret);
size_t topo_first_joined(const size_t *joined, size_t network);

/* `vlans:` of a network: a list of ids, or a mapping with addresses of the host. */
extern const struct field topo_vlan_rows[];
bind_fn topo_bind_network_vlans;
void topo_host_vlan_done(struct host_vlan *host);
/* Names the VLAN interfaces of a network's bridge, whose name is known. */
bool topo_name_host_vlans(struct bind *b, struct network *network);

/* `dhcp:` of a network: one mapping, or a list of them. */
extern const struct field topo_dhcp_rows[];
bind_fn topo_bind_dhcps;
void topo_dhcp_done(struct dhcp *dhcp);
/* Checks the DHCP servers of a network against the network. */
bool topo_check_dhcp(struct bind *b, struct network *network);
/* Checks the DHCP servers against all addresses, and their clients against the servers. */
bool topo_check_leases(struct bind *b, const struct topo *topo);

/* `links:`, the cables between networks; call it after the networks and nodes are read. */
extern const struct field topo_cable_rows[];
bool topo_read_cables(struct bind *b, struct topo *topo, const struct doc_node *map);
void topo_cable_done(struct cable *cable);
/* Checks the names of cables against those of nodes, and refuses rings without STP. */
bool topo_check_cables(struct bind *b, const struct topo *topo);

/* Checks a name; what is its noun, with an article. */
bool topo_check_name(struct bind *b, const char *what, const char *text, size_t max,
		     const struct netsim_loc *at);

/* Makes the checks that concern several nodes, such as duplicate addresses. */
bool topo_check_fleet(struct bind *b, const struct topo *topo);

/* Reads an address with a prefix, after checking that a host can have it. */
bool topo_bind_host(struct bind *b, const char *name, const struct doc_node *node, struct ip *ret);
/* The same, and appends it. */
bool topo_bind_address(struct bind *b, const char *name, const struct doc_node *node,
		       struct ip_at **list, size_t *count);

bool topo_bind_vlan(struct bind *b, const char *name, const struct doc_node *node, uint16_t *ret);
bool topo_bind_vlans(struct bind *b, const char *name, const struct doc_node *node,
		     struct vlan_id **list, size_t *count);

/* Checks the name of an interface and copies it to ret. */
bool topo_bind_ifname(struct bind *b, const char *name, const char *text,
		      const struct netsim_loc *at, char ret[static IFNAMSIZ]);

bool topo_carries(const struct vlan_id *vlans, size_t count, uint16_t id);

#endif
