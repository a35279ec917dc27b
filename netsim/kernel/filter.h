/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters on the clsact hooks: the eBPF programs of the policy, and the redirect of
 * ingress traffic to an IFB. The writing functions append to the batch of rt.
 */
#ifndef NETSIM_FILTER_H
#define NETSIM_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "netsim/kernel/rtnl.h"

/* A hook with a preference: MARK_HANDLE, or one less for FILTER_STAMP. */
enum filter_slot {
	FILTER_EGRESS,	 /* egress: a program */
	FILTER_REDIRECT, /* ingress: the redirect to the IFB */
	FILTER_STAMP,	 /* ingress: a program that runs before the redirect */
};

/*
 * Attaches a program in direct-action mode, replacing the one in this slot. name is the
 * filter's name in the kernel.
 */
void filter_put_prog(struct rtnl *rt, int ifindex, enum filter_slot slot, int prog_fd,
		     const char *name, const char *subject);
/*
 * Redirects the ingress packets of ifindex, of any protocol, to the device with index to: all, or,
 * if mark is not 0, those whose mark has this upper half.
 */
void filter_put_redirect(struct rtnl *rt, int ifindex, int to, uint32_t mark, const char *subject);
void filter_del(struct rtnl *rt, int ifindex, enum filter_slot slot, const char *subject);

/* Reads the id of the program in this slot; 0 if there is none. */
int filter_prog_id(struct rtnl *rt, int ifindex, enum filter_slot slot, uint32_t *ret_id,
		   struct netsim_err *err);
/* Reads whether this slot has a filter. */
int filter_exists(struct rtnl *rt, int ifindex, enum filter_slot slot, bool *ret,
		  struct netsim_err *err);
/* Removes clsact from ifindex if no filter is left on its hooks. */
int filter_drop_empty_clsact(struct rtnl *rt, int ifindex, const char *subject,
			     struct netsim_err *err);

#endif
