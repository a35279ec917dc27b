/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes of nodes, and of the host to nodes: written through the batch of rt, read with
 * libnl-route. */
#ifndef NETSIM_ROUTE_H
#define NETSIM_ROUTE_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/rtnl.h"

/* Append to the batch. netsim's routes have the protocol MARK_PROTO. */
void route_add(struct rtnl *rt, int ifindex, const struct model_route *route, const char *subject);
void route_del(struct rtnl *rt, int ifindex, const struct model_route *route, const char *subject);

/*
 * Opens a libnl socket in the network namespace of the calling thread. The caller frees
 * *ret with nl_socket_free().
 */
struct nl_sock;
int route_open(struct nl_sock **ret, struct netsim_err *err);
/* Reads netsim's routes into link->routes, for all links of the model in a node. */
int route_list(struct nl_sock *sock, struct model *model, int node, struct netsim_err *err);

/* The interface by which the kernel sends to an address; -ENETUNREACH with err if there is none. */
int route_device(struct rtnl *rt, const struct ip *to, int *ret_ifindex, struct netsim_err *err);

#endif
