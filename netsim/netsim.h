/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnetsim: builds a fleet's network on one Linux host, shapes it, cuts it apart,
 * measures it and heals it. Programs include only this header, which includes the others.
 * libnetsim(3) describes its conventions; each group of calls has a page of its own.
 *
 *   Results    Calls return 0 or a negative errno. On failure they describe the error in
 *              *err, or in *diags if a file is wrong (both may be NULL), and leave other
 *              outputs untouched.
 *   Options    A *_opts struct begins with its size, so that it can grow: start from
 *              NETSIM_OPTS(), or zero it and set size. NULL means the defaults.
 *   Ownership  The function named after a result frees it and everything that it points to;
 *              NULL may be freed. Structs in results may grow at their end, which is why
 *              lists hold pointers to them.
 *   Threads    A handle may be used by one thread at a time; several threads may use a
 *              handle each. Calls that work inside nodes move the calling thread into their
 *              network namespaces, and back.
 *   Signals    The library installs no handlers and starts no threads that outlive a call.
 *   Limits     netsim_open() raises the soft RLIMIT_NOFILE to the hard one: a large fleet
 *              needs a socket and a namespace for each node.
 *   Output     The library prints nothing. It ends the process in one case only: if a
 *              thread cannot return from a node's namespace.
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

/* A place in a file, counted from 1; file NULL: none. */
struct netsim_loc {
	const char *file;
	unsigned line, column;
};

/* The category of an error, which determines the command's exit status. */
enum netsim_err_kind {
	NETSIM_ERR_NONE,
	NETSIM_ERR_FAILED,   /* 1: a verdict or measurement failed */
	NETSIM_ERR_USAGE,    /* 2: wrong arguments */
	NETSIM_ERR_INPUT,    /* 3: a mistake in a file */
	NETSIM_ERR_KERNEL,   /* 4: the kernel refused, or a foreign object is in the way */
	NETSIM_ERR_ENV,	     /* 5: privilege, memory, module or program missing */
	NETSIM_ERR_BUG,	     /* 70: a bug in the library */
	NETSIM_ERR_UNPROVED, /* 6: nothing failed, but a condition could not be measured */
};

/*
 * An error, in storage of the caller; nothing in it needs freeing. Strings that are too
 * long are truncated. Zero it before the call.
 */
struct netsim_err {
	enum netsim_err_kind kind;
	bool warning;	       /* in diagnostics only: does not invalidate the file */
	int code;	       /* the negative errno that was returned */
	struct netsim_loc loc; /* loc.file points into file[] below, or is NULL */
	char file[256];
	char what[320];	  /* "n100-1 eth1: cannot add the link" */
	char kernel[160]; /* the kernel's message, or "" */
	char hint[256];	  /* how to fix it, or "" */
	char reserved[64];
};

#define NETSIM_DIAGS_MAX 20

/* The mistakes of a file, in the order of the file. */
struct netsim_diags {
	struct netsim_err list[NETSIM_DIAGS_MAX];
	size_t count;	 /* of list[] */
	size_t more;	 /* further mistakes that did not fit */
	size_t warnings; /* number of warnings in list[] */
};

/* A handle: a netlink socket in this network namespace, the host of all its fleets. */
struct netsim;
NETSIM_API int netsim_open(struct netsim **ret, struct netsim_err *err);
NETSIM_API void netsim_close(struct netsim *ctx);

/* A change of a port during a capture or measurement. */
enum netsim_port_event {
	NETSIM_PORT_DOWN, /* down, or without carrier; also if already so when the call began */
	NETSIM_PORT_UP,	  /* again */
	NETSIM_PORT_GONE, /* removed */
	NETSIM_PORT_NEW,  /* removed, and created again under its name */
};

struct netsim_port_change {
	const char *port; /* "n100-1/eth1" */
	enum netsim_port_event event;
	int64_t at_ns; /* since 1970; noticed up to 100 ms late */
};

/*
 * The progress of a call, reported at most ten times a second. The struct may grow at its
 * end; members that a call does not use are zero.
 */
struct netsim_progress {
	const char *what; /* the current step: "measuring rates"; or NULL */
	double done;	  /* 0 to 1, or below 0 if the end is not known */
	int64_t elapsed_ns;
	uint64_t packets, bytes; /* captured or read so far */
	const char *gone;	 /* a port that has just disappeared, or NULL */
	/* A change of a port that has just occurred, or NULL. */
	const struct netsim_port_change *change;
};
/*
 * Returns true to stop: captures, measurements, verify and ping-matrix then succeed with the
 * packets or results so far, other calls fail with -ECANCELED.
 */
