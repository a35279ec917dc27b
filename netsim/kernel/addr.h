/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP addresses of links. As in link.h, the writing functions append to the batch of rt. */
#ifndef NETSIM_ADDR_H
#define NETSIM_ADDR_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/rtnl.h"

/* Adds an address with the protocol MARK_PROTO, without duplicate address detection. */
void addr_add(struct rtnl *rt, int ifindex, const struct model_addr *addr, const char *subject);
void addr_del(struct rtnl *rt, int ifindex, const struct model_addr *addr, const char *subject);

/*
 * Reads addrs and link_local of all links of the model in a node (or MODEL_HOST); rt is
 * a socket in that network namespace.
 */
int addr_list(struct rtnl *rt, struct model *model, int node, struct netsim_err *err);

#endif
