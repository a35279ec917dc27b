/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes services from nodes, at a pace that nothing disturbs. Each probe has an absolute
 * schedule: attempt n is due at its start + n * every, however late or slow the attempts before
 * it were. Several attempts of a probe may be in flight, so that one that hangs delays no other.
 *
 * One thread per network namespace (and one more for its commands) has real-time priority where
 * that is permitted. Groups of probes of a thread are spread evenly over their interval.
 *
 * An http probe keeps its connection for its next attempt, and shares it with no other probe.
 * An attempt that hung closes its connection.
 */
#ifndef NETSIM_RUN_PROBER_H
#define NETSIM_RUN_PROBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/err.h"

enum prober_kind {
	PROBER_HTTP,
	PROBER_TCP,  /* a connection is accepted */
	PROBER_PING, /* an ICMP echo is answered */
	PROBER_RUN,  /* a command ends with exit status 0 */
};

/* One probe of one target. Texts must outlive the prober. */
struct prober_probe {
	unsigned probe, target; /* the caller's numbers, copied into samples */
	const char *name;	/* for messages */
	enum prober_kind kind;
	const char *netns; /* where it is sent from; NULL: the namespace of the caller */
	const char *host;  /* TCP and PING: a name or an address */
	uint16_t port;	   /* TCP */
	const char *url;   /* HTTP: http:// or https:// */
	unsigned status;   /* HTTP: the status expected; 0: 200 */
	const char *body;  /* HTTP: a text that the body must contain; may be NULL */
	const char *ca, *cert,
		*key;		/* HTTP: files in PEM; NULL: any server, no client certificate */
	bool fresh;		/* HTTP: a new connection for each attempt */
	const char *const *run; /* RUN, ends with NULL */
	int cgroup;		/* RUN: see struct process_spec; -1: none */
	int64_t every, timeout; /* ns */
};

enum prober_result {
	PROBER_OK,
	PROBER_WRONG,	/* answered, but with another status, body or exit status */
	PROBER_ERROR,	/* failed before the timeout: code is an errno, or text says why */
	PROBER_TIMEOUT, /* hung */
	PROBER_UNSENT,	/* could not be sent: too many in flight, or a local failure */
};

struct prober_sample {
	unsigned probe, target;
	/*
	 * CLOCK_MONOTONIC in ns. sent - due is the lateness of the attempt; end is when the answer
	 * was read, or the failure known.
	 */
	int64_t due, sent, end;
	enum prober_result result;
	int status;	  /* HTTP status, or exit status of the command; 0: none */
	int error;	  /* errno; 0: none, or unknown */
	const char *text; /* error of libcurl; static, or NULL */
};

/*
 * Called once for each attempt, in the order of their ends, by one thread at a time. It must be
 * quick: it delays the other threads.
 */
typedef void prober_on_sample(void *arg, const struct prober_sample *sample);

struct prober;

/*
 * Starts all probes; names are resolved once, here. The first attempts are due within one
 * interval. Returns a negative errno with err filled if a name, a URL, a file or a namespace is
 * wrong. End with prober_stop().
 */
int prober_start(const struct prober_probe *probes, size_t count, prober_on_sample *on_sample,
		 void *arg, struct prober **ret, struct netsim_err *err);
/* Sends no more attempts, waits for those in flight, and frees the prober. */
void prober_stop(struct prober *prober);

/* True if all threads have real-time priority. */
bool prober_is_realtime(const struct prober *prober);
/* The processor time of all threads so far, in ns. */
int64_t prober_cpu(const struct prober *prober);

/* "ok", "wrong", "error", "timeout", "unsent" */
const char *prober_result_name(enum prober_result result);

#endif
