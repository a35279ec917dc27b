/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the changes of ports during a capture or measurement. */
#ifndef NETSIM_CLI_PORT_CHANGES_H
#define NETSIM_CLI_PORT_CHANGES_H

#include <jansson.h>
#include <stdio.h>

#include <netsim/netsim.h>

/* Reports a change on standard error, as it happens. */
void report_port_change(const struct netsim_port_change *change);

struct port_changes_shown {
	struct netsim_port_change *const *list;
	size_t count;
	int64_t since_ns;  /* since 1970; 0: unknown, all times show as "before" */
	const char *since; /* "first packet" */
};
/* Prints a line for each of the first changes. */
void print_port_changes(const struct port_changes_shown *shown, FILE *out);
json_t *port_changes_json(struct netsim_port_change *const *list, size_t count);

/* Reports the ports that are missing at the end. */
void print_gone_ports(size_t gone, size_t all);

#endif
