/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnetsim: builds a fleet's network on one Linux host, shapes it, cuts it apart,
 * measures it and heals it. This is the only public header; libnetsim(3) describes
 * its conventions, and a page for each group of calls.
 *
 *   Results    Calls return 0 or a negative errno. On failure they describe it in *err
 *              (may be NULL), and leave what they return through pointers untouched.
 *   Options    A *_opts struct begins with its size, so that it can grow: start from
 *              NETSIM_OPTS(), or zero it and set size. NULL means the defaults.
 *   Ownership  A result, with all that it points to, is the library's until the function
 *              named after it frees it; NULL may be freed. Structs in results may grow at
 *              their end, which is why lists hold pointers to them.
 *   Threads    A handle, and what was opened with it, is for one thread at a time; several
 *              handles may be used by several threads. Calls that look into nodes move the
 *              calling thread into their network namespaces, and back.
 *   Signals    The library installs no handlers and starts no threads that outlive a call.
 *   Limits     netsim_open() raises the soft RLIMIT_NOFILE to the hard one: a large fleet
 *              needs a socket and a namespace for each node.
 *   Output     The library prints nothing, and ends no process.
 */
#ifndef NETSIM_NETSIM_H
#define NETSIM_NETSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NETSIM_VERSION_MAJOR 0
#define NETSIM_VERSION_MINOR 1
#define NETSIM_VERSION_PATCH 0

#define NETSIM_API __attribute__((visibility("default")))

/* C: struct netsim_apply_opts opts = NETSIM_OPTS(struct netsim_apply_opts, .dry_run = true); */
#define NETSIM_OPTS(type, ...) ((type) {.size = sizeof(type), __VA_ARGS__})

/* A place in a file, from 1; file NULL: no place. */
struct netsim_loc {
	const char *file;
	unsigned line, column;
};

/* What kind of thing went wrong; the command's exit status follows from it. */
enum netsim_err_kind {
	NETSIM_ERR_NONE,
	NETSIM_ERR_FAILED, /* 1: a verdict or measurement failed */
	NETSIM_ERR_USAGE,  /* 2: asked wrongly */
	NETSIM_ERR_INPUT,  /* 3: a file says something wrong */
	NETSIM_ERR_KERNEL, /* 4: the kernel refused, or something foreign is in the way */
	NETSIM_ERR_ENV,	   /* 5: privilege, module or program missing */
	NETSIM_ERR_BUG,	   /* 70 */
};

/*
 * An error, in storage of the caller: nothing in it needs freeing, and a text
 * that is too long is cut, never lost. Start from all zeroes.
 */
struct netsim_err {
	enum netsim_err_kind kind;
	bool warning;	       /* in diagnostics only: the file is valid all the same */
	int code;	       /* the negative errno that was returned */
	struct netsim_loc loc; /* loc.file points into file[] below, or is NULL */
	char file[256];
	char what[320];	  /* "n100-1 eth1: cannot add the link" */
	char kernel[160]; /* the kernel's own words, or "" */
	char hint[256];	  /* what would be right, or "" */
	char reserved[64];
};

#define NETSIM_DIAGS_MAX 20

/* The mistakes of a file, in the order of the file. */
struct netsim_diags {
	struct netsim_err list[NETSIM_DIAGS_MAX];
	size_t count;	 /* of list[] */
	size_t more;	 /* further mistakes that did not fit */
	size_t warnings; /* how many in list[] are only warnings */
};

/* A handle: sockets into this network namespace, which is where everything happens. */
struct netsim;
NETSIM_API int netsim_open(struct netsim **ret, struct netsim_err *err);
NETSIM_API void netsim_close(struct netsim *ctx);

/*
 * Told at most ten times a second how far a call has come. The struct may grow at its end;
 * what a call does not know is zero.
 */
