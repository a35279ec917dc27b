/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads figures from iperf's JSON. */
#ifndef NETSIM_CLI_IPERF_RESULT_H
#define NETSIM_CLI_IPERF_RESULT_H

#include <jansson.h>
#include <stdbool.h>

/* One direction of a measurement. */
struct iperf_flow {
	const char *from, *to; /* nodes or addresses, from the caller */
	double seconds;
	double bps, sent_bps, bytes; /* received; sent; received */
	bool has_retransmissions;
	double retransmissions;
	bool has_rtt; /* ms, measured by the sender's TCP */
	double rtt_min, rtt_mean, rtt_max;
	bool udp;
	double jitter, lost, packets, loss; /* jitter in ms, loss in percent */
};

/*
 * Fills the flows of a measurement from the JSON of the client and the server (may be
 * NULL). Returns their number, 2 if both ends sent. In the first flow from and to are the
 * client and the server, swapped if the measurement was reversed.
 */
int iperf_flows(const json_t *client, const json_t *server, const char *from, const char *to,
		struct iperf_flow flows[2]);

/*
 * The same for a measurement that was interrupted: its ends have not exchanged their results.
 * Returns 0 if either is unknown.
 */
int iperf_flows_so_far(const json_t *client, const json_t *server, const char *from, const char *to,
		       struct iperf_flow flows[2]);

#endif
