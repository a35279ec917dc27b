/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnetsim: build a fleet's network on one Linux host, shape it, cut it apart
 * and heal it. This is the one public header.
 */
#ifndef NETSIM_NETSIM_H
#define NETSIM_NETSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

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
};

#define NETSIM_DIAGS_MAX 20

/* The mistakes of a file, in the order of the file. */
struct netsim_diags {
	struct netsim_err list[NETSIM_DIAGS_MAX];
	size_t count;	 /* of list[] */
	size_t more;	 /* further mistakes that did not fit */
	size_t warnings; /* how many in list[] are only warnings */
};

/*
 * Everything below returns 0 or a negative errno with *err filled (see above),
 * and sets what it returns through pointers on success only. Texts and arrays in
 * results belong to the result, which is freed by the function named with it; a
 * result that was zeroed may always be freed. The library prints nothing.
 * Not for use by several threads at once.
 */

/* A handle: sockets into this network namespace, which is where everything happens. */
struct netsim;
int netsim_open(struct netsim **ret, struct netsim_err *err);
void netsim_close(struct netsim *ns);

/* Lines for people. */
struct netsim_lines {
	char **list;
	size_t count;
};
void netsim_lines_free(struct netsim_lines *lines);

/*
 * Finds a topology or profile by path, or by name in ./FOLDER, /etc/netsim/FOLDER
 * and the installed one; folder is "topo" or "profiles". path must hold 4096 bytes.
 */
int netsim_find(const char *folder, const char *name, char *path, struct netsim_err *err);

/*
 * Checks a topology or profile. Mistakes and warnings go to diags; -EINVAL if
 * there are mistakes. With print, what was understood is written to it as YAML.
 */
int netsim_check(const char *path, FILE *print, struct netsim_diags *diags);

/* The nearest of count names to a mistyped one, or NULL where none is near. */
const char *netsim_nearest(const char *text, const char *const *names, size_t count);

/* "30s", "250ms": nanoseconds. -EINVAL or -ERANGE with *why saying what would be right. */
int netsim_parse_duration(const char *text, int64_t *ret_ns, const char **why);

/* What netsim_up() did. */
struct netsim_up {
	char fleet[64];
	size_t nodes, networks;
	size_t steps;  /* 0: the kernel was as the file says already */
	size_t shaped; /* new ports that got the fleet's profile */
};

/*
 * Makes the kernel match a topology file, and undoes what it did if that fails.
 * With a wrong file returns -EINVAL with diags; err is filled otherwise.
 */
int netsim_up(struct netsim *ns, const char *path, struct netsim_up *ret,
	      struct netsim_diags *diags, struct netsim_err *err);
/* The steps that netsim_up() would take, a line each. */
int netsim_plan(struct netsim *ns, const char *path, struct netsim_lines *ret,
		struct netsim_diags *diags, struct netsim_err *err);

/*
 * Removes a fleet (NULL: the only one) with all that netsim made for it. With dry,
 * only lists it. name (64 bytes) receives the fleet's name, "" where there is none.
 */
int netsim_down(struct netsim *ns, const char *fleet, bool dry, char *name,
		struct netsim_lines *ret, struct netsim_err *err);

/* The conditions of one direction of a port, as the kernel holds them. */
struct netsim_direction {
	char text[160];			/* "100mbit 2.5ms loss 1%", "" for none */
	uint64_t packets, bytes, drops; /* that passed or were dropped there */
	uint32_t queued;
};

struct netsim_port {
	char *name;			  /* of the host's end */
	char *iface;			  /* of the node's end */
	char *bridge;			  /* the bridge it is plugged into, or "" */
	bool up;			  /* the host's end is up */
	struct netsim_direction from, to; /* the node */
};

struct netsim_node {
	char *name;
	bool tap;
	bool inside; /* its namespace is there (always for taps) */
	char **roles;
	size_t role_count;
	struct netsim_port *ports;
	size_t port_count;
	size_t reaches;	      /* how many of the other nodes */
	uint64_t cut_packets; /* dropped by partitions, to and from this node */
};