struct netsim_progress {
	const char *what; /* "measuring rates": what is being done, or NULL */
	double done;	  /* 0 to 1, or below 0 where the end is not known */
	int64_t elapsed_ns;
	uint64_t packets, bytes; /* captured or read so far */
	const char *gone;	 /* a port that has just gone away, or NULL */
};
/*
 * Returns true to stop: captures and measurements then end with what they have, other
 * calls fail with -ECANCELED.
 */
typedef bool netsim_progress_fn(void *arg, const struct netsim_progress *progress);

/* --- files: libnetsim-files(3) */

enum netsim_file { NETSIM_FILE_TOPOLOGY, NETSIM_FILE_PROFILE };

/*
 * Finds a file by path, or by name in ./topo (./profiles), in that folder of /etc/netsim
 * and of the installed files. buf receives its path; -ENAMETOOLONG if size is too small.
 */
NETSIM_API int netsim_find(enum netsim_file kind, const char *name, char *buf, size_t size,
			   struct netsim_err *err);

/*
 * Checks a topology, profile, class file or trace. Mistakes and warnings go to diags; -EINVAL if
 * there are mistakes. With print, what was understood is written to it as YAML.
 */
NETSIM_API int netsim_check(const char *path, FILE *print, struct netsim_diags *diags);

/* The nearest of count names to a mistyped one, or NULL where none is near. */
NETSIM_API const char *netsim_nearest(const char *text, const char *const *names, size_t count);

/* "30s", "250ms": nanoseconds. -EINVAL or -ERANGE with *why saying what would be right. */
NETSIM_API int netsim_parse_duration(const char *text, int64_t *ret_ns, const char **why);
/* "64KiB", "100MB": bytes, likewise. */
NETSIM_API int netsim_parse_size(const char *text, uint64_t *ret_bytes, const char **why);
/* "10mbit", "1.5gbit": bits per second, likewise. */
NETSIM_API int netsim_parse_rate(const char *text, uint64_t *ret_bps, const char **why);

/* --- building and removing: libnetsim-fleet(3) */

enum netsim_step_kind { NETSIM_STEP_ADD, NETSIM_STEP_CHANGE, NETSIM_STEP_REMOVE };

/* One change of the kernel's objects. */
struct netsim_step {
	enum netsim_step_kind kind;
	const char *text; /* "bridge lan (mtu 1500)" */
};

struct netsim_up {
	const char *fleet;
	size_t node_count, network_count;
	size_t step_count;	    /* 0: the kernel was as the file says already */
	struct netsim_step **steps; /* with dry_run, else NULL */
	size_t shaped_count;	    /* new ports that got the fleet's profile */
};

struct netsim_up_opts {
	size_t size;
	bool dry_run; /* only plan */
};

/*
 * Makes the kernel match a topology file, and undoes what it did if that fails. A wrong
 * file gives -EINVAL with diags; otherwise err is filled. Free with netsim_up_free().
 */
NETSIM_API int netsim_up(struct netsim *ctx, const char *path, const struct netsim_up_opts *opts,
			 struct netsim_up **ret, struct netsim_diags *diags,
			 struct netsim_err *err);
NETSIM_API void netsim_up_free(struct netsim_up *up);

enum netsim_object_kind { NETSIM_OBJECT_LINK, NETSIM_OBJECT_NODE };

/* Something that netsim made: a link of this namespace, or a node with its namespace. */
struct netsim_object {
	enum netsim_object_kind kind;
	const char *name;
	const char *netns; /* of a node */
};

struct netsim_down {
	const char *fleet; /* NULL: no fleet was up */
	struct netsim_object **objects;
	size_t object_count;
};

struct netsim_down_opts {
	size_t size;
	const char *fleet; /* NULL: the only one */
	bool dry_run;	   /* only list the objects */
};

/*
 * Removes a fleet with all that netsim made for it. No fleet at all is no error, unless
 * one is named. Free with netsim_down_free().
 */
NETSIM_API int netsim_down(struct netsim *ctx, const struct netsim_down_opts *opts,
			   struct netsim_down **ret, struct netsim_err *err);
