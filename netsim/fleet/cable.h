/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From an interface inside a node to the host's end of its cable. */
#ifndef NETSIM_CABLE_H
#define NETSIM_CABLE_H

#include "netsim/kernel/model.h"

/* Below VLANs: the interface or the bond that the cables are in; NULL: not known. */
const struct link *cable_bottom(const struct model *model, const struct link *link);
/* The port at the other end; of a bond that of any member that is up. */
const struct link *cable_port(const struct model *model, const struct link *bottom);
/* Whether frames with this tag (0: without) pass a port; NULL is the host's own. */
bool cable_carries(const struct link *port, uint16_t tag);

#endif
