/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes inside nodes. Written with the batch of rt, read with libnl-route. */
#ifndef NETSIM_ROUTE_H
#define NETSIM_ROUTE_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/rtnl.h"

/* Append to the batch; a route of ours carries the protocol MARK_PROTO. */
void route_add(struct rt *rt, int ifindex, const struct model_route *route, const char *who);
void route_del(struct rt *rt, int ifindex, const struct model_route *route, const char *who);

/*
 * A libnl socket in the namespace of the calling thread, or NULL. The caller
 * frees it with nl_socket_free().
 */
struct nl_sock;
int route_open(struct nl_sock **ret, struct netsim_err *err);
/* Fills link->routes of all links of the model in ns with the routes that are ours. */
int route_list(struct nl_sock *sock, struct model *model, int ns, struct netsim_err *err);

#endif