struct netsim_fault {
	uint32_t id;
	char *text;	 /* "partition n100-1 | rest" */
	int64_t left_ns; /* -1: until healed */
};

struct netsim_fleet {
	char *name;
	char *profile;	      /* that was applied to all of it last, or NULL */
	bool profile_changed; /* some of its nodes were shaped otherwise since */
	struct netsim_node *nodes;
	size_t node_count;
	char **networks;
	size_t network_count;
	struct netsim_fault *faults;
	size_t fault_count;
	bool *reach; /* [from * node_count + to] */
};

struct netsim_bare {
	char *device;
	struct netsim_direction out, in;
};

struct netsim_status {
	struct netsim_fleet *fleets;
	size_t fleet_count;
	struct netsim_bare *bare; /* interfaces shaped without a fleet */
	size_t bare_count;
};

/* What there is: one fleet, or all with fleet NULL. Free with netsim_status_free(). */
int netsim_status(struct netsim *ns, const char *fleet, struct netsim_status *ret,
		  struct netsim_err *err);
void netsim_status_free(struct netsim_status *status);

/* What to shape. */
struct netsim_shaping {
	const char *fleet;	    /* NULL: the only one */
	const char *const *targets; /* nodes, patterns, node/iface, or interfaces */
	size_t target_count;	    /* 0: the whole fleet */
	const char *as; /* the profile's entry for a bare interface; NULL: the host's name */
	bool dry;
};

/* One line for each port or interface that was shaped: its name, up and down, with tabs between. */
int netsim_apply(struct netsim *ns, const char *profile, const struct netsim_shaping *what,
		 struct netsim_lines *ret, struct netsim_diags *diags, struct netsim_err *err);
int netsim_clear(struct netsim *ns, const struct netsim_shaping *what, struct netsim_lines *ret,
		 struct netsim_err *err);

/* Who is to be cut off from whom. */
struct netsim_cut {
	const char *fleet;
	/*
	 * Groups of nodes as "a,b" (names, patterns, @roles, or the word host). One
	 * group is cut off from all other nodes; several from each other.
	 */
	const char *const *groups;
	size_t group_count;
	bool isolate;	/* every node of the groups (none: of the fleet) alone */
	bool one_way;	/* two groups: the first cannot send to the second */
	int64_t for_ns; /* 0: until healed; the kernel keeps the time */
	bool dry;
};

/* *ret_fault numbers the fault, text (256 bytes) describes it. */
int netsim_partition(struct netsim *ns, const struct netsim_cut *cut, uint32_t *ret_fault,
		     char *text, struct netsim_err *err);
/* Ends these faults (none: all); a line for each that ended. */
int netsim_heal(struct netsim *ns, const char *fleet, const uint32_t *faults, size_t count,
		bool dry, struct netsim_lines *ret, struct netsim_err *err);

/*
 * Moves this process into a node of the netns kind, as ip-netns(8) exec does; for
 * a process that is about to execute something.
 */
int netsim_enter(struct netsim *ns, const char *fleet, const char *node, struct netsim_err *err);

/* What this machine can do. */
struct netsim_finding {
	const char *what; /* "netem" */
	const char *use;  /* "delay, loss and rate of profiles" */
	bool ok;
	bool optional;	  /* few need it: does not count as missing */
	char detail[160]; /* the kernel's words, a version, or "" */
	const char *hint; /* how to mend it */
};
#define NETSIM_FINDINGS_MAX 32
struct netsim_findings {
	struct netsim_finding list[NETSIM_FINDINGS_MAX];
	size_t count;
	size_t missing;
	char kernel[96];
};
/* Tries everything in a network namespace of its own, which it leaves and removes. */
int netsim_doctor(struct netsim_findings *ret, struct netsim_err *err);

const char *netsim_version(void);

#endif
