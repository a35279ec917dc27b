/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults as text. */
#ifndef NETSIM_CLI_FAULT_PRINT_H
#define NETSIM_CLI_FAULT_PRINT_H

#include "cmd.h"

/* "wan: loss 5% on n100-1:n100-2", with its name if it has one; returns buf. */
const char *fault_text(const struct netsim_fault *fault, char *buf, size_t size);
/* The fault that fault or partition has added, or would add. */
void print_added_fault(const struct common *args, const struct netsim_fault *fault);

#endif
