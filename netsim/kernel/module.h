/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel modules that make devices of their own when the kernel loads them
 * unasked (ifb0, ifb1, bond0): loaded first without that.
 */
#ifndef NETSIM_MODULE_H
#define NETSIM_MODULE_H

enum module { MODULE_IFB, MODULE_BONDING };

/* Best effort: whether the kernel can do the thing shows when it is asked to. */
void module_load(enum module module);

#endif