typedef bool netsim_progress_fn(void *arg, const struct netsim_progress *progress);

/* Whether a measurement agrees with the request. */
enum netsim_verdict {
	NETSIM_AS_ASKED,
	NETSIM_NOT_AS_ASKED,
	NETSIM_UNPROVED, /* requested, but not measured, or hidden by this machine's noise */
	NETSIM_LEFT_OUT, /* not measured because of the option `quick` */
};

/* --- building and removing: libnetsim-fleet(3) */

enum netsim_step_kind { NETSIM_STEP_ADD, NETSIM_STEP_CHANGE, NETSIM_STEP_REMOVE };

/* The reason for a step: the topology, the profile in force, or a fault in force. */
enum netsim_step_cause { NETSIM_STEP_TOPOLOGY, NETSIM_STEP_PROFILE, NETSIM_STEP_FAULT };

/* One change of the kernel's objects. */
struct netsim_step {
	enum netsim_step_kind kind;
	const char *text; /* "bridge lan (mtu 1500)"; "a/eth1: its netem is missing" */
	enum netsim_step_cause cause;
	uint32_t fault; /* its number, 0: none */
};

/* A fault that the record of a fleet contains, but that is not, or not wholly, in force. */
struct netsim_problem {
	uint32_t fault;
	const char *text; /* "link c/eth1 down: c/eth1 has no port" */
};

/* A port of an attached node that does not exist, or is not shaped yet. */
struct netsim_missing {
	const char *name; /* "n100-1/eth1" */
	const char *why;  /* "virbr0 has no tap vnet* with the guest 52:54:00:12:34:01" */
};

/* The tap of an interface of a virtual machine, which you start. */
struct netsim_tap {
	const char *name;   /* "n100-1/eth1" */
	const char *device; /* "tap-n100-1" */
	const char *mac;    /* of the guest, or NULL: not given */
	bool multi_queue;   /* must be opened with IFF_MULTI_QUEUE, else without it */
	bool vnet_hdr;	    /* made with IFF_VNET_HDR; a program may open it either way */
};

/* A bridge of Open vSwitch with attached nodes. */
struct netsim_ovs {
	const char *bridge;
	bool userspace; /* its datapath, else the kernel's */
};

struct netsim_up {
	const char *fleet;
	size_t node_count, network_count;
	size_t step_count;		  /* 0: the kernel matched the file already */
	struct netsim_step **steps;	  /* with dry_run, else NULL */
	size_t shaped_count;		  /* new ports that got the fleet's profile */
	struct netsim_problem **problems; /* faults that could not be restored */
	size_t problem_count;
	const char *warning; /* why packets may be dropped although the fleet is up, or NULL */
	struct netsim_missing **missing; /* ports of attached nodes */
	size_t missing_count;
	struct netsim_tap **taps; /* of all nodes of the kind tap */
	size_t tap_count;
	const char *libvirt; /* why libvirt did not list the taps of domains, or NULL */
	struct netsim_ovs **ovs;
	size_t ovs_count;
};

struct netsim_up_opts {
	size_t size;
	bool dry_run; /* only plan */
};

/*
 * Makes the kernel match a topology file; on failure, undoes its changes. A wrong file
 * gives -EINVAL with diags; other failures fill err. Free with netsim_up_free().
 */
NETSIM_API int netsim_up(struct netsim *ctx, const char *path, const struct netsim_up_opts *opts,
			 struct netsim_up **ret, struct netsim_diags *diags,
			 struct netsim_err *err);
NETSIM_API void netsim_up_free(struct netsim_up *up);

struct netsim_diff {
	const char *fleet;
	struct netsim_step **list; /* the steps that netsim_up() would take */
	size_t count;
};

struct netsim_diff_opts {
	size_t size;
};

/*
 * Compares the kernel with a topology file, and with the profile and the faults in force.
 * Changes nothing. A wrong file gives -EINVAL with diags; other failures fill err. Free with
 * netsim_diff_free().
 */
NETSIM_API int netsim_diff(struct netsim *ctx, const char *path,
			   const struct netsim_diff_opts *opts, struct netsim_diff **ret,
			   struct netsim_diags *diags, struct netsim_err *err);
