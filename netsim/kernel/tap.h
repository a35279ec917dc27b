/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taps: the host's end of a VM's cable, persistent so that the VM can open it. */
#ifndef NETSIM_TAP_H
#define NETSIM_TAP_H

#include "netsim/kernel/model.h"

/*
 * Creates a tap in the namespace of this process. It lives as long as *ret_fd, so that
 * an interrupted netsim leaves no tap without a mark: set group and alias with
 * link_set(), then call tap_keep().
 */
int tap_make(const struct link *want, int *ret_fd, struct netsim_err *err);
/* Makes the tap persistent: it outlives its file descriptor. */
int tap_keep(const struct link *want, int fd, struct netsim_err *err);

#endif
