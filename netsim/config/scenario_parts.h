/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to the scenario code: scenario.c (the file), scenario_start.c (workloads),
 * scenario_probe.c (probes), scenario_phase.c (the timeline), scenario_step.c (commands),
 * scenario_expect.c (sentences), scenario_nodes.c (names: nodes, workloads, probes, classes),
 * scenario_print.c. bind.context is the scenario, which is the root of its arena.
 */
#ifndef NETSIM_SCENARIO_PARTS_H
#define NETSIM_SCENARIO_PARTS_H

#include "netsim/config/bind.h"
#include "netsim/config/classes.h"
#include "netsim/config/scenario.h"

/* The words of `use:` that are no recipes. */
#define SCENARIO_LEDGER "etcd-ledger"
#define SCENARIO_BLOCKS "block-ledger"

/* A text of the file, or a part of it, that a message is about. */
struct place {
	const struct doc_node *node;
	size_t offset;
};

extern const char *const scenario_needs[];  /* enum probe_need */
extern const char *const scenario_probes[]; /* enum probe_kind */

/* Return false after reporting a mistake. Call start, probes and timeline in this order. */
bool scenario_read_start(struct bind *b, struct scenario *s, const struct doc_node *map);
bool scenario_read_probes(struct bind *b, struct scenario *s, const struct doc_node *map);
bool scenario_read_timeline(struct bind *b, struct scenario *s, const struct doc_node *list);
bool scenario_read_abort(struct bind *b, struct scenario *s, const struct doc_node *node);

/* Checks the name of a workload or probe: its form, and that it is not taken. */
bool scenario_check_name(struct bind *b, const struct scenario *s, const char *what,
			 const struct doc_entry *entry);

/*
 * One name, pattern, @role or host, or a list of them. field->max 1: at most one node;
 * field->nonzero: no virtual machines.
 */
bind_fn scenario_bind_nodes; /* struct node_set */
/* Marks the nodes that a word names; false after reporting that there are none. */
bool scenario_mark_nodes(struct bind *b, const struct scenario *s, const char *word,
			 const struct place *at, bool *marks);
/* Checks a word that names nodes, the host (if allowed) or, by a selector, members. */
bool scenario_check_word(struct bind *b, const struct scenario *s, const char *word,
			 const struct place *at, bool host);

/*
 * Warns of names in a profile that resemble those of nodes and roles, as netsim apply does. False
 * if there is no memory.
 */
bool scenario_warn_names(struct bind *b, const struct scenario *s, const struct profile *profile);

bool scenario_refuse(struct bind *b, const struct place *at, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Checks that a class exists in the class file of the profile, or in the default one. */
bool scenario_check_class(struct bind *b, const char *name, const struct place *at);

/* Returns whether a workload's leader can be learnt; true for a workload with mistakes. */
bool scenario_has_members(const struct workload *w);
/* Find a workload or a probe by its name; NULL if there is none. */
struct workload *scenario_workload(const struct scenario *s, const char *name);
struct probe *scenario_probe(const struct scenario *s, const char *name);
/* Finds a workload, or reports that there is none. */
struct workload *scenario_need_workload(struct bind *b, const struct scenario *s, const char *name,
					const struct place *at);

/*
 * The probe that pings for `rtt A:B`, made for the first such sentence; NULL after reporting why
 * there can be none. ends: NULL for the host; at: where the sentence names them.
 */
const struct probe *scenario_pair_probe(struct bind *b, struct scenario *s,
					const struct expectation *e,
					const struct node *const ends[2], const struct place at[2]);

/* Reads one command, or one sentence, of the timeline. */
bool scenario_read_command(struct bind *b, struct scenario *s, const struct doc_node *node,
			   struct scenario_command *ret);
bool scenario_read_expectation(struct bind *b, struct scenario *s, const struct doc_node *node,
			       struct scenario_expectation *ret);

/*
 * Stores the path of a file that the scenario names, in its arena: a path is relative to the
 * scenario, a name is looked up in folder. NULL after reporting a mistake.
 */
char *scenario_find(struct bind *b, const struct scenario *s, const char *folder,
		    const struct text *name);
/* The same for a word that is always a path. */
char *scenario_path(struct bind *b, const struct scenario *s, const char *word);

/* scenario_vary.c: replace the value of instead.key in the commands, and in the profile. */
bool scenario_vary_timeline(struct bind *b, struct scenario *s);
bool scenario_vary_profile(struct bind *b, struct scenario *s, const struct doc_node *profile);

#endif