NETSIM_API void netsim_diff_free(struct netsim_diff *diff);

enum netsim_object_kind {
	NETSIM_OBJECT_LINK,
	NETSIM_OBJECT_NODE,
	NETSIM_OBJECT_PROCESS,
	NETSIM_OBJECT_ATTACHED, /* a bridge or tap of another program, which is given back */
	NETSIM_OBJECT_TABLE,	/* the nftables table for the uplink, of the family inet */
};

/*
 * An object that netsim created, or attached: a link of this namespace, a node with its namespace,
 * an nftables table, or a process of a workload. Processes are listed with dry_run only.
 */
struct netsim_object {
	enum netsim_object_kind kind;
	const char *name;  /* of a process: WORKLOAD/NODE */
	const char *netns; /* of a node */
	int pid;	   /* of a process; 0: in another PID namespace */
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
 * Removes a fleet and everything that netsim created for it. Succeeds if no fleet is up and
 * none is named. Free with netsim_down_free().
 */
NETSIM_API int netsim_down(struct netsim *ctx, const struct netsim_down_opts *opts,
			   struct netsim_down **ret, struct netsim_err *err);
NETSIM_API void netsim_down_free(struct netsim_down *down);

/*
 * Moves the calling thread into a node of the netns kind for good, as `ip netns exec` does; for a
 * child process that is about to call execve(2). fleet NULL: the only one. Does nothing for the
 * node that this machine itself is.
 */
NETSIM_API int netsim_enter(struct netsim *ctx, const char *fleet, const char *node,
			    struct netsim_err *err);

/* --- state and counters: libnetsim-status(3) */

/* The implementation of delay and rate; auto chooses by the requested conditions. */
enum netsim_engine { NETSIM_ENGINE_AUTO, NETSIM_ENGINE_NETEM, NETSIM_ENGINE_EDT };

/* One direction of a port. */
struct netsim_direction {
	const char *text;		/* its conditions, "100mbit delay 2.5ms"; "" for none */
	uint64_t packets, bytes, drops; /* passed; passed; packets dropped by the qdisc */
	uint32_t queued;		/* packets */
	bool counted; /* false: netsim has no qdisc there; packets and bytes are unknown */
};

struct netsim_port {
	const char *name;		    /* of the host's end */
	const char *iface;		    /* of the node's end */
	const char *bridge;		    /* that the port belongs to, or "" */
	bool up;			    /* the host's end is up */
	struct netsim_direction *from, *to; /* from the node, and to it */
	uint64_t cut_packets;		    /* to and from it, dropped by partitions */
	uint64_t lost_packets;		    /* from it, dropped by conditions (edt) */
	bool routed; /* on a routed network: in no bridge, the host routes its frames */
	uint64_t oversized_packets; /* of lost_packets, those that were too large to pass */
};

struct netsim_node {
	const char *name;
	bool tap;    /* a virtual machine behind a tap */
	bool inside; /* its namespace exists (always for taps) */
	const char **roles;
	size_t role_count;
	struct netsim_port **ports;
	size_t port_count;
	size_t reaches;	       /* the number of other nodes that it reaches */
	uint64_t cut_packets;  /* to and from it, dropped by partitions */
	uint64_t lost_packets; /* from it, dropped by conditions (edt) */
	/* To it, dropped because they came in by a port that no node has. */
	uint64_t unclaimed_packets;
	bool attached; /* its taps are made by another program */
	bool service;  /* the node of a DHCP server, which the topology does not list */
	bool machine;  /* this machine, which joined the fleet; its ports are its interfaces */
	bool peer;     /* another machine, known by its addresses only */
	uint64_t oversized_packets; /* of lost_packets, those that were too large to pass */
	bool forwards;		    /* a router: it forwards packets between its interfaces */
	/* Limits of its processes: percent of one processor, bytes; 0: none. */
	double cpu_percent;
	uint64_t memory_bytes;
};

/* Conditions between two nodes, or of a class of traffic (edt). */
struct netsim_path {
	const char *from, *to;	/* NULL: between any two */
	const char *class_name; /* NULL: all traffic */
	const char *text;
};

enum netsim_fault_kind { NETSIM_FAULT_PARTITION, NETSIM_FAULT_CONDITIONS, NETSIM_FAULT_LINK };

struct netsim_fault {
	uint32_t id; /* 0: a dry run */
	enum netsim_fault_kind kind;
	const char *name;     /* NULL: none */
	const char *text;     /* "loss 5% on n100-1:n100-2", "partition n100-1 | rest" */
	int64_t left_ns;      /* until its deadline; -1: until healed */
	uint64_t deadline_ns; /* the same, of CLOCK_MONOTONIC; 0: none */
	/* In a measurement only: since 1970; end 0: still in force. */
	int64_t begin_ns, end_ns;
	bool l2;	     /* address resolution (ARP, neighbour discovery) is affected, too */
	const char *problem; /* why it is not wholly in force, or NULL */
	uint32_t replaces;   /* of netsim_fault() only: the fault whose place it took, or 0 */
	/* Of partitions: their groups "a,b". NULL if the kernel has lost it. */
	const char **groups;
	size_t group_count;
	bool reject;		/* of partitions: what is dropped is answered */
	const char *conditions; /* of NETSIM_FAULT_CONDITIONS: "loss 5%"; else NULL */
	bool pairs; /* the groups are pairs: the nodes of the first cannot send to the second's */
};

/* A program that netsim runs in a node for as long as the fleet is up. */
struct netsim_service {
	const char *node;    /* the node of a DHCP server */
	const char *program; /* "dnsmasq" or "udhcpc" */
	const char *iface;   /* of udhcpc: the interface; else NULL */
	bool runs;	     /* false: it has ended, and netsim_up() would start it */
};

struct netsim_fleet {
	const char *name;
	const char *profile;	   /* the last one applied to all of it, or NULL */
	bool profile_changed;	   /* some nodes have been shaped differently since */
	enum netsim_engine engine; /* netem or edt; AUTO: none yet, for lack of conditions */
	const char *engine_why;	   /* why edt: "pairs"; NULL for netem */
	struct netsim_path **paths;
	size_t path_count;
	struct netsim_node **nodes;
	size_t node_count;
	const char **networks;
	size_t network_count;
	struct netsim_fault **faults;
	size_t fault_count;
	uint64_t waiting_packets, waiting_bytes; /* that faults hold, or have just released */
	bool *reach;	      /* [from * node_count + to]; false between two peers */
	const char **differs; /* differences from the record: "a/eth1: its netem is missing" */
	size_t differs_count;
	const char *record; /* why the record of profile and faults cannot be read, or NULL */
	struct netsim_missing **missing; /* ports of attached nodes, which are not shaped */
	size_t missing_count;
	struct netsim_service **services;
	size_t service_count;
	struct netsim_ovs **ovs;
	size_t ovs_count;
	/*
	 * Cables between networks; their ports are both ends. What an end sends into the cable is
	 * `to` of its port. They reach nothing themselves.
	 */
	struct netsim_node **cables;
	size_t cable_count;
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

/*
 * Why the programs dropped a packet: a partition, a link that is down, loss, a full queue. For
 * its size: oversized in struct netsim_flow.
 */
enum netsim_drop {
	NETSIM_DROP_PARTITION,
	NETSIM_DROP_DOWN,
	NETSIM_DROP_LOSS,
	NETSIM_DROP_QUEUE,
	NETSIM_DROPS
};

/* Conditions of faults that the programs count where they act on a packet. */
enum netsim_effect {
	NETSIM_EFFECT_RATE,  /* it waited for earlier packets, or the queue was full */
	NETSIM_EFFECT_DELAY, /* it was postponed, by a delay or a jitter */
	NETSIM_EFFECT_LOSS,
	NETSIM_EFFECT_DUPLICATE,
	NETSIM_EFFECT_CORRUPT,
	NETSIM_EFFECT_LARGER,	    /* it was too large to pass */
	NETSIM_EFFECT_SLOT,	    /* it waited for its slot */
	NETSIM_EFFECT_HOLD,	    /* it was held, and perhaps delivered since */
	NETSIM_EFFECT_QUEUE,	    /* it found a full queue, whose length the fault has set */
	NETSIM_EFFECT_BURST,	    /* it was sent without its time at the rate, in a burst */
	NETSIM_EFFECT_REORDER,	    /* it left before one that had come earlier */
	NETSIM_EFFECT_DISTRIBUTION, /* a jitter drawn from it postponed it */
	NETSIM_EFFECT_PEAK,	    /* in a burst, it waited for the packets before it */
	NETSIM_EFFECTS
};

/* The packets from one node to another, of one class of traffic, since counting began. */
struct netsim_flow {
	const char *from, *to;	/* nodes, or "host"; NULL: the overflow bucket of many pairs */
	const char *class_name; /* "other": no class matches */
	uint64_t packets, bytes;
	uint64_t dropped[NETSIM_DROPS]; /* packets, by reason */
	uint64_t copied, corrupted;	/* of the packets that passed */
	uint64_t oversized; /* packets dropped because a condition lets only smaller ones pass */
	/* Packets on which faults acted, by condition; the profile's conditions do not count. */
	uint64_t affected[NETSIM_EFFECTS];
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
 * Reads the counters of a fleet. Attaches the programs to ports that lack them, where counting
 * begins only then. Free with netsim_traffic_free().
 */
NETSIM_API int netsim_traffic(struct netsim *ctx, const struct netsim_traffic_opts *opts,
			      struct netsim_traffic **ret, struct netsim_err *err);
NETSIM_API void netsim_traffic_free(struct netsim_traffic *traffic);
/* Compares from, to and class, each in the order of strcmp(); NULL comes last. */
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

/* A port or a bare interface, and its new conditions. */
struct netsim_shaped {
	const char *name;      /* "n100-1/eth1", "eth1" */
	const char *up, *down; /* "100mbit delay 2.5ms"; "" for none */
};

struct netsim_apply {
	struct netsim_shaped **list;
	size_t count;
	/* Of the fleet; zero if only bare interfaces were shaped, or nothing is shaped any more. */
	enum netsim_engine engine;
	bool moved; /* the other engine was in use before */
	size_t pair_count,
		class_count; /* of the profile, with conditions, and nodes that they meet */
	struct netsim_missing **missing; /* ports of attached nodes, which are not shaped */
	size_t missing_count;
};

/*
 * Applies a profile to ports. A wrong file gives -EINVAL with diags; other failures fill
 * err. Free with netsim_apply_free().
 */
NETSIM_API int netsim_apply(struct netsim *ctx, const char *profile,
			    const struct netsim_apply_opts *opts, struct netsim_apply **ret,
			    struct netsim_diags *diags, struct netsim_err *err);
/* Removes the shaping; `as` and `engine` are ignored. */
NETSIM_API int netsim_clear(struct netsim *ctx, const struct netsim_apply_opts *opts,
			    struct netsim_apply **ret, struct netsim_err *err);
NETSIM_API void netsim_apply_free(struct netsim_apply *apply);

struct netsim_partition_opts {
	size_t size;
	const char *fleet;
	/*
	 * Groups of nodes as "a,b" (names, patterns, @roles, or the word host). One
	 * group is cut off from all other nodes; several from each other. "a/bond0.100"
	 * cuts only the VLAN of this interface.
	 */
	const char *const *groups;
	size_t group_count;
	bool isolate;	  /* cut each node of the groups (none: of the fleet) off from the others */
	bool one_way;	  /* two groups: the first cannot send to the second */
	const char *name; /* for healing, or NULL */
	int64_t for_ns;	  /* 0: until healed; the kernel enforces the deadline */
	bool dry_run;
	bool l2; /* with one_way, ring and matrix: cut ARP and neighbour discovery, too */
	/* Cut the nodes of the groups (none: of the fleet) in two; this node reaches both. */
	const char *bridge;
	/* The nodes of the groups (none: of the fleet) each hear only from a majority of them. */
	bool ring;
	const char *class_name; /* cut only this class of traffic, or family of classes; or NULL */
	bool reject; /* answer what is dropped: TCP resets, else ICMP administratively prohibited */
	/* The path of a file that says who cannot send to whom, instead of groups; or NULL. */
	const char *matrix;
	/* Gets all mistakes of this file, err then none; NULL: err has the first. */
	struct netsim_diags *diags;
};

/* Cuts groups off. The result has id 0 with dry_run; free with netsim_fault_free(). */
NETSIM_API int netsim_partition(struct netsim *ctx, const struct netsim_partition_opts *opts,
				struct netsim_fault **ret, struct netsim_err *err);

struct netsim_fault_opts {
	size_t size;
	const char *fleet;
	const char *conditions;	    /* "loss 5% delay 80ms" */
	const char *const *targets; /* nodes, node/iface, or pairs "a:b" */
	size_t target_count;	    /* with class_name, 0: all nodes */
	const char *class_name;	    /* only traffic of this class, or NULL */
	const char *name;	    /* for healing, or NULL */
	int64_t for_ns;		    /* 0: until healed; the kernel enforces the deadline */
	bool dry_run;
	bool l2; /* paths: affect ARP and neighbour discovery, too */
};

/* Sets conditions on top of the profile's. The result is like that of netsim_partition(). */
NETSIM_API int netsim_fault(struct netsim *ctx, const struct netsim_fault_opts *opts,
			    struct netsim_fault **ret, struct netsim_err *err);
NETSIM_API void netsim_fault_free(struct netsim_fault *fault);

/* The requested state of cables. */
enum netsim_link_state { NETSIM_LINK_DOWN, NETSIM_LINK_UP, NETSIM_LINK_FLAP };

struct netsim_link_opts {
	size_t size;
	const char *fleet;
	enum netsim_link_state state;
	const char *const *targets; /* nodes, node/iface; a VLAN's interface, too */
	size_t target_count;
	int64_t period_ns, up_ns; /* flap: the period, and the time in it that the link is up */
	const char *name;	  /* for healing, or NULL; with one target only */
	int64_t for_ns;		  /* 0: until brought up; the kernel enforces the deadline */
	bool dry_run;
};

enum netsim_link_change_kind {
	NETSIM_LINK_CARRIER, /* a cable got or lost its carrier */
	NETSIM_LINK_FAULT,   /* a fault that the programs enforce was added */
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
 * Takes cables down or up. Without a deadline and a name, a cable that is taken down loses
 * its carrier until it is brought up again. Otherwise, for a VLAN, and if it flaps, the
 * programs enforce a fault: nothing passes, but the carrier stays. Free with
 * netsim_link_free().
 */
NETSIM_API int netsim_link(struct netsim *ctx, const struct netsim_link_opts *opts,
			   struct netsim_link **ret, struct netsim_err *err);
NETSIM_API void netsim_link_free(struct netsim_link *link);

struct netsim_select_opts {
	size_t size;
	const char *fleet;
	/*
	 * The clusters that selectors name, each as "etcd=@server" (nodes that run the recipe
	 * etcd), "db=a,b,c:RECIPE" or "db=a,b,c:URL" (the URL of etcd's gateway, with {address}).
	 */
	const char *const *clusters;
	size_t cluster_count;
	bool targets; /* words are targets: each becomes one per node that it selects */
};

/* A selector, pattern, @role or address, and its nodes: "leader(etcd)", "s2". */
struct netsim_selected {
	const char *selector, *nodes;
	int64_t at_ns; /* when they were its nodes, since 1970 */
};

struct netsim_select {
	const char **words; /* without selectors */
	size_t word_count;
	struct netsim_selected **list;
	size_t count;
};

/*
 * Resolves selectors such as leader(etcd), in groups or targets, to the nodes that they select now,
 * for netsim_partition(), netsim_fault() and netsim_link(). Patterns, @roles and addresses remain
 * in the words, and are only listed. -ENOENT with err (kind FAILED) if the
 * leader cannot be found. Free with netsim_select_free().
 */
NETSIM_API int netsim_select(struct netsim *ctx, const char *const *words, size_t count,
			     const struct netsim_select_opts *opts, struct netsim_select **ret,
			     struct netsim_err *err);
NETSIM_API void netsim_select_free(struct netsim_select *select);

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
	/* Of all faults: cables without a carrier, which only netsim_link() brings up again. */
	struct netsim_link_change **down;
	size_t down_count;
};

/* Ends faults at one instant; if one is unknown, none ends. Free with netsim_heal_free(). */
NETSIM_API int netsim_heal(struct netsim *ctx, const struct netsim_heal_opts *opts,
			   struct netsim_heal **ret, struct netsim_err *err);
NETSIM_API void netsim_heal_free(struct netsim_heal *heal);

/* The version of the library that runs, "0.1.0"; NETSIM_VERSION_* are those of the header. */
NETSIM_API const char *netsim_version(void);

#ifdef __cplusplus
}
#endif

#include <netsim/netsim_files.h>
#include <netsim/netsim_measure.h>
#include <netsim/netsim_capture.h>
#include <netsim/netsim_words.h>
#include <netsim/netsim_run.h>
#include <netsim/netsim_watch.h>
#include <netsim/netsim_events.h>
#include <netsim/netsim_machine.h>
#include <netsim/netsim_doctor.h>

#endif
