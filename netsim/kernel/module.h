/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads kernel modules that would create devices (ifb0, ifb1, bond0) if the kernel
 * loaded them on demand; loading them first, with parameters, avoids that.
 */
#ifndef NETSIM_MODULE_H
#define NETSIM_MODULE_H

enum module { MODULE_IFB, MODULE_BONDING };

/* Best effort: if the module is missing, the later request to the kernel fails. */
void module_load(enum module module);

#endif
