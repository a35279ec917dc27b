/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters on the clsact hooks: the eBPF programs of the policy, and the redirect
 * that sends what comes in to an IFB. The writing functions append to the batch of rt.
 */
#ifndef NETSIM_FILTER_H
#define NETSIM_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "netsim/kernel/rtnl.h"

/* A hook and a preference there: MARK_HANDLE, or one less for FILTER_STAMP. */
enum filter_slot {
	FILTER_EGRESS,	 /* a program for what leaves */
	FILTER_REDIRECT, /* at the ingress, to the IFB */
	FILTER_STAMP,	 /* at the ingress, a program before the redirect */
};

/* Attaches a program in direct-action mode, replacing the one in this slot. */
void filter_put_prog(struct rt *rt, int ifindex, enum filter_slot slot, int prog_fd,
		     const char *name, const char *who);
/* Sends every packet of any protocol that comes in at ifindex to the device to. */
void filter_put_redirect(struct rt *rt, int ifindex, int to, const char *who);
void filter_del(struct rt *rt, int ifindex, enum filter_slot slot, const char *who);

/* The id of the program in this slot; 0 where there is none. */
int filter_prog_id(struct rt *rt, int ifindex, enum filter_slot slot, uint32_t *ret_id,
		   struct netsim_err *err);
/* Removes clsact from ifindex if nothing is attached to it any more. */
int filter_drop_empty_clsact(struct rt *rt, int ifindex, const char *who, struct netsim_err *err);

#endif
