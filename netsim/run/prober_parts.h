/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of the prober: lanes, attempts, and the kinds of probes. */
#ifndef NETSIM_RUN_PROBER_PARTS_H
#define NETSIM_RUN_PROBER_PARTS_H

#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>

#include "netsim/run/loop.h"
#include "netsim/run/process.h"
#include "netsim/run/prober.h"

#define ATTEMPTS_MAX 256 /* in flight, of one probe */

struct prober {
	struct worker *workers;
	size_t worker_count;
	prober_on_sample *on_sample;
	void *arg;
	pthread_mutex_t lock; /* of on_sample */
	sem_t ready;	      /* posted by each worker that has prepared its lanes */
	sem_t go;
	int64_t start; /* set before go */
	bool cancel;
};

struct lane;

/* HTTP without TLS: a connection, and the part of an answer received so far. */
struct plain {
	int stage;     /* prober_plain.c */
	bool kept;     /* the connection served an attempt before */
	bool answered; /* a part of the answer has come */
	bool keep;     /* the server keeps the connection */
	int64_t left;  /* bytes of the body or chunk; INT64_MAX: until the connection ends */
	char line[8192];
	size_t used;
};

/* One attempt; reused by later ones of its lane. */
struct attempt {
	struct lane *lane;
	bool busy;
	bool over; /* a command: the sample is delivered, the process not yet collected */
	uint64_t number;
	struct prober_sample sample;
	struct loop_watch watch;
	int fd; /* TCP: its socket; HTTP without TLS: its connection, kept for the next attempt */
	struct process process;
	/* HTTP */
	struct plain plain;
	struct loop_transfer transfer;
	char *body; /* the part received so far, if the probe expects a text */
	size_t body_size;
};

/* One probe of one target. */
struct lane {
	const struct prober_probe *spec;
	struct worker *worker;
	int64_t start; /* when attempt 0 is due */
	uint64_t next; /* number of the next attempt */
	int64_t wake;  /* next attempt due, or earliest deadline of one in flight */
	struct attempt **attempts;
	size_t attempt_count;
	struct sockaddr_storage to;
	socklen_t to_size;
	/* PING: a raw socket, connected to the target */
	int fd;
	uint16_t id;
	struct loop_watch watch;
	/* HTTP */
	char *request; /* without TLS: its text; NULL: by libcurl */
	size_t request_size;
	CURLSH *share; /* its connections */
	struct curl_slist *resolved;
};

struct worker {
	struct prober *prober;
	const char *netns;
	bool commands; /* runs the commands of this namespace */
	struct lane *lanes;
	size_t lane_count;
	struct loop *loop;
	pthread_t thread;
	bool running, realtime;
	struct netsim_err err; /* of its start */
	int code;
};

/* Prepares a lane; called in the thread and namespace of its worker. */
int lane_open(struct lane *lane, struct netsim_err *err);
void lane_close(struct lane *lane);
/* Sends an attempt: attempt_end() may be called before it returns. */
void attempt_begin(struct attempt *attempt);
/* Gives up an attempt in flight, after its timeout. */
void attempt_abandon(struct attempt *attempt);

void sample_deliver(struct prober *prober, const struct prober_sample *sample);
/* Delivers the sample of an attempt, whose fields status, error and text are set. */
void attempt_end(struct attempt *attempt, enum prober_result result);
/* The attempt in flight with this number, or the oldest for UINT64_MAX; NULL: none. */
struct attempt *lane_attempt(struct lane *lane, uint64_t number);

/* Closes the connection of an attempt, if it has one. */
void attempt_hang_up(struct attempt *attempt);

/* HTTP without TLS, in prober_plain.c */
void plain_begin(struct attempt *attempt);
void plain_connect(struct attempt *attempt);

/* The kind http, in prober_http.c */
int http_open(struct lane *lane, struct netsim_err *err);
void http_close(struct lane *lane);
void http_begin(struct attempt *attempt);
void http_abandon(struct attempt *attempt);
/* Takes a part of the body. */
void http_take(struct attempt *attempt, const char *data, size_t size);
/* The answer is complete: judges status and body. */
void http_answered(struct attempt *attempt);

/* Resolves a name; the first address counts. */
int lane_resolve(struct lane *lane, const char *host, uint16_t port, struct netsim_err *err);

#endif