NETSIM_API void netsim_down_free(struct netsim_down *down);

/*
 * Moves this process into a node of the netns kind, as ip-netns(8) exec does; for a process
 * that is about to execute something. fleet NULL: the only one.
 */
NETSIM_API int netsim_enter(struct netsim *ctx, const char *fleet, const char *node,
			    struct netsim_err *err);

/* --- what there is: libnetsim-status(3) */

/* What realises delay and rate; auto chooses by what is asked. */
enum netsim_engine { NETSIM_ENGINE_AUTO, NETSIM_ENGINE_NETEM, NETSIM_ENGINE_EDT };

/* One direction of a port. */
struct netsim_direction {
	const char *text;		/* its conditions, "100mbit delay 2.5ms"; "" for none */
	uint64_t packets, bytes, drops; /* that passed or were dropped by the qdisc */
	uint32_t queued;		/* packets */
};

struct netsim_port {
	const char *name;		    /* of the host's end */
	const char *iface;		    /* of the node's end */
	const char *bridge;		    /* that the port belongs to, or "" */
	bool up;			    /* the host's end is up */
	struct netsim_direction *from, *to; /* the node */
};

struct netsim_node {
	const char *name;
	bool tap;    /* a virtual machine behind a tap */
	bool inside; /* its namespace exists (always for taps) */
	const char **roles;
	size_t role_count;
	struct netsim_port **ports;
	size_t port_count;
	size_t reaches;	       /* how many of the other nodes */
	uint64_t cut_packets;  /* dropped by partitions, to and from this node */
	uint64_t lost_packets; /* that it sent and conditions dropped (edt) */
};

/* Conditions between two nodes, or of a class of traffic (edt). */
struct netsim_path {
	const char *from, *to;	/* NULL: between any two */
	const char *class_name; /* NULL: all traffic */
	const char *text;
};

enum netsim_fault_kind { NETSIM_FAULT_PARTITION, NETSIM_FAULT_CONDITIONS, NETSIM_FAULT_LINK };

struct netsim_fault {
	uint32_t id; /* 0: it was only tried */
	enum netsim_fault_kind kind;
	const char *name; /* NULL: none */
	const char *text; /* "loss 5% on n100-1:n100-2", "partition n100-1 | rest" */
	int64_t left_ns;  /* until its deadline; -1: until healed */
	/* Of a measurement: since 1970; end 0: still in force. */
	int64_t begin_ns, end_ns;
};

struct netsim_fleet {
	const char *name;
	const char *profile;	   /* the last one applied to all of it, or NULL */
	bool profile_changed;	   /* some nodes were shaped otherwise since */
	enum netsim_engine engine; /* netem or edt */
	const char *engine_why;	   /* why edt: "pairs"; NULL for netem */
	struct netsim_path **paths;
	size_t path_count;
	struct netsim_node **nodes;
	size_t node_count;
	const char **networks;
	size_t network_count;
	struct netsim_fault **faults;
	size_t fault_count;
	bool *reach; /* [from * node_count + to] */
};

/* An interface that is shaped without a fleet. */
struct netsim_bare {
	const char *device;
	struct netsim_direction *out, *in;
};

struct netsim_status {
	struct netsim_fleet **fleets;
	size_t fleet_count;
	struct netsim_bare **bare;
	size_t bare_count;
};

struct netsim_status_opts {
	size_t size;
	const char *fleet; /* NULL: all */
};

/* Reads fleets, ports, conditions, faults and counters. Free with netsim_status_free(). */
NETSIM_API int netsim_status(struct netsim *ctx, const struct netsim_status_opts *opts,
			     struct netsim_status **ret, struct netsim_err *err);
NETSIM_API void netsim_status_free(struct netsim_status *status);

