/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Topologies: the networks and nodes of a fleet. topo_load() reads the file, expands
 * ranges and makes every check that does not need the kernel; its result is complete
 * and consistent.
 */
#ifndef NETSIM_TOPO_H
#define NETSIM_TOPO_H

#include <net/if.h>
#include <stdio.h>

#include "netsim/config/bond_options.h"
#include "netsim/util/err.h"
#include "netsim/util/unit.h"

#define TOPO_ROLES_MAX 64 /* of a node; they also have to fit into the alias of its ports */

enum node_kind {
	NODE_NETNS,    /* a network namespace */
	NODE_TAP,      /* a virtual machine; netsim makes its taps */
	NODE_ATTACHED, /* a virtual machine whose taps another program makes and removes */
};

/* Frames from ports of a bridge that no node has. */
enum unclaimed { UNCLAIMED_DROP, UNCLAIMED_PASS };

enum iface_kind {
	IFACE_PORT, /* a cable into a network: veth, or tap for a VM */
	IFACE_BOND,
	IFACE_VLAN,
};

/* A VLAN id with its location. */
struct vlan_id {
	uint16_t id;
	struct netsim_loc at;
};

struct ip_at {
	struct ip ip;
	struct netsim_loc at;
};

/*
 * A DHCP server of a network. It is a node of its own, for which the file has no entry: a network
 * namespace with one port, in which a DHCP server runs.
 */
struct dhcp {
	struct netsim_loc at;
	char *node;    /* its name: dhcp-NETWORK, or dhcp-NETWORK-VLAN */
	uint16_t vlan; /* 0: untagged frames */
	struct netsim_loc vlan_at;
	struct ip server; /* with the prefix length of the subnet */
	struct netsim_loc server_at;
	bool has_pool, has_router;
	struct ip first, last; /* the pool */
	struct netsim_loc pool_at;
	struct duration lease; /* whole seconds */
	struct ip router;
	struct netsim_loc router_at;
	struct ip *dns;
	size_t dns_count;
};

/* The host's addresses in a VLAN of a network, which are on a VLAN interface of the bridge. */
struct host_vlan {
	uint16_t id;
	struct netsim_loc at;
	char device[IFNAMSIZ]; /* BRIDGE.ID shortened */
	struct ip_at *addresses;
	size_t address_count;
};

struct network {
	char *name;
	struct netsim_loc at;
	char bridge[IFNAMSIZ]; /* the bridge: `name:`, or FLEET-NETWORK shortened. If the network is
				  routed, a bridge without ports, which marks that it exists */
	bool vlan_aware;       /* `vlans:` was given */
	struct vlan_id *vlans;
	size_t vlan_count;
	struct host_vlan *hosts; /* VLANs in which the host has addresses */
	size_t host_count;
	unsigned mtu; /* 0: not given */
	struct netsim_loc mtu_at;
	struct ip_at *addresses; /* the host's, on the bridge */
	size_t address_count;
	bool attached; /* another program makes the bridge, which has this name */
	struct netsim_loc attached_at;
	bool routed; /* no bridge: the host routes between the ports, and has the addresses on each
		      */
	struct netsim_loc routed_at;
	char uplink[IFNAMSIZ]; /* the host's interface to other networks; "": none */
	struct netsim_loc uplink_at;
	bool stp; /* its bridge runs the spanning tree protocol */
	struct netsim_loc stp_at;
	bool has_unclaimed;
	uint8_t unclaimed; /* enum unclaimed; default: drop if a node is attached to it */
	struct dhcp *dhcps;
	size_t dhcp_count;
};

struct route {
	struct ip to; /* family and plen 0 for `default` */
	struct ip via;
	struct netsim_loc at;
};

struct bond {
	size_t *members; /* indices into the node's ifaces */
	struct netsim_loc *member_at;
	size_t member_count;
	struct bond_options options;
	bool has_lag, lag; /* the switch has its ports in a bond, too; default: true in 802.3ad */
	struct netsim_loc lag_at;
};

