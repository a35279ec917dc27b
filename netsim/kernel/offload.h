/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segmentation offloads: a super-packet of 64 KiB would be delayed and lost as
 * one packet. Only the sending end can be told not to build them.
 */
#ifndef NETSIM_OFFLOAD_H
#define NETSIM_OFFLOAD_H

#include <stdbool.h>

#include "netsim/util/err.h"

enum offload {
	OFFLOAD_SEND,	  /* segmentation of TCP and UDP (TSO, USO) */
	OFFLOAD_RECEIVE,  /* merging of what comes in (GRO) */
	OFFLOAD_CHECKSUM, /* of what is sent and received */
};

/*
 * Switches an offload of a device of the calling thread's namespace; *ret_was (may
 * be NULL) tells how it was. A device that has no such offload counts as done.
 */
int offload_set(const char *device, enum offload which, bool on, bool *ret_was,
		struct netsim_err *err);

#endif
