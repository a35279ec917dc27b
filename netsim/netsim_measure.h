/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Part of libnetsim's public header: include netsim/netsim.h. */
#ifndef NETSIM_NETSIM_MEASURE_H
#define NETSIM_NETSIM_MEASURE_H

#include <netsim/netsim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- measuring: libnetsim-measure(3) */

/* Whether a measurement agrees with the request. */
enum netsim_verdict {
	NETSIM_AS_ASKED,
	NETSIM_NOT_AS_ASKED,
	NETSIM_UNPROVED, /* asked, but not measured, or hidden by this machine's noise */
	NETSIM_LEFT_OUT, /* not measured because the caller wanted so: quick */
};

struct netsim_verify_row {
	const char *subject;	      /* "n100-1", "n100-1 > jetson-1", "all" */
	const char *what;	      /* "rtt", "rate up", "loss" */
	const char *asked, *measured; /* "5.0 ms"; "" where there is nothing to say */
	enum netsim_verdict verdict;
	const char *why; /* more about it, or "" */
};

struct netsim_verify {
	const char *fleet;
	const char *basis; /* where the request is known from: "profile lossy" */
	bool from_kernel;  /* no request is known: the kernel's state stands in for it */
	struct netsim_verify_row **rows;
	size_t row_count;
	size_t as_asked, failed, unmeasured;
	double timer_slack_ms; /* of this machine's timers, which delays are allowed */
	size_t left_out;       /* unmeasured counts the rows that are NETSIM_UNPROVED */
};

struct netsim_verify_opts {
	size_t size;
	const char *fleet;	      /* NULL: the only one */
	bool quick;		      /* fewer probes, and no TCP beside UDP */
	netsim_progress_fn *progress; /* may be NULL */
	void *arg;
};

/*
 * Measures the links of a fleet by traffic of its own and compares with the request. A
 * verdict is no error: see failed. Free with netsim_verify_free().
 */
NETSIM_API int netsim_verify(struct netsim *ctx, const struct netsim_verify_opts *opts,
			     struct netsim_verify **ret, struct netsim_err *err);
NETSIM_API void netsim_verify_free(struct netsim_verify *verify);

/* How one node sends to another. */
struct netsim_route {
	const char *from, *to; /* addresses; to is "" where none leads there */
	const char *device;    /* the interface that it sends through, or "" */
	bool cut;	       /* by a partition, there or back */
	bool down;	       /* a link of one of them is down */
};

struct netsim_peer {
	const char *name; /* of a node, or "host" */
	bool guest;	  /* a virtual machine: nothing can be started in it */
};

struct netsim_routes {
	const char *fleet;
	struct netsim_peer **nodes; /* in the order in which they were asked for */
	size_t node_count;
	struct netsim_route **list; /* [from * node_count + to] */
};

struct netsim_routes_opts {
	size_t size;
	const char *fleet;	  /* NULL: the only one */
	const char *const *nodes; /* names, patterns, @roles, or the word host */
	size_t node_count;	  /* 0: all nodes; with virtual machines the host, too */
	const char *iface;	  /* only by the addresses of this interface; NULL: of any */
};

/*
 * The addresses under which nodes reach each other: those in a network and VLAN that both
 * are in, or else a route leads to. A virtual machine's address is known once it has
 * talked to the host. Free with netsim_routes_free().
 */
NETSIM_API int netsim_routes(struct netsim *ctx, const struct netsim_routes_opts *opts,
			     struct netsim_routes **ret, struct netsim_err *err);
NETSIM_API void netsim_routes_free(struct netsim_routes *routes);

enum netsim_ping_result {
	NETSIM_PING_ANSWERED,
	NETSIM_PING_SILENT,  /* nothing came back, though nothing is in the way */
	NETSIM_PING_CUT,     /* nothing came back, as a partition asks */
	NETSIM_PING_LEAKED,  /* answers came in spite of a partition */
	NETSIM_PING_CHANGED, /* a partition began or ended meanwhile */
	NETSIM_PING_NONE,    /* not tried: no route, or a virtual machine would have to ask */
	NETSIM_PING_DOWN,    /* nothing came back: a link of one of them is down */
};

/* Echoes of one pair; round trips. */
struct netsim_ping {
	enum netsim_ping_result result;
	unsigned sent, received;
	double min_ms, mean_ms, max_ms, sd_ms;
};

struct netsim_ping_matrix {
	struct netsim_routes *routes;
	struct netsim_ping **list; /* as routes->list */
	size_t failed;		   /* pairs that are silent, and that leaked */
	unsigned neighbour_limit;  /* the kernel's limit of neighbours, if it was too low; else 0 */
	double interval_s;	   /* longer than asked for with very many pairs */
};

struct netsim_ping_opts {
	size_t size;
	const char *fleet; /* these as in struct netsim_routes_opts */
	const char *const *nodes;
	size_t node_count;
	const char *iface;
	unsigned count;		      /* 0: 10 */
	int64_t interval_ns;	      /* 0: 100 ms */
	netsim_progress_fn *progress; /* may be NULL */
	void *arg;
};

/*
 * Pings all pairs at once. A silent pair is no error: see failed. Free with
 * netsim_ping_matrix_free().
 */
NETSIM_API int netsim_ping_matrix(struct netsim *ctx, const struct netsim_ping_opts *opts,
				  struct netsim_ping_matrix **ret, struct netsim_err *err);
NETSIM_API void netsim_ping_matrix_free(struct netsim_ping_matrix *matrix);

/*
 * Finds a helper program: beside the one that runs, as in a build, or where it is
 * installed. -ENOENT (kind ENV) where there is none, -ENAMETOOLONG if size is too small.
 */
NETSIM_API int netsim_find_helper(const char *name, char *buf, size_t size, struct netsim_err *err);

#ifdef __cplusplus
}
#endif

#endif
