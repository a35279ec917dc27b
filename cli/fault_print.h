/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fault and partition tell what they put. */
#ifndef NETSIM_CLI_FAULT_PUT_H
#define NETSIM_CLI_FAULT_PUT_H

#include "cmd.h"

/* text: what it is; name: what it was called, or NULL; for_ns 0: until it is healed. */
void print_fault_put(const struct common *args, uint32_t fault, const char *text, const char *name,
		     int64_t for_ns);

#endif
