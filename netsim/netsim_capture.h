/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Part of libnetsim's public header: include netsim/netsim.h. */
#ifndef NETSIM_NETSIM_CAPTURE_H
#define NETSIM_NETSIM_CAPTURE_H

#include <netsim/netsim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- captured traffic: libnetsim-capture(3); netsim-analyze(8) defines every figure */

/*
 * The structs up to struct netsim_one_way_bin are part of others by value, or of plain arrays:
 * they do not grow.
 */

/* Round trips or delays; percentiles are accurate to 0.8 %, the others exact. */
struct netsim_rtt {
	uint64_t count;
	int64_t min_ns, p50_ns, p90_ns, p99_ns, max_ns;
	double mean_ns;
};

/* The figures of one direction. */
struct netsim_flow_direction {
	uint64_t packets, bytes, payload;
	uint64_t fast, timeout, spurious; /* retransmissions, by kind */
	uint64_t reordered;		  /* out of order */
	uint64_t resent;		  /* segments with bytes that were captured before */
	uint64_t dup_acks, zero_windows, resets;
	uint64_t gaps;	       /* times in which a connection was silent beyond its class's limit */
	uint64_t silences;     /* of them, those in which all connections of the row were silent */
	struct netsim_rtt rtt; /* of data sent in this direction until it is acknowledged */
};

/* One bin of a series over time. */
struct netsim_flow_bin {
	struct {
		uint64_t bytes;
		uint32_t packets, retransmissions, gaps, rtts;
		/* 0: none measured; percentiles are accurate to 6.3 % */
		int64_t rtt_p50_ns, rtt_p99_ns, rtt_max_ns;
	} directions[2];
};

struct netsim_one_way_bin {
	uint32_t delivered, lost;
	int64_t delay_mean_ns, delay_max_ns;
};

/* A connection, or the sum of several. */
struct netsim_flow_row {
	/*
	 * Names of nodes, or addresses; of a connection, its client and its server. NULL in
	 * rows of classes, and in the row for the pairs beyond the limit of groups.
	 */
	const char *ends[2];
	const char *class_name; /* "other" if none matches; NULL in rows of pairs */
	bool inner;		/* inside VXLAN; the outer packets count, too */
	size_t direction_count; /* 1 in rows of classes: both directions together */
	struct netsim_flow_direction directions[2]; /* from ends[0], from ends[1] */
	uint64_t connections;
	uint64_t unanswered, refused; /* TCP connections: no answer, answered by a reset */
	struct netsim_rtt handshake;
	struct netsim_flow_bin *bins; /* bin_count; NULL for connections, and from row 64 on */
	/* Connections only. */
	uint8_t version, protocol; /* version 0: not IP, and ports[0] is the EtherType */
	uint16_t ports[2], vlan;
	int64_t first_ns, last_ns; /* since 1970 */
	bool closed;
};

/* A silence of one direction of a connection that is longer than its class tolerates. */
struct netsim_flow_gap {
	const char *from, *to, *class_name;
	uint16_t from_port, to_port;
	bool inner;
	bool whole;			    /* no other connection of the class sent either */
	int64_t begin_ns, end_ns, limit_ns; /* limit: what the class tolerates */
};

struct netsim_capture_problem {
	const char *file;
	uint64_t offset;
	const char *what;
};

/* Packets from one node to another, matched between the sender's ports and the receiver's. */
struct netsim_one_way {
	const char *from, *to, *class_name; /* the nodes are NULL beyond the limit of pairs */
	uint64_t sent, delivered, lost;
	uint64_t in_flight; /* not delivered, but sent too close to the end to count as lost */
	uint64_t duplicated, reordered;
	struct netsim_rtt delay;
	double jitter_ns;		 /* the standard deviation of the delay */
	struct netsim_one_way_bin *bins; /* one_way_bin_count; NULL from row 64 on */
};

struct netsim_flow_rows {
	struct netsim_flow_row **list;
	size_t count;
};

struct netsim_analysis {
	uint64_t packets, bytes; /* on the wire, without packets inside VXLAN */
	uint64_t inner;		 /* packets inside VXLAN */
	uint64_t captured;	 /* packets, each as often as it was captured */
	uint64_t connections;
	uint64_t folded;    /* connections without a row: memory is bounded */
	uint64_t unordered; /* packets with an earlier time than the one before */
	int64_t first_ns, last_ns;
	/* Rows, sorted by bytes, most first: by class, by pair, by both, and of connections. */
	struct netsim_flow_rows classes, pairs, flows, connection_rows;
	int64_t bin_ns; /* bin 0 begins at first_ns */
	size_t bin_count;
	struct netsim_flow_gap **gaps; /* the first ones, in order of their end */
	size_t gap_count;
	uint64_t gaps_more; /* that are not listed */
	/* If packets were captured at several ports; sorted by packets sent. */
	struct netsim_one_way **one_way;
	size_t one_way_count;
	/* Packets sent to, and delivered from, places that are not captured. */
	uint64_t unobserved, unmatched;
	int64_t one_way_first_ns, one_way_bin_ns;
	size_t one_way_bin_count;
	/*
	 * Places where a file cannot be read any further (the packets before count), has packets
	 * of a link type that is not supported, or records that the capture dropped packets.
	 */
	struct netsim_capture_problem **problems;
	size_t problem_count;
};

