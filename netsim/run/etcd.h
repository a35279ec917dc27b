/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to etcd's JSON gateway: one at a time to each of several members, or in an event loop.
 * A request is never sent twice: libcurl repeats one whose kept connection was closed, which is
 * prevented here, because it could take effect twice.
 */
#ifndef NETSIM_RUN_ETCD_H
#define NETSIM_RUN_ETCD_H

#include <stdint.h>

#include "netsim/run/etcd_json.h"
#include "netsim/run/loop.h"
#include "netsim/util/err.h"

/* Files in PEM; all NULL: any server, no client certificate. */
struct etcd_tls {
	const char *ca, *cert, *key;
};

/* A member, as it is reached from a network namespace. */
struct etcd_endpoint {
	const char *node;  /* for messages */
	const char *netns; /* where requests are sent from: its node's; NULL: the caller's */
	const char *url;   /* "http://192.168.1.1:2379", without a path */
	struct etcd_tls tls;
};

struct etcd_answer {
	enum etcd_outcome outcome;
	char why[200]; /* unless ok: "no answer within 1 s" */
	struct etcd_reply reply;
};

/*
 * Sends a request to all members at once, each from its namespace. answers has count places;
 * free each with etcd_answer_done(). A member that does not answer is no error of this call.
 */
int etcd_ask(const struct etcd_endpoint *endpoints, size_t count, const char *path,
	     const char *body, int64_t timeout_ns, struct etcd_answer *answers,
	     struct netsim_err *err);
void etcd_answer_done(struct etcd_answer *answer);

/*
 * Finds the leader in answers to ETCD_STATUS: the member that names itself, in the latest term.
 * -ENOENT if there is none, with the answer of each member in err.
 */
int etcd_find_leader(const struct etcd_endpoint *endpoints, const struct etcd_answer *answers,
		     size_t count, size_t *ret, struct netsim_err *err);
/* Asks all members, and finds the leader. */
int etcd_leader(const struct etcd_endpoint *endpoints, size_t count, int64_t timeout_ns,
		size_t *ret, struct netsim_err *err);

/* --- one request after the other */

/* A request; used again for the next one, with the same connections. */
struct etcd_call {
	struct loop_transfer transfer;
	struct curl_slist *headers;
	struct buf request, response;
	size_t taken;	 /* bytes of the request that libcurl has taken */
	int64_t timeout; /* ns */
	char url[512];
	char error[CURL_ERROR_SIZE];
	/* Called with the answer, which the call owns until the next request. */
	void (*done)(void *arg, const struct etcd_answer *answer);
	/* A watch: called for each line; etcd_call_watch(). */
	void (*line)(void *arg, const struct etcd_reply *reply);
	void *arg;
	struct etcd_answer answer;
};

/* Initializes a call: done and arg are set by the caller before the first request in a loop. */
int etcd_call_open(struct etcd_call *call, struct netsim_err *err);
void etcd_call_close(struct etcd_call *call);
/* Returns an empty buffer for the body of the next request. */
struct buf *etcd_call_body(struct etcd_call *call);
/* Sends the request to an endpoint, from the thread's namespace, and waits for call->answer. */
void etcd_call_wait(struct etcd_call *call, const struct etcd_endpoint *to, const char *path,
		    int64_t timeout_ns);
/* The same in a loop, from the namespace of its thread. */
void etcd_call_start(struct etcd_call *call, struct loop *loop, const struct etcd_endpoint *to,
		     const char *path, int64_t timeout_ns);
/* The same for a watch: lines are given to call->line as they come, until it ends or is aborted. */
void etcd_call_watch(struct etcd_call *call, struct loop *loop, const struct etcd_endpoint *to);

#endif
