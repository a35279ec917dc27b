/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the host's end of the cable of an interface inside a node. */
#ifndef NETSIM_CABLE_H
#define NETSIM_CABLE_H

#include "netsim/kernel/model.h"

/* The veth or bond below an interface's VLANs; NULL: unknown. */
const struct link *cable_bottom(const struct model *model, const struct link *link);
/* The port at the other end of a cable; for a bond, that of a running member if any. */
const struct link *cable_port(const struct model *model, const struct link *bottom);
/* True if a port passes frames with this tag (0: untagged); NULL, the host, passes all. */
bool cable_carries(const struct link *port, uint16_t tag);

#endif
