/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Part of libnetsim's public header: include netsim/netsim.h. */
#ifndef NETSIM_NETSIM_MEASURE_H
#define NETSIM_NETSIM_MEASURE_H

#include <netsim/netsim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- measuring: libnetsim-measure(3) */

/* What was asked and measured, as numbers in a unit; NAN: not this one. */
struct netsim_verify_values {
	const char *unit; /* "ms", "percent" or "bps", static; NULL: there are no numbers */
	double asked, measured;
	double sd;	  /* of a delay */
	double low, high; /* bounds of a ratio */
	double tcp;	  /* of a rate, beside that of UDP */
};

struct netsim_verify_row {
	const char *subject;	      /* "n100-1", "n100-1 > jetson-1", "all" */
	const char *what;	      /* "rtt", "rate up", "loss" */
	const char *asked, *measured; /* "5.0 ms", or "" */
	enum netsim_verdict verdict;
	const char *why; /* the reason, or "" */
	struct netsim_verify_values values;
};

struct netsim_verify {
	const char *fleet;
	const char *basis; /* the source of the requested conditions: "profile lossy" */
	bool from_kernel;  /* the record is lost: the kernel's state is used instead */
	struct netsim_verify_row **rows;
	size_t row_count;
	size_t as_asked, failed, unmeasured; /* rows; unmeasured: those that are NETSIM_UNPROVED */
	double timer_slack_ms; /* lateness of this machine's timers; delays may be that much longer
				*/
	size_t left_out;       /* rows that are NETSIM_LEFT_OUT */
	bool interrupted;      /* the progress function has ended it */
};

struct netsim_verify_opts {
	size_t size;
	const char *fleet;	      /* NULL: the only one */
	bool quick;		      /* fewer probes, and no TCP beside UDP */
	netsim_progress_fn *progress; /* may be NULL */
	void *arg;
	/*
	 * Names, patterns, @roles, or the word host: measure only these nodes and the pairs with
	 * them. node_count 0: all.
	 */
	const char *const *nodes;
	size_t node_count;
};

/*
 * Measures the links of a fleet with probes and compares them with the requested conditions.
 * A wrong link is not an error; it counts in (*ret)->failed. If progress stops it, the call
 * succeeds with interrupted set: what was not measured, and what failed but was not measured a
 * second time, is NETSIM_UNPROVED. Free with netsim_verify_free().
 */
NETSIM_API int netsim_verify(struct netsim *ctx, const struct netsim_verify_opts *opts,
			     struct netsim_verify **ret, struct netsim_err *err);
NETSIM_API void netsim_verify_free(struct netsim_verify *verify);

/* How one node sends to another. */
struct netsim_route {
	const char *from, *to; /* addresses; to is "" if there is no route */
	const char *device;    /* the interface that it sends through, or "" */
	bool cut;	       /* a partition cuts one of the directions */
	bool down;	       /* a link of one of the two, or on every way between them, is down */
};

struct netsim_peer {
	const char *name; /* of a node, or "host" */
	bool guest;	  /* a virtual or another machine, in which no program can be started */
	bool detached;	  /* a node without a port, or without an address */
};

struct netsim_routes {
	const char *fleet;
	struct netsim_peer **nodes; /* in the order of the request */
	size_t node_count;
	struct netsim_route **list; /* [from * node_count + to] */
};

struct netsim_routes_opts {
	size_t size;
	const char *fleet;	  /* NULL: the only one */
	const char *const *nodes; /* names, patterns, @roles, or the word host */
	size_t node_count;	  /* 0: all nodes; with virtual machines the host, too */
	const char *iface;	  /* use only addresses of this interface; NULL: of any */
};

/*
 * Resolves the addresses under which nodes reach each other: in a network and VLAN that both
 * share, or else one that a route leads to. A virtual machine's address is known once it has
 * talked to the host. Free with netsim_routes_free().
 */
NETSIM_API int netsim_routes(struct netsim *ctx, const struct netsim_routes_opts *opts,
			     struct netsim_routes **ret, struct netsim_err *err);
NETSIM_API void netsim_routes_free(struct netsim_routes *routes);

enum netsim_ping_result {
	NETSIM_PING_ANSWERED,
	NETSIM_PING_SILENT,  /* no answer, although neither a partition nor a link explains it */
	NETSIM_PING_CUT,     /* no answer, because of a partition */
	NETSIM_PING_LEAKED,  /* answers in spite of a partition, or of a link that is down */
	NETSIM_PING_CHANGED, /* no answer, and a partition or a link changed in this time */
	/* Not tried: no route, the sender is a virtual machine, or progress stopped it before. */
	NETSIM_PING_NONE,
	NETSIM_PING_DOWN, /* no answer, and a link of one of the two, or on every way between them,
			     is down */
};

/* Echoes of one pair; round trips. */
struct netsim_ping {
	enum netsim_ping_result result;
	unsigned sent, received;
	double min_ms, mean_ms, max_ms, sd_ms;
};

struct netsim_ping_matrix {
	struct netsim_routes *routes;
	struct netsim_ping **list; /* indexed like routes->list */
	size_t failed;		   /* pairs that are silent or leaked */
	unsigned neighbour_limit;  /* the kernel's limit of neighbours, if it was reached; else 0 */
	double interval_s;	   /* longer than requested with very many pairs */
	bool interrupted;	   /* the progress function has ended it */
};

struct netsim_ping_opts {
	size_t size;
	const char *fleet; /* fleet to iface: as in struct netsim_routes_opts */
	const char *const *nodes;
	size_t node_count;
	const char *iface;
	unsigned count;		      /* 0: 10 */
	int64_t interval_ns;	      /* 0: 100 ms */
	netsim_progress_fn *progress; /* may be NULL */
	void *arg;
};

/*
 * Pings all pairs at once. A silent pair is not an error; it counts in (*ret)->failed. If progress
 * stops it, the call succeeds with interrupted set and the echoes sent until then, whose answers it
 * awaits. Free with netsim_ping_matrix_free().
 */
NETSIM_API int netsim_ping_matrix(struct netsim *ctx, const struct netsim_ping_opts *opts,
				  struct netsim_ping_matrix **ret, struct netsim_err *err);
NETSIM_API void netsim_ping_matrix_free(struct netsim_ping_matrix *matrix);

/*
 * Finds a helper program: next to the running program, as in a build, or where it is
 * installed. -ENOENT (kind ENV) if there is none, -ENAMETOOLONG if size is too small.
 */
NETSIM_API int netsim_find_helper(const char *name, char *buf, size_t size, struct netsim_err *err);

#ifdef __cplusplus
}
#endif

#endif