/* Why a packet did not arrive: a partition, a link that is down, conditions. */
enum netsim_drop {
	NETSIM_DROP_PARTITION,
	NETSIM_DROP_DOWN,
	NETSIM_DROP_LOSS,
	NETSIM_DROP_QUEUE,
	NETSIM_DROPS
};

/* The packets from one node to another, of one class of traffic, since counting began. */
struct netsim_flow {
	const char *from, *to;	/* nodes, or "host"; NULL: the overflow bucket, of no single pair */
	const char *class_name; /* "other": of none */
	uint64_t packets, bytes;
	uint64_t dropped[NETSIM_DROPS]; /* packets, by reason */
	uint64_t copied, corrupted;	/* packets, of those that passed */
};

struct netsim_traffic {
	const char *fleet;
	int64_t at_ns;		    /* CLOCK_MONOTONIC */
	struct netsim_flow **flows; /* in the order of netsim_compare_flows() */
	size_t flow_count;
};

struct netsim_traffic_opts {
	size_t size;
	const char *fleet; /* NULL: the only one */
};

/*
 * Reads the counters of a fleet. Where its ports have no programs that count, it attaches
 * them, and counting starts there. Free with netsim_traffic_free().
 */
NETSIM_API int netsim_traffic(struct netsim *ctx, const struct netsim_traffic_opts *opts,
			      struct netsim_traffic **ret, struct netsim_err *err);
NETSIM_API void netsim_traffic_free(struct netsim_traffic *traffic);
/* By from, to and class, as strcmp() has it; NULL comes last. */
NETSIM_API int netsim_compare_flows(const struct netsim_flow *a, const struct netsim_flow *b);

/* --- shaping and faults: libnetsim-shape(3) */

struct netsim_apply_opts {
	size_t size;
	const char *fleet;	    /* NULL: the only one */
	const char *const *targets; /* nodes, patterns, node/iface, or interfaces */
	size_t target_count;	    /* 0: the whole fleet */
	const char *as; /* the profile's entry for a bare interface; NULL: the host's name */
	enum netsim_engine engine; /* for the whole fleet */
	bool dry_run;
};

/* A port or a bare interface, and its conditions from now on. */
struct netsim_shaped {
	const char *name;      /* "n100-1/eth1", "eth1" */
	const char *up, *down; /* "100mbit delay 2.5ms"; "" for none */
};

struct netsim_apply {
	struct netsim_shaped **list;
	size_t count;
};

/*
 * Shapes ports as a profile says. A wrong file gives -EINVAL with diags; otherwise err is
 * filled. Free with netsim_apply_free().
 */
NETSIM_API int netsim_apply(struct netsim *ctx, const char *profile,
			    const struct netsim_apply_opts *opts, struct netsim_apply **ret,
			    struct netsim_diags *diags, struct netsim_err *err);
/* Takes the shaping off; as and engine are not used. */
NETSIM_API int netsim_clear(struct netsim *ctx, const struct netsim_apply_opts *opts,
			    struct netsim_apply **ret, struct netsim_err *err);
NETSIM_API void netsim_apply_free(struct netsim_apply *apply);

struct netsim_partition_opts {
	size_t size;
	const char *fleet;
	/*
	 * Groups of nodes as "a,b" (names, patterns, @roles, or the word host). One
	 * group is cut off from all other nodes; several from each other.
	 */
	const char *const *groups;
	size_t group_count;
	bool isolate;	  /* every node of the groups (none: of the fleet) alone */
	bool one_way;	  /* two groups: the first cannot send to the second */
	const char *name; /* to heal it by, or NULL */
	int64_t for_ns;	  /* 0: until healed; the kernel keeps the deadline */
	bool dry_run;
};

/* Cuts groups off. The result has id 0 with dry_run; free with netsim_fault_free(). */
NETSIM_API int netsim_partition(struct netsim *ctx, const struct netsim_partition_opts *opts,
				struct netsim_fault **ret, struct netsim_err *err);

