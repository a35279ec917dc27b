/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a topology comes to in kernel objects. Pure: no I/O. */
#ifndef NETSIM_LAYOUT_H
#define NETSIM_LAYOUT_H

#include "netsim/config/topo.h"
#include "netsim/kernel/model.h"

/*
 * The model that the kernel should match. Places in it point into topo, which
 * must outlive it. The result is the caller's (model_free()).
 */
int layout_make(const struct topo *topo, struct model **ret, struct netsim_err *err);

#endif
