/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints a status in Prometheus text format, for node_exporter's textfile collector. */
#ifndef NETSIM_CLI_PROMETHEUS_H
#define NETSIM_CLI_PROMETHEUS_H

#include <netsim/netsim.h>

/* traffic[count]: counters of the fleets of the status, fewer if some could not be read. */
void prometheus_print(FILE *out, const struct netsim_status *status,
		      struct netsim_traffic *const *traffic, size_t count);

#endif
