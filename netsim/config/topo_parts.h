/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files that read a topology share: topo.c (networks, nodes),
 * topo_iface.c (the interfaces as written), topo_node.c (how they hang
 * together), topo_check.c (the fleet as a whole). For nobody else.
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
#define TOPO_STACK_MAX	  8 /* of bonds and VLANs: the kernel's bound on nested devices */
#define TOPO_MTU_DEFAULT  1500
#define NOWHERE		  SIZE_MAX

/* An interface as the file says it, other interfaces still by name. */
struct raw_iface {
	struct iface i; /* what needs no other interface; its arrays are owned here */
	struct text network, port, link, primary;
	struct texts members;
	size_t *member; /* the same as indices, NOWHERE where unknown */
	size_t lower;	/* of a VLAN, likewise */
	size_t bond;	/* whose member it is, or NOWHERE */
	size_t depth;	/* 0 for a port, one more than what is below; NOWHERE: a loop */
	size_t place;	/* in the order of making */
};

struct raw_ifaces {
	struct raw_iface *list;
	size_t count;
};

void raw_ifaces_done(struct raw_ifaces *raws);

extern const struct field topo_iface_rows[];

/* The words of the file, in the order of the numbers they stand for. */
extern const char *const topo_node_kinds[];
extern const char *const topo_bond_modes[];
extern const char *const topo_lacp_rates[];
extern const char *const topo_bond_hashes[];
extern const char *const topo_vlan_protocols[];

/* Reads `interfaces:` of a node. */
bool topo_read_ifaces(struct bind *b, const struct topo *topo, const struct node *node,
		      const struct doc_node *map, struct raw_ifaces *ret);

/* Checks how the interfaces hang together and moves them into node, in order. */
bool topo_resolve_node(struct bind *b, const struct topo *topo, struct node *node,
		       struct raw_ifaces *raws);

/* Checks what concerns more than one node. */
bool topo_check_fleet(struct bind *b, const struct topo *topo);

/* Adds an address with its prefix, after having checked that a host can have it. */
bool topo_bind_address(struct bind *b, const char *name, const struct doc_node *node,
		       struct ip_at **list, size_t *count);

bool topo_bind_vlan(struct bind *b, const char *name, const struct doc_node *node, uint16_t *ret);
bool topo_bind_vlans(struct bind *b, const char *name, const struct doc_node *node,
		     struct vlan_id **list, size_t *count);

/* A name for an interface, copied into ret. */
bool topo_bind_ifname(struct bind *b, const char *name, const char *text,
		      const struct netsim_loc *at, char ret[static IFNAMSIZ]);

bool topo_carries(const struct vlan_id *vlans, size_t count, uint16_t id);

#endif