struct iface {
	char name[IFNAMSIZ];
	struct netsim_loc at;
	enum iface_kind kind;
	bool has_mac;
	struct mac mac;
	struct netsim_loc mac_at;
	unsigned mtu; /* 0: not given, see topo_mtu() */
	struct netsim_loc mtu_at;
	struct ip_at *addresses;
	size_t address_count;
	bool dhcp; /* it gets an address by DHCP */
	struct netsim_loc dhcp_at;
	bool has_reserve;
	struct ip reserve; /* the address that DHCP reserves for it */
	struct netsim_loc reserve_at;
	struct route *routes;
	size_t route_count;
	/* IFACE_PORT */
	size_t network;	     /* index into topo.networks */
	char port[IFNAMSIZ]; /* the host's end: `port:`, or FLEET.NODE.IFACE shortened; of
				NODE_ATTACHED a pattern, or ""; of a bond the switch's, or "" */
	uint16_t access;     /* the VLAN of an access port; 0: a trunk */
	struct netsim_loc access_at;
	uint16_t native; /* the VLAN of untagged frames on a trunk; 0: VLAN 1 */
	struct netsim_loc native_at;
	struct vlan_id *vlans; /* the tagged VLANs of a trunk */
	size_t vlan_count;     /* 0: all VLANs of the network */
	bool has_prio;	       /* as a member of a bond */
	int32_t prio;
	struct netsim_loc prio_at;
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
	struct iface *ifaces; /* in order of creation: lower interfaces first */
	size_t iface_count;
	/* NODE_NETNS */
	bool has_forwarding; /* the file says whether it forwards packets */
	bool forwarding;
	uint32_t cpu_us;    /* processor time in each 100 ms; 0: any */
	struct size memory; /* 0: any */
	/* NODE_TAP */
	bool has_owner, has_group;
	uint32_t owner, group; /* uid and gid that may open the taps */
	bool multi_queue;
	bool vnet_hdr; /* default: true */
	/* NODE_ATTACHED */
	char *domain; /* the libvirt domain, or NULL */
	struct netsim_loc domain_at;
};

/* A cable between the bridges of two networks, an entry of `links:`. */
struct cable {
	char *name;
	struct netsim_loc at;
	size_t networks[2];	  /* indices into topo.networks */
	char ports[2][IFNAMSIZ];  /* its ends on the host: FLEET.LINK.NETWORK shortened */
	char ifaces[2][IFNAMSIZ]; /* what its ends are called: the networks' names, shortened */
	struct vlan_id *vlans;	  /* the tagged VLANs that it carries */
	size_t vlan_count;	  /* 0: all VLANs of its networks */
	unsigned mtu;		  /* 0: not given */
	struct netsim_loc mtu_at;
};

struct topo {
	char *file;
	char *fleet;
	struct netsim_loc at;
	char *libvirt; /* the URI at which libvirt is asked for the nodes' domains */
	struct network *networks;
	size_t network_count;
	struct node *nodes;
	size_t node_count;
	struct cable *cables;
	size_t cable_count;
};

/*
 * Reads a topology. The caller frees *ret with topo_free(); locations point to
 * topo->file. Returns -EINVAL with all mistakes in diags on failure. On success diags
 * may hold warnings.
 */
int topo_load(const char *path, struct topo **ret, struct netsim_diags *diags);
void topo_free(struct topo *topo);

/* The same from memory; file is the name used in messages. */
int topo_parse(const char *file, const char *data, size_t len, struct topo **ret,
	       struct netsim_diags *diags);

/* The same from a tree, which may be freed afterwards; the mapping may be inside another file. */
struct doc_node;
int topo_read(const char *file, const struct doc_node *doc, struct topo **ret,
	      struct netsim_diags *diags);

/* The network's first address of a family, AF_INET or AF_INET6; NULL: none. */
const struct ip_at *topo_address(const struct network *network, uint8_t family);

/* Returns the MTU of an interface: as given, else of its network or lower interface, else 1500. */
unsigned topo_mtu(const struct topo *topo, const struct node *node, const struct iface *iface);
/*
 * Returns the MTU of a cable, or of a bond: that of topo_mtu(), plus room for the inner tags
 * of full frames of its VLANs, unless it is given or the interface has addresses.
 */
unsigned topo_cable_mtu(const struct topo *topo, const struct node *node,
			const struct iface *iface);

/* Returns the MTU of a cable between networks: as given, else the largest of their ports. */
unsigned topo_between_mtu(const struct topo *topo, const struct cable *cable);

/* Returns the DHCP server on the network and VLAN of an interface, or NULL. */
const struct dhcp *topo_dhcp_of(const struct topo *topo, const struct node *node,
				const struct iface *iface);
/*
 * Returns the address that the DHCP server keeps for an interface: the reserved one, or the first
 * of its addresses that is in the server's subnet; NULL if there is none.
 */
const struct ip *topo_reservation(const struct dhcp *dhcp, const struct iface *iface);

/* Lists the keys of topologies, for the test of the manual; returns their number. */
size_t topo_keys(const char **names, size_t max);

/* Prints the topology as YAML that loads to the same topology. */
int topo_print(const struct topo *topo, FILE *out);

#endif
