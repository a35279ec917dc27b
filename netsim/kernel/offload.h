/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offloads. With segmentation offload, a super-packet of 64 KiB is delayed and lost as
 * one packet; only the sending end can be configured not to build them.
 */
#ifndef NETSIM_OFFLOAD_H
#define NETSIM_OFFLOAD_H

#include <stdbool.h>

#include "netsim/util/err.h"

enum offload {
	OFFLOAD_SEND,	  /* segmentation of TCP and UDP (TSO, USO) */
	OFFLOAD_RECEIVE,  /* merging of received packets (GRO) */
	OFFLOAD_CHECKSUM, /* in both directions */
};

/*
 * Switches an offload of a device in the calling thread's network namespace. *ret_was
 * (may be NULL) receives the previous setting. Does nothing, and returns 0, if the
 * device has no such offload.
 */
int offload_set(const char *device, enum offload which, bool on, bool *ret_was,
		struct netsim_err *err);

/* Returns whether an offload of a device is on; false if the device has none. */
bool offload_is_on(const char *device, enum offload which);
/*
 * Returns whether segmentation of TCP is wanted, though it may be off now: that of a tap is, until
 * a program that has it open allows it.
 */
bool offload_wants_tso(const char *device);

#endif
