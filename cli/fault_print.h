/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats and prints faults. */
#ifndef NETSIM_CLI_FAULT_PRINT_H
#define NETSIM_CLI_FAULT_PRINT_H

#include "cmd.h"
#include "out.h"

/* Formats a fault with its name, if any: "wan: loss 5% on n100-1:n100-2"; returns buf. */
const char *fault_text(const struct netsim_fault *fault, char *buf, size_t size);
/* The groups of a partition as lists of nodes; its cuts, if it cuts directions; else NULL. */
json_t *json_groups(const struct netsim_fault *fault);
json_t *json_cuts(const struct netsim_fault *fault);
/*
 * Prints the fault that fault or partition added or, in a dry run, would add. Takes what
 * json_selected() has returned.
 */
void print_added_fault(const struct common *args, const struct netsim_fault *fault,
		       json_t *selected);

#endif
