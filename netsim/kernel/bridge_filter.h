/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds rules of the host's firewall that drop frames on bridges, or packets that it routes. */
#ifndef NETSIM_BRIDGE_FILTER_H
#define NETSIM_BRIDGE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Describes a chain of nftables that drops frames on the bridges of this namespace: of the
 * family bridge, or of another one that br_netfilter passes the frames to. With routed, also one
 * that drops packets that the host routes. Reads only base chains at the forward hook: their
 * policy, and whether a rule drops or rejects. Fills in "" if there is none, or if the kernel does
 * not report them.
 */
void bridge_filter_describe(bool routed, char *buf, size_t size);

/* The remedies. */
#define ROUTED_FILTER_HINT "a rule that accepts packets forwarded between the fleet's ports"
#define BRIDGE_FILTER_HINT                                                                       \
	"sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0, " \
	"or a rule that accepts packets forwarded on the fleet's bridges"

#endif