struct netsim_fault_opts {
	size_t size;
	const char *fleet;
	const char *conditions;	    /* "loss 5% delay 80ms" */
	const char *const *targets; /* nodes, node/iface, or pairs "a:b" */
	size_t target_count;
	const char *class_name; /* only traffic of this class, or NULL */
	const char *name;	/* to heal it by, or NULL */
	int64_t for_ns;		/* 0: until healed; the kernel keeps the deadline */
	bool dry_run;
};

/* Puts conditions on top of the profile's. The result is as netsim_partition()'s. */
NETSIM_API int netsim_fault(struct netsim *ctx, const struct netsim_fault_opts *opts,
			    struct netsim_fault **ret, struct netsim_err *err);
NETSIM_API void netsim_fault_free(struct netsim_fault *fault);

/* Faults of cables. */
enum netsim_link_state { NETSIM_LINK_DOWN, NETSIM_LINK_UP, NETSIM_LINK_FLAP };

struct netsim_link_opts {
	size_t size;
	const char *fleet;
	enum netsim_link_state state;
	const char *const *targets; /* nodes, node/iface; a VLAN's interface, too */
	size_t target_count;
	int64_t period_ns, up_ns; /* flap: each period, and how long of it the link is up */
	const char *name;	  /* to heal it by, or NULL; for one target */
	int64_t for_ns;		  /* 0: until set up; the kernel keeps the deadline */
	bool dry_run;
};

enum netsim_link_change_kind {
	NETSIM_LINK_CARRIER, /* a cable got or lost its carrier */
	NETSIM_LINK_FAULT,   /* a fault that the programs keep was added */
	NETSIM_LINK_HEALED,  /* such a fault was ended */
};

struct netsim_link_change {
	enum netsim_link_change_kind kind;
	const char *name;	    /* the cable: "n100-1/eth1" */
	bool up;		    /* carrier: it has one now */
	struct netsim_fault *fault; /* added or ended; id 0 with dry_run */
};

struct netsim_link {
	struct netsim_link_change **changes;
	size_t change_count;
};

/*
 * Takes cables down or up. Without a time, a cable that is down loses its carrier, and is
 * down until it is set up again. With one, or flapping, it is a fault kept by the kernel:
 * nothing passes, but the carrier stays. Free with netsim_link_free().
 */
NETSIM_API int netsim_link(struct netsim *ctx, const struct netsim_link_opts *opts,
			   struct netsim_link **ret, struct netsim_err *err);
NETSIM_API void netsim_link_free(struct netsim_link *link);

struct netsim_heal_opts {
	size_t size;
	const char *fleet;
	const char *const *faults; /* numbers or names */
	size_t fault_count;	   /* 0: all */
	bool dry_run;
};

struct netsim_heal {
	struct netsim_fault **faults;
	size_t fault_count;
};

/* Ends faults at one instant; an unknown one is an error, and none ends. netsim_heal_free(). */
NETSIM_API int netsim_heal(struct netsim *ctx, const struct netsim_heal_opts *opts,
			   struct netsim_heal **ret, struct netsim_err *err);
NETSIM_API void netsim_heal_free(struct netsim_heal *heal);

/* --- measuring: libnetsim-measure(3) */

/* Whether a measurement agrees with the request. */
enum netsim_verdict { NETSIM_AS_ASKED, NETSIM_NOT_AS_ASKED, NETSIM_NOT_MEASURED };

struct netsim_verify_row {
	const char *subject;	      /* "n100-1", "n100-1 > jetson-1", "all" */
	const char *what;	      /* "rtt", "rate up", "loss" */
	const char *asked, *measured; /* "5.0 ms"; "" where there is nothing to say */
	enum netsim_verdict verdict;
	const char *why; /* more about it, or "" */
};

struct netsim_verify {
	const char *fleet;
	const char *basis; /* where the request is known from */
	struct netsim_verify_row **rows;
	size_t row_count;
	size_t as_asked, failed, unmeasured;
	double timer_slack_ms; /* of this machine's timers, which delays are allowed */
};

