/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open vSwitch: its bridges and their ports. The kernel shows neither: with the kernel datapath,
 * all ports have the master ovs-system; with the userspace datapath, which reads and sends frames
 * by packet sockets, they have none, and the bridge's device is a tap. So they are read from its
 * database, and then kept in the marks of links (mark.h), from which links are read as if the
 * kernel showed them: as a bridge, and ports of that bridge.
 */
#ifndef NETSIM_OVS_H
#define NETSIM_OVS_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/neigh.h"

#define OVS_SYSTEM "ovs-system" /* the master of all ports of the kernel datapath */
#define OVS_TEXT   32
#define OVS_WHY	   192

struct ovs_bridge {
	char name[IFNAMSIZ];
	bool userspace;
};

struct ovs_port {
	char name[IFNAMSIZ], bridge[IFNAMSIZ];
	bool userspace;	    /* the bridge has the userspace datapath */
	bool policed;	    /* ingress_policing_rate is set */
	char qos[OVS_TEXT]; /* type of its QoS, such as linux-htb, or "" */
	bool has_mac;	    /* external_ids:attached-mac, the guest's address */
	struct mac mac;
};

struct ovs {
	struct ovs_bridge *bridges;
	size_t bridge_count;
	struct ovs_port *ports; /* without the bridges' own */
	size_t port_count;
	char why[OVS_WHY]; /* the reason why the database was not read, or "" */
};

/*
 * Reads the database by its socket, db.sock in OVS_RUNDIR or /var/run/openvswitch. If it does not
 * answer, *ret is empty and has the reason. Returns 0 or -ENOMEM; the caller frees *ret with
 * ovs_done().
 */
int ovs_read(struct ovs *ret, struct netsim_err *err);
void ovs_done(struct ovs *ovs);

const struct ovs_bridge *ovs_find_bridge(const struct ovs *ovs, const char *name);
const struct ovs_port *ovs_find_port(const struct ovs *ovs, const char *name);

/*
 * Sets the kind of the host's links that are bridges, and the bridge of those that are ports,
 * as the database has them.
 */
void ovs_show(const struct ovs *ovs, struct model *host);
/* The same for one link, from its mark. Part of link_list(). */
void ovs_read_mark(struct link *link);
/* Adds the addresses of guests that the database knows; *macs grows like an array_push() array. */
int ovs_add_macs(const struct ovs *ovs, const struct model *host, struct neigh_mac **macs,
		 size_t *count, struct netsim_err *err);

#endif
