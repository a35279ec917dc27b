/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of links; like link.h, the writing functions only append to the batch. */
#ifndef NETSIM_ADDR_H
#define NETSIM_ADDR_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/rtnl.h"

/* Adds with netsim's mark, and without duplicate address detection. */
void addr_add(struct rt *rt, int ifindex, const struct model_addr *addr, const char *who);
void addr_del(struct rt *rt, int ifindex, const struct model_addr *addr, const char *who);

/* Fills link->addrs and link_local, in the namespace of rt, of all links of the model in ns. */
int addr_list(struct rt *rt, struct model *model, int ns, struct netsim_err *err);

#endif