struct netsim_analyze_opts {
	size_t size;
	const char *const *files; /* merged by time; "-": standard input */
	size_t file_count;
	const char *class_file; /* NULL: the default one */
	const char *topology;	/* addresses appear as the names of its nodes; NULL: none */
	/* Only packets between these times, since 1970 or since the first packet. */
	int64_t from_ns, to_ns; /* to 0: to the end */
	bool from_first, to_first;
	size_t connections;	      /* rows of connections, 0: all */
	size_t max_connections;	      /* followed at once, 0: a million; others are evicted */
	netsim_progress_fn *progress; /* may be NULL */
	void *arg;
};

/*
 * Reads captures and follows their connections. Damaged files are not an error: see problems.
 * A wrong class file or topology gives -EINVAL with diags; other failures fill err. Free
 * with netsim_analysis_free(). Needs no handle.
 */
NETSIM_API int netsim_analyze(const struct netsim_analyze_opts *opts, struct netsim_analysis **ret,
			      struct netsim_diags *diags, struct netsim_err *err);
NETSIM_API void netsim_analysis_free(struct netsim_analysis *analysis);

/* A packet at a port, valid during the call of the function `packet`. */
struct netsim_captured {
	int64_t time_ns;	/* since 1970 */
	const char *from, *to;	/* names of nodes, addresses, or "?" */
	const char *class_name; /* "other" if none matches */
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
	const char *file; /* for all ports, pcapng; for one port also .pcap; "-": stdout */
	const char *dir;  /* directory with a separate file for each port */
	/* Called for each packet if neither is given. */
	void (*packet)(void *arg, const struct netsim_captured *packet);
	const char *filter; /* pcap-filter(7), or NULL */
	const char *const *
		classes; /* only packets of these classes, whether inside VXLAN or not; none: all */
	size_t class_count;
	const char *class_file;		/* NULL: the default one */
	bool only_sent, only_delivered; /* by and to the ports' nodes; neither: both */
	uint32_t snap_bytes;		/* of each packet, at least 64; 0: all */
	uint32_t buffer_bytes;		/* of each port, at least 1 MiB; 0: the default */
	/* Begins a new file at this size or after this time; keeps the last keep_files. */
	uint64_t rotate_bytes;
	int64_t rotate_ns;
	unsigned keep_files;
	int64_t for_ns; /* 0: until it is stopped */
	uint64_t count; /* packets, 0: any number */
	bool dry_run;	/* only return the ports and classes */
	/* Called about ten times a second, and after every signal. */
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
	uint64_t packets, bytes; /* bytes: on the wire */
	uint64_t received;	 /* at the sockets, before the selection by class */
	uint64_t dropped;	 /* of them, for lack of buffer space */
	int64_t elapsed_ns;
	uint64_t files; /* begun */
	struct netsim_capture_port **ports;
	size_t port_count;
	struct netsim_capture_class **classes; /* those that had packets */
	size_t class_count;
	int64_t begin_ns;		     /* since 1970 */
	struct netsim_port_change **changes; /* the first 10000 changes of ports */
	size_t change_count;
};

/*
 * Captures packets at ports. Drops and ports that disappear are not errors: see the result.
 * Failing to write a file is; the file then holds whole packets. A wrong class file gives
 * -EINVAL with diags. Free with netsim_capture_free().
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
	struct netsim_traffic *counted; /* by the programs at the ports in this time, or NULL */
	const char *uncounted;		/* the reason why they did not count, or NULL */
	uint64_t missed;		/* packets lost for lack of buffer space */
	size_t gone_count;		/* ports that are missing at the end */
	struct netsim_fault **faults;	/* that were in force in this time */
	size_t fault_count;
	struct netsim_port_change **changes; /* the first 10000 changes of ports */
	size_t change_count;
	/* This machine is a node, so that it sees one end only: no one-way delay and loss. */
	bool one_end;
};

struct netsim_measure_opts {
	size_t size;
	const char *fleet;	      /* NULL: the only one */
	const char *const *nodes;     /* only their rows: names, patterns, @roles, host */
	size_t node_count;	      /* 0: all rows */
	const char *class_file;	      /* NULL: the default one */
	int64_t duration_ns;	      /* 0: until it is stopped, or no port is left */
	size_t connections;	      /* rows of connections, 0: all */
	netsim_progress_fn *progress; /* may be NULL with a duration */
	void *arg;
};

/* Analyzes the packets of all ports live; diags as above. Free with netsim_measurement_free(). */
NETSIM_API int netsim_measure(struct netsim *ctx, const struct netsim_measure_opts *opts,
			      struct netsim_measurement **ret, struct netsim_diags *diags,
			      struct netsim_err *err);
NETSIM_API void netsim_measurement_free(struct netsim_measurement *measurement);

#ifdef __cplusplus
}
#endif

#endif
