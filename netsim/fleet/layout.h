/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translates a topology to kernel objects. Pure: no I/O. */
#ifndef NETSIM_LAYOUT_H
#define NETSIM_LAYOUT_H

#include "netsim/config/topo.h"
#include "netsim/kernel/model.h"

/*
 * Makes the model that the kernel should match. Its locations point into topo, which must
 * outlive it. The caller frees *ret with model_free().
 */
int layout_make(const struct topo *topo, struct model **ret, struct netsim_err *err);

#endif
