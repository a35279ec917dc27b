/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs one measurement with netsim-iperf: a server in one node, a client in another. */
#ifndef NETSIM_CLI_IPERF_RUN_H
#define NETSIM_CLI_IPERF_RUN_H

#include <jansson.h>

#include "cmd.h"

#define IPERF_WORDS 32

struct iperf_run {
	const char *helper; /* path of netsim-iperf */
	const char *fleet;
	const char *from;   /* a node, or "host" */
	const char *server; /* a node, or "host"; NULL: a server runs there already */
	const char *address;
	const char *device; /* egress device of from, for the progress; or "" */
	unsigned port, seconds;
	const char *options[IPERF_WORDS]; /* the client's, in iperf3's form; NULL-terminated */
	/* Called once a second with the rates at the device, bits per second. May be NULL. */
	void (*progress)(void *arg, unsigned second, double out, double in);
	void *arg;
};

/*
 * Runs it. *ret_client and *ret_server are iperf's JSON of both ends, owned by the caller;
 * the server's is NULL if unknown. Fails with kind FAILED if nothing was measured. If
 * interrupted(), fails with -EINTR; each is then NULL, or what this end had measured until then.
 * Leaves no process behind.
 */
int iperf_run(const struct iperf_run *run, json_t **ret_client, json_t **ret_server,
	      struct netsim_err *err);

#endif
