/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A step of a timeline: a command's words, parsed by the tables of the command line, or one
 * of the words for workloads. Pure.
 */
#ifndef NETSIM_WORDS_STEP_H
#define NETSIM_WORDS_STEP_H

#include "netsim/netsim.h"
#include "netsim/words/split.h"

enum step_verb {
	STEP_PARTITION,
	STEP_FAULT,
	STEP_LINK,
	STEP_APPLY,
	STEP_CLEAR,
	STEP_HEAL,
	STEP_EXEC,
	STEP_PAUSE,
	STEP_CONTINUE,
	STEP_KILL,
	STEP_START,
	STEP_UP,
	STEP_COUNT,
};

extern const char *const step_words[STEP_COUNT + 1]; /* "partition", ... */

/* pause, continue, kill, start: WORKLOAD[/NODE] */
struct step_workload {
	const char *name; /* NULL: continue everything that is paused */
	const char *node; /* one member's node, a pattern or a selector; NULL: all of them */
	int signal;	  /* of kill; SIGTERM unless given */
};

/*
 * The texts belong to the step, and the structs have no fleet and no dry_run. Selectors
 * are still in the groups, targets and nodes.
 */
struct step {
	enum step_verb verb;
	struct split split;
	union {
		struct netsim_partition_opts partition;
		struct netsim_fault_opts fault;
		struct netsim_link_words link;
		struct netsim_apply_words apply; /* and clear */
		struct netsim_heal_words heal;
		struct netsim_exec_words exec;
		struct step_workload workload;
	};
};

/*
 * Parses "partition leader(etcd) --for 5s". Returns 0, or a negative errno with err (kind
 * USAGE, no location) and the offset of the wrong word in *bad. step_done() frees *ret.
 */
int step_parse(const char *text, struct step *ret, size_t *bad, struct netsim_err *err);
void step_done(struct step *step);

/* True for a step that adds a fault, whose deadline is then *step_for(step). */
bool step_is_fault(const struct step *step);
int64_t *step_for(struct step *step);
/* The name that a fault gets with --name, or NULL. */
const char *step_fault_name(const struct step *step);

/* True for a step that delays those after it until its program has ended, or is ready. */
static inline bool step_takes_time(const struct step *step)
{
	return step->verb == STEP_EXEC || step->verb == STEP_START;
}

/* The offset in the text of one of the step's words, or of a place in it. */
size_t step_offset(const struct step *step, const char *place);

#endif
