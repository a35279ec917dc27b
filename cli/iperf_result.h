/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iperf's JSON says, in figures. */
#ifndef NETSIM_CLI_IPERF_RESULT_H
#define NETSIM_CLI_IPERF_RESULT_H

#include <jansson.h>
#include <stdbool.h>

/* One direction of a measurement. */
struct iperf_flow {
	const char *from, *to;	     /* nodes or addresses, as the caller names them */
	double bps, sent_bps, bytes; /* received; sent; received */
	bool has_retransmissions;
	double retransmissions;
	bool has_rtt; /* milliseconds, as the sender's TCP measured it */
	double rtt_min, rtt_mean, rtt_max;
	bool udp;
	double jitter, lost, packets, loss; /* jitter in ms, loss in percent */
};

/*
 * Fills the flows of a measurement, two if it went both ways, from what the
 * client and (may be NULL) the server said; returns how many. The first one's from
 * and to are the client's and server's names, exchanged if it was reversed.
 */
int iperf_flows(const json_t *client, const json_t *server, const char *from, const char *to,
		struct iperf_flow flows[2]);

#endif
