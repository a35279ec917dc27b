/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters on the clsact hooks: the eBPF programs of the policy, and the redirect
 * that sends what comes in to an IFB. All carry the preference MARK_HANDLE (the
 * stamp one less). The writing functions append to the batch of rt.
 */
#ifndef NETSIM_FILTER_H
#define NETSIM_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "netsim/kernel/rtnl.h"

enum filter_hook { FILTER_INGRESS, FILTER_EGRESS };

#define FILTER_PREF	  MARK_HANDLE
#define FILTER_STAMP_PREF (MARK_HANDLE - 1)

/* Attaches a program in direct-action mode, replacing the one of this preference. */
void filter_put_prog(struct rt *rt, int ifindex, enum filter_hook hook, uint16_t pref, int prog_fd,
		     const char *name, const char *who);
/* Sends every packet of any protocol that comes in at ifindex to the device to. */
void filter_put_redirect(struct rt *rt, int ifindex, int to, const char *who);
void filter_del(struct rt *rt, int ifindex, enum filter_hook hook, uint16_t pref, const char *who);

/*
 * The program attached at this hook and preference: its id, and the start of its
 * name; 0 where there is none.
 */
int filter_prog_id(struct rt *rt, int ifindex, enum filter_hook hook, uint16_t pref,
		   uint32_t *ret_id, struct netsim_err *err);
/* Removes clsact from ifindex if nothing is attached to it any more. */
int filter_drop_empty_clsact(struct rt *rt, int ifindex, const char *who, struct netsim_err *err);

#endif