struct netsim_verify_opts {
	size_t size;
	const char *fleet;	      /* NULL: the only one */
	bool quick;		      /* delays, ratios and reach only */
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

/* --- captured traffic: libnetsim-capture(3); netsim-analyze(8) defines every figure */

/* Round trips in nanoseconds; percentiles are right to 0.8 %, the others exact. */
struct netsim_rtt {
	uint64_t count;
	int64_t min, p50, p90, p99, max;
	double mean;
};

/* One direction. */
struct netsim_flow_way {
	uint64_t packets, bytes, payload;
	/* Retransmissions: asked for by acknowledgements, others, and of what had arrived. */
	uint64_t fast, timeout, spurious;
	uint64_t reordered; /* out of order */
	uint64_t resent;    /* with bytes that were captured before */
	uint64_t dup_acks, zero_windows, resets;
	uint64_t gaps;	       /* silences of a connection beyond its class's limit */
	uint64_t silences;     /* of them, those of all connections together */
	struct netsim_rtt rtt; /* of data sent this way until it is acknowledged */
};

/* A share of the time; see struct netsim_analysis. Round trips in ns, 0: none measured. */
struct netsim_flow_bin {
	struct {
		uint64_t bytes;
		uint32_t packets, retransmissions, gaps, rtts;
		int64_t rtt_p50, rtt_p99, rtt_max; /* percentiles right to 6.3 % */
	} ways[2];
};

/* A connection, or what several come to together. */
struct netsim_flow_row {
	/*
	 * Names of nodes or addresses: of a connection its client and its server. NULL in
	 * rows of classes, and where there were too many pairs to tell them all apart.
	 */
	const char *ends[2];
	const char *class_name;		/* "other" where none fits; NULL in rows of pairs */
	bool inner;			/* inside of VXLAN; counted in the packets around it, too */
	size_t way_count;		/* 1 in rows of classes: both directions together */
	struct netsim_flow_way ways[2]; /* from ends[0], from ends[1] */
	uint64_t connections;
	uint64_t unanswered, refused; /* of TCP: by nothing, and by a reset */
	struct netsim_rtt handshake;
	/* bin_count of them; NULL of connections, and behind the first 64 rows of a list */
	struct netsim_flow_bin *bins;
	/* Connections only. */
	uint8_t version, protocol; /* version 0: not IP, and the ports are its ethertype */
	uint16_t ports[2], vlan;
	int64_t first_ns, last_ns; /* since 1970 */
	bool closed;
};

/* Nothing came from a node for longer than the class tolerates. */
struct netsim_flow_gap {
	const char *from, *to, *class_name;
	uint16_t from_port, to_port;
	bool inner;
	bool whole;			    /* nor on another connection of the class */
	int64_t begin_ns, end_ns, limit_ns; /* limit: what the class tolerates */
};

struct netsim_capture_problem {
	const char *file;
	uint64_t offset;
	const char *what;
};

/* What was sent in a while. */
struct netsim_one_way_bin {
	uint32_t delivered, lost;
	int64_t delay_mean, delay_max;
};

/* What one node sent to another, found again where it is delivered. */
struct netsim_one_way {
	const char *from, *to, *class_name; /* the nodes NULL where there were too many pairs */
	uint64_t sent, delivered, lost;
	uint64_t in_flight; /* not delivered, but sent too shortly before the end to be lost */
	uint64_t duplicated, reordered;
	struct netsim_rtt delay;
	double jitter; /* the standard deviation of the delay */
	/* one_way_bin_count of them; NULL behind the first 64 rows */
	struct netsim_one_way_bin *bins;
};

struct netsim_flow_rows {
	struct netsim_flow_row **list;
	size_t count;
};

struct netsim_analysis {
	uint64_t packets, bytes; /* on the wire: what is inside of VXLAN is not added */
	uint64_t inner;		 /* packets inside of VXLAN */
	uint64_t captured;	 /* packets, each as often as it was captured */
	uint64_t connections;
	uint64_t folded;    /* connections without a row: memory is bounded */
	uint64_t unordered; /* packets earlier than the one before */
	int64_t first_ns, last_ns;
	/* Rows, sorted by bytes, most first: by class, by pair, by both, and of connections. */
	struct netsim_flow_rows classes, pairs, flows, connection_rows;
	int64_t bin_ns; /* bin 0 begins at first_ns */
	size_t bin_count;
	struct netsim_flow_gap **gaps; /* the first ones, in order of their end */
	size_t gap_count;
	uint64_t gaps_more; /* that are not listed */
	/* Where packets were captured at several ports; sorted by packets sent. */
	struct netsim_one_way **one_way;
	size_t one_way_count;
	/* Packets sent to, and delivered from, where nothing is captured. */
	uint64_t unobserved, unmatched;
	int64_t one_way_first_ns, one_way_bin_ns;
	size_t one_way_bin_count;
	/* Where files could not be read on; what was before it counts. */
	struct netsim_capture_problem **problems;
	size_t problem_count;
};

struct netsim_analyze_opts {
	size_t size;
	const char *const *files; /* merged by time; "-": standard input */
	size_t file_count;
	const char *class_file; /* NULL: the usual one */
	const char *topology;	/* whose nodes name addresses; NULL: none */
	/* Only packets in between: since 1970, or since the first packet. */
	int64_t from_ns, to_ns; /* to 0: to the end */
	bool from_first, to_first;
	size_t connections;	      /* rows of connections, 0: all */
	size_t max_connections;	      /* kept at once, 0: a million; older ones are folded */
	netsim_progress_fn *progress; /* may be NULL */
	void *arg;
};

/*
 * Reads captures and follows their connections. Damaged files are no error: see problems.
 * A wrong class file or topology gives -EINVAL and diags; otherwise err is filled. Free
 * with netsim_analysis_free(). Needs no handle.
 */
NETSIM_API int netsim_analyze(const struct netsim_analyze_opts *opts, struct netsim_analysis **ret,
			      struct netsim_diags *diags, struct netsim_err *err);
NETSIM_API void netsim_analysis_free(struct netsim_analysis *analysis);

/* A packet at a port, while it is handed out. */
struct netsim_captured {
	int64_t time_ns;	/* since 1970 */
	const char *from, *to;	/* names of nodes, addresses, or "?" */
	const char *class_name; /* "other" where none fits */
	const char *port;	/* "n100-1/eth1" */
	bool sent;		/* by the port's node; otherwise delivered to it */
	uint32_t length;
	const char *what; /* "tcp 40212 > 2380 [P.]" */
};

struct netsim_capture_opts {
	size_t size;
	const char *fleet;	    /* NULL: the only one */
	const char *const *targets; /* nodes, patterns, @roles, node/iface; none: all ports */
	size_t target_count;
	const char *file; /* of all ports, pcapng; for one port also .pcap; "-": stdout */
	const char *dir;  /* where each port gets a file of its own */
	/* Called for each packet where there is neither. */
	void (*packet)(void *arg, const struct netsim_captured *packet);
	const char *filter;	    /* of pcap-filter(7), or NULL */
	const char *const *classes; /* only these, and those inside of VXLAN; none: all */
	size_t class_count;
	const char *class_file;		/* NULL: the usual one */
	bool only_sent, only_delivered; /* by and to the ports' nodes; neither: both */
	uint32_t snap_bytes;		/* of each packet, at least 64; 0: all */
	uint32_t buffer_bytes;		/* for what waits at a port, at least 1 MiB; 0: usual */
	/* New files at this size and after this time; the oldest go beyond keep_files. */
	uint64_t rotate_bytes;
	int64_t rotate_ns;
	unsigned keep_files;
	int64_t for_ns; /* 0: until it is stopped */
	uint64_t count; /* packets, 0: any number */
	bool dry_run;	/* only say which ports and classes are meant */
	/* Called some ten times a second, and after every signal. */
	netsim_progress_fn *progress; /* may be NULL with for_ns or count */
	void *arg;
};

struct netsim_capture_port {
	const char *name;
	uint64_t packets, bytes, received, dropped;
	bool gone;
};

struct netsim_capture_class {
	const char *name;
	uint64_t packets, bytes;
};

struct netsim_capture {
	const char *fleet;
	uint64_t packets, bytes; /* as long as they were on the wire */
	uint64_t received;	 /* at the sockets, before classes are looked at */
	uint64_t dropped;	 /* of them, for lack of room */
	int64_t elapsed_ns;
	uint64_t files; /* that were begun */
	struct netsim_capture_port **ports;
	size_t port_count;
	struct netsim_capture_class **classes; /* that had packets */
	size_t class_count;
};

/*
 * Captures at ports. Drops are no error, nor are ports that go away: see the counters. A
 * file that cannot be written is one, and holds whole packets. A wrong class file gives
 * -EINVAL and diags. Free with netsim_capture_free().
 */
NETSIM_API int netsim_capture(struct netsim *ctx, const struct netsim_capture_opts *opts,
			      struct netsim_capture **ret, struct netsim_diags *diags,
			      struct netsim_err *err);
NETSIM_API void netsim_capture_free(struct netsim_capture *capture);

/* An analysis of live traffic. */
struct netsim_measurement {
	const char *fleet;
	size_t port_count;
	struct netsim_analysis *analysis;
	struct netsim_traffic *counted; /* by the programs at the ports, meanwhile; or NULL */
	const char *uncounted;		/* why they cannot, or NULL */
	uint64_t missed;		/* packets, for lack of room: the figures are incomplete */
	size_t gone_count;		/* ports that went away meanwhile */
	struct netsim_fault **faults;	/* that were in force meanwhile */
	size_t fault_count;
};

struct netsim_measure_opts {
	size_t size;
	const char *fleet;	      /* NULL: the only one */
	const char *const *nodes;     /* rows of these: names, patterns, @roles, host */
	size_t node_count;	      /* 0: of all */
	const char *class_file;	      /* NULL: the usual one */
	int64_t duration_ns;	      /* 0: until it is stopped, or no port is left */
	size_t connections;	      /* rows of connections, 0: all */
	netsim_progress_fn *progress; /* may be NULL with a duration */
	void *arg;
};

/* Follows the packets of all ports; diags as above. Free with netsim_measurement_free(). */
NETSIM_API int netsim_measure(struct netsim *ctx, const struct netsim_measure_opts *opts,
			      struct netsim_measurement **ret, struct netsim_diags *diags,
			      struct netsim_err *err);
NETSIM_API void netsim_measurement_free(struct netsim_measurement *measurement);

/* --- the machine: libnetsim-doctor(3) */

struct netsim_finding {
	const char *what; /* "netem" */
	const char *use;  /* "delay, loss and rate of profiles" */
	bool ok;
	bool optional;	    /* few need it: does not count as missing */
	const char *detail; /* the kernel's words, a version, or "" */
	const char *hint;   /* how to mend it */
};

struct netsim_findings {
	struct netsim_finding **list;
	size_t count;
	size_t missing;
	const char *kernel;
	const char *engines; /* which engine would do what here, and why not more */
};

/*
 * Tries everything in a network namespace of its own, which it leaves and removes. Free
 * with netsim_findings_free(). Needs no handle.
 */
NETSIM_API int netsim_doctor(struct netsim_findings **ret, struct netsim_err *err);
NETSIM_API void netsim_findings_free(struct netsim_findings *findings);

/* "0.1.0", of the library that runs; NETSIM_VERSION_* are those of this header. */
NETSIM_API const char *netsim_version(void);

#ifdef __cplusplus
}
#endif

#endif
