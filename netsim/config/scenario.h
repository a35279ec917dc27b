/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenarios: a fleet, the workloads on it, probes, and a timeline of phases with
 * expectations. scenario_load() reads the file with all files that it names, and makes every
 * check that does not need the kernel. timeline.h makes the plan of a run.
 */
#ifndef NETSIM_SCENARIO_H
#define NETSIM_SCENARIO_H

#include <stdio.h>

#include "netsim/config/classes.h"
#include "netsim/config/expectation.h"
#include "netsim/config/need.h"
#include "netsim/config/profile.h"
#include "netsim/config/program.h"
#include "netsim/config/recipe.h"
#include "netsim/config/topo.h"
#include "netsim/words/step.h"

#define SCENARIO_NAME_MAX   63
#define SCENARIO_REPEAT_MAX 10000

/* The nodes that a key names, in the order of the topology. */
struct node_set {
	struct texts words; /* as the file has them: names, patterns, @role, host */
	size_t *list;	    /* indices into the nodes of the topology */
	size_t count;
	bool host; /* this machine, instead of nodes */
};

enum workload_kind {
	WORKLOAD_RECIPE, /* a system; each node is a member */
	WORKLOAD_RUN,	 /* a command on each node */
	WORKLOAD_LEDGER, /* a client of a store, which records each operation: etcd-ledger */
	WORKLOAD_BLOCKS, /* the same for a block device: block-ledger */
};

struct workload {
	const char *name;
	struct netsim_loc at;
	enum workload_kind kind;
	bool wrong;		/* has mistakes: others that follow from them are not reported */
	struct text use;	/* WORKLOAD_RECIPE */
	struct recipe *recipe;	/* WORKLOAD_RECIPE */
	struct program program; /* a recipe's with the workload's env and within */
	struct node_set nodes;	/* a member on each; of WORKLOAD_BLOCKS, one node */
	struct text interface;	/* whose address {address} is; not given: the first that has one */
	/* Of ledgers: */
	struct text of;		      /* the name of the store, if given */
	const struct workload *store; /* NULL: file */
	struct text file;	      /* WORKLOAD_BLOCKS: a file or device, instead of a store */
	double rate;		      /* operations, or writes of blocks, per second */
	struct duration timeout;      /* of an operation */
};

enum probe_kind { PROBE_HTTP, PROBE_TCP, PROBE_PING, PROBE_RUN };

struct probe {
	const char *name;
	struct netsim_loc at;
	enum probe_kind kind;
	struct text target;    /* http, tcp, ping: a template */
	struct texts run;      /* run: templates */
	struct node_set from;  /* one node, or the host */
	struct node_set nodes; /* the targets; none: one target, without {node} and {address} */
	struct duration every, timeout;
	uint16_t status;  /* http */
	struct text body; /* http: a text that the answer contains; may be missing */
	struct text tls;  /* http: the workload whose recipe has the client's files, if given */
	const struct recipe *client; /* that recipe, or NULL */
	uint32_t need;		     /* enum probe_need */
	bool of_pair;		     /* not in the file: pings for `rtt A:B`, and is called "A:B" */
};

struct scenario_command {
	const char *text;
	struct netsim_loc at;
	struct step step;
	const char *path;    /* of the profile that apply names, or the matrix of a partition */
	bool phase_deadline; /* a fault without --for, which lasts for the phase's duration */
};

struct scenario_expectation {
	struct expectation e;
	struct netsim_loc at;
	/*
	 * The subject, a probe or a workload. Both are NULL for a pair, whose nodes are e.from and
	 * e.to, except that an rtt has the pair's probe.
	 */
	const struct probe *probe;
	const struct workload *workload;
};

/*
 * A phase. If it has a duration, its faults without --for end with the phase. After each
 * repetition of a repeated phase, all faults are healed, and a pause follows.
 */
struct phase {
	const char *name;
	struct netsim_loc at;
	struct scenario_command **commands;
	size_t command_count;
	struct duration lasts; /* 0: as long as its commands take */
	unsigned repeat;       /* 1, unless given */
	bool repeated;	       /* "repeat" was given */
	struct duration pause_min, pause_max;
	struct scenario_expectation **expect;
	size_t expect_count;
};

/* What a run replaces in the file. */
struct scenario_instead {
	const char *profile; /* the file of a profile, or SCENARIO_NO_PROFILE; NULL: its own */
	const char *key;     /* a condition, or "for", that gets another value; NULL: none */
	const char *value;
};

struct scenario {
	char *file;
	char *folder; /* of the file, for {folder}: "." if its name has none */
	struct text name;
	struct text why; /* may be missing */
	struct netsim_loc at;
	struct text fleet, profile_name; /* as the file has them, unless it has a mapping there */
	const char *fleet_path;		 /* of the topology; NULL: it is in the scenario */
	const char
		*profile_path; /* of the profile; NULL: it is in the scenario, or there is none */
	struct scenario_instead instead; /* of scenario_load() */
	char *varied;			 /* what instead.key was replaced in; or NULL */
	struct doc_node *profile_doc;	 /* of the profile, if that is varied and has a file */
	struct topo *topo;
	bool any_node;		 /* the fleet has mistakes: every name may be that of a node */
	struct profile *profile; /* NULL: none */
	uint64_t seed;
	struct workload **workloads;
	size_t workload_count;
	struct probe **probes;
	size_t probe_count;
	struct phase **phases;
	size_t phase_count;
	struct scenario_expectation **aborts; /* a run ends when one of them is true */
	size_t abort_count;
	struct class_set *classes; /* NULL: no class is named */
	bool classes_wrong;	   /* they could not be read when one was named */
	struct doc_node *doc;	   /* holds the texts */
};

#define SCENARIO_NO_PROFILE "none"

/*
 * Reads a scenario, and replaces what instead (NULL: nothing) has. The value of a key is replaced
 * in all commands that have it; if none has it, it is set in the default of the profile. That of
 * "for" is replaced in all phases that have commands. The caller frees *ret
 * with scenario_free(); locations point to scenario->file. Returns -EINVAL with all mistakes
 * in diags on failure. On success diags may hold warnings.
 */
int scenario_load(const char *path, const struct scenario_instead *instead, struct scenario **ret,
		  struct netsim_diags *diags);
void scenario_free(struct scenario *scenario);

/* The same from memory; file is the name used in messages and to find other files. */
int scenario_parse(const char *file, const char *data, size_t len, struct scenario **ret,
		   struct netsim_diags *diags);

/* Prints the scenario as YAML that loads to the same scenario. */
int scenario_print(const struct scenario *scenario, FILE *out);

/*
 * The address of a node that {address} stands for: the first one of its first interface that
 * has any. NULL: it has none.
 */
const struct ip *scenario_address(const struct node *node);
/* The same for a member of a workload: of the interface that it names. */
const struct ip *workload_address(const struct workload *w, const struct node *node);

/* Whether it is a client of netsim itself, and runs no program. */
bool workload_is_ledger(const struct workload *w);

#endif
