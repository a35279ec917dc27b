/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The topology file: which networks and nodes a fleet has. topo_load() reads,
 * expands ranges and checks everything that can be known without a kernel;
 * what it returns is complete and consistent.
 */
#ifndef NETSIM_TOPO_H
#define NETSIM_TOPO_H

#include <net/if.h>
#include <stdio.h>

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

enum node_kind { NODE_NETNS, NODE_TAP };

enum iface_kind {
	IFACE_PORT, /* a cable into a network: veth, or tap for a VM */
	IFACE_BOND,
	IFACE_VLAN,
};

/* A VLAN id with where it was asked for. */
struct vlan_id {
	uint16_t id;
	struct netsim_loc at;
};

struct ip_at {
	struct ip ip;
	struct netsim_loc at;
};

struct network {
	char *name;
	struct netsim_loc at;
	char bridge[IFNAMSIZ]; /* the bridge's name: `name:`, or FLEET-NETWORK shortened */
	bool vlan_aware;       /* `vlans:` was given */
	struct vlan_id *vlans;
	size_t vlan_count;
	unsigned mtu; /* 0: not given */
	struct netsim_loc mtu_at;
	struct ip_at *addresses; /* the host's, on the bridge */
	size_t address_count;
};

struct route {
	struct ip to; /* family and plen 0 for `default` */
	struct ip via;
	struct netsim_loc at;
};

/* Bond options; a has_ bit for each, because 0 and "not given" differ. */
struct bond {
	size_t *members; /* indices into the node's ifaces */
	struct netsim_loc *member_at;
	size_t member_count;
	uint8_t mode; /* the kernel's number, 0 balance-rr .. 6 balance-alb */
	struct netsim_loc mode_at;
	bool has_primary, has_miimon, has_updelay, has_downdelay, has_lacp_rate, has_hash;
	size_t primary; /* index into the node's ifaces */
	struct netsim_loc primary_at;
	struct duration miimon, updelay, downdelay; /* whole milliseconds */
	struct netsim_loc miimon_at, updelay_at, downdelay_at;
	uint8_t lacp_rate; /* 0 slow, 1 fast */
	struct netsim_loc lacp_rate_at;
	uint8_t hash; /* xmit_hash_policy: the kernel's number */
	struct netsim_loc hash_at;
};

struct iface {
	char name[IFNAMSIZ];
	struct netsim_loc at;
	enum iface_kind kind;
	bool has_mac;
	struct mac mac;
	struct netsim_loc mac_at;
	unsigned mtu; /* 0: not given; a port's comes from its network then */
	struct netsim_loc mtu_at;
	struct ip_at *addresses;
	size_t address_count;
	struct route *routes;
	size_t route_count;
	/* IFACE_PORT */
	size_t network;	     /* index into topo.networks */
	char port[IFNAMSIZ]; /* the host's end: `port:`, or FLEET.NODE.IFACE shortened */
	uint16_t access;     /* the one VLAN it is an untagged member of; 0: a trunk */
	struct netsim_loc access_at;
	struct vlan_id *vlans; /* the tagged VLANs of this trunk, subset of the network's */
	size_t vlan_count;     /* 0: all of the network's */
	/* IFACE_BOND */
	struct bond bond;
	/* IFACE_VLAN */
	uint16_t vlan;
	struct netsim_loc vlan_at;
	bool vlan_qinq; /* 802.1ad instead of 802.1Q */
	size_t lower;	/* index into the node's ifaces */
};

struct node {
	char *name;
	struct netsim_loc at;
	enum node_kind kind;
	char **roles;
	size_t role_count;
	struct iface *ifaces; /* in an order in which they can be made: lower ones first */
	size_t iface_count;
	/* NODE_TAP */
	bool has_owner, has_group;
	uint32_t owner, group; /* who may open the taps */
	bool multi_queue;
};

struct topo {
	char *file;
	char *fleet;
	struct netsim_loc at;
	struct network *networks;
	size_t network_count;
	struct node *nodes;
	size_t node_count;
};

/*
 * Reads a topology. On success *ret is the caller's, to be freed with
 * topo_free(); every netsim_loc in it points to topo->file. On failure returns
 * -EINVAL with all mistakes in diags. diags may hold warnings on success.
 */
int topo_load(const char *path, struct topo **ret, struct netsim_diags *diags);
void topo_free(struct topo *topo);

/* The same from memory; file is what messages call it. */
int topo_parse(const char *file, const char *data, size_t len, struct topo **ret,
	       struct netsim_diags *diags);

/* What an interface's MTU comes to: its own, or that of its network or lower one, or 1500. */
unsigned topo_mtu(const struct topo *topo, const struct node *node, const struct iface *iface);

/* The keys a topology file can have, for the manual's test; returns how many. */
size_t topo_keys(const char **names, size_t max);

/* Prints the topology back as YAML that loads to the same. */
int topo_print(const struct topo *topo, FILE *out);

#endif
