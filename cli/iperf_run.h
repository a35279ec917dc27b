/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs one measurement by netsim-iperf: a server in one node, a client in another. */
#ifndef NETSIM_CLI_IPERF_RUN_H
#define NETSIM_CLI_IPERF_RUN_H

#include <jansson.h>

#include "cmd.h"

#define IPERF_WORDS 32

struct iperf_run {
	const char *helper; /* path of netsim-iperf */
	const char *fleet;
	const char *from;   /* a node, or "host" */
	const char *server; /* likewise; NULL: a server runs there already */
	const char *address;
	const char *device; /* through which from sends, for the progress, or "" */
	unsigned port, seconds;
	const char *options[IPERF_WORDS]; /* the client's, as iperf3 has them; NULL ends them */
	/* Once a second: what passed at the device, bits per second. May be NULL. */
	void (*progress)(void *arg, unsigned second, double out, double in);
	void *arg;
};

/*
 * *ret_client and *ret_server are what iperf says of either end, the caller's; the
 * server's is NULL where it is not known. Fails with kind FAILED where nothing was
 * measured, and never leaves a process behind.
 */
int iperf_run(const struct iperf_run *run, json_t **ret_client, json_t **ret_server,
	      struct netsim_err *err);

#endif
