/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel objects of a fleet as plain data. The same struct says what a
 * topology asks for (layout.c makes it) and what the kernel has (state.c reads
 * it), so that plan.c can compare the two, and so that undoing is nothing but
 * planning back to what was there before.
 */
#ifndef NETSIM_MODEL_H
#define NETSIM_MODEL_H

#include <net/if.h>
#include <stdbool.h>
#include <sys/types.h>

#include "netsim/netsim.h"
#include "netsim/util/unit.h"

#define MODEL_HOST (-1) /* link.ns of what lies outside the nodes */

enum link_kind { LINK_OTHER, LINK_BRIDGE, LINK_VETH, LINK_TAP, LINK_BOND, LINK_VLAN, LINK_IFB };

/* One VLAN of a bridge port. */
struct port_vlan {
	uint16_t id;
	bool untagged; /* also the VLAN of untagged frames that come in */
};

struct bond_options {
	uint8_t mode;
	bool has_miimon, has_updelay, has_downdelay, has_lacp_rate, has_hash, has_primary;
	uint32_t miimon, updelay, downdelay; /* milliseconds */
	uint8_t lacp_rate, hash;
	char primary[IFNAMSIZ];
	struct netsim_loc mode_at, miimon_at, updelay_at, downdelay_at, lacp_rate_at, hash_at,
		primary_at;
};

struct model_addr {
	struct ip ip;
	struct netsim_loc at;
};

struct model_route {
	struct ip to, via;
	struct netsim_loc at;
};

struct link {
	int ns; /* index into model.nodes, or MODEL_HOST */
	char name[IFNAMSIZ];
	enum link_kind kind;
	int ifindex;	/* 0: not known yet */
	char *alias;	/* the mark (mark.h), or NULL */
	uint32_t group; /* the link group, which alone makes a link ours */
	struct netsim_loc at;
	unsigned mtu;
	struct netsim_loc mtu_at;
	bool has_mac;
	struct mac mac;
	struct netsim_loc mac_at;
	bool up, running;      /* set up; and carrying frames */
	char master[IFNAMSIZ]; /* the bridge or bond it belongs to, or "" */
	struct netsim_loc master_at;
	char peer[IFNAMSIZ];	 /* desired veth in a node: the host's end */
	bool vlan_aware;	 /* bridge */
	struct port_vlan *vlans; /* port of a VLAN-aware bridge, ascending */
	size_t vlan_count;
	struct bond_options bond;
	uint16_t vlan; /* LINK_VLAN */
	bool vlan_qinq;
	char lower[IFNAMSIZ];
	struct netsim_loc vlan_at;
	bool multi_queue, has_tap_owner, has_tap_group; /* LINK_TAP */
	uid_t tap_owner;
	gid_t tap_group;
	struct ip link_local;	  /* the kernel's own; family 0: none */
	struct model_addr *addrs; /* those with netsim's mark */
	size_t addr_count;
	struct model_route *routes; /* likewise */
	size_t route_count;
};

/* A node. The netns kind has a namespace; a tap node has only ports. */
struct model_node {
	char *name;
	bool is_tap;
	char **roles;
	size_t role_count;
	char *netns; /* its name below /run/netns, NULL for a tap node */
	struct netsim_loc at;
};

struct model {
	char *fleet;
	struct model_node *nodes;
	size_t node_count;
	struct link *links;
	size_t link_count;
};

void model_free(struct model *model);
/* An empty model; NULL when out of memory. */
struct model *model_new(const char *fleet);

struct model_node *model_add_node(struct model *model, const char *name);
struct link *model_add_link(struct model *model, int ns, const char *name, enum link_kind kind);
int model_find_node(const struct model *model, const char *name); /* index, or -1 */
struct link *model_find_link(const struct model *model, int ns, const char *name);
/* True for the host's end of a node's cable. */
bool link_is_port(const struct link *link);

#endif
